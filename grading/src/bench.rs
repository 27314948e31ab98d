//! The workspace on the bench: read, copied into trees, built, and shown to pass.
//!
//! Invariant: who has a `Bench` may hold things against the reference, because the reference itself passes in the
//! very same way.

use crate::attempt::{self, Limits};
use crate::edit::Edit;
use crate::line::{Finding, Head};
use crate::tree::{self, Built, Lock, Tree};
use crate::{corpus, crew};
use labs::run::{self, Suite};
use labs::starter::{self, Files};
use labs::stop::Stop;
use labs::{fingerprint, targets::Workspace};
use std::collections::BTreeMap;
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

    /// The fingerprint of what a package's scenarios test, and of the scenarios.
    pub fn subjects(&self, package: &str) -> Result<String, Stop> {
        fingerprint::subjects(&self.files, &[package]).map_err(Stop::failed)
    }

    /// The fingerprint of a package's mutants or variants.
    pub fn corpus(&self, folder: &str, package: &str) -> Result<String, Stop> {
        let own = |path: &str| {
            let inside = path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            let named = self.files.get(path).filter(|_| inside).and_then(|sheet| corpus::package_of(sheet));
            named.is_some_and(|named| named == package)
        };
        fingerprint::of(&self.files, own).map_err(Stop::failed)
    }
}

/// Trees in which the reference was built, and seen to pass.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The trees, one a job.
    pub trees: Vec<Tree<'a>>,
    /// The packages whose scenarios run here, in order.
    pub packages: Vec<String>,
    /// The reference's scenarios, by package.
    pub scenarios: BTreeMap<String, Vec<String>>,
    /// Nobody else works in the trees.
    pub lock: Lock,
}

impl<'a> Bench<'a> {
    /// Builds the reference once a job, and runs these packages' scenarios with so many seeds. `check` sees each
    /// package with the names of its scenarios before anything runs.
    pub fn set_up(
        course: &'a Course,
        jobs: Option<NonZeroUsize>,
        items: usize,
        packages: Vec<String>,
        seeds: u64,
        check: impl Fn(&str, &[String]) -> Result<(), Stop>,
    ) -> Result<Bench<'a>, Stop> {
        let root = &course.workspace.root;
        let lock = tree::lock(root)?;
        let jobs = jobs.map_or_else(run::processors, NonZeroUsize::get).min(items);
        let trees: Result<Vec<Tree<'_>>, Stop> =
            (1..=jobs).map(|job| Tree::open(root, job, &course.files)).collect();
        let trees = trees?;
        // The others are built by whoever works in them: one is enough to begin with.
        let mut scenarios = BTreeMap::new();
        let mut built = Vec::new();
        for package in &packages {
            let suites = crew::build(&trees[..1], package)?;
            let names = names(&suites);
            check(package, &names)?;
            scenarios.insert(package.clone(), names);
            built.push(suites);
        }
        built.iter().try_for_each(|suites| crew::reference_passes(suites, seeds))?;
        Ok(Bench { trees, packages, scenarios, lock })
    }

    /// What the lines of a run with so many seeds speak of, for each package.
    pub fn heads(&self, course: &Course, folder: &str, seeds: u64) -> Result<Vec<Head>, Stop> {
        let head = |(package, scenarios): (&String, &Vec<String>)| {
            let (code, corpus) = (course.subjects(package)?, course.corpus(folder, package)?);
            Ok(Head { package: package.clone(), code, corpus, seeds, scenarios: scenarios.clone() })
        };
        self.scenarios.iter().map(head).collect()
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

/// Builds a package with these edits and runs all its scenarios.
pub fn attempt(tree: &mut Tree<'_>, package: &str, edits: &[Edit], seeds: u64) -> Result<Tried, Stop> {
    // For people who wonder where the minutes go; judges nothing.
    let began = Instant::now();
    tree.edit(edits)?;
    let built = tree.build(package);
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
