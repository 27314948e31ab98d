//! One program, all scenarios: what they find, and after how many seeds.
//!
//! A scenario's seeds end with its first failing one. One run at a time, so that a program that dies or never
//! answers does so in a known run; the scenarios after that one are then run all the same.

use crate::line::{Finding, Seen};
use labs::run::Suite;
use labs::stop::Stop;
use labs::targets::{Ended, Request, Seeds, Traces};
use scenario::line::{Listed, RunLine, RunVerdict};
use std::time::{Duration, Instant};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Real time for one run; the slowest of the reference takes well under a second.
    pub run: Duration,
    /// Real time for all runs of one program.
    pub all: Duration,
}

impl Limits {
    /// Generous ones for that many seeds: ten times what the reference takes on a busy machine.
    pub fn of(seeds: u64) -> Limits {
        let all = 600_u64.saturating_add(seeds.saturating_mul(6));
        Limits { run: Duration::from_secs(60), all: Duration::from_secs(all) }
    }
}

/// What came of all runs of one program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// What was found, in the order of the scenarios. What passed has no finding.
    pub findings: Vec<Finding>,
    /// How many runs gave a verdict.
    pub runs: u64,
}

/// Runs every scenario of these suites with up to that many seeds.
pub fn run(suites: &[Suite], seeds: u64, limits: Limits) -> Result<Attempt, Stop> {
    let (mut found, mut runs) = (Vec::new(), 0);
    let ends = Instant::now() + limits.all;
    for suite in suites {
        let mut rest: &[Listed] = &suite.scenarios;
        while !rest.is_empty() {
            let patience = limits.run.min(ends.saturating_duration_since(Instant::now()));
            if patience.is_zero() {
                let sentence = format!("all runs together took more than {} s", limits.all.as_secs());
                let not_judged = |one: &Listed| Finding {
                    scenario: one.name.clone(),
                    seeds: 1,
                    seen: Seen::NotJudged(sentence.clone()),
                    report: None,
                };
                found.extend(rest.iter().map(not_judged));
                break;
            }
            let mut lines = Vec::new();
            let ended =
                suite.binary.run_within(&request(rest, seeds), Some(patience), |line| lines.push(line))?;
            found.extend(lines.iter().filter_map(failed));
            runs += lines.len() as u64;
            let seen = match ended {
                Ended::All => break,
                Ended::Died(sentence) => Seen::Died(sentence),
                Ended::Silent => Seen::NotJudged(format!("no verdict within {} s", patience.as_secs())),
            };
            let (place, seeds) = broken_off(rest, &lines, seeds).ok_or_else(|| {
                Stop::failed("the test program ran everything, and never said so: a fault of the kit")
            })?;
            found.push(Finding { scenario: rest[place].name.clone(), seeds, seen, report: None });
            rest = &rest[place + 1..];
        }
    }
    Ok(Attempt { findings: found, runs })
}

fn request(scenarios: &[Listed], seeds: u64) -> Request {
    let names = scenarios.iter().map(|one| one.name.clone()).collect();
    Request { names, seeds: Seeds::UntilFailure(seeds), jobs: 1, traces: Traces::Never }
}

fn failed(line: &RunLine) -> Option<Finding> {
    let cause = line.cause.clone().filter(|_| line.verdict != RunVerdict::Pass)?;
    Some(Finding {
        scenario: line.scenario.clone(),
        seeds: line.seed + 1,
        seen: Seen::Failed(cause),
        report: line.report.clone(),
    })
}

/// The first scenario with runs missing, by its place, and how many seeds it had with the one that is missing.
fn broken_off(scenarios: &[Listed], lines: &[RunLine], seeds: u64) -> Option<(usize, u64)> {
    scenarios.iter().enumerate().find_map(|(place, one)| {
        let of_it = lines.iter().filter(|line| line.scenario == one.name);
        let (mut done, mut over) = (0, false);
        for line in of_it {
            done += 1;
            over |= line.verdict != RunVerdict::Pass;
        }
        let wanted = if one.seeded { seeds } else { 1 };
        (!over && done < wanted).then_some((place, done + 1))
    })
}
