//! `cargo grade shrink`: what shrinking makes of the mutants' first failures, and whether it can be trusted.
//!
//! Of each mutant the first failing run that its expectation names is shrunk, or the largest. The same plan must then pass on the
//! reference: if it fails there too, what was left out broke the scenario, and the shrunk run shows nothing.
//!
//! Never: judges by time; it is told, because people wait for it.

use crate::bench::{Bench, Course};
use crate::cli::ShrinkArguments;
use crate::corpus::{self, Mutant};
use crate::crew;
use crate::line::{Finding, Seen};
use crate::tree::{Built, Tree};
use labs::cli::Format;
use labs::run::Suite;
use labs::shrink::Schedule;
use labs::stop::Stop;
use labs::targets::{Binary, Request, Seeds, Traces};
use scenario::line::{CauseKind, RunVerdict, ShrunkLine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Real time for one run, as when mutants are tried.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of one mutant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrunk {
    /// Its id.
    pub id: String,
    /// The shrunk run; nothing if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<ShrunkLine>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
    /// Whether the reference passes with the same plan.
    pub sound: bool,
    /// Real milliseconds that shrinking took.
    pub ms: u64,
}

/// Runs the command.
pub fn main(arguments: &ShrinkArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let all = corpus::mutants(&course.files)?;
    let wanted = |mutant: &Mutant| {
        mutant.equivalent.is_none()
            && arguments.package.as_ref().is_none_or(|package| *package == mutant.package)
    };
    let mutants: Vec<Mutant> =
        corpus::only(all, |one| &one.id, &arguments.only, "mutant")?.into_iter().filter(wanted).collect();
    if mutants.is_empty() {
        return Err(Stop::usage("no mutant is left: name others with --only, or another --package"));
    }
    let packages = corpus::packages(mutants.iter().map(|mutant| &mutant.package));
    let check = |package: &str, names: &[String]| corpus::known_scenarios(&mutants, package, names);
    let Bench { trees, packages, lock, .. } =
        Bench::set_up(&course, arguments.jobs, mutants.len(), packages, 1, check)?;
    let reference = references(&trees[0], &packages, &course.workspace.root.join(crate::tree::TREES))?;
    let look = Look { seeds: arguments.seeds.get(), largest: arguments.largest };
    let json = arguments.format == Format::Json;
    let bar = crew::bar(mutants.len(), "mutants");
    let work = |tree: &mut Tree<'_>, mutant: &Mutant| shrunk(tree, mutant, look, &reference);
    let mut results = Vec::new();
    crew::each(trees, &mutants, &packages, &bar, work, |result: Shrunk| {
        if json {
            println!("{}", serde_json::to_string(&result).expect("texts and numbers serialize"));
        }
        results.push(result);
    })?;
    drop(lock);
    if !json {
        print!("{}", human(&results));
    }
    Ok(if results.iter().all(|result| result.sound) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Copies of the reference's programs, by package: the next build replaces the originals.
fn references(
    tree: &Tree<'_>,
    packages: &[String],
    to: &Path,
) -> Result<BTreeMap<String, Vec<Binary>>, Stop> {
    let mut copies = BTreeMap::new();
    for package in packages {
        let Built::Suites(suites) = tree.build(package)? else {
            return Err(Stop::failed("the reference compiled a moment ago, and does not now"));
        };
        let copy = |(number, suite): (usize, &Suite)| {
            let path: PathBuf = to.join(format!("reference-{package}-{number}"));
            suite.binary.copied(&path)
        };
        let all: Result<Vec<Binary>, Stop> = suites.iter().enumerate().map(copy).collect();
        copies.insert(package.clone(), all?);
    }
    Ok(copies)
}

/// Where failures are looked for.
#[derive(Clone, Copy, Debug)]
struct Look {
    seeds: u64,
    largest: bool,
}

/// Builds the mutant, finds its first failure that was expected, and shrinks it.
fn shrunk(
    tree: &mut Tree<'_>,
    mutant: &Mutant,
    look: Look,
    reference: &BTreeMap<String, Vec<Binary>>,
) -> Result<Shrunk, Stop> {
    tree.edit(&mutant.edits)?;
    let built = tree.build(&mutant.package);
    tree.restore()?;
    let nothing =
        |why: String| Shrunk { id: mutant.id.clone(), shrunk: None, why_not: Some(why), sound: true, ms: 0 };
    let suites = match built? {
        Built::Suites(suites) => suites,
        Built::Refused(_) => return Ok(nothing("it does not compile".to_owned())),
    };
    let Some((suite, scenario, seed)) = found(&suites, mutant, look)? else {
        return Ok(nothing(format!("no seeded scenario fails as expected with {} seeds", look.seeds)));
    };
    let began = Instant::now();
    let shrunk = match suite.binary.shrink(&scenario, seed, None) {
        Ok(shrunk) => shrunk,
        Err(stop) => return Ok(nothing(stop.sentence)),
    };
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let programs = reference.get(&mutant.package).map_or(&[][..], |programs| programs);
    let mut sound = false;
    for program in programs {
        if program.list()?.iter().any(|listed| listed.name == scenario) {
            let Schedule { plan, .. } = Schedule::of(&shrunk, None);
            sound =
                program.planned((&scenario, seed), &plan, "nothing", None)?.key.as_ref() != Some(&shrunk.key);
        }
    }
    Ok(Shrunk { id: mutant.id.clone(), shrunk: Some(shrunk), why_not: None, sound, ms })
}

/// A failing run of a seeded scenario that the mutant's expectation names: of each scenario the first, and of all
/// scenarios the first or the one with most events.
fn found<'a>(
    suites: &'a [Suite],
    mutant: &Mutant,
    look: Look,
) -> Result<Option<(&'a Suite, String, u64)>, Stop> {
    let mut largest = None;
    for suite in suites {
        for listed in suite.scenarios.iter().filter(|listed| listed.seeded) {
            let names = vec![listed.name.clone()];
            let request =
                Request { names, seeds: Seeds::UntilFailure(look.seeds), jobs: 1, traces: Traces::Never };
            let mut failing = None;
            suite.binary.run_within(&request, Some(PATIENCE), |line| {
                let seen = line.cause.filter(|cause| {
                    line.verdict == RunVerdict::Fail && cause.kind != CauseKind::NotImplemented
                });
                if let Some(cause) = seen {
                    let (scenario, seeds) = (line.scenario, line.seed + 1);
                    let finding = Finding { scenario, seeds, seen: Seen::Failed(cause), report: None };
                    failing = Some((finding, line.events));
                }
            })?;
            let expected = |finding: &Finding| mutant.expect.iter().any(|expected| finding.is(expected));
            let Some((finding, events)) = failing.filter(|(finding, _)| expected(finding)) else { continue };
            let run = (suite, finding.scenario, finding.seeds - 1);
            if !look.largest {
                return Ok(Some(run));
            }
            if largest.as_ref().is_none_or(|(most, _)| events > *most) {
                largest = Some((events, run));
            }
        }
    }
    Ok(largest.map(|(_, run)| run))
}

/// A row for each mutant, and the medians. At most 100 columns.
pub fn human(results: &[Shrunk]) -> String {
    let mut out = String::new();
    for result in results {
        let Some(shrunk) = &result.shrunk else {
            let why = result.why_not.as_deref().unwrap_or("nothing is known");
            out.push_str(&format!("{}: not shrunk: {why}\n", result.id));
            continue;
        };
        let sound = if result.sound { "" } else { "  THE REFERENCE FAILS TOO" };
        out.push_str(&format!(
            "{}: {} in {}, seed {}{sound}\n",
            result.id, shrunk.key, shrunk.scenario, shrunk.seed
        ));
        let runs = if shrunk.exhausted { "all runs" } else { "runs" };
        out.push_str(&format!(
            "    {}; {} {runs}, {:.1} s\n",
            labs::shrink::changes(shrunk).replace('\u{a0}', " "),
            shrunk.runs,
            result.ms as f64 / 1e3
        ));
    }
    let done: Vec<(&ShrunkLine, u64)> =
        results.iter().filter_map(|result| Some((result.shrunk.as_ref()?, result.ms))).collect();
    let median = |of: &dyn Fn(&ShrunkLine) -> u64| {
        let mut values: Vec<u64> = done.iter().map(|(shrunk, _)| of(shrunk)).collect();
        values.sort_unstable();
        values.get(values.len() / 2).copied().unwrap_or(0)
    };
    let unsound = results.iter().filter(|result| !result.sound).count();
    let mut times: Vec<u64> = done.iter().map(|(_, ms)| *ms).collect();
    times.sort_unstable();
    let time = times.get(times.len() / 2).copied().unwrap_or(0) as f64 / 1e3;
    out.push_str(&format!(
        "\n{} of {} mutants shrunk. Medians: events {} → {}, faults {} → {}, lost or late messages {} → {}, clients {} → \
         {}; {} runs, {time:.1} s.\nThe reference fails as the mutant does with {unsound} of the plans.\n",
        done.len(),
        results.len(),
        median(&|shrunk| shrunk.before.events),
        median(&|shrunk| shrunk.after.events),
        median(&|shrunk| shrunk.before.faults),
        median(&|shrunk| shrunk.after.faults),
        median(&|shrunk| shrunk.before.losses),
        median(&|shrunk| shrunk.after.losses),
        median(&|shrunk| shrunk.before.clients),
        median(&|shrunk| shrunk.after.clients),
        median(&|shrunk| shrunk.runs),
    ));
    out
}
