//! The command line: exit codes, and one clear sentence for every file that cannot be judged.

use crate::builder::{Script, s};
use crate::builder_kv::{get, op};
use crate::cases::{Expect, all};
use crate::command::{Cli, Ran};
use std::io::Read;
use std::process::Stdio;
use tracecheck::rules;
use tracecheck::schema::Node;

fn good() -> Script {
    let mut script = Script::started(3);
    script.election(1, 2, 1);
    script.heartbeat(1, 2, 1);
    script.end()
}

fn bad() -> Script {
    let fails = |case: &crate::cases::Case| case.rule == "E3" && matches!(case.expect, Expect::Fail(..));
    all().into_iter().find(fails).expect("E3 has a failing trace").script
}

/// The text without its last `cut` bytes.
fn cut(text: &str, cut: usize) -> &str {
    &text[..text.len() - cut]
}

#[test]
fn exit_codes_are_the_verdicts() {
    let cli = Cli::new();
    let pass = cli.file("pass.jsonl", good().text());
    let fail = cli.file("fail.jsonl", bad().text());
    let unknown = cli.file("unknown.jsonl", cut(&good().text(), 20));
    let codes = |files: &[&str]| cli.run(&[&["check", "--quiet"], files].concat()).code;
    assert_eq!(codes(&[&pass]), 0);
    assert_eq!(codes(&[&fail]), 1);
    assert_eq!(codes(&["missing.jsonl"]), 2);
    assert_eq!(codes(&[&unknown]), 3);
    assert_eq!(codes(&[&pass, &unknown]), 3);
    assert_eq!(codes(&[&unknown, "missing.jsonl", &pass]), 2);
    assert_eq!(codes(&["missing.jsonl", &fail, &unknown]), 1);
    assert_eq!(cli.run(&["check"]).code, 2, "no file");
    assert_eq!(cli.run(&["check", "--no-such-option", &pass]).code, 2);
    assert_eq!(cli.run(&["--help"]).code, 0);
}

#[test]
fn a_check_shows_every_rule_and_explains_what_failed() {
    let cli = Cli::new();
    let fail = cli.file("fail.jsonl", bad().text());
    let Ran { code, out, err } = cli.run(&["check", &fail]);
    assert_eq!((code, err.as_str()), (1, ""));
    for info in rules() {
        assert!(
            out.lines().any(|line| line.starts_with(&format!("  {:<4}", info.id))),
            "{}:\n{out}",
            info.id
        );
    }
    assert!(out.contains("FAIL            -  s2 voted twice in term 4: first for s1, then for s3."), "{out}");
    assert!(out.contains("fail.jsonl, line 19:\nE3 s2 voted twice in term 4"), "{out}");
    assert!(out.contains(">  0.0180 votes for s3 t4\n>         ^ second vote, for s3"), "{out}");
    let quiet = cli.run(&["check", "--quiet", &fail]).out;
    assert_eq!(quiet, format!("{fail}: fail: E3: s2 voted twice in term 4: first for s1, then for s3.\n"));
    let piped = cli.run_with_input(&["check", "-"], &bad().text());
    assert_eq!(piped.code, 1);
    assert!(piped.out.contains("standard input, line 19:"), "{}", piped.out);
    assert!(piped.out.contains("  s2#6: second vote, for s3"), "{}", piped.out);
}

#[test]
fn json_for_programs() {
    let cli = Cli::new();
    let fail = cli.file("fail.jsonl", bad().text());
    let pass = cli.file("pass.jsonl", good().text());
    let Ran { code, out, .. } = cli.run(&["check", "--format", "json", &fail, &pass, "missing.jsonl"]);
    assert_eq!(code, 1);
    let values: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(values[0]["overall"], "fail");
    let rules = values[0]["rules"].as_array().expect("a list");
    let broken = rules.iter().find(|rule| rule["rule"] == "E3").expect("E3 is judged");
    assert_eq!(broken["line"], 19);
    assert_eq!(broken["witnesses"][0]["line"], 15);
    assert_eq!(broken["witnesses"][0]["note"], "first vote, for s1");
    assert_eq!(values[1]["overall"], "pass");
    assert_eq!(values[2]["overall"], "unreadable");
    assert!(values[2]["problem"].as_str().is_some_and(|text| text.contains("no such file")));
}

/// The sentence for each kind of file that is no trace.
#[test]
fn what_cannot_be_read_gets_one_sentence() {
    let cli = Cli::new();
    let text = good().text();
    let second = text.lines().nth(1).expect("a record");
    let header = text.lines().next().expect("a header");
    let long = format!("{header}\n{}\n", "x".repeat(17 << 20));
    let files: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "it is empty: a trace begins with a header line"),
        ("words", b"hello\nworld\n".to_vec(), "line 1 is not JSON"),
        ("binary", vec![0x1f, 0x8b, 8, 0xff, 0xfe, b'\n', 1], "line 1 is not text"),
        ("old", text.replacen("\"schema\":1", "\"schema\":7", 1).into(), "line 1 says schema version 7, but"),
        ("headless", format!("{second}\n").into(), "line 1 is not a trace header"),
        ("other", b"{\"a\":1}\n".to_vec(), "line 1 is not a trace header"),
        ("action", text.replace("CoordFail", "CoordNap").into(), "line 5 has the action `CoordNap`"),
        ("field", text.replacen("\"seq\":1,", "\"seq\":1,\"sec\":1,", 1).into(), "line 2 is not a record"),
        ("broken", text.replacen("\"seq\":1,", "\"seq\":,", 1).into(), "line 2 is not JSON"),
        ("twice", format!("{text}{text}").into(), "is a second header: a file holds one run"),
        ("long", long.into(), "line 2 is longer than 16 MiB"),
        ("deep", format!("{header}\n{}\n", "[".repeat(100_000)).into(), "line 2 is not"),
    ];
    for (name, content, sentence) in files {
        let path = cli.file(name, content);
        for command in ["check", "log"] {
            let Ran { code, err, .. } = cli.run(&[command, &path]);
            assert_eq!(code, 2, "{name}: {err}");
            assert!(err.contains(&path) && err.contains(sentence), "{name}: {err}");
            assert_eq!(err.lines().count(), 1, "{name}: {err}");
        }
    }
    for (path, sentence) in [("nowhere.jsonl", "there is no such file"), (".", "this is a directory")] {
        for command in ["check", "log"] {
            let Ran { code, err, .. } = cli.run(&[command, path]);
            assert_eq!((code, err.lines().count()), (2, 1), "{err}");
            assert!(err.contains(sentence), "{err}");
        }
    }
}

#[test]
fn a_truncated_trace_is_unknown_but_still_fails_what_it_shows() {
    let cli = Cli::new();
    let (text, broken) = (good().text(), bad().text());
    let lines = text.lines().count();
    let whole_line = cli.file("whole_line.jsonl", text.rsplit_once("{").expect("a last line").0);
    let middle = cli.file("middle.jsonl", cut(&text, 20));
    let no_newline = cli.file("no_newline.jsonl", cut(&text, 1));
    let header = cli.file("header.jsonl", &text[..30]);
    let fails = cli.file("fails.jsonl", cut(&broken, 20));
    let mut bytes = text.clone().into_bytes();
    bytes.extend_from_slice(b"{\"node\":\"\xc3");
    let letter = cli.file("letter.jsonl", bytes);
    let Ran { code, err, out } = cli.run(&["check", &middle]);
    assert_eq!(code, 3);
    assert!(
        err.contains(&format!("middle.jsonl: line {lines} is cut off: the trace is truncated;")),
        "{err}"
    );
    assert!(out.contains("unknown"), "{out}");
    assert_eq!(cli.run(&["check", &whole_line]).code, 3, "no RunEnd");
    assert_eq!(cli.run(&["check", &no_newline]).code, 0, "only the newline is missing");
    assert_eq!(cli.run(&["check", &header]).code, 3);
    assert_eq!(cli.run(&["check", &letter]).code, 3);
    let Ran { code, out, .. } = cli.run(&["check", &fails]);
    assert_eq!(code, 1, "a violation stays one");
    assert!(out.contains("s2 voted twice"), "{out}");
    assert_eq!(cli.run(&["log", &middle]).code, 3);
    let broken_later = broken.replacen("RunEnd", "RunEmd", 1);
    let later = cli.file("later.jsonl", broken_later);
    assert_eq!(cli.run(&["check", &later]).code, 1, "a violation before the line that cannot be read");
}

#[test]
fn a_broken_clock_names_its_line() {
    let cli = Cli::new();
    let mut script = good();
    script.records[4].clock = Some(vec![(Node::from(s(9)), 4)]);
    let path = cli.file("clock.jsonl", script.text());
    let Ran { code, out, .. } = cli.run(&["check", &path]);
    assert_eq!(code, 1);
    assert!(out.contains("clock.jsonl, line 6:\nT3 The clock of s1#3 counts"), "{out}");
}

#[test]
fn a_log_shows_columns_without_heartbeats() {
    let cli = Cli::new();
    let path = cli.file("good.jsonl", good().text());
    let Ran { code, out, .. } = cli.run(&["log", &path]);
    assert_eq!(code, 0);
    assert!(out.contains("LEADER t1") && !out.contains("AppendRequest"), "{out}");
    assert!(out.contains("(2 records of heartbeats are not shown; --all shows them)"), "{out}");
    assert!(cli.run(&["log", "--all", &path]).out.contains("← s1 AppendRequest t1"));
    let only = cli.run(&["log", "--node", "s2", "--trace", "etrace", &path]).out;
    assert_eq!(only, "  seconds s2\n   0.0100 votes for s1 t1\n");
    let early = cli.run(&["log", "--to", "0.002", &path]).out;
    assert_eq!(early.lines().count(), 3, "{early}");
    let late = cli.run(&["log", "--from", "0.014", &path]).out;
    assert!(late.contains("LEADER") && !late.contains("won"), "{late}");
    assert!(cli.run(&["log", "--color", "always", &path]).out.contains('\u{1b}'));
    assert!(!out.contains('\u{1b}'), "not a terminal");
    for wrong in [["--node", "s0x"], ["--trace", "xtrace"], ["--from", "soon"], ["--to", "-1"]] {
        assert_eq!(cli.run(&[&["log"], &wrong[..], &[&path]].concat()).code, 2, "{wrong:?}");
    }
    assert!(cli.run_with_input(&["log", "-"], &good().text()).out.contains("LEADER t1"));
}

#[test]
fn a_log_shows_clients_across() {
    let cli = Cli::new();
    let mut script = Script::clerk();
    script.asks(op(1, 1), &get("x"), 2);
    let path = cli.file("clients.jsonl", script.closed().text());
    let all = cli.run(&["log", &path]).out;
    assert!(all.contains("   0.0050 c1: asked c1/1: get x\n"), "{all}");
    let one = cli.run(&["log", "--node", "s2", &path]).out;
    assert!(one.contains("received get c1/1") && !one.contains("asked"), "{one}");
    let client = cli.run(&["log", "--node", "c1", "--trace", "ktrace", &path]).out;
    assert!(client.starts_with("  seconds c1\n   0.0040 client starts\n"), "{client}");
}

#[test]
fn rules_are_listed_and_explained() {
    let cli = Cli::new();
    let Ran { code, out, .. } = cli.run(&["rules"]);
    assert_eq!(code, 0);
    for info in rules() {
        assert!(out.contains(&format!("{:<4} lab {}", info.id, info.lab)), "{out}");
        let Ran { code, out, err } = cli.run(&["explain", &info.id.to_lowercase()]);
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("The judge says: ") && out.contains("\n>"), "{out}");
        assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    }
    let Ran { code, err, .. } = cli.run(&["explain", "E11"]);
    assert_eq!(code, 2);
    assert!(err.contains("no rule is called `E11`; did you mean E1, "), "{err}");
}

/// `tracecheck log FILE | head -1` ends quietly.
#[test]
fn a_closed_pipe_is_no_error() {
    let cli = Cli::new();
    let mut script = Script::started(3);
    for term in 1..2_000 {
        script.campaign(1, term);
    }
    let path = cli.file("long.jsonl", script.end().text());
    let examples = ["explain", "E3"];
    for args in [&["log", &path][..], &["check", &path, &path], &["rules"], &examples] {
        let mut command = cli.command(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut err).expect("text");
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}
