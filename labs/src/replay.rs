//! `cargo labs replay`: one scenario with one seed, once; or a shrunk run from its file.

use crate::cli::ReplayArguments;
use crate::run::Suite;
use crate::shrink::{self, Schedule};
use crate::stop::Stop;
use crate::targets::{Request, Seeds, Traces, Workspace};
use crate::{run, table};
use scenario::line::{CauseKind, Listed, RunLine, RunVerdict};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
pub fn main(arguments: &ReplayArguments) -> Result<ExitCode, Stop> {
    let trace = arguments.trace.as_deref().map(writable).transpose()?;
    let file = Path::new(&arguments.test);
    let is_file = arguments.test.ends_with(".toml") || file.is_file();
    match (is_file, arguments.seed) {
        (true, None) => schedule(arguments, file, trace.as_deref()),
        (true, Some(seed)) => Err(Stop::usage(format!(
            "{} is a shrunk run's file, which has its own seed: leave out the {seed}",
            arguments.test
        ))),
        (false, Some(seed)) => seeded(arguments, seed, trace),
        (false, None) => Err(Stop::usage(format!(
            "a replay takes a test and a seed, such as `cargo labs replay {} 7`, or the file of a shrunk run",
            arguments.test
        ))),
    }
}

/// Runs a scenario with a seed.
fn seeded(arguments: &ReplayArguments, seed: u64, trace: Option<PathBuf>) -> Result<ExitCode, Stop> {
    let traces = trace.map_or(Traces::Failing { hashes: true }, Traces::File);
    let (suites, _) = suites(arguments)?;
    let suite = shrink::named(&suites, &arguments.test)?;
    let listed = listed(suite, &arguments.test);
    let request = Request { names: vec![arguments.test.clone()], seeds: Seeds::Only(seed), jobs: 1, traces };
    let mut results = Vec::new();
    suite.binary.run(&request, |line| results.push(line))?;
    let result =
        results.pop().ok_or_else(|| Stop::failed("the test program ran nothing: a fault of the kit"))?;
    Ok(told(listed, &result))
}

/// Plays a shrunk run.
fn schedule(arguments: &ReplayArguments, file: &Path, trace: Option<&Path>) -> Result<ExitCode, Stop> {
    let schedule = Schedule::read(file)?;
    let (suites, kit) = suites(arguments)?;
    let place = file.display();
    let Schedule { test, seed, cause, plan, .. } = &schedule;
    let suite =
        shrink::named(&suites, test).map_err(|stop| Stop { sentence: format!("{place}: {stop}"), ..stop })?;
    if let (Some(then), Some(now)) = (&schedule.kit, &kit)
        && then != now
    {
        return Err(Stop::usage(format!(
            "{place} is of another version of the kit, in which its numbers mean other faults: shrink the run again with \
             `cargo labs shrink {test} {seed}`"
        )));
    }
    let again = format!("cargo labs replay {place}");
    let result = suite.binary.planned((test, *seed), plan, &again, trace)?;
    let happened = schedule.failure.trim_end_matches('.');
    if result.key.as_ref() != Some(cause) && cannot_end(&result) {
        say(&format!(
            "The failure is no longer there: {happened}. More is not known: without what the file leaves out, the test \
             cannot come to its end. See whether the whole run passes: cargo labs replay {test} {seed}"
        ));
        return Ok(ExitCode::from(1));
    }
    let code = told(listed(suite, test), &result);
    match (&result.key, result.verdict) {
        (_, RunVerdict::Pass) => say(&format!(
            "The failure is no longer there: {happened}. See that the whole run passes too: cargo labs replay {test} \
             {seed}"
        )),
        (Some(key), _) if key == cause => {}
        _ => say(&format!("This is another failure than the one that was shrunk, which was: {happened}.")),
    }
    Ok(code)
}

/// Whether the run failed by what the test itself waits for, or wants to have seen: with a client that rests, or a fault
/// that is not made, no code can give it that.
fn cannot_end(result: &RunLine) -> bool {
    let of_the_test = [
        CauseKind::Expectation,
        CauseKind::TimeUp,
        CauseKind::Deadlock,
        CauseKind::Missed,
        CauseKind::Undecided,
    ];
    result.cause.as_ref().is_some_and(|cause| of_the_test.contains(&cause.kind))
}

fn say(sentence: &str) {
    println!("\n{}", textwrap::fill(sentence, 80));
}

/// The test programs as they are asked for, and the kit's fingerprint.
fn suites(arguments: &ReplayArguments) -> Result<(Vec<Suite>, Option<String>), Stop> {
    if arguments.release {
        let workspace = Workspace::here()?;
        return Ok((run::listed(workspace.build_released()?)?, shrink::kit(&workspace)));
    }
    shrink::suites(arguments.binary.as_deref())
}

fn listed<'a>(suite: &'a Suite, name: &str) -> Option<&'a Listed> {
    suite.scenarios.iter().find(|one| one.name == name)
}

/// Prints what came of a run; its exit code.
fn told(listed: Option<&Listed>, result: &RunLine) -> ExitCode {
    match (result.verdict, &result.report) {
        (RunVerdict::Pass, _) => {
            print!("{}", passed(listed, result));
            ExitCode::SUCCESS
        }
        (_, report) => {
            println!("{}", report.as_deref().unwrap_or_default().trim_end());
            ExitCode::from(1)
        }
    }
}

/// What is said about a run that passed.
fn passed(listed: Option<&Listed>, result: &RunLine) -> String {
    let seeded = listed.is_none_or(|listed| listed.seeded);
    let script = if seeded { "" } else { "; it is a script, and runs the same with every seed" };
    let mut out = format!("{}, seed {}, passed{script}\n\n", result.scenario, result.seed);
    if let Some(listed) = listed {
        let sentence = format!("{} ({}).", listed.sentence.trim_end_matches('.'), listed.source);
        let options =
            textwrap::Options::new(80).initial_indent("  tried       ").subsequent_indent("              ");
        out.push_str(&format!("{}\n", textwrap::fill(&sentence, options)));
    }
    let seconds = result.virtual_ns as f64 / 1e9;
    out.push_str(&format!("  ran         {seconds:.3} s of virtual time, {} RPCs, ", result.rpcs));
    out.push_str(&format!("{} bytes, {} events\n", result.bytes, result.events));
    out.push_str(&format!("  rules       {}\n", table::compress(result.rules.keys().map(String::as_str))));
    if let Some(path) = &result.trace {
        out.push_str(&format!("  trace       {path}\n              cargo tracecheck log {path}\n"));
    }
    out
}

/// The file as an absolute path, after a try to write beside it.
pub(crate) fn writable(path: &Path) -> Result<PathBuf, Stop> {
    let absolute = std::path::absolute(path);
    let sentence = |why: std::io::Error| {
        Stop::usage(format!(
            "the trace cannot be written to {}: {why}. Choose another --trace",
            path.display()
        ))
    };
    let absolute = absolute.map_err(sentence)?;
    if absolute.is_dir() {
        let sentence = "--trace takes a file, and {} is a directory: add a file's name, such as run.jsonl";
        return Err(Stop::usage(sentence.replace("{}", &path.display().to_string())));
    }
    let parent = absolute.parent().unwrap_or(Path::new("/"));
    tempfile::tempfile_in(parent).map_err(sentence)?;
    Ok(absolute)
}
