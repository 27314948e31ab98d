//! The machine mode (`--raftlab`): what `cargo labs` and the grader drive. One JSON object a line.
//!
//! Invariants: lines come in the order of scenario and seed, whatever the number of threads, and without
//! `--timings` their content depends on nothing but scenario and seed. A panic of the kit is a result.

use crate::line::{Line, Listed, RunLine, RunVerdict};
use crate::outcome::{self, Outcome, Traces};
use crate::shrink::shrink;
use crate::trials::Seeds;
use crate::{Scenario, Tools, guarantee, planned, plant, run, tools};
use labrpc_sim::Plan;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;
use tracecheck::{RuleInfo, Verdict};

/// How many runs shrinking may take unless told otherwise.
const BUDGET: u64 = 600;
/// After so many runs it says how far it is.
const TOLD: u64 = 5;

/// What `run` was asked for.
#[derive(Debug)]
struct Options {
    names: Vec<String>,
    seeds: Seeds,
    jobs: usize,
    traces: Traces,
    timings: bool,
    /// Whether a scenario's seeds after its first failing one are left out.
    until_failure: bool,
    /// Whether lines tell the traces' hashes, which take a good third of a run's time.
    hashes: bool,
    /// What is left out of every run, and the command that shows such a run again.
    plan: Plan,
    again: Option<String>,
    /// How many runs shrinking may take.
    budget: u64,
}

/// Serves one command.
pub(crate) fn main(scenarios: &[Scenario], tools: Option<&Tools>, arguments: &[String]) -> ExitCode {
    let served = match arguments.split_first() {
        Some((command, [])) if command == "list" => list(scenarios),
        Some((command, rest)) if command == "plant" => options(scenarios, rest)
            .and_then(|(chosen, _)| print_line(&Line::Planted(plant::planted(&chosen)?))),
        Some((command, rest)) if command == "run" => {
            options(scenarios, rest).and_then(|(chosen, options)| {
                run_all(&chosen, &options).map_err(|why| format!("the results could not be written: {why}"))
            })
        }
        Some((command, rest)) if command == "shrink" => {
            options(scenarios, rest).and_then(|(chosen, options)| shrink_one(&chosen, &options))
        }
        Some((command, rest)) if command == "play" => tools::told(tools::play(tools, rest)),
        Some((command, [])) if command == "guarantee" => {
            print_line(&Line::Guarantee(guarantee::line().clone()))
        }
        Some((command, [])) if command == "bounds" => tools::bounds(tools),
        Some((command, rest)) if command == "explore" => tools::told(tools::explore(tools, rest)),
        _ => {
            Err("after --raftlab comes list, guarantee, plant, run, shrink, play, bounds or explore"
                .to_owned())
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("error: {sentence}");
            ExitCode::from(2)
        }
    }
}

fn list(scenarios: &[Scenario]) -> Result<(), String> {
    for scenario in scenarios {
        print_line(&Listed::from(scenario))?;
    }
    Ok(())
}

fn print_line(line: &impl Serialize) -> Result<(), String> {
    let text = serde_json::to_string(line).map_err(|why| why.to_string())?;
    put(&text).map_err(|why| format!("the results could not be written: {why}"))
}

/// Reads the options of `run` and finds the scenarios.
fn options(scenarios: &[Scenario], arguments: &[String]) -> Result<(Vec<Scenario>, Options), String> {
    let traces = Traces::Failing(run::trace_directory());
    let mut options = Options {
        names: Vec::new(),
        seeds: Seeds::UpTo(10),
        jobs: 1,
        traces,
        timings: false,
        until_failure: false,
        hashes: true,
        plan: Plan::default(),
        again: None,
        budget: BUDGET,
    };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        if flag(option, &mut options) {
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("{option} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{option} `{value}` is no whole number"));
        let positive =
            || number().and_then(|n| if n == 0 { Err(format!("{option} must be 1 or more")) } else { Ok(n) });
        match option.as_str() {
            "--names" => options.names.extend(value.split(',').map(str::to_owned)),
            "--seeds" => options.seeds = Seeds::UpTo(positive()?),
            "--seed" => options.seeds = Seeds::Only(number()?),
            "--seed-range" => options.seeds = range(value)?,
            "--jobs" => options.jobs = usize::try_from(positive()?).unwrap_or(usize::MAX),
            "--trace-dir" => options.traces = Traces::All(PathBuf::from(value)),
            "--plan" => options.plan = plan(value)?,
            "--again" => options.again = Some(value.clone()),
            "--budget" => options.budget = positive()?,
            "--trace-file" => options.traces = Traces::File(PathBuf::from(value)),
            _ => return Err(format!("run has no option {option}")),
        }
    }
    let mut chosen = Vec::new();
    for name in &options.names {
        let found = scenarios.iter().find(|scenario| scenario.name == name);
        chosen.push(*found.ok_or_else(|| format!("no scenario is called {name}"))?);
    }
    if options.names.is_empty() {
        chosen = scenarios.to_vec();
    }
    let one_run = matches!((&chosen[..], options.seeds), ([_], Seeds::Only(_) | Seeds::UpTo(1)));
    if matches!(options.traces, Traces::File(_)) && !one_run {
        return Err("--trace-file takes the trace of one run: give one name and one seed".to_owned());
    }
    Ok((chosen, options))
}

/// Takes an option that has no value; false if this is none.
fn flag(option: &str, options: &mut Options) -> bool {
    match option {
        "--timings" => options.timings = true,
        "--until-failure" => options.until_failure = true,
        "--no-hash" => options.hashes = false,
        "--no-traces" => options.traces = Traces::Never,
        _ => return false,
    }
    true
}

/// Shrinks the one run that is named.
fn shrink_one(scenarios: &[Scenario], options: &Options) -> Result<(), String> {
    let ([scenario], Seeds::Only(seed)) = (scenarios, options.seeds) else {
        return Err("shrink takes one run: give one name with --names and one seed with --seed".to_owned());
    };
    let mut told = |runs: u64, left| {
        if runs.is_multiple_of(TOLD) {
            // If nobody listens any more, the last line cannot be written either, and that is told.
            let _ = put(&Line::Shrinking { runs, left }.to_json());
        }
    };
    match shrink(scenario, seed, options.budget, &mut told) {
        Ok(shrunk) => print_line(&Line::Shrunk(shrunk)),
        Err(sentence) => print_line(&Line::Refused { sentence }),
    }
}

fn plan(text: &str) -> Result<Plan, String> {
    serde_json::from_str(text).map_err(|why| format!("--plan takes a plan as JSON, and this is none: {why}"))
}

/// Seeds written as `20..30`, without the last number.
fn range(text: &str) -> Result<Seeds, String> {
    let parsed = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    let (from, to) = parsed
        .filter(|(from, to)| from < to)
        .ok_or_else(|| format!("--seed-range `{text}` is no range of seeds, such as 20..30"))?;
    Ok(Seeds::Range(from, to))
}

/// Runs every scenario with every seed, on `jobs` threads, and prints each result once all before it are.
fn run_all(scenarios: &[Scenario], options: &Options) -> io::Result<()> {
    let seeds = |(number, scenario)| options.seeds.of(scenario).map(move |seed| (number, seed));
    let tasks: Vec<(usize, u64)> = scenarios.iter().enumerate().flat_map(seeds).collect();
    // The first failing seed of each scenario, as far as it is known.
    let failed: Vec<AtomicU64> = scenarios.iter().map(|_| AtomicU64::new(u64::MAX)).collect();
    let left_out = |(scenario, seed): (usize, u64)| {
        options.until_failure && seed > failed[scenario].load(Ordering::Relaxed)
    };
    let work = |task @ (scenario, seed): (usize, u64)| {
        let one = || run_line(&scenarios[scenario], seed, options);
        let line =
            (!left_out(task)).then(|| planned::within(&options.plan, options.again.as_deref(), one))?;
        if line.verdict != RunVerdict::Pass {
            failed[scenario].fetch_min(seed, Ordering::Relaxed);
        }
        Some(line)
    };
    let mut runs = 0;
    let print = |task, line: Option<RunLine>| {
        // Everything before is known here, so what is left out does not depend on who was faster.
        let Some(line) = line.filter(|_| !left_out(task)) else { return Ok(()) };
        runs += 1;
        put(&Line::Run(line).to_json())
    };
    if options.jobs == 1 {
        in_turn(&tasks, work, print)
    } else {
        at_once(&tasks, options.jobs, work, print)
    }?;
    put(&Line::End { runs }.to_json())
}

/// Prints each result before the next run begins: if the program dies, it is known in which.
fn in_turn<T: Copy, R>(
    tasks: &[T],
    work: impl Fn(T) -> R,
    mut print: impl FnMut(T, R) -> io::Result<()>,
) -> io::Result<()> {
    tasks.iter().try_for_each(|task| print(*task, work(*task)))
}

/// Does the tasks on so many threads, and prints the results in the order of the tasks.
fn at_once<T: Copy + Sync, R: Send>(
    tasks: &[T],
    jobs: usize,
    work: impl Fn(T) -> R + Sync,
    mut print: impl FnMut(T, R) -> io::Result<()>,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(tasks.len()) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((number, task)) = take(next, tasks) {
                    // Nobody listens any more only when standard output is gone: then there is no use in going on.
                    if sender.send((number, work(task))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut printed) = (BTreeMap::new(), 0);
        for (number, result) in receiver {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&printed) {
                print(tasks[printed], result)?;
                printed += 1;
            }
        }
        Ok(())
    })
}

/// Prints one line. Standard output is never kept locked: a student's println! would wait for it for ever.
pub(crate) fn put(line: &str) -> io::Result<()> {
    io::stdout().write_all(format!("{line}\n").as_bytes())?;
    io::stdout().flush()
}

fn take<T: Copy>(next: &AtomicUsize, tasks: &[T]) -> Option<(usize, T)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    tasks.get(number).map(|task| (number, *task))
}

fn run_line(scenario: &Scenario, seed: u64, options: &Options) -> RunLine {
    // For people who look for a slow scenario; judges nothing.
    let started = Instant::now();
    let outcome = outcome::of(scenario, seed, options.seeds.look_at(scenario, seed), &options.traces);
    let elapsed = started.elapsed().as_micros();
    let wall_us = options.timings.then(|| u64::try_from(elapsed).unwrap_or(u64::MAX));
    RunLine { wall_us, ..line(scenario, seed, outcome, options.hashes) }
}

/// An outcome as a line, with the trace's hash or without.
pub(crate) fn line(scenario: &Scenario, seed: u64, outcome: Outcome, hash: bool) -> RunLine {
    let Outcome { verdict, run, cause, key, report, trace } = outcome;
    let count = |(rule, verdict): (&'static RuleInfo, &Verdict)| match verdict {
        Verdict::Pass(obligations) if *obligations > 0 => Some((rule.id.to_owned(), *obligations)),
        _ => None,
    };
    RunLine {
        scenario: scenario.name.to_owned(),
        seed,
        verdict,
        virtual_ns: run.as_ref().map_or(0, |run| run.virtual_ns),
        rpcs: run.as_ref().map_or(0, |run| run.rpcs),
        bytes: run.as_ref().map_or(0, |run| run.bytes),
        events: run.as_ref().map_or(0, |run| run.records.len() as u64),
        rules: run.iter().flat_map(|run| run.verdicts.iter().filter_map(count)).collect(),
        hash: run.as_ref().filter(|_| hash).map(|run| format!("{:032x}", run::trace_hash(run))),
        cause,
        key,
        report: (!report.is_empty()).then_some(report),
        trace: trace.map(|path| run::display_path(&path)),
        wall_us: None,
    }
}
