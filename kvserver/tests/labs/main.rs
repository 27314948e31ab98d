//! The graded tests of Labs 1 and 3, as one test binary: `cargo test -p kvserver lab1` runs one part of it.

mod check;
mod cluster;
mod faults;
mod harness;
mod lab1;
mod lab3a;
mod lab3b;
mod lone;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    scenario::main(&scenarios(), Vec::new())
}

/// Every scenario of Labs 1 and 3, part by part, from easy to hard.
fn scenarios() -> Vec<scenario::Scenario> {
    [lab1::scenarios(), lab3a::scenarios(), lab3b::scenarios()].concat()
}
