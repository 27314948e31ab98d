//! E4 to E6.

use super::Cases;
use crate::builder::{Script, s};
use tracecheck::schema::{Role, Stamp};

pub(super) fn cases() -> Vec<Cases> {
    vec![quorums(), taken_up(), one_leader()]
}

/// A win without looking at the votes.
fn takes(script: &mut Script, number: u8, term: u64) {
    script.set(number, |state| (state.role, state.leader_id) = (Role::Leader, Some(s(number))));
    script.accepted(number, term);
    script.elected(number, term);
}

fn quorums() -> Cases {
    let mut alone = Script::started(3);
    alone.campaign(1, 3);
    takes(&mut alone, 1, 3);
    let mut half = Script::started(4);
    half.campaign(1, 1);
    let reply = half.grant(1, 2, 1);
    half.recv(1, reply);
    takes(&mut half, 1, 1);
    let mut retry = Script::started(5);
    retry.campaign(1, 1);
    for _ in 0..3 {
        let reply = retry.grant(1, 2, 1);
        retry.recv(1, reply);
    }
    takes(&mut retry, 1, 1);
    let mut on_its_way = Script::started(3);
    on_its_way.campaign(1, 1);
    on_its_way.grant(1, 2, 1);
    takes(&mut on_its_way, 1, 1);
    let mut learner = Script::started(4);
    learner.header.voters.truncate(3);
    learner.campaign(1, 1);
    let reply = learner.grant(1, 4, 1);
    learner.recv(1, reply);
    takes(&mut learner, 1, 1);
    let mut old = Script::started(3);
    old.campaign(1, 1);
    let late = old.grant(1, 2, 1);
    old.campaign(1, 2);
    old.recv(1, late);
    takes(&mut old, 1, 2);
    let mut won = Script::started(5);
    won.campaign(1, 1);
    let replies: Vec<Stamp> = [2, 3].iter().map(|voter| won.grant(1, *voter, 1)).collect();
    for reply in replies {
        won.recv(1, reply);
    }
    takes(&mut won, 1, 1);
    let mut single = Script::started(1);
    single.campaign(1, 1);
    takes(&mut single, 1, 1);
    let mut played = Script::started(3).scripted(2);
    played.election(1, 2, 1);
    let mut lost_tail = Script::started(3);
    lost_tail.campaign(1, 1);
    let reply = lost_tail.grant(1, 2, 1);
    lost_tail.recv(1, reply);
    takes(&mut lost_tail, 1, 1);
    let lost = [Stamp { seq: reply.seq - 1, ..reply }, reply];
    lost_tail.restart(2, crate::builder::FRESH);
    for at in lost {
        lost_tail.remove(at);
    }
    Cases::of("E4")
        .fail(
            "its own vote alone",
            "s1 took term 3 as won with 1 of 3 votes (its own); it takes 2.",
            &["s1#4 vote 1 for itself", "s1#6 taken as won"],
            alone.end(),
        )
        .fail(
            "half is no majority",
            "s1 took term 1 as won with 2 of 4 votes (its own and s2); it takes 3.",
            &["s1#4 vote 1 for itself", "s2#3 vote 2 for s1", "s1#8 taken as won"],
            half.end(),
        )
        .fail(
            "a retry counts once",
            "s1 took term 1 as won with 2 of 5 votes (its own and s2); it takes 3.",
            &["s1#4 vote 1 for itself", "s2#3 vote 2 for s1", "s1#12 taken as won"],
            retry.end(),
        )
        .fail(
            "a vote on its way",
            "s1 took term 1 as won with 1 of 3 votes (its own); it takes 2.",
            &["s1#4 vote 1 for itself", "s2#3 a vote that s1 had not received", "s1#7 taken as won"],
            on_its_way.end(),
        )
        .fail(
            "a learner's vote",
            "s1 took term 1 as won with 1 of 3 votes (its own); it takes 2.",
            &["s1#4 vote 1 for itself", "s4#3 no voter: does not count", "s1#8 taken as won"],
            learner.end(),
        )
        .fail(
            "a late vote of an earlier term",
            "s1 took term 2 as won with 1 of 3 votes (its own); it takes 2.",
            &["s1#9 vote 1 for itself", "s1#12 taken as won"],
            old.end(),
        )
        .pass("three of five", 1, won.end())
        .pass("one of one", 1, single.end())
        .pass("with a vote of a server played by the test", 1, played.end())
        .unknown("the vote was in a killed server's lost tail", "perhaps votes for s1", lost_tail.end())
}

fn taken_up() -> Cases {
    let wins = |and_then: fn(&mut Script)| {
        let mut script = Script::started(3);
        script.campaign(1, 1);
        let reply = script.grant(1, 2, 1);
        script.recv(1, reply);
        script.accepted(1, 1);
        and_then(&mut script);
        script
    };
    let hears: fn(&mut Script) = |script| {
        let message = script.send(3, tracecheck::schema::Kind::AppendReply, 1, 1);
        script.recv(1, message);
    };
    Cases::of("E5")
        .fail(
            "goes on to the next message",
            "s1 won term 1, but did not become its coordinator: next it handled a reply to an AppendEntries from s3.",
            &["s1#8 the win", "s1#9 the next step"],
            wins(hears).end(),
        )
        .fail(
            "waits for its next timeout",
            "s1 won term 1, but did not become its coordinator: next it had an election timeout.",
            &["s1#8 the win", "s1#9 the next step"],
            wins(|script| { script.timeout(1); }).end(),
        )
        .pass("at once", 1, wins(|script| { script.elected(1, 1); }).end())
        .vacuous("crashes", wins(|script| { script.restart(1, script_state()); }).end())
        .vacuous("the run ends", wins(|_| {}).end())
        .unknown(
            "the election may be in a gap",
            "perhaps its CoordElected",
            wins(|script| {
                script.skip(s(1), 1);
                script.timeout(1);
            })
            .end(),
        )
}

/// What a server that won term 1 restores.
fn script_state() -> tracecheck::schema::State {
    tracecheck::schema::State { term: 1, voted_for: Some(s(1)), ..crate::builder::FRESH }
}

fn one_leader() -> Cases {
    let mut two = Script::started(3);
    two.election(1, 2, 3);
    two.set(3, |state| (state.term, state.role) = (3, Role::Leader));
    two.elected(3, 3);
    let mut again = Script::started(3);
    again.election(1, 2, 3);
    again.elected(1, 3);
    let mut later = Script::started(3);
    later.election(1, 2, 3);
    later.election(3, 2, 4);
    Cases::of("E6")
        .fail(
            "two leaders",
            "Two servers were elected in term 3: first s1, then s3.",
            &["s1#9 elected first", "s3#2 elected second"],
            two.end(),
        )
        .fail(
            "one leader twice",
            "s1 was elected twice in term 3.",
            &["s1#9 elected first", "s1#10 elected second"],
            again.end(),
        )
        .pass("two terms", 2, later.clone().end())
        .unknown("no end", "2 obligations were met until there", later)
}
