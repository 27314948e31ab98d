//! L1, L2 and L11.

use super::Cases;
use crate::builder::Script;
use crate::builder_log::Entry;
use tracecheck::schema::{Action, Kind, Role};

pub(super) fn cases() -> Vec<Cases> {
    vec![append_only(), confirms(), conflicts()]
}

/// s1 leads term 3 with two entries of term 1.
fn leader() -> Script {
    let mut script = Script::of(3);
    script.start_with(1, 2, &[(1, 1, 11), (2, 1, 12)]);
    script.start(2);
    script.start(3);
    script.election(1, 2, 3);
    script
}

fn append_only() -> Cases {
    let mut replaces = leader();
    replaces.write(1, &[(2, 3, 32)]);
    let mut removes = leader();
    removes.log(1, 1, 1);
    removes.write_from(1, 2, &[]);
    let mut on_winning = Script::of(3);
    on_winning.start_with(1, 2, &[(1, 1, 11), (2, 1, 12)]);
    on_winning.start(2);
    on_winning.start(3);
    on_winning.campaign(1, 3);
    let reply = on_winning.grant(1, 2, 3);
    on_winning.set(1, |state| state.role = Role::Leader);
    on_winning.log(1, 2, 3);
    on_winning.recv(1, reply);
    on_winning.write(1, &[(2, 3, 0)]);
    let mut appends = leader();
    appends.write(1, &[(3, 3, 0)]);
    appends.write(1, &[(4, 3, 34), (5, 3, 35)]);
    let mut same = leader();
    same.write(1, &[(2, 1, 12), (3, 3, 33)]);
    let mut blind = leader();
    blind.write(1, &[(2, 3, 32)]);
    blind.strip_state(Action::LogWrite);
    Cases::of("L1")
        .fail(
            "an entry replaced",
            "s1, the leader of term 3, replaced entry 2 of its own log.",
            &["s1#11 replaced entry 2"],
            replaces.end(),
        )
        .fail(
            "an entry removed",
            "s1, the leader of term 3, removed entry 2 of its own log.",
            &["s1#11 removed entry 2"],
            removes.end(),
        )
        .fail(
            "the tail replaced on winning",
            "s1, the leader of term 3, replaced entry 2 of its own log.",
            &["s1#9 replaced entry 2"],
            on_winning.end(),
        )
        .pass("appends", 2, appends.end())
        .pass("the same entries written again", 1, same.end())
        .unknown("the write has no state", "s1#11 (LogWrite) carries no state", blind.end())
}

fn confirms() -> Cases {
    // s1 leads term 3 and sends `entries` after `prev`; s2 starts with `own`, writes nothing and confirms.
    let confirmed = |own: &[Entry], prev: (u64, u64), entries: &[Entry], matched: u64| {
        let mut script = Script::of(3);
        script.start(1);
        script.start_with(2, 1, own);
        script.start(3);
        script.set(1, |state| (state.term, state.role) = (3, Role::Leader));
        let message = script.append(1, 2, 3, prev, entries);
        script.appended(1, 2, 3, message);
        script.agree(2, 1, 3, matched);
        script
    };
    let old = [(1, 1, 11), (2, 1, 12), (3, 1, 13)];
    let mut good = Script::led();
    good.write(1, &[(1, 1, 0), (2, 1, 12)]);
    good.replicate(1, 2, 1, (0, 0), &[(1, 1, 0), (2, 1, 12)]);
    // The same message once more: confirmed once more.
    let again = good.append(1, 2, 1, (0, 0), &[(1, 1, 0), (2, 1, 12)]);
    good.appended(1, 2, 1, again);
    good.agree(2, 1, 1, 2);
    good.replicate(1, 2, 1, (2, 1), &[]);
    let mut bare = Script::led();
    let message = bare.append(1, 2, 1, (0, 0), &[]);
    bare.appended(1, 2, 1, message);
    bare.agree(2, 1, 1, 0);
    // Messages arrive in another order than they left.
    let mut reordered = Script::led();
    reordered.write(1, &[(1, 1, 0), (2, 1, 12)]);
    let first = reordered.append(1, 2, 1, (0, 0), &[(1, 1, 0)]);
    let second = reordered.append(1, 2, 1, (0, 0), &[(1, 1, 0), (2, 1, 12)]);
    reordered.log(2, 2, 1);
    reordered.appended(1, 2, 1, second);
    reordered.write(2, &[(1, 1, 0), (2, 1, 12)]);
    reordered.agree(2, 1, 1, 2);
    reordered.appended(1, 2, 1, first);
    reordered.agree(2, 1, 1, 1);
    let mut snapshot = Script::of(3);
    snapshot.start(1);
    snapshot.set(2, |state| (state.term, state.last_index, state.last_term) = (3, 5, 3));
    snapshot.start(2);
    snapshot.restored(2, (3, None), (5, 3), &[]);
    snapshot.set(1, |state| (state.term, state.role) = (3, Role::Leader));
    let message = snapshot.append(1, 2, 3, (3, 1), &[(4, 3, 34)]);
    snapshot.appended(1, 2, 3, message);
    snapshot.agree(2, 1, 3, 4);
    let mut played = Script::started(3).scripted(1);
    let message = played.send(1, Kind::AppendRequest, 2, 1);
    played.appended(1, 2, 1, message);
    played.agree(2, 1, 1, 7);
    let mut unrecorded = confirmed(&old, (3, 1), &[], 3);
    let made =
        unrecorded.records.iter().find(|one| one.event.action() == Action::AppendEntry).map(|one| one.at);
    unrecorded.remove(made.expect("it was made"));
    Cases::of("L2")
        .fail(
            "more than was asked",
            "s2 confirmed up to 3, but the request it answered ended at 2.",
            &["s1#2 the request: up to 2", "s2#4 confirms up to 3"],
            confirmed(&old, (2, 1), &[], 3).end(),
        )
        .fail(
            "more than it has",
            "s2 confirmed up to 5, but its own log ended at 3.",
            &["s1#2 the request: up to 5", "s2#4 confirms up to 5"],
            confirmed(&old, (3, 1), &[(4, 3, 34), (5, 3, 35)], 5).end(),
        )
        .fail(
            "another leader's entry",
            "s2 confirmed up to 3, but its entry 3 is of term 1, and that of s1 is of term 2.",
            &["s1#2 the request: up to 3", "s2#4 confirms up to 3"],
            confirmed(&old, (3, 2), &[], 3).end(),
        )
        .pass("new entries, the same again, and none", 3, good.end())
        .pass("messages out of order", 2, reordered.end())
        .pass("what the snapshot covers", 1, snapshot.end())
        .vacuous("a bare heartbeat", bare.end())
        .vacuous("a leader that the test plays", played.end())
        .unknown("no record of the request", "the request that s2#4 answers is missing", unrecorded.end())
}

fn conflicts() -> Cases {
    let old = [(1, 1, 11), (2, 1, 12), (3, 1, 13)];
    // s1 leads term 3 and sends `entries` after `prev`; s2 has three entries of term 1 and writes `write`.
    let cut = |prev: (u64, u64), entries: &[Entry], from: u64, write: &[Entry]| {
        let mut script = Script::of(3);
        script.start(1);
        script.start_with(2, 1, &old);
        script.start(3);
        script.set(1, |state| (state.term, state.role) = (3, Role::Leader));
        let message = script.append(1, 2, 3, prev, entries);
        let end = write.last().map_or((from - 1, 1), |(index, term, _)| (*index, *term));
        script.log(2, end.0, end.1);
        script.appended(1, 2, 3, message);
        script.write_from(2, from, write);
        script
    };
    let mut alone = Script::of(3);
    alone.start_with(2, 1, &old);
    alone.log(2, 1, 1);
    alone.timeout(2);
    alone.write_from(2, 2, &[]);
    alone.proposal(2, 2);
    let played = |write: &[Entry]| {
        let mut script = Script::of(3).scripted(1);
        script.start_with(2, 1, &old);
        let message = script.send(1, Kind::AppendRequest, 2, 3);
        let (index, term, _) = write.last().expect("something is written");
        script.log(2, *index, *term);
        script.appended(1, 2, 3, message);
        script.write(2, write);
        script
    };
    let mut missing = Script::of(3);
    missing.start_with(2, 1, &old);
    let message = missing.send(1, Kind::AppendRequest, 2, 3);
    missing.log(2, 1, 1);
    missing.appended(1, 2, 3, message);
    missing.write_from(2, 2, &[]);
    Cases::of("L11")
        .fail(
            "an old message cuts the log",
            "s2 removed entry 3 although the message that it handled says nothing about entry 3.",
            &["s1#2 says nothing about entry 3", "s2#4 removed entry 3"],
            cut((1, 1), &[(2, 1, 12)], 2, &[(2, 1, 12)]).end(),
        )
        .fail(
            "cut where the message says nothing",
            "s2 removed entry 3 although the message that it handled says nothing about entry 3.",
            &["s1#2 says nothing about entry 3", "s2#4 removed entry 3"],
            cut((1, 1), &[(2, 1, 12)], 3, &[]).end(),
        )
        .fail(
            "cut without a message",
            "s2 removed entries 2 to 3 without a message from a leader.",
            &["s2#4 removed entries 2 to 3"],
            alone.end(),
        )
        .fail(
            "cut after a message of a played leader",
            "s2 removed entry 3 although it wrote nothing in its place.",
            &["s2#4 removed entry 3"],
            played(&[(2, 1, 12)]).end(),
        )
        .pass("a conflict", 1, cut((1, 1), &[(2, 3, 32)], 2, &[(2, 3, 32)]).end())
        .pass(
            "a conflict after entries that agree",
            1,
            cut((1, 1), &[(2, 1, 12), (3, 3, 33)], 3, &[(3, 3, 33)]).end(),
        )
        .pass(
            "everything in the message is written again",
            1,
            cut((1, 1), &[(2, 1, 12), (3, 3, 33)], 2, &[(2, 1, 12), (3, 3, 33)]).end(),
        )
        .pass("cut first, appended later", 1, cut((1, 1), &[(2, 3, 32)], 2, &[]).end())
        .pass("the entry before the message's conflicts", 1, cut((3, 2), &[], 3, &[]).end())
        .pass("a conflict with a played leader", 1, played(&[(3, 3, 33)]).end())
        .vacuous("nothing is cut", cut((3, 1), &[(4, 3, 34)], 4, &[(4, 3, 34)]).end())
        .unknown("no record of the request", "the message that s2 handled at s2#4 is missing", missing.end())
}
