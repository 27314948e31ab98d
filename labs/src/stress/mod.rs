//! `cargo labs stress`: scenarios over many seeds, what fails grouped by its cause, and of each cause one run shrunk.
//!
//! Owns the groups and their report. The runs are made and kept as those of a soak are.
//!
//! Invariants: a run that could not be judged is listed as such, and never as a pass; the report depends on the test
//! programs and the seeds alone.
//!
//! Never: judges a run, or says that two failures are one mistake: they only look alike.

mod group;
mod text;

pub use group::{Group, REPORT, Report};
pub use text::human;

use crate::cli::{Format, StressArguments};
use crate::shrink::{self, Schedule};
use crate::soak::{self, Asked, Purpose, Session};
use crate::stop::Stop;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Of so many causes a run is shrunk: of those with most runs.
const SHRUNK: usize = 8;

/// Runs the command.
pub fn main(arguments: &StressArguments) -> Result<ExitCode, Stop> {
    let asked = Asked {
        purpose: Purpose::Stress,
        tests: &arguments.tests,
        from: arguments.from,
        seeds: arguments.seeds,
        jobs: arguments.jobs,
        dir: arguments.dir.as_deref(),
        fresh: arguments.fresh,
    };
    asked.check()?;
    let (suites, kit) = shrink::suites(arguments.binary.as_deref())?;
    let mut session = Session::open(&asked, &suites)?;
    session.run()?;
    let mut report = Report::of(&session.state, &session.listed());
    if !arguments.no_shrink {
        let named = arguments.dir.is_some().then(|| session.state.shrunk());
        for group in report.groups.iter_mut().filter(|group| !group.not_judged).take(SHRUNK) {
            shrink_one(group, &session, kit.clone(), named.as_deref())?;
        }
    }
    let place = session.state.report();
    soak::keep(&report.to_json(), &place)?;
    session.close()?;
    match arguments.format {
        Format::Json => print!("{}", report.to_json()),
        Format::Human => print!("{}", human(&report, &shrink::shown(&place))),
    }
    Ok(if report.failed + report.not_judged == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Shrinks the group's smallest run and writes its file, or says why that was not done.
fn shrink_one(
    group: &mut Group,
    session: &Session,
    kit: Option<String>,
    directory: Option<&Path>,
) -> Result<(), Stop> {
    let Some(program) = session.program(&group.test) else { return Ok(()) };
    let shrunk = match program.shrink(&group.test, group.seed, None) {
        Ok(shrunk) => shrunk,
        Err(stop) => {
            group.not_shrunk = Some(stop.sentence);
            return Ok(());
        }
    };
    let directory: PathBuf = match directory {
        Some(directory) => directory.to_owned(),
        None => shrink::directory(&session.target),
    };
    let path = directory.join(shrink::file_name(&group.test, group.seed));
    shrink::write(&Schedule::of(&shrunk, kit), &shrunk, &path)?;
    group.file = Some(shrink::shown(&path));
    group.shrunk = Some(shrunk);
    Ok(())
}
