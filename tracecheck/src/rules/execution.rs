//! What services execute, replayed (K5).

use super::replay::{Answer, Entry, Replay};
use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, PerServer};
use crate::verdict::Witness;
use std::collections::VecDeque;
use tracecheck_schema::{Action, Event, Index, KvCall, KvOutcome, Op, Record, Server, Stamp};

/// An operation takes effect once.
pub(crate) const K5: RuleInfo = RuleInfo {
    id: "K5",
    lab: "1",
    sentence: "Every server executes the same operations at the same indexes, just as Raft applied them, and answers as a \
               service does in which each operation takes effect at most once; a restored state is what the log made.",
    source: "Raft §8 (the state machine tracks the latest serial number processed for each client, with its response)",
    explanation: "\
A retry may put an operation into the log twice. When it comes the second time, the service answers as it did the
first time, and changes nothing. To do so it remembers, for each client, the last operation and its answer; that is
part of its state, and of its snapshots.
The judge replays the log with such a memory, and compares every answer, and every state that a snapshot brought.
The usual mistakes: no memory of what was executed, or one for all clients; a memory that a snapshot leaves out; an
answer that is worked out anew; a state machine that reads a clock or draws a number.",
    example: include_str!("examples/K5.jsonl"),
    wants: Wants::Only(&[Action::Apply, Action::Executed, Action::StateRestored]),
    make: || Box::new(Executions::default()),
};

/// The most entries that are remembered as applied before any service is seen to run.
const UNSERVED: usize = 1024;

#[derive(Default)]
struct Executions {
    servers: PerServer<Progress>,
    replay: Replay,
    /// Whether some service runs.
    serving: bool,
}

/// How far the service of a server is, in this incarnation.
#[derive(Default)]
struct Progress {
    inc: u32,
    /// Applied by Raft, and not executed: index, digest.
    pending: VecDeque<(Index, u64, Stamp)>,
    /// Whether more was applied than is remembered.
    forgot: bool,
    /// The last index that it executed or restored.
    done: Index,
}

/// Something that is wrong: the sentence, earlier witnesses, and what would have been right.
struct Wrong {
    sentence: String,
    before: Vec<Witness>,
    expected: &'static str,
}

const SAME: &str = "All services execute one log, each entry once, in its order.";
const ONCE: &str = "An operation that was executed is answered as it was then, and changes nothing.";
const REPLAYED: &str = "A service answers what the operations before make of its keys.";

/// An Executed record.
struct Execution<'a> {
    server: Server,
    at: Stamp,
    index: Index,
    operation: u64,
    op: Op,
    call: &'a KvCall,
    outcome: &'a KvOutcome,
}

impl Execution<'_> {
    /// Whether Raft applied just this, and the service left nothing out. A service alone has no Raft below it.
    fn follows(&self, cx: &Context, progress: &mut Progress) -> Option<Wrong> {
        let Execution { server, index, operation, .. } = *self;
        cx.server(server).and_then(|view| view.state)?;
        let first = progress.pending.front().copied();
        if first.is_some_and(|(applied, _, _)| applied <= index) {
            progress.pending.pop_front();
        }
        match first {
            Some((applied, digest, _)) if (applied, digest) == (index, operation) => None,
            Some((applied, _, at)) if applied == index => Some(Wrong {
                sentence: format!(
                    "{server} executed another operation at index {index} than Raft had applied there."
                ),
                before: vec![Witness::new(at, "applied")],
                expected: SAME,
            }),
            Some((applied, _, at)) if applied < index => Some(Wrong {
                sentence: format!(
                    "{server} executed entry {index}, but had not executed entry {applied} before."
                ),
                before: vec![Witness::new(at, format!("applied, and not executed: {applied}"))],
                expected: SAME,
            }),
            _ if progress.forgot => None,
            _ => Some(Wrong {
                sentence: format!("{server} executed entry {index}, which Raft had not applied there."),
                before: vec![],
                expected: SAME,
            }),
        }
    }

    /// How it differs from the first execution of that entry.
    fn differs(&self, entry: &Entry) -> Option<Wrong> {
        let Execution { server, index, operation, op, call, .. } = *self;
        if (entry.operation, entry.op, &entry.call) == (operation, op, call) {
            return None;
        }
        let sentence = format!(
            "{server} executed {op}, `{call}`, as entry {index}, but {} had executed {}, `{}`.",
            entry.at.node, entry.op, entry.call
        );
        Some(Wrong { sentence, before: vec![Witness::new(entry.at, "executed first")], expected: SAME })
    }

    /// How the answer is wrong.
    fn answers(&self, entry: &Entry, first: Option<&Entry>) -> Option<Wrong> {
        let Execution { server, index, op, call, outcome, .. } = *self;
        let right = match &entry.answer {
            answer if answer.fits(outcome) => return None,
            Answer::Any => return None,
            Answer::Is(right) => right.to_string(),
            Answer::Either(one, other) => format!("{one} or {other}"),
        };
        let what = format!("{server} executed entry {index}, {op}, `{call}`, with the answer {outcome}");
        if entry.first == index {
            let sentence = format!("{what}; after the entries before it, the answer is {right}.");
            return Some(Wrong { sentence, before: vec![], expected: REPLAYED });
        }
        let sentence = format!(
            "{what}; it had been executed as entry {} already, and the answer was {right}.",
            entry.first
        );
        let before = first.map(|first| Witness::new(first.at, "executed first")).into_iter().collect();
        Some(Wrong { sentence, before, expected: ONCE })
    }
}

impl Executions {
    fn executed(&mut self, cx: &Context, this: &Execution<'_>, tally: &mut Tally) {
        let progress = self.servers.get_mut(this.server);
        let done = std::mem::replace(&mut progress.done, this.index);
        let wrong = this.follows(cx, progress);
        self.serving = true;
        if wrong.is_none() && self.replay.entry(this.index).is_none() {
            // A service executes what it is given in order: nothing lies between two that follow each other. Of the
            // first that it executes, the commits must say it.
            let adjacent = done > 0 || cx.has_scripted();
            let known = self.replay.reaches(cx, this.index.saturating_sub(1))
                || (adjacent && self.replay.reaches(cx, done));
            if !known || self.replay.upto() >= this.index {
                let index = this.index;
                return tally
                    .unknown(|| format!("the trace does not say what was executed before entry {index}"));
            }
            self.replay.next(this.index, this.operation, this.op, this.call, this.at);
        }
        let entry = self.replay.entry(this.index);
        let wrong = wrong.or_else(|| this.differs(entry?));
        let wrong = wrong.or_else(|| this.answers(entry?, self.replay.entry(entry?.first)));
        Executions::judge(cx, this.server, wrong, Witness::new(this.at, "executed"), tally);
    }

    fn restored(
        &mut self,
        cx: &Context,
        server: Server,
        index: Index,
        digest: u64,
        at: Stamp,
        tally: &mut Tally,
    ) {
        let progress = self.servers.get_mut(server);
        progress.done = index;
        while progress.pending.front().is_some_and(|(applied, _, _)| *applied <= index) {
            progress.pending.pop_front();
        }
        if !self.replay.reaches(cx, index) {
            return tally.unknown(|| format!("the trace does not say what was executed up to entry {index}"));
        }
        let wrong = (self.replay.digest(index) != digest).then(|| Wrong {
            sentence: format!(
                "{server} restored the state up to entry {index} from a snapshot, but its keys and values are not what \
                 the operations up to {index} make."
            ),
            before: vec![],
            expected: "A snapshot holds the state as of its index, no earlier and no later.",
        });
        Executions::judge(cx, server, wrong, Witness::new(at, "restored"), tally);
    }

    fn judge(cx: &Context, server: Server, wrong: Option<Wrong>, last: Witness, tally: &mut Tally) {
        let Some(Wrong { sentence, mut before, expected }) = wrong else { return tally.met() };
        if let Some(hole) = cx.hole() {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps what {server} executed"));
        }
        before.push(last);
        tally.fail(sentence, before, expected);
    }
}

impl Rule for Executions {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let at = record.at;
        let progress = self.servers.get_mut(server);
        if progress.inc != at.inc {
            *progress = Progress { inc: at.inc, ..Progress::default() };
        }
        match &record.event {
            Event::Apply { index, operation } => {
                progress.pending.push_back((*index, *operation, at));
                if !self.serving && progress.pending.len() > UNSERVED {
                    progress.pending.pop_front();
                    progress.forgot = true;
                }
            }
            Event::Executed { index, operation, op, call, outcome } => {
                let (index, operation, op) = (*index, *operation, *op);
                self.executed(cx, &Execution { server, at, index, operation, op, call, outcome }, tally);
            }
            Event::StateRestored { index, digest } => self.restored(cx, server, *index, *digest, at, tally),
            _ => {}
        }
    }
}
