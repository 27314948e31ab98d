//! `cargo labs`.

use clap::Parser;
use labs::cli::{Cli, Command};
use labs::{check, demo, doctor, explore, play, replay, run, shrink, soak, starter, stress};
use std::process::ExitCode;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(arguments) => run::main(&arguments),
        Command::Demo(arguments) => demo::main(&arguments),
        Command::Replay(arguments) => replay::main(&arguments),
        Command::Stress(arguments) => stress::main(&arguments),
        Command::Shrink(arguments) => shrink::main(&arguments),
        Command::Soak(arguments) => soak::main(&arguments),
        Command::Explore(arguments) => explore::main(&arguments),
        Command::Play(arguments) => play::main(&arguments),
        Command::Doctor(arguments) => doctor::main(&arguments),
        Command::Starter(arguments) => starter::main(&arguments),
        Command::CheckStarter(arguments) => check::main(&arguments),
    };
    done.unwrap_or_else(|stop| {
        eprintln!("error: {stop}");
        stop.exit_code()
    })
}
