//! The command line of the judge: `check`, `linearizable`, `log`, `stats`, `rules`, `explain`.
//!
//! Exit codes: 0 every rule held; 1 a rule did not hold; 2 something could not be read, or bad usage; 3 the
//! verdict is unknown. Over several files the worst one counts: 1, then 2, then 3, then 0.

mod check;
mod explain;
mod files;
mod input;
mod linearizable;
mod log;
mod output;
mod stats;

use clap::{Parser, Subcommand, ValueEnum};
use output::Output;
use std::process::ExitCode;

/// Judges the traces of Raft clusters: which rules held, and which did not.
#[derive(Parser)]
#[command(name = "tracecheck", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Subcommand)]
enum Command {
    /// Judge traces. Exit code: 0 pass, 1 fail, 2 cannot read, 3 unknown.
    ///
    /// Files are read record by record and never kept. What the judge keeps in memory: the servers' logs as their
    /// writes made them (16 bytes an entry and server, twice where disks are real), every distinct entry and
    /// commit once (about 250 bytes an index), votes and elections, the last 1,024 AppendEntries of each link, and
    /// a vector clock for each message that brought news (8 bytes a node). A run of a million records with 20,000
    /// entries takes about 35 MB. With --merge also records whose causes have not come yet.
    Check(check::Args),
    /// Judge whether a history is linearizable. Exit code: 0 it is, 1 it is not, 2 cannot read, 3 unknown.
    ///
    /// Reads our own traces and what others write: EDN key/value histories, Jepsen's log of a register, and the logs
    /// of DistributedClocks tracing servers. Past the budget the verdict is unknown.
    Linearizable(linearizable::Args),
    /// Show a trace as columns, one a server.
    Log(log::Args),
    /// Show what happened in a trace, in numbers. Exit code: 0, 2 cannot read, 3 cut off.
    Stats(stats::Args),
    /// List the rules.
    Rules,
    /// Explain a rule, with a run that breaks it.
    Explain {
        /// The rule, such as `E3`.
        id: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    /// Where the output is a terminal that shows them.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The exit codes, as the course's scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pass,
    Fail,
    Unreadable,
    Unknown,
}

impl Status {
    fn code(self) -> u8 {
        match self {
            Status::Pass => 0,
            Status::Fail => 1,
            Status::Unreadable => 2,
            Status::Unknown => 3,
        }
    }

    /// The worse of two: 1, then 2, then 3, then 0.
    fn worst(self, other: Status) -> Status {
        let badness = |status: Status| (status.code() + 3) % 4;
        if badness(self) <= badness(other) { self } else { other }
    }

    fn word(self) -> &'static str {
        match self {
            Status::Pass => "pass",
            Status::Fail => "fail",
            Status::Unreadable => "unreadable",
            Status::Unknown => "unknown",
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Output::new(cli.color);
    let done = match &cli.command {
        Command::Check(args) => check::run(args, &mut out),
        Command::Linearizable(args) => linearizable::run(args, &mut out),
        Command::Log(args) => log::run(args, &mut out),
        Command::Stats(args) => stats::run(args, &mut out),
        Command::Rules => explain::list(&mut out),
        Command::Explain { id } => explain::run(id, &mut out),
    };
    let status = done.and_then(|status| out.flush().map(|()| status)).unwrap_or_else(|error| {
        output::complain(&format!("{error:#}"));
        Status::Unreadable
    });
    ExitCode::from(status.code())
}
