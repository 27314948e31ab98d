//! The core: Raft as a pure state machine. An input goes in, effects come out, and nothing else happens.
//!
//! Owns the algorithm and its state, one file a topic:
//! - `election`: terms, votes, leaders (lab 2A, the student's)
//! - `replication`: the log, commitment (lab 2B, the student's)
//! - `persistence`: what must be on the disk before what leaves (lab 2C, the student's)
//! - `snapshot`: what goes out of the log, and how a laggard catches up (lab 2D, the student's)
//! - `read`: reads that the log does not grow by (lab 3A, the student's)
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
mod read;
mod replication;
mod snapshot;

pub use config::{Config, ConfigError};
pub use log::{Change, Entry, Log};
pub use message::{
    AppendArgs, AppendReply, Call, Conflict, Durable, Effect, Input, InstallArgs, InstallReply, Ms,
    NotLeader, Rep, Req, Saved, Snap, VoteArgs, VoteReply, Write,
};
pub use quorum::Membership;

use labrpc::schema::{Durability, Index, Role, Server, State, Term, Timer};
use read::Reads;
use replication::Progress;
use serde::{Deserialize, Serialize};
use snapshot::Incoming;
use std::collections::{BTreeMap, BTreeSet};

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
    /// The highest index delivered to the service. First 0; never falls; at most `commit`.
    applied: Index,
    /// What this leader knows about every other server; set when it begins to lead.
    progress: BTreeMap<Server, Progress>,
    /// What the disk is known to hold.
    durable: Durable,
    /// The last snapshot; covers exactly what the log has no more.
    snap: Option<Snap>,
    /// The snapshot that is being received.
    incoming: Incoming,
    /// The last round in which this server asked whether it still leads. First 0; never falls; moved by reads alone.
    round: u64,
    /// The reads that wait for it.
    reads: Reads,
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
            applied: 0,
            progress: BTreeMap::new(),
            durable: Durable::default(),
            snap: None,
            incoming: Incoming::default(),
            round: 0,
            reads: Reads::default(),
            config,
        };
        core.durable = Durable {
            hard: saved.hard,
            last: (saved.log.last_index(), saved.log.last_term()),
            snap: saved.snap.as_ref().map_or(0, |snap| snap.index),
        };
        let mut effects = vec![Effect::SetTimer(Timer::Election, core.config.election_timeout.clone())];
        match core.config.durability {
            Durability::Real => core.recover(saved, &mut effects),
            Durability::Assumed => {
                core.term = saved.hard.term;
                core.vote = saved.hard.vote;
                core.log = saved.log;
            }
        }
        (core, effects)
    }

    /// Handles one input and appends what follows from it to `out`, in order.
    pub fn step(&mut self, input: Input, out: &mut Vec<Effect>) {
        let before = self.hard();
        let led = self.role == Role::Leader;
        let mut effects = Vec::new();
        self.handle(input, &mut effects);
        if !led && self.role == Role::Leader && self.config.replicate {
            self.begin_leading(&mut effects);
        }
        if !self.reads.is_empty() {
            self.confirm_reads(&mut effects);
        }
        let changes = self.log.take_changes();
        match self.config.durability {
            Durability::Real => self.persist(before, changes, &mut effects),
            Durability::Assumed => self.assume(before, changes, &mut effects),
        }
        out.append(&mut effects);
    }

    fn handle(&mut self, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Request { from, call, req } => {
                let rep = self.answer(from, req, out);
                out.push(Effect::Reply { call, rep });
            }
            Input::Reply { from, req, rep: Some(rep), late } => self.learn(from, req, rep, late, out),
            // A call that failed says nothing: its request may have arrived all the same.
            Input::Reply { from, req: Req::Append(args), rep: None, .. } => {
                if self.leads(args.term) && !args.is_bare() {
                    self.on_entries_failed(from);
                }
            }
            Input::Reply { from, req: Req::Install(args), rep: None, .. } => {
                if self.leads(args.term) {
                    self.on_entries_failed(from);
                }
            }
            Input::Reply { rep: None, .. } => {}
            Input::Timer(Timer::Election) => self.on_election_timeout(out),
            Input::Timer(Timer::Heartbeat) => {
                self.on_heartbeat_timeout(out);
                if self.leads(self.term) {
                    self.replicate_all(out);
                }
            }
            Input::Timer(Timer::Quorum) => self.on_quorum_timeout(out),
            Input::Propose { id, command } => self.on_propose(id, command, out),
            Input::Read { id } => self.on_read(id, out),
            Input::Snapshot { index, data } => self.on_snapshot(index, data, out),
            Input::Joined { server } => {
                if self.leads(self.term) {
                    // What was under way to it is gone with its last incarnation.
                    self.on_entries_failed(server);
                    self.replicate(server, out);
                }
            }
            Input::Written(durable) => self.on_written(durable, out),
        }
    }

    fn answer(&mut self, _from: Server, req: Req, out: &mut Vec<Effect>) -> Rep {
        match req {
            Req::PreVote(args) => Rep::PreVote(self.on_pre_vote(args)),
            Req::Vote(args) => Rep::Vote(self.on_vote(args, out)),
            Req::Append(args) => {
                let rep = self.on_append(&args, out);
                let log_too = rep.success && self.config.replicate && !args.is_bare();
                Rep::Append(if log_too { self.on_entries(args.above(self.log.base()), out) } else { rep })
            }
            Req::Install(args) => Rep::Install(self.on_install(args, out)),
        }
    }

    fn learn(&mut self, from: Server, req: Req, rep: Rep, late: bool, out: &mut Vec<Effect>) {
        match (req, rep) {
            (Req::PreVote(args), Rep::PreVote(rep)) => self.on_pre_vote_reply(from, args, rep, out),
            (Req::Vote(args), Rep::Vote(rep)) => self.on_vote_reply(from, args, rep, out),
            (Req::Append(args), Rep::Append(rep)) => {
                self.on_append_reply(from, &args, rep, out);
                if !self.reads.is_empty() {
                    self.on_round_reply(from, &args, rep);
                }
                if self.leads(args.term) && !args.is_bare() {
                    self.on_entries_reply(from, &args, rep, late, out);
                }
            }
            (Req::Install(args), Rep::Install(rep)) => self.on_install_reply(from, &args, rep, late, out),
            // An answer of another kind than its request: no server of this kit sends one.
            _ => {}
        }
    }

    /// Answers the reads that can be answered by now.
    fn confirm_reads(&mut self, out: &mut Vec<Effect>) {
        match self.role {
            Role::Leader => self.settle_reads(out),
            _ => self.drop_reads(out),
        }
    }

    /// Whether this server leads that term, and with a log.
    fn leads(&self, term: Term) -> bool {
        self.role == Role::Leader && self.term == term && self.config.replicate
    }

    /// A sync ended, and this much is durable. A candidate's own vote counts from here on: a cluster of one
    /// must not win an election that its disk never heard of. So does a leader's own log (§5.3).
    fn on_written(&mut self, durable: Durable, out: &mut Vec<Effect>) {
        self.durable = durable;
        if self.role == Role::Candidate && durable.hard == self.hard() && self.vote == Some(self.me) {
            self.votes.insert(self.me);
            self.count_votes(out);
        }
        if self.leads(self.term) {
            self.advance_commit(out);
        }
    }

    /// Labs 2A and 2B: whatever was written is durable at once.
    fn assume(&mut self, before: Hard, changes: Vec<Change>, out: &mut Vec<Effect>) {
        if self.hard() == before && changes.is_empty() {
            return;
        }
        let last = (self.log.last_index(), self.log.last_term());
        out.splice(0..0, changes.into_iter().map(Effect::Changed));
        let led = self.role == Role::Leader;
        self.on_written(Durable { hard: self.hard(), last, snap: 0 }, out);
        if !led && self.role == Role::Leader && self.config.replicate {
            self.begin_leading(out);
            let changes = self.log.take_changes();
            self.assume(self.hard(), changes, out);
        }
    }

    /// How far the own log counts towards a quorum.
    fn own_index(&self) -> Index {
        match self.config.durability {
            Durability::Real => self.durable_index(),
            Durability::Assumed => self.log.last_index(),
        }
    }

    /// The log.
    pub fn log(&self) -> &Log {
        &self.log
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
