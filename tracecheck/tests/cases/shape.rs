//! T1 to T3.

use super::Cases;
use crate::builder::{Script, s};
use crate::builder_kv::{get, op};
use tracecheck::schema::{Kind, Node};

pub(super) fn cases() -> Vec<Cases> {
    vec![numbers(), causes(), clocks()]
}

fn numbers() -> Cases {
    let mut gap = Script::started(3);
    gap.skip(s(2), 2);
    gap.heartbeat(1, 2, 0);
    let mut restart = Script::started(3);
    restart.restart(2, crate::builder::FRESH);
    let mut lost_incarnation = Script::started(3);
    lost_incarnation.new_incarnation(s(2));
    lost_incarnation.restart(2, crate::builder::FRESH);
    let mut late = Script::of(3);
    late.new_incarnation(s(3));
    late.start(3);
    let mut twice = Script::started(3);
    twice.records.push(twice.records[1].clone());
    let mut fewer = Script::started(3).end();
    fewer.records.remove(2);
    let mut killed = Script::started(3);
    killed.restart(2, crate::builder::FRESH);
    let tail = killed.send(1, Kind::AppendRequest, 3, 0);
    let mut killed = killed.end();
    killed.remove(tail);
    Cases::of("T1")
        .fail(
            "a gap",
            "In incarnation 1 of s2, records 2 to 3 are missing.",
            &["s2#4 out of sequence"],
            gap.end(),
        )
        .fail(
            "a lost incarnation",
            "s2 goes from incarnation 1 to incarnation 3.",
            &["s2.3#1 out of sequence"],
            lost_incarnation.end(),
        )
        .fail(
            "a first incarnation that is not 1",
            "The first records of s3 are of incarnation 2, not 1.",
            &["s3.2#1 out of sequence"],
            late.end(),
        )
        .fail(
            "a line twice",
            "s2 numbers a record s2#1, which is not later than its record before.",
            &["s2#1 out of sequence"],
            twice.end(),
        )
        .fail(
            "a lost last record",
            "The run counted 3 records, but the trace has 2.",
            &["run#1 the count"],
            fewer,
        )
        .pass("a restart", 6, restart.end())
        .unknown("a tail lost by a killed process", "The run counted 6 records", killed)
        .unknown("no end", "without RunEnd; 3 obligations were met", Script::started(3))
}

fn causes() -> Cases {
    let mut missing = Script::started(3);
    let message = missing.send(1, Kind::AppendReply, 2, 0);
    missing.recv(2, message);
    missing.remove(message);
    let mut circle = Script::started(3);
    let a = circle.send(1, Kind::AppendReply, 2, 0);
    let b = circle.send(2, Kind::AppendReply, 1, 0);
    circle.recv(1, b);
    circle.recv(2, a);
    // Each receive now claims to come before the send that caused the other.
    for at in [a, b] {
        let index = circle.records.iter().position(|record| record.at == at).expect("it was pushed");
        let other = if at == a { b } else { a };
        circle.records[index].cause = Some(tracecheck::schema::Stamp { seq: 3, ..other });
    }
    let mut found = Script::started(3);
    let message = found.send(1, Kind::AppendReply, 2, 0);
    found.recv(2, message);
    let mut killed = Script::started(3);
    let message = killed.send(1, Kind::AppendReply, 2, 0);
    killed.recv(2, message);
    killed.remove(message);
    let mut crashed = killed.clone();
    crashed.crash(1);
    killed.restart(1, crate::builder::FRESH);
    let mut without = Script::started(3);
    let message = without.send(1, Kind::AppendReply, 2, 0);
    without.recv(2, message);
    without.records.last_mut().expect("it received").cause = None;
    let mut request = Script::clerk();
    request.asks(op(1, 1), &get("x"), 2);
    let arrives = request.records.len() - 2;
    request.records[arrives].cause = None;
    Cases::of("T2")
        .fail(
            "a cause that is nowhere",
            "s2#2 names s1#2 as its cause, but the trace has no such record.",
            &["s2#2 caused by s1#2?"],
            missing.end(),
        )
        .fail(
            "a circle",
            "s1#2 names s2#3 as its cause, but s2#3 did not happen before it.",
            &["s2#3 the cause", "s1#2 the effect"],
            circle.end(),
        )
        .pass("a cause that exists", 1, found.end())
        .unknown("the sender was killed and restarted", "s1#2, the cause of s2#2, is missing", killed.end())
        .unknown("the sender was killed", "s1#2, the cause of s2#2, is missing", crashed.end())
        .unknown(
            "a message without a cause",
            "s2#2 received something from s1 without a cause",
            without.end(),
        )
        .unknown(
            "a request without a cause",
            "s2#2 received something from c1 without a cause",
            request.closed(),
        )
}

fn clocks() -> Cases {
    let server = |number| Node::from(s(number));
    let script = |clock: &[(u8, u64)]| {
        let mut script = Script::started(3);
        let message = script.send(1, Kind::AppendReply, 2, 0);
        script.recv(2, message);
        let clock = clock.iter().map(|(number, count)| (server(*number), *count)).collect();
        script.records.last_mut().expect("it received").clock = Some(clock);
        script
    };
    let mut lost_tail = Script::started(3);
    lost_tail.restart(1, crate::builder::FRESH);
    let message = lost_tail.send(1, Kind::AppendReply, 2, 0);
    lost_tail.recv(2, message);
    lost_tail.records.last_mut().expect("it received").clock = Some(vec![(server(1), 7), (server(2), 2)]);
    Cases::of("T3")
        .fail(
            "a clock that forgot a merge",
            "The clock of s2#2 counts 0 of s1, but 2 happened before.",
            &["s2#2 a clock that is wrong"],
            script(&[(2, 2)]).end(),
        )
        .fail(
            "a clock of a node that nobody knows",
            "The clock of s2#2 counts 4 of s9, which recorded nothing before, but 0 happened before.",
            &["s2#2 a clock that is wrong"],
            script(&[(1, 2), (2, 2), (9, 4)]).end(),
        )
        .pass("a right clock", 1, script(&[(1, 2), (2, 2)]).end())
        .vacuous("no clock", Script::started(3).end())
        .unknown(
            "a killed process counted records that it never wrote",
            "s1 may have lost records",
            lost_tail.end(),
        )
}
