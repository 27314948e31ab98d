//! `cargo labs check-starter`: the proof that the starter is worth handing out.
//!
//! As many trees as students hand in, one after the other: the stubs alone, then the solution of the first
//! part with stubs beyond it, and so on to the whole solution. Each compiles without a warning, every scenario
//! of the solved parts passes, and every scored scenario of the next part fails with the one line
//! `not implemented: …`; in the stubs alone, those of every part do.

use crate::cli::CheckArguments;
use crate::run::{self, Suite};
use crate::starter;
use crate::stop::Stop;
use crate::student_files::{Part, StudentFiles};
use crate::targets::{self, Binary, Request, Seeds, Traces, Workspace};
use scenario::line::{Listed, RunLine, RunVerdict};
use std::process::{ExitCode, Stdio};
use std::time::Instant;

/// Runs the command.
pub fn main(arguments: &CheckArguments) -> Result<ExitCode, Stop> {
    let original = starter::original()?;
    let list = StudentFiles::load(&original.root).map_err(Stop::usage)?;
    // Always the same places, so that dependencies are built once and only changed crates again.
    let base = original.root.join("target/starter");
    let tree = Workspace { root: base.join("tree"), target_directory: Some(base.join("target")) };
    for solved in 0..=list.parts.len() {
        // For people who wonder where the minutes go; judges nothing.
        let began = Instant::now();
        let (solved, open) = list.parts.split_at(solved);
        put(&original, &tree, solved.last().map(|part| part.lab.as_str()))?;
        let suites = run::listed(without_warnings(&tree)?)?;
        let built = began.elapsed();
        let said = step(&suites, solved, open, arguments.seeds.get())?;
        let (built, all) = (built.as_secs_f64(), began.elapsed().as_secs_f64());
        println!("{said} (built in {built:.0} s, run in {:.0} s)", all - built);
    }
    Ok(ExitCode::SUCCESS)
}

/// Holds the tree with the `solved` parts to what its scenarios must come to, and says what they came to.
fn step(suites: &[Suite], solved: &[Part], open: &[Part], seeds: u64) -> Result<String, Stop> {
    let Some(last) = solved.last() else {
        let counts: Result<Vec<String>, Stop> = open
            .iter()
            .map(|part| Ok(format!("{} of {}", fails(suites, "the stubs", part)?, part.lab)))
            .collect();
        let counts = counts?.join(", ");
        return Ok(format!(
            "stubs: no warning; scored scenarios fail with one line `not implemented: …`: {counts}"
        ));
    };
    let (scenarios, runs) = passes(suites, solved, seeds)?;
    let next = match open.first() {
        Some(part) => {
            let tree = format!("the solution up to {}", last.lab);
            format!("; all {} of {} fail", fails(suites, &tree, part)?, part.lab)
        }
        None => String::new(),
    };
    Ok(format!("{} solved: no warning; {scenarios} scenarios pass in {runs} runs{next}", last.lab))
}

/// Makes the tree the starter with the solution of all parts up to `solved`.
fn put(original: &Workspace, tree: &Workspace, solved: Option<&str>) -> Result<(), Stop> {
    let files = starter::generate(&original.root, solved).map_err(Stop::usage)?;
    starter::mirror(&files, &tree.root).map_err(Stop::failed)
}

/// Builds everything that students build; a warning is a failure. The scenarios' binaries are taken from this very
/// build: for a single package, cargo would choose other features of dependencies and build all of it again.
fn without_warnings(tree: &Workspace) -> Result<Vec<Binary>, Stop> {
    let mut command = tree.cargo();
    command.args(["build", "--workspace", "--tests", "--message-format=json-diagnostic-short"]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.map_err(|why| Stop::failed(format!("cargo could not be started: {why}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Vec<String> = text.lines().filter_map(diagnostic).collect();
    if output.status.success() && said.is_empty() {
        return Ok(targets::binaries(&text));
    }
    let what = if output.status.success() { "compiles only with warnings" } else { "does not compile" };
    Err(Stop::failed(format!("the starter in {} {what}:\n{}", tree.root.display(), said.join(""))))
}

/// What the compiler says in this message of cargo, if it is a warning or an error.
fn diagnostic(line: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let level = message["message"]["level"].as_str()?;
    let serious = level == "warning" || level.starts_with("error");
    message["message"]["rendered"].as_str().filter(|_| serious).map(str::to_owned)
}

/// How many scored scenarios of the part there are; in `tree`, each must fail with the one line.
fn fails(suites: &[Suite], tree: &str, part: &Part) -> Result<usize, Stop> {
    let lines = results(suites, 1, |one| one.part == part.lab && one.points > 0)?;
    for line in &lines {
        let report = line.report.as_deref().unwrap_or_default();
        let one_line = report.starts_with("not implemented: ") && report.lines().count() == 1;
        if line.verdict == RunVerdict::Pass || !one_line {
            let said = if line.verdict == RunVerdict::Pass { "it passes" } else { report };
            return Err(Stop::failed(format!(
                "with {tree} alone, {} must fail with one line `not implemented: …`, but this came of it:\n\n{said}",
                line.scenario
            )));
        }
    }
    Ok(lines.len())
}

/// How many scenarios and runs of these parts there are; each must pass.
fn passes(suites: &[Suite], solved: &[Part], seeds: u64) -> Result<(usize, usize), Stop> {
    let lines = results(suites, seeds, |one| solved.iter().any(|part| part.lab == one.part))?;
    if let Some(line) = lines.iter().find(|line| line.verdict != RunVerdict::Pass) {
        return Err(Stop::failed(format!(
            "with the solution up to {} and stubs beyond, {} with seed {} fails:\n\n{}",
            solved.last().map_or("nothing", |part| part.lab.as_str()),
            line.scenario,
            line.seed,
            line.report.as_deref().unwrap_or_default()
        )));
    }
    let scenarios: std::collections::BTreeSet<&str> =
        lines.iter().map(|line| line.scenario.as_str()).collect();
    Ok((scenarios.len(), lines.len()))
}

fn results(suites: &[Suite], seeds: u64, wanted: impl Fn(&Listed) -> bool) -> Result<Vec<RunLine>, Stop> {
    let mut lines = Vec::new();
    for suite in suites {
        let names: Vec<String> =
            suite.scenarios.iter().filter(|one| wanted(one)).map(|one| one.name.clone()).collect();
        if names.is_empty() {
            continue;
        }
        let request = Request {
            names,
            seeds: Seeds::UpTo(seeds),
            jobs: run::processors(),
            traces: Traces::Failing { hashes: false },
        };
        suite.binary.run(&request, |line| lines.push(line))?;
    }
    Ok(lines)
}
