//! `cargo labs check-starter`: the proof that the starter is worth handing out.
//!
//! The stubs compile without a warning; every scored scenario fails with the one line
//! `not implemented: …`; with the solution put back, part by part, everything passes.

use crate::cli::CheckArguments;
use crate::run::{self, Suite};
use crate::starter::{self, Files};
use crate::stop::Stop;
use crate::student_files::StudentFiles;
use crate::targets::{Request, Seeds, Traces, Workspace};
use scenario::line::{Listed, RunLine, RunVerdict};
use std::path::Path;
use std::process::{ExitCode, Stdio};

/// Runs the command.
pub fn main(arguments: &CheckArguments) -> Result<ExitCode, Stop> {
    let original = Workspace::here()?;
    let list = StudentFiles::load(&original.root).map_err(Stop::usage)?;
    // Always the same places, so that dependencies are built once and only changed crates again.
    let base = original.root.join("target/starter");
    let tree = Workspace { root: base.join("tree"), target_directory: Some(base.join("target")) };

    put(&original, &tree, None)?;
    without_warnings(&tree)?;
    println!("The starter compiles without a warning.");
    let suites = run::suites(&tree)?;
    for part in &list.parts {
        match fails(&suites, &part.lab)? {
            0 => println!("{}: no scenario is worth points yet.", part.lab),
            count => println!("{}: {count} scenarios fail with the one line `not implemented: …`.", part.lab),
        }
    }
    for part in &list.parts {
        put(&original, &tree, Some(&part.lab))?;
        without_warnings(&tree)?;
        let (scenarios, runs) = passes(&run::suites(&tree)?, &part.lab, arguments.seeds.get())?;
        if scenarios > 0 {
            println!("{}: with its solution put back, {scenarios} scenarios pass ({runs} runs).", part.lab);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the tree the starter with the solution of all parts up to `solved`.
fn put(original: &Workspace, tree: &Workspace, solved: Option<&str>) -> Result<(), Stop> {
    let files = starter::generate(&original.root, solved).map_err(Stop::usage)?;
    remove_others(&tree.root, &tree.root, &files).map_err(|why| {
        Stop::failed(format!("{} cannot be tidied: {why}. Delete it and try again", tree.root.display()))
    })?;
    starter::write(&files, &tree.root).map_err(Stop::failed)
}

/// Deletes what an earlier check left and this starter lacks.
fn remove_others(root: &Path, directory: &Path, files: &Files) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let relative: Vec<_> =
            path.strip_prefix(root).unwrap_or(&path).iter().map(|part| part.to_string_lossy()).collect();
        if path.is_dir() {
            remove_others(root, &path, files)?;
        } else if !files.contains_key(&relative.join("/")) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Builds everything that students build; a warning is a failure.
fn without_warnings(tree: &Workspace) -> Result<(), Stop> {
    let mut command = tree.cargo();
    command.args(["build", "--workspace", "--tests", "--message-format=json-diagnostic-short"]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.map_err(|why| Stop::failed(format!("cargo could not be started: {why}")))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Vec<String> = text.lines().filter_map(diagnostic).collect();
    if output.status.success() && said.is_empty() {
        return Ok(());
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

/// How many scored scenarios of the part there are; each must fail with the one line.
fn fails(suites: &[Suite], lab: &str) -> Result<usize, Stop> {
    let mut failed = 0;
    for line in results(suites, 1, |one| one.part == lab && one.points > 0)? {
        let report = line.report.as_deref().unwrap_or_default();
        let one_line = report.starts_with("not implemented: ") && report.lines().count() == 1;
        if line.verdict == RunVerdict::Pass || !one_line {
            let said = if line.verdict == RunVerdict::Pass { "passes" } else { report };
            return Err(Stop::failed(format!(
                "in the starter, {} must fail with one line `not implemented: …`, but this came of it: {said}",
                line.scenario
            )));
        }
        failed += 1;
    }
    Ok(failed)
}

/// How many scenarios and runs of the part there are; each must pass.
fn passes(suites: &[Suite], lab: &str, seeds: u64) -> Result<(usize, usize), Stop> {
    let lines = results(suites, seeds, |one| one.part == lab)?;
    if let Some(line) = lines.iter().find(|line| line.verdict != RunVerdict::Pass) {
        return Err(Stop::failed(format!(
            "with the solution up to {lab} put back, {} with seed {} fails:\n\n{}",
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
        let request =
            Request { names, seeds: Seeds::UpTo(seeds), jobs: run::processors(), traces: Traces::Failing };
        suite.binary.run(&request, |line| lines.push(line))?;
    }
    Ok(lines)
}
