//! The life of a server (S1 to S3).

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, PerServer};
use crate::verdict::Witness;
use tracecheck_schema::{Action, Event, Kind, Record, Server, Stamp, Term};

/// An incarnation begins with ServerStart.
pub(crate) const S1: RuleInfo = RuleInfo {
    id: "S1",
    lab: "2A",
    sentence: "An incarnation begins with ServerStart.",
    source: "the course's design, strace",
    explanation: "\
A server that starts, for the first time or after a crash, says so before it does anything else. ServerStart
also carries the state that the server read from its disk, from which every later rule counts.
The usual mistake is work that is done before the start, such as a task that was spawned too early.",
    example: include_str!("examples/S1.jsonl"),
    wants: Wants::Everything,
    make: || Box::new(Starts),
};

struct Starts;

impl Rule for Starts {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let started = matches!(record.event, Event::ServerStart { .. });
        if started == cx.now.opens && !started {
            return;
        }
        let Some(server) = cx.judged(record) else { return };
        let inc = record.at.inc;
        if started && cx.now.opens {
            tally.met();
        } else if started {
            let sentence = format!("{server} started twice in incarnation {inc}.");
            let witnesses = vec![Witness::new(record.at, "second start")];
            tally.fail(sentence, witnesses, "A restart is a new incarnation.");
        } else if record.at.seq > 1 {
            tally.unknown(|| format!("the first records of incarnation {inc} of {server} are missing"));
        } else {
            let action = record.event.action().name();
            let sentence =
                format!("Incarnation {inc} of {server} begins with {action}, not with ServerStart.");
            let witnesses = vec![Witness::new(record.at, "its first record")];
            tally.fail(sentence, witnesses, format!("{server} should have recorded ServerStart first."));
        }
    }
}

/// Joining before Joined, each once an incarnation.
pub(crate) const S2: RuleInfo = RuleInfo {
    id: "S2",
    lab: "2A",
    sentence: "ServerJoining comes before ServerJoined, each at most once an incarnation.",
    source: "the course's design, strace",
    explanation: "\
A server is joining once it has read its disk, and has joined when, in this incarnation, it first reached the
commit index that a coordinator told it. Both happen at most once between a start and the next crash.
The usual mistake is to announce it again whenever the server catches up after a partition.",
    example: include_str!("examples/S2.jsonl"),
    wants: Wants::Only(&[Action::ServerJoining, Action::ServerJoined]),
    make: || Box::new(Joins::default()),
};

#[derive(Default)]
struct Joins {
    /// Each server's last ServerJoining and ServerJoined.
    seen: PerServer<[Option<Stamp>; 2]>,
}

impl Rule for Joins {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let joined = matches!(record.event, Event::ServerJoined { .. });
        let seen = self.seen.get_mut(server);
        seen.iter_mut().for_each(|one| *one = one.filter(|at| at.inc == record.at.inc));
        let inc = record.at.inc;
        if let Some(first) = seen[usize::from(joined)] {
            let action = record.event.action().name();
            let sentence = format!("{server} recorded {action} twice in incarnation {inc}.");
            let witnesses = vec![Witness::new(first, "first"), Witness::new(record.at, "second")];
            return tally.fail(sentence, witnesses, "A server joins once after each start.");
        }
        seen[usize::from(joined)] = Some(record.at);
        if !joined || seen[0].is_some() {
            return tally.met();
        }
        if let Some(hole) = cx.hole_in(server) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps its ServerJoining"));
        }
        let sentence = format!("{server} joined in incarnation {inc} without joining before.");
        let witnesses = vec![Witness::new(record.at, "joined")];
        tally.fail(sentence, witnesses, format!("{server} should have recorded ServerJoining before."));
    }
}

/// CoordFail is followed by a candidacy.
pub(crate) const S3: RuleInfo = RuleInfo {
    id: "S3",
    lab: "2A",
    sentence: "CoordFail is followed at that server by a PreVote or a Proposal, unless it crashes, the run ends, \
               it hears from a coordinator or of a higher term, grants a vote, or is no voter.",
    source: "Raft §5.2: a follower that hears nothing over the election timeout begins an election",
    explanation: "\
A server whose election timeout fires must do something about it: ask for pre-votes, or propose itself in a
new term. If it does nothing, and all the others do likewise, the cluster never has a coordinator again.
The usual mistake is a handler that only arms the timer anew, or one that returns early because the server is
a candidate already: a split vote is resolved by exactly that second timeout.",
    example: include_str!("examples/S3.jsonl"),
    wants: Wants::Only(&[
        Action::CoordFail,
        Action::PreVoteRequest,
        Action::Proposal,
        Action::VoteConfirm,
        Action::Recv,
        Action::Crash,
    ]),
    make: || Box::new(Candidacies::default()),
};

#[derive(Default)]
struct Candidacies {
    /// A timeout that nothing followed yet, and the term in which it fired.
    pending: PerServer<Option<(Stamp, Option<Term>)>>,
}

impl Candidacies {
    fn timeout(&mut self, cx: &Context, server: Server, record: &Record, tally: &mut Tally) {
        if !cx.config.is_voter(server) {
            return;
        }
        let pending = self.pending.get_mut(server);
        let before = pending.replace((record.at, record.state.map(|state| state.term)));
        let Some((first, _)) = before.filter(|(at, _)| at.inc == record.at.inc) else { return };
        if let Some(hole) = cx.hole_in(server) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps a proposal of {server}"));
        }
        let sentence = format!(
            "The election timeout of {server} fired twice, and {server} did not propose itself in between."
        );
        let witnesses = vec![
            Witness::new(first, "nothing followed this timeout"),
            Witness::new(record.at, "the next timeout"),
        ];
        let expected =
            format!("{server} should have asked for pre-votes or proposed itself after the first one.");
        tally.fail(sentence, witnesses, expected);
    }
}

impl Rule for Candidacies {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        if let Event::Crash { server_id } = record.event {
            *self.pending.get_mut(server_id) = None;
            return;
        }
        let Some(server) = cx.judged(record) else { return };
        if let Event::CoordFail { .. } = record.event {
            return self.timeout(cx, server, record, tally);
        }
        let pending = self.pending.get_mut(server);
        let Some((at, fired_in)) = *pending else { return };
        if at.inc != record.at.inc {
            *pending = None;
            return;
        }
        let own = record.state.map(|state| state.term);
        let done = match record.event {
            Event::PreVoteRequest { .. } | Event::Proposal { .. } => true,
            Event::VoteConfirm { candidate_server_id, .. } => candidate_server_id != server,
            Event::Recv { kind: Kind::AppendRequest | Kind::InstallRequest, term, .. } => {
                own.is_none_or(|own| term >= own)
            }
            Event::Recv { .. } => fired_in.is_none_or(|then| own.is_none_or(|own| own > then)),
            _ => false,
        };
        if done {
            *pending = None;
            tally.met();
        }
    }
}
