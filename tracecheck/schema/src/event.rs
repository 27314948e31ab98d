//! Every action of the contract that the kit records today, with its fields.
//!
//! An event is added here once: its trace, its action's name and its fields, and from that one line come
//! the enum, its names, and both directions of the JSON body.

use crate::{Index, KvCall, KvOutcome, Node, Op, Server, Term};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// Which of the course's traces an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trace {
    /// Servers: start, join, election timeouts.
    Strace,
    /// The coordinator and the system: failures given up on, readiness.
    Ctrace,
    /// Elections.
    Etrace,
    /// The log and its durability.
    Ltrace,
    /// Clients and single operations.
    Ktrace,
    /// Messages and faults.
    Ntrace,
}

impl Trace {
    /// The name as written in a record.
    pub fn name(self) -> &'static str {
        match self {
            Trace::Strace => "strace",
            Trace::Ctrace => "ctrace",
            Trace::Etrace => "etrace",
            Trace::Ltrace => "ltrace",
            Trace::Ktrace => "ktrace",
            Trace::Ntrace => "ntrace",
        }
    }
}

/// What kind of message is sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Would you vote for me in the next term?
    PreVoteRequest,
    /// The answer to a pre-vote.
    PreVoteReply,
    /// RequestVote (Figure 2).
    VoteRequest,
    /// The answer to RequestVote.
    VoteReply,
    /// AppendEntries (Figure 2), with entries or without.
    AppendRequest,
    /// The answer to AppendEntries.
    AppendReply,
    /// InstallSnapshot (Figure 13).
    InstallRequest,
    /// The answer to InstallSnapshot.
    InstallReply,
}

impl Kind {
    /// Whether this is an answer.
    pub fn is_reply(self) -> bool {
        matches!(self, Kind::PreVoteReply | Kind::VoteReply | Kind::AppendReply | Kind::InstallReply)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What kind of message of the key/value service is sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KvKind {
    /// A client's request to a server.
    Request,
    /// The server's answer to its client.
    Reply,
    /// A client's request, passed on from one server to another.
    Forward,
    /// The answer to that.
    ForwardReply,
}

impl KvKind {
    /// Whether this is an answer.
    pub fn is_reply(self) -> bool {
        matches!(self, KvKind::Reply | KvKind::ForwardReply)
    }
}

/// A timer of a Raft server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Timer {
    /// Fires when no leader was heard from, or an election brought no winner.
    Election,
    /// Fires when a leader must show that it lives.
    Heartbeat,
    /// Fires when a leader must check that a quorum still answers it.
    Quorum,
}

/// Why a vote was refused. The rule E10 demands that it is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RejectReason {
    /// The voter's own term is higher.
    HigherTerm,
    /// The voter gave its vote of that term to somebody else.
    OtherVote,
    /// The candidate's log is behind the voter's (§5.4.1).
    LogBehind,
    /// The voter hears from a live leader (thesis §4.2.3).
    LiveLeader,
    /// The voter has no vote.
    NotVoter,
}

/// A log entry as a trace names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EntryId(
    /// Its index.
    pub Index,
    /// Its term.
    pub Term,
    /// A digest of its operation; 0 for a leader's no-op.
    pub u64,
);

macro_rules! events {
    ($( $(#[$doc:meta])* $trace:ident $name:ident { $( $(#[$fdoc:meta])* $field:ident : $type:ty ),* $(,)? } )*) => {
        /// What happened: the action and its fields. In JSON, `action` and `body`.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the fields are the contract's; their names say what they are")]
        pub enum Event { $( $(#[$doc])* $name { $( $(#[$fdoc])* $field: $type ),* } ),* }

        /// An event's name, without its fields.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action { $( $(#[$doc])* $name ),* }

        impl Event {
            /// The event's name.
            pub fn action(&self) -> Action {
                match self { $( Event::$name { .. } => Action::$name ),* }
            }

            /// Writes the fields as one JSON object.
            pub(crate) fn write_body(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
                match self { $(
                    Event::$name { $( $field ),* } => {
                        #[derive(Serialize)]
                        #[serde(rename_all = "camelCase")]
                        struct Body<'a> {
                            $( $field: &'a $type, )*
                            #[serde(skip)]
                            of: PhantomData<&'a ()>,
                        }
                        serde_json::to_writer(out, &Body { $( $field, )* of: PhantomData })
                    }
                ),* }
            }

            /// Reads the fields of `action` from a JSON object.
            pub(crate) fn read_body(action: Action, body: &str) -> serde_json::Result<Event> {
                match action { $(
                    Action::$name => {
                        #[derive(Deserialize)]
                        #[serde(rename_all = "camelCase", deny_unknown_fields)]
                        struct Body { $( $field: $type, )* }
                        let Body { $( $field ),* } = serde_json::from_str(body)?;
                        Ok(Event::$name { $( $field ),* })
                    }
                ),* }
            }
        }

        impl Action {
            /// Every action that this version of the schema knows.
            pub const ALL: &[Action] = &[ $( Action::$name ),* ];

            /// The name as written in a record.
            pub fn name(self) -> &'static str {
                match self { $( Action::$name => stringify!($name) ),* }
            }

            /// The trace to which the action belongs.
            pub fn trace(self) -> Trace {
                match self { $( Action::$name => Trace::$trace ),* }
            }

            /// The action of that name.
            pub fn from_name(name: &str) -> Option<Action> {
                match name { $( stringify!($name) => Some(Action::$name), )* _ => None }
            }
        }
    };
}

events! {
    /// A server (or a new incarnation of it) begins.
    Strace ServerStart { server_id: Server }
    /// It has read its disk and asks to take part.
    Strace ServerJoining { server_id: Server }
    /// It first reached the commit index that a coordinator told it in this incarnation.
    Strace ServerJoined { server_id: Server }
    /// Its election timeout fired: it believes the coordinator to have failed.
    Strace CoordFail { server_id: Server }

    /// As coordinator it gives another server up: its calls fail. It goes on trying.
    Ctrace ServerFail { server_id: Server }
    /// Every server has joined and there is a coordinator: clients may begin. Recorded by the run's controller.
    Ctrace SystemReady {}

    /// It asks whether an election in `term` could be won. Changes no term and counts as no vote.
    Etrace PreVoteRequest { server_id: Server, term: Term }
    /// It would vote for the candidate in `term`.
    Etrace PreVoteConfirm { server_id: Server, candidate_server_id: Server, term: Term }
    /// It would not vote for the candidate in `term`.
    Etrace PreVoteReject { server_id: Server, candidate_server_id: Server, term: Term, reason: Option<RejectReason> }
    /// It proposes itself as coordinator of a new term.
    Etrace Proposal { server_id: Server, term: Term }
    /// It asks the others for their votes.
    Etrace VoteRequest { server_id: Server, term: Term }
    /// It votes for the candidate.
    Etrace VoteConfirm { server_id: Server, candidate_server_id: Server, term: Term }
    /// It refuses its vote. `reason` is null where the kit found no reason that could be true.
    Etrace VoteReject { server_id: Server, candidate_server_id: Server, term: Term, reason: Option<RejectReason> }
    /// A quorum voted for it.
    Etrace ProposalAccepted { server_id: Server, term: Term }
    /// Its candidacy of that term ended without a win.
    Etrace ProposalRejected { server_id: Server, term: Term }
    /// It is the coordinator (Raft's leader) of the term.
    Etrace CoordElected { server_id: Server, term: Term }
    /// It was the coordinator of that term and leads no more.
    Etrace CoordStepDown { server_id: Server, term: Term }

    /// It sends AppendEntries, one event a message.
    Ltrace AppendEntry { to: Server, term: Term, prev_index: Index, prev_term: Term, entries: Vec<EntryId>, leader_commit: Index }
    /// It accepted AppendEntries of the coordinator of `term`; its log agrees up to `match_index`.
    Ltrace AppendConfirm { to: Server, term: Term, match_index: Index }
    /// It refused AppendEntries.
    Ltrace AppendReject { to: Server, term: Term }
    /// What the disk held when this incarnation started; right after its ServerStart, unless the disk was empty.
    /// `entries` are those after the snapshot, which covers everything up to `snap_index` (0: there is none).
    Ltrace Restored { term: Term, voted_for: Option<Server>, snap_index: Index, snap_term: Term, entries: Vec<EntryId> }
    /// A write was handed to storage (where durability is assumed: made in memory). `from` 0: of the term and
    /// vote alone. Else the log from index `from` on becomes exactly `entries`; the term and vote are the present ones.
    Ltrace LogWrite { term: Term, voted_for: Option<Server>, from: Index, entries: Vec<EntryId> }
    /// As coordinator of `term` it takes the entry at `index` for committed. One an index, in order.
    Ltrace CoordCommit { term: Term, index: Index, entry_term: Term, operation: u64 }
    /// Not being the coordinator, it learned in `term` that the entry at `index` is committed. One an index, in order.
    Ltrace ServerCommit { term: Term, index: Index, entry_term: Term, operation: u64 }
    /// It delivered the operation at `index` to its service. A leader's no-op is never delivered, and has digest 0.
    Ltrace Apply { index: Index, operation: u64 }
    /// Its service handed it a snapshot of everything up to `index`; `digest` is of the snapshot's data.
    Ltrace SnapshotTaken { index: Index, term: Term, digest: u64 }
    /// It delivered a snapshot to its service, which thereby has everything up to `index`.
    Ltrace SnapshotInstalled { index: Index, term: Term, digest: u64 }
    /// A write of a snapshot was handed to storage.
    Ltrace SnapshotWrite { index: Index, term: Term, digest: u64 }
    /// Storage was told that it may drop entries up to `upto`.
    Ltrace LogCompact { upto: Index }
    /// A sync ended: this much is on the disk.
    Ltrace Durable { term: Term, voted_for: Option<Server>, last_index: Index, last_term: Term, snap_index: Index }

    /// As coordinator it has confirmed that it still is, for the read `id`: whoever has applied up to `index` may answer it.
    Ltrace ReadPoint { id: u64, index: Index }

    /// A client begins; before all its other events.
    Ktrace KvslibStart { client_id: u32 }
    /// A client ends; after all its other events.
    Ktrace KvslibStop { client_id: u32 }
    /// The client is asked for an operation. Recorded by the kit.
    Ktrace Invoke { op: Op, call: Box<KvCall> }
    /// The client returns from an operation. Recorded by the kit.
    Ktrace Return { op: Op, outcome: KvOutcome }
    /// The client takes a server for cut off from the rest, and moves on.
    Ktrace Unavailable { server_id: Server }
    /// The client hears that the server is back.
    Ktrace Available { server_id: Server }
    /// A server received a client's write (put, append, cas, delete).
    Ktrace PutRecvd { op: Op }
    /// It forwards a client's write to the server that it takes for the coordinator.
    Ktrace PutFwd { op: Op, to: Server }
    /// A server received a write that another server forwarded.
    Ktrace PutFwdRecvd { op: Op, from: Server }
    /// It answers whoever sent it the write: a client, or a forwarding server.
    Ktrace PutResult { op: Op, outcome: KvOutcome }
    /// A server received a client's get.
    Ktrace GetRecvd { op: Op }
    /// It forwards a client's get to the server that it takes for the coordinator.
    Ktrace GetFwd { op: Op, to: Server }
    /// A server received a get that another server forwarded.
    Ktrace GetFwdRecvd { op: Op, from: Server }
    /// It answers whoever sent it the get.
    Ktrace GetResult { op: Op, outcome: KvOutcome }
    /// A server's service executed what Raft delivered at `index`; `operation` is the digest that the log's events
    /// carry. Recorded by the kit, with what the service answered.
    Ktrace Executed { index: Index, operation: u64, op: Op, call: Box<KvCall>, outcome: KvOutcome }
    /// A server's service took over the state of a snapshot up to `index`; `digest` is of its keys and values.
    /// Recorded by the kit.
    Ktrace StateRestored { index: Index, digest: u64 }

    /// A message of the key/value service leaves.
    Ntrace KvSend { kind: KvKind, to: Node, op: Op }
    /// A message of the key/value service was delivered and is handled now.
    Ntrace KvRecv { kind: KvKind, from: Node, op: Op }
    /// The run's controller was told by a server that it has joined, and which term's coordinator it knows.
    Ntrace Told { from: Server, joined: bool, coord_term: Option<Term> }
    /// A message leaves. `votes_for` and `match_index` are what it promises, where it promises that.
    Ntrace Send { kind: Kind, to: Server, term: Term, votes_for: Option<Server>, match_index: Option<Index> }
    /// A message was delivered and is handled now. `armed` lists the timers that handling it set.
    Ntrace Recv { kind: Kind, from: Server, term: Term, armed: Vec<Timer> }
    /// A timer fired and changed what its server believes, which no other event of the step says.
    Ntrace TimerFired { timer: Timer }
    /// A message was lost: by chance, in a cut link, or because its receiver was down.
    Ntrace Lost { kind: Option<Kind>, from: Server, to: Server, why: String }
    /// The link from one server to another was cut, in this direction.
    Ntrace Cut { from: Server, to: Server }
    /// The link from one server to another was healed, in this direction.
    Ntrace Heal { from: Server, to: Server }
    /// A server stands still: it computes nothing, and its timers do not fire.
    Ntrace Pause { server_id: Server }
    /// A paused server goes on.
    Ntrace Resume { server_id: Server }
    /// A server crashed: its tasks are gone, and so is what it had not synced.
    Ntrace Crash { server_id: Server }
    /// The run ended after `records` records (this one not counted). A trace without it is truncated.
    Ntrace RunEnd { records: u64, completed: bool }
}
