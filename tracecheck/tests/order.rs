//! Happens-before and the sequencer.

use crate::builder::{FRESH, Script, s};
use crate::cases::all;
use tracecheck::judge_text;
use tracecheck::order::{Admission, Oddity, Order};
use tracecheck::schema::{Kind, Node, Record, Stamp};
use tracecheck::sequence::Sequencer;

fn order_of(script: &Script) -> Order {
    let mut order = Order::new();
    for record in &script.records {
        order.admit(record.at, record.cause);
    }
    order
}

/// s1 → s2 → s3, and a crash of s2 in between.
fn relay() -> (Script, [Stamp; 5]) {
    let mut script = Script::started(3);
    let first = script.send(1, Kind::AppendReply, 2, 0);
    let got = script.recv(2, first);
    script.restart(2, FRESH);
    let second = script.send(2, Kind::AppendReply, 3, 0);
    let last = script.recv(3, second);
    let aside = script.send(1, Kind::AppendReply, 2, 0);
    (script, [first, got, second, last, aside])
}

#[test]
fn messages_and_restarts_carry_the_past() {
    let (script, [first, got, second, last, aside]) = relay();
    let order = order_of(&script);
    for (a, b) in [(first, got), (got, second), (second, last), (first, last)] {
        assert!(order.happens_before(a, b), "{a} before {b}");
        assert!(!order.happens_before(b, a), "{b} not before {a}");
    }
    assert!(!order.happens_before(aside, last) && !order.happens_before(last, aside), "concurrent");
    assert!(!order.happens_before(first, first), "nothing is before itself");
    let node = |number| Node::from(s(number));
    assert_eq!(order.clock(last), Some(vec![(node(1), 2), (node(2), 4), (node(3), 2)]));
    assert_eq!(order.position(second), Some(4));
    assert_eq!(order.clock(Stamp { seq: 99, ..last }), None);
}

/// The same relation by its definition: reachability over chains and causes.
#[test]
fn clocks_agree_with_reachability() {
    for case in all() {
        let records = &case.script.records;
        let order = order_of(&case.script);
        let regular = records.iter().all(|record| {
            let missing = record.cause.is_some_and(|cause| !order.contains(cause));
            !missing && record.at.node != Node::Run
        });
        if !regular || case.rule == "T1" || case.rule == "T2" {
            continue;
        }
        for (index, record) in records.iter().enumerate() {
            let mut past: Vec<&Record> = vec![record];
            let mut reached = vec![];
            while let Some(one) = past.pop() {
                let before = |other: &&Record| {
                    one.cause == Some(other.at) || (other.at.node == one.at.node && other.at < one.at)
                };
                for other in records[..index].iter().filter(before) {
                    if !reached.contains(&other.at) {
                        reached.push(other.at);
                        past.push(other);
                    }
                }
            }
            for other in records {
                let expected = reached.contains(&other.at);
                assert_eq!(order.happens_before(other.at, record.at), expected, "{} {}", other.at, record.at);
            }
        }
        for record in records {
            for node in order.nodes() {
                // The first record of that node that is this one, or that this one happened before.
                let after = |other: &&Record| {
                    other.at.node == node
                        && (other.at == record.at || order.happens_before(record.at, other.at))
                };
                let first = records.iter().find(after).and_then(|other| order.position(other.at));
                assert_eq!(order.first_after(record.at, node), first, "{} {node}", record.at);
            }
        }
    }
}

#[test]
fn stamps_out_of_sequence_are_named() {
    let mut order = Order::new();
    let node = Node::from(s(1));
    let mut admit = |inc, seq| order.admit(Stamp { node, inc, seq }, None).oddity;
    assert_eq!(admit(1, 1), None);
    assert_eq!(admit(1, 1), Some(Oddity::Repeated));
    assert_eq!(admit(1, 4), Some(Oddity::Gap { after: 1 }));
    assert_eq!(admit(3, 1), Some(Oddity::MissingIncarnation { after: 1 }));
    assert_eq!(admit(2, 1), Some(Oddity::Repeated));
    assert_eq!(admit(4, 0), Some(Oddity::Repeated));
    assert_eq!(admit(4, u64::MAX), Some(Oddity::Gap { after: 0 }));
    assert_eq!(admit(u32::MAX, u64::MAX), Some(Oddity::MissingIncarnation { after: 4 }));
    assert!(!order.contains(Stamp { node, inc: 1, seq: 3 }), "a missing record is no record");
    let missing = Stamp { node, inc: 9, seq: 1 };
    let Admission { missing: found, .. } =
        order.admit(Stamp { node: Node::Net, inc: 1, seq: 1 }, Some(missing));
    assert_eq!(found, Some(missing));
}

/// However a file interleaves the nodes, the verdicts are the same.
#[test]
fn the_order_of_lines_does_not_matter() {
    for case in all() {
        // A repeated line is wrong because of where it stands. What clients do at once has the order in which it was
        // recorded, which no message shows.
        if case.name == "a line twice" || ["C1", "K6"].contains(&case.rule) {
            continue;
        }
        let expected = judge_text(&case.script.text()).expect("a script is a trace").1;
        for seed in 1..=5 {
            let mut shuffled = case.script.clone();
            shuffled.records = interleave(&case.script.records, seed);
            let found = judge_text(&shuffled.text()).expect("a script is a trace").1;
            let (expected, found) = (expected.get(case.rule), found.get(case.rule));
            // Which of two concurrent violations is found first may differ; that there is one may not.
            let word = |verdict: Option<&tracecheck::Verdict>| verdict.map(tracecheck::Verdict::word);
            assert_eq!(word(expected), word(found), "{}, {}: {found:?}", case.rule, case.name);
        }
    }
}

/// Another interleaving in which each node keeps its own order.
fn interleave(records: &[Record], seed: u64) -> Vec<Record> {
    let mut nodes: Vec<Node> = records.iter().map(|record| record.at.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let mut streams: Vec<Vec<Record>> = nodes
        .iter()
        .map(|node| records.iter().rev().filter(|record| record.at.node == *node).cloned().collect())
        .collect();
    let mut state = seed;
    let mut out = Vec::new();
    while !streams.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = (state >> 33) as usize % streams.len();
        match streams[index].pop() {
            Some(record) => out.push(record),
            None => drop(streams.remove(index)),
        }
    }
    out
}

#[test]
fn the_sequencer_waits_for_causes_and_gives_up_on_lost_ones() {
    let (script, [first, got, ..]) = relay();
    let find = |at: Stamp| script.records.iter().find(|record| record.at == at).expect("it is there").clone();
    let start = |number: u8| find(Stamp { node: s(number).into(), inc: 1, seq: 1 });
    let mut sequencer = Sequencer::new();
    let mut out = Vec::new();
    sequencer.push((), start(2), |(), record| out.push(record.at));
    sequencer.push((), find(got), |(), record| out.push(record.at));
    assert_eq!(sequencer.held(), 1, "the cause has not come");
    sequencer.push((), start(1), |(), record| out.push(record.at));
    sequencer.push((), find(first), |(), record| out.push(record.at));
    assert_eq!(out[out.len() - 2..], [first, got]);
    assert_eq!(sequencer.held(), 0);

    let mut sequencer = Sequencer::new();
    let mut out = Vec::new();
    sequencer.push((), start(2), |(), record| out.push(record.at));
    sequencer.push((), find(got), |(), record| out.push(record.at));
    sequencer.push((), start(1), |(), record| out.push(record.at));
    let mut restarted = start(1);
    restarted.at.inc = 2;
    sequencer.push((), restarted, |(), record| out.push(record.at));
    assert_eq!(sequencer.held(), 0, "s1 started again without it: it never comes");
    assert!(out.contains(&got));
}
