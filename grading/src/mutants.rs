//! `cargo grade mutants`: every mistake of the corpus, held against all scenarios.

use crate::attempt::{self, Limits};
use crate::cli::MutantsArguments;
use crate::corpus::{self, Mutant};
use crate::line::{Finding, Head, Line, MutantLine, MutantVerdict, Seen};
use crate::tree::{self, Built, Tree};
use crate::{crew, matrix};
use labs::cli::Format;
use labs::run::{self, Suite};
use labs::starter;
use labs::stop::Stop;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Instant;

/// Runs the command.
pub fn main(arguments: &MutantsArguments) -> Result<ExitCode, Stop> {
    let workspace = starter::original()?;
    let files = starter::sources(&workspace.root).map_err(Stop::failed)?;
    let all = corpus::mutants(&files)?;
    let mutants = corpus::only(all, |one| &one.id, &arguments.only, "mutant")?;
    let _lock = tree::lock(&workspace.root)?;
    let jobs = arguments.jobs.map_or_else(run::processors, NonZeroUsize::get).min(mutants.len());
    let trees: Result<Vec<Tree<'_>>, Stop> =
        (1..=jobs).map(|job| Tree::open(&workspace.root, job, &files)).collect();
    let trees = trees?;
    let suites = crew::build(&trees)?;
    let scenarios = names(&suites);
    corpus::known_scenarios(&mutants, &scenarios)?;
    let seeds = arguments.seeds.get();
    crew::reference_passes(&suites, seeds)?;

    let json = arguments.format == Format::Json;
    let head = Head { seeds, scenarios };
    if json {
        println!("{}", Line::Matrix(head.clone()).to_json());
    }
    let bar = crew::bar(mutants.len(), "mutants");
    let mut lines = Vec::new();
    crew::each(
        trees,
        &mutants,
        &bar,
        |tree, mutant| attempt(tree, mutant, seeds),
        |line: MutantLine| {
            if json {
                println!("{}", Line::Mutant(line.clone()).to_json());
            }
            lines.push(line);
        },
    )?;
    if json {
        println!("{}", Line::End { count: lines.len() as u64 }.to_json());
    } else {
        print!("{}", matrix::human(&head, &mutants, &lines));
    }
    let fine = lines.iter().all(MutantLine::is_fine);
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The scenarios' names, in their order.
pub fn names(suites: &[Suite]) -> Vec<String> {
    suites.iter().flat_map(|suite| &suite.scenarios).map(|one| one.name.clone()).collect()
}

/// Builds and runs one mutant.
pub fn attempt(tree: &mut Tree<'_>, mutant: &Mutant, seeds: u64) -> Result<MutantLine, Stop> {
    // For people who wonder where the minutes go; judges nothing.
    let began = Instant::now();
    tree.edit(&mutant.edits)?;
    let built = tree.build();
    tree.restore()?;
    let (built, build_ms) = (built?, millis(began));
    let began = Instant::now();
    let (findings, compiler) = match built {
        Built::Suites(suites) => (attempt::findings(&suites, seeds, Limits::default())?, None),
        Built::Refused(said) => (vec![], Some(said)),
    };
    Ok(line(mutant, findings, compiler, build_ms, millis(began)))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What the findings add up to.
pub fn line(
    mutant: &Mutant,
    findings: Vec<Finding>,
    compiler: Option<String>,
    build_ms: u64,
    run_ms: u64,
) -> MutantLine {
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
    MutantLine {
        id: mutant.id.clone(),
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

impl Finding {
    /// What was seen, as one sentence.
    pub fn sentence(&self) -> &str {
        match &self.seen {
            Seen::Failed(cause) => &cause.sentence,
            Seen::Died(sentence) | Seen::NotJudged(sentence) => sentence,
        }
    }
}
