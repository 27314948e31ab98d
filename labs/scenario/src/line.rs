//! The lines of the machine mode as types, for who writes them and for who reads them.
//!
//! `--raftlab list` prints one [`Listed`] a line. `--raftlab run` prints [`Line::Run`]s and one [`Line::End`];
//! without an end the test program died. `--raftlab plant` prints one [`Line::Planted`], `--raftlab guarantee` one
//! [`Line::Guarantee`]. `--raftlab shrink` prints [`Line::Shrinking`]s and one [`Line::Shrunk`] or [`Line::Refused`].

use crate::{Reached, Scenario};
use labrpc_sim::{Fault, Plan};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A scenario as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// See [`Scenario::name`].
    pub name: String,
    /// See [`Scenario::part`].
    pub part: String,
    /// See [`Scenario::sentence`].
    pub sentence: String,
    /// See [`Scenario::source`].
    pub source: String,
    /// See [`Scenario::points`].
    pub points: u32,
    /// See [`Scenario::rules`].
    pub rules: Vec<String>,
    /// See [`Scenario::seeded`].
    pub seeded: bool,
}

impl From<&Scenario> for Listed {
    fn from(scenario: &Scenario) -> Listed {
        Listed {
            name: scenario.name.to_owned(),
            part: scenario.part.to_owned(),
            sentence: scenario.sentence.to_owned(),
            source: scenario.source.to_owned(),
            points: scenario.points,
            rules: scenario.rules.iter().map(|id| (*id).to_owned()).collect(),
            seeded: scenario.seeded,
        }
    }
}

/// One line of `run` or `plant`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Line {
    /// One scenario was run with one seed.
    Run(RunLine),
    /// Bounds of an exploration that have a name.
    Preset(PresetLine),
    /// How far an exploration has come.
    Reached(Reached),
    /// An exploration ended.
    Explored(ExploredLine),
    /// Nothing was played, explored or shrunk, because what was named cannot be.
    Refused {
        /// Why, as a sentence.
        sentence: String,
    },
    /// A violation was planted, and the judge found it.
    Planted(PlantedLine),
    /// What is guaranteed about runs on this machine.
    Guarantee(GuaranteeLine),
    /// A failing run is being shrunk.
    Shrinking {
        /// How many runs there were so far.
        runs: u64,
        /// What is left.
        left: Extent,
    },
    /// A failing run was shrunk.
    Shrunk(ShrunkLine),
    /// Everything that was asked for was run.
    End {
        /// How many runs there were.
        runs: u64,
    },
}

impl Line {
    /// The line as JSON, without a newline.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line of texts and numbers serializes")
    }
}

/// What came of one scenario with one seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// Whether it passed.
    pub verdict: RunVerdict,
    /// Virtual nanoseconds.
    pub virtual_ns: u64,
    /// Remote calls made.
    pub rpcs: u64,
    /// Bytes in them, stamps not counted.
    pub bytes: u64,
    /// Records in the trace.
    pub events: u64,
    /// How often each rule was exercised and held. A rule that nothing triggered is left out.
    pub rules: BTreeMap<String, u64>,
    /// The hash of the trace (xxh3-128, hexadecimal): equal runs have equal ones. Missing if there is no trace,
    /// and with `--no-hash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Why it did not pass, for programs; missing if it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// What it has in common with all failures of this cause, whatever the seed; missing if it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What a student reads; missing if it passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
    /// The trace file, if one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Real microseconds; only with `--timings`, because it is another at every run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_us: Option<u64>,
}

/// Bounds that have a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetLine {
    /// The name.
    pub name: String,
    /// What they are for.
    pub sentence: String,
    /// The bounds.
    pub bounds: String,
}

/// How an exploration ended: covered, unfinished, or with something broken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExploredLine {
    /// The bounds' name.
    pub name: String,
    /// The bounds that differ from what they are if nobody says.
    pub bounds: String,
    /// Every bound: its number, and what it counts.
    pub numbers: BTreeMap<String, (u64, String)>,
    /// How far it came.
    pub reached: Reached,
    /// Every state within the bounds was seen, and nothing is broken in any.
    pub covered: bool,
    /// Why it could not see them all; what is broken in the others is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// What is broken: the property, its source, and what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
    /// The file with the counterexample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The file with its trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The report of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// A verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunVerdict {
    /// It passed.
    Pass,
    /// It failed.
    Fail,
    /// The same seed gave another trace the second time. Looked at after a failure, and once where all is well.
    NotReproducible,
    /// It came to nothing, twice: that says nothing about the code under test.
    NotJudged,
}

/// Why a run did not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Who or what noticed.
    pub kind: CauseKind,
    /// The rule that was broken, left undecided or not exercised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What happened, as one sentence.
    pub sentence: String,
}

/// Who or what noticed that a run does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CauseKind {
    /// A rule was broken.
    Rule,
    /// A rule could not be judged.
    Undecided,
    /// A rule that the scenario must exercise was not triggered.
    Missed,
    /// The scenario expected something else.
    Expectation,
    /// A function is not written yet.
    NotImplemented,
    /// A server's code panicked, or asked for what cannot be done.
    Panic,
    /// A server's code did something to its whole thread, which no server may.
    Misused,
    /// A server's code never came back.
    Stuck,
    /// It stood still by real time alone, twice, so that nothing is known.
    NotJudged,
    /// Nothing could happen any more.
    Deadlock,
    /// Virtual time stood still.
    Livelock,
    /// The scenario's limit of virtual time passed.
    TimeUp,
    /// It passed, and the same seed gave another trace the second time.
    NotReproducible,
    /// The run is fine, and its trace could not be written.
    Trace,
    /// The kit itself panicked: that says nothing about the code under test.
    Kit,
}

/// Whether code that asks for what no seed decides is kept from it on this machine, so that a run is a function of its
/// seed whatever the code is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuaranteeLine {
    /// All four below.
    pub protected: bool,
    /// Reading the system's clock.
    pub clock: bool,
    /// Drawing the system's random numbers.
    pub randomness: bool,
    /// The order in which hash maps are gone through.
    pub hash_order: bool,
    /// Starting threads.
    pub threads: bool,
    /// What that means, as one sentence.
    pub sentence: String,
}

/// A violation planted on purpose, and the judge's words about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedLine {
    /// The scenario whose passing run was copied.
    pub scenario: String,
    /// That run's seed.
    pub seed: u64,
    /// The rule that was broken and named.
    pub rule: String,
    /// What was planted, as one sentence without its full stop.
    pub planted: String,
    /// The report, as for any failure.
    pub report: String,
}

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Records in its trace.
    pub events: u64,
    /// Virtual nanoseconds.
    pub virtual_ns: u64,
    /// Faults that were made.
    pub faults: u64,
    /// Messages lost, repeated or late by chance.
    pub losses: u64,
    /// Clients that ran.
    pub clients: u64,
}

/// What came of shrinking a failing run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShrunkLine {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// See [`RunLine::key`].
    pub key: String,
    /// What happened in the shrunk run, as one sentence.
    pub sentence: String,
    /// The run as it was.
    pub before: Extent,
    /// The smallest that was found.
    pub after: Extent,
    /// What was left out of it.
    pub plan: Plan,
    /// The faults that are left, and what chance still does to messages, in the order of time.
    pub faults: Vec<Fault>,
    /// How many runs it took.
    pub runs: u64,
    /// Whether the search ended because no more runs were allowed.
    pub exhausted: bool,
    /// Why nothing was tried, if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
