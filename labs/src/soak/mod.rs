//! `cargo labs soak`: every scenario over thousands of seeds, the proof that correct code never fails.
//!
//! Owns the progress that survives a kill, and the report. The programs are the very ones that `cargo test`
//! builds, with overflow checks and debug assertions: an optimised build needs two thirds of their time, and
//! would first have to be built.
//!
//! Invariants: a run is counted once, however often the soak is stopped and started; another build never
//! continues it; a report exists only of a soak that ran to its end.
//!
//! Never: judges by real time.

mod report;
mod state;
mod text;
mod totals;
mod work;

pub use report::{FORMAT, Failing, Obligations, Report, ScenarioTotals, Sources};
pub use state::{Done, Identity, Piece, State};
pub use text::human;
pub use totals::{Failures, Spent, Totals};

use crate::cli::{Format, SoakArguments};
use crate::run::{self, Chosen, Suite};
use crate::starter;
use crate::stop::Stop;
use crate::targets::{Binary, Workspace};
use scenario::line::Listed;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use work::Work;
use xxhash_rust::xxh3::Xxh3;

/// Runs the command.
pub fn main(arguments: &SoakArguments) -> Result<ExitCode, Stop> {
    let to = arguments.from.checked_add(arguments.seeds.get()).ok_or_else(|| {
        Stop::usage(format!(
            "there are no {} seeds from {} on: the last is {}",
            arguments.seeds,
            arguments.from,
            u64::MAX
        ))
    })?;
    // What can be wrong with the command is said before minutes of building.
    let directory = arguments.dir.as_deref().map(absolute).transpose()?;
    directory.as_deref().map(state::check).transpose()?;
    let (suites, sources) = suites(arguments)?;
    let chosen = run::choose(&suites, &arguments.labs)?;
    let identity = Identity::new(bytes(&suites)?, arguments.from);
    let directory = directory.unwrap_or_else(|| default_directory(&suites, &identity));
    let mut state = State::open(&directory, identity, arguments.fresh)?;
    let programs = programs(&chosen, &state)?;
    let scenarios: Vec<(&Binary, &Listed)> = programs
        .iter()
        .zip(&chosen)
        .flat_map(|(program, chosen)| chosen.scenarios.iter().map(move |one| (program, one)))
        .collect();
    let listed: Vec<&Listed> = scenarios.iter().map(|(_, listed)| *listed).collect();
    let jobs = arguments.jobs.map_or_else(run::processors, std::num::NonZeroUsize::get);
    let work = Work { scenarios, from: arguments.from, to, jobs };
    announce(&work, &state);
    if work.done(&state) < work.runs() {
        // What an earlier soak reported is no longer all there is.
        remove(&state.report())?;
        work.run(&mut state)?;
    }
    let report = Report::of(&state, &listed, &arguments.labs, sources);
    keep(&report, &state.report())?;
    for program in &programs {
        remove(program.path())?;
    }
    match arguments.format {
        Format::Json => print!("{}", report.to_json()),
        Format::Human => print!("{}", human(&report, &shown(&state.report()))),
    }
    Ok(if report.failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The test programs with their scenarios: this one, or those of the workspace, and then the sources' fingerprints.
fn suites(arguments: &SoakArguments) -> Result<(Vec<Suite>, Sources), Stop> {
    let Some(path) = &arguments.binary else {
        let workspace = Workspace::here()?;
        let suites = run::suites(&workspace)?;
        let sources = starter::sources(&workspace.root).map(|files| Sources::of(&files));
        return Ok((suites, sources.unwrap_or_default()));
    };
    let path = absolute(path)?;
    if !path.is_file() {
        let place = path.display();
        return Err(Stop::usage(format!("there is no test program {place}: --binary takes a built one")));
    }
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let listed = run::listed(vec![Binary::at(path.clone(), directory)])
        .map_err(|why| Stop::usage(format!("{} is no test program with scenarios: {why}", path.display())))?;
    Ok((listed, Sources::default()))
}

/// Says what is about to happen, on standard error: the report alone is on standard output.
fn announce(work: &Work<'_>, state: &State) {
    let (runs, done) = (work.runs(), work.done(state));
    let (all, some) = (text::grouped(runs), text::grouped(done));
    match done {
        0 => eprintln!("{all} runs. Ctrl-C stops them; the same command goes on from there."),
        done if done >= runs => eprintln!("All {all} runs were made already; --fresh makes them again."),
        _ => eprintln!("Going on after {some} of {all} runs; --fresh would start over."),
    }
    eprintln!("Progress: {}", shown(state.directory()));
}

/// The hash of the programs' bytes: another build has another one.
fn bytes(suites: &[Suite]) -> Result<String, Stop> {
    let mut hash = Xxh3::new();
    for suite in suites {
        let path = suite.binary.path();
        let bytes = std::fs::read(path).map_err(|why| unreadable(path, &why))?;
        hash.update(&bytes);
    }
    Ok(format!("{:032x}", hash.digest128()))
}

fn unreadable(path: &Path, why: &io::Error) -> Stop {
    Stop::failed(format!("the test program {} cannot be read: {why}", path.display()))
}

/// Copies of the programs: what is built while the soak runs must not change what it is of.
fn programs(chosen: &[Chosen<'_>], state: &State) -> Result<Vec<Binary>, Stop> {
    let copy = |(number, chosen): (usize, &Chosen<'_>)| {
        let original = &chosen.suite.binary;
        let path = state.directory().join(format!("{}{number}", state::PROGRAM));
        let part = path.with_extension("part");
        // A program that a killed soak left may still run: it is replaced, not overwritten.
        let copied = std::fs::copy(original.path(), &part).and_then(|_| std::fs::rename(&part, &path));
        copied.map_err(|why| unreadable(original.path(), &why))?;
        Ok(Binary::at(path, original.directory().to_owned()))
    };
    chosen.iter().enumerate().map(copy).collect()
}

/// Beside the traces of failing tests, under a name that no other build shares.
fn default_directory(suites: &[Suite], identity: &Identity) -> PathBuf {
    let program = suites.first().map_or(Path::new("."), |suite| suite.binary.path());
    let deps = program.ancestors().find(|path| path.file_name().is_some_and(|name| name == "deps"));
    let target = deps.and_then(|deps| deps.parent()?.parent()).unwrap_or(Path::new("target"));
    let from = if identity.from == 0 { String::new() } else { format!("-from-{}", identity.from) };
    target.join("raftlab").join("soak").join(format!("{}{from}", &identity.fingerprint[..16]))
}

fn keep(report: &Report, path: &Path) -> Result<(), Stop> {
    let part = path.with_file_name(state::REPORT_PART);
    let written = std::fs::write(&part, report.to_json()).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|why| Stop::failed(format!("the report cannot be written to {}: {why}", path.display())))
}

fn remove(path: &Path) -> Result<(), Stop> {
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => {
            Err(Stop::failed(format!("{} cannot be removed: {why}", path.display())))
        }
        _ => Ok(()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Stop> {
    std::path::absolute(path)
        .map_err(|why| Stop::usage(format!("{} is no usable path: {why}", path.display())))
}

/// The path as it would be typed here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_ref().and_then(|here| path.strip_prefix(here).ok());
    short.unwrap_or(path).display().to_string()
}
