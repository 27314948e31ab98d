//! What a disk holds after a restart (L9).

use super::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::context::{Context, Image, Left, PerServer, image};
use crate::verdict::{End, Witness};
use crate::words::someone;
use tracecheck_schema::{Action, Event, Index, Record, Server, Stamp, State};

/// Nothing durable is lost, and nothing is made up.
pub(crate) const L9: RuleInfo = RuleInfo {
    id: "L9",
    lab: "2C",
    sentence: "After a restart a server has exactly what its last Durable covered, and a prefix of the writes after it.",
    source: "Raft Figure 2 (persistent state on all servers); §5.1; the trace contract (writes reach the disk in order)",
    explanation: "\
A server that crashes loses what was only in memory. What a sync covered is there afterwards, and of the writes
after it the first few may be: a disk writes in order. Everything else a restarted server learns anew.
So it begins with the term, the vote, the snapshot and the log of its disk, all of them, and nothing but them.
The usual mistakes: to write the log but not the vote; to restore the log and forget the snapshot before it; to
write the entries that were appended, but not that others were cut.",
    example: include_str!("examples/L9.jsonl"),
    wants: Wants::Only(&[
        Action::ServerStart,
        Action::Restored,
        Action::ServerJoining,
        Action::SnapshotInstalled,
        Action::CoordFail,
        Action::Recv,
        Action::LogWrite,
        Action::Durable,
        Action::Send,
    ]),
    make: || Box::new(Restarts::default()),
};

#[derive(Default)]
struct Restarts {
    /// A start after which nothing said yet what the disk held.
    started: PerServer<Option<(Stamp, Option<State>)>>,
}

/// How two disks differ: what the first has, and what the second has.
fn difference(was: &Image, is: &Image) -> Option<(String, String)> {
    if was.hard != is.hard {
        let hard = |image: &Image| format!("term {} and a vote for {}", image.hard.0, someone(image.hard.1));
        return Some((hard(was), hard(is)));
    }
    let covered = |image: &Image| image.log.snapshot;
    if covered(was) != covered(is) {
        let snapshot = |image: &Image| match image.log.snapshot {
            (0, _) => "no snapshot".to_owned(),
            (index, term) => format!("a snapshot up to {index} of term {term}"),
        };
        return Some((snapshot(was), snapshot(is)));
    }
    let (from, other) = (was.log.base().max(was.log.snapshot.0), is.log.base().max(is.log.snapshot.0));
    let (old, new) = (was.log.after(from), is.log.after(other));
    // Where both end with what a snapshot or a compaction left, they hold the same.
    if old == new && (from == other || old.is_empty()) {
        return None;
    }
    let common = old.iter().zip(new).take_while(|(a, b)| a == b && from == other).count() as Index;
    let index = from.min(other).saturating_add(common).saturating_add(1);
    let entry = |image: &Image| match image.log.term_at(index) {
        Some(term) if index <= image.log.last() => format!("entry {index} of term {term}"),
        _ => format!("no entry {index}"),
    };
    Some((entry(was), entry(is)))
}

/// Compares what a disk held with what it can have held; says how it differs from the last sync.
fn compare(left: &Left, held: &Image) -> Result<(), (String, String)> {
    let Some(differs) = difference(&left.disk, held) else { return Ok(()) };
    let mut image = left.disk.clone();
    for pending in &left.pending {
        image.apply(&pending.write);
        if difference(&image, held).is_none() {
            return Ok(());
        }
    }
    Err(differs)
}

impl Restarts {
    /// The disk of a new incarnation is known.
    fn restored(&mut self, cx: &Context, server: Server, held: &Image, at: Stamp, tally: &mut Tally) {
        let Some((start, state)) = self.started.get_mut(server).take() else { return };
        let Some(left) = cx.replica(server).and_then(|replica| replica.left.as_deref()) else { return };
        if !left.known || left.disk.log.unknown_upto() > 0 {
            return tally
                .unknown(|| format!("the trace does not say what {server} had on its disk before {start}"));
        }
        if let Err((was, is)) = compare(left, held) {
            if let Some(hole) = cx.hole_in(server) {
                return tally
                    .unknown(|| format!("records are missing ({hole}), perhaps a write of {server}"));
            }
            if cx.lost_tails {
                return tally.unknown(|| {
                    format!("{server} may have lost its last records when it was killed before {start}")
                });
            }
            let sentence = format!("{server} came back with {is} on its disk, which had held {was}.");
            let mut witnesses: Vec<Witness> = left
                .at
                .map(|at| Witness::new(at, "the last that its disk held for certain"))
                .into_iter()
                .collect();
            witnesses.extend(
                left.pending.iter().map(|one| Witness::new(one.at, "a write that may have reached it")),
            );
            witnesses.push(Witness::new(at, "what it held after the restart"));
            return tally.fail(
                sentence,
                witnesses,
                format!("{server} should have come back with {was}, or what it wrote after."),
            );
        }
        let Some(state) = state else {
            return tally.unknown(|| format!("{start} (ServerStart) carries no state"));
        };
        let (last, last_term) = (held.log.last(), held.log.end().1.unwrap_or(state.last_term));
        let believed = (state.term, state.voted_for, state.last_index, state.last_term);
        if believed == (held.hard.0, held.hard.1, last, last_term) {
            return tally.met();
        }
        let describe = |(term, vote, last, last_term)| {
            let log = if last == 0 {
                "an empty log".to_owned()
            } else {
                format!("a log up to {last} of term {last_term}")
            };
            format!("term {term}, a vote for {} and {log}", someone(vote))
        };
        let disk = describe((held.hard.0, held.hard.1, last, last_term));
        let sentence = format!("{server} restarted with {}, but its disk held {disk}.", describe(believed));
        let mut witnesses =
            vec![Witness::new(start, "what it believed"), Witness::new(at, "what its disk held")];
        witnesses.dedup_by_key(|witness| witness.at);
        tally.fail(sentence, witnesses, format!("{server} should have restored {disk}."));
    }
}

impl Rule for Restarts {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record).filter(|_| cx.real_disks && record.at.inc > 1) else { return };
        match &record.event {
            Event::ServerStart { .. } => {
                *self.started.get_mut(server) = Some((record.at, record.state));
                if record.state.is_none() {
                    tally.unknown(|| stateless(record));
                }
            }
            Event::Restored { term, voted_for, snap_index, snap_term, entries } => {
                let held = image((*term, *voted_for), (*snap_index, *snap_term), entries);
                self.restored(cx, server, &held, record.at, tally);
            }
            _ if self.started.get_mut(server).is_some_and(|(at, _)| at.inc == record.at.inc) => {
                self.restored(cx, server, &Image::default(), record.at, tally);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _cx: &Context, _end: End, tally: &mut Tally) {
        if let Some((start, _)) = self.started.iter().flatten().next() {
            tally.unknown(|| format!("the trace does not say what the disk held at {start}"));
        }
    }
}
