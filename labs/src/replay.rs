//! `cargo labs replay`: one scenario with one seed, once.

use crate::cli::ReplayArguments;
use crate::stop::Stop;
use crate::targets::{Request, Seeds, Traces, Workspace};
use crate::{run, suggest, table};
use scenario::line::{Listed, RunLine, RunVerdict};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Runs the command.
pub fn main(arguments: &ReplayArguments) -> Result<ExitCode, Stop> {
    let traces = match &arguments.trace {
        Some(path) => Traces::File(writable(path)?),
        None => Traces::Failing { hashes: true },
    };
    let suites = run::suites(&Workspace::here()?)?;
    let found = suites.iter().find_map(|suite| {
        let listed = suite.scenarios.iter().find(|one| one.name == arguments.test);
        listed.map(|listed| (suite, listed))
    });
    let Some((suite, listed)) = found else {
        let names: Vec<String> =
            suites.iter().flat_map(|suite| &suite.scenarios).map(|one| one.name.clone()).collect();
        return Err(Stop::usage(suggest::unknown_whole(&arguments.test, &names)));
    };
    let request =
        Request { names: vec![listed.name.clone()], seeds: Seeds::Only(arguments.seed), jobs: 1, traces };
    let mut results = Vec::new();
    suite.binary.run(&request, |line| results.push(line))?;
    let result =
        results.pop().ok_or_else(|| Stop::failed("the test program ran nothing: a fault of the kit"))?;
    match (result.verdict, &result.report) {
        (RunVerdict::Pass, _) => {
            print!("{}", passed(listed, &result));
            Ok(ExitCode::SUCCESS)
        }
        (_, report) => {
            println!("{}", report.as_deref().unwrap_or_default().trim_end());
            Ok(ExitCode::from(1))
        }
    }
}

/// What is said about a run that passed.
fn passed(listed: &Listed, result: &RunLine) -> String {
    let script = if listed.seeded { "" } else { "; it is a script, and runs the same with every seed" };
    let mut out = format!("{}, seed {}, passed{script}\n\n", result.scenario, result.seed);
    let sentence = format!("{} ({}).", listed.sentence.trim_end_matches('.'), listed.source);
    let options =
        textwrap::Options::new(80).initial_indent("  tried       ").subsequent_indent("              ");
    out.push_str(&textwrap::fill(&sentence, options));
    let seconds = result.virtual_ns as f64 / 1e9;
    out.push_str(&format!("\n  ran         {seconds:.3} s of virtual time, {} RPCs, ", result.rpcs));
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
