//! Failures that look alike, as the types of a stress's `report.json`.
//!
//! Invariants: every run that did not pass is in exactly one group; groups are in the order of their size, and those of
//! which nothing is known come last.

use crate::soak::{Failures, State};
use scenario::line::{Listed, ShrunkLine};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The version of the format. A reader refuses another number.
pub const REPORT: u32 = 1;

/// What a stress found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format: [`REPORT`].
    pub stress_report: u32,
    /// The hash of the test programs' bytes.
    pub fingerprint: String,
    /// The first seed.
    pub from: u64,
    /// Every scenario that ran.
    pub tests: Vec<Test>,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many could not be judged.
    pub not_judged: u64,
    /// What did not pass, by cause.
    pub groups: Vec<Group>,
}

/// How one scenario fared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// Its name.
    pub name: String,
    /// Whether the seed decides anything; if not, it ran once.
    pub seeded: bool,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them did not pass.
    pub failed: u64,
}

/// Runs that did not pass for the same cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What they have in common, as [`scenario::line::RunLine::key`] has it.
    pub cause: String,
    /// Whether nothing is known of them: the program died, or the kit itself failed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_judged: bool,
    /// How many runs.
    pub runs: u64,
    /// The failing seeds of each scenario, in order.
    pub seeds: BTreeMap<String, Vec<u64>>,
    /// The scenario of the run that stands for them: the one with the fewest events.
    pub test: String,
    /// Its seed.
    pub seed: u64,
    /// How many events it has, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// What happened in one of them, as one sentence.
    pub sentence: String,
    /// What came of shrinking that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<ShrunkLine>,
    /// The file of the shrunk run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it was not shrunk, if that was tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_shrunk: Option<String>,
}

impl Group {
    /// The command that shows the run that stands for them.
    pub fn replay(&self) -> String {
        format!("cargo labs replay {} {}", self.test, self.seed)
    }
}

impl Report {
    /// What the kept runs of these scenarios show.
    pub fn of(state: &State, scenarios: &[&Listed]) -> Report {
        let (mut tests, mut failures) = (Vec::new(), Vec::new());
        for listed in scenarios {
            let done = state.done(&listed.name);
            let (runs, failed) = (done.totals.runs, done.totals.failed);
            tests.push(Test { name: listed.name.clone(), seeded: listed.seeded, runs, failed });
            failures.extend(done.failures);
        }
        let groups = grouped(failures);
        let count = |not_judged: bool| {
            groups.iter().filter(|group| group.not_judged == not_judged).map(|group| group.runs).sum()
        };
        Report {
            stress_report: REPORT,
            fingerprint: state.identity().fingerprint.clone(),
            from: state.identity().from,
            runs: tests.iter().map(|test| test.runs).sum(),
            tests,
            failed: count(false),
            not_judged: count(true),
            groups,
        }
    }

    /// The report as JSON, with a newline at its end.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers serialize");
        format!("{text}\n")
    }
}

/// One group for each cause, whatever the scenario.
pub(super) fn grouped(failures: Vec<Failures>) -> Vec<Group> {
    let mut groups: BTreeMap<(bool, String), Vec<Failures>> = BTreeMap::new();
    for failures in failures {
        groups.entry((failures.not_judged, failures.cause.clone())).or_default().push(failures);
    }
    let mut groups: Vec<Group> =
        groups.into_iter().filter_map(|((not_judged, cause), all)| group(cause, not_judged, all)).collect();
    groups.sort_by_key(|group| (group.not_judged, Reverse(group.runs)));
    groups
}

fn group(cause: String, not_judged: bool, all: Vec<Failures>) -> Option<Group> {
    // Who knows no events comes after all who do.
    let key =
        |one: &&Failures| one.smallest.map_or((1, 0, 0), |smallest| (0, smallest.events, smallest.seed));
    let first = all.iter().min_by_key(key)?;
    let seed = first.smallest.map(|smallest| smallest.seed).or(first.seeds.first().copied())?;
    Some(Group {
        cause,
        not_judged,
        runs: all.iter().map(|one| one.seeds.len() as u64).sum(),
        test: first.scenario.clone(),
        seed,
        events: first.smallest.map(|smallest| smallest.events),
        sentence: first.sentence.clone(),
        seeds: all.iter().map(|one| (one.scenario.clone(), one.seeds.clone())).collect(),
        shrunk: None,
        file: None,
        not_shrunk: None,
    })
}
