//! `tracecheck check --merge`: files of one run, one a process.

use crate::builder::{Script, s};
use crate::command::{Cli, Ran};
use std::collections::BTreeMap;
use tracecheck::schema::{Header, Node, Record, RunId, write_header, write_record};

fn text<'a>(header: &Header, records: impl IntoIterator<Item = &'a Record>) -> String {
    let mut out = Vec::new();
    write_header(header, &mut out);
    records.into_iter().for_each(|record| write_record(record, &mut out));
    String::from_utf8(out).expect("a trace is text")
}

/// One file a process: an incarnation of a server, or the controller with the network.
fn split(cli: &Cli, script: &Script) -> Vec<String> {
    let mut processes: BTreeMap<(Node, u32), Vec<&Record>> = BTreeMap::new();
    for record in &script.records {
        let node = if record.at.node == Node::Net { Node::Run } else { record.at.node };
        processes.entry((node, record.at.inc)).or_default().push(record);
    }
    let file = |((node, inc), records): ((Node, u32), Vec<&Record>)| {
        cli.file(&format!("{node}-{inc}.jsonl"), text(&script.header, records))
    };
    processes.into_iter().map(file).collect()
}

fn merge(cli: &Cli, files: &[String], more: &[&str]) -> Ran {
    let mut args = vec!["check", "--merge"];
    args.extend(more);
    args.extend(files.iter().map(String::as_str));
    cli.run(&args)
}

/// s1 commits an entry with s2, is killed without a word and comes back; s2 leads on.
fn killed() -> Script {
    let mut script = Script::committed(&[(1, 1, 0), (2, 1, 12)]);
    script.heartbeat(1, 2, 1);
    script.learn(2, 1, (1, 1, 0));
    script.new_incarnation(s(1));
    script.start(1);
    script.restored(1, (1, Some(s(1))), (0, 0), &[(1, 1, 0), (2, 1, 12)]);
    script.set(1, |state| {
        (state.role, state.leader_id, state.commit_index) = (tracecheck::schema::Role::Follower, None, 0)
    });
    script.heartbeat(2, 3, 1);
    script.end()
}

#[test]
fn files_of_one_run_are_judged_as_one() {
    let cli = Cli::new();
    let mut script = Script::committed(&[(1, 1, 0), (2, 1, 12)]);
    script.heartbeat(1, 2, 1);
    script.learn(2, 1, (1, 1, 0));
    let mut files = split(&cli, &script.end());
    for _ in 0..files.len() {
        files.rotate_left(1);
        let Ran { code, out, err } = merge(&cli, &files, &[]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.contains("L3  pass            2") && out.contains("L4  pass            1"), "{out}");
    }
    assert_ne!(cli.run(&["check", &files[0]]).code, 0, "one of them alone is no whole run");
}

#[test]
fn a_violation_names_its_file() {
    let cli = Cli::new();
    let mut script = Script::led();
    script.write(1, &[(1, 1, 0)]);
    script.commit(1, 1, (1, 1, 0));
    let files = split(&cli, &script.end());
    let Ran { code, out, .. } = merge(&cli, &files, &[]);
    assert_eq!(code, 1);
    assert!(out.contains("s1-1.jsonl, line 12:\nL3 s1 committed entry 1"), "{out}");
    let json = merge(&cli, &files, &["--format", "json"]).out;
    let value: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    let rules = value["rules"].as_array().expect("a list");
    let broken = rules.iter().find(|rule| rule["rule"] == "L3").expect("L3 is judged");
    assert!(broken["file"].as_str().is_some_and(|file| file.ends_with("s1-1.jsonl")), "{broken}");
    assert_eq!(broken["line"], 12);
}

#[test]
fn headers_must_agree() {
    let cli = Cli::new();
    let script = Script::started(3).end();
    type Change = fn(&mut Header);
    let changes: [(&str, Change); 4] = [
        ("run", |header| header.run = RunId { name: "other".to_owned(), seed: 1 }),
        ("set of servers", |header| header.servers.truncate(2)),
        ("set of voters", |header| header.voters.truncate(2)),
        ("kind of disks", |header| header.durability = tracecheck::schema::Durability::Real),
    ];
    let first = cli.file("first.jsonl", script.text());
    for (what, change) in changes {
        let mut header = script.header.clone();
        change(&mut header);
        let other = cli.file("other.jsonl", text(&header, []));
        let Ran { code, err, .. } = cli.run(&["check", "--merge", &first, &other]);
        assert_eq!((code, err.lines().count()), (2, 1), "{err}");
        assert!(err.contains(&format!("other.jsonl: it is of another {what}")), "{err}");
    }
    let Ran { code, err, .. } = cli.run(&["check", "--merge", &first, "nowhere.jsonl"]);
    assert_eq!(code, 2, "{err}");
}

/// What a killed process wrote is enough where nothing depends on what it did not write.
#[test]
fn a_killed_process_may_leave_its_file_unfinished() {
    let cli = Cli::new();
    let files = split(&cli, &killed());
    let first = files.iter().position(|path| path.ends_with("s1-1.jsonl")).expect("s1's first file");
    let Ran { code, out, .. } = merge(&cli, &files, &[]);
    assert_eq!(code, 0, "{out}");
    // A last line was cut off that nobody knows of.
    let content = std::fs::read_to_string(&files[first]).expect("it is there");
    cli.file("s1-1.jsonl", format!("{content}{{\"node\":\"s1\",\"inc\""));
    let Ran { code, out, err } = merge(&cli, &files, &[]);
    assert_eq!(code, 0, "{out}");
    assert!(err.contains("is cut off: its process was killed while it wrote"), "{err}");
    // Now what s2 received is missing: what depends on it is unknown, and nothing fails.
    let lines: Vec<&str> = content.lines().collect();
    cli.file(
        "s1-1.jsonl",
        format!("{}\n{}", lines[..lines.len() - 3].join("\n"), &lines[lines.len() - 3][..30]),
    );
    let Ran { code, out, .. } = merge(&cli, &files, &[]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("T2  unknown") && out.contains("L4  unknown") && out.contains("E4  pass"), "{out}");
    assert!(!out.contains("FAIL"), "{out}");
    // A process that was killed at once wrote nothing.
    cli.file("s1-1.jsonl", "");
    let Ran { code, out, err } = merge(&cli, &files, &[]);
    assert_eq!(code, 3, "{out}");
    assert!(err.contains("has no whole header") && !out.contains("FAIL"), "{err}{out}");
}

/// A disk may hold what the last lines of its process did not tell.
#[test]
fn a_disk_that_holds_more_than_its_trace_is_no_violation() {
    let cli = Cli::new();
    let mut script = Script::started(3).real();
    script.write(2, &[(1, 1, 11)]);
    script.sync(2);
    script.new_incarnation(s(2));
    script.log(2, 2, 1);
    script.start(2);
    script.restored(2, (0, None), (0, 0), &[(1, 1, 11), (2, 1, 12)]);
    let script = script.end();
    assert_eq!(
        cli.run(&["check", &cli.file("one.jsonl", script.text())]).code,
        1,
        "in one file nothing is lost"
    );
    let Ran { code, out, .. } = merge(&cli, &split(&cli, &script), &[]);
    assert_eq!(code, 3, "{out}");
    assert!(out.contains("L9  unknown") && !out.contains("FAIL"), "{out}");
}

/// Without the controller's end nobody knows what else happened.
#[test]
fn without_the_controller_the_run_is_truncated() {
    let cli = Cli::new();
    let files: Vec<String> =
        split(&cli, &killed()).into_iter().filter(|path| !path.contains("run-")).collect();
    let Ran { code, out, .. } = merge(&cli, &files, &["--quiet"]);
    assert_eq!(code, 3);
    assert!(out.contains("the trace ends without RunEnd"), "{out}");
}
