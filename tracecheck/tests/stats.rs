//! `tracecheck stats`.

use crate::builder::{FRESH, Script, s};
use crate::builder_kv::{done, op, put};
use crate::command::{Cli, Ran};
use tracecheck::schema::{Event, Kind, KvOutcome, Role, State};

/// s1 leads, commits two entries with s2, and crashes; s3 leads after it. A message of a known kind is lost,
/// and one of which nobody knows the kind.
fn run() -> Script {
    let entries = [(1, 1, 0), (2, 1, 12)];
    let mut script = Script::committed(&entries);
    script.apply(1, 2, 12);
    let lost = |script: &mut Script, kind: Option<Kind>| {
        let (from, to, why) = (s(1), s(3), "by chance".to_owned());
        script.push(tracecheck::schema::Node::Net, Event::Lost { kind, from, to, why }, None, None);
    };
    script.send(1, Kind::AppendRequest, 3, 1);
    lost(&mut script, Some(Kind::AppendRequest));
    lost(&mut script, None);
    script.taken(1, 2, 1, 7);
    script.restart(1, State { term: 1, ..FRESH });
    script.campaign(2, 2);
    let reply = script.grant(2, 3, 2);
    script.set(2, |state| state.role = Role::Leader);
    script.recv(2, reply);
    script.accepted(2, 2);
    script.elected(2, 2);
    script.commit(2, 2, entries[0]);
    script.end()
}

#[test]
fn numbers_for_people() {
    let cli = Cli::new();
    let path = cli.file("run.jsonl", run().text());
    let Ran { code, out, err } = cli.run(&["stats", &path]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
    let expected = "
  terms      up to 2
  elections  2 attempts, 2 wins
  commits    2 entries, up to index 2
  applied    s1 up to 2 (1)
  snapshots  1 taken, 0 installed
  crashes    1
  no leader  longest for 0.014 s (from 0.000 s to 0.014 s)
  no commit  longest for 0.023 s (from 0.000 s to 0.023 s)

  leader     term        from       until
  s1            1     0.014 s     0.030 s
  s2            2     0.042 s     the end

  message               sent   handled      lost
  VoteRequest              2         2         0
  VoteReply                2         2         0
  AppendRequest            2         1         1
  AppendReply              1         1         0
  of no known kind                             1
";
    assert!(out.contains(expected), "{out}");
    assert!(out.contains("  by node    run 1, net 3, s1 19, s2 17, s3 4\n"), "{out}");
}

/// What clients did has rows where there are clients.
#[test]
fn numbers_of_clients() {
    let cli = Cli::new();
    let call = put("x", "a");
    let mut script = Script::coordinated();
    script.asks(op(1, 1), &call, 2);
    script.forward(2, 1, op(1, 1), &call);
    script.commits((2, 1, 12));
    script.executes(1, (2, 12), op(1, 1), &call, done());
    script.result(1, op(1, 1), &call, done());
    script.answer_forward(1, 2, op(1, 1));
    script.answers(op(1, 1), &call, 2, done());
    script.invoke(op(1, 2), call);
    script.back(op(1, 2), KvOutcome::Unknown {});
    script.read_point(1, 2);
    let path = cli.file("clients.jsonl", script.closed().text());
    let Ran { code, out, .. } = cli.run(&["stats", &path]);
    assert_eq!(code, 0);
    for line in [
        "  operations 2 by 1 client: 1 answered, 0 failed, 1 unknown\n",
        "  executed   1 entries, 1 reads confirmed\n",
        "  AppendReply              2         2         0\n  Request                  1         1\n",
        "  ForwardReply             1         1\n",
    ] {
        assert!(out.contains(line), "{out}");
    }
    let out = cli.run(&["stats", "--format", "json", &path]).out;
    let stats: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(stats["stats"]["operations"]["unknown"], 1);
    assert_eq!(stats["stats"]["kvMessages"]["Forward"]["handled"], 1);
}

#[test]
fn numbers_for_programs() {
    let cli = Cli::new();
    let path = cli.file("run.jsonl", run().text());
    let Ran { code, out, .. } = cli.run(&["stats", "--format", "json", &path, "missing.jsonl"]);
    assert_eq!(code, 2);
    let values: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let stats = &values[0]["stats"];
    assert_eq!(stats["elections"]["wins"], 2);
    assert_eq!(stats["leaders"][0]["server"], "s1");
    assert_eq!(stats["leaders"][1]["untilNs"], serde_json::Value::Null);
    assert_eq!(stats["messages"]["AppendRequest"]["lost"], 1);
    assert_eq!(stats["lostOfNoKnownKind"], 1);
    assert_eq!(stats["events"]["CoordCommit"], 3);
    assert_eq!(stats["commits"], 2, "an entry that is committed again counts once");
    assert!(values[1]["problem"].as_str().is_some_and(|text| text.contains("no such file")));
}

#[test]
fn what_cannot_be_counted() {
    let cli = Cli::new();
    let text = run().text();
    let cut = cli.file("cut.jsonl", &text[..text.len() - 20]);
    let broken = cli.file("broken.jsonl", text.replace("CoordFail", "CoordNap"));
    let empty = cli.file("empty.jsonl", Script::of(3).text());
    let Ran { code, out, err } = cli.run(&["stats", &cut]);
    assert_eq!(code, 3);
    assert!(err.contains("is cut off") && out.contains("the trace has no RunEnd"), "{err}{out}");
    let Ran { code, err, .. } = cli.run(&["stats", &broken]);
    assert_eq!((code, err.lines().count()), (2, 1), "{err}");
    let Ran { code, out, .. } = cli.run(&["stats", &empty]);
    assert_eq!(code, 0);
    assert!(out.contains("applied    nothing") && !out.contains("leader     term"), "{out}");
    assert_eq!(cli.run(&["stats", "nowhere.jsonl"]).code, 2);
    assert_eq!(cli.run(&["stats"]).code, 2);
    let Ran { code, out, .. } = cli.run_with_input(&["stats", "-"], &text);
    assert_eq!(code, 0);
    assert!(out.starts_with("standard input: run example, seed 1\n"), "{out}");
}
