//! `cargo grade mutants`: every mistake of the corpus, held against all scenarios.

use crate::bench::{self, Bench, Course, Tried};
use crate::cli::MutantsArguments;
use crate::corpus::{self, MUTANTS, Mutant};
use crate::line::{Line, MutantLine, MutantVerdict};
use crate::tree::Tree;
use crate::{crew, matrix};
use labs::cli::Format;
use labs::stop::Stop;
use std::process::ExitCode;

/// Runs the command.
pub fn main(arguments: &MutantsArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let all = corpus::mutants(&course.files)?;
    let mutants = corpus::only(all, |one| &one.id, &arguments.only, "mutant")?;
    let seeds = arguments.seeds.get();
    let packages = corpus::packages(mutants.iter().map(|mutant| &mutant.package));
    let check = |package: &str, names: &[String]| corpus::known_scenarios(&mutants, package, names);
    let bench = Bench::set_up(&course, arguments.jobs, mutants.len(), packages, seeds, check)?;

    let json = arguments.format == Format::Json;
    let heads = bench.heads(&course, MUTANTS, seeds)?;
    if json {
        heads.iter().for_each(|head| println!("{}", Line::Matrix(head.clone()).to_json()));
    }
    let lines = try_all(bench, &mutants, seeds, |line| {
        if json {
            println!("{}", Line::Mutant(line.clone()).to_json());
        }
    })?;
    if json {
        println!("{}", Line::End { count: lines.len() as u64 }.to_json());
    } else {
        print!("{}", matrix::human(&heads, &mutants, &lines));
    }
    let fine = lines.iter().all(MutantLine::is_fine);
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Tries every mutant, and shows each result in their order.
pub fn try_all(
    bench: Bench<'_>,
    mutants: &[Mutant],
    seeds: u64,
    mut seen: impl FnMut(&MutantLine),
) -> Result<Vec<MutantLine>, Stop> {
    let bar = crew::bar(mutants.len(), "mutants");
    let mut lines = Vec::new();
    let work = |tree: &mut Tree<'_>, mutant: &Mutant| {
        bench::attempt(tree, &mutant.package, &mutant.edits, seeds).map(|tried| line(mutant, tried))
    };
    crew::each(bench.trees, mutants, &bench.packages, &bar, work, |line| {
        seen(&line);
        lines.push(line);
    })?;
    Ok(lines)
}

/// What the findings add up to.
pub fn line(mutant: &Mutant, tried: Tried) -> MutantLine {
    let Tried { mut findings, compiler, build_ms, run_ms, .. } = tried;
    let seeds = findings.iter().filter(|finding| finding.kills()).map(|finding| finding.seeds).min();
    let verdict = match (&compiler, seeds, &findings[..]) {
        (Some(_), ..) => MutantVerdict::NotBuilt,
        (None, Some(_), _) => MutantVerdict::Killed,
        (None, None, []) => MutantVerdict::Survived,
        (None, None, _) => MutantVerdict::NotJudged,
    };
    let named = |expected: &String| findings.iter().any(|finding| finding.is(expected));
    let as_expected = match &mutant.equivalent {
        Some(_) => verdict == MutantVerdict::Survived,
        None => mutant.expect.iter().any(named),
    };
    // A sentence says enough of what is meant to fail.
    findings.iter_mut().for_each(|finding| finding.report = None);
    MutantLine {
        id: mutant.id.clone(),
        package: mutant.package.clone(),
        verdict,
        seeds,
        expect: mutant.expect.clone(),
        as_expected,
        equivalent: mutant.equivalent.is_some(),
        findings,
        compiler,
        build_ms,
        run_ms,
    }
}
