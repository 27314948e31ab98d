//! What a stress finds, groups and shrinks; and what is played again from a file.

use labs::shrink::Schedule;
use labs::stress::Report;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(crate) const TESTS: &[(&str, fn())] = &[
    ("stress::failures_are_grouped_and_shrunk", failures_are_grouped_and_shrunk),
    ("stress::the_report_for_people", the_report_for_people),
    ("stress::a_killed_stress_goes_on", a_killed_stress_goes_on),
    ("stress::what_could_not_be_judged_is_no_pass", what_could_not_be_judged_is_no_pass),
    ("stress::a_soak_is_no_stress", a_soak_is_no_stress),
    ("stress::a_file_is_played_again", a_file_is_played_again),
    ("stress::files_that_cannot_be_played", files_that_cannot_be_played),
    ("stress::a_seed_is_the_same_in_any_company", a_seed_is_the_same_in_any_company),
];

/// A command on this very program in its other role.
fn labs(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
    let me = std::env::current_exe().expect("a running program has a path");
    command.args(arguments).arg("--binary").arg(me);
    command.env("RAFTLAB_FAKE", "stress").env_remove("RAFTLAB_PATIENCE");
    command
}

fn stress(arguments: &[&str], directory: &Path) -> Output {
    let directory = directory.to_str().expect("a path of plain letters");
    labs(&[&["stress"], arguments, &["--dir", directory]].concat()).output().expect("the command starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn report(directory: &Path) -> Report {
    let text = fs::read_to_string(directory.join("report.json")).expect("a report");
    let mut report: Report = serde_json::from_str(&text).expect("the format of reports");
    report.groups.iter_mut().for_each(|group| group.file = None);
    report
}

fn failures_are_grouped_and_shrunk() {
    let there = directory();
    let out = stress(&["lab2c", "lab2a_01", "--seeds", "60", "--format", "json"], there.path());
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert_eq!(text(&out.stdout), fs::read_to_string(there.path().join("report.json")).expect("a report"));
    let report = report(there.path());
    assert_eq!((report.runs, report.failed, report.not_judged), (180, 50, 0));
    let [rule, expectation] = &report.groups[..] else { panic!("two causes: {:?}", report.groups) };
    let odd: Vec<u64> = (0..60).filter(|seed| seed % 2 == 1).collect();
    let third: Vec<u64> = (0..60).filter(|seed| seed % 3 == 0).collect();
    assert_eq!((rule.cause.as_str(), &rule.seeds["lab2c_01_troubled"]), ("E1", &odd));
    assert_eq!(rule.replay(), format!("cargo labs replay lab2c_01_troubled {}", rule.seed));
    assert_eq!((expectation.runs, &expectation.seeds["lab2c_02_expects_trouble"]), (20, &third));
    let faults = |group: &labs::stress::Group| {
        let shrunk = group.shrunk.as_ref().expect("it was shrunk");
        (shrunk.before.faults, shrunk.after.faults)
    };
    assert_eq!((faults(rule), faults(expectation)), ((14, 2), (6, 1)));
    let file = there.path().join("shrunk").join(format!("lab2c_01_troubled-{}.toml", rule.seed));
    assert_eq!(Schedule::read(&file).expect("a schedule").cause, "E1");
    let without = stress(&["lab2c", "lab2a_01", "--seeds", "60", "--no-shrink"], there.path());
    assert!(
        text(&without.stderr).starts_with("All 180 runs were made already;"),
        "{}",
        text(&without.stderr)
    );
    assert!(self::report(there.path()).groups.iter().all(|group| group.shrunk.is_none()));
    let passing = stress(&["lab2a_01", "--seeds", "20", "--fresh"], there.path());
    let said = text(&passing.stdout);
    assert_eq!(passing.status.code(), Some(0));
    assert!(said.starts_with("20 runs of 1 scenario, seeds 0 to 19 of each: all passed.\n"), "{said}");
    assert!(!file.exists(), "what an earlier stress found is forgotten");
}

fn the_report_for_people() {
    let there = directory();
    let out = stress(&["lab2c_01", "lab2a_03", "--seeds", "20", "--from", "100"], there.path());
    let said = text(&out.stdout);
    let long = |line: &&str| line.chars().count() > 80 && !line.contains(".toml") && !line.contains("report");
    assert_eq!(said.lines().find(long), None);
    let begin = "21 runs of 2 scenarios, seeds 100 to 119 of each: 10 FAILED, for 1 cause.

1  E1: 10 runs of lab2c_01_troubled
  happened    s1 proposed itself in term 1, which was not new to it.
";
    assert!(said.starts_with(begin), "{said}");
    for line in [
        "  seeds       101, 103, 105, 107, 109, 111, 113, 115, …",
        "faults 14 → 2",
        "s  crash s3\n",
        "s  pause s2\n",
        "              the test waits for at most 10 ms at a time\n",
        "              c1, c3, c4 do nothing\n",
        "  whole       cargo labs replay lab2c_01_troubled 101\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(said.lines().count() <= 24, "{said}");
}

fn a_killed_stress_goes_on() {
    let (killed, whole) = (directory(), directory());
    let progress = killed.path().join("progress.jsonl");
    let place = killed.path().to_str().expect("a path of plain letters");
    let arguments = ["lab2c", "--seeds", "400", "--no-shrink"];
    let mut command = labs(&[&["stress"], &arguments[..], &["--dir", place]].concat());
    let mut running = command.stderr(Stdio::null()).spawn().expect("the command starts");
    let lines = || fs::read_to_string(&progress).map_or(0, |text| text.lines().count());
    while lines() < 4 {
        std::thread::sleep(Duration::from_millis(2));
        assert!(running.try_wait().expect("a child").is_none(), "it ended before it was killed");
    }
    running.kill().expect("it runs");
    running.wait().expect("a child");
    // As if it had been killed in the middle of a write.
    let mut torn = fs::read(&progress).expect("progress");
    torn.extend(b"{\"scenario\":\"lab2c_01_trou");
    fs::write(&progress, torn).expect("it can be written");
    let out = stress(&arguments, killed.path());
    assert!(text(&out.stderr).starts_with("Going on after "), "{}", text(&out.stderr));
    stress(&arguments, whole.path());
    assert_eq!(report(killed.path()), report(whole.path()));
    assert_eq!(report(killed.path()).runs, 800);
}

fn what_could_not_be_judged_is_no_pass() {
    let there = directory();
    let out = stress(&["lab2b", "--seeds", "100", "--jobs", "3"], there.path());
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    let report = report(there.path());
    assert_eq!((report.runs, report.failed, report.not_judged), (100, 0, 1));
    assert_eq!(report.groups[0].seeds["lab2b_01_dies"], [77]);
    let said = text(&out.stdout);
    let begin = "100 runs of 1 scenario, seeds 0 to 99 of each: none failed; 1 COULD NOT BE\nJUDGED.\n";
    assert!(said.starts_with(begin), "{said}");
    assert!(said.contains("\n1  not judged: the test program died: 1 run of lab2b_01_dies\n"), "{said}");
    assert!(said.contains("  replay      cargo labs replay lab2b_01_dies 77\n"), "{said}");
}

fn a_soak_is_no_stress() {
    let there = directory();
    stress(&["lab2a_01", "--seeds", "5"], there.path());
    let place = there.path().to_str().expect("a path of plain letters");
    let out = labs(&["soak", "lab2a_01", "--dir", place]).output().expect("it starts");
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2));
    assert!(
        said.contains(" holds a stress, and this is a soak: choose another --dir, or forget it"),
        "{said}"
    );
    let none = labs(&["stress"]).output().expect("it starts");
    assert!(none.status.code() == Some(2) && text(&none.stderr).contains("<TEST>"), "{}", text(&none.stderr));
}

/// Shrinks seed 3 of the troubled scenario into a file.
fn shrunk(there: &Path) -> String {
    let file = there.join("run.toml").to_str().expect("a path of plain letters").to_owned();
    let out = labs(&["shrink", "lab2c_01_troubled", "3", "--out", &file]).output().expect("it starts");
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert!(said.starts_with("lab2c_01_troubled, seed 3, was shrunk in "), "{said}");
    assert!(said.ends_with(&format!("  replay      cargo labs replay {file}\n")), "{said}");
    file
}

fn replayed(file: &str) -> (Option<i32>, String, String) {
    let there = directory();
    let out = labs(&["replay", file]).env("RAFTLAB_TRACE_DIR", there.path()).output().expect("it starts");
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

fn a_file_is_played_again() {
    let there = directory();
    let file = shrunk(there.path());
    let written = fs::read_to_string(&file).expect("a file");
    let schedule = Schedule::parse(&written).expect("a schedule");
    assert_eq!(
        (schedule.test.as_str(), schedule.seed, schedule.cause.as_str()),
        ("lab2c_01_troubled", 3, "E1")
    );
    assert!(written.contains("#   left        ") && written.contains("  pause s2\n"), "{written}");
    let (code, said, _) = replayed(&file);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("\n  again       cargo labs replay {file}\n")), "{said}");
    assert!(said.lines().last().is_some_and(|line| line.contains("cargo tracecheck log ")), "{said}");
    // Without the faults that matter there is no failure.
    let no_faults = written.replace("faults = [7, 14]", "faults = [7]");
    assert_ne!(no_faults, written);
    fs::write(&file, &no_faults).expect("it can be written");
    let (code, said, _) = replayed(&file);
    assert_eq!(code, Some(0));
    assert!(said.contains("\nThe failure is no longer there: "), "{said}");
    assert!(said.replace('\n', " ").contains("cargo labs replay lab2c_01_troubled 3 "), "{said}");
    fs::write(&file, written.replace("cause = \"E1\"", "cause = \"E4\"")).expect("it can be written");
    let (code, said, _) = replayed(&file);
    assert_eq!(code, Some(1));
    assert!(said.contains("\nThis is another failure than the one that was shrunk, which was: "), "{said}");
}

fn files_that_cannot_be_played() {
    let there = directory();
    let file = shrunk(there.path());
    let written = fs::read_to_string(&file).expect("a file");
    for (text, sentence) in [
        ("schedule = ".to_owned(), " is no schedule, because it is no TOML: "),
        ("seed = 3\n".to_owned(), " is no schedule of a shrunk run: it has no line such as `schedule = 1`;"),
        (
            written.replace("schedule = 1", "schedule = 2"),
            " was written by another version of raftlab: shrink",
        ),
        (written.replace("seed = 3", "seed = \"x\""), "`seed` is no whole number, 0 or more"),
        (written.replace("seed = 3", "seed = 3\nseeds = 4"), "unknown field `seeds`"),
        (written.replace("prompt = true", "prompts = true"), "unknown field `prompts`"),
        (
            written.replace("lab2c_01_troubled\"", "lab2c_01_trouble\""),
            ": no scenario is called `lab2c_01_trouble`;",
        ),
    ] {
        assert_ne!(text, written, "{sentence}");
        fs::write(&file, text).expect("it can be written");
        let (code, out, said) = replayed(&file);
        assert!(code == Some(2) && said.contains(sentence), "{sentence}: {said}");
        assert!(out.is_empty() && said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    }
    let (code, _, said) = replayed("gone.toml");
    assert!(code == Some(2) && said.starts_with("error: the schedule gone.toml cannot be read: "), "{said}");
    let (code, _, said) = replayed("lab2c_01_troubled");
    assert!(
        code == Some(2) && said.starts_with("error: a replay takes a test and a seed, such as "),
        "{said}"
    );
    let out = labs(&["replay", &file, "3"]).output().expect("it starts");
    assert!(out.status.code() == Some(2) && text(&out.stderr).contains("has its own seed: leave out the 3"));
    let seed = written.replace("seed = 3", "seed = \"18446744073709551615\"");
    let last = Schedule::parse(&seed).expect("seeds may be larger than TOML's numbers");
    assert_eq!(last.seed, u64::MAX);
    let place = there.path().to_str().expect("a path of plain letters");
    let out = labs(&["shrink", "lab2c_01_troubled", "3", "--out", place]).output().expect("it starts");
    assert!(text(&out.stderr).starts_with("error: --out takes a file, and "), "{}", text(&out.stderr));
    let out = labs(&["shrink", "lab2c_01_troubled", "2"]).output().expect("it starts");
    let said = text(&out.stderr);
    assert_eq!(said, "error: lab2c_01_troubled passes with seed 2: there is no failure to shrink\n");
}

/// The hash of one seed's trace, as the program itself tells it.
fn hashes(arguments: &[&str]) -> Vec<(String, u64, String)> {
    use scenario::line::Line;
    let there = directory();
    let me = std::env::current_exe().expect("a running program has a path");
    let mut command = Command::new(me);
    command.args([&["--raftlab", "run"], arguments].concat()).env("RAFTLAB_FAKE", "stress");
    let out = command.env("RAFTLAB_TRACE_DIR", there.path()).output().expect("it starts");
    let lines = text(&out.stdout);
    let mut hashes: Vec<_> = lines
        .lines()
        .filter_map(|line| match serde_json::from_str(line) {
            Ok(Line::Run(run)) => Some((run.scenario, run.seed, run.hash.expect("a hash"))),
            _ => None,
        })
        .collect();
    hashes.sort();
    hashes
}

fn a_seed_is_the_same_in_any_company() {
    let names = "lab2c_01_troubled,lab2c_02_expects_trouble";
    let turned = "lab2c_02_expects_trouble,lab2c_01_troubled";
    let all = hashes(&["--names", names, "--seeds", "12"]);
    assert_eq!(all.len(), 24);
    assert_eq!(hashes(&["--names", names, "--seeds", "12"]), all, "another process");
    assert_eq!(hashes(&["--names", turned, "--seeds", "12"]), all, "another order");
    assert_eq!(hashes(&["--names", names, "--seeds", "12", "--jobs", "2"]), all, "two at a time");
    let alone = hashes(&["--names", "lab2c_01_troubled", "--seed", "11"]);
    assert!(all.contains(&alone[0]), "alone");
}
