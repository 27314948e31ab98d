//! What goes into the core and what comes out of it, and the messages of Figure 2. All of it serializes, so
//! that a core can run in another process than its driver.

use super::{Change, Entry, Hard, Log};
use labrpc::schema::{Index, Server, Term, Timer};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Milliseconds.
pub type Ms = u64;
/// Names a request that waits for its reply; the driver's choice.
pub type Call = u64;

/// Something that happened to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Input {
    /// Another server asks.
    Request {
        /// Who asks.
        from: Server,
        /// Names the request in the reply.
        call: Call,
        /// What it asks.
        req: Req,
    },
    /// Another server answered, perhaps late; or the call failed.
    Reply {
        /// Who was asked.
        from: Server,
        /// What it was asked.
        req: Req,
        /// Its answer; `None` if the call failed or took too long, which says nothing about the server.
        rep: Option<Rep>,
        /// The call was given up with `None` before, and this is its answer after all.
        late: bool,
    },
    /// A timer fired.
    Timer(Timer),
    /// The service wants a command in the log.
    Propose {
        /// Names the proposal in the answer.
        id: u64,
        /// The command.
        command: Vec<u8>,
    },
    /// The service wants to read what is committed by now.
    Read {
        /// Names the read in the answer.
        id: u64,
    },
    /// Another server says that it has just started.
    Joined {
        /// Which.
        server: Server,
    },
    /// The service's state as of `index`, which was delivered to it: the log up to there may go.
    Snapshot {
        /// The last index that the state covers.
        index: Index,
        /// The state, opaque to Raft.
        data: Vec<u8>,
    },
    /// A sync ended: this much is durable.
    Written(Durable),
}

/// Something that a server wants done. Effects are in order, and a `Send` or `Reply` waits for every `Write`
/// before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Hand this to the disk.
    Write(Write),
    /// Ask another server.
    Send {
        /// Whom.
        to: Server,
        /// What.
        req: Req,
        /// Without waiting for any write: a leader's AppendEntries only (thesis §10.2.1).
        now: bool,
    },
    /// Answer a request.
    Reply {
        /// Which.
        call: Call,
        /// The answer.
        rep: Rep,
    },
    /// Let the timer fire after a time drawn from the range, instead of whenever it was set to.
    SetTimer(Timer, RangeInclusive<Ms>),
    /// Let the timer not fire.
    StopTimer(Timer),
    /// Answer a proposal: where it stands in the log, in which term; or that this server does not lead.
    Answer {
        /// Which.
        id: u64,
        /// The index and term of its entry. It is not committed yet, and may never be.
        result: Result<(Index, Term), NotLeader>,
    },
    /// Answer a read: this server led when, or after, the read came, and whoever has applied up to the index has seen
    /// all that was committed then; or it does not lead.
    ReadAt {
        /// Which.
        id: u64,
        /// The index.
        result: Result<Index, NotLeader>,
    },
    /// Deliver a committed command to the service. Indexes rise; no-ops are left out.
    Apply {
        /// Its index.
        index: Index,
        /// Its term.
        term: Term,
        /// The command.
        command: Vec<u8>,
    },
    /// Deliver a snapshot to the service, in place of everything up to its index.
    Restore(Snap),
    /// The log changed in memory, and durability is assumed: for whoever observes.
    Changed(Change),
}

/// What is durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable {
    /// The term and vote.
    pub hard: Hard,
    /// The index and term of the last entry, or of the snapshot's end.
    pub last: (Index, Term),
    /// The last index that the snapshot covers; 0 without one.
    pub snap: Index,
}

/// A snapshot of the service's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Snap {
    /// The last index that it covers.
    pub index: Index,
    /// The term of that entry.
    pub term: Term,
    /// The state, opaque to Raft.
    pub data: Vec<u8>,
}

/// A proposal came to a server that does not lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[error("this server does not lead; it takes {leader:?} for the leader")]
pub struct NotLeader {
    /// Who leads, as far as this server knows.
    pub leader: Option<Server>,
}

/// Something that must survive a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Write {
    /// The term and vote.
    Hard(Hard),
    /// From this index on, the log is exactly these entries.
    Log(Change),
    /// The snapshot, in place of an older one.
    Snapshot(Snap),
    /// The log up to `upto`, which the last snapshot covers, may go.
    Compact {
        /// The last index that may go.
        upto: Index,
    },
}

/// What a disk held when its server started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Saved {
    /// The term and vote.
    pub hard: Hard,
    /// The snapshot, if there is one.
    pub snap: Option<Snap>,
    /// The log. Its base is where compaction got to: at most the snapshot's index.
    pub log: Log,
}

/// A request between servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Req {
    /// Would you vote for me in the next term? (thesis §9.6)
    PreVote(VoteArgs),
    /// RequestVote (Figure 2).
    Vote(VoteArgs),
    /// AppendEntries (Figure 2); without entries, a heartbeat.
    Append(AppendArgs),
    /// InstallSnapshot (Figure 13).
    Install(InstallArgs),
}

/// An answer to a request of the same kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rep {
    /// To a pre-vote.
    PreVote(VoteReply),
    /// To RequestVote.
    Vote(VoteReply),
    /// To AppendEntries.
    Append(AppendReply),
    /// To InstallSnapshot.
    Install(InstallReply),
}

/// Arguments of RequestVote and of a pre-vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VoteArgs {
    /// The candidate's term; in a pre-vote the term that it would have.
    pub term: Term,
    /// Who asks for the vote.
    pub candidate: Server,
    /// The index of the candidate's last log entry.
    pub last_index: Index,
    /// The term of that entry.
    pub last_term: Term,
}

/// The answer to RequestVote and to a pre-vote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VoteReply {
    /// The voter's current term, for the candidate to update itself.
    pub term: Term,
    /// True: the candidate received the vote.
    pub granted: bool,
}

/// Arguments of AppendEntries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AppendArgs {
    /// The leader's term.
    pub term: Term,
    /// Who leads.
    pub leader: Server,
    /// The index of the entry before the new ones; 0 if they begin the log, or if this message is a bare
    /// heartbeat and speaks of no entry.
    pub prev_index: Index,
    /// The term of that entry; 0 for index 0.
    pub prev_term: Term,
    /// Entries to store; none in a heartbeat.
    pub entries: Vec<Entry>,
    /// The leader's commit index.
    pub commit: Index,
    /// The leader's last round of confirming reads (lab 3A); 0 before the first.
    pub round: u64,
}

/// The answer to AppendEntries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AppendReply {
    /// The follower's current term, for the leader to update itself.
    pub term: Term,
    /// True: the follower's log agrees with the leader's up to the last entry of the message.
    pub success: bool,
    /// Where the logs may agree, if they do not at `prev_index` (§5.3, end).
    pub conflict: Option<Conflict>,
}

/// A refusing follower's hint, so that the leader can skip a whole term at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conflict {
    /// The term of the follower's entry at `prev_index`; none if its log ends before.
    pub term: Option<Term>,
    /// The first index that the follower has of that term; or the index after its last.
    pub index: Index,
}

/// Arguments of InstallSnapshot: one chunk of the leader's snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstallArgs {
    /// The leader's term.
    pub term: Term,
    /// Who leads.
    pub leader: Server,
    /// The last index that the snapshot covers.
    pub last_index: Index,
    /// The term of that entry.
    pub last_term: Term,
    /// Where in the snapshot's bytes this chunk stands.
    pub offset: u64,
    /// The chunk.
    pub data: Vec<u8>,
    /// Whether it is the last one.
    pub done: bool,
}

/// The answer to InstallSnapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstallReply {
    /// The follower's current term, for the leader to update itself.
    pub term: Term,
    /// How many bytes of that snapshot the follower has: where the next chunk should begin.
    pub received: u64,
    /// True: the follower has everything that the snapshot covers.
    pub installed: bool,
}

impl AppendArgs {
    /// Whether this is a bare heartbeat: it speaks of no entry, and agrees with every log.
    pub fn is_bare(&self) -> bool {
        self.prev_index == 0 && self.entries.is_empty()
    }

    /// The same message as far as it speaks of what is after `base`: what a snapshot covers is committed, and
    /// agrees in every log.
    pub(super) fn above(mut self, base: (Index, Term)) -> Self {
        if self.prev_index < base.0 {
            let covered = (base.0 - self.prev_index).min(self.entries.len() as Index);
            self.entries.drain(..covered as usize);
            self.prev_index += covered;
            if self.prev_index == base.0 {
                self.prev_term = base.1;
            } else {
                // The whole message is covered: it agrees, and says nothing new.
                (self.prev_index, self.prev_term) = base;
            }
        }
        self
    }
}
