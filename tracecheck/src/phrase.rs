//! One short phrase for each event, for tables and columns.

use crate::words::{short, someone, timer};
use tracecheck_schema::{EntryId, Event, Index, Kind, Record, RejectReason, Server};

/// Says in a few words what happened, without saying where or when.
pub fn phrase(record: &Record) -> String {
    match &record.event {
        Event::ServerStart { .. } => match record.state {
            Some(state) if state.term > 0 => format!("starts in t{}", state.term),
            _ => "starts".to_owned(),
        },
        Event::ServerJoining { .. } => "joining".to_owned(),
        Event::ServerJoined { .. } => "joined".to_owned(),
        Event::CoordFail { .. } => "election timeout".to_owned(),
        Event::PreVoteRequest { term, .. } => format!("asks for pre-votes t{term}"),
        Event::PreVoteConfirm { candidate_server_id, term, .. } => {
            format!("would vote for {candidate_server_id} t{term}")
        }
        Event::PreVoteReject { candidate_server_id, term, reason, .. } => {
            format!("would refuse {candidate_server_id} t{term}: {}", why(*reason))
        }
        Event::Proposal { term, .. } => format!("candidate t{term}"),
        Event::VoteRequest { term, .. } => format!("asks for votes t{term}"),
        Event::VoteConfirm { candidate_server_id, term, .. } => {
            format!("votes for {candidate_server_id} t{term}")
        }
        Event::VoteReject { candidate_server_id, term, reason, .. } => {
            format!("refuses {candidate_server_id} t{term}: {}", why(*reason))
        }
        Event::ProposalAccepted { term, .. } => format!("won t{term}"),
        Event::ProposalRejected { term, .. } => format!("lost t{term}"),
        Event::CoordElected { term, .. } => format!("LEADER t{term}"),
        Event::CoordStepDown { term, .. } => format!("leads t{term} no more"),
        Event::TimerFired { timer: fired } => format!("its {} fires", timer(*fired)),
        other => log(other).or_else(|| service(other)).unwrap_or_else(|| traffic(other)),
    }
}

/// Clients and the service that they use. Keys and values may be long: what matters is who did what.
fn service(event: &Event) -> Option<String> {
    Some(match event {
        Event::ServerFail { server_id } => format!("gives {server_id} up"),
        Event::SystemReady {} => "the system is ready".to_owned(),
        Event::ReadPoint { id, index } => format!("still leads: read {id} up to {index}"),
        Event::KvslibStart { .. } => "client starts".to_owned(),
        Event::KvslibStop { .. } => "client stops".to_owned(),
        Event::Invoke { op, call } => format!("asked {op}: {}", short(&call.to_string(), 36)),
        Event::Return { op, outcome } => format!("returns {op}: {}", short(&outcome.to_string(), 34)),
        Event::Unavailable { server_id } => format!("takes {server_id} for unavailable"),
        Event::Available { server_id } => format!("{server_id} is available again"),
        Event::PutRecvd { op } => format!("received put {op}"),
        Event::GetRecvd { op } => format!("received get {op}"),
        Event::PutFwd { op, to } => format!("forwards put {op} to {to}"),
        Event::GetFwd { op, to } => format!("forwards get {op} to {to}"),
        Event::PutFwdRecvd { op, from } => format!("received put {op} from {from}"),
        Event::GetFwdRecvd { op, from } => format!("received get {op} from {from}"),
        Event::PutResult { op, outcome } => format!("answers put {op}: {}", short(&outcome.to_string(), 30)),
        Event::GetResult { op, outcome } => format!("answers get {op}: {}", short(&outcome.to_string(), 30)),
        Event::Executed { index, op, call, outcome, .. } => {
            let (call, outcome) = (short(&call.to_string(), 17), short(&outcome.to_string(), 12));
            format!("executes {index}, {op}: {call}: {outcome}")
        }
        Event::StateRestored { index, .. } => format!("has the state up to {index}"),
        Event::KvSend { kind, to, op } => format!("→ {to} {kind:?} {op}"),
        Event::KvRecv { kind, from, op } => format!("← {from} {kind:?} {op}"),
        Event::Told { from, joined, coord_term } => {
            let joined = if *joined { "has joined" } else { "has not joined" };
            match coord_term {
                Some(term) => format!("told by {from}: {joined}, coordinator t{term}"),
                None => format!("told by {from}: {joined}, no coordinator"),
            }
        }
        _ => return None,
    })
}

/// Logs, disks and snapshots.
fn log(event: &Event) -> Option<String> {
    let vote = |to: &Option<Server>| to.map_or("-".to_owned(), |to| to.to_string());
    Some(match event {
        Event::AppendEntry { to, term, entries, prev_index, .. } => match (entries.is_empty(), prev_index) {
            (true, 0) => format!("heartbeat for {to} t{term}"),
            (true, prev) => format!("heartbeat for {to} after {prev} t{term}"),
            (false, _) => format!("sends {} to {to} t{term}", span(entries)),
        },
        Event::AppendConfirm { to, match_index, term } => {
            format!("agrees with {to} up to {match_index} t{term}")
        }
        Event::AppendReject { to, term } => format!("refuses append of {to} t{term}"),
        Event::Restored { term, voted_for, snap_index, entries, .. } => {
            let snapshot = if *snap_index == 0 { String::new() } else { format!(" snapshot {snap_index}") };
            let last = entries.last().map_or(*snap_index, |EntryId(index, _, _)| *index);
            format!("finds t{term} vote {}{snapshot} log {last}", vote(voted_for))
        }
        Event::LogWrite { term, voted_for, from: 0, .. } => {
            format!("writes t{term} vote {}", someone(*voted_for))
        }
        Event::LogWrite { entries, from, .. } if entries.is_empty() => format!("truncates from {from}"),
        Event::LogWrite { entries, .. } => format!("appends {}", terms(entries)),
        Event::CoordCommit { index, entry_term, .. } => format!("commits {index} (t{entry_term})"),
        Event::ServerCommit { index, entry_term, .. } => format!("learns commit {index} (t{entry_term})"),
        Event::Apply { index, .. } => format!("applies {index}"),
        Event::SnapshotTaken { index, term, .. } => format!("snapshot of {index} (t{term})"),
        Event::SnapshotInstalled { index, term, .. } => format!("restores snapshot {index} (t{term})"),
        Event::SnapshotWrite { index, term, .. } => format!("writes snapshot {index} (t{term})"),
        Event::LogCompact { upto } => format!("drops log up to {upto}"),
        Event::Durable { term, voted_for, last_index, snap_index, .. } => {
            let snapshot = if *snap_index == 0 { String::new() } else { format!(" snapshot {snap_index}") };
            format!("disk: t{term} vote {} log {last_index}{snapshot}", vote(voted_for))
        }
        _ => return None,
    })
}

/// Messages and faults.
fn traffic(event: &Event) -> String {
    match event {
        Event::Send { kind, to, term, votes_for, match_index } => {
            let promise = match (votes_for, match_index) {
                (Some(_), _) if *kind == Kind::VoteReply => " yes".to_owned(),
                (None, _) if *kind == Kind::VoteReply => " no".to_owned(),
                (_, Some(index)) => format!(" has {index}"),
                _ => String::new(),
            };
            format!("→ {to} {kind} t{term}{promise}")
        }
        Event::Recv { kind, from, term, armed } => {
            let timers: Vec<&str> = armed.iter().map(|one| timer(*one)).collect();
            let armed =
                if timers.is_empty() { String::new() } else { format!(", arms {}", timers.join(", ")) };
            format!("← {from} {kind} t{term}{armed}")
        }
        Event::Lost { kind, from, to, why } => {
            let what = kind.map_or("a message".to_owned(), |kind| kind.to_string());
            format!("✗ lost: {from} → {to} {what} ({why})")
        }
        Event::Cut { from, to } => link("✗ cut", *from, *to),
        Event::Heal { from, to } => link("healed", *from, *to),
        Event::Pause { .. } => "✗ paused".to_owned(),
        Event::Resume { .. } => "goes on".to_owned(),
        Event::Crash { .. } => "✗ crash".to_owned(),
        Event::RunEnd { records, completed: true } => format!("the run ends after {records} records"),
        Event::RunEnd { records, completed: false } => format!("the run is stopped after {records} records"),
        other => other.action().name().to_owned(),
    }
}

fn link(what: &str, from: Server, to: Server) -> String {
    format!("{what}: {from} → {to}")
}

fn why(reason: Option<RejectReason>) -> &'static str {
    match reason {
        None => "no reason",
        Some(RejectReason::HigherTerm) => "own term is higher",
        Some(RejectReason::OtherVote) => "voted otherwise",
        Some(RejectReason::LogBehind) => "log is behind",
        Some(RejectReason::LiveLeader) => "leader is alive",
        Some(RejectReason::NotVoter) => "has no vote",
    }
}

/// The indexes of entries: `3`, or `3–5`.
fn span(entries: &[EntryId]) -> String {
    let index = |entry: Option<&EntryId>| -> Index { entry.map_or(0, |EntryId(index, _, _)| *index) };
    match (index(entries.first()), index(entries.last())) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}–{last}"),
    }
}

/// The indexes of entries and their terms: `3–5 t2`, or `3–5 t1–t2`.
fn terms(entries: &[EntryId]) -> String {
    let term = |entry: Option<&EntryId>| entry.map_or(0, |EntryId(_, term, _)| *term);
    match (term(entries.first()), term(entries.last())) {
        (first, last) if first == last => format!("{} t{first}", span(entries)),
        (first, last) => format!("{} t{first}–t{last}", span(entries)),
    }
}
