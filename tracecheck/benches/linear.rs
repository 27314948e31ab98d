//! How fast the linearizability checker is: `cargo bench -p tracecheck --bench linear [-- zones searches open]`.
//!
//! Histories come from a real map of registers whose operations take effect between their invocation and their
//! return. Times are of the check alone, of the processor and not of the wall, the best of three; memory is
//! the most that the process held meanwhile, with the history.

#[path = "../tests/linear/maker.rs"]
mod maker;

use maker::{Plan, history, make};
use std::time::{Duration, Instant};
use tracecheck::linear::{Budget, History, Verdict, check};

const GET_PUT: Plan = Plan {
    clients: 20,
    operations: 0,
    keys: 100,
    mix: [1, 1, 0, 0, 0],
    values: 0,
    unknown: 0,
    most_unknown: 0,
    lies: 0,
};

/// The verdict alone, without a search for the smallest set of operations that shows a violation.
const DECIDE: Budget = Budget { steps: 10_000_000, depth_first: Some(500), explaining: 0 };

/// The processor time of this thread: others share the machine.
#[cfg(unix)]
fn now(_: Instant) -> Duration {
    let id = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(id).expect("a thread has a clock").into()
}

/// Elsewhere the wall's.
#[cfg(not(unix))]
fn now(began: Instant) -> Duration {
    began.elapsed()
}

/// The best of three, and the verdict.
fn time(history: &History) -> (Duration, Verdict) {
    forget_peak();
    let once = || {
        let clock = Instant::now();
        let began = now(clock);
        let verdict = check(history, DECIDE);
        (now(clock).saturating_sub(began), verdict)
    };
    let mut best = once();
    for _ in 0..2 {
        let (took, verdict) = once();
        assert_eq!(verdict, best.1, "a verdict is a function of the history");
        best.0 = best.0.min(took);
    }
    best
}

/// Forgets how much memory was held before, where the system can.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process held since then, in MB; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1000
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Linearizable { .. } => "linearizable",
        Verdict::Violation(_) => "VIOLATION",
        Verdict::Unknown(_) => "unknown",
    }
}

fn report(what: &str, operations: usize, (took, verdict): &(Duration, Verdict)) {
    let rate = operations as f64 / took.as_secs_f64() / 1e6;
    println!(
        "{what:<52}{:>9.2} ms {rate:>8.3} M op/s  {} (peak {} MB)",
        took.as_secs_f64() * 1e3,
        word(verdict),
        peak()
    );
}

fn zones() {
    for operations in [10_000, 100_000, 1_000_000] {
        let history = history(&make(Plan { operations, ..GET_PUT }, 1));
        report(&format!("get/put, unique values, 100 keys, {operations}"), operations, &time(&history));
    }
}

fn searches() {
    for clients in [5, 15, 50] {
        for (name, mix, values) in [
            ("cas of 5 values", [2, 1, 0, 2, 0], 5),
            ("cas of unique values", [2, 1, 0, 2, 0], 0),
            ("append", [1, 0, 1, 0, 0], 0),
            ("all kinds", [4, 1, 4, 2, 1], 0),
        ] {
            let operations = 10_000;
            for keys in [1, 10] {
                let history = history(&make(Plan { clients, operations, keys, mix, values, ..GET_PUT }, 1));
                let what = format!("{name}, {clients} clients, {operations} on {keys} keys");
                report(&what, operations, &time(&history));
            }
        }
    }
}

/// Histories of a hundred operations on one key, some of whose outcomes nobody knows.
fn open() {
    const COUNT: u64 = 500;
    for (name, values) in [("unique values", 0), ("5 values", 5)] {
        for (kind, mix) in
            [("get/put", [1, 1, 0, 0, 0]), ("cas", [2, 1, 0, 2, 0]), ("append", [2, 1, 4, 0, 0])]
        {
            for lies in [0, 20] {
                let (mut decided, mut bad, mut longest) = (0, 0, Duration::ZERO);
                for seed in 0..COUNT {
                    let plan = Plan {
                        clients: 10,
                        operations: 100,
                        keys: 1,
                        mix,
                        values,
                        unknown: 300,
                        most_unknown: 20,
                        lies,
                    };
                    let history = history(&make(plan, seed));
                    let clock = Instant::now();
                    let began = now(clock);
                    let verdict = check(&history, DECIDE);
                    let took = now(clock).saturating_sub(began);
                    longest = longest.max(took);
                    bad += u64::from(matches!(verdict, Verdict::Violation(_)));
                    decided += u64::from(
                        took < Duration::from_millis(20) && !matches!(verdict, Verdict::Unknown(_)),
                    );
                }
                println!(
                    "100 operations, 20 open, {kind}, {name}, {}: {:.1} % decided within 20 ms, {bad} violations, longest {:.1} ms",
                    if lies > 0 { "with lies" } else { "correct" },
                    100.0 * decided as f64 / COUNT as f64,
                    longest.as_secs_f64() * 1e3
                );
            }
        }
    }
}

fn main() {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, part) in [("zones", zones as fn()), ("searches", searches), ("open", open)] {
        if wanted.is_empty() || wanted.iter().any(|other| other == name) {
            part();
        }
    }
}
