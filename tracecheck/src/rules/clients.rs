//! The life of a client (K1, K2).

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::Context;
use crate::verdict::{End, Witness};
use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, KvKind, Node, Record, Stamp};

/// What clients record.
const ALL: Wants = Wants::Only(&[
    Action::KvslibStart,
    Action::KvslibStop,
    Action::Invoke,
    Action::Return,
    Action::Unavailable,
    Action::Available,
    Action::KvSend,
    Action::KvRecv,
]);

/// A client starts once.
pub(crate) const K1: RuleInfo = RuleInfo {
    id: "K1",
    lab: "1",
    sentence: "A client records KvslibStart exactly once, before all its other events.",
    source: "the course's design, ktrace",
    explanation: "\
A client says that it begins before it does anything else. From then on its number names it: servers remember
by that number which of its operations they have executed. Two clients of one number, or one that begins twice,
would be taken for each other, and the second one's first operation for a repeated one.
The usual mistake is to record it with the first operation, after its request has left, or once a server.",
    example: include_str!("examples/K1.jsonl"),
    wants: ALL,
    make: || Box::new(Begins::default()),
};

#[derive(Default)]
struct Begins {
    /// Each client's first record.
    first: BTreeMap<Node, Stamp>,
}

impl Rule for Begins {
    fn observe(&mut self, _: &Context, record: &Record, tally: &mut Tally) {
        let (node, at) = (record.at.node, record.at);
        let starts = match record.event {
            Event::KvslibStart { client_id } if node != Node::Client(client_id) => {
                let sentence = format!("{node} recorded the KvslibStart of client {client_id}.");
                let expected = format!("c{client_id} records its own KvslibStart.");
                return tally.fail(sentence, vec![Witness::new(at, "not its own")], expected);
            }
            Event::KvslibStart { .. } => true,
            _ => false,
        };
        if !matches!(node, Node::Client(_)) {
            return;
        }
        let first = *self.first.entry(node).or_insert(at);
        match (starts, first == at) {
            (true, true) => tally.met(),
            (false, false) => {}
            _ if first.seq > 1 || first.inc > 1 => {
                tally.unknown(|| format!("the first records of {node} are missing, perhaps its KvslibStart"));
            }
            (true, false) => {
                let sentence = format!("{node} recorded KvslibStart twice.");
                let witnesses =
                    vec![Witness::new(first, "its first record"), Witness::new(at, "it starts again")];
                tally.fail(
                    sentence,
                    witnesses,
                    "A client starts once, and another client has another number.",
                );
            }
            (false, true) => {
                let action = record.event.action().name();
                let sentence = format!("The first record of {node} is {action}, not KvslibStart.");
                let witnesses = vec![Witness::new(at, "its first record")];
                tally.fail(sentence, witnesses, format!("{node} should have recorded KvslibStart first."));
            }
        }
    }
}

/// A client stops once, and then is silent.
pub(crate) const K2: RuleInfo = RuleInfo {
    id: "K2",
    lab: "1",
    sentence: "A client records KvslibStop at most once, after all its other events: only a late answer may still \
               reach it. Exactly once in a run that ends in good order.",
    source: "the course's design, ktrace",
    explanation: "\
A client that stops has returned from everything that it was asked for, and sends nothing more. Whatever a task of
it still sent afterwards would belong to nobody: no answer is awaited, and no later Return says what became of it.
An answer to an earlier request that arrives late is the network's doing, and is legal.
The usual mistakes: a retry in the background that survives its operation; to return from stop at once and leave
the last operation to itself; to leave out KvslibStop where nothing was asked.",
    example: include_str!("examples/K2.jsonl"),
    wants: ALL,
    make: || Box::new(Ends::default()),
};

#[derive(Default)]
struct Ends {
    /// Each client's last record, and its KvslibStop.
    clients: BTreeMap<Node, (Stamp, Option<Stamp>)>,
}

impl Rule for Ends {
    fn observe(&mut self, _: &Context, record: &Record, tally: &mut Tally) {
        let (node, at) = (record.at.node, record.at);
        let stops = match record.event {
            Event::KvslibStop { client_id } if node != Node::Client(client_id) => {
                let sentence = format!("{node} recorded the KvslibStop of client {client_id}.");
                let expected = format!("c{client_id} records its own KvslibStop.");
                return tally.fail(sentence, vec![Witness::new(at, "not its own")], expected);
            }
            Event::KvslibStop { .. } => true,
            Event::KvRecv { kind: KvKind::Reply, .. } => return,
            _ => false,
        };
        if !matches!(node, Node::Client(_)) {
            return;
        }
        let (last, stopped) = self.clients.entry(node).or_insert((at, None));
        *last = at;
        let Some(first) = *stopped else {
            if stops {
                *stopped = Some(at);
                tally.met();
            }
            return;
        };
        let action = record.event.action().name();
        let sentence = match stops {
            true => format!("{node} recorded KvslibStop twice."),
            false => format!("{node} recorded {action} after KvslibStop."),
        };
        let witnesses = vec![Witness::new(first, "stopped"), Witness::new(at, "and yet this")];
        tally.fail(sentence, witnesses, format!("Nothing of {node} comes after its KvslibStop."));
    }

    fn finish(&mut self, cx: &Context, end: End, tally: &mut Tally) {
        for (node, (last, _)) in self.clients.iter().filter(|(_, (_, stopped))| stopped.is_none()) {
            if end != End::Complete {
                return;
            }
            if let Some(hole) = cx.hole_in(*node) {
                return tally.unknown(|| format!("records are missing ({hole}), perhaps its KvslibStop"));
            }
            if cx.lost_tails {
                return tally.unknown(|| format!("the last records of {node} may never have been written"));
            }
            let sentence = format!("The run ended in good order, but {node} never recorded KvslibStop.");
            let witnesses = vec![Witness::new(*last, "its last record")];
            tally.fail(
                sentence,
                witnesses,
                format!("{node} should have recorded KvslibStop when it was stopped."),
            );
        }
    }
}
