//! `cargo grade page`: the page that says what a package's tests catch and what they accept: `grading/POWER.md` of raft,
//! `grading/POWER-KV.md` of kvserver.
//!
//! It is put together from what the other commands printed, so that an hour of runs is not repeated for a sentence.
//!
//! Invariants: the page names the fingerprints of the code and the corpus that it speaks of, and is only made from
//! results that name the same; but for them it is a function of those results. It says nothing that was not run.

pub mod check;
mod inputs;
mod render;
mod written;

use crate::bench::Course;
use crate::cli::PageArguments;
use crate::corpus::{self, DEFAULT, MUTANTS, VARIANTS};
use labs::stop::Stop;
use std::path::Path;
use std::process::ExitCode;

pub use inputs::{Matrix, Trials, matrix, soak, trials};
pub use render::{Material, render};
pub use written::{Row, Written, read};

/// Where the pages stand, from the workspace's root, by package.
pub const PAGES: [(&str, &str); 2] = [(DEFAULT, "grading/POWER.md"), ("kvserver", "grading/POWER-KV.md")];

/// What a page or a result speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prints {
    /// The package.
    pub package: String,
    /// The fingerprint of the code and the scenarios.
    pub code: String,
    /// The fingerprint of the mutants.
    pub mutants: String,
    /// The fingerprint of the variants.
    pub variants: String,
}

impl Prints {
    /// Those of a package in the workspace as it is.
    pub fn of(course: &Course, package: &str) -> Result<Prints, Stop> {
        let corpus = |folder| course.corpus(folder, package);
        let (code, mutants, variants) = (course.subjects(package)?, corpus(MUTANTS)?, corpus(VARIANTS)?);
        Ok(Prints { package: package.to_owned(), code, mutants, variants })
    }
}

/// Runs the command.
pub fn main(arguments: &PageArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let package = arguments.package.as_str();
    let Some((_, page)) = PAGES.iter().find(|(of, _)| *of == package) else {
        let there: Vec<&str> = PAGES.iter().map(|(of, _)| *of).collect();
        return Err(Stop::usage(format!(
            "no page speaks of the package `{package}`; there are those of {}",
            there.join(" and ")
        )));
    };
    let prints = Prints::of(&course, package)?;
    let path = arguments.out.clone().unwrap_or_else(|| course.workspace.root.join(page));
    if arguments.check {
        println!("{}", check::check(&course, &prints, &path, arguments.jobs)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut mutants = corpus::mutants(&course.files)?;
    mutants.retain(|mutant| mutant.package == package);
    let Some(file) = &arguments.matrix else {
        return Err(Stop::usage(
            "the page is made from what was run: `cargo grade mutants --format json > FILE`, then --matrix FILE",
        ));
    };
    let matrix = matrix(file, &text(file)?, &prints, &mutants)?;
    let variants = match &arguments.variants {
        Some(file) => {
            let mut variants = corpus::variants(&course.files)?;
            variants.retain(|variant| variant.package == package);
            let trials = trials(file, &text(file)?, &prints, &variants)?;
            Some((variants, trials))
        }
        None => None,
    };
    let soak = match &arguments.soak {
        Some(file) => Some(soak(file, &text(file)?, &prints, &matrix.head.scenarios)?),
        None => None,
    };
    let page = render(&Material { prints, mutants, matrix, variants, soak });
    std::fs::write(&path, page).map_err(|why| {
        Stop::usage(format!("{} cannot be written: {why}; choose another --out", path.display()))
    })?;
    println!("The page is in {}.", path.display());
    Ok(ExitCode::SUCCESS)
}

fn text(path: &Path) -> Result<String, Stop> {
    std::fs::read_to_string(path)
        .map_err(|why| Stop::usage(format!("{} cannot be read: {why}", path.display())))
}
