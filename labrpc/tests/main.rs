//! Tests of what `labrpc` itself owns: ends, TCP, trace files, the real world. The simulation has its own.

mod cases {
    mod echo;
    mod end;
    mod jsonl;
    mod peer;
    mod real_disk;
    mod real_host;
    mod tcp_calls;
    mod tcp_peers;
    mod tcp_servers;
}
