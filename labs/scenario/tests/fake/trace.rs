//! Traces by hand: a builder that numbers records, and an election among three servers.

use super::{S1, S2, S3, stamp};
use std::collections::BTreeMap;
use tracecheck_schema::{
    Durability, Event, Header, Kind, Record, Role, RunId, SCHEMA, Server, Stamp, State, Term, Timer,
};

pub(crate) struct Trace {
    pub(crate) records: Vec<Record>,
    last: BTreeMap<Server, u64>,
    t_ns: u64,
}

pub(crate) fn header(name: &str, seed: u64) -> Header {
    Header {
        schema: SCHEMA,
        run: RunId { name: name.to_owned(), seed },
        kit: "0.1.0".to_owned(),
        servers: vec![S1, S2, S3],
        voters: vec![S1, S2, S3],
        scripted: vec![],
        durability: Durability::Assumed,
    }
}

pub(crate) fn follower(term: Term, voted_for: Option<Server>, leader_id: Option<Server>) -> State {
    State { term, role: Role::Follower, voted_for, leader_id, commit_index: 0, last_index: 0, last_term: 0 }
}

pub(crate) fn leader(term: Term, me: Server) -> State {
    State { role: Role::Leader, ..follower(term, Some(me), Some(me)) }
}

impl Trace {
    /// Adds a record a bit later than the last one. Returns its stamp.
    pub(crate) fn put(&mut self, server: Server, event: Event, state: State, cause: Option<Stamp>) -> Stamp {
        let last = self.last.entry(server).or_insert(0);
        *last += 1;
        let at = stamp(server, *last);
        self.t_ns += 20_000_000;
        self.records.push(Record { at, t_ns: self.t_ns, event, state: Some(state), cause, clock: None });
        at
    }

    /// s1 becomes the leader of term 1 with the vote of s2; s3 hears of nothing.
    pub(crate) fn elected(seed: u64) -> Trace {
        let mut trace =
            Trace { records: vec![], last: BTreeMap::new(), t_ns: 100_000_000 + 1_000 * (seed % 64) };
        let (fresh, term) = (follower(0, None, None), 1);
        for server in [S1, S2, S3] {
            trace.put(server, Event::ServerStart { server_id: server }, fresh, None);
        }
        let asks = State { role: Role::Candidate, ..follower(term, Some(S1), None) };
        trace.put(S1, Event::CoordFail { server_id: S1 }, fresh, None);
        trace.put(S1, Event::Proposal { server_id: S1, term }, asks, None);
        trace.put(S1, Event::VoteRequest { server_id: S1, term }, asks, None);
        trace.put(S1, Event::VoteConfirm { server_id: S1, candidate_server_id: S1, term }, asks, None);
        let left = trace.put(S1, send(Kind::VoteRequest, S2, None), asks, None);
        let votes = follower(term, Some(S1), None);
        trace.put(S2, recv(Kind::VoteRequest, S1, vec![Timer::Election]), votes, Some(left));
        trace.put(S2, Event::VoteConfirm { server_id: S2, candidate_server_id: S1, term }, votes, None);
        let left = trace.put(S2, send(Kind::VoteReply, S1, Some(S1)), votes, None);
        let leads = leader(term, S1);
        trace.put(S1, recv(Kind::VoteReply, S2, vec![Timer::Heartbeat]), leads, Some(left));
        trace.put(S1, Event::ProposalAccepted { server_id: S1, term }, leads, None);
        trace.put(S1, Event::CoordElected { server_id: S1, term }, leads, None);
        trace
    }
}

fn send(kind: Kind, to: Server, votes_for: Option<Server>) -> Event {
    Event::Send { kind, to, term: 1, votes_for, match_index: None }
}

fn recv(kind: Kind, from: Server, armed: Vec<Timer>) -> Event {
    Event::Recv { kind, from, term: 1, armed }
}
