//! What runs add up to, and which of them failed for which reason.

use scenario::line::{CauseKind, RunLine, RunVerdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sums over runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// How many runs.
    pub runs: u64,
    /// Those that did not pass.
    pub failed: u64,
    /// Records in their traces.
    pub events: u64,
    /// Virtual nanoseconds.
    pub virtual_ns: u64,
    /// Remote calls.
    pub rpcs: u64,
    /// Bytes in them, stamps not counted.
    pub bytes: u64,
    /// How often each rule was exercised and held. A rule that nothing triggered is left out.
    pub rules: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts one run.
    pub fn count(&mut self, run: &RunLine) {
        self.runs += 1;
        self.failed += u64::from(run.verdict != RunVerdict::Pass);
        self.events += run.events;
        self.virtual_ns += run.virtual_ns;
        self.rpcs += run.rpcs;
        self.bytes += run.bytes;
        for (rule, met) in &run.rules {
            *self.rules.entry(rule.clone()).or_default() += met;
        }
    }

    /// Takes in other sums.
    pub fn add(&mut self, other: &Totals) {
        self.runs += other.runs;
        self.failed += other.failed;
        self.events += other.events;
        self.virtual_ns += other.virtual_ns;
        self.rpcs += other.rpcs;
        self.bytes += other.bytes;
        for (rule, met) in &other.rules {
            *self.rules.entry(rule.clone()).or_default() += met;
        }
    }
}

/// Real time that was spent. It is another at every soak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Milliseconds on the wall.
    pub wall_ms: u64,
    /// Milliseconds of all processors, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
}

impl Spent {
    /// Takes in more of it. What one part does not know, the sum does not know.
    pub fn add(&mut self, other: Spent) {
        self.wall_ms += other.wall_ms;
        self.cpu_ms = self.cpu_ms.zip(other.cpu_ms).map(|(one, two)| one + two);
    }
}

/// The run with the fewest events of several that failed alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Smallest {
    /// So many events.
    pub events: u64,
    /// Its seed.
    pub seed: u64,
}

/// Failures of one scenario that have one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// The scenario.
    pub scenario: String,
    /// The rule's id, with what is the matter unless it was broken; the place of a panic; or a sentence, with `#` for
    /// its numbers. See [`RunLine::key`].
    pub cause: String,
    /// Whether nothing is known of these runs: the program died, or the kit itself failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_judged: bool,
    /// The run with the fewest events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest: Option<Smallest>,
    /// The failing seeds, in order.
    pub seeds: Vec<u64>,
    /// What happened in the first, as one sentence.
    #[serde(default)]
    pub sentence: String,
    /// What a student reads of the first.
    pub report: String,
    /// The trace of the first, if it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
}

impl Failures {
    /// The command that shows the first of them again.
    pub fn replay(&self) -> String {
        let first = self.seeds.first().copied().unwrap_or_default();
        format!("cargo labs replay {} {first}", self.scenario)
    }

    /// The failing run as the first of its cause.
    pub(super) fn first(run: &RunLine) -> Failures {
        let report =
            run.report.clone().unwrap_or_else(|| "its report is missing: a fault of the kit".to_owned());
        let kind = run.cause.as_ref().map(|cause| cause.kind);
        Failures {
            scenario: run.scenario.clone(),
            cause: run.key.clone().unwrap_or_else(|| "no cause was told: a fault of the kit".to_owned()),
            not_judged: matches!(kind, None | Some(CauseKind::Kit | CauseKind::Trace | CauseKind::NotJudged)),
            smallest: Some(Smallest { events: run.events, seed: run.seed }),
            seeds: vec![run.seed],
            sentence: run.cause.as_ref().map(|cause| cause.sentence.clone()).unwrap_or_default(),
            report,
            trace: run.trace.clone(),
        }
    }

    /// Takes in later failures of the same cause.
    pub(super) fn merge(all: &mut Vec<Failures>, more: Failures) {
        let same = |one: &&mut Failures| (&one.scenario, &one.cause) == (&more.scenario, &more.cause);
        match all.iter_mut().find(same) {
            Some(known) => {
                known.seeds.extend(more.seeds);
                known.smallest = known.smallest.into_iter().chain(more.smallest).min();
            }
            None => all.push(more),
        }
    }
}
