//! What people write in ordinary asynchronous Rust, and what becomes of it: harmless habits give the same trace in
//! every process, order and build; harmful ones are named.

mod harmful;
mod harmless;
mod page;
pub(crate) mod suite;

use crate::{directory, fake, text};
use scenario::line::{CauseKind, Line, RunLine, RunVerdict};
use std::collections::BTreeMap;
use std::path::Path;

type Test = fn() -> Result<(), String>;

pub(crate) const TESTS: &[(&str, Test)] = &[
    ("habits_give_the_same_bytes_everywhere", same_everywhere),
    ("habits_that_harm_fail_the_same_way_everywhere", harm_everywhere),
    ("habits_differ_without_protection", canaries),
    ("another_tokio_differs", another_tokio),
    ("habits_that_harm_are_named", harmful_are_named),
    ("habits_page_is_what_is_printed", page::is_what_is_printed),
    ("what_waits_for_the_outside_is_not_judged", not_judged),
    ("habits_that_harm_leave_the_others_unharmed", others_unharmed),
];

/// How many seeds the matrix takes, unless `RAFTLAB_MATRIX` says otherwise.
const SEEDS: u64 = 5;

fn seeds() -> u64 {
    std::env::var("RAFTLAB_MATRIX").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

/// Scenario and seed, and what the run came to: how many events, which bytes.
type Hashes = BTreeMap<(String, u64), (u64, String)>;

fn machine(arguments: &[&str], environment: &[(&str, &str)], traces: &Path) -> Vec<RunLine> {
    let environment = [&[("RAFTLAB_FAKE", "habits")], environment].concat();
    let out = fake(&[&["--raftlab", "run"], arguments].concat(), &environment, traces);
    let lines = text(&out.stdout);
    let runs = lines.lines().filter_map(|line| match serde_json::from_str(line) {
        Ok(Line::Run(run)) => Some(run),
        _ => None,
    });
    let runs: Vec<RunLine> = runs.collect();
    assert!(!runs.is_empty(), "{}{lines}", text(&out.stderr));
    runs
}

fn hashes(runs: Vec<RunLine>) -> Hashes {
    let hash = |run: RunLine| Some(((run.scenario, run.seed), (run.events, run.hash?)));
    runs.into_iter().filter_map(hash).collect()
}

/// The names of the harmless habits, in their order.
fn harmless() -> Vec<&'static str> {
    harmless::scenarios().iter().map(|scenario| scenario.name).collect()
}

/// Every run as an ordinary test program makes it.
fn tests(arguments: &[&str], count: &str, traces: &Path) -> Hashes {
    let file = traces.join(format!("hashes{}", arguments.join("")));
    let path = file.display().to_string();
    let environment =
        [("RAFTLAB_FAKE", "habits"), ("RAFTLAB_SEEDS", count), ("RAFTLAB_HASHES", path.as_str())];
    let out = fake(arguments, &environment, traces);
    assert!(out.status.success(), "{}", text(&out.stdout));
    let lines = std::fs::read_to_string(&file).expect("the program wrote its hashes");
    let parse = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        let [name, seed, events, hash] = parts[..] else { panic!("{line}") };
        let number = |text: &str| text.parse().expect("a number");
        ((name.to_owned(), number(seed)), (number(events), hash.to_owned()))
    };
    lines.lines().map(parse).collect()
}

fn same_everywhere() -> Result<(), String> {
    let traces = directory();
    let count = seeds().to_string();
    let names = harmless();
    let all = names.join(",");
    let reference = hashes(machine(&["--names", &all, "--seeds", &count], &[], traces.path()));
    assert_eq!(reference.len() as u64, names.len() as u64 * seeds());
    assert!(reference.values().all(|(events, _)| *events > 350), "{reference:?}");
    let same = |what: &str, others: Hashes| {
        let differ = others.iter().find(|(run, hash)| reference.get(*run) != Some(*hash));
        assert_eq!((differ, others.len()), (None, reference.len()), "{what}");
    };
    // Another order, and several at once, in another process.
    let backwards: Vec<&str> = names.iter().rev().copied().collect();
    let arguments = ["--names", &backwards.join(","), "--seeds", &count, "--jobs", "3"];
    same("another order", hashes(machine(&arguments, &[], traces.path())));
    same("parallel tests", tests(&["habit_"], &count, traces.path()));
    same("one thread", tests(&["habit_", "--test-threads=1"], &count, traces.path()));
    // As cargo-nextest does: a process for each test.
    let alone = names.iter().map(|name| tests(&[name, "--exact", "--nocapture"], &count, traces.path()));
    same("a process a test", alone.flatten().collect());
    // Seeds decide: no two runs are the same.
    for name in &names {
        let of: Vec<&(u64, String)> =
            reference.iter().filter(|((of, _), _)| of == name).map(|run| run.1).collect();
        assert!(of.windows(2).all(|pair| pair[0] != pair[1]), "{name}");
    }
    Ok(())
}

/// A run that is given up has recorded the same as in any other process.
fn harm_everywhere() -> Result<(), String> {
    let traces = directory();
    let names: Vec<&str> = NAMED.iter().map(|(name, ..)| *name).collect();
    let reference = hashes(machine(&["--names", &names.join(","), "--seeds", "1"], &[], traces.path()));
    assert_eq!(reference.len(), names.len());
    let backwards: Vec<&str> = names.iter().rev().copied().collect();
    let arguments = ["--names", &backwards.join(","), "--seeds", "1", "--jobs", "3"];
    assert_eq!(reference, hashes(machine(&arguments, &[], traces.path())));
    Ok(())
}

/// What the course's tokio is for: with the real one, a run depends on which others its process had before.
fn another_tokio() -> Result<(), String> {
    let traces = directory();
    let of = |arguments: &[&str]| {
        let runs = hashes(machine(&[&["--names", "canary_tokio"], arguments].concat(), &[], traces.path()));
        runs[&("canary_tokio".to_owned(), 3)].clone()
    };
    assert_ne!(of(&["--seed", "3"]), of(&["--seeds", "4"]));
    Ok(())
}

/// With the protection off, the same habits give other bytes in every process.
fn canaries() -> Result<(), String> {
    let traces = directory();
    for name in ["habit_hash_map", "habit_hash_set", "habit_rand", "habit_instant", "habit_system_time"] {
        let arguments = ["--names", name, "--seed", "1"];
        let once = || hashes(machine(&arguments, &[("RAFTLAB_UNPROTECTED", "1")], traces.path()));
        assert_ne!(once(), once(), "{name}");
    }
    Ok(())
}

/// What is said of each harmful habit: the kind, and words of the sentence.
const NAMED: [(&str, CauseKind, &str); 12] = [
    ("stuck_loop", CauseKind::Stuck, "computes without end: it neither waits for anything nor returns"),
    ("stuck_yield", CauseKind::Livelock, "polls in a loop instead of waiting"),
    ("stuck_lock", CauseKind::Stuck, "waits on its thread for a lock or a message"),
    ("stuck_refcell", CauseKind::Panic, "already borrowed"),
    ("stuck_sleep", CauseKind::Misused, "puts its whole thread to sleep, for 20 ms"),
    ("stuck_recv", CauseKind::Stuck, "waits on its thread for a lock or a message"),
    ("stuck_recv_timeout", CauseKind::Misused, "waits on its whole thread until a time is up"),
    ("stuck_blocking", CauseKind::Misused, "spawn_blocking"),
    ("stuck_thread", CauseKind::Misused, "starts a thread of the operating system"),
    ("stuck_memory", CauseKind::Stuck, "holds more than 1 GiB of memory"),
    ("stuck_stack", CauseKind::Stuck, "has used up its stack"),
    ("stuck_panic", CauseKind::Panic, "index out of bounds"),
];

fn harmful_are_named() -> Result<(), String> {
    let traces = directory();
    for (name, kind, words) in NAMED {
        let runs = machine(&["--names", name, "--seed", "3"], &[], traces.path());
        let [run] = &runs[..] else { panic!("{runs:?}") };
        let cause = run.cause.as_ref().expect("it does not pass");
        let report = run.report.as_deref().unwrap_or_default();
        let said = (run.verdict, cause.kind);
        assert_eq!(said, (RunVerdict::Fail, kind), "{report}");
        assert!(cause.sentence.contains(words), "{report}");
        let flat = report.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("s3") && flat.contains("labs/scenario/tests/habits/harmful.rs:"), "{report}");
    }
    Ok(())
}

/// Runs beside one that never comes back end as they do without it.
fn others_unharmed() -> Result<(), String> {
    let traces = directory();
    let calm = hashes(machine(&["--names", "habit_rand", "--seeds", "4"], &[], traces.path()));
    let names = "stuck_loop,stuck_lock,stuck_stack,stuck_memory,habit_rand";
    let beside = machine(&["--names", names, "--seeds", "1", "--jobs", "5"], &[], traces.path());
    let beside: Hashes = hashes(beside).into_iter().filter(|((name, _), _)| name == "habit_rand").collect();
    assert!(!beside.is_empty() && beside.iter().all(|(run, hash)| calm.get(run) == Some(hash)), "{beside:?}");
    Ok(())
}

/// Real time alone calls nothing wrong: it is tried again, alone, and then nothing is known.
fn not_judged() -> Result<(), String> {
    let traces = directory();
    let run = |name| {
        let arguments = ["--names", name, "--seed", "1"];
        machine(&arguments, &[("RAFTLAB_STILL", "1")], traces.path()).remove(0)
    };
    let always = run("outside_always");
    let report = always.report.unwrap_or_default();
    assert_eq!(always.verdict, RunVerdict::NotJudged, "{report}");
    assert_eq!(always.cause.map(|cause| cause.kind), Some(CauseKind::NotJudged));
    assert!(
        report.contains("stood still for 1 s of real time") && report.contains("tried twice"),
        "{report}"
    );
    let once = run("outside_once");
    assert_eq!(once.verdict, RunVerdict::Pass, "{:?}", once.report);
    Ok(())
}
