//! What a test target can do for `cargo labs` beside its scenarios: play a script, explore within bounds.
//!
//! Owns the types between a target and the command line, and serves the commands `play`, `bounds` and `explore` of
//! the machine mode. Never: knows what a script says, or what is explored.

use crate::line::{ExploredLine, Line, PresetLine, RunLine};
use crate::outcome::{self, Traces};
use crate::{Run, Scenario, machine, run};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a test target offers.
#[derive(Clone, Copy, Debug)]
pub struct Tools {
    /// Plays a script, given as text; an error is a sentence about the text.
    pub play: fn(text: &str) -> Result<Run, String>,
    /// The bounds that have a name.
    pub presets: fn() -> Vec<Preset>,
    /// Explores within bounds, given as text; an error is a sentence about the text. With `digest`, also sums up what
    /// can be observed.
    pub explore: Explore,
}

/// Explores: bounds, whether to sum up what can be observed, and whom to tell how far it has come.
pub type Explore =
    fn(bounds: &str, digest: bool, progress: &mut dyn FnMut(&Reached)) -> Result<Exploration, String>;

/// Bounds that have a name.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The name.
    pub name: String,
    /// What they are for.
    pub sentence: String,
    /// The bounds as text.
    pub numbers: String,
}

/// How far an exploration has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Distinct states.
    pub states: u64,
    /// Actions that led from a state to another, or back to one.
    pub steps: u64,
    /// The actions of the longest history so far; every shorter one is covered.
    pub depth: u32,
    /// States not yet looked beyond.
    pub open: u64,
    /// Distinct states of a single server.
    pub servers: u64,
    /// Distinct messages.
    pub messages: u64,
    /// Distinct events of a single server in a single state: how often the code under test was really called.
    pub changes: u64,
    /// How many states differ as seen from outside, and the sum of their hashes; only with `digest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<(u64, String)>,
}

/// A finished exploration.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// The bounds' name; `own` without one.
    pub name: String,
    /// The bounds as text.
    pub bounds: String,
    /// Every bound: its key, its number, what it counts.
    pub numbers: Vec<(String, u64, String)>,
    /// How far it came.
    pub reached: Reached,
    /// What it found.
    pub found: Found,
}

/// What an exploration found.
#[derive(Clone, Debug)]
pub enum Found {
    /// Every state within the bounds was seen, and nothing is broken in any.
    Nothing,
    /// It could not see all states: what is broken in the others is not known. The sentence says why.
    Unfinished(String),
    /// A property is broken.
    Broken {
        /// Its name.
        property: String,
        /// Where it comes from.
        source: String,
        /// What happened, as a sentence without its full stop.
        sentence: String,
        /// A shortest history, as a script.
        script: String,
        /// What the script comes to when it is played.
        run: Box<Run>,
    },
}

/// A refusal as a line of the protocol: whoever asked tells it to people.
pub(crate) fn told(served: Result<(), String>) -> Result<(), String> {
    served.or_else(|sentence| print(&Line::Refused { sentence }))
}

/// Serves `play --script FILE [--trace-file FILE]`.
pub(crate) fn play(tools: Option<&Tools>, arguments: &[String]) -> Result<(), String> {
    let play = tools.ok_or("this test target plays no scripts")?.play;
    let (mut file, mut trace) = (None, None);
    pairs(arguments, |option, value| match option {
        "--script" => set(&mut file, value),
        "--trace-file" => set(&mut trace, value),
        _ => false,
    })?;
    let file = PathBuf::from(file.ok_or("play needs --script FILE")?);
    let text =
        std::fs::read_to_string(&file).map_err(|why| format!("{} cannot be read: {why}", file.display()))?;
    let traces = match trace {
        Some(trace) => Traces::File(PathBuf::from(trace)),
        None => Traces::Failing(run::trace_directory()),
    };
    let played = run::apart("a script", move || play(&text)).map_err(|said| {
        format!("the test kit itself panicked: {said}. This is a fault of the kit; please report it")
    })?;
    let played = played.map_err(|why| format!("{}: {why}", file.display()))?;
    print(&Line::Run(judged(&file, played, &traces)))
}

/// Serves `bounds`.
pub(crate) fn bounds(tools: Option<&Tools>) -> Result<(), String> {
    for Preset { name, sentence, numbers } in tools.map(|tools| (tools.presets)()).unwrap_or_default() {
        print(&Line::Preset(PresetLine { name, sentence, bounds: numbers }))?;
    }
    Ok(())
}

/// Serves `explore --bounds TEXT [--digest yes] [--out DIR]`. A counterexample is written to that directory.
pub(crate) fn explore(tools: Option<&Tools>, arguments: &[String]) -> Result<(), String> {
    let explore = tools.ok_or("this test target explores nothing")?.explore;
    let (mut bounds, mut out, mut digest) = (None, None, None);
    pairs(arguments, |option, value| match option {
        "--bounds" => set(&mut bounds, value),
        "--out" => set(&mut out, value),
        "--digest" => set(&mut digest, value),
        _ => false,
    })?;
    let bounds = bounds.ok_or("explore needs --bounds TEXT")?;
    let out = out.map_or_else(|| run::trace_directory().join("explore"), PathBuf::from);
    let explored = run::apart("explore", move || {
        let mut progress = |reached: &Reached| {
            // Nobody listens any more: the search goes on to its end all the same, and says so in vain.
            let _ = print(&Line::Reached(reached.clone()));
        };
        explore(&bounds, digest.is_some(), &mut progress)
    });
    let explored = explored.map_err(|said| {
        format!("the test kit itself panicked: {said}. This is a fault of the kit; please report it")
    })??;
    print(&Line::Explored(explored_line(explored, &out)?))
}

fn explored_line(explored: Exploration, out: &Path) -> Result<ExploredLine, String> {
    let Exploration { name, bounds, numbers, reached, found } = explored;
    let numbers = numbers.into_iter().map(|(key, number, meaning)| (key, (number, meaning))).collect();
    let mut line = ExploredLine { name: name.clone(), bounds, numbers, reached, ..ExploredLine::default() };
    match found {
        Found::Nothing => line.covered = true,
        Found::Unfinished(why) => line.unfinished = Some(why),
        Found::Broken { property, source, sentence, script, run } => {
            let file = out.join(format!("{name}.script"));
            let head = format!(
                "# A shortest history that breaks {property} ({source}):\n# {sentence}.\n# Play it again: cargo labs play FILE\n"
            );
            let written = std::fs::create_dir_all(out).and_then(|()| std::fs::write(&file, head + &script));
            written.map_err(|why| {
                format!("the counterexample cannot be written to {}: {why}", file.display())
            })?;
            let traces = Traces::File(out.join(format!("{name}.jsonl")));
            let run = judged(&file, *run, &traces);
            line.broken = Some(format!("{property} ({source}): {sentence}"));
            line.script = Some(run::display_path(&file));
            line.trace = run.trace;
            line.report = run.report;
        }
    }
    Ok(line)
}

/// The run of a script, judged as a scenario's run is.
fn judged(file: &Path, run: Run, traces: &Traces) -> RunLine {
    let name =
        file.file_stem().map_or_else(|| "script".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let command = format!("cargo labs play {}", run::display_path(file));
    let scenario = Scenario {
        name: name.leak(),
        part: "script",
        sentence: "What the script says, step by step",
        source: "the script",
        points: 0,
        rules: &[],
        seeded: false,
        run: |_| unreachable!("a script is played, not run"),
    };
    let outcome = outcome::played(&scenario, run, &command, traces);
    machine::line(&scenario, 0, outcome, true)
}

fn print(line: &Line) -> Result<(), String> {
    machine::put(&line.to_json()).map_err(|why| format!("the results could not be written: {why}"))
}

fn set(to: &mut Option<String>, value: &str) -> bool {
    *to = Some(value.to_owned());
    true
}

/// Reads options that each take a value; `known` takes one, or says that it does not know it.
fn pairs(arguments: &[String], mut known: impl FnMut(&str, &str) -> bool) -> Result<(), String> {
    arguments.chunks(2).try_for_each(|pair| match pair {
        [option, value] if known(option, value) => Ok(()),
        [option, _] => Err(format!("there is no option {option} here")),
        rest => Err(format!("{} needs a value", rest.join(" "))),
    })
}
