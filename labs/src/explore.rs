//! `cargo labs explore`: every interleaving within bounds, of the code in this tree.
//!
//! Owns the progress line and the account of what was covered, in numbers. Never: calls an exploration that stopped
//! early a pass.

use crate::cli::{ExploreArguments, Format};
use crate::run;
use crate::stop::Stop;
use crate::targets::{Binary, Workspace};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use scenario::Reached;
use scenario::line::{ExploredLine, Line, PresetLine};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Presets that take minutes, and are only explored when they are named.
const LONG: [&str; 1] = ["figure8"];

/// An exploration that could not see everything: neither a pass nor a failure.
const UNFINISHED: u8 = 3;

/// Runs the command.
pub fn main(arguments: &ExploreArguments) -> Result<ExitCode, Stop> {
    let suites = run::suites(&Workspace::here()?)?;
    let mut explorers = Vec::new();
    for suite in &suites {
        let presets = suite.binary.presets()?;
        if !presets.is_empty() {
            explorers.push((&suite.binary, presets));
        }
    }
    let Some((binary, presets)) = explorers.first() else {
        return Err(Stop::usage("no crate of this workspace can be explored"));
    };
    if arguments.list {
        print!("{}", listed(presets));
        return Ok(ExitCode::SUCCESS);
    }
    let usual =
        || presets.iter().map(|preset| preset.name.clone()).filter(|name| !LONG.contains(&name.as_str()));
    let chosen = if arguments.bounds.is_empty() { usual().collect() } else { arguments.bounds.clone() };
    let mut worst = 0;
    for bounds in &chosen {
        let sentence =
            presets.iter().find(|preset| bounds.starts_with(&preset.name)).map(|preset| &preset.sentence);
        let explored = explore(binary, bounds, arguments)?;
        if arguments.format == Format::Human {
            print!("{}", human(&explored.0, sentence.map(String::as_str), explored.1));
        }
        worst = match (&explored.0.broken, &explored.0.unfinished) {
            (Some(_), _) => 1,
            (None, Some(_)) if worst == 0 => UNFINISHED,
            _ => worst,
        };
    }
    Ok(ExitCode::from(worst))
}

/// Explores within these bounds, with a line of progress on the terminal.
fn explore(
    binary: &Binary,
    bounds: &str,
    arguments: &ExploreArguments,
) -> Result<(ExploredLine, Duration), Stop> {
    // For people; judges nothing.
    let begun = Instant::now();
    let bar = ProgressBar::new_spinner().with_style(style());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.set_message(format!("{bounds}: begins"));
    let json = arguments.format == Format::Json;
    let explored = binary.explore(bounds, arguments.digest, arguments.out.as_deref(), |line| {
        if json {
            bar.suspend(|| println!("{}", line.to_json()));
        }
        if let Line::Reached(reached) = line {
            bar.set_message(progress(bounds, reached, begun.elapsed()));
        }
    });
    bar.finish_and_clear();
    Ok((explored?, begun.elapsed()))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn progress(bounds: &str, reached: &Reached, took: Duration) -> String {
    format!(
        "{bounds}: {} states, {} open, depth {}, {} states/s",
        HumanCount(reached.states),
        HumanCount(reached.open),
        reached.depth,
        HumanCount(rate(reached.states, took))
    )
}

fn rate(states: u64, took: Duration) -> u64 {
    (states as f64 / took.as_secs_f64().max(0.001)) as u64
}

/// What there is to explore.
fn listed(presets: &[PresetLine]) -> String {
    let mut out = String::new();
    for PresetLine { name, sentence, bounds } in presets {
        let long = if LONG.contains(&name.as_str()) {
            "; takes minutes, and only runs when it is named"
        } else {
            ""
        };
        out.push_str(&wrapped(name, &format!("{sentence}{long}")));
        out.push_str(&wrapped("", bounds));
    }
    out
}

/// The account of one exploration.
pub fn human(explored: &ExploredLine, sentence: Option<&str>, took: Duration) -> String {
    let reached = &explored.reached;
    let mut out = format!("{}: {}\n", explored.name, sentence.unwrap_or("bounds of your own"));
    out.push_str(&wrapped("  bounds", &explored.bounds));
    let size = format!(
        "{} states, {} actions between them, histories of up to {} actions; the code was called {} times",
        HumanCount(reached.states),
        HumanCount(reached.steps),
        reached.depth,
        HumanCount(reached.changes)
    );
    let verdict = match (&explored.broken, &explored.unfinished) {
        (Some(broken), _) => ("  broken", format!("{broken}.")),
        (None, Some(why)) => ("  unknown", format!("{why}.")),
        (None, None) => {
            ("  covered", "every state within the bounds; every property holds in each.".to_owned())
        }
    };
    out.push_str(&wrapped(verdict.0, &verdict.1));
    out.push_str(&wrapped("  seen", &size));
    let speed = HumanCount(rate(reached.states, took));
    out.push_str(&wrapped("  took", &format!("{:.1} s, {speed} states/s", took.as_secs_f64())));
    if let Some((count, hash)) = &reached.observed {
        out.push_str(&wrapped("  digest", &format!("{count} states as seen from outside, {hash}")));
    }
    if let Some(script) = &explored.script {
        out.push_str(&format!("  script      {script}\n"));
    }
    if let Some(report) = &explored.report {
        out.push_str(&format!("\n{}\n", report.trim_end()));
    }
    out.push('\n');
    out
}

fn wrapped(label: &str, text: &str) -> String {
    let first = format!("{label:<14}");
    let options = textwrap::Options::new(80).initial_indent(&first).subsequent_indent("              ");
    textwrap::fill(text, options.word_splitter(textwrap::WordSplitter::NoHyphenation)) + "\n"
}
