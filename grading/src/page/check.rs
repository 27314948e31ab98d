//! `cargo grade page --check`: whether the page still holds. Cheap enough for every change: the fingerprints, and
//! a few mutants run again.

use super::Prints;
use super::written::{self, Row, Written};
use crate::bench::{Bench, Course};
use crate::corpus::{self, Mutant};
use crate::mutants;
use labs::stop::Stop;
use std::num::NonZeroUsize;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// How many mutants are run again.
const AGAIN: usize = 5;

/// Says that the page holds.
///
/// # Errors
/// A sentence that says what does not.
pub(super) fn check(
    course: &Course,
    prints: &Prints,
    path: &Path,
    jobs: Option<NonZeroUsize>,
) -> Result<String, Stop> {
    let name = path.strip_prefix(&course.workspace.root).unwrap_or(path).display().to_string();
    let page = std::fs::read_to_string(path).map_err(|why| {
        Stop::usage(format!("{name} cannot be read: {why}; make it with `cargo grade page`"))
    })?;
    let written = written::read(&page).ok_or_else(|| {
        Stop::failed(format!("{name} is no page that `cargo grade page` made: make it anew"))
    })?;
    fresh(&name, &written, prints)?;
    let mut all = corpus::mutants(&course.files)?;
    all.retain(|mutant| mutant.package == prints.package);
    let chosen = choose(all, prints);
    // A second tree costs more to build than these few take.
    let jobs = jobs.or(NonZeroUsize::new(1));
    let packages = vec![prints.package.clone()];
    let bench = Bench::set_up(course, jobs, chosen.len(), packages, written.seeds, |_, _| Ok(()))?;
    let lines = mutants::try_all(bench, &chosen, written.seeds, |_| {})?;
    for line in &lines {
        agrees(&name, &written, &Row::of(line))?;
    }
    let ids: Vec<&str> = chosen.iter().map(|mutant| mutant.id.as_str()).collect();
    Ok(format!("{name} speaks of this code, and {} fared again as it says: {}.", ids.len(), ids.join(", ")))
}

/// Refuses a page that speaks of something else.
pub fn fresh(name: &str, written: &Written, prints: &Prints) -> Result<(), Stop> {
    for (what, says, is) in [
        ("package", &written.prints.package, &prints.package),
        ("code", &written.prints.code, &prints.code),
        ("mutants", &written.prints.mutants, &prints.mutants),
        ("variants", &written.prints.variants, &prints.variants),
    ] {
        if says != is {
            return Err(Stop::failed(format!(
                "{name} speaks of other {what} than the workspace has ({says}, not {is}): make it anew with \
                 `cargo grade page`"
            )));
        }
    }
    Ok(())
}

/// The mutants that are run again: other ones with every change, and the same ones until then.
pub fn choose(mut all: Vec<Mutant>, prints: &Prints) -> Vec<Mutant> {
    all.sort_by_key(|mutant| xxh3_64(format!("{}{}{}", prints.code, prints.mutants, mutant.id).as_bytes()));
    all.truncate(AGAIN);
    all
}

/// Refuses a page that says something else of a mutant than was seen.
pub fn agrees(name: &str, written: &Written, seen: &Row) -> Result<(), Stop> {
    let says = written.rows.iter().find(|row| row.id == seen.id);
    match says {
        Some(says) if says == seen => Ok(()),
        Some(says) => Err(Stop::failed(format!(
            "{name} says that {} is named by {} after {} seeds, and now it is {} after {}{ANEW}",
            seen.id, says.named_by, says.seeds, seen.named_by, seen.seeds
        ))),
        None => Err(Stop::failed(format!("{name} does not speak of {}{ANEW}", seen.id))),
    }
}

/// What to do about it.
const ANEW: &str = ": find out why, and make the page anew with `cargo grade page`";
