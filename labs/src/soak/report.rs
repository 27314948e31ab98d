//! What a whole soak shows, as the types of `report.json`.
//!
//! Invariants: the order of fields and lists is fixed; apart from the two times, everything is a function of the
//! test programs and the seeds. A rule that was never exercised is listed, with 0.

use super::state::State;
use super::totals::{Failures, Spent, Totals};
use crate::fingerprint;
use crate::starter::Files;
use scenario::line::Listed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the format. A reader refuses another number.
pub const FORMAT: u32 = 1;

/// The report of a soak that ran to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format: [`FORMAT`].
    pub soak_report: u32,
    /// The version of the kit.
    pub kit: String,
    /// The hash of the test programs' bytes (xxh3-128, hexadecimal): another build has another one.
    pub fingerprint: String,
    /// The fingerprint of the code that they were built from ([`crate::fingerprint::code`]), which a comment leaves as
    /// it is; missing where the program was built elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// For each package with scenarios the fingerprint of what they test, and of them
    /// ([`crate::fingerprint::subjects`]); empty where the program was built elsewhere.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subjects: BTreeMap<String, String>,
    /// The beginnings of names that were asked for; all scenarios, if there are none.
    pub labs: Vec<String>,
    /// The first seed.
    pub from: u64,
    /// How many seeds each seeded scenario ran at least, from the first on.
    pub seeds: u64,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them did not pass.
    pub failed: u64,
    /// Records in their traces.
    pub events: u64,
    /// Virtual nanoseconds, all runs together.
    pub virtual_ns: u64,
    /// Remote calls.
    pub rpcs: u64,
    /// Bytes in them, stamps not counted.
    pub bytes: u64,
    /// Real milliseconds.
    pub wall_ms: u64,
    /// Milliseconds of all processors together; missing where the system does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Every rule of the catalogue, in its order.
    pub obligations: Vec<Obligations>,
    /// What failed, by scenario and cause.
    pub failures: Vec<Failing>,
    /// Every scenario, in the order of the test programs.
    pub scenarios: Vec<ScenarioTotals>,
}

/// How often a rule was exercised and held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obligations {
    /// The rule's id.
    pub rule: String,
    /// How often; 0 if nothing in any run triggered it.
    pub met: u64,
}

/// Failures of one scenario and cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The command that shows the first of them again.
    pub replay: String,
    /// Which they are.
    #[serde(flatten)]
    pub failures: Failures,
}

/// What one scenario's runs add up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioTotals {
    /// Its name.
    pub name: String,
    /// Whether the seed decides anything; if not, it ran once.
    pub seeded: bool,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them did not pass.
    pub failed: u64,
    /// Records in their traces.
    pub events: u64,
    /// Virtual nanoseconds.
    pub virtual_ns: u64,
    /// Remote calls.
    pub rpcs: u64,
}

/// The fingerprints of the sources that the test programs were built from; empty where they are not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Of everything that decides a run.
    pub code: Option<String>,
    /// By package, of what its scenarios test, and of them.
    pub subjects: BTreeMap<String, String>,
}

impl Sources {
    /// Those of a workspace with these files.
    pub fn of(files: &Files) -> Sources {
        let subjects =
            |package: String| Some((package.clone(), fingerprint::subjects(files, &[&package]).ok()?));
        Sources {
            code: fingerprint::code(files).ok(),
            subjects: fingerprint::packages(files).into_iter().filter_map(subjects).collect(),
        }
    }
}

impl Report {
    /// The report on these scenarios, of a state in which they are done.
    pub fn of(state: &State, scenarios: &[&Listed], labs: &[String], sources: Sources) -> Report {
        let (mut all, mut spent) = (Totals::default(), Spent { wall_ms: 0, cpu_ms: Some(0) });
        let (mut failures, mut by_scenario, mut seeds) = (Vec::new(), Vec::new(), None);
        for listed in scenarios {
            let done = state.done(&listed.name);
            all.add(&done.totals);
            spent.add(done.spent.unwrap_or(Spent { wall_ms: 0, cpu_ms: Some(0) }));
            failures.extend(done.failures);
            if listed.seeded {
                let runs = done.totals.runs;
                seeds = Some(seeds.map_or(runs, |least: u64| least.min(runs)));
            }
            let Totals { runs, failed, events, virtual_ns, rpcs, .. } = done.totals;
            let (name, seeded) = (listed.name.clone(), listed.seeded);
            by_scenario.push(ScenarioTotals { name, seeded, runs, failed, events, virtual_ns, rpcs });
        }
        let met = |rule: &str| all.rules.get(rule).copied().unwrap_or(0);
        let rules = tracecheck::rules().iter().map(|info| info.id);
        let failing = |failures: Failures| Failing { replay: failures.replay(), failures };
        Report {
            soak_report: FORMAT,
            kit: env!("CARGO_PKG_VERSION").to_owned(),
            fingerprint: state.identity().fingerprint.clone(),
            code: sources.code,
            subjects: sources.subjects,
            labs: labs.to_vec(),
            from: state.identity().from,
            seeds: seeds.unwrap_or(0),
            runs: all.runs,
            failed: all.failed,
            events: all.events,
            virtual_ns: all.virtual_ns,
            rpcs: all.rpcs,
            bytes: all.bytes,
            wall_ms: spent.wall_ms,
            cpu_ms: spent.cpu_ms,
            obligations: rules.map(|rule| Obligations { rule: rule.to_owned(), met: met(rule) }).collect(),
            failures: failures.into_iter().map(failing).collect(),
            scenarios: by_scenario,
        }
    }

    /// The report as JSON, with a newline at its end.
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers serialize");
        format!("{text}\n")
    }
}
