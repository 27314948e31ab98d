//! The graded tests of Lab 2, as one test binary: `cargo test -p raft lab2a` runs one part of it.

mod check;
mod clients;
mod cluster;
mod explore;
mod golden;
mod harness;
mod kit;
mod lab2a;
mod lab2b;
mod lab2c;
mod lab2d;
mod log;
mod raw;
mod script;
mod service;
mod two_worlds;

use std::process::ExitCode;

fn main() -> ExitCode {
    let tools = scenario::Tools { play: explore::play, presets: explore::presets, explore: explore::explore };
    scenario::main_with(&scenarios(), kit::tests(), Some(&tools))
}

/// Every scenario of Lab 2, part by part, from easy to hard.
fn scenarios() -> Vec<scenario::Scenario> {
    [lab2a::scenarios(), lab2b::scenarios(), lab2c::scenarios(), lab2d::scenarios()].concat()
}
