//! `cargo grade`.

use clap::Parser;
use grading::cli::{Cli, Command};
use grading::{mutants, page, variants};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Mutants(arguments) => mutants::main(&arguments),
        Command::Variants(arguments) => variants::main(&arguments),
        Command::Page(arguments) => page::main(&arguments),
    };
    done.unwrap_or_else(|stop| {
        eprintln!("error: {stop}");
        stop.exit_code()
    })
}
