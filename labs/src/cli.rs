//! The command line: its commands, options and help.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

/// The labs' command line.
#[derive(Debug, Parser)]
#[command(
    name = "cargo labs",
    bin_name = "cargo labs",
    version,
    about = "Run, replay and hand out the labs."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios over many seeds and show a table.
    #[command(after_help = "Examples:\n  cargo labs run lab2a\n  cargo labs run lab2a_01 --seeds 100")]
    Run(RunArguments),
    /// Play a classic story of Raft: a wrong implementation first, then the right one.
    #[command(after_help = "Examples:\n  cargo labs demo\n  cargo labs demo figure8")]
    Demo(DemoArguments),
    /// Run one scenario with one seed, exactly as it ran before; or a shrunk run from its file.
    #[command(after_help = "Examples:\n  cargo labs replay lab2a_01_first_leader 7\n  \
                      cargo labs replay target/raftlab/shrunk/lab2a_01_first_leader-7.toml")]
    Replay(ReplayArguments),
    /// Run scenarios over many seeds, group what fails by its cause, and shrink one run of each.
    #[command(
        after_help = "Progress is kept: stop it with Ctrl-C, and the same command goes on from there.\n\n\
                      Examples:\n  cargo labs stress lab2a_13_many_cuts --seeds 1000\n  cargo labs stress lab2c\n\n\
                      Exit code 0: all passed; 1: some did not; 2: the command cannot be carried out."
    )]
    Stress(StressArguments),
    /// Find the smallest run that still fails for the same cause: fewer faults, messages lost, clients, less time.
    #[command(after_help = "Example:\n  cargo labs shrink lab2a_13_many_cuts 7")]
    Shrink(ShrinkArguments),
    /// Run scenarios over thousands of seeds: the proof that correct code never fails.
    #[command(
        after_help = "Progress is kept: stop it with Ctrl-C, and the same command goes on from there.\n\n\
                      Examples:\n  cargo labs soak\n  cargo labs soak lab2a --seeds 1000\n  \
                      cargo labs soak --from 10000 --seeds 10000"
    )]
    Soak(SoakArguments),
    /// Explore every interleaving within bounds, and check Raft's properties in every state.
    #[command(
        after_help = "Bounds are a name (see --list), numbers, or a name and numbers that change it.\n\n\
                      Examples:\n  cargo labs explore\n  cargo labs explore --bounds figure8\n  \
                      cargo labs explore --bounds \"servers=2 timeouts=2 log=1 proposals=2 failures=1\""
    )]
    Explore(ExploreArguments),
    /// Play a script of messages, timeouts and crashes, such as a counterexample of `explore`.
    Play(PlayArguments),
    /// Say what this machine has, and what that means for the labs.
    #[command(after_help = "Exit code: 0 if the labs run here, 1 if something must be mended first.")]
    Doctor(DoctorArguments),
    /// Write what students start from: this workspace with stubs in place of the solution.
    Starter(StarterArguments),
    /// Prove that the starter's stubs compile and fail, and that the solution put back passes.
    #[command(hide = true)]
    CheckStarter(CheckArguments),
}

/// What `run` takes.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Beginnings of scenarios' names, such as lab2a or lab2a_01; all scenarios if none is given.
    #[arg(value_name = "LAB")]
    pub labs: Vec<String>,
    /// Run seeds 0 to N−1 of each scenario [default: 10].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seeds, conflicts_with = "seed")]
    pub seeds: Option<NonZeroU64>,
    /// Run this seed only.
    #[arg(long, value_name = "S", allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Run so many at the same time [default: one a processor].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// Write every run's trace into this directory, not only those of failing runs.
    #[arg(long, value_name = "DIR")]
    pub trace_dir: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Do not plant a violation after a run in which everything passed.
    #[arg(long)]
    pub no_plant: bool,
}

/// What `soak` takes.
#[derive(Debug, Args)]
pub struct SoakArguments {
    /// Beginnings of scenarios' names, such as lab2a or lab2a_01; all scenarios if none is given.
    #[arg(value_name = "LAB")]
    pub labs: Vec<String>,
    /// Run so many seeds of each scenario; scripts, which no seed changes, run once.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seeds, default_value = "10000")]
    pub seeds: NonZeroU64,
    /// Begin with this seed.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, value_parser = seed, default_value = "0")]
    pub from: u64,
    /// Run so many at the same time [default: one a processor].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// Keep progress, report and failing traces here [default: target/raftlab/soak/ and a name made from the code].
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Soak this built test program, and build nothing.
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
    /// Forget the progress of an earlier soak and start over.
    #[arg(long)]
    pub fresh: bool,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table and reports.
    Human,
    /// One JSON object a line.
    Json,
}

/// What `replay` takes.
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The scenario's whole name; or the file of a shrunk run.
    #[arg(value_name = "TEST|FILE")]
    pub test: String,
    /// The seed to run it with; a file has its own.
    #[arg(allow_negative_numbers = true, value_parser = seed)]
    pub seed: Option<u64>,
    /// Write the trace to this file.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Build and run what is deployed, with optimisation: the same run.
    #[arg(long)]
    pub release: bool,
    /// Use this built test program, and build nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "release")]
    pub binary: Option<PathBuf>,
}

/// What `shrink` takes.
#[derive(Debug, Args)]
pub struct ShrinkArguments {
    /// The scenario's whole name.
    #[arg(value_name = "TEST")]
    pub test: String,
    /// The seed with which it fails.
    #[arg(allow_negative_numbers = true, value_parser = seed)]
    pub seed: u64,
    /// Search for so many runs at most [default: 600].
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = runs)]
    pub runs: Option<NonZeroU64>,
    /// Write the shrunk run to this file [default: target/raftlab/shrunk/TEST-SEED.toml].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Use this built test program, and build nothing.
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// What `stress` takes.
#[derive(Debug, Args)]
pub struct StressArguments {
    /// Beginnings of scenarios' names, such as lab2a or lab2a_01; at least one.
    #[arg(value_name = "TEST", required = true)]
    pub tests: Vec<String>,
    /// Run so many seeds of each scenario; scripts, which no seed changes, run once.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seeds, default_value = "200")]
    pub seeds: NonZeroU64,
    /// Begin with this seed.
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, value_parser = seed, default_value = "0")]
    pub from: u64,
    /// Run so many at the same time [default: one a processor].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// Keep progress and traces here [default: target/raftlab/stress/ and a name made from the code].
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Forget the progress of an earlier stress and start over.
    #[arg(long)]
    pub fresh: bool,
    /// Do not shrink a run of each cause.
    #[arg(long)]
    pub no_shrink: bool,
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Stress this built test program, and build nothing.
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

/// What `explore` takes.
#[derive(Debug, Args)]
pub struct ExploreArguments {
    /// The bounds; may be given several times [default: every name that takes seconds].
    #[arg(long, value_name = "BOUNDS")]
    pub bounds: Vec<String>,
    /// List the bounds that have a name, and explore nothing.
    #[arg(long)]
    pub list: bool,
    /// Also sum up what can be observed from outside: equal sums, no observable difference.
    #[arg(long)]
    pub digest: bool,
    /// Where counterexamples go [default: target/raftlab/explore].
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `play` takes.
#[derive(Debug, Args)]
pub struct PlayArguments {
    /// The script; its language is described in raft/tests/labs/script/mod.rs.
    #[arg(value_name = "FILE")]
    pub script: PathBuf,
    /// Write the trace to this file, also of a script that plays to its end.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

/// What `demo` takes.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Which story; without one, they are listed.
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// On a terminal, go on by itself after so many milliseconds, instead of waiting for Enter.
    #[arg(long, value_name = "MS", num_args = 0..=1, default_missing_value = "4000", value_parser = millis,
          allow_negative_numbers = true)]
    pub auto: Option<u64>,
    /// Do not wait at all.
    #[arg(long, conflicts_with = "auto")]
    pub no_wait: bool,
}

/// What `doctor` takes.
#[derive(Debug, Args)]
pub struct DoctorArguments {
    /// Build the test program first, so that it can say what it guarantees.
    #[arg(long)]
    pub build: bool,
}

/// What `starter` takes.
#[derive(Debug, Args)]
pub struct StarterArguments {
    /// The directory to write; it must be empty or missing.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Leave the solution in for all parts up to this one, such as lab2a.
    #[arg(long, value_name = "PART")]
    pub solved: Option<String>,
}

/// What `check-starter` takes.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// How many seeds the solution must pass at every step.
    #[arg(long, value_name = "N", value_parser = seeds, default_value = "5")]
    pub seeds: NonZeroU64,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a seed is a whole number, 0 or more, such as 7".to_owned())
}

fn seeds(text: &str) -> Result<NonZeroU64, String> {
    text.parse()
        .map_err(|_| "how many seeds to run is a whole number, 1 or more, such as --seeds 10".to_owned())
}

fn runs(text: &str) -> Result<NonZeroU64, String> {
    text.parse()
        .map_err(|_| "how many runs to try is a whole number, 1 or more, such as --runs 600".to_owned())
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| {
        "how many run at the same time is a whole number, 1 or more, such as --jobs 2".to_owned()
    })
}

fn millis(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a pause is a whole number of milliseconds, such as --auto 4000".to_owned())
}
