//! Columns and explanations, as people see them.

use crate::builder::{Script, s};
use crate::builder_kv::{c, done, get, op, put, value};
use crate::cases::{Case, Expect, all};
use std::collections::BTreeMap;
use tracecheck::columns::Table;
use tracecheck::schema::{Event, Node, Record, Stamp};
use tracecheck::{ColumnOptions, Verdict, columns, explain_violation, explain_violation_with, judge_text};

fn refs(script: &Script) -> Vec<&Record> {
    script.records.iter().collect()
}

#[test]
fn an_election_in_columns() {
    let mut script = Script::started(3);
    script.election(1, 2, 1);
    script.crash(3);
    let script = script.end();
    let vote = script.records.iter().find(|record| record.at == Stamp { node: s(2).into(), inc: 1, seq: 3 });
    let notes = BTreeMap::from([(
        vote.expect("s2 votes").at,
        "the deciding vote, which makes a majority".to_owned(),
    )]);
    let text = columns(&refs(&script), &ColumnOptions { notes, ..ColumnOptions::default() });
    assert_eq!(
        text,
        "
  seconds s1                     s2                     s3
   0.0010 starts
   0.0020                        starts
   0.0030                                               starts
   0.0040 election timeout
   0.0050 candidate t1
   0.0060 votes for s1 t1
   0.0070 asks for votes t1
   0.0080 → s2 VoteRequest t1
   0.0090                        ← s1 VoteRequest t1
>  0.0100                        votes for s1 t1
>                                ^ the deciding vote, which makes a majority
   0.0110                        → s1 VoteReply t1 yes
   0.0120 ← s2 VoteReply t1
   0.0130 won t1
   0.0140 LEADER t1
   0.0150                                               ✗ crash
   0.0160 the run ends after 15 records
"
        .trim_start_matches('\n')
    );
}

/// The words for logs, disks and snapshots.
#[test]
fn a_log_in_words() {
    let mut script = Script::of(2);
    script.start_with(1, 2, &[(1, 1, 11), (2, 2, 22)]);
    let shown = script.records.len();
    script.write(1, &[(3, 2, 23)]);
    script.write(1, &[(4, 2, 24), (5, 3, 35)]);
    script.write_from(1, 5, &[]);
    script.write_hard(1);
    script.append(1, 2, 3, (2, 2), &[(3, 2, 23), (4, 2, 24)]);
    script.append_record(1, 2, 3, (4, 2), &[]);
    script.append_record(1, 2, 3, (0, 0), &[]);
    script.agree(1, 2, 3, 4);
    script.commit(1, 3, (4, 2, 24));
    script.learn(1, 3, (4, 2, 24));
    script.apply(1, 4, 24);
    script.taken(1, 4, 2, 7);
    script.snapshot(1, 4, 2, 7);
    script.compact(1, 4);
    script.installed(1, 4, 2, 7);
    script.sync(1);
    script.restored(1, (3, Some(s(2))), (4, 2), &[(5, 3, 35)]);
    let words: Vec<String> = script.records[shown..].iter().map(tracecheck::phrase).collect();
    let expected = [
        "appends 3 t2",
        "appends 4–5 t2–t3",
        "truncates from 5",
        "writes t2 vote nobody",
        "sends 3–4 to s2 t3",
        "→ s2 AppendRequest t3",
        "heartbeat for s2 after 4 t3",
        "heartbeat for s2 t3",
        "agrees with s2 up to 4 t3",
        "commits 4 (t2)",
        "learns commit 4 (t2)",
        "applies 4",
        "snapshot of 4 (t2)",
        "writes snapshot 4 (t2)",
        "drops log up to 4",
        "restores snapshot 4 (t2)",
        "disk: t2 vote - log 5",
        "finds t3 vote s2 snapshot 4 log 5",
    ];
    assert_eq!(words, expected);
}

/// The words for clients, servers and what they execute.
#[test]
fn a_service_in_words() {
    let (write, read) = (put("x", "a"), get("x"));
    let mut script = Script::coordinated();
    let shown = script.records.len() - 1;
    script.asks(op(1, 1), &write, 2);
    script.forward(2, 1, op(1, 1), &write);
    script.executes(1, (2, 12), op(1, 1), &write, done());
    script.result(1, op(1, 1), &write, done());
    script.answer_forward(1, 2, op(1, 1));
    script.answers(op(1, 1), &write, 2, done());
    script.asks(op(1, 2), &read, 1);
    script.forward(1, 2, op(1, 2), &read);
    script.read_point(1, 2);
    script.answers(op(1, 2), &read, 1, value("a"));
    script.tell(s(2), Event::StateRestored { index: 9, digest: 1 });
    script.act(1, Event::ServerFail { server_id: s(3) });
    script.tell(c(1), Event::Unavailable { server_id: s(3) });
    script.tell(c(1), Event::Available { server_id: s(3) });
    script.tell(Node::Run, Event::Told { from: s(2), joined: true, coord_term: Some(1) });
    script.tell(Node::Run, Event::Told { from: s(3), joined: false, coord_term: None });
    script.tell(Node::Run, Event::SystemReady {});
    script.finish(1);
    let words: Vec<String> = script.records[shown..].iter().map(tracecheck::phrase).collect();
    let expected = [
        "client starts",
        "asked c1/1: put x = \"a\"",
        "→ s2 Request c1/1",
        "← c1 Request c1/1",
        "received put c1/1",
        "forwards put c1/1 to s1",
        "→ s1 Forward c1/1",
        "← s2 Forward c1/1",
        "received put c1/1 from s2",
        "executes 2, c1/1: put x = \"a\": ok",
        "answers put c1/1: ok",
        "→ s2 ForwardReply c1/1",
        "← s1 ForwardReply c1/1",
        "answers put c1/1: ok",
        "→ c1 Reply c1/1",
        "← s2 Reply c1/1",
        "returns c1/1: ok",
        "asked c1/2: get x",
        "→ s1 Request c1/2",
        "← c1 Request c1/2",
        "received get c1/2",
        "forwards get c1/2 to s2",
        "→ s2 Forward c1/2",
        "← s1 Forward c1/2",
        "received get c1/2 from s1",
        "still leads: read 1 up to 2",
        "answers get c1/2: \"a\"",
        "→ c1 Reply c1/2",
        "← s1 Reply c1/2",
        "returns c1/2: \"a\"",
        "has the state up to 9",
        "gives s3 up",
        "takes s3 for unavailable",
        "s3 is available again",
        "told by s2: has joined, coordinator t1",
        "told by s3: has not joined, no coordinator",
        "the system is ready",
        "client stops",
    ];
    assert_eq!(words, expected);
}

/// Clients have columns where all nodes have; in a table of servers they have rows, if it is told to show them.
#[test]
fn clients_in_columns_and_across() {
    let mut script = Script::clerk();
    script.asks(op(1, 1), &get("x"), 2);
    let all = columns(&refs(&script), &ColumnOptions::default());
    assert!(all.starts_with("  seconds c1               s1               s2"), "{all}");
    let options = ColumnOptions::default();
    let servers: Vec<Node> = vec![s(1).into(), s(2).into()];
    let (mut across, mut without) = (String::new(), String::new());
    let tables = [
        (Table::new(servers.clone(), &options).with_clients_across(), &mut across),
        (Table::new(servers, &options), &mut without),
    ];
    for (table, out) in tables {
        script.records.iter().for_each(|record| table.row(record, out));
    }
    assert!(
        across.contains("   0.0050 c1: asked c1/1: get x\n   0.0060 c1: → s2 Request c1/1\n"),
        "{across}"
    );
    assert!(!without.contains("c1: ") && without.contains("received get c1/1"), "{without}");
}

#[test]
fn columns_fit_the_width() {
    for servers in 1..=5 {
        let mut script = Script::started(servers);
        script.campaign(1, 123_456);
        for voter in 1..=servers {
            script.refuse(voter, 1, 123_456, Some(tracecheck::schema::RejectReason::LiveLeader));
        }
        let notes =
            script.records.iter().map(|record| (record.at, "a note of several words ".repeat(6))).collect();
        for width in [80, 100, 200] {
            let options = ColumnOptions { width, notes: BTreeMap::clone(&notes), ..ColumnOptions::default() };
            let text = columns(&refs(&script), &options);
            let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            assert!(widest <= width, "{servers} servers, {widest} > {width}:\n{text}");
        }
        for width in 0..30 {
            let options = ColumnOptions { width, notes: BTreeMap::clone(&notes), ..ColumnOptions::default() };
            assert!(!columns(&refs(&script), &options).is_empty(), "no width makes it panic");
        }
    }
}

#[test]
fn chosen_columns_only() {
    let mut script = Script::started(3);
    script.timeout(2);
    let options = ColumnOptions { nodes: Some(vec![s(2).into()]), ..ColumnOptions::default() };
    assert_eq!(
        columns(&refs(&script), &options),
        "  seconds s2\n   0.0020 starts\n   0.0040 election timeout\n"
    );
}

/// Colour only adds: without its escapes the text is the same.
#[test]
fn colour_says_nothing_of_its_own() {
    let mut script = Script::started(5);
    script.election(1, 2, 1);
    let plain = columns(&refs(&script), &ColumnOptions::default());
    let coloured = columns(&refs(&script), &ColumnOptions { color: true, ..ColumnOptions::default() });
    let mut stripped = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    stripped.push_str(rest);
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_ne!(plain, coloured);
    assert_eq!(trimmed(&plain), trimmed(&stripped));
}

#[test]
fn an_explained_violation() {
    let case = all().into_iter().find(|case| case.rule == "E3").expect("E3 has cases");
    let (_, verdicts) = judge_text(&case.script.text()).expect("a script is a trace");
    let Some(Verdict::Fail(violation)) = verdicts.get("E3") else { panic!("it fails") };
    let text = explain_violation(violation, |at| case.script.records.iter().find(|record| record.at == at));
    assert_eq!(
        text,
        "
E3 s2 voted twice in term 4: first for s1, then for s3.
  rule:     A server gives its vote to at most one candidate a term, also across
            restarts; the same candidate may get it again.
  source:   Raft §5.2 (each server votes for at most one candidate in a given
            term); §5.4.1; Figure 2, votedFor
  expected: s2 should have refused its vote to s3.

  seconds s2
>  0.0140 votes for s1 t4
>         ^ first vote, for s1
>  0.0180 votes for s3 t4
>         ^ second vote, for s3
"
        .trim_start_matches('\n')
    );
    let without = explain_violation(violation, |_| None);
    assert!(without.ends_with("  s2#3: first vote, for s1\n  s2#6: second vote, for s3\n"), "{without}");
}

#[test]
fn every_violation_is_explained_within_the_width() {
    for Case { rule, name, expect, script } in all() {
        if !matches!(expect, Expect::Fail(..)) {
            continue;
        }
        let (_, verdicts) = judge_text(&script.text()).expect("a script is a trace");
        let violation = verdicts.failed().next().expect("it fails");
        let lookup = |at: Stamp| script.records.iter().find(|record| record.at == at);
        let text = explain_violation_with(violation, lookup, &ColumnOptions::default());
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{rule}, {name}:\n{text}");
        for witness in &violation.witnesses {
            let first = witness.note.split(' ').next().expect("a note has words");
            assert!(text.contains(first), "{rule}, {name}: {first}");
        }
    }
}
