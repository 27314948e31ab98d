//! What goes into the core and what comes out of it, and the messages of Figure 2. All of it serializes, so
//! that a core can run in another process than its driver.

use super::{Entry, Hard, Log};
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
        /// Its answer; `None` if the call failed, which says nothing about the server.
        rep: Option<Rep>,
    },
    /// A timer fired.
    Timer(Timer),
    /// A sync ended: this much is durable.
    Written {
        /// The term and vote on the disk.
        hard: Hard,
    },
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
}

/// Something that must survive a crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Write {
    /// The term and vote.
    Hard(Hard),
}

/// What a disk held when its server started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Saved {
    /// The term and vote.
    pub hard: Hard,
    /// The log.
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
}

/// The answer to AppendEntries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AppendReply {
    /// The follower's current term, for the leader to update itself.
    pub term: Term,
    /// True: the follower's log agrees with the leader's up to the last entry of the message.
    pub success: bool,
}
