//! Tests of what `labrpc` itself owns: ends, TCP, trace files. The simulation has its own.

mod cases {
    mod echo;
    mod end;
    mod jsonl;
    mod peer;
    mod tcp_calls;
    mod tcp_peers;
    mod tcp_servers;
}
