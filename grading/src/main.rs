//! `cargo grade`.

use clap::Parser;
use grading::cli::{Cli, Command};
use grading::{demos, explore, mutants, page, shrink, variants};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Mutants(arguments) => mutants::main(&arguments),
        Command::Variants(arguments) => variants::main(&arguments),
        Command::Explore(arguments) => explore::main(&arguments),
        Command::Demos(arguments) => demos::main(&arguments),
        Command::Shrink(arguments) => shrink::main(&arguments),
        Command::Page(arguments) => page::main(&arguments),
    };
    done.unwrap_or_else(|stop| {
        eprintln!("error: {stop}");
        stop.exit_code()
    })
}
