//! The ordinary mode: every scenario is a test, as `cargo test` and cargo-nextest expect tests to be.

use crate::line::RunVerdict;
use crate::outcome::{self, Look, Outcome, Traces};
use crate::{Other, Scenario, run};
use libtest_mimic::{Arguments, Failed, Trial};
use std::env::VarError;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// How many seeds a scenario runs unless the environment says otherwise.
const SEEDS: u64 = 10;

/// Which seeds are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seeds {
    /// This many, at least 1, from 0 on.
    UpTo(u64),
    /// This one.
    Only(u64),
    /// From the first, which is less, up to but not including the second.
    Range(u64, u64),
}

impl Seeds {
    /// The seeds for that scenario: a script is run once, with seed 0.
    pub(crate) fn of(self, scenario: &Scenario) -> std::ops::RangeInclusive<u64> {
        match self {
            _ if !scenario.seeded => 0..=0,
            Seeds::UpTo(count) => 0..=count.saturating_sub(1),
            Seeds::Only(seed) => seed..=seed,
            Seeds::Range(from, to) => from..=to.saturating_sub(1),
        }
    }

    /// How the run with that seed is looked at. What reads a clock or a hash order shows it with any seed, so
    /// that the first one is enough for the second look: every run twice would double the time of every test.
    pub(crate) fn look_at(self, scenario: &Scenario, seed: u64) -> Look {
        if *self.of(scenario).start() == seed { Look::Twice } else { Look::Once }
    }
}

/// Runs the tests that the command line selects.
pub(crate) fn main(scenarios: &[Scenario], others: Vec<Other>) -> ExitCode {
    let arguments = Arguments::from_args();
    let seeds = match seeds_from_environment() {
        Ok(seeds) => seeds,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            return ExitCode::from(2);
        }
    };
    let scenarios = scenarios.iter().copied().map(|scenario| {
        Trial::test(scenario.name, move || first_failure(&scenario, seeds).map_err(Failed::from))
    });
    let others =
        others.into_iter().map(|(name, test)| Trial::test(name, move || test().map_err(Failed::from)));
    libtest_mimic::run(&arguments, scenarios.chain(others).collect()).exit_code()
}

/// Runs the scenario's seeds until one fails; `Err` is its report.
fn first_failure(scenario: &Scenario, seeds: Seeds) -> Result<(), String> {
    let traces = Traces::Failing(run::trace_directory());
    for seed in seeds.of(scenario) {
        let outcome = outcome::of(scenario, seed, seeds.look_at(scenario, seed), &traces);
        note(scenario, seed, &outcome)?;
        if outcome.verdict != RunVerdict::Pass {
            return Err(outcome.report);
        }
    }
    Ok(())
}

/// Appends scenario, seed, number of events and hash of the run to the file that `RAFTLAB_HASHES` names, if it names
/// one: whoever compares runs of different processes reads it there.
fn note(scenario: &Scenario, seed: u64, outcome: &Outcome) -> Result<(), String> {
    let Some(path) = std::env::var_os("RAFTLAB_HASHES").filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let Some(run) = &outcome.run else { return Ok(()) };
    let hash = run::trace_hash(run);
    let line = format!("{} {seed} {} {hash:032x}\n", scenario.name, run.records.len());
    let file = OpenOptions::new().create(true).append(true).open(&path);
    // One write a line, so that lines of several tests do not mix.
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.map_err(|why| {
        let path = Path::new(&path).display();
        format!(
            "RAFTLAB_HASHES names {path}, which cannot be written to: {why}. Name another file, or unset it."
        )
    })
}

fn seeds_from_environment() -> Result<Seeds, String> {
    let count = number("RAFTLAB_SEEDS")?;
    let only = number("RAFTLAB_SEED")?;
    match (count, only) {
        (Some(_), Some(_)) => {
            Err("RAFTLAB_SEEDS and RAFTLAB_SEED are both set. Unset one: the first says how \
            many seeds to run, the second names one."
                .to_owned())
        }
        (Some(0), None) => {
            Err("RAFTLAB_SEEDS is 0, which would run nothing. Set it to 1 or more.".to_owned())
        }
        (Some(count), None) => Ok(Seeds::UpTo(count)),
        (None, Some(seed)) => Ok(Seeds::Only(seed)),
        (None, None) => Ok(Seeds::UpTo(SEEDS)),
    }
}

fn number(variable: &str) -> Result<Option<u64>, String> {
    let text = match std::env::var(variable) {
        Ok(text) => text,
        Err(VarError::NotPresent) => return Ok(None),
        Err(VarError::NotUnicode(text)) => text.to_string_lossy().into_owned(),
    };
    let parsed = text.trim().parse().map(Some);
    parsed.map_err(|_| {
        format!("{variable} is `{text}`, which is no whole number. Write for example {variable}=7.")
    })
}
