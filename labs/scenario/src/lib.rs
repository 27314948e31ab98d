//! The harness of the labs' test targets: a table of scenarios becomes a test binary.
//!
//! Owns how scenarios are run over seeds, what counts as a pass, and what a student reads when one
//! fails. A scenario itself only describes one run; it belongs to the crate that it tests.
//!
//! Invariants: a run passes only if it completed, no rule failed or stayed undecided, and every rule that
//! the scenario must exercise was exercised. What is printed is a function of scenario and seed.
//!
//! Never: knows Raft or the service; reads a clock to judge anything (`watchdog` reads one to
//! tell who waits for an endless run).

mod guarantee;
mod guard;
mod judge;
mod key;
pub mod line;
mod machine;
mod outcome;
mod planned;
mod plant;
mod report;
mod rows;
mod run;
mod shrink;
mod stuck;
mod tools;
mod trials;
mod twice;
mod watchdog;
mod words;
mod world;

use std::process::ExitCode;
use tracecheck::{Verdicts, Violation, Witness};
use tracecheck_schema::{Header, Node, Record};

pub use guard::Rest;
pub use labrpc_interpose::Stuck;
pub use labrpc_sim::{Fault, Misuse, Plan};
pub use run::write_trace;
pub use shrink::ddmin;
pub use tools::{Exploration, Explore, Found, Preset, Reached, Tools};
pub use words::{list, unmet};
pub use world::{Done, Setting, judged};

/// One scenario of the catalogue: what is tried, what it is worth, and how to run it once.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// The test's name, which begins with its lab: `lab2a_01_first_leader`.
    pub name: &'static str,
    /// The part of the lab that it belongs to: `lab2a`.
    pub part: &'static str,
    /// What it tries, as one sentence that a student reads.
    pub sentence: &'static str,
    /// Where that is asked for: a section of the paper or of the handout, such as `§5.2`.
    pub source: &'static str,
    /// How many of its lab's 100 points it is worth.
    pub points: u32,
    /// The rules that a run must exercise. A run that never triggers one of them proves nothing and fails.
    pub rules: &'static [&'static str],
    /// Whether the seed decides anything. A script that spells out every step is run once, with seed 0.
    pub seeded: bool,
    /// Runs the scenario once, in virtual time, and reports. Called on a fresh thread each time.
    pub run: fn(seed: u64) -> Run,
}

/// Everything that one run left behind.
#[derive(Clone, Debug)]
pub struct Run {
    /// The first line of the trace.
    pub header: Header,
    /// Everything that was recorded, in the order of recording.
    pub records: Vec<Record>,
    /// How the run came to its end.
    pub ending: Ending,
    /// What the judge says about every rule.
    pub verdicts: Verdicts,
    /// How much virtual time passed, in nanoseconds.
    pub virtual_ns: u64,
    /// How many remote calls were made.
    pub rpcs: u64,
    /// How many bytes they carried, stamps not counted.
    pub bytes: u64,
}

/// How a run came to its end.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The scenario's last step was done, and everything that it expects was so.
    Completed,
    /// The judge saw a rule broken, and the run was stopped there.
    Violation(Violation),
    /// Something that the scenario itself expects was not so.
    Expectation(Expectation),
    /// A function that the student has yet to write was called.
    NotImplemented {
        /// Which function, and what it should do.
        what: String,
        /// Where it stands: `raft/src/core/election.rs:42`.
        place: String,
    },
    /// A server's code panicked.
    Panic {
        /// Whose code.
        node: Node,
        /// When, in virtual nanoseconds since the run began.
        t_ns: u64,
        /// What it said.
        message: String,
        /// Where in the source.
        place: String,
    },
    /// A server's code did something to its whole thread: it slept, or started another.
    Misused {
        /// Whose code.
        node: Node,
        /// When, in virtual nanoseconds since the run began.
        t_ns: u64,
        /// What it did.
        what: Misuse,
        /// Where in people's own code, if that is known.
        place: Option<String>,
    },
    /// Code never came back, and its thread was put to rest.
    Stuck(Rest),
    /// Nothing can happen any more: no timer, no message, nobody runnable. The sentence says who waits.
    Deadlock(String),
    /// Somebody computes without end, so that virtual time stands still. The sentence says where.
    Livelock(String),
    /// The scenario's limit of virtual time passed. The sentence says what it still waited for.
    TimeUp(String),
}

/// Something that a scenario expects beside the rules, and that was not so.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// What happened instead, as one sentence.
    pub sentence: String,
    /// Where the expectation comes from, such as `§5.2`.
    pub source: String,
    /// What should have happened, as one sentence.
    pub expected: String,
    /// The records that show it; may be empty.
    pub witnesses: Vec<Witness>,
}

/// An ordinary test that stands beside the scenarios: its name, and what it does.
pub type Other = (String, Box<dyn FnOnce() -> Result<(), String> + Send>);

/// The `main` of a test target with `harness = false`.
///
/// Usually it behaves as any Rust test binary does: filters, `--exact`, `--list`, `--test-threads`. Each
/// scenario runs seeds 0 to 9, or as the environment says: `RAFTLAB_SEEDS=n` for seeds 0 to n−1,
/// `RAFTLAB_SEED=s` for that one. The first of these seeds runs twice, and must give the same trace twice.
/// After 20 s of real time in one run, or `RAFTLAB_PATIENCE=n` of them, a line on standard error says so.
/// After 60 s, or `RAFTLAB_STILL=n`, of standing still without computing a run is given up, and tried once more, alone.
/// `RAFTLAB_HASHES=FILE` adds a line for each run to that file: scenario, seed, number of events, hash of the trace.
/// `RAFTLAB_UNPROTECTED=1` lets runs read real clocks and real randomness, to see what that does to them.
///
/// Started with `--raftlab` as its first argument it serves `cargo labs` and the grader: it prints one JSON
/// object a line.
pub fn main(scenarios: &[Scenario], others: Vec<Other>) -> ExitCode {
    main_with(scenarios, others, None)
}

/// As [`main`], for a test target that has `tools` for `cargo labs` beside its scenarios.
pub fn main_with(scenarios: &[Scenario], others: Vec<Other>, tools: Option<&Tools>) -> ExitCode {
    run::quiet_panics();
    if let Err(sentence) = watchdog::read_environment() {
        eprintln!("error: {sentence}");
        return ExitCode::from(2);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "--raftlab" => machine::main(scenarios, tools, rest),
        _ => {
            if let Some(sentence) = guarantee::lacks().filter(|_| !scenarios.is_empty()) {
                eprintln!("note: {sentence}");
            }
            trials::main(scenarios, others)
        }
    }
}
