//! The results that the page is made from.
//!
//! A file may speak of several packages; what is of others than the page's is left out.
//!
//! Never: takes results of other code or of another corpus than the workspace has, or results that lack something.

use super::Prints;
use crate::corpus::{Mutant, Variant};
use crate::line::{Head, Line, MutantLine, VariantLine};
use labs::soak::{FORMAT, Report};
use labs::stop::Stop;
use std::collections::BTreeMap;
use std::path::Path;

/// What `cargo grade mutants --format json` printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    /// What it speaks of.
    pub head: Head,
    /// One a mutant, in their order.
    pub lines: Vec<MutantLine>,
}

/// What `cargo grade variants --format json` printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trials {
    /// What it speaks of.
    pub head: Head,
    /// One a variant, in their order.
    pub lines: Vec<VariantLine>,
}

/// Reads a kill matrix. `file` is what errors call it.
pub fn matrix(file: &Path, text: &str, prints: &Prints, mutants: &[Mutant]) -> Result<Matrix, Stop> {
    let source = Source { file, command: "cargo grade mutants --format json" };
    let mut heads: Vec<Head> = Vec::new();
    let mut lines = Vec::new();
    source.each(text, |line| match line {
        Line::Matrix(one) if lines.is_empty() => {
            heads.push(one);
            true
        }
        Line::Mutant(line) if heads.iter().any(|head| head.package == line.package) => {
            lines.push(line);
            true
        }
        Line::End { count } => count == lines.len() as u64,
        _ => false,
    })?;
    lines.retain(|line| line.package == prints.package);
    let head = source.of_this(heads, prints, |prints| &prints.mutants, "mutants")?;
    source.complete(lines.iter().map(|line| &line.id), mutants.iter().map(|mutant| &mutant.id))?;
    Ok(Matrix { head, lines })
}

/// Reads the results of the variants. `file` is what errors call it.
pub fn trials(file: &Path, text: &str, prints: &Prints, variants: &[Variant]) -> Result<Trials, Stop> {
    let source = Source { file, command: "cargo grade variants --format json" };
    let mut heads: Vec<Head> = Vec::new();
    let mut lines = Vec::new();
    source.each(text, |line| match line {
        Line::Variants(one) if lines.is_empty() => {
            heads.push(one);
            true
        }
        Line::Variant(line) if heads.iter().any(|head| head.package == line.package) => {
            lines.push(line);
            true
        }
        Line::End { count } => count == lines.len() as u64,
        _ => false,
    })?;
    lines.retain(|line| line.package == prints.package);
    let head = source.of_this(heads, prints, |prints| &prints.variants, "variants")?;
    source.complete(lines.iter().map(|line| &line.id), variants.iter().map(|variant| &variant.id))?;
    Ok(Trials { head, lines })
}

/// Reads the report of a soak, which must have run all of these scenarios. `file` is what errors call it.
pub fn soak(file: &Path, text: &str, prints: &Prints, scenarios: &[String]) -> Result<Report, Stop> {
    let source = Source { file, command: "cargo labs soak --format json" };
    let soak: Report = serde_json::from_str(text).map_err(|why| source.foreign(&why.to_string()))?;
    match soak.subjects.get(&prints.package) {
        _ if soak.soak_report != FORMAT => Err(source.foreign("it is of another version")),
        _ if !scenarios.iter().all(|name| soak.scenarios.iter().any(|one| one.name == *name)) => {
            Err(source.foreign("it is of some scenarios only"))
        }
        Some(code) if *code == prints.code => Ok(soak),
        Some(_) => Err(source.stale("code")),
        None => Err(source.foreign("it does not say of which code it speaks")),
    }
}

/// A file with results, and what makes it.
struct Source<'a> {
    file: &'a Path,
    command: &'a str,
}

impl Source<'_> {
    fn foreign(&self, why: &str) -> Stop {
        Stop::usage(format!(
            "{} is not what `{}` writes ({why}): make it anew",
            self.file.display(),
            self.command
        ))
    }

    fn stale(&self, what: &str) -> Stop {
        Stop::usage(format!(
            "{} speaks of other {what} than the workspace has: make it anew with `{}`",
            self.file.display(),
            self.command
        ))
    }

    /// Reads every line; the last one must be an end, and `fits` must take each.
    fn each(&self, text: &str, mut fits: impl FnMut(Line) -> bool) -> Result<(), Stop> {
        let mut ended = false;
        for (number, line) in (1..).zip(text.lines()) {
            let line: Line =
                serde_json::from_str(line).map_err(|why| self.foreign(&format!("line {number}: {why}")))?;
            let end = matches!(line, Line::End { .. });
            if ended || !fits(line) {
                return Err(self.foreign(&format!("line {number} is out of place")));
            }
            ended |= end;
        }
        if ended { Ok(()) } else { Err(self.foreign("its end is missing: it was interrupted")) }
    }

    fn of_this(
        &self,
        heads: Vec<Head>,
        prints: &Prints,
        corpus: impl Fn(&Prints) -> &String,
        what: &str,
    ) -> Result<Head, Stop> {
        match heads.into_iter().find(|head| head.package == prints.package) {
            None => Err(self.foreign(&format!("it says nothing of the package {}", prints.package))),
            Some(head) if head.code != prints.code => Err(self.stale("code")),
            Some(head) if head.corpus != *corpus(prints) => Err(self.stale(what)),
            Some(head) => Ok(head),
        }
    }

    fn complete<'a>(
        &self,
        has: impl Iterator<Item = &'a String>,
        wants: impl Iterator<Item = &'a String>,
    ) -> Result<(), Stop> {
        let count =
            |ids: &mut BTreeMap<String, i32>, id: &String, by: i32| *ids.entry(id.clone()).or_default() += by;
        let mut ids = BTreeMap::new();
        has.for_each(|id| count(&mut ids, id, -1));
        wants.for_each(|id| count(&mut ids, id, 1));
        match ids.iter().find(|(_, balance)| **balance != 0) {
            None => Ok(()),
            Some((id, 1)) => Err(self.foreign(&format!("{id} is missing: run it without --only"))),
            Some((id, _)) => Err(self.foreign(&format!("{id} is there too often"))),
        }
    }
}
