//! What a soak finds, keeps and says.

use crate::fake;
use labs::soak::{Identity, Report, State};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const TESTS: &[(&str, fn())] = &[
    ("a_bug_of_one_seed_in_a_thousand_is_found", a_bug_of_one_seed_in_a_thousand_is_found),
    ("a_killed_soak_goes_on", a_killed_soak_goes_on),
    ("more_seeds_and_fewer", more_seeds_and_fewer),
    ("the_report_for_people", the_report_for_people),
    ("a_program_that_dies_is_named_with_its_seed", a_program_that_dies_is_named_with_its_seed),
    ("what_is_no_soak_of_this_build_is_refused", what_is_no_soak_of_this_build_is_refused),
    ("mistakes_are_one_sentence", mistakes_are_one_sentence),
];

/// A soak of this very program in its other role.
fn command(arguments: &[&str], directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
    let me = std::env::current_exe().expect("a running program has a path");
    command.arg("soak").args(arguments).arg("--binary").arg(me).arg("--dir").arg(directory);
    command.env("RAFTLAB_FAKE", "1").env_remove("RAFTLAB_PATIENCE");
    command
}

fn soak(arguments: &[&str], directory: &Path) -> Output {
    command(arguments, directory).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// The kept report, without what is another at every soak: the time, and where the trace is.
fn report(directory: &Path) -> Report {
    let text = fs::read_to_string(directory.join("report.json")).expect("a report");
    let mut report: Report = serde_json::from_str(&text).expect("the format of reports");
    (report.wall_ms, report.cpu_ms) = (0, None);
    for failing in &mut report.failures {
        failing.failures.trace = None;
        failing.failures.report.clear();
    }
    report
}

fn bug() -> Vec<u64> {
    (0..10_000).filter(|seed| fake::shows(*seed)).collect()
}

fn a_bug_of_one_seed_in_a_thousand_is_found() {
    let there = directory();
    let out = soak(&["lab2a", "--format", "json"], there.path());
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout), fs::read_to_string(there.path().join("report.json")).expect("a report"));
    let report = report(there.path());
    assert!((5..20).contains(&bug().len()), "a bug of about one seed in a thousand");
    let [failing] = &report.failures[..] else { panic!("one scenario, one cause: {:?}", report.failures) };
    assert_eq!((failing.failures.cause.as_str(), &failing.failures.seeds), ("E1", &bug()));
    assert_eq!(failing.replay, format!("cargo labs replay lab2a_02_one_in_a_thousand {}", bug()[0]));
    assert_eq!((report.runs, report.failed, report.seeds), (20_001, bug().len() as u64, 10_000));
    let by_name: Vec<_> = report.scenarios.iter().map(|one| (one.name.as_str(), one.runs)).collect();
    let expected =
        [("lab2a_01_steady", 10_000), ("lab2a_02_one_in_a_thousand", 10_000), ("lab2a_03_script", 1)];
    assert_eq!(by_name, expected);
    let rules: Vec<&str> = report.obligations.iter().map(|one| one.rule.as_str()).collect();
    let catalogue: Vec<&str> = tracecheck::rules().iter().map(|info| info.id).collect();
    assert_eq!(rules, catalogue, "rules that nothing triggered are named too");
    // A trace of the first is kept; a replay makes the others again.
    let traces = fs::read_dir(there.path().join("traces")).expect("traces").count();
    assert_eq!(traces, 1);
}

fn a_killed_soak_goes_on() {
    let (killed, whole) = (directory(), directory());
    let progress = killed.path().join("progress.jsonl");
    let mut running =
        command(&["lab2a"], killed.path()).stderr(Stdio::null()).spawn().expect("the command starts");
    let lines = || fs::read_to_string(&progress).map_or(0, |text| text.lines().count());
    while lines() < 6 {
        std::thread::sleep(Duration::from_millis(2));
        assert!(running.try_wait().expect("a child").is_none(), "it ended before it was killed");
    }
    running.kill().expect("it runs");
    running.wait().expect("a child");
    assert!(!killed.path().join("report.json").exists(), "a report of what is not done");
    // As if it had been killed in the middle of a write.
    let mut torn = fs::read(&progress).expect("progress");
    let half = torn.iter().rposition(|byte| *byte == b'{').map_or(0, |at| torn.len() - at) / 2;
    let last = torn[torn.len() - 2 * half..torn.len() - half].to_vec();
    torn.extend(last);
    fs::write(&progress, torn).expect("it can be written");
    let out = soak(&["lab2a"], killed.path());
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(text(&out.stderr).starts_with("Going on after "), "{}", text(&out.stderr));
    soak(&["lab2a"], whole.path());
    assert_eq!(report(killed.path()), report(whole.path()));
    assert_eq!(report(killed.path()).failures[0].failures.seeds, bug());
}

fn more_seeds_and_fewer() {
    let (grown, whole) = (directory(), directory());
    let few = soak(&["--seeds", "60"], grown.path());
    assert_eq!(few.status.code(), Some(0), "{}", text(&few.stderr));
    // The seed with which this one dies is 77.
    let more = soak(&["lab2a", "--seeds", "400"], grown.path());
    assert_eq!(more.status.code(), Some(1), "{}", text(&more.stderr));
    assert!(text(&more.stderr).starts_with("Going on after 121 of 801 runs;"), "{}", text(&more.stderr));
    soak(&["lab2a", "--seeds", "400"], whole.path());
    assert_eq!(report(grown.path()), report(whole.path()));
    let again = soak(&["lab2a", "--seeds", "100"], grown.path());
    assert!(text(&again.stderr).starts_with("All 201 runs were made already;"), "{}", text(&again.stderr));
    assert_eq!((again.status.code(), report(grown.path())), (Some(1), report(whole.path())));
    let fresh = soak(&["lab2a", "--seeds", "100", "--fresh"], grown.path());
    assert_eq!((fresh.status.code(), report(grown.path()).runs), (Some(0), 201));
    assert!(text(&fresh.stderr).starts_with("201 runs. Ctrl-C "), "{}", text(&fresh.stderr));
}

fn the_report_for_people() {
    let there = directory();
    let out = soak(&["lab2a_02", "lab2a_03", "--seeds", "4000"], there.path());
    assert!(text(&out.stderr).contains("\nlab2a_02_one_in_a_thousand, seed 171, fails: E1\n"));
    let said = text(&out.stdout);
    let wide = |line: &&str| line.chars().count() > 80 && !line.contains("jsonl") && !line.contains("report");
    assert_eq!(said.lines().find(wide), None);
    assert!(said.starts_with("lab2a_02_one_in_a_thousand, seed 171, failed\n"), "{said}");
    let (_, end) = said.split_once("  like this ").expect("the failing seeds");
    let masked = |line: &str| match line.split_whitespace().next() {
        Some("took") => "  took          …".to_owned(),
        Some("build") => "  build         …".to_owned(),
        Some("report") => "  report        …".to_owned(),
        _ => line.to_owned(),
    };
    let end: Vec<String> = end.lines().map(masked).collect();
    let expected = "  4 seeds: 171, 3345, 3568, 3915

4,001 runs of 2 scenarios: 4 FAILED.

  seeds         0 to 3,999 of each scenario; 1 script, which no seed changes,
                once
  virtual time  16.0 s
  events        16,003
  RPCs          8,002, with 40,010 bytes
  took          …
  obligations   43,988 of 4 rules met
                T1  16,003   S1   4,001   S3   4,001   E1  19,983
  not exercised C1 C2 D1 E2–E10 K1–K7 L1–L12 S2 T2 T3

  build         …
  report        …";
    assert_eq!(end.join("\n"), expected, "{said}");
}

fn a_program_that_dies_is_named_with_its_seed() {
    let there = directory();
    let out = soak(&["lab2b", "--seeds", "200", "--jobs", "3"], there.path());
    let said = text(&out.stderr);
    let sentence = "error: the test program died (exit status: 3) in lab2b_01_dies with seed 77: ";
    assert!(out.status.code() == Some(1) && said.contains(sentence), "{said}");
    assert!(said.contains(" cargo labs replay lab2b_01_dies 77\n"), "{said}");
    // Everything before it is kept.
    let again = soak(&["lab2b", "--seeds", "200"], there.path());
    assert!(text(&again.stderr).starts_with("Going on after 77 of 200 runs;"), "{}", text(&again.stderr));
}

fn what_is_no_soak_of_this_build_is_refused() {
    let there = directory();
    let refused = |sentence: &str| {
        let before = fs::read(there.path().join("progress.jsonl")).expect("progress");
        let out = soak(&["lab2a", "--seeds", "20"], there.path());
        let said = text(&out.stderr);
        assert!(out.status.code() == Some(2) && said.contains(sentence), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        assert_eq!(
            fs::read(there.path().join("progress.jsonl")).expect("progress"),
            before,
            "nothing is lost"
        );
    };
    let identity = |fingerprint: &str| Identity::new(fingerprint.to_owned(), 0);
    let held = State::open(there.path(), identity("another"), false).expect("a new soak");
    refused("error: another soak runs in ");
    drop(held);
    refused(
        "is of another build, whose results say nothing about this one: choose another --dir, or forget it",
    );
    let fresh = soak(&["lab2a", "--seeds", "20", "--fresh"], there.path());
    assert_eq!(fresh.status.code(), Some(0), "{}", text(&fresh.stderr));
    let from = soak(&["--from", "7"], there.path());
    let said = text(&from.stderr);
    assert!(
        from.status.code() == Some(2) && said.contains("begins with seed 0, not 7: choose another"),
        "{said}"
    );
    let progress = there.path().join("progress.jsonl");
    let good = fs::read_to_string(&progress).expect("progress");
    let lines: Vec<&str> = good.lines().collect();
    // A piece that is missing or there twice is told, and so is one that cannot be read.
    let twice = good.replacen(lines[1], &[lines[1], lines[1]].join("\n"), 1);
    let broken = good.replacen(lines[1], &lines[1][..lines[1].len() / 2], 1);
    for (text, number) in [(twice, 3), (broken, 2)] {
        fs::write(&progress, text).expect("it can be written");
        refused(&format!("error: line {number} of "));
    }
    fs::write(&progress, good.replacen("\"soak\":1", "\"soak\":2", 1)).expect("it can be written");
    refused("was written by another version of raftlab: choose another --dir, or forget it with --fresh");
}

fn mistakes_are_one_sentence() {
    let there = directory();
    let path = |name: &str| there.path().join(name);
    fs::write(path("file"), "").expect("a file");
    fs::create_dir(path("photos")).expect("a directory");
    fs::write(path("photos").join("cat.jpg"), "").expect("a file");
    let last = u64::MAX.to_string();
    let cases: [(&[&str], &str, &str); 6] = [
        (&["--seeds", "0"], "new", "how many seeds to run is a whole number, 1 or more, such as --seeds 10"),
        (&["--from", "x"], "new", "a seed is a whole number, 0 or more, such as 7"),
        (&["--from", &last], "new", "error: there are no 10000 seeds from "),
        (&["lab9"], "new", "error: no scenario's name begins with `lab9`; there are lab2a and lab2b"),
        (&[], "file", "error: a soak cannot be kept in "),
        (
            &["--fresh"],
            "photos",
            "photos holds cat.jpg, which is no soak's: name an empty or a new directory",
        ),
    ];
    for (arguments, directory, sentence) in cases {
        let out = soak(arguments, &path(directory));
        let said = text(&out.stderr);
        assert!(out.status.code() == Some(2) && said.contains(sentence), "{arguments:?}: {said}");
    }
    assert!(path("photos").join("cat.jpg").exists());
    for (program, sentence) in [
        ("gone", "gone: --binary takes a built one\n"),
        ("file", "file is no test program with scenarios: the test program "),
    ] {
        let mut labs = Command::new(env!("CARGO_BIN_EXE_labs"));
        let out = labs.args(["soak", "--binary", program]).current_dir(there.path()).output();
        let out = out.expect("it starts");
        let said = text(&out.stderr);
        assert!(out.status.code() == Some(2) && said.contains(sentence), "{said}");
    }
}
