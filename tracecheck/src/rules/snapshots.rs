//! Snapshots: of what is committed (L10), and the same everywhere (L12).

use super::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::context::{Context, PerServer, Trigger};
use crate::verdict::Witness;
use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, Index, Record, Server, Stamp, Term};

/// Snapshots cover committed entries, and move nobody backwards.
pub(crate) const L10: RuleInfo = RuleInfo {
    id: "L10",
    lab: "2D",
    sentence: "A snapshot covers only committed entries, and is written before the log is cut; installing one never \
               moves a server backwards or drops a suffix that agrees with it.",
    source: "Raft §7; Figure 13, InstallSnapshot RPC, Receiver implementation 6 (retain log entries following it)",
    explanation: "\
A snapshot stands for everything up to its index for ever, so all of that must be committed. The log before it
may go only when the snapshot is written: after a crash in between there would be neither.
InstallSnapshot may be late, like every message. One that is older than what the server has applied changes
nothing. If the log has the snapshot's last entry, what follows it may have been acknowledged, and stays.
The usual mistakes: to clear the whole log on every InstallSnapshot; to install an old one; to cut the log in
one write and to store the snapshot in a later one.",
    example: include_str!("examples/L10.jsonl"),
    wants: Wants::Only(&[
        Action::ServerStart,
        Action::Restored,
        Action::Apply,
        Action::SnapshotTaken,
        Action::SnapshotWrite,
        Action::SnapshotInstalled,
        Action::LogCompact,
    ]),
    make: || Box::new(Covers::default()),
};

#[derive(Default)]
struct Covers {
    servers: PerServer<Covered>,
    /// Up to here entries were committed before the trace began.
    before: Index,
}

/// How far a server is, in this incarnation.
#[derive(Default)]
struct Covered {
    /// The last index that its service has, and the record that delivered it.
    applied: Option<(Index, Stamp)>,
    /// The last snapshot that it wrote or restored.
    written: Option<(Index, Stamp)>,
}

/// What is wrong, who shows it, and what would have been right.
type Wrong = (String, Vec<Witness>, String);

impl Covers {
    /// A snapshot covers only what is committed.
    fn committed(&self, cx: &Context, server: Server, index: Index, record: &Record) -> Option<Wrong> {
        let played = matches!(cx.step(server).trigger, Trigger::Message { from, .. } if !cx.is_judged(from));
        let known = cx.commits.covering(index, record.at, &cx.order).is_some();
        if known || index <= self.before || played || cx.has_scripted() {
            return None;
        }
        let sentence =
            format!("{server} has a snapshot up to {index}, but no coordinator had committed entry {index}.");
        let expected = "A snapshot goes up to what was applied, and never further.".to_owned();
        Some((sentence, vec![Witness::new(record.at, format!("a snapshot up to {index}"))], expected))
    }

    /// What follows an entry that the snapshot agrees with stays.
    fn suffix(&self, cx: &Context, server: Server, index: Index, record: &Record) -> Option<Wrong> {
        let ((before, _), after) = (cx.step(server).before?, record.state?);
        if before.last_index <= index || after.last_index >= before.last_index {
            return None;
        }
        let written = cx.replica(server)?.fits;
        if written != Some((index, true)) {
            return None;
        }
        let (from, last) = (after.last_index.max(index) + 1, before.last_index);
        let sentence = format!(
            "{server} installed a snapshot up to {index}, which agrees with its entry {index}, but dropped its entries \
             {from} to {last}."
        );
        let witnesses = vec![Witness::new(
            record.at,
            format!("the log ended at {last}, and now at {}", after.last_index),
        )];
        Some((sentence, witnesses, format!("{server} should have kept what follows entry {index}.")))
    }

    /// An install does not go back.
    fn backwards(&mut self, server: Server, index: Index, at: Stamp) -> Option<Wrong> {
        let applied = &mut self.servers.get_mut(server).applied;
        let before = applied.replace((index, at));
        let (applied, when) = before.filter(|(applied, _)| *applied > index)?;
        let sentence = format!(
            "{server} installed a snapshot up to {index}, although it had applied entries up to {applied}."
        );
        let witnesses = vec![
            Witness::new(when, format!("applied up to {applied}")),
            Witness::new(at, format!("back to {index}")),
        ];
        Some((sentence, witnesses, format!("{server} should have ignored it.")))
    }

    /// The log is cut only before a snapshot.
    fn compacts(&self, server: Server, upto: Index, at: Stamp) -> Option<Wrong> {
        let written = self.servers.get(server).and_then(|one| one.written);
        if written.is_some_and(|(index, _)| upto <= index) || upto == 0 {
            return None;
        }
        let (has, first) = match written {
            Some((index, at)) => (
                format!("its last snapshot goes up to {index} only"),
                Some(Witness::new(at, format!("up to {index}"))),
            ),
            None => ("it has written no snapshot".to_owned(), None),
        };
        let sentence = format!("{server} cut its log up to {upto}, but {has}.");
        let witnesses =
            first.into_iter().chain([Witness::new(at, format!("drops entries up to {upto}"))]).collect();
        Some((sentence, witnesses, format!("{server} should have written the snapshot up to {upto} first.")))
    }
}

impl Rule for Covers {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let at = record.at;
        if cx.now.opens {
            *self.servers.get_mut(server) = Covered::default();
        }
        let wrong = match record.event {
            Event::ServerStart { .. } if at.inc == 1 => {
                self.before = self.before.max(record.state.map_or(0, |state| state.commit_index));
                return;
            }
            Event::Restored { snap_index, .. } => {
                if at.inc == 1 {
                    self.before = self.before.max(snap_index);
                }
                self.servers.get_mut(server).written = Some((snap_index, at)).filter(|_| snap_index > 0);
                return;
            }
            Event::Apply { index, .. } => {
                self.servers.get_mut(server).applied = Some((index, at));
                return;
            }
            Event::SnapshotTaken { index, .. } => {
                let Some(state) = record.state else { return tally.unknown(|| stateless(record)) };
                (index > state.commit_index).then(|| {
                    let sentence = format!(
                        "{server} took a snapshot up to {index}, but knew entries up to {} only to be committed.",
                        state.commit_index
                    );
                    (sentence, vec![Witness::new(at, "taken")], "Only what is committed can be replaced by a snapshot.".to_owned())
                })
            }
            Event::SnapshotWrite { index, .. } => {
                self.servers.get_mut(server).written = Some((index, at));
                self.suffix(cx, server, index, record).or_else(|| self.committed(cx, server, index, record))
            }
            Event::SnapshotInstalled { index, .. } => {
                let wrong = self.backwards(server, index, at);
                let wrong = wrong.or_else(|| self.suffix(cx, server, index, record));
                wrong.or_else(|| self.committed(cx, server, index, record))
            }
            Event::LogCompact { upto } => self.compacts(server, upto, at),
            _ => return,
        };
        let Some((sentence, witnesses, expected)) = wrong else { return tally.met() };
        if let Some(hole) = cx.hole() {
            return tally
                .unknown(|| format!("records are missing ({hole}), perhaps what {server} could know"));
        }
        tally.fail(sentence, witnesses, expected);
    }
}

/// Snapshots of one index are one.
pub(crate) const L12: RuleInfo = RuleInfo {
    id: "L12",
    lab: "2D",
    sentence: "Snapshots of the same index agree in term and data, at every server, and with the committed log.",
    source: "Raft §7 (the snapshot replaces the entries up to its last included index); Figure 13",
    explanation: "\
A snapshot is the state after a certain entry, and carries that entry's index and term. Every server that
replays the log up to there gets the same state, so the data under one label is the same everywhere.
If the label is one too low, the entry at the next index is applied twice after an install; if it is one too
high, that entry is never applied.
The usual mistakes: to label a snapshot with lastApplied after more was applied; to use the present term for
that of the entry; to write the bytes of an older snapshot under a new label.",
    example: include_str!("examples/L12.jsonl"),
    wants: Wants::Only(&[
        Action::CoordCommit,
        Action::SnapshotTaken,
        Action::SnapshotWrite,
        Action::SnapshotInstalled,
    ]),
    make: || Box::new(Same::default()),
};

#[derive(Default)]
struct Same {
    snapshots: BTreeMap<Index, (Term, u64, Stamp)>,
    /// The index at which a state was taken first, and where.
    taken: BTreeMap<u64, (Index, Stamp)>,
}

impl Same {
    fn wrong(
        &self,
        cx: &Context,
        index: Index,
        term: Term,
        digest: u64,
        record: &Record,
    ) -> Option<(String, Witness)> {
        let server = record.at.node;
        let origin = self.taken.get(&digest).filter(|(taken, _)| *taken != index);
        let data = |taken: Index, at: Stamp| {
            let by = taken.abs_diff(index);
            let side = if taken > index { "early" } else { "late" };
            let by = if by == 1 { "one index".to_owned() } else { format!("{by} indexes") };
            let sentence = format!(
                "{server} has a snapshot labelled {index}, but its data is the state after entry {taken}: {by} too {side}."
            );
            (sentence, Witness::new(at, format!("the state after entry {taken}")))
        };
        match self.snapshots.get(&index) {
            Some(&(_, known, at)) if known != digest => Some(match origin {
                Some(&(taken, at)) => data(taken, at),
                None => {
                    let sentence = format!(
                        "{server} has a snapshot up to {index} whose data differs from that of {}.",
                        at.node
                    );
                    (sentence, Witness::new(at, "the snapshot as it was seen first"))
                }
            }),
            Some(&(known, _, at)) if known != term => {
                let sentence = format!(
                    "{server} has a snapshot up to {index} of term {term}, but {} had one of term {known}.",
                    at.node
                );
                Some((sentence, Witness::new(at, format!("of term {known}"))))
            }
            Some(_) => None,
            None => {
                if let Some(&(taken, at)) =
                    origin.filter(|_| !matches!(record.event, Event::SnapshotTaken { .. }))
                {
                    return Some(data(taken, at));
                }
                let commit = cx.commits.at(index).find(|commit| commit.entry_term != term)?;
                let sentence = format!(
                    "{server} has a snapshot up to {index} of term {term}, but entry {index} was committed with term {}.",
                    commit.entry_term
                );
                Some((
                    sentence,
                    Witness::new(commit.at, format!("entry {index} of term {}", commit.entry_term)),
                ))
            }
        }
    }
}

impl Rule for Same {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        if cx.judged(record).is_none() {
            return;
        }
        let (index, term, digest) = match record.event {
            Event::SnapshotTaken { index, term, digest }
            | Event::SnapshotWrite { index, term, digest }
            | Event::SnapshotInstalled { index, term, digest } => (index, term, digest),
            Event::CoordCommit { index, entry_term, .. } => {
                let Some(&(term, _, at)) = self.snapshots.get(&index) else { return };
                if term == entry_term {
                    return;
                }
                let sentence = format!(
                    "{} committed entry {index} with term {entry_term}, but {} has a snapshot up to {index} of term {term}.",
                    record.at.node, at.node
                );
                let witnesses =
                    vec![Witness::new(at, format!("of term {term}")), Witness::new(record.at, "committed")];
                return tally.fail(sentence, witnesses, "A snapshot carries the term of its last entry.");
            }
            _ => return,
        };
        if let Some((sentence, first)) = self.wrong(cx, index, term, digest, record) {
            let witnesses =
                vec![first, Witness::new(record.at, format!("a snapshot labelled {index}, of term {term}"))];
            return tally.fail(
                sentence,
                witnesses,
                "Data, index and term of a snapshot belong to the same entry.",
            );
        }
        self.snapshots.entry(index).or_insert((term, digest, record.at));
        if matches!(record.event, Event::SnapshotTaken { .. }) {
            self.taken.entry(digest).or_insert((index, record.at));
        }
        tally.met();
    }
}
