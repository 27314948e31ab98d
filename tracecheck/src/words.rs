//! The words of the sentences: messages, timers, roles, logs as a student calls them.

use tracecheck_schema::{Kind, Role, Server, State, Timer};

/// A message with its article, by the name that the paper gives it.
pub(crate) fn message(kind: Kind) -> &'static str {
    match kind {
        Kind::PreVoteRequest => "a PreVote",
        Kind::PreVoteReply => "a reply to a PreVote",
        Kind::VoteRequest => "a RequestVote",
        Kind::VoteReply => "a reply to a RequestVote",
        Kind::AppendRequest => "an AppendEntries",
        Kind::AppendReply => "a reply to an AppendEntries",
        Kind::InstallRequest => "an InstallSnapshot",
        Kind::InstallReply => "a reply to an InstallSnapshot",
    }
}

pub(crate) fn timer(timer: Timer) -> &'static str {
    match timer {
        Timer::Election => "election timer",
        Timer::Heartbeat => "heartbeat timer",
        Timer::Quorum => "quorum timer",
    }
}

pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Follower => "follower",
        Role::PreCandidate => "pre-candidate",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
    }
}

/// For whom a server votes: `itself`, or the other's name.
pub(crate) fn whom(voter: Server, candidate: Server) -> String {
    if voter == candidate { "itself".to_owned() } else { candidate.to_string() }
}

/// A server or nobody.
pub(crate) fn someone(server: Option<Server>) -> String {
    server.map_or_else(|| "nobody".to_owned(), |server| server.to_string())
}

/// Where a log ends, after "its log …".
pub(crate) fn log_end(state: &State) -> String {
    match state.last_index {
        0 => "is empty".to_owned(),
        index => format!("ends with entry {index} of term {}", state.last_term),
    }
}

/// `1 vote`, `2 votes`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// At most so many characters of a text, with an ellipsis for what is left out.
pub(crate) fn short(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}
