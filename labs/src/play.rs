//! `cargo labs play`: a script of one's own, or an exploration's counterexample, on the code in this tree.

use crate::cli::PlayArguments;
use crate::run;
use crate::stop::Stop;
use crate::targets::Workspace;
use scenario::line::{RunLine, RunVerdict};
use std::process::ExitCode;

/// Runs the command.
pub fn main(arguments: &PlayArguments) -> Result<ExitCode, Stop> {
    let cannot = |what: &str, path: &std::path::Path, why: std::io::Error| {
        Stop::usage(format!("{what} {} cannot be opened: {why}", path.display()))
    };
    let script =
        std::path::absolute(&arguments.script).map_err(|why| cannot("the script", &arguments.script, why))?;
    std::fs::File::open(&script).map_err(|why| cannot("the script", &arguments.script, why))?;
    let trace = match &arguments.trace {
        Some(path) => Some(crate::replay::writable(path)?),
        None => None,
    };
    let suites = run::suites(&Workspace::here()?)?;
    let mut player = None;
    for suite in &suites {
        if !suite.binary.presets()?.is_empty() {
            player = Some(&suite.binary);
        }
    }
    let binary = player.ok_or_else(|| Stop::usage("no crate of this workspace plays scripts"))?;
    let played = binary.play(&script, trace.as_deref())?;
    match (played.verdict, &played.report) {
        (RunVerdict::Pass, _) => {
            print!("{}", passed(&played));
            Ok(ExitCode::SUCCESS)
        }
        (_, report) => {
            println!("{}", report.as_deref().unwrap_or_default().trim_end());
            Ok(ExitCode::from(1))
        }
    }
}

fn passed(played: &RunLine) -> String {
    let rules = crate::table::compress(played.rules.keys().map(String::as_str));
    let mut out =
        format!("{}, played to its end: {} events, no rule broken\n", played.scenario, played.events);
    out.push_str(&format!("  rules       {rules}\n"));
    if let Some(path) = &played.trace {
        out.push_str(&format!("  trace       {path}\n              cargo tracecheck log {path}\n"));
    }
    out
}
