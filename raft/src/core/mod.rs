//! The core: Raft as a pure state machine. An input goes in, effects come out, and nothing else happens.
//!
//! Owns the algorithm and its state, one file a topic:
//! - `election`: terms, votes, leaders (lab 2A, the student's)
//! - `persistence`: what must be on the disk before what leaves (lab 2C, the student's)
//! - `quorum`: who votes, and what a quorum is; the only place that counts
//! - `log`, `message`, `config`: the data that they share
//!
//! Invariants
//! - Effects are in order, and their order is a claim about durability: a reply or a message waits for
//!   every write emitted before it, in any step. Only a leader's AppendEntries may leave `now`.
//! - Roles change only in `become_*`.
//!
//! Never: performs I/O, reads a clock, draws a random number, records an event, or iterates in an order
//! that a run could not repeat.

mod config;
mod election;
mod log;
mod message;
mod persistence;
mod quorum;

pub use config::{Config, ConfigError};
pub use log::{Entry, Log};
pub use message::{
    AppendArgs, AppendReply, Call, Effect, Input, Ms, Rep, Req, Saved, VoteArgs, VoteReply, Write,
};
pub use quorum::Membership;

use labrpc::schema::{Durability, Index, Role, Server, State, Term, Timer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What Figure 2 calls persistent state, but for the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hard {
    /// The latest term seen.
    pub term: Term,
    /// Who received this server's vote in `term`.
    pub vote: Option<Server>,
}

/// One Raft server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core {
    /// This server.
    me: Server,
    /// Times and limits; never changes.
    config: Config,
    /// Who takes part, and who votes.
    membership: Membership,
    /// The latest term seen. First 0; never falls. (Figure 2: currentTerm)
    term: Term,
    /// Who received this server's vote in `term`. First nobody; set once a term. (Figure 2: votedFor)
    vote: Option<Server>,
    /// What this server is now. Moved only by `become_*`.
    role: Role,
    /// The leader of `term`, as far as this server knows and as long as it believes that one alive: set by
    /// an AppendEntries, cleared when the election timer fires or the term rises. A leader's own is itself.
    leader: Option<Server>,
    /// Who granted the vote (or pre-vote) that is being asked for; empty unless (pre-)candidate.
    votes: BTreeSet<Server>,
    /// Who answered this leader since its last check for a quorum; empty unless leader.
    heard: BTreeSet<Server>,
    /// The log.
    log: Log,
    /// The highest index known to be committed. First 0; never falls; at most the last index.
    commit: Index,
}

impl Core {
    /// A server as it is after a (re)start: a follower with what its disk had `saved`, and its first effects.
    pub fn restore(me: Server, config: Config, saved: Saved) -> (Core, Vec<Effect>) {
        let membership = Membership::of(config.voters.iter().copied());
        let mut core = Core {
            me,
            membership,
            term: 0,
            vote: None,
            role: Role::Follower,
            leader: None,
            votes: BTreeSet::new(),
            heard: BTreeSet::new(),
            log: Log::default(),
            commit: 0,
            config,
        };
        match core.config.durability {
            Durability::Real => core.recover(saved),
            Durability::Assumed => {
                core.term = saved.hard.term;
                core.vote = saved.hard.vote;
                core.log = saved.log;
            }
        }
        let effects = vec![Effect::SetTimer(Timer::Election, core.config.election_timeout.clone())];
        (core, effects)
    }

    /// Handles one input and appends what follows from it to `out`, in order.
    pub fn step(&mut self, input: Input, out: &mut Vec<Effect>) {
        let before = self.hard();
        let mut effects = Vec::new();
        match input {
            Input::Request { from, call, req } => {
                let rep = self.answer(from, req, &mut effects);
                effects.push(Effect::Reply { call, rep });
            }
            Input::Reply { from, req, rep: Some(rep) } => self.learn(from, req, rep, &mut effects),
            // A call that failed says nothing: its request may have arrived all the same.
            Input::Reply { rep: None, .. } => {}
            Input::Timer(Timer::Election) => self.on_election_timeout(&mut effects),
            Input::Timer(Timer::Heartbeat) => self.on_heartbeat_timeout(&mut effects),
            Input::Timer(Timer::Quorum) => self.on_quorum_timeout(&mut effects),
            Input::Written { hard } => self.on_written(hard, &mut effects),
        }
        match self.config.durability {
            Durability::Real => self.persist(before, &mut effects),
            // Labs 2A and 2B: whatever was written is durable at once.
            Durability::Assumed if self.hard() != before => self.on_written(self.hard(), &mut effects),
            Durability::Assumed => {}
        }
        out.append(&mut effects);
    }

    fn answer(&mut self, _from: Server, req: Req, out: &mut Vec<Effect>) -> Rep {
        match req {
            Req::PreVote(args) => Rep::PreVote(self.on_pre_vote(args)),
            Req::Vote(args) => Rep::Vote(self.on_vote(args, out)),
            Req::Append(args) => Rep::Append(self.on_append(args, out)),
        }
    }

    fn learn(&mut self, from: Server, req: Req, rep: Rep, out: &mut Vec<Effect>) {
        match (req, rep) {
            (Req::PreVote(args), Rep::PreVote(rep)) => self.on_pre_vote_reply(from, args, rep, out),
            (Req::Vote(args), Rep::Vote(rep)) => self.on_vote_reply(from, args, rep, out),
            (Req::Append(args), Rep::Append(rep)) => self.on_append_reply(from, args, rep, out),
            // An answer of another kind than its request: no server of this kit sends one.
            _ => {}
        }
    }

    /// A sync ended, and this much of the term and vote is durable. A candidate's own vote counts from here
    /// on: a cluster of one must not win an election that its disk never heard of.
    fn on_written(&mut self, hard: Hard, out: &mut Vec<Effect>) {
        if self.role == Role::Candidate && hard == self.hard() && hard.vote == Some(self.me) {
            self.votes.insert(self.me);
            self.count_votes(out);
        }
    }

    /// The term and vote.
    pub fn hard(&self) -> Hard {
        Hard { term: self.term, vote: self.vote }
    }

    /// What this server believes, as every event carries it.
    pub fn state(&self) -> State {
        State {
            term: self.term,
            role: self.role,
            voted_for: self.vote,
            leader_id: self.leader,
            commit_index: self.commit,
            last_index: self.log.last_index(),
            last_term: self.log.last_term(),
        }
    }

    /// Who takes part, and who votes.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }
}
