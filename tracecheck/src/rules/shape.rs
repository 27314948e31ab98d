//! The shape of the trace itself: numbers, causes, clocks (T1 to T3).
//!
//! A violation here is a defect of the kit or of the file, never of the Raft that is judged.

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::Context;
use crate::order::Oddity;
use crate::verdict::{End, Witness};
use crate::words::count;
use tracecheck_schema::{Event, Node, Record, Stamp};

const KIT: &str = "This is a defect of the recorder or of the file, not of the Raft that is judged.";

/// Sequence numbers have no gaps.
pub(crate) const T1: RuleInfo = RuleInfo {
    id: "T1",
    lab: "2A",
    sentence: "Sequence numbers have no gaps.",
    source: "the trace contract: recording is lossless",
    explanation: "\
A node numbers its records 1, 2, 3 … within an incarnation, and its incarnations 1, 2, 3 …. A gap means that
something happened of which the trace says nothing, so that no other rule can be trusted near it.
It is a defect of the kit, or lines were removed from the file. RunEnd counts all records, so that a missing
last one is noticed too.",
    example: include_str!("examples/T1.jsonl"),
    wants: Wants::Everything,
    make: || Box::new(Numbers),
};

struct Numbers;

impl Rule for Numbers {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let at = record.at;
        let sentence = match cx.now.oddity {
            None => return tally.met(),
            Some(Oddity::Gap { after }) => {
                let missing = if after + 2 == at.seq {
                    format!("record {} is", after + 1)
                } else {
                    format!("records {} to {} are", after + 1, at.seq - 1)
                };
                format!("In incarnation {} of {}, {missing} missing.", at.inc, at.node)
            }
            Some(Oddity::MissingIncarnation { .. }) if cx.lost_tails => {
                // Whoever is killed at once leaves nothing behind.
                return tally
                    .unknown(|| format!("nothing is left of {} before incarnation {}", at.node, at.inc));
            }
            Some(Oddity::MissingIncarnation { after: 0 }) => {
                format!("The first records of {} are of incarnation {}, not 1.", at.node, at.inc)
            }
            Some(Oddity::MissingIncarnation { after }) => {
                format!("{} goes from incarnation {after} to incarnation {}.", at.node, at.inc)
            }
            Some(Oddity::Repeated) => {
                format!("{} numbers a record {at}, which is not later than its record before.", at.node)
            }
        };
        tally.fail(sentence, vec![Witness::new(at, "out of sequence")], KIT);
    }

    fn finish(&mut self, cx: &Context, end: End, tally: &mut Tally) {
        let Some((at, counted, _)) = cx.run_end else { return };
        // Of several processes, none knows how much the others recorded.
        if end == End::Truncated || counted == cx.records || cx.lost_tails {
            return;
        }
        let sentence =
            format!("The run counted {}, but the trace has {}.", count(counted, "record"), cx.records);
        let killed = cx.order.nodes().into_iter().any(|node| cx.was_killed(Stamp { node, inc: 1, seq: 1 }));
        if counted > cx.records && killed {
            // A killed process may have lost its last records, which nobody can tell from a defect.
            tally.unknown(|| sentence);
        } else {
            tally.fail(sentence, vec![Witness::new(at, "the count")], KIT);
        }
    }

    fn sees_repeats(&self) -> bool {
        true
    }
}

/// Every cause exists.
pub(crate) const T2: RuleInfo = RuleInfo {
    id: "T2",
    lab: "2A",
    sentence: "Every cause exists.",
    source: "the trace contract; Lamport 1978 (happened-before)",
    explanation: "\
A receive names the sender's record from which the message left: its cause. These edges, and each node's own
order, are all that \"happened before\" means here. A cause that is nowhere in the trace leaves a receive
without its past, and rules about quorums cannot be decided.
If the sender was killed, its last records may never have been written: then the verdict is unknown.",
    example: include_str!("examples/T2.jsonl"),
    wants: Wants::Everything,
    make: || Box::new(Causes { missing: Vec::new() }),
};

struct Causes {
    /// Records whose causes had not come, with those causes.
    missing: Vec<(Stamp, Stamp)>,
}

impl Causes {
    fn fail(at: Stamp, cause: Stamp, tally: &mut Tally) {
        let sentence = format!("{at} names {cause} as its cause, but the trace has no such record.");
        tally.fail(sentence, vec![Witness::new(at, format!("caused by {cause}?"))], KIT);
    }
}

impl Rule for Causes {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        match (record.cause, cx.now.missing) {
            (_, Some(cause)) if cx.deferred || cx.was_killed(cause) => self.missing.push((record.at, cause)),
            (_, Some(cause)) => Causes::fail(record.at, cause, tally),
            (Some(_), None) => tally.met(),
            (None, None) => {
                let from = match record.event {
                    Event::Recv { from, .. } => from.into(),
                    Event::KvRecv { from, .. } => from,
                    _ => return,
                };
                if record.server().is_none_or(|server| cx.is_judged(server)) {
                    tally.unknown(|| format!("{} received something from {from} without a cause", record.at));
                }
            }
        }
    }

    fn finish(&mut self, cx: &Context, end: End, tally: &mut Tally) {
        for &(at, cause) in &self.missing {
            if cx.order.contains(cause) {
                let sentence =
                    format!("{at} names {cause} as its cause, but {cause} did not happen before it.");
                let witnesses = vec![Witness::new(cause, "the cause"), Witness::new(at, "the effect")];
                tally.fail(sentence, witnesses, KIT);
            } else if end == End::Truncated || cx.may_be_lost(cause) {
                tally.unknown(|| {
                    format!(
                        "{cause}, the cause of {at}, is missing; its process was killed and may have lost it"
                    )
                });
            } else {
                Causes::fail(at, cause, tally);
            }
        }
    }
}

/// Recorded clocks equal recomputed ones.
pub(crate) const T3: RuleInfo = RuleInfo {
    id: "T3",
    lab: "2A",
    sentence: "Recorded clocks equal recomputed ones.",
    source: "the trace contract; Mattern 1989 (vector clocks)",
    explanation: "\
A recorder may write a vector clock with each record: for every node, how many of its records happened before
this one or are it. The judge computes the same clocks from the causes alone. Where the two differ, either the
recorder merged a clock wrongly or a cause is false, and then happened-before means nothing.",
    example: include_str!("examples/T3.jsonl"),
    wants: Wants::Everything,
    make: || Box::new(Clocks),
};

struct Clocks;

impl Rule for Clocks {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(recorded) = &record.clock else { return };
        let computed = cx.order.clock(record.at).unwrap_or_default();
        if *recorded == computed {
            return tally.met();
        }
        let in_clock = |clock: &[(Node, u64)], node: Node| {
            clock.iter().find(|(other, _)| *other == node).map_or(0, |(_, count)| *count)
        };
        let mut nodes = recorded.iter().chain(&computed).map(|(node, _)| *node);
        let Some(node) = nodes.find(|node| in_clock(recorded, *node) != in_clock(&computed, *node)) else {
            return tally.met();
        };
        let (said, found) = (in_clock(recorded, node), in_clock(&computed, node));
        // The tail that a killed process never wrote was counted by its recorder, and cannot be counted here.
        if let Some(hole) = cx.hole() {
            return tally.unknown(|| format!("clocks cannot be recomputed: records are missing ({hole})"));
        }
        if said > found && cx.order.incarnations(node) > 1 {
            return tally.unknown(|| format!("{} may have lost records when it was killed", node));
        }
        let known = if cx.order.last(node).is_none() { ", which recorded nothing before" } else { "" };
        let sentence = format!(
            "The clock of {} counts {said} of {node}{known}, but {found} happened before.",
            record.at
        );
        tally.fail(sentence, vec![Witness::new(record.at, "a clock that is wrong")], KIT);
    }
}
