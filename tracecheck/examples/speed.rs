//! How fast the judge is: `cargo run --release -p tracecheck --example speed [RECORDS [FILE]]`.
//!
//! Makes a run of five servers with real disks, as long as asked for (a million records unless said), in which
//! a leader is elected again and again and commits a command a round; judges it in memory, writes it to a file,
//! and parses and judges that file as `tracecheck check` does. FILE is kept; else the file is a temporary one.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::time::{Duration, Instant};
use tracecheck::read::Reader;
use tracecheck::schema::{
    Durability, EntryId, Event, Header, Kind, Node, Record, Role, RunId, SCHEMA, Server, Stamp, State, Timer,
    write_header, write_record,
};
use tracecheck::{End, Judge, Offline, Verdicts};

/// A cluster of five that elects a leader every `PERIOD` rounds, and commits a command in each.
const SERVERS: u8 = 5;
const PERIOD: u64 = 50;
/// How often the time is taken; the best counts.
const TRIES: u32 = 3;

struct Maker {
    records: Vec<Record>,
    seqs: [u64; SERVERS as usize + 1],
    states: Vec<State>,
}

impl Maker {
    fn push(&mut self, server: u8, event: Event, bare: bool, cause: Option<Stamp>) -> Stamp {
        let index = usize::from(server);
        self.seqs[index] += 1;
        let at = Stamp { node: Node::Server(Server(server)), inc: 1, seq: self.seqs[index] };
        let state = if bare { None } else { Some(self.states[index]) };
        let t_ns = self.records.len() as u64 * 1_000;
        self.records.push(Record { at, t_ns, event, state, cause, clock: None });
        at
    }

    fn send(&mut self, from: u8, to: u8, kind: Kind, term: u64, promise: Option<u64>) -> Stamp {
        let votes = matches!(kind, Kind::VoteRequest | Kind::VoteReply);
        let votes_for = votes.then_some(Server(if kind == Kind::VoteReply { to } else { from }));
        let event = Event::Send { kind, to: Server(to), term, votes_for, match_index: promise };
        self.push(from, event, true, None)
    }

    fn recv(&mut self, server: u8, from: u8, kind: Kind, term: u64, cause: Stamp) {
        let armed = if kind == Kind::AppendRequest { vec![Timer::Election] } else { vec![] };
        self.push(server, Event::Recv { kind, from: Server(from), term, armed }, false, Some(cause));
    }

    fn sync(&mut self, server: u8) {
        let State { term, voted_for, last_index, last_term, .. } = self.states[usize::from(server)];
        self.push(
            server,
            Event::Durable { term, voted_for, last_index, last_term, snap_index: 0 },
            true,
            None,
        );
    }

    fn election(&mut self, leader: u8, term: u64) {
        let me = Server(leader);
        self.candidate(leader, term, me, Role::Candidate);
        self.push(leader, Event::CoordFail { server_id: me }, false, None);
        self.push(leader, Event::Proposal { server_id: me, term }, false, None);
        self.push(leader, Event::VoteConfirm { server_id: me, candidate_server_id: me, term }, false, None);
        self.push(leader, Event::VoteRequest { server_id: me, term }, false, None);
        self.sync(leader);
        for voter in (1..=SERVERS).filter(|voter| *voter != leader) {
            let sent = self.send(leader, voter, Kind::VoteRequest, term, None);
            self.candidate(voter, term, me, Role::Follower);
            self.recv(voter, leader, Kind::VoteRequest, term, sent);
            let server_id = Server(voter);
            self.push(voter, Event::VoteConfirm { server_id, candidate_server_id: me, term }, false, None);
            self.sync(voter);
            let sent = self.send(voter, leader, Kind::VoteReply, term, None);
            self.recv(leader, voter, Kind::VoteReply, term, sent);
        }
        self.states[usize::from(leader)].role = Role::Leader;
        self.push(leader, Event::ProposalAccepted { server_id: me, term }, false, None);
        self.push(leader, Event::CoordElected { server_id: me, term }, false, None);
    }

    fn candidate(&mut self, server: u8, term: u64, vote: Server, role: Role) {
        let state = &mut self.states[usize::from(server)];
        (state.term, state.voted_for, state.role) = (term, Some(vote), role);
    }

    /// Writes an entry at the end of a log.
    fn write(&mut self, server: u8, entry: EntryId) {
        let state = &mut self.states[usize::from(server)];
        (state.last_index, state.last_term) = (entry.0, entry.1);
        let (term, voted_for) = (state.term, state.voted_for);
        self.push(
            server,
            Event::LogWrite { term, voted_for, from: entry.0, entries: vec![entry] },
            false,
            None,
        );
    }

    /// One command: appended, confirmed, committed by the leader, applied; the others learn of it with the next.
    fn command(&mut self, leader: u8, term: u64) {
        let State { last_index, last_term, commit_index, .. } = self.states[usize::from(leader)];
        let entry = EntryId(last_index + 1, term, last_index + 1_000);
        self.write(leader, entry);
        let others = (1..=SERVERS).filter(|other| *other != leader);
        let append = |to: u8| Event::AppendEntry {
            to: Server(to),
            term,
            prev_index: last_index,
            prev_term: last_term,
            entries: vec![entry],
            leader_commit: commit_index,
        };
        let mut sent = Vec::new();
        for to in others.clone() {
            self.push(leader, append(to), false, None);
        }
        others.clone().for_each(|to| sent.push((to, self.send(leader, to, Kind::AppendRequest, term, None))));
        self.sync(leader);
        for (follower, message) in sent {
            let known = self.states[usize::from(follower)].commit_index;
            let state = &mut self.states[usize::from(follower)];
            state.commit_index = commit_index.max(known);
            // All records of a step carry the state after it.
            (state.last_index, state.last_term) = (entry.0, entry.1);
            self.recv(follower, leader, Kind::AppendRequest, term, message);
            self.write(follower, entry);
            let confirm = Event::AppendConfirm { to: Server(leader), term, match_index: entry.0 };
            self.push(follower, confirm, false, None);
            self.learned(follower, term, known);
            self.sync(follower);
            let sent = self.send(follower, leader, Kind::AppendReply, term, Some(entry.0));
            self.recv(leader, follower, Kind::AppendReply, term, sent);
        }
        self.states[usize::from(leader)].commit_index = entry.0;
        self.learned(leader, term, commit_index);
    }

    /// What a server takes for committed after it knew of `known`, and applies.
    fn learned(&mut self, server: u8, term: u64, known: u64) {
        for index in known + 1..=self.states[usize::from(server)].commit_index {
            let (entry_term, operation) = ((index - 1) / PERIOD + 1, index + 999);
            let leads = self.states[usize::from(server)].role == Role::Leader;
            let event = if leads {
                Event::CoordCommit { term, index, entry_term, operation }
            } else {
                Event::ServerCommit { term, index, entry_term, operation }
            };
            self.push(server, event, false, None);
            self.push(server, Event::Apply { index, operation }, false, None);
        }
    }
}

const FRESH: State = State {
    term: 0,
    role: Role::Follower,
    voted_for: None,
    leader_id: None,
    commit_index: 0,
    last_index: 0,
    last_term: 0,
};

fn judge(header: &Header, records: &[Record]) -> Verdicts {
    let mut judge = Judge::new(header);
    for record in records {
        if let Some(violation) = judge.observe(record) {
            println!("{violation}");
        }
    }
    judge.finish(End::Complete)
}

/// The best of several times.
fn best(mut run: impl FnMut() -> Verdicts) -> Duration {
    let time = || {
        let began = Instant::now();
        let verdicts = run();
        assert_eq!(verdicts.overall(), tracecheck::Overall::Pass, "the run is correct: {verdicts:?}");
        began.elapsed()
    };
    std::iter::repeat_with(time).take(TRIES as usize).min().unwrap_or_default()
}

fn report(what: &str, records: usize, took: Duration) {
    let per_record = took.as_nanos() / records as u128;
    println!(
        "{what:<22} {:>8.2} M records/s, {per_record:>5} ns a record",
        records as f64 / took.as_secs_f64() / 1e6
    );
}

fn parse(path: &std::path::Path, mut each: impl FnMut(u64, Record)) {
    let file = BufReader::with_capacity(1 << 16, File::open(path).expect("the file is there"));
    let (_, mut reader) = Reader::open(file).expect("it has a header");
    while let Some(next) = reader.next_record() {
        let (line, record) = next.expect("it is a trace");
        each(line, record);
    }
}

fn make(header: &Header, wanted: usize) -> Vec<Record> {
    let states = vec![FRESH; usize::from(SERVERS) + 1];
    let mut maker = Maker { records: vec![], seqs: [0; SERVERS as usize + 1], states };
    for server in &header.servers {
        maker.push(server.0, Event::ServerStart { server_id: *server }, false, None);
    }
    let mut round = 0;
    while maker.records.len() < wanted {
        let term = round / PERIOD + 1;
        let leader = u8::try_from(term % u64::from(SERVERS)).expect("a small number") + 1;
        if round % PERIOD == 0 {
            maker.election(leader, term);
        }
        maker.command(leader, term);
        round += 1;
    }
    let at = Stamp { node: Node::Run, inc: 1, seq: 1 };
    let event = Event::RunEnd { records: maker.records.len() as u64, completed: true };
    maker.records.push(Record { at, t_ns: 0, event, state: None, cause: None, clock: None });
    maker.records
}

fn main() {
    let wanted = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let servers: Vec<Server> = (1..=SERVERS).map(Server).collect();
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: "speed".to_owned(), seed: 1 },
        kit: "0.1.0".to_owned(),
        servers: servers.clone(),
        voters: servers,
        scripted: vec![],
        durability: Durability::Real,
    };
    let records = make(&header, wanted);
    report("judging in memory", records.len(), best(|| judge(&header, &records)));
    let kept = std::env::args().nth(2).map(std::path::PathBuf::from);
    let temporary = || std::env::temp_dir().join(format!("raftlab-speed-{}.jsonl", std::process::id()));
    let path = kept.clone().unwrap_or_else(temporary);
    let mut file = BufWriter::new(File::create(&path).expect("the file can be written"));
    let mut lines = Vec::new();
    write_header(&header, &mut lines);
    for record in &records {
        write_record(record, &mut lines);
        if lines.len() > 1 << 16 {
            file.write_all(&lines).expect("the file can be written");
            lines.clear();
        }
    }
    file.write_all(&lines).and_then(|()| file.flush()).expect("the file can be written");
    let count = records.len();
    drop(records);
    let began = Instant::now();
    parse(&path, |_, _| {});
    report("parsing the file", count, began.elapsed());
    let whole = best(|| {
        let mut offline = Offline::new(&header);
        parse(&path, |line, record| offline.push(line, record));
        offline.finish(false).0
    });
    report("parsing and judging", count, whole);
    let bytes = std::fs::metadata(&path).map_or(0, |found| found.len());
    println!("the file has {} records and {:.1} MB", count, bytes as f64 / 1e6);
    if kept.is_none() {
        let _ = std::fs::remove_file(&path);
    }
}
