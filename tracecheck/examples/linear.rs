//! The linearizability checker against a plain permutation search, on as many small random histories as asked for:
//! `cargo run --release -p tracecheck --example linear [HISTORIES]`, a million unless said.

#[path = "../tests/linear/compare.rs"]
mod compare;
#[path = "../tests/linear/maker.rs"]
mod maker;
#[path = "../tests/linear/reference.rs"]
mod reference;

fn main() {
    let wanted = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let began = std::time::Instant::now();
    // Not the seeds of the tests.
    let first = 1_000_000_000;
    let (good, bad) = compare::compare(first..first + wanted);
    println!(
        "{wanted} histories in {:.1} s: {good} linearizable, {bad} not; no disagreement",
        began.elapsed().as_secs_f64()
    );
}
