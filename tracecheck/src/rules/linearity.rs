//! What clients saw fits one order (K6).

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, is_client};
use crate::linear::{self, Budget, Explanation, History, HistoryError, Operation};
use crate::verdict::{End, Witness};
use std::collections::BTreeSet;
use tracecheck_schema::{Action, Event, Record, Stamp};

/// Linearizability.
pub(crate) const K6: RuleInfo = RuleInfo {
    id: "K6",
    lab: "1",
    sentence: "Linearizability: all operations on a key fit one order, in which none comes before one that had returned \
               when it was asked, and each finds what the ones before it left.",
    source: "Herlihy and Wing 1990; Raft §8 (linearizable semantics)",
    explanation: "\
To its clients the service is one map, however many servers there are: an operation seems to take effect at one
instant between its beginning and its end. An operation of which nobody knows may take effect at any time after its
beginning, or never.
This is what the clients see, whatever went on inside; if it breaks, look for a broken K4 or K5 in the same run
first. What took longer to search than the judge allows itself is unknown, never a pass.
The usual mistakes: a get from a map that is behind; a retry that takes effect twice; an error told as success.",
    example: include_str!("examples/K6.jsonl"),
    wants: Wants::Only(&[Action::Invoke, Action::Return]),
    make: || Box::new(Linear::default()),
};

/// The most operations that are shown.
const SHOWN: usize = 12;

#[derive(Default)]
struct Linear {
    history: History,
    /// The records that the history was made of; it knows them by their places here, from 1.
    records: Vec<Stamp>,
    /// The clients that took part.
    clients: BTreeSet<u32>,
}

impl Linear {
    fn record(&self, at: u64) -> Option<Stamp> {
        usize::try_from(at).ok()?.checked_sub(1).and_then(|place| self.records.get(place)).copied()
    }

    /// The records of the operations that cannot be ordered, as they happened.
    fn witnesses(&self, operations: &[Operation]) -> Vec<Witness> {
        let mut shown: Vec<(u64, String)> = Vec::new();
        for operation in operations.iter().take(SHOWN) {
            let Operation { call, outcome, invoked_at, returned_at, .. } = operation;
            shown.push((*invoked_at, format!("`{call}` begins")));
            // One of which nobody knows ends nowhere, whatever its client then says.
            if operation.returned.is_some() {
                shown.push((*returned_at, format!("`{call}` ends: {outcome}")));
            }
        }
        shown.sort();
        let witness = |(at, note)| Some(Witness::new(self.record(at)?, note));
        shown.into_iter().filter_map(witness).collect()
    }
}

/// What would have been right.
fn expected(found: &Explanation) -> String {
    let could: Vec<String> = found.could_find.iter().map(|value| format!("{value:?}")).collect();
    match could.as_slice() {
        [] => "There must be an order of all operations that explains every answer.".to_owned(),
        [only] => format!("It had to find {only}."),
        [most @ .., last] => format!("It could have found {} or {last}.", most.join(", ")),
    }
}

impl Rule for Linear {
    fn observe(&mut self, _: &Context, record: &Record, tally: &mut Tally) {
        let (Event::Invoke { op, .. } | Event::Return { op, .. }) = record.event else { return };
        if !is_client(record.at.node, op) {
            return tally
                .unknown(|| format!("{} recorded an operation of another client, {op}", record.at.node));
        }
        self.records.push(record.at);
        self.clients.insert(op.client_id);
        match self.history.observe(&record.event, self.records.len() as u64) {
            Ok(()) => {}
            Err(HistoryError::Mismatch { call, outcome }) => {
                let sentence =
                    format!("{op}, a {call}, returned with {outcome}: that is no answer to a {call}.");
                let witnesses = vec![Witness::new(record.at, "returned")];
                tally.fail(sentence, witnesses, "An operation returns what was answered to it.");
            }
            Err(wrong) => tally.unknown(|| format!("{} {wrong}", record.at)),
        }
    }

    fn finish(&mut self, cx: &Context, _: End, tally: &mut Tally) {
        if self.history.is_empty() || tally.unknown.is_some() {
            return;
        }
        if cx.lost_tails && self.clients.len() > 1 {
            // Nothing orders the records of different processes but messages, and clients exchange none.
            return tally.unknown(|| {
                "several processes wrote this trace, so that it has no real-time order".to_owned()
            });
        }
        match linear::check(&self.history, Budget::default()) {
            linear::Verdict::Linearizable { operations, .. } => tally.met = operations as u64,
            linear::Verdict::Unknown(why) => tally.unknown(|| why),
            linear::Verdict::Violation(found) => {
                if let Some(hole) = cx.hole() {
                    return tally.unknown(|| format!("records are missing ({hole}), perhaps of clients"));
                }
                let witnesses = self.witnesses(&found.operations);
                let expected = expected(&found);
                tally.fail(found.sentence, witnesses, expected);
            }
        }
    }
}
