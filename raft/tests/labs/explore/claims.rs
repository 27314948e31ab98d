//! What a message claims, held against what its sender's disk holds as it leaves (Figure 2: "updated on stable
//! storage before responding to RPCs").

use super::local::{Flight, What};
use labrpc::schema::{Durability, Index, Term};
use raft::core::{Log, Rep, Req, Saved};

/// What is wrong with a message that leaves now, if something is.
pub(super) fn unfounded(durability: Durability, disk: &Saved, flight: &Flight) -> Option<String> {
    if durability == Durability::Assumed {
        return None;
    }
    let (me, to) = (flight.from, flight.to);
    match &flight.what {
        What::Request(Req::Vote(args)) => (disk.hard.term < args.term
            || (disk.hard.term == args.term && disk.hard.vote != Some(me)))
        .then(|| {
            format!("{me} asked {to} for its vote in term {}, and its disk has no such candidacy", args.term)
        }),
        What::Reply(Req::Vote(args), Rep::Vote(rep)) if rep.granted => (disk.hard.term < args.term
            || (disk.hard.term == args.term && disk.hard.vote != Some(args.candidate)))
        .then(|| format!("{me} gave {to} its vote in term {}, and its disk does not know", args.term)),
        What::Reply(Req::Append(args), Rep::Append(rep)) if rep.success && disk.hard.term <= args.term => {
            let terms = args.entries.iter().map(|entry| entry.term).zip(args.prev_index + 1..);
            let lacks = |(term, index): (Term, Index)| (!holds(disk, index, term)).then_some(index);
            let first = terms.filter_map(lacks).next();
            first.map(|index| format!("{me} confirmed entry {index} to {to}, and its disk does not have it"))
        }
        What::Reply(Req::Install(args), Rep::Install(rep))
            if rep.installed
                && disk.hard.term <= args.term
                && !holds(disk, args.last_index, args.last_term) =>
        {
            Some(format!(
                "{me} told {to} that it has everything up to {}, and its disk does not",
                args.last_index
            ))
        }
        _ => None,
    }
}

/// Whether a disk has that entry, or a snapshot that covers it.
pub(super) fn holds(disk: &Saved, index: Index, term: Term) -> bool {
    let covered = disk.snap.as_ref().is_some_and(|snap| snap.index >= index);
    covered || in_log(&disk.log, index, term)
}

fn in_log(log: &Log, index: Index, term: Term) -> bool {
    log.entry(index).is_some_and(|entry| entry.term == term)
}
