//! `cargo labs run`: scenarios over seeds, as a table with reports or as JSON lines.

use crate::cli::{Format, RunArguments};
use crate::stop::Stop;
use crate::table::{self, Row};
use crate::targets::{Binary, Request, Seeds, Traces, Workspace};
use crate::{suggest, targets};
use indicatif::{ProgressBar, ProgressStyle};
use scenario::line::{Line, Listed, RunLine};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How many seeds a scenario runs unless told otherwise.
const SEEDS: u64 = 10;

/// Runs the command.
pub fn main(arguments: &RunArguments) -> Result<ExitCode, Stop> {
    // What can be wrong with the command is said before minutes of building.
    let traces = match &arguments.trace_dir {
        Some(directory) => Traces::All(writable(directory)?),
        None => Traces::Failing { hashes: arguments.format == Format::Json },
    };
    let suites = suites(&Workspace::here()?)?;
    let chosen = choose(&suites, &arguments.labs)?;
    let request = Request {
        names: Vec::new(),
        seeds: match (arguments.seed, arguments.seeds) {
            (Some(seed), _) => Seeds::Only(seed),
            (None, count) => Seeds::UpTo(count.map_or(SEEDS, std::num::NonZeroU64::get)),
        },
        jobs: arguments.jobs.map_or_else(processors, std::num::NonZeroUsize::get),
        traces,
    };
    let json = arguments.format == Format::Json;
    let rows = run(&chosen, &request, |line| {
        if json {
            println!("{}", Line::Run(line.clone()).to_json());
        }
    })?;
    let passed = rows.iter().all(|row| row.failures().next().is_none());
    if json {
        let runs = rows.iter().map(|row| row.runs.len() as u64).sum();
        println!("{}", Line::End { runs }.to_json());
    } else {
        print!("{}", human(&rows));
        // Whoever looks at a single scenario knows what a report looks like.
        let whole = arguments.labs.iter().all(|lab| !lab.contains('_')) && arguments.seed.is_none();
        if passed && whole && !arguments.no_plant {
            plant(&chosen)?;
        }
    }
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A built binary with the scenarios in it.
#[derive(Debug)]
pub struct Suite {
    /// The binary.
    pub binary: Binary,
    /// Its scenarios, in its order.
    pub scenarios: Vec<Listed>,
}

/// Builds all binaries and lists them.
pub fn suites(workspace: &Workspace) -> Result<Vec<Suite>, Stop> {
    listed(workspace.build()?)
}

/// The one test program at `path`.
pub(crate) fn alone(path: &Path) -> Result<Vec<Suite>, Stop> {
    let path = std::path::absolute(path)
        .map_err(|why| Stop::usage(format!("{} is no usable path: {why}", path.display())))?;
    if !path.is_file() {
        let place = path.display();
        return Err(Stop::usage(format!("there is no test program {place}: --binary takes a built one")));
    }
    let directory = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    listed(vec![Binary::at(path.clone(), directory)])
        .map_err(|why| Stop::usage(format!("{} is no test program with scenarios: {why}", path.display())))
}

/// These binaries, each with its list.
pub fn listed(binaries: Vec<Binary>) -> Result<Vec<Suite>, Stop> {
    let with_list = |binary: Binary| Ok(Suite { scenarios: binary.list()?, binary });
    binaries.into_iter().map(with_list).collect()
}

/// What is to be run of one suite.
pub(crate) struct Chosen<'a> {
    pub(crate) suite: &'a Suite,
    pub(crate) scenarios: Vec<Listed>,
}

/// The scenarios whose names begin with one of `labs`; all if there are none. Suites left empty are dropped.
pub(crate) fn choose<'a>(suites: &'a [Suite], labs: &[String]) -> Result<Vec<Chosen<'a>>, Stop> {
    let names: Vec<String> =
        suites.iter().flat_map(|suite| &suite.scenarios).map(|one| one.name.clone()).collect();
    for lab in labs {
        if !names.iter().any(|name| name.starts_with(lab.as_str())) {
            return Err(Stop::usage(suggest::unknown(lab, &names)));
        }
    }
    let wanted = |one: &&Listed| labs.is_empty() || labs.iter().any(|lab| one.name.starts_with(lab.as_str()));
    let chosen = suites.iter().map(|suite| {
        let scenarios = suite.scenarios.iter().filter(wanted).cloned().collect();
        Chosen { suite, scenarios }
    });
    Ok(chosen.filter(|chosen| !chosen.scenarios.is_empty()).collect())
}

/// Runs the chosen scenarios, with a bar on the terminal, and collects the results.
fn run(chosen: &[Chosen<'_>], request: &Request, mut seen: impl FnMut(&RunLine)) -> Result<Vec<Row>, Stop> {
    let seeds = |one: &Listed| match request.seeds {
        targets::Seeds::UpTo(count) | targets::Seeds::UntilFailure(count) if one.seeded => count,
        _ => 1,
    };
    let total = chosen.iter().flat_map(|chosen| &chosen.scenarios).map(seeds).sum();
    let bar = ProgressBar::new(total).with_style(style());
    let mut rows = Vec::new();
    for Chosen { suite, scenarios } in chosen {
        let names = scenarios.iter().map(|one| one.name.clone()).collect();
        let first = rows.len();
        rows.extend(scenarios.iter().map(|one| Row { scenario: one.clone(), runs: Vec::new() }));
        suite.binary.run(&Request { names, ..request.clone() }, |line| {
            bar.inc(1);
            bar.set_message(line.scenario.clone());
            bar.suspend(|| seen(&line));
            if let Some(row) = rows[first..].iter_mut().find(|row| row.scenario.name == line.scenario) {
                row.runs.push(line);
            }
        })?;
    }
    bar.finish_and_clear();
    Ok(rows)
}

fn style() -> ProgressStyle {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} runs  {msg}");
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The table, then for each failing scenario the report of its first failing seed, then the totals.
pub fn human(rows: &[Row]) -> String {
    let mut out = table::render(rows);
    let mut stubs: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        let mut failures = row.failures();
        let Some(first) = failures.next() else { continue };
        let report =
            first.report.as_deref().unwrap_or("it failed, and its report is missing: a fault of the kit");
        let report = report.trim_end();
        if !report.contains('\n') {
            // One function that is not written yet stops many scenarios: it is named once.
            let name = row.scenario.name.as_str();
            match stubs.iter_mut().find(|(same, _)| *same == report) {
                Some((_, names)) => names.push(name),
                None => stubs.push((report, vec![name])),
            }
            continue;
        }
        out.push_str(&format!("\n{report}\n"));
        let others: Vec<u64> = failures.map(|run| run.seed).collect();
        if !others.is_empty() {
            let seeds = if others.len() == 1 { "seed" } else { "seeds" };
            let text = format!("also failed with {seeds} {}", table::ranges(&others));
            let options = textwrap::Options::new(80).initial_indent("  ").subsequent_indent("    ");
            out.push_str(&format!("{}\n", textwrap::fill(&text, options)));
        }
    }
    for (report, names) in stubs {
        let options = textwrap::Options::new(80).initial_indent("  stops ").subsequent_indent("        ");
        out.push_str(&format!("\n{report}\n{}\n", textwrap::fill(&names.join(", "), options)));
    }
    out.push_str(&format!("\n{}\n", table::totals(rows)));
    out
}

/// Shows that the judge finds what is wrong, on a violation that was planted.
fn plant(chosen: &[Chosen<'_>]) -> Result<(), Stop> {
    let Some(chosen) = chosen.first() else { return Ok(()) };
    let names: Vec<String> = chosen.scenarios.iter().map(|one| one.name.clone()).collect();
    let planted = chosen.suite.binary.plant(&names)?;
    let intro = format!(
        "Would a mistake have been found? Here is one planted on purpose. In a throwaway copy of the trace of {} \
         (seed {}), {}. Rule {} must notice, and does. This is what a failure looks like:",
        planted.scenario, planted.seed, planted.planted, planted.rule
    );
    println!("\n{}\n\n{}", textwrap::fill(&intro, 80), textwrap::indent(planted.report.trim_end(), "  | "));
    Ok(())
}

/// How many runs go on at the same time unless told otherwise.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// The directory as an absolute path, made if it is missing, after a try to write there.
fn writable(directory: &Path) -> Result<PathBuf, Stop> {
    let tried = std::fs::create_dir_all(directory).and_then(|()| tempfile::tempfile_in(directory));
    tried.and_then(|_| std::path::absolute(directory)).map_err(|why| {
        Stop::usage(format!(
            "traces cannot be written to {}: {why}. Choose another --trace-dir",
            directory.display()
        ))
    })
}
