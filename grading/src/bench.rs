//! The workspace on the bench: read, copied into trees, built, and shown to pass.
//!
//! Invariant: who has a `Bench` may hold things against the reference, because the reference itself passes in the
//! very same way.

use crate::attempt::{self, Limits};
use crate::crew;
use crate::edit::Edit;
use crate::line::{Finding, Head};
use crate::tree::{self, Built, Lock, Tree};
use labs::run::{self, Suite};
use labs::starter::{self, Files};
use labs::stop::Stop;
use labs::{fingerprint, targets::Workspace};
use std::num::NonZeroUsize;
use std::time::Instant;

/// A workspace and what `git` would commit of it.
#[derive(Debug)]
pub struct Course {
    /// The workspace.
    pub workspace: Workspace,
    /// Its files.
    pub files: Files,
}

impl Course {
    /// The workspace around the current directory.
    pub fn here() -> Result<Course, Stop> {
        let workspace = starter::original()?;
        let files = starter::sources(&workspace.root).map_err(Stop::failed)?;
        Ok(Course { workspace, files })
    }

    /// The fingerprint of what decides a run.
    pub fn code(&self) -> Result<String, Stop> {
        fingerprint::code(&self.files).map_err(Stop::failed)
    }

    /// The fingerprint of the mutants or variants.
    pub fn corpus(&self, folder: &str) -> Result<String, Stop> {
        let inside = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        fingerprint::of(&self.files, inside).map_err(Stop::failed)
    }
}

/// Trees in which the reference was built, and seen to pass.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The trees, one a job.
    pub trees: Vec<Tree<'a>>,
    /// The reference's scenarios.
    pub scenarios: Vec<String>,
    /// Nobody else works in the trees.
    pub lock: Lock,
}

impl<'a> Bench<'a> {
    /// Builds the reference once a job, and runs it with so many seeds. `check` sees the scenarios' names before
    /// anything runs.
    pub fn set_up(
        course: &'a Course,
        jobs: Option<NonZeroUsize>,
        items: usize,
        seeds: u64,
        check: impl FnOnce(&[String]) -> Result<(), Stop>,
    ) -> Result<Bench<'a>, Stop> {
        let root = &course.workspace.root;
        let lock = tree::lock(root)?;
        let jobs = jobs.map_or_else(run::processors, NonZeroUsize::get).min(items);
        let trees: Result<Vec<Tree<'_>>, Stop> =
            (1..=jobs).map(|job| Tree::open(root, job, &course.files)).collect();
        let trees = trees?;
        // The others are built by whoever works in them: one is enough to begin with.
        let suites = crew::build(&trees[..1])?;
        let scenarios = names(&suites);
        check(&scenarios)?;
        crew::reference_passes(&suites, seeds)?;
        Ok(Bench { trees, scenarios, lock })
    }

    /// What the lines of a run with so many seeds speak of.
    pub fn head(&self, course: &Course, folder: &str, seeds: u64) -> Result<Head, Stop> {
        let (code, corpus) = (course.code()?, course.corpus(folder)?);
        Ok(Head { code, corpus, seeds, scenarios: self.scenarios.clone() })
    }
}

/// The scenarios' names, in their order.
fn names(suites: &[Suite]) -> Vec<String> {
    suites.iter().flat_map(|suite| &suite.scenarios).map(|one| one.name.clone()).collect()
}

/// What came of one program.
#[derive(Debug)]
pub struct Tried {
    /// What was found.
    pub findings: Vec<Finding>,
    /// How many runs gave a verdict.
    pub runs: u64,
    /// The compiler's words, if it does not compile.
    pub compiler: Option<String>,
    /// Real milliseconds to build it.
    pub build_ms: u64,
    /// Real milliseconds to run it.
    pub run_ms: u64,
}

/// Builds the workspace with these edits and runs all scenarios.
pub fn attempt(tree: &mut Tree<'_>, edits: &[Edit], seeds: u64) -> Result<Tried, Stop> {
    // For people who wonder where the minutes go; judges nothing.
    let began = Instant::now();
    tree.edit(edits)?;
    let built = tree.build();
    tree.restore()?;
    let (built, build_ms) = (built?, millis(began));
    let began = Instant::now();
    let (attempt, compiler) = match built {
        Built::Suites(suites) => (attempt::run(&suites, seeds, Limits::of(seeds))?, None),
        Built::Refused(said) => (attempt::Attempt::default(), Some(said)),
    };
    let attempt::Attempt { findings, runs } = attempt;
    Ok(Tried { findings, runs, compiler, build_ms, run_ms: millis(began) })
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
