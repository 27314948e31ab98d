//! Hand-made traces in few words.
//!
//! A `Script` keeps each node's incarnation, number and state, and remembers sent messages, so that a test
//! says only what matters to it. It checks nothing: tests need broken traces too.

use std::collections::BTreeMap;
use tracecheck::schema::{
    Action, Durability, Event, Header, Index, Kind, KvKind, Node, Op, Record, RejectReason, Role, RunId,
    SCHEMA, Server, Stamp, State, Term, Timer, write_header, write_record,
};

pub(crate) const FRESH: State = State {
    term: 0,
    role: Role::Follower,
    voted_for: None,
    leader_id: None,
    commit_index: 0,
    last_index: 0,
    last_term: 0,
};

#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) header: Header,
    pub(crate) records: Vec<Record>,
    next: BTreeMap<Node, (u32, u64)>,
    states: BTreeMap<u8, State>,
    messages: BTreeMap<Stamp, (Kind, Server, Term)>,
    pub(crate) kv_messages: BTreeMap<Stamp, (KvKind, Node, Op)>,
}

pub(crate) fn s(number: u8) -> Server {
    Server(number)
}

impl Script {
    /// `servers` servers, all voters, none started; disks are assumed to keep everything.
    pub(crate) fn of(servers: u8) -> Script {
        let all: Vec<Server> = (1..=servers).map(Server).collect();
        let header = Header {
            schema: SCHEMA,
            run: RunId { name: "example".to_owned(), seed: 1 },
            kit: "0.1.0".to_owned(),
            servers: all.clone(),
            voters: all,
            scripted: vec![],
            durability: Durability::Assumed,
        };
        Script {
            header,
            records: vec![],
            next: BTreeMap::new(),
            states: BTreeMap::new(),
            messages: BTreeMap::new(),
            kv_messages: BTreeMap::new(),
        }
    }

    /// The same, all started.
    pub(crate) fn started(servers: u8) -> Script {
        let mut script = Script::of(servers);
        (1..=servers).for_each(|number| {
            script.start(number);
        });
        script
    }

    pub(crate) fn real(mut self) -> Script {
        self.header.durability = Durability::Real;
        self
    }

    pub(crate) fn scripted(mut self, number: u8) -> Script {
        self.header.scripted.push(Server(number));
        self
    }

    /// Changes the state that the server's next records carry.
    pub(crate) fn set(&mut self, number: u8, change: impl FnOnce(&mut State)) -> &mut Script {
        change(self.states.entry(number).or_insert(FRESH));
        self
    }

    /// The state that the server's next records carry.
    pub(crate) fn state(&mut self, number: u8) -> State {
        *self.states.entry(number).or_insert(FRESH)
    }

    pub(crate) fn log(&mut self, number: u8, last_index: Index, last_term: Term) -> &mut Script {
        self.set(number, |state| (state.last_index, state.last_term) = (last_index, last_term))
    }

    /// The next records of the node are of its next incarnation.
    pub(crate) fn new_incarnation(&mut self, node: impl Into<Node>) {
        let next = self.next.entry(node.into()).or_insert((1, 1));
        *next = (next.0 + 1, 1);
    }

    /// The node's next records are numbered as if it had recorded some more.
    pub(crate) fn skip(&mut self, node: impl Into<Node>, records: u64) {
        self.next.entry(node.into()).or_insert((1, 1)).1 += records;
    }

    pub(crate) fn push(
        &mut self,
        node: impl Into<Node>,
        event: Event,
        state: Option<State>,
        cause: Option<Stamp>,
    ) -> Stamp {
        let node = node.into();
        let next = self.next.entry(node).or_insert((1, 1));
        let at = Stamp { node, inc: next.0, seq: next.1 };
        next.1 += 1;
        let t_ns = (self.records.len() as u64 + 1) * 1_000_000;
        self.records.push(Record { at, t_ns, event, state, cause, clock: None });
        at
    }

    /// A record of a server, with its state.
    pub(crate) fn act(&mut self, number: u8, event: Event) -> Stamp {
        let state = *self.states.entry(number).or_insert(FRESH);
        self.push(s(number), event, Some(state), None)
    }

    pub(crate) fn start(&mut self, number: u8) -> Stamp {
        self.act(number, Event::ServerStart { server_id: s(number) })
    }

    pub(crate) fn crash(&mut self, number: u8) -> Stamp {
        self.push(Node::Net, Event::Crash { server_id: s(number) }, None, None)
    }

    /// A crash and a start with this state. Of a real disk the trace says what it held: just that, without
    /// entries.
    pub(crate) fn restart(&mut self, number: u8, restored: State) -> Stamp {
        let at = self.restart_bare(number, restored);
        if self.header.durability == Durability::Real {
            let State { term, voted_for, .. } = restored;
            self.restored(number, (term, voted_for), (0, 0), &[]);
        }
        at
    }

    /// A crash and a start with this state; nothing says what the disk held.
    pub(crate) fn restart_bare(&mut self, number: u8, restored: State) -> Stamp {
        self.crash(number);
        self.new_incarnation(s(number));
        self.states.insert(number, restored);
        self.start(number)
    }

    pub(crate) fn timeout(&mut self, number: u8) -> Stamp {
        self.act(number, Event::CoordFail { server_id: s(number) })
    }

    pub(crate) fn proposal(&mut self, number: u8, term: Term) -> Stamp {
        self.act(number, Event::Proposal { server_id: s(number), term })
    }

    pub(crate) fn ask(&mut self, number: u8, term: Term) -> Stamp {
        self.act(number, Event::VoteRequest { server_id: s(number), term })
    }

    pub(crate) fn confirm(&mut self, voter: u8, candidate: u8, term: Term) -> Stamp {
        self.act(voter, Event::VoteConfirm { server_id: s(voter), candidate_server_id: s(candidate), term })
    }

    pub(crate) fn refuse(
        &mut self,
        voter: u8,
        candidate: u8,
        term: Term,
        reason: Option<RejectReason>,
    ) -> Stamp {
        let (server_id, candidate_server_id) = (s(voter), s(candidate));
        self.act(voter, Event::VoteReject { server_id, candidate_server_id, term, reason })
    }

    pub(crate) fn accepted(&mut self, number: u8, term: Term) -> Stamp {
        self.act(number, Event::ProposalAccepted { server_id: s(number), term })
    }

    pub(crate) fn elected(&mut self, number: u8, term: Term) -> Stamp {
        self.set(number, |state| (state.role, state.leader_id) = (Role::Leader, Some(s(number))));
        self.act(number, Event::CoordElected { server_id: s(number), term })
    }

    /// A sync ended: the disk holds the server's state.
    pub(crate) fn sync(&mut self, number: u8) -> Stamp {
        let State { term, voted_for, last_index, last_term, .. } =
            *self.states.entry(number).or_insert(FRESH);
        let durable = Event::Durable { term, voted_for, last_index, last_term, snap_index: 0 };
        self.push(s(number), durable, None, None)
    }

    pub(crate) fn send(&mut self, from: u8, kind: Kind, to: u8, term: Term) -> Stamp {
        let votes_for = (kind == Kind::VoteRequest).then_some(s(from));
        self.send_with(from, kind, to, term, votes_for, None)
    }

    pub(crate) fn send_with(
        &mut self,
        from: u8,
        kind: Kind,
        to: u8,
        term: Term,
        votes_for: Option<Server>,
        match_index: Option<Index>,
    ) -> Stamp {
        let at =
            self.push(s(from), Event::Send { kind, to: s(to), term, votes_for, match_index }, None, None);
        self.messages.insert(at, (kind, s(from), term));
        at
    }

    pub(crate) fn recv(&mut self, number: u8, message: Stamp) -> Stamp {
        self.recv_arming(number, message, &[])
    }

    pub(crate) fn recv_arming(&mut self, number: u8, message: Stamp, armed: &[Timer]) -> Stamp {
        let (kind, from, term) = self.messages[&message];
        let state = *self.states.entry(number).or_insert(FRESH);
        let event = Event::Recv { kind, from, term, armed: armed.to_vec() };
        self.push(s(number), event, Some(state), Some(message))
    }

    /// An election timeout, and the candidacy that follows it. Its vote is synced where disks are real.
    pub(crate) fn campaign(&mut self, number: u8, term: Term) {
        self.set(number, |state| {
            (state.term, state.role, state.voted_for) = (term, Role::Candidate, Some(s(number)));
            state.leader_id = None;
        });
        self.timeout(number);
        self.proposal(number, term);
        self.confirm(number, number, term);
        self.ask(number, term);
        if self.header.durability == Durability::Real {
            self.sync(number);
        }
    }

    /// A vote request that arrives and moves the voter into its term.
    pub(crate) fn asked(&mut self, candidate: u8, voter: u8, term: Term) -> Stamp {
        let message = self.send(candidate, Kind::VoteRequest, voter, term);
        self.set(voter, |state| {
            if state.term < term {
                (state.term, state.role, state.voted_for, state.leader_id) =
                    (term, Role::Follower, None, None);
            }
        });
        self.recv(voter, message)
    }

    /// A vote that is asked for and given. Returns the reply, which has not arrived.
    pub(crate) fn grant(&mut self, candidate: u8, voter: u8, term: Term) -> Stamp {
        self.set(voter, |state| (state.term, state.voted_for) = (term, Some(s(candidate))));
        let message = self.send(candidate, Kind::VoteRequest, voter, term);
        self.recv(voter, message);
        self.confirm(voter, candidate, term);
        if self.header.durability == Durability::Real {
            self.sync(voter);
        }
        self.send_with(voter, Kind::VoteReply, candidate, term, Some(s(candidate)), None)
    }

    /// A whole election that `number` wins with the vote of `voter`.
    pub(crate) fn election(&mut self, number: u8, voter: u8, term: Term) {
        self.campaign(number, term);
        let reply = self.grant(number, voter, term);
        self.set(number, |state| (state.role, state.leader_id) = (Role::Leader, Some(s(number))));
        self.recv(number, reply);
        self.accepted(number, term);
        self.elected(number, term);
    }

    /// A heartbeat of a leader that arrives at a follower in its term.
    pub(crate) fn heartbeat(&mut self, leader: u8, follower: u8, term: Term) -> Stamp {
        let message = self.send(leader, Kind::AppendRequest, follower, term);
        self.set(follower, |state| {
            if state.term < term {
                (state.term, state.voted_for) = (term, None);
            }
            (state.role, state.leader_id) = (Role::Follower, Some(s(leader)));
        });
        self.recv_arming(follower, message, &[Timer::Election])
    }

    /// Takes the state off the last record of this action.
    pub(crate) fn strip_state(&mut self, action: Action) -> &mut Script {
        let last = self.records.iter_mut().rev().find(|record| record.event.action() == action);
        last.expect("the script has such a record").state = None;
        self
    }

    /// Removes a record: what a killed process never wrote, or what got lost.
    pub(crate) fn remove(&mut self, at: Stamp) -> &mut Script {
        self.records.retain(|record| record.at != at);
        self
    }

    /// Adds the end of the run.
    pub(crate) fn end(mut self) -> Script {
        let records = self.records.len() as u64;
        self.push(Node::Run, Event::RunEnd { records, completed: true }, None, None);
        self
    }

    /// Adds the end of a run that was stopped early.
    pub(crate) fn stopped(mut self) -> Script {
        let records = self.records.len() as u64;
        self.push(Node::Run, Event::RunEnd { records, completed: false }, None, None);
        self
    }

    /// The trace as a file.
    pub(crate) fn text(&self) -> String {
        let mut out = Vec::new();
        write_header(&self.header, &mut out);
        self.records.iter().for_each(|record| write_record(record, &mut out));
        String::from_utf8(out).expect("a trace is text")
    }
}
