//! Logs agree (L5), and so do state machines (L7).

use crate::context::Context;
use crate::rules::{Rule, RuleInfo, Tally, Wants};
use crate::verdict::Witness;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use tracecheck_schema::{Action, EntryId, Event, Index, Record, Stamp, Term};

/// Log Matching.
pub(crate) const L5: RuleInfo = RuleInfo {
    id: "L5",
    lab: "2B",
    sentence: "Log Matching: entries with the same index and term hold the same operation, and so do all before them.",
    source: "Raft Figure 3 (Log Matching), §5.3",
    explanation: "\
A leader makes one entry an index in its term and never moves it, so index and term name an entry for ever.
A follower takes an entry only after one that agrees with the leader's, so that two logs which share one entry
share everything before it. Committing and elections compare last entries only, and rest on this.
The usual mistakes: to append without the check of prevLogIndex and prevLogTerm; to keep a conflicting entry
because there is one at that index already; to give entries of an earlier term the present one.",
    example: include_str!("../examples/L5.jsonl"),
    wants: Wants::Only(&[Action::LogWrite, Action::Restored, Action::AppendEntry]),
    make: || Box::new(Matching::default()),
};

#[derive(Default)]
struct Matching {
    /// Only looked up, never walked through: its order is seen nowhere.
    entries: HashMap<(Index, Term), Known>,
}

/// An entry as it was first seen.
struct Known {
    operation: u64,
    /// The term of the entry before it, and where that was seen first.
    before: Option<(Term, Stamp)>,
    at: Stamp,
}

/// How an entry differs from what was seen before.
struct Differs {
    sentence: String,
    first: Witness,
}

impl Matching {
    /// Compares one entry, and remembers it if it is new.
    fn check(&mut self, who: &str, entry: EntryId, before: Option<Term>, at: Stamp) -> Option<Differs> {
        let EntryId(index, term, operation) = entry;
        let known = match self.entries.entry((index, term)) {
            Entry::Vacant(place) => {
                place.insert(Known { operation, before: before.map(|term| (term, at)), at });
                return None;
            }
            Entry::Occupied(place) => place.into_mut(),
        };
        if known.operation != operation {
            let sentence = format!(
                "Entry {index} of term {term} holds one operation at {}, and another at {who}.",
                known.at.node
            );
            return Some(Differs {
                sentence,
                first: Witness::new(known.at, "the entry as it was seen first"),
            });
        }
        let (first, seen) = *known.before.get_or_insert((before?, at));
        let before = before.filter(|before| *before != first)?;
        let name =
            |term: Term| if term == 0 { "nothing".to_owned() } else { format!("an entry of term {term}") };
        let sentence = format!(
            "Before entry {index} of term {term} comes {} at {}, and {} at {who}.",
            name(first),
            seen.node,
            name(before)
        );
        Some(Differs { sentence, first: Witness::new(seen, format!("after {}", name(first))) })
    }
}

/// The entries that a record shows, and the term before the first of them, if that is known.
fn shown<'a>(cx: &Context, record: &'a Record) -> Option<(&'a [EntryId], Option<Term>)> {
    match &record.event {
        Event::AppendEntry { entries, prev_term, .. } => Some((entries, Some(*prev_term))),
        Event::Restored { entries, snap_index, snap_term, .. } => {
            let first = entries.first().map_or(0, |EntryId(index, _, _)| *index);
            Some((entries, Some(*snap_term).filter(|_| first == snap_index.saturating_add(1))))
        }
        Event::LogWrite { entries, from, .. } if *from > 0 => {
            let log = cx.log(record.server()?)?;
            Some((entries, log.term_at(from - 1)))
        }
        _ => None,
    }
}

impl Rule for Matching {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let Some((entries, mut before)) = shown(cx, record) else { return };
        if entries.is_empty() {
            return;
        }
        for entry in entries {
            if let Some(Differs { sentence, first }) =
                self.check(&server.to_string(), *entry, before, record.at)
            {
                let EntryId(index, term, _) = *entry;
                let witnesses =
                    vec![first, Witness::new(record.at, format!("the other entry {index} of term {term}"))];
                return tally.fail(sentence, witnesses, "Index and term name one entry, and all before it.");
            }
            before = Some(entry.1);
        }
        tally.met();
    }
}

/// State Machine Safety.
pub(crate) const L7: RuleInfo = RuleInfo {
    id: "L7",
    lab: "2B",
    sentence: "State Machine Safety: an index is committed and applied with one operation only, ever, at every server.",
    source: "Raft Figure 3 (State Machine Safety), §5.4.3",
    explanation: "\
This is what Raft is for: all services get the same operations in the same order, so they all become the same.
If one server applies another operation at an index than some server committed or applied there, clients have
been told things that are no longer true.
When this rule breaks, look for its cause in the same run first: a commit without a quorum (L3), a leader that
lacks what was committed (L6), a follower that commits what it did not check (L4).",
    example: include_str!("../examples/L7.jsonl"),
    wants: Wants::Only(&[Action::Apply, Action::CoordCommit, Action::ServerCommit]),
    make: || Box::new(OneOperation::default()),
};

#[derive(Default)]
struct OneOperation {
    /// Only looked up, never walked through.
    operations: HashMap<Index, (u64, Stamp, &'static str)>,
}

impl Rule for OneOperation {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let (index, operation, did) = match record.event {
            Event::Apply { index, operation } => (index, operation, "applied"),
            Event::CoordCommit { index, operation, .. } => (index, operation, "committed"),
            Event::ServerCommit { index, operation, .. } => (index, operation, "took for committed"),
            _ => return,
        };
        let &mut (first, at, first_did) = self.operations.entry(index).or_insert((operation, record.at, did));
        if first == operation {
            return tally.met();
        }
        let sentence = format!(
            "{server} {did} another operation at index {index} than {} {first_did} there.",
            if at.node == record.at.node { "it had".to_owned() } else { at.node.to_string() }
        );
        let witnesses = vec![
            Witness::new(at, format!("{first_did} here")),
            Witness::new(record.at, format!("{did} here: another operation")),
        ];
        tally.fail(sentence, witnesses, "What was committed at an index once stays there for ever.");
    }
}
