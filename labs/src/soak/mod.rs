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
mod session;
mod state;
mod text;
mod totals;
mod work;

pub use report::{FORMAT, Failing, Obligations, Report, ScenarioTotals, Sources};
pub(crate) use session::{Asked, Purpose, Session};
pub use state::{Done, Identity, Piece, State};
pub(crate) use text::grouped;
pub use text::human;
pub use totals::{Failures, Smallest, Spent, Totals};

use crate::cli::{Format, SoakArguments};
use crate::run::{self, Suite};
use crate::shrink::shown;
use crate::starter;
use crate::stop::Stop;
use crate::targets::Workspace;
use std::path::Path;
use std::process::ExitCode;

/// Runs the command.
pub fn main(arguments: &SoakArguments) -> Result<ExitCode, Stop> {
    let asked = Asked {
        purpose: Purpose::Soak,
        tests: &arguments.labs,
        from: arguments.from,
        seeds: arguments.seeds,
        jobs: arguments.jobs,
        dir: arguments.dir.as_deref(),
        fresh: arguments.fresh,
    };
    asked.check()?;
    let (suites, sources) = suites(arguments)?;
    let mut session = Session::open(&asked, &suites)?;
    session.run()?;
    let report = Report::of(&session.state, &session.listed(), &arguments.labs, sources);
    let place = session.state.report();
    keep(&report.to_json(), &place)?;
    session.close()?;
    match arguments.format {
        Format::Json => print!("{}", report.to_json()),
        Format::Human => print!("{}", human(&report, &shown(&place))),
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
    Ok((run::alone(path)?, Sources::default()))
}

/// Writes a report as a whole, or not at all.
pub(crate) fn keep(report: &str, path: &Path) -> Result<(), Stop> {
    let part = path.with_file_name(state::REPORT_PART);
    let written = std::fs::write(&part, report).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|why| Stop::failed(format!("the report cannot be written to {}: {why}", path.display())))
}
