//! A Raft server as a process: the real clock, a real disk, TCP. What the simulation runs, unchanged.
//!
//! It takes one command a line on standard input: `propose TEXT` (answered by `ok INDEX TERM` or
//! `notleader sN`, `notleader -` where no leader is known), `state` (`state TERM ROLE LEADER COMMIT`) and
//! `stop`; the end of the input stops it as well. A line `applied INDEX TEXT` comes for every command that is
//! delivered, again after every restart, because the service here keeps nothing.
//!
//! The trace is one file an incarnation, `--trace t/s1` makes `t/s1-1.jsonl`, `t/s1-2.jsonl`, …. Each record is
//! written by one call to the system as it is made: `kill -9` cuts at most the last line, and only when the
//! system itself dies can the file lack more.

use anyhow::{Context, bail};
use clap::Parser;
use labrpc::real::{self, FileDisk, HostOptions, RealHost};
use labrpc::schema::{Durability, Header, Role, RunId, SCHEMA, Server};
use labrpc::tcp::{self, Connection, Listener};
use labrpc::{End, Host, JsonLines, Recorder, Served};
use raft::core::Config;
use raft::{Delivery, ProposeError, Raft, RaftEnd, RaftRpc};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// One server of a Raft cluster.
#[derive(Parser)]
struct Args {
    /// This server: s1, s2, ….
    #[arg(long, value_name = "SERVER")]
    me: Server,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    /// Another server, and where it listens.
    #[arg(long = "peer", value_name = "SERVER=ADDRESS", value_parser = peer)]
    peers: Vec<(Server, String)>,
    /// The directory that is its disk; made if it is missing.
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// Where its trace goes: this and `-INCARNATION.jsonl`.
    #[arg(long, value_name = "PREFIX")]
    trace: PathBuf,
    /// The cluster's name in the trace.
    #[arg(long, value_name = "NAME")]
    run: String,
    /// When the cluster's run began, in nanoseconds since 1970; the same for every server and incarnation.
    #[arg(long, value_name = "NS")]
    started: u64,
}

fn peer(text: &str) -> Result<(Server, String), String> {
    let (server, address) = text.split_once('=').ok_or("a peer is given as SERVER=ADDRESS")?;
    let server = server.parse().map_err(|why| format!("{why}"))?;
    Ok((server, address.to_owned()))
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let disk = FileDisk::open(&args.data)?;
    let trace = trace_file(&args.trace, disk.incarnation());
    // Never over an old one: it would be of another cluster that had the same name.
    let file = File::create_new(&trace);
    let file = file.with_context(|| format!("cannot make the trace {}", trace.display()))?;
    let lines = JsonLines::new(file, &header(&args)).context("cannot write the trace's header")?;
    let result = lines.listen(|| real::run(serve(args, disk)))?;
    lines.finish().with_context(|| format!("{} has not all records", trace.display()))?;
    result
}

fn trace_file(prefix: &Path, incarnation: u32) -> PathBuf {
    let mut name = prefix.as_os_str().to_owned();
    name.push(format!("-{incarnation}.jsonl"));
    name.into()
}

fn servers(args: &Args) -> Vec<Server> {
    let mut servers: Vec<Server> = args.peers.iter().map(|(server, _)| *server).chain([args.me]).collect();
    servers.sort_unstable();
    servers.dedup();
    servers
}

fn header(args: &Args) -> Header {
    Header {
        schema: SCHEMA,
        run: RunId { name: args.run.clone(), seed: args.started },
        kit: env!("CARGO_PKG_VERSION").to_owned(),
        servers: servers(args),
        voters: servers(args),
        scripted: Vec::new(),
        durability: Durability::Real,
    }
}

/// Runs the server until it is told to stop.
async fn serve(args: Args, disk: FileDisk) -> anyhow::Result<()> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let elapsed = since_1970.saturating_sub(Duration::from_nanos(args.started));
    let host = RealHost::new(args.me.into(), disk, HostOptions { elapsed, seed: None })?;
    let listener = Listener::bind(args.listen.as_str());
    let listener = listener.await.with_context(|| format!("cannot listen at {}", args.listen))?;
    let config = Config::new(servers(&args), Durability::Real);
    let recorder = host.recorder().clone();
    let peers = args.peers.iter().map(|(server, address)| (*server, end(&recorder, address)));
    let raft = Raft::start(host.clone(), args.me, peers, config, Box::new(print_delivery))?;
    let last = Rc::new(move || recorder.last());
    let served = Served::new(args.me.into(), last, raft.service().serve());
    let server = tcp::serve(listener, served);
    let mut commands = read_commands();
    loop {
        tokio::select! {
            message = host.ended() => bail!("the server failed: {}", message.unwrap_or_default()),
            command = commands.recv() => match command {
                Some(command) if command != "stop" => say(&answer(&raft, &command).await),
                _ => break,
            },
        }
    }
    // No record after this one is half-way: what is recorded is in the file.
    host.end();
    server.stop().await;
    Ok(())
}

fn end(recorder: &Recorder, address: &str) -> RaftEnd {
    let (me, recorder) = (recorder.node(), recorder.clone());
    let connection = Connection::new(address, tcp::Options::default());
    End::over_tcp(me, Rc::new(move || recorder.last()), connection)
}

/// The lines of standard input. A thread of its own reads them, since a read cannot be given up.
fn read_commands() -> mpsc::UnboundedReceiver<String> {
    let (to, commands) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if to.send(line).is_err() {
                return;
            }
        }
    });
    commands
}

async fn answer(raft: &Raft, command: &str) -> String {
    let leader = |leader: Option<Server>| leader.map_or("-".to_owned(), |leader| leader.to_string());
    match command.split_once(' ').unwrap_or((command, "")) {
        ("propose", text) => match raft.propose(text.as_bytes().to_vec()).await {
            Ok((index, term)) => format!("ok {index} {term}"),
            Err(ProposeError::NotLeader(_)) => format!("notleader {}", leader(raft.state().leader_id)),
            Err(ProposeError::Gone) => "gone".to_owned(),
        },
        ("state", "") => {
            let state = raft.state();
            let role = match state.role {
                Role::Follower => "follower",
                Role::PreCandidate => "preCandidate",
                Role::Candidate => "candidate",
                Role::Leader => "leader",
            };
            format!("state {} {role} {} {}", state.term, leader(state.leader_id), state.commit_index)
        }
        _ => format!("no command is called `{command}`: write propose TEXT, state or stop"),
    }
}

fn print_delivery(delivery: Delivery) {
    match delivery {
        Delivery::Command { index, command, .. } => {
            say(&format!("applied {index} {}", String::from_utf8_lossy(&command)));
        }
        // Nobody here takes snapshots.
        Delivery::Snapshot(snap) => say(&format!("restored {}", snap.index)),
    }
}

/// Writes a line. Whoever does not read it has gone, and closes the input too.
fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}
