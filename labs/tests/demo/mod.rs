//! The stories: that each recording is what its script claims, and how a story reads.

use labs::demo::{Beliefs, Files, Recording, STORIES, Story, pages};
use std::path::Path;
use std::process::{Command, Stdio};
use tracecheck::Verdict;

/// The whole text of a story.
fn text(files: &Files, color: bool) -> String {
    pages(files, color).expect("a story in order").join("\n")
}

fn story(files: &Files) -> Story {
    Story::parse(files.script).expect("a script with its facts")
}

#[test]
fn the_wrong_one_breaks_the_rule_and_the_right_one_keeps_it() {
    for files in &STORIES {
        let story = story(files);
        let wrong = Recording::read(files.wrong, &story).expect("a trace of this script");
        let broken = wrong.broken.as_ref().expect("a broken rule");
        assert_eq!(broken.violation.rule.id, story.rule, "{}", files.name);
        assert_eq!(wrong.verdicts.failed().count(), 1, "{}: one mistake, one rule", files.name);
        let right = Recording::read(files.right, &story).expect("a trace of this script");
        assert_eq!(right.verdicts.failed().next(), None, "{}", files.name);
        let kept = right.verdicts.get(&story.rule);
        assert!(matches!(kept, Some(Verdict::Pass(1..))), "{}: {kept:?}", files.name);
        // The script goes on after the moment: there is something to see of the right one.
        assert_eq!(right.lines.len(), story.lines().count() + 1);
        assert!(broken.line < right.lines.len() - 1, "{}", files.name);
        assert_ne!(wrong.lines[broken.line], right.lines[broken.line], "{}", files.name);
    }
}

#[test]
fn stories_fit_on_a_terminal_without_colour() {
    for files in &STORIES {
        let plain = text(files, false);
        let wide = |line: &&str| line.chars().count() > 80;
        assert_eq!(plain.lines().find(wide), None, "{}", files.name);
        assert!(!plain.contains('\x1b'), "{}", files.name);
        let colored = text(files, true);
        assert!(colored.contains('\x1b'), "{}", files.name);
        let stripped = anstream::adapter::strip_str(&colored).to_string();
        let stripped: Vec<&str> = stripped.lines().map(str::trim_end).collect();
        assert!(
            stripped == plain.lines().collect::<Vec<_>>(),
            "{}: colour says nothing of its own",
            files.name
        );
    }
}

/// Accept a change with `RAFTLAB_UPDATE_GOLDEN=1 cargo test -p labs demo`, and review the difference as text.
#[test]
fn a_story_as_it_reads() {
    let files = STORIES.iter().find(|files| files.name == "lost-vote").expect("the story");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo/lost-vote.txt");
    let reads = text(files, false);
    if std::env::var_os("RAFTLAB_UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &reads).expect("it can be written");
    }
    let expected = std::fs::read_to_string(&path).expect("the expected text");
    let differs = reads.lines().zip(expected.lines()).position(|(one, two)| one != two);
    assert_eq!(reads, expected, "first in line {:?}", differs.map(|at| at + 1));
}

#[test]
fn beliefs_follow_logs_snapshots_and_disks() {
    let files = STORIES.iter().find(|files| files.name == "snapshot").expect("the story");
    let recording = Recording::read(files.right, &story(files)).expect("a trace");
    let mut beliefs = Beliefs::new(&recording.header);
    let mut seen = Vec::new();
    for line in &recording.lines {
        line.iter().for_each(|record| beliefs.take(record));
        let first = beliefs.lines()[0].clone();
        if seen.last() != Some(&first) {
            seen.push(first);
        }
    }
    let expected = [
        "s1  follower        t0  vote -                              disk t0 vote -",
        "s1  follower of s2  t1  vote -   log 1 1 1 1    commit 0    disk t0 vote -",
        "s1  follower of s2  t1  vote -   log 1 1 1 1    commit 0    disk t1 vote -",
        "s1  follower of s2  t1  vote -   log [2] 1 1    commit 2    disk t1 vote -",
        "s1  down                                                    disk t1 vote -",
        "s1  follower        t1  vote -   log [2] 1 1    commit 2    disk t1 vote -",
        "s1  pre-candidate   t1  vote -   log [2] 1 1    commit 2    disk t1 vote -",
        "s1  candidate       t2  vote s1  log [2] 1 1    commit 2    disk t1 vote -",
        "s1  candidate       t2  vote s1  log [2] 1 1    commit 2    disk t2 vote s1",
        "s1  leader          t2  vote s1  log [2] 1 1 2  commit 2    disk t2 vote s1",
    ];
    assert_eq!(seen, expected);
}

/// A recording that is not what its story claims is never played.
#[test]
fn recordings_of_something_else_are_refused() {
    let [one, two, ..] = STORIES;
    let cut = &two.right[..two.right.len() - 400];
    let cases = [
        (Files { wrong: two.right, ..two }, "its wrong implementation does not break L3"),
        (Files { right: two.wrong, ..two }, "its right implementation does not keep every rule"),
        (Files { wrong: one.wrong, ..two }, "its wrong implementation does not break L3"),
        (Files { right: cut, ..two }, "is cut off"),
        (Files { script: "# title\n# rule: L3\n", ..two }, "the head of the script says no `wrong`"),
        (Files { script: "", ..two }, "the script has no title"),
    ];
    for (files, sentence) in cases {
        let said = pages(&files, false).expect_err("a story out of order");
        let kit =
            said.starts_with("the demo figure8 is out of order: ") && said.ends_with("a fault of the kit");
        assert!(kit && said.contains(sentence), "{said}");
    }
    // A script that lost its end no longer fits to its recordings.
    let (shorter, _) = two.script.rsplit_once("\n\n").expect("scenes");
    let shorter: &'static str = Box::leak(shorter.to_owned().into_boxed_str());
    let said = pages(&Files { script: shorter, ..two }, false).expect_err("a story out of order");
    assert!(said.contains("the trace goes on after the script's last line"), "{said}");
}

#[test]
fn what_the_stories_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace");
    let tests =
        ["lab2a", "lab2b", "lab2c", "lab2d"].map(|lab| root.join(format!("raft/tests/labs/{lab}.rs")));
    let tests = tests.map(|path| std::fs::read_to_string(path).expect("the scenarios")).concat();
    for files in &STORIES {
        let lab = story(files).lab;
        assert!(tests.contains(&format!("\"{lab}\"")), "{lab}");
        // Students have no mutants.
        let mutants = root.join("grading/mutants");
        let mutant = mutants.join(format!("{}.toml", story(files).mutant));
        assert!(!mutants.is_dir() || mutant.is_file(), "{}", mutant.display());
    }
    let mut there: Vec<String> = std::fs::read_dir(root.join("labs/demos"))
        .expect("the stories")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let kinds = ["right.jsonl", "script", "wrong.jsonl"];
    let mut told: Vec<String> =
        STORIES.iter().flat_map(|files| kinds.map(|kind| format!("{}.{kind}", files.name))).collect();
    there.sort();
    told.sort();
    assert_eq!(there, told, "a story without its recordings, or one that nobody can play");
}

#[test]
fn from_the_command_line() {
    let demo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labs"));
        let output = command.arg("demo").args(arguments).stdin(Stdio::null()).output().expect("it starts");
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), said(&output.stdout), said(&output.stderr))
    };
    let (code, listed, _) = demo(&[]);
    let named = STORIES.iter().all(|files| listed.contains(&format!("\n  {:<13}", files.name)));
    assert!(code == Some(0) && named, "{listed}");
    let (code, said, _) = demo(&["figure8"]);
    let figure8 = STORIES.iter().find(|files| files.name == "figure8").expect("the story");
    assert_eq!((code, said), (Some(0), text(figure8, false)), "nothing waits, nothing is coloured");
    let (code, _, said) = demo(&["figure9"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(2), "error: no demo is called `figure9`; did you mean figure8?\n")
    );
    let (code, _, said) = demo(&["x"]);
    let sentence = "error: no demo is called `x`; there are one-way-cut, figure8, lost-vote and snapshot\n";
    assert_eq!((code, said.as_str()), (Some(2), sentence));
    let (code, _, said) = demo(&["figure8", "--auto", "-1"]);
    assert!(code == Some(2) && said.contains("a pause is a whole number of milliseconds"), "{said}");
}
