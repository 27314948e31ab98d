//! How long the judge takes for a record: `cargo run --release -p tracecheck --example speed`.

use std::time::Instant;
use tracecheck::schema::{
    Durability, Event, Header, Kind, Node, Record, Role, RunId, SCHEMA, Server, Stamp, State, Timer,
};
use tracecheck::{End, Judge, Verdicts};

/// A cluster of five that elects a leader every `PERIOD` heartbeat rounds.
const SERVERS: u8 = 5;
const ROUNDS: u64 = 40_000;
const PERIOD: u64 = 50;

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

    fn send(&mut self, from: u8, to: u8, kind: Kind, term: u64, vote: Option<Server>) -> Stamp {
        let match_index = (kind == Kind::AppendReply).then_some(0);
        let event = Event::Send { kind, to: Server(to), term, votes_for: vote, match_index };
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
        self.states[usize::from(leader)] =
            State { term, role: Role::Candidate, voted_for: Some(me), ..FRESH };
        self.push(leader, Event::CoordFail { server_id: me }, false, None);
        self.push(leader, Event::Proposal { server_id: me, term }, false, None);
        self.push(leader, Event::VoteConfirm { server_id: me, candidate_server_id: me, term }, false, None);
        self.push(leader, Event::VoteRequest { server_id: me, term }, false, None);
        self.sync(leader);
        for voter in (1..=SERVERS).filter(|voter| *voter != leader) {
            let sent = self.send(leader, voter, Kind::VoteRequest, term, Some(me));
            self.states[usize::from(voter)] = State { term, voted_for: Some(me), ..FRESH };
            self.recv(voter, leader, Kind::VoteRequest, term, sent);
            let server_id = Server(voter);
            self.push(voter, Event::VoteConfirm { server_id, candidate_server_id: me, term }, false, None);
            self.sync(voter);
            let sent = self.send(voter, leader, Kind::VoteReply, term, Some(me));
            self.recv(leader, voter, Kind::VoteReply, term, sent);
        }
        self.states[usize::from(leader)].role = Role::Leader;
        self.push(leader, Event::ProposalAccepted { server_id: me, term }, false, None);
        self.push(leader, Event::CoordElected { server_id: me, term }, false, None);
    }

    fn heartbeats(&mut self, leader: u8, term: u64) {
        for follower in (1..=SERVERS).filter(|follower| *follower != leader) {
            let sent = self.send(leader, follower, Kind::AppendRequest, term, None);
            self.recv(follower, leader, Kind::AppendRequest, term, sent);
            let confirm = Event::AppendConfirm { to: Server(leader), term, match_index: 0 };
            self.push(follower, confirm, false, None);
            let sent = self.send(follower, leader, Kind::AppendReply, term, None);
            self.recv(leader, follower, Kind::AppendReply, term, sent);
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

fn main() {
    let servers: Vec<Server> = (1..=SERVERS).map(Server).collect();
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: "speed".to_owned(), seed: 1 },
        kit: "0.1.0".to_owned(),
        servers: servers.clone(),
        voters: servers.clone(),
        scripted: vec![],
        durability: Durability::Real,
    };
    let states = vec![FRESH; usize::from(SERVERS) + 1];
    let mut maker = Maker { records: vec![], seqs: [0; SERVERS as usize + 1], states };
    for server in &servers {
        maker.push(server.0, Event::ServerStart { server_id: *server }, false, None);
    }
    for round in 0..ROUNDS {
        let term = round / PERIOD + 1;
        let leader = u8::try_from(term % u64::from(SERVERS)).expect("a small number") + 1;
        if round % PERIOD == 0 {
            maker.election(leader, term);
        }
        maker.heartbeats(leader, term);
    }
    for _ in 0..3 {
        let began = Instant::now();
        let verdicts = judge(&header, &maker.records);
        let per_record = began.elapsed().as_nanos() / maker.records.len() as u128;
        println!("{} records, {per_record} ns a record, {:?}", maker.records.len(), verdicts.overall());
    }
}
