//! The reference's figures beside the bounds that the labs set: bytes, messages, milliseconds of virtual
//! time, sizes on the disk. The worst of a hundred seeds counts.
//!
//! `cargo bench -p raft --bench bounds`.

#![allow(dead_code, reason = "the labs' harness offers more than a benchmark needs")]

#[path = "../tests/labs/check.rs"]
mod check;
#[path = "../tests/labs/cluster.rs"]
mod cluster;
#[path = "../tests/labs/explore/mod.rs"]
mod explore;
#[path = "../tests/labs/harness.rs"]
mod harness;
#[path = "../tests/labs/lab2a.rs"]
mod lab2a;
#[path = "../tests/labs/lab2b.rs"]
mod lab2b;
#[path = "../tests/labs/lab2d.rs"]
mod lab2d;
#[path = "../tests/labs/log.rs"]
mod log;
#[path = "../tests/labs/raw.rs"]
mod raw;
#[path = "../tests/labs/script/mod.rs"]
mod script;
#[path = "../tests/labs/service.rs"]
mod service;

use std::collections::BTreeMap;

const SEEDS: u64 = 100;

fn main() {
    let scenarios = [lab2a::scenarios(), lab2b::scenarios(), lab2d::scenarios()].concat();
    let mut worst: BTreeMap<(&str, u64), (u64, &str)> = BTreeMap::new();
    for scenario in scenarios.iter().filter(|scenario| scenario.seeded) {
        for seed in 0..SEEDS {
            (scenario.run)(seed);
            for (what, value, bound) in check::FIGURES.take() {
                let so_far = worst.entry((what, bound)).or_insert((0, scenario.name));
                so_far.0 = so_far.0.max(value);
            }
        }
    }
    println!("{:>9} {:>9}  worst of {SEEDS} seeds", "reference", "bound");
    for ((what, bound), (value, scenario)) in worst {
        println!("{value:>9} {bound:>9}  {what} ({scenario})");
    }
}
