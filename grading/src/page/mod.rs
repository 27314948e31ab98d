//! `cargo grade page`: `grading/POWER.md`, the page that says what the tests catch and what they accept.
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
use crate::corpus::{self, MUTANTS, VARIANTS};
use labs::stop::Stop;
use std::path::Path;
use std::process::ExitCode;

pub use inputs::{Matrix, Trials, matrix, soak, trials};
pub use render::{Material, render};
pub use written::{Row, Written, read};

/// Where the page stands, from the workspace's root.
pub const PAGE: &str = "grading/POWER.md";

/// What a page or a result speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prints {
    /// The fingerprint of the code.
    pub code: String,
    /// The fingerprint of the mutants.
    pub mutants: String,
    /// The fingerprint of the variants.
    pub variants: String,
}

impl Prints {
    /// Those of the workspace as it is.
    pub fn of(course: &Course) -> Result<Prints, Stop> {
        let (mutants, variants) = (course.corpus(MUTANTS)?, course.corpus(VARIANTS)?);
        Ok(Prints { code: course.code()?, mutants, variants })
    }
}

/// Runs the command.
pub fn main(arguments: &PageArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let prints = Prints::of(&course)?;
    let path = arguments.out.clone().unwrap_or_else(|| course.workspace.root.join(PAGE));
    if arguments.check {
        println!("{}", check::check(&course, &prints, &path, arguments.jobs)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mutants = corpus::mutants(&course.files)?;
    let Some(file) = &arguments.matrix else {
        return Err(Stop::usage(
            "the page is made from what was run: `cargo grade mutants --format json > FILE`, then --matrix FILE",
        ));
    };
    let matrix = matrix(file, &text(file)?, &prints, &mutants)?;
    let variants = match &arguments.variants {
        Some(file) => {
            let variants = corpus::variants(&course.files)?;
            let trials = trials(file, &text(file)?, &prints, &variants)?;
            Some((variants, trials))
        }
        None => None,
    };
    let soak = match &arguments.soak {
        Some(file) => Some(soak(file, &text(file)?, &prints)?),
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
