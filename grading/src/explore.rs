//! `cargo grade explore`: exploration held against the mutants that name bounds. It must find each by itself, and see
//! nothing different in those that are argued to be equivalent.
//!
//! Never: takes a search that did not see everything for an equivalence.

use crate::bench::Course;
use crate::cli::ExploreArguments;
use crate::corpus::{self, DEFAULT, Mutant};
use crate::crew;
use crate::tree::{self, Built, Tree};
use indicatif::HumanCount;
use labs::run::Suite;
use labs::stop::Stop;
use labs::targets::Binary;
use scenario::line::{ExploredLine, Line};
use std::process::ExitCode;
use std::time::Instant;

/// Runs the command.
pub fn main(arguments: &ExploreArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let all = corpus::mutants(&course.files)?;
    let asked = corpus::only(all, |one| &one.id, &arguments.only, "mutant")?;
    let mutants: Vec<Mutant> = asked.into_iter().filter(|mutant| mutant.explore.is_some()).collect();
    if mutants.is_empty() {
        return Err(Stop::usage(
            "none of these mutants has `explore = \"BOUNDS\"`: there is nothing to explore",
        ));
    }
    let _lock = tree::lock(&course.workspace.root)?;
    let mut trees = vec![Tree::open(&course.workspace.root, 1, &course.files)?];
    let reference = crew::build(&trees, DEFAULT)?;
    let [tree] = &mut trees[..] else { unreachable!("one tree was opened") };
    let mut looks = Vec::new();
    for mutant in mutants.iter().filter(|mutant| mutant.equivalent.is_some()) {
        looks.push((mutant.id.clone(), explore(explorer(&reference)?, mutant)?));
    }
    let mut fine = true;
    for mutant in &mutants {
        tree.edit(&mutant.edits)?;
        let built = tree.build(DEFAULT);
        tree.restore()?;
        let Built::Suites(suites) = built? else {
            return Err(Stop::failed(format!("{} does not compile: it shows nothing", mutant.id)));
        };
        // For people who wonder where the minutes go; judges nothing.
        let began = Instant::now();
        let seen = explore(explorer(&suites)?, mutant)?;
        let took = began.elapsed().as_secs_f64();
        let of_reference = looks.iter().find(|(id, _)| *id == mutant.id).map(|(_, seen)| seen);
        let (holds, said) = verdict(&seen, of_reference);
        fine &= holds;
        let bounds = mutant.explore.as_deref().unwrap_or_default();
        let mark = if holds { "" } else { "NOT AS IT SHOULD BE: " };
        let states = HumanCount(seen.reached.states);
        println!("{}, within `{bounds}` ({states} states, {took:.1} s)", mutant.id);
        let options = textwrap::Options::new(80).initial_indent("  ").subsequent_indent("  ");
        println!("{}", textwrap::fill(&format!("{mark}{said}"), options));
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Whether that is what it should be, and what it is.
fn verdict(seen: &ExploredLine, reference: Option<&ExploredLine>) -> (bool, String) {
    match (reference, &seen.broken, &seen.unfinished) {
        (None, Some(broken), _) => {
            (true, format!("found in a history of {} actions. {broken}.", seen.reached.depth))
        }
        (None, None, Some(why)) => (false, format!("not found, and not everything was seen: {why}.")),
        (None, None, None) => (false, "not found, and every state was seen.".to_owned()),
        (Some(_), Some(broken), _) => (false, format!("said to be equivalent, and it is not. {broken}.")),
        (Some(_), None, Some(why)) => {
            (false, format!("said to be equivalent; not everything was seen: {why}."))
        }
        (Some(reference), None, None) => match (&seen.reached.observed, &reference.reached.observed) {
            (Some(one), Some(two)) if one == two => {
                (true, format!("equivalent: the same {} states as seen from outside.", HumanCount(one.0)))
            }
            (one, two) => (
                false,
                format!("said to be equivalent; seen from outside {one:?}, and the reference {two:?}."),
            ),
        },
    }
}

fn explorer(suites: &[Suite]) -> Result<&Binary, Stop> {
    for suite in suites {
        if !suite.binary.presets()?.is_empty() {
            return Ok(&suite.binary);
        }
    }
    Err(Stop::usage("no crate of this workspace can be explored"))
}

fn explore(binary: &Binary, mutant: &Mutant) -> Result<ExploredLine, Stop> {
    let bounds = mutant.explore.as_deref().unwrap_or_default();
    let bar = indicatif::ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    let folder = tempfile::tempdir().map_err(|why| Stop::failed(format!("no temporary directory: {why}")))?;
    let explored = binary.explore(bounds, mutant.equivalent.is_some(), Some(folder.path()), |line| {
        if let Line::Reached(reached) = line {
            bar.set_message(format!(
                "{}: {} states, depth {}",
                mutant.id,
                HumanCount(reached.states),
                reached.depth
            ));
        }
    });
    bar.finish_and_clear();
    explored
}
