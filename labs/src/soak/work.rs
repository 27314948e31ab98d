//! The work of a soak: pieces of a few seconds, one scenario after the other, each kept before the next begins.
//!
//! Invariant: how large pieces are depends on the clock, what comes of them does not.
//!
//! Never: judges anything by time.

use super::state::{Piece, State};
use super::text;
use super::totals::{Failures, Spent, Totals};
use crate::stop::Stop;
use crate::targets::Binary;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use scenario::line::{Line, Listed, RunLine, RunVerdict};
use std::fmt::Write;
use std::io::{BufRead, BufReader, IsTerminal};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What a piece should take: so much work is lost by a kill.
const PIECE: Duration = Duration::from_secs(2);
/// How many seeds the first piece of a scenario has.
const FIRST: u64 = 16;
/// How much larger a piece may be than the one before.
const GROWTH: u64 = 4;
/// How often a log that is no terminal hears of the progress.
const WORD: Duration = Duration::from_secs(60);

/// One scenario, and how large its next piece is to be.
struct Task<'a> {
    binary: &'a Binary,
    scenario: &'a Listed,
    size: u64,
    /// How many pieces more are of one seed, because the program died in a larger one.
    careful: usize,
}

impl Task<'_> {
    /// A piece was finished in that time.
    fn finished(&mut self, took: Duration) {
        let fits = self.size as f64 * PIECE.as_secs_f64() / took.as_secs_f64().max(1e-3);
        self.size = (fits as u64).clamp(1, self.size.saturating_mul(GROWTH));
        if self.careful > 0 {
            self.careful -= 1;
            self.size = 1;
        }
    }
}

/// What came of a piece.
enum Outcome {
    Finished(Piece),
    /// The program died of something in this scenario, after it told so many results.
    Died {
        status: ExitStatus,
        seed: u64,
        seeds: u64,
        told: u64,
    },
}

/// What is run: programs with scenarios, and up to which seed.
pub(super) struct Work<'a> {
    /// Each scenario with its program.
    pub(super) scenarios: Vec<(&'a Binary, &'a Listed)>,
    /// The first seed.
    pub(super) from: u64,
    /// The seed after the last one.
    pub(super) to: u64,
    /// How many run at the same time.
    pub(super) jobs: usize,
    /// Whether a death of the program ends all; else it is kept, as one more run that did not pass.
    pub(super) stops_at_death: bool,
}

impl Work<'_> {
    /// How many runs there are in all.
    pub(super) fn runs(&self) -> u64 {
        let seeds = self.to - self.from;
        self.scenarios.iter().map(|(_, one)| if one.seeded { seeds } else { 1 }).sum()
    }

    /// How many of them are done.
    pub(super) fn done(&self, state: &State) -> u64 {
        self.scenarios.iter().map(|(_, one)| self.runs_of(one) - self.left(state, one)).sum()
    }

    fn runs_of(&self, scenario: &Listed) -> u64 {
        if scenario.seeded { self.to - self.from } else { 1 }
    }

    fn left(&self, state: &State, scenario: &Listed) -> u64 {
        match state.next(&scenario.name) {
            Some(_) if !scenario.seeded => 0,
            None => self.runs_of(scenario),
            Some(next) => self.to.saturating_sub(next),
        }
    }

    /// Runs what is left, piece by piece.
    ///
    /// # Errors
    ///
    /// A test program died, or a piece could not be kept.
    pub(super) fn run(&self, state: &mut State) -> Result<(), Stop> {
        let mut sign = Sign::new(self.runs(), self.done(state));
        let task = |&(binary, scenario)| Task { binary, scenario, size: FIRST, careful: 0 };
        let mut tasks: Vec<Task<'_>> = self.scenarios.iter().map(task).collect();
        loop {
            // The scenario that is least far comes next: what fails often shows early, and all in all evenly.
            tasks.retain(|task| self.left(state, task.scenario) > 0);
            let Some(task) = tasks.iter_mut().max_by_key(|task| {
                let left = self.left(state, task.scenario);
                (!task.scenario.seeded, left, std::cmp::Reverse(&task.scenario.name))
            }) else {
                break;
            };
            sign.bar.set_position(self.done(state));
            let began = Instant::now();
            match self.piece(task, state, &mut sign)? {
                Outcome::Finished(piece) => {
                    state.record(piece)?;
                    task.finished(began.elapsed());
                }
                Outcome::Died { status, seed, seeds: 1, .. } if self.stops_at_death => {
                    return Err(died(task.scenario, seed, status));
                }
                Outcome::Died { status, seed, seeds: 1, .. } => {
                    let piece = dead(task.scenario, seed, status);
                    sign.say(&format!("{}, seed {seed}: {}", piece.scenario, piece.failures[0].report));
                    state.record(piece)?;
                    task.finished(began.elapsed());
                }
                // Once more up to there, and then seed by seed, to know with which it dies.
                Outcome::Died { told, .. } => {
                    task.size = told.max(1);
                    task.careful = self.jobs.saturating_add(usize::from(told > 0));
                }
            }
        }
        sign.bar.finish_and_clear();
        Ok(())
    }

    /// Runs the next piece of a scenario.
    fn piece(&self, task: &Task<'_>, state: &State, sign: &mut Sign) -> Result<Outcome, Stop> {
        let Task { binary, scenario, size, .. } = task;
        let next = state.next(&scenario.name).unwrap_or(self.from);
        let (from, to) =
            if scenario.seeded { (next, self.to.min(next.saturating_add(*size))) } else { (0, 1) };
        let (began, cpu) = (Instant::now(), children_cpu());
        let mut command = binary.command("run");
        command.args(["--names", &scenario.name, "--seed-range", &format!("{from}..{to}"), "--no-hash"]);
        command.args(["--jobs", &self.jobs.to_string()]).env("RAFTLAB_TRACE_DIR", state.traces());
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|why| binary.not_started(&why))?;
        let (mut totals, mut failures, mut ended) = (Totals::default(), Vec::new(), None);
        sign.scenario(&scenario.name);
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).split(b'\n')) {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line);
            // What a student's code prints shares the stream, perhaps even the line, and here would be a flood.
            let ours = line.rfind("{\"type\":\"").map_or("", |at| &line[at..]);
            match serde_json::from_str(ours) {
                Ok(Line::Run(run)) => {
                    totals.count(&run);
                    sign.step();
                    if run.verdict != RunVerdict::Pass {
                        failed(&run, state, &mut failures, sign);
                    }
                }
                Ok(Line::End { runs }) => ended = Some(runs),
                Ok(_) | Err(_) => {}
            }
        }
        let status = child.wait().map_err(|why| binary.not_started(&why))?;
        if ended != Some(to - from) || totals.runs != to - from {
            return Ok(Outcome::Died { status, seed: from, seeds: to - from, told: totals.runs });
        }
        let cpu_ms = children_cpu().zip(cpu).map(|(after, before)| millis(after.saturating_sub(before)));
        let spent = Spent { wall_ms: millis(began.elapsed()), cpu_ms };
        let scenario = scenario.name.clone();
        Ok(Outcome::Finished(Piece { scenario, from, to, totals, spent, failures }))
    }
}

fn died(scenario: &Listed, seed: u64, status: ExitStatus) -> Stop {
    let name = &scenario.name;
    Stop::failed(format!(
        "the test program died ({status}) in {name} with seed {seed}: a stack overflow, an abort or an exit in the \
         code ends all runs at once. What was run before is kept. See it again with cargo labs replay {name} {seed}"
    ))
}

/// The piece of one run in which the program died: it is told as a run of which nothing is known.
fn dead(scenario: &Listed, seed: u64, status: ExitStatus) -> Piece {
    let name = scenario.name.clone();
    let sentence =
        format!("the test program died ({status}): a stack overflow, an abort or an exit in the code");
    let failures = Failures {
        scenario: name.clone(),
        cause: "the test program died".to_owned(),
        not_judged: true,
        smallest: None,
        seeds: vec![seed],
        report: sentence.clone(),
        sentence,
        trace: None,
    };
    let totals = Totals { runs: 1, failed: 1, ..Totals::default() };
    Piece {
        scenario: name,
        from: seed,
        to: seed + 1,
        totals,
        spent: Spent::default(),
        failures: vec![failures],
    }
}

/// Keeps a failure. Of a cause that is known already the trace goes: a replay makes it again, and thousands of
/// them would fill the disk.
fn failed(run: &RunLine, state: &State, failures: &mut Vec<Failures>, sign: &Sign) {
    let new = Failures::first(run);
    let known = failures.iter().any(|one| one.cause == new.cause) || state.knows(&new);
    if known {
        let trace = state.traces().join(format!("{}-{}.jsonl", run.scenario, run.seed));
        // A trace that stays only takes room.
        let _ = std::fs::remove_file(trace);
    } else {
        sign.say(&format!("{}, seed {}, fails: {}", run.scenario, run.seed, new.cause));
    }
    Failures::merge(failures, new);
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What the processors spent on the programs that ended, since this one began.
#[cfg(unix)]
fn children_cpu() -> Option<Duration> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let (user, system) = (usage.user_time(), usage.system_time());
    Some(time(user.tv_sec(), user.tv_usec())? + time(system.tv_sec(), system.tv_usec())?)
}

/// Each system has types of its own for these: macOS counts microseconds in 32 bits, Linux in 64.
#[cfg(unix)]
fn time(seconds: impl TryInto<u64>, micros: impl TryInto<u64>) -> Option<Duration> {
    Some(Duration::from_secs(seconds.try_into().ok()?) + Duration::from_micros(micros.try_into().ok()?))
}

/// No portable way is known elsewhere.
#[cfg(not(unix))]
fn children_cpu() -> Option<Duration> {
    None
}

/// What is shown while it runs: a bar on a terminal, a line now and then elsewhere.
struct Sign {
    bar: ProgressBar,
    pace: Pace,
    /// When there was last something to say, if this is no terminal.
    said: Option<Instant>,
}

/// How fast it goes, on the average: scenarios differ by a factor of a hundred.
#[derive(Clone, Copy)]
struct Pace {
    began: Instant,
    /// How many runs were done then.
    first: u64,
}

impl Pace {
    /// Runs a second, and the time that is left; once the first piece is done.
    fn words(self, done: u64, all: u64) -> String {
        let rate = done.saturating_sub(self.first) as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
        if rate < 0.1 {
            return "at the start".to_owned();
        }
        format!("{rate:.0} a second, {} left", text::duration(all.saturating_sub(done) as f64 / rate))
    }
}

impl Sign {
    fn new(runs: u64, done: u64) -> Sign {
        let pace = Pace { began: Instant::now(), first: done };
        let words = move |state: &ProgressState, out: &mut dyn Write| {
            // Nobody can be told that a bar cannot be drawn.
            let _ = write!(out, "{}", pace.words(state.pos(), state.len().unwrap_or(0)));
        };
        let template = "{bar:14} {human_pos} of {human_len} runs, {pace}  {wide_msg}";
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("pace", words);
        let bar = ProgressBar::new(runs).with_style(style).with_position(done);
        let said = (!std::io::stderr().is_terminal()).then(Instant::now);
        Sign { bar, pace, said }
    }

    fn scenario(&self, name: &str) {
        self.bar.set_message(name.to_owned());
    }

    fn step(&mut self) {
        self.bar.inc(1);
        if self.said.is_some_and(|said| said.elapsed() >= WORD) {
            self.said = Some(Instant::now());
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or(0));
            let words = self.pace.words(done, all);
            eprintln!("{} of {} runs, {words}", text::grouped(done), text::grouped(all));
        }
    }

    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}
