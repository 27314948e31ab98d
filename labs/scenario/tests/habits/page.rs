//! The page `labs/HABITS.md`: each habit's code, what it used to do, and what is printed now.
//!
//! It is made of the suite's own source and of what the suite prints, and compared with what stands there.
//! `RAFTLAB_UPDATE_GOLDEN=1` writes it anew.

use super::{harmful, harmless, machine};
use crate::directory;
use scenario::Scenario;
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "\
# What people write, and what becomes of it

In the labs you write ordinary asynchronous Rust. A failure can only be replayed if equal seeds give equal runs, whatever
the code calls; and a test that hangs teaches nobody. So each run has a thread of its own on which clocks tell virtual
time and random bytes come from the seed; `tokio` is the course's own, whose tasks live and die with their server; and
code that never comes back is put to rest and named.

All below is made from the suite in `labs/scenario/tests/habits`: its code, and what it printed. The four servers of its
world call one another; `turn` tells who and in which round. Where this holds, and where not: `labs/PLATFORMS.md`.

## Habits that a run survives

The trace is the same for the same seed: in another process, another order of tests, beside other tests, in debug and in
release. A test compares the hashes of all, and with the protection off (`RAFTLAB_UNPROTECTED=1`) sees them differ.
";

const HARMFUL: &str = "
## Habits that no server survives

They fail the run that has them, and no other. A loop is judged by the processor's time that its thread used, never by
the wall's: a slow machine calls nobody's code endless.
";

/// What a harmless habit did before.
fn before(name: &str) -> &'static str {
    match name {
        "habit_hash_map" | "habit_hash_set" => "Another order in every process, and another trace.",
        "habit_rand" => "Numbers of the operating system, and another trace every time.",
        "habit_instant" | "habit_system_time" => {
            "The wall's time: microseconds where the run has milliseconds, and another trace every time."
        }
        "habit_select" => {
            "The branch was drawn from a count of the process: it depended on which other tests had run before."
        }
        "habit_spawn" => "A panic: there is no reactor running.",
        "habit_orphan" => "A task of the process, not of the server: it went on after its server's crash.",
        _ => unreachable!("every habit has its sentence"),
    }
}

/// What a harmful habit did before.
fn harm(name: &str) -> &'static str {
    match name {
        "stuck_loop" => "The test hung, and took a processor with it.",
        "stuck_yield" => "The test hung: virtual time never passed.",
        "stuck_lock" | "stuck_recv" => "The test hung, silently and for ever.",
        "stuck_refcell" => "A panic in the middle of libtest's output, of nobody knows which server.",
        "stuck_sleep" | "stuck_recv_timeout" => {
            "All servers stood still for that long in real time, and not at all in virtual time: it seemed to work."
        }
        "stuck_blocking" => "A panic: there is no reactor running.",
        "stuck_thread" => "It ran when the machine liked, and outlived its server's crash.",
        "stuck_memory" => {
            "The machine swapped, until the kernel killed the test program, and every other test in it."
        }
        "stuck_stack" => "The test program was aborted, and every other test in it.",
        "stuck_panic" => "A panic in the middle of libtest's output, of nobody knows which server.",
        _ => unreachable!("every habit has its sentence"),
    }
}

/// The source of a function, and of what it calls.
fn code(source: &str, function: &str) -> String {
    let mut out = String::new();
    for wanted in [function, if function == "stack" { "deeper" } else { "" }]
        .into_iter()
        .filter(|name| !name.is_empty())
    {
        let lines = source.lines().skip_while(|line| {
            !line.starts_with(&format!("async fn {wanted}(")) && !line.starts_with(&format!("fn {wanted}("))
        });
        let mut ended = false;
        for line in lines.take_while(|line| !std::mem::replace(&mut ended, *line == "}")) {
            writeln!(out, "{line}").expect("a string takes all");
        }
    }
    assert!(!out.is_empty(), "{function} is not in the suite's source");
    out
}

/// The function behind a scenario: its name's rest, but where that is a keyword or a function's of the standard library.
fn function(name: &str) -> &str {
    match name.split_once('_').map_or(name, |(_, rest)| rest) {
        "loop" => "endless",
        "yield" => "busy",
        "refcell" => "cell",
        "panic" => "panics",
        rest => rest,
    }
}

fn section(out: &mut String, scenario: &Scenario, source: &str, before: &str) {
    let sentence = scenario.sentence.trim_end_matches('.');
    let code = code(source, function(scenario.name));
    write!(out, "\n### {sentence}\n\n```rust\n{code}```\n\n*Before:* {before}\n\n*Now:*")
        .expect("a string takes all");
}

fn page() -> String {
    let traces = directory();
    let mut out = HEAD.to_owned();
    for scenario in harmless::scenarios() {
        section(&mut out, &scenario, include_str!("harmless.rs"), before(scenario.name));
        let run = machine(&["--names", scenario.name, "--seed", "0"], &[], traces.path()).remove(0);
        let hash = run.hash.unwrap_or_default();
        writeln!(out, " seed 0 gives {} events, whose hash is `{hash}`.", run.events)
            .expect("a string takes all");
    }
    out.push_str(HARMFUL);
    for scenario in harmful::scenarios() {
        section(&mut out, &scenario, include_str!("harmful.rs"), harm(scenario.name));
        let run = machine(&["--names", scenario.name, "--seed", "0"], &[], traces.path()).remove(0);
        let report = run.report.unwrap_or_default();
        // The trace's path is the test's own.
        let (report, _) = report.split_once("\n  trace").unwrap_or((&report, ""));
        let report = if scenario.name == "stuck_stack" { without_line(report) } else { report.to_owned() };
        write!(out, "\n\n```text\n{}\n```\n", report.trim_end()).expect("a string takes all");
    }
    out
}

/// Where in a function its stack ends is another line in another build.
fn without_line(report: &str) -> String {
    const FILE: &str = "habits/harmful.rs:";
    let (before, after) = report.split_once(FILE).expect("the place is told");
    format!("{before}{FILE}…{}", after.trim_start_matches(|char: char| char.is_ascii_digit()))
}

pub(super) fn is_what_is_printed() -> Result<(), String> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        // What is printed elsewhere is another page.
        return Ok(());
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../HABITS.md");
    let page = page();
    if std::env::var_os("RAFTLAB_UPDATE_GOLDEN").is_some() {
        return std::fs::write(&file, page).map_err(|why| why.to_string());
    }
    let stands = std::fs::read_to_string(&file).map_err(|why| why.to_string())?;
    let differ = stands.lines().zip(page.lines()).find(|(one, other)| one != other);
    match differ {
        None if stands == page => Ok(()),
        differ => Err(format!(
            "labs/HABITS.md is not what is printed: {differ:?}. Look at the difference, and take it over with \
             RAFTLAB_UPDATE_GOLDEN=1 cargo test -p scenario habits"
        )),
    }
}
