//! In order, one by one, and only what is committed (L8).

use crate::context::{At, Context, PerServer};
use crate::rules::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::verdict::Witness;
use tracecheck_schema::{Action, Event, Index, Record, Server, Stamp};

/// Applied in order.
pub(crate) const L8: RuleInfo = RuleInfo {
    id: "L8",
    lab: "2B",
    sentence: "commitIndex never falls within an incarnation; entries are applied one by one, in order, each once, \
               and only when committed (a restart begins anew, a snapshot stands for all up to its index).",
    source: "Raft Figure 2 (commitIndex and lastApplied increase monotonically; Rules for Servers, All Servers)",
    explanation: "\
The service gets every operation exactly once and in the order of the log, so applied goes up by one each time.
Only a leader's no-op is left out: it takes an index, but it is nobody's operation. After a restart the service
begins with its snapshot, or with nothing, and gets everything after it again.
The usual mistakes: two tasks that apply at the same time; to apply up to the log's end instead of up to
commitIndex; to set commitIndex to an older leaderCommit.",
    example: include_str!("../examples/L8.jsonl"),
    wants: Wants::Only(&[
        Action::ServerStart,
        Action::Recv,
        Action::CoordFail,
        Action::CoordElected,
        Action::LogWrite,
        Action::CoordCommit,
        Action::ServerCommit,
        Action::Apply,
        Action::SnapshotInstalled,
    ]),
    make: || Box::new(InOrder::default()),
};

#[derive(Default)]
struct InOrder {
    servers: PerServer<Progress>,
}

/// How far a server is, in this incarnation.
#[derive(Default)]
struct Progress {
    committed: Option<(Index, Stamp)>,
    applied: Index,
    /// The record that applied it.
    last: Option<Stamp>,
}

impl Progress {
    fn committed(&mut self, server: Server, record: &Record, tally: &mut Tally) {
        let Some(state) = record.state else { return };
        let new = state.commit_index;
        match self.committed {
            Some((old, at)) if old > new => {
                let sentence = format!("The commit index of {server} fell from {old} to {new}.");
                let witnesses = vec![
                    Witness::new(at, format!("commit index {old}")),
                    Witness::new(record.at, "a lower one"),
                ];
                tally.fail(sentence, witnesses, format!("{server} should have kept commit index {old}."));
            }
            Some((old, _)) if old == new => {}
            _ => self.committed = Some((new, record.at)),
        }
    }

    fn applies(&mut self, cx: &Context, server: Server, index: Index, record: &Record, tally: &mut Tally) {
        let Some(state) = record.state else { return tally.unknown(|| stateless(record)) };
        let (applied, last) = (self.applied, self.last);
        (self.applied, self.last) = (index.max(applied), Some(record.at));
        let skipped = if index <= applied { Some(Err(())) } else { self.skipped(cx, server, applied, index) };
        let (sentence, expected) = match skipped {
            Some(Err(())) => {
                let again = format!(
                    "{server} applied entry {index} after entry {applied}: it had been applied already."
                );
                (again, format!("{server} should have gone on with entry {}.", applied.saturating_add(1)))
            }
            Some(Ok(At::Unknown)) => {
                return tally
                    .unknown(|| format!("the trace does not say what {server} had before index {index}"));
            }
            Some(Ok(_)) => {
                let next = applied.saturating_add(1);
                let sentence = format!(
                    "{server} applied entry {index} after entry {applied}, and left out entry {next}."
                );
                (sentence, format!("{server} should have applied every operation in between first."))
            }
            None if index > state.commit_index => {
                let sentence = format!(
                    "{server} applied entry {index}, but it knew entries up to {} only to be committed.",
                    state.commit_index
                );
                (sentence, format!("{server} should have waited until entry {index} is committed."))
            }
            None => return tally.met(),
        };
        if let Some(hole) = cx.hole_in(server) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps what {server} applied"));
        }
        let last = last.filter(|_| applied > 0);
        let mut witnesses: Vec<Witness> =
            last.into_iter().map(|at| Witness::new(at, format!("applied up to {applied}"))).collect();
        witnesses.push(Witness::new(record.at, format!("applies {index}")));
        tally.fail(sentence, witnesses, expected);
    }

    /// What is between, if it is more than no-ops. What cannot be said comes last.
    fn skipped(&self, cx: &Context, server: Server, applied: Index, index: Index) -> Option<Result<At, ()>> {
        let log = cx.log(server)?;
        // Entries that are not there end the search, so that an absurd index takes no time.
        let mut between = (applied.saturating_add(1)..index).map(|index| log.at(index));
        let odd = between.find(|at| !matches!(at, At::Entry(slot) if slot.operation == 0))?;
        Some(Ok(odd))
    }
}

impl Rule for InOrder {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let progress = self.servers.get_mut(server);
        if cx.now.opens {
            *progress = Progress::default();
        }
        progress.committed(server, record, tally);
        match record.event {
            Event::SnapshotInstalled { index, .. } => {
                (progress.applied, progress.last) = (index, Some(record.at));
            }
            Event::Apply { index, .. } => progress.applies(cx, server, index, record, tally),
            _ => {}
        }
    }
}
