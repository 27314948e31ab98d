//! `cargo labs shrink`: of a failing run, the smallest that still fails for the same cause, as a file that replays.
//!
//! Owns the file ([`Schedule`]) and what is said about it. The search itself is the test program's.
//!
//! Invariants: a file is written only of a failure that was seen again; one that another kit wrote is never played.
//!
//! Never: judges a run.

mod file;
mod text;

pub use file::{FORMAT, Schedule};
pub use text::{changes, human};
pub(crate) use text::{left, row};

use crate::cli::{Format, ShrinkArguments};
use crate::stop::Stop;
use crate::targets::{Binary, Workspace};
use crate::{fingerprint, run, starter, suggest};
use indicatif::{ProgressBar, ProgressStyle};
use scenario::Plan;
use scenario::line::{Line, RunLine, ShrunkLine};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
pub fn main(arguments: &ShrinkArguments) -> Result<ExitCode, Stop> {
    let out = arguments.out.as_deref().map(absolute).transpose()?;
    let (suites, kit) = suites(arguments.binary.as_deref())?;
    let suite = named(&suites, &arguments.test)?;
    let shrunk =
        suite.binary.shrink(&arguments.test, arguments.seed, arguments.runs.map(|runs| runs.get()))?;
    let path = out
        .unwrap_or_else(|| directory(suite.binary.target()).join(file_name(&arguments.test, arguments.seed)));
    write(&Schedule::of(&shrunk, kit), &shrunk, &path)?;
    match arguments.format {
        Format::Json => println!("{}", Line::Shrunk(shrunk).to_json()),
        Format::Human => print!("{}", human(&shrunk, &shown(&path))),
    }
    Ok(ExitCode::SUCCESS)
}

/// The test programs: this one, or those of the workspace; and the fingerprint of the kit that they were built from.
pub(crate) fn suites(binary: Option<&Path>) -> Result<(Vec<run::Suite>, Option<String>), Stop> {
    if let Some(path) = binary {
        return Ok((run::alone(path)?, None));
    }
    let workspace = Workspace::here()?;
    let suites = run::suites(&workspace)?;
    Ok((suites, kit(&workspace)))
}

/// The fingerprint of the kit in this workspace; nothing where its files cannot be read.
pub(crate) fn kit(workspace: &Workspace) -> Option<String> {
    starter::sources(&workspace.root).ok().and_then(|files| fingerprint::kit(&files).ok())
}

/// The suite with the scenario of that name.
pub(crate) fn named<'a>(suites: &'a [run::Suite], name: &str) -> Result<&'a run::Suite, Stop> {
    let has = |suite: &&run::Suite| suite.scenarios.iter().any(|one| one.name == name);
    suites.iter().find(has).ok_or_else(|| {
        let names: Vec<String> =
            suites.iter().flat_map(|suite| &suite.scenarios).map(|one| one.name.clone()).collect();
        Stop::usage(suggest::unknown_whole(name, &names))
    })
}

/// Where shrunk runs of a build in `target` go unless told otherwise: beside the traces of failing tests.
pub(crate) fn directory(target: &Path) -> PathBuf {
    target.join("raftlab").join("shrunk")
}

/// The name of a shrunk run's file.
pub(crate) fn file_name(test: &str, seed: u64) -> String {
    format!("{test}-{seed}.toml")
}

/// Writes the file, and makes its directory if it is missing.
pub(crate) fn write(schedule: &Schedule, shrunk: &ShrunkLine, path: &Path) -> Result<(), Stop> {
    let text = schedule.to_toml(shrunk, &shown(path));
    let parent = path.parent().unwrap_or(Path::new("/"));
    let written = std::fs::create_dir_all(parent).and_then(|()| {
        // All of it or nothing: a file of an earlier failure is not lost to a full disk.
        let part = tempfile::NamedTempFile::new_in(parent)?;
        std::fs::write(part.path(), text)?;
        part.persist(path).map(drop).map_err(|why| why.error)
    });
    written.map_err(|why| {
        Stop::usage(format!(
            "the shrunk run cannot be written to {}: {why}. Choose another --out",
            path.display()
        ))
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Stop> {
    if path.is_dir() {
        return Err(Stop::usage(format!(
            "--out takes a file, and {} is a directory: add a file's name, such as run.toml",
            path.display()
        )));
    }
    std::path::absolute(path)
        .map_err(|why| Stop::usage(format!("{} is no usable path: {why}", path.display())))
}

/// The path as it would be typed here.
pub(crate) fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let short = here.as_ref().and_then(|here| path.strip_prefix(here).ok());
    short.unwrap_or(path).display().to_string()
}

impl Binary {
    /// Shrinks a failing run, with at most so many runs; or says why that cannot be done.
    pub fn shrink(&self, name: &str, seed: u64, runs: Option<u64>) -> Result<ShrunkLine, Stop> {
        let mut command = self.command("shrink");
        command.args(["--names", name, "--seed", &seed.to_string()]);
        if let Some(runs) = runs {
            command.args(["--budget", &runs.to_string()]);
        }
        let bar = ProgressBar::new_spinner();
        bar.set_style(
            ProgressStyle::with_template("{spinner} {msg}").unwrap_or(ProgressStyle::default_spinner()),
        );
        let mut shrunk = None;
        let status = self.lines(command, |line| match line {
            Line::Shrinking { runs, left } => {
                bar.set_message(format!("shrinking {name}: {runs} runs, {} events left", left.events));
                bar.tick();
            }
            Line::Shrunk(line) => shrunk = Some(Ok(line)),
            Line::Refused { sentence } => shrunk = Some(Err(Stop::failed(sentence))),
            _ => {}
        })?;
        bar.finish_and_clear();
        shrunk.unwrap_or_else(|| {
            Err(Stop::failed(format!(
                "the test program died ({status}) while {name} with seed {seed} was shrunk: a stack overflow, an abort \
                 or an exit in the code ends all runs at once"
            )))
        })
    }

    /// Runs a scenario with a plan. The report of a failure names the command `again`.
    pub fn planned(
        &self,
        (name, seed): (&str, u64),
        plan: &Plan,
        again: &str,
        trace: Option<&Path>,
    ) -> Result<RunLine, Stop> {
        let plan = serde_json::to_string(plan).expect("numbers and flags serialize");
        let mut command = self.command("run");
        command.args(["--names", name, "--seed", &seed.to_string(), "--plan", &plan, "--again", again]);
        if let Some(trace) = trace {
            command.arg("--trace-file").arg(trace);
        }
        let mut run = None;
        let status = self.lines(command, |line| {
            if let Line::Run(line) = line {
                run = Some(line);
            }
        })?;
        run.ok_or_else(|| {
            Stop::failed(format!(
                "the test program died ({status}) in {name} with this schedule: a stack overflow, an abort or an exit in \
                 the code ends it"
            ))
        })
    }
}
