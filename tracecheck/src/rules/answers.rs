//! What a server may answer (K4).

use super::reads::{Reads, Refuted};
use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, Invoked};
use crate::verdict::Witness;
use std::collections::HashMap;
use tracecheck_schema::{Action, Event, Index, KvOutcome, Op, Record, Server, Stamp};

/// An answer stands on a commit, or on a confirmed read.
pub(crate) const K4: RuleInfo = RuleInfo {
    id: "K4",
    lab: "3A",
    sentence: "A write is answered when an entry with it was committed, in the answer's causal past. So is a get, or else \
               a coordinator, with an entry of its own term committed, was confirmed by a quorum since the get was asked, \
               and whoever answers had applied as far as it had committed.",
    source: "Raft §8; thesis §6.4 (ReadIndex); the known trap: a get answered from the coordinator's map alone",
    explanation: "\
\"ok\" is a promise that nobody can take back, so the operation must be committed first. If the coordinator stops
being one while it waits, it does not know, and must say so.
A get that goes past the log needs as much: whoever answers may have been replaced long ago without knowing it. So
a quorum must say, after the get was asked, that it still follows this coordinator (ReadPoint); the coordinator
must have committed an entry of its own term; and the map must have caught up with what was committed.
The usual mistakes: a get from the own map; a confirmation that is older than the get; an error told as success.",
    example: include_str!("examples/K4.jsonl"),
    wants: Wants::Only(&[
        Action::Restored,
        Action::Recv,
        Action::CoordCommit,
        Action::ReadPoint,
        Action::PutResult,
        Action::GetResult,
    ]),
    make: || Box::new(Answers::default()),
};

#[derive(Default)]
struct Answers {
    reads: Reads,
    /// The gets that were answered, and how. Only looked up.
    given: HashMap<Op, Vec<(Stamp, KvOutcome)>>,
    /// Whether some disk held a log before this trace began: what was committed there has no record.
    before: bool,
}

/// An answer.
struct Answer<'a> {
    server: Server,
    at: Stamp,
    op: Op,
    outcome: &'a KvOutcome,
}

/// Why nothing was committed for an operation: the rest of a sentence, and what shows it.
fn uncommitted(cx: &Context, entries: &[(Index, u64)]) -> (String, Option<Witness>) {
    let commit = entries
        .iter()
        .find_map(|(index, operation)| cx.commits.at(*index).find(|commit| commit.operation == *operation));
    match (commit, entries.first()) {
        (Some(commit), _) => {
            let text = format!(
                "before it could know that {} had committed entry {} with it",
                commit.server, commit.index
            );
            (text, Some(Witness::new(commit.at, "committed, unknown to it")))
        }
        (None, Some((index, _))) => {
            (format!("but no coordinator had committed entry {index}, which carries it"), None)
        }
        (None, None) => ("but no coordinator had committed an entry with it".to_owned(), None),
    }
}

impl Answer<'_> {
    /// Whether an entry with the operation was committed, as far as the answer's past goes.
    fn is_committed(&self, cx: &Context) -> bool {
        cx.clients.entries(self.op).iter().any(|(index, operation)| {
            let mut commits = cx.commits.at(*index).filter(|commit| commit.operation == *operation);
            commits.any(|commit| cx.order.happens_before(commit.at, self.at))
        })
    }

    fn fail(&self, cx: &Context, why: &str, first: Option<Witness>, expected: String, tally: &mut Tally) {
        let Answer { server, at, op, outcome } = *self;
        let what = cx.clients.invoked(op).map_or(String::new(), |invoked| format!(" (`{}`)", invoked.call));
        let sentence = format!("{server} answered {op}{what} with {outcome}, {why}.");
        let witnesses = first.into_iter().chain([Witness::new(at, "answered")]).collect();
        tally.fail(sentence, witnesses, expected);
    }
}

impl Answers {
    /// Whether the same answer was given before, by a server that this one may know of: then it is passed on.
    fn is_passed_on(&self, cx: &Context, this: &Answer<'_>) -> bool {
        let given = self.given.get(&this.op).map_or(&[][..], Vec::as_slice);
        given.iter().any(|(at, outcome)| outcome == this.outcome && cx.order.happens_before(*at, this.at))
    }

    fn put(&self, cx: &Context, this: &Answer<'_>, tally: &mut Tally) {
        if this.is_committed(cx) {
            return tally.met();
        }
        if self.undecided(cx, tally) {
            return;
        }
        let (why, first) = uncommitted(cx, cx.clients.entries(this.op));
        let expected = format!(
            "{} should have waited for the commit, or said that the outcome is unknown.",
            this.server
        );
        this.fail(cx, &why, first, expected, tally);
    }

    fn get(&mut self, cx: &Context, this: &Answer<'_>, invoked: &Invoked, tally: &mut Tally) {
        let fine = self.is_passed_on(cx, this) || this.is_committed(cx);
        let refuted = if fine { None } else { self.reads.refute(cx, this.server, invoked.at, this.at) };
        if let Some(Refuted { why, witness, expected, undecided }) = refuted {
            if let Some(undecided) = undecided {
                return tally.unknown(|| undecided);
            }
            if !self.undecided(cx, tally) {
                this.fail(cx, &why, witness, expected, tally);
            }
            return;
        }
        self.given.entry(this.op).or_default().push((this.at, this.outcome.clone()));
        tally.met();
    }

    /// Whether what lacks may only lack in the trace.
    fn undecided(&self, cx: &Context, tally: &mut Tally) -> bool {
        if let Some(hole) = cx.hole() {
            tally.unknown(|| format!("records are missing ({hole}), perhaps what stands behind an answer"));
            return true;
        }
        if self.before {
            tally.unknown(|| {
                "servers had logs before this trace began: it does not say what was committed".to_owned()
            });
        }
        // A coordinator that the test plays records nothing.
        self.before || cx.has_scripted()
    }
}

impl Rule for Answers {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = record.server() else { return };
        let at = record.at;
        let (op, outcome, is_get) = match &record.event {
            Event::PutResult { op, outcome } => (*op, outcome, false),
            Event::GetResult { op, outcome } => (*op, outcome, true),
            Event::Restored { .. } => {
                self.before |= at.inc == 1;
                return;
            }
            _ => return self.reads.take(cx, server, record),
        };
        // Without Raft there are no commits: what a service alone executes, another rule replays.
        let replicated = cx.server(server).is_some_and(|view| view.state.is_some());
        if !outcome.is_ok() || !replicated {
            return;
        }
        let this = Answer { server, at, op, outcome };
        if !cx.is_judged(server) {
            self.given.entry(op).or_default().push((at, outcome.clone()));
        } else if !is_get {
            self.put(cx, &this, tally);
        } else if let Some(invoked) = cx.clients.invoked(op) {
            self.get(cx, &this, invoked, tally);
        } else {
            tally.unknown(|| format!("the trace does not say when {op} was asked"));
        }
    }
}
