//! What the judge says: verdicts, violations and their witnesses.
//!
//! Invariant: a verdict is about one rule and one whole run. An unknown verdict is never a pass.

use crate::rules::{RuleInfo, rules};
use std::fmt;
use tracecheck_schema::Stamp;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ran to its end: `RunEnd{completed: true}`, or the test that judges online says so.
    Complete,
    /// It was stopped early: `RunEnd{completed: false}`, a violation, a deadlock. What should have
    /// followed may then be missing.
    Stopped,
    /// The trace has no `RunEnd`: nobody knows what else happened.
    Truncated,
}

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: &'static RuleInfo,
    /// What happened, in one plain sentence with the actual servers and terms.
    pub sentence: String,
    /// The records that show it, in the order in which they tell the story. The last one completes it.
    pub witnesses: Vec<Witness>,
    /// What would have been right.
    pub expected: Option<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id, self.sentence)
    }
}

/// A record that shows a violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Which record.
    pub at: Stamp,
    /// Why it matters, in few words.
    pub note: String,
}

impl Witness {
    pub(crate) fn new(at: Stamp, note: impl Into<String>) -> Witness {
        Witness { at, note: note.into() }
    }
}

/// What the judge says about one rule in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It held, as often as this.
    Pass(u64),
    /// Nothing in the run triggered it.
    Vacuous,
    /// It did not hold.
    Fail(Violation),
    /// The trace is incomplete where it matters; the sentence says where.
    Unknown(String),
}

impl Verdict {
    /// One word for tables: `pass`, `vacuous`, `FAIL`, `unknown`.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Pass(_) => "pass",
            Verdict::Vacuous => "vacuous",
            Verdict::Fail(_) => "FAIL",
            Verdict::Unknown(_) => "unknown",
        }
    }
}

/// The verdicts of one run, in the order of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts(pub(crate) Vec<(&'static RuleInfo, Verdict)>);

impl Verdicts {
    /// Every judged rule with its verdict, in the order of the catalogue.
    pub fn iter(&self) -> impl Iterator<Item = (&'static RuleInfo, &Verdict)> {
        self.0.iter().map(|(info, verdict)| (*info, verdict))
    }

    /// The verdict of one rule; `None` if the rule was not judged.
    pub fn get(&self, id: &str) -> Option<&Verdict> {
        self.iter().find(|(info, _)| info.id == id).map(|(_, verdict)| verdict)
    }

    /// The violations, in the order of the catalogue.
    pub fn failed(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter().filter_map(|(_, verdict)| match verdict {
            Verdict::Fail(violation) => Some(violation),
            _ => None,
        })
    }

    /// All of them as one: fail beats unknown beats pass. A rule that nothing triggered counts as passed.
    pub fn overall(&self) -> Overall {
        let unknown = |verdict: &Verdict| matches!(verdict, Verdict::Unknown(_));
        if self.failed().next().is_some() {
            Overall::Fail
        } else if self.iter().any(|(_, verdict)| unknown(verdict)) {
            Overall::Unknown
        } else {
            Overall::Pass
        }
    }
}

/// The verdict on a whole run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overall {
    /// Every rule held, or nothing triggered it.
    Pass,
    /// Some rule did not hold.
    Fail,
    /// No rule was seen to fail, but some could not be decided.
    Unknown,
}

/// An id that names no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rule is called `{id}`{}", self.hint())]
pub struct UnknownRule {
    /// The id as it was asked for.
    pub id: String,
}

impl UnknownRule {
    /// The ids of the rules whose names are closest, best first.
    pub fn nearest(&self) -> Vec<&'static str> {
        let asked = self.id.to_ascii_uppercase();
        let mut near: Vec<(usize, &'static str)> =
            rules().iter().map(|info| (strsim::damerau_levenshtein(&asked, info.id), info.id)).collect();
        near.sort_by_key(|(distance, _)| *distance);
        near.into_iter().filter(|(distance, _)| *distance <= 1).take(4).map(|(_, id)| id).collect()
    }

    fn hint(&self) -> String {
        let near = self.nearest();
        if near.is_empty() {
            "; `tracecheck rules` lists them all".to_owned()
        } else {
            format!("; did you mean {}?", near.join(", "))
        }
    }
}
