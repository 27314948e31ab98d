//! The graded tests of Lab 2, as one test binary: `cargo test -p raft lab2a` runs one part of it.

mod check;
mod cluster;
mod golden;
mod harness;
mod kit;
mod lab2a;
mod raw;
mod script;

use std::process::ExitCode;

fn main() -> ExitCode {
    scenario::main(&lab2a::scenarios(), kit::tests())
}
