//! `cargo grade`: the instructor's command line. It has no commands yet, and says so.

use clap::Parser;
use std::process::ExitCode;

/// The instructor's side of raftlab. It has no commands yet: submissions cannot be graded with this version.
#[derive(Debug, Parser)]
#[command(name = "cargo grade", bin_name = "cargo grade", version)]
struct Cli {}

fn main() -> ExitCode {
    let Cli {} = Cli::parse();
    eprintln!(
        "cargo grade has no commands yet: this version runs labs (cargo labs run) but grades no submissions"
    );
    ExitCode::from(2)
}
