//! L5 to L8.

use super::Cases;
use crate::builder::{FRESH, Script};
use tracecheck::schema::{Action, State};

pub(super) fn cases() -> Vec<Cases> {
    vec![matching(), complete(), one_operation(), in_order()]
}

fn matching() -> Cases {
    // s1 and s2 start with these logs.
    let logs = |first: &[(u64, u64, u64)], second: &[(u64, u64, u64)]| {
        let mut script = Script::of(2);
        script.start_with(1, 3, first);
        script.start_with(2, 3, second);
        script
    };
    let mut good = Script::committed(&[(1, 1, 0), (2, 1, 12)]);
    good.replicate(1, 3, 1, (0, 0), &[(1, 1, 0)]);
    let mut unseen = Script::of(2);
    unseen.start_with(1, 3, &[(1, 1, 11), (2, 2, 22)]);
    unseen.skip(crate::builder::s(2), 1);
    unseen.start(2);
    Cases::of("L5")
        .fail(
            "another operation",
            "Entry 2 of term 1 holds one operation at s1, and another at s2.",
            &["s1#2 the entry as it was seen first", "s2#2 the other entry 2 of term 1"],
            logs(&[(1, 1, 11), (2, 1, 12)], &[(1, 1, 11), (2, 1, 99)]).end(),
        )
        .fail(
            "another entry before it",
            "Before entry 2 of term 3 comes an entry of term 1 at s1, and an entry of term 2 at s2.",
            &["s1#2 after an entry of term 1", "s2#2 the other entry 2 of term 3"],
            logs(&[(1, 1, 11), (2, 3, 32)], &[(1, 2, 21), (2, 3, 32)]).end(),
        )
        .pass("the same entries", 5, good.end())
        .pass(
            "different terms at one index",
            2,
            logs(&[(1, 1, 11), (2, 1, 12)], &[(1, 1, 11), (2, 2, 22)]).end(),
        )
        .unknown("a log is in a gap", "1 record of s2 before s2#2", unseen.end())
}

fn complete() -> Cases {
    let entries = [(1, 1, 0), (2, 1, 12)];
    let mut before = Script::committed(&entries);
    before.restart(2, State { term: 1, ..FRESH });
    before.election(3, 2, 2);
    let mut after = Script::led();
    after.write(1, &entries);
    after.replicate(1, 2, 1, (0, 0), &entries);
    after.restart(2, State { term: 1, ..FRESH });
    after.election(3, 2, 2);
    after.commit(1, 1, entries[0]);
    let mut good = Script::committed(&entries);
    good.election(2, 3, 2);
    good.write(2, &[(3, 2, 0)]);
    good.replicate(2, 3, 2, (0, 0), &[(1, 1, 0), (2, 1, 12), (3, 2, 0)]);
    good.commit(2, 2, entries[0]);
    good.commit(2, 2, entries[1]);
    good.commit(2, 2, (3, 2, 0));
    good.election(3, 1, 3);
    let mut late = Script::led();
    late.write(1, &entries);
    late.replicate(1, 2, 1, (0, 0), &entries);
    late.election(2, 3, 2);
    late.commit(1, 1, entries[0]);
    late.commit(1, 1, entries[1]);
    // The elected server lost its log before the late commit: its log at its election is what counts.
    let mut gone = late.clone();
    gone.election(1, 3, 3);
    let mut unclear = Script::committed(&entries);
    unclear.restart_bare(2, State { term: 1, last_index: 2, last_term: 1, ..FRESH });
    unclear.election(2, 3, 2);
    Cases::of("L6")
        .fail(
            "elected without a committed entry",
            "s3 was elected in term 2 without entry 1 of term 1, which s1 committed in term 1: it has no entry 1.",
            &["s1#14 commits entry 1 of term 1", "s3#9 elected without it"],
            before.end(),
        )
        .fail(
            "committed after the election",
            "s3 was elected in term 2 without entry 1 of term 1, which s1 committed in term 1: it has no entry 1.",
            &["s3#9 elected without it", "s1#14 commits entry 1 of term 1"],
            after.end(),
        )
        .pass("elected with what was committed", 2, good.end())
        .pass("committed after the election, by then there", 2, late.end())
        .pass("elected again", 3, gone.end())
        .unknown("nothing says what its log was", "does not say what s2 had at index 1", unclear.end())
}

fn one_operation() -> Cases {
    let mut applied = Script::committed(&[(1, 1, 11)]);
    applied.apply(1, 1, 11);
    applied.heartbeat(1, 2, 1);
    applied.learn(2, 1, (1, 1, 11));
    applied.apply(2, 1, 99);
    let mut itself = Script::committed(&[(1, 1, 11)]);
    itself.apply(1, 1, 99);
    let mut good = Script::committed(&[(1, 1, 0), (2, 1, 12)]);
    good.apply(1, 2, 12);
    good.heartbeat(1, 2, 1);
    good.learn(2, 1, (1, 1, 0));
    good.learn(2, 1, (2, 1, 12));
    good.apply(2, 2, 12);
    let mut cut = Script::committed(&[(1, 1, 11)]);
    cut.skip(crate::builder::s(1), 1);
    cut.apply(1, 1, 11);
    Cases::of("L7")
        .fail(
            "two servers apply different operations",
            "s2 applied another operation at index 1 than s1 committed there.",
            &["s1#14 committed here", "s2#11 applied here: another operation"],
            applied.end(),
        )
        .fail(
            "another operation than was committed",
            "s1 applied another operation at index 1 than it had committed there.",
            &["s1#14 committed here", "s1#15 applied here: another operation"],
            itself.end(),
        )
        .pass("one operation an index", 6, good.end())
        .unknown("a gap", "1 record of s1 before s1#16", cut.end())
}

fn in_order() -> Cases {
    let entries = [(1, 1, 0), (2, 1, 12), (3, 1, 13), (4, 1, 14)];
    let applies = |indexes: &[u64]| {
        let mut script = Script::committed(&entries);
        for index in indexes {
            script.apply(1, *index, 10 + index);
        }
        script
    };
    let mut falls = Script::committed(&entries);
    falls.set(1, |state| state.commit_index = 3);
    falls.timeout(1);
    let mut uncommitted = Script::committed(&entries[..2]);
    uncommitted.write(1, &entries[2..]);
    uncommitted.apply(1, 2, 12);
    uncommitted.apply(1, 3, 13);
    let mut restarted = applies(&[2, 3]);
    restarted.restart(1, State { term: 1, ..FRESH });
    restarted.restored(1, (1, None), (0, 0), &entries);
    restarted.set(1, |state| {
        (state.commit_index, state.last_index, state.last_term) = (4, 4, 1);
        (state.leader_id, state.role) = (None, tracecheck::schema::Role::Follower);
    });
    for index in 2..=4 {
        restarted.apply(1, index, 10 + index);
    }
    let mut installed = applies(&[2]);
    installed.installed(1, 3, 1, 7);
    installed.apply(1, 4, 14);
    let mut blind = applies(&[2]);
    blind.strip_state(Action::Apply);
    let mut unclear = Script::committed(&entries);
    unclear.restart_bare(1, State { term: 1, commit_index: 4, last_index: 4, last_term: 1, ..FRESH });
    unclear.apply(1, 2, 12);
    Cases::of("L8")
        .fail(
            "an entry left out",
            "s1 applied entry 4 after entry 2, and left out entry 3.",
            &["s1#18 applied up to 2", "s1#19 applies 4"],
            applies(&[2, 4]).end(),
        )
        .fail(
            "an entry twice",
            "s1 applied entry 3 after entry 3: it had been applied already.",
            &["s1#19 applied up to 3", "s1#20 applies 3"],
            applies(&[2, 3, 3]).end(),
        )
        .fail(
            "before it is committed",
            "s1 applied entry 3, but it knew entries up to 2 only to be committed.",
            &["s1#17 applied up to 2", "s1#18 applies 3"],
            uncommitted.end(),
        )
        .fail(
            "the commit index falls",
            "The commit index of s1 fell from 4 to 3.",
            &["s1#17 commit index 4", "s1#18 a lower one"],
            falls.end(),
        )
        .pass("one by one, without the no-op", 3, applies(&[2, 3, 4]).end())
        .pass("again after a restart", 5, restarted.end())
        .pass("on after a snapshot", 2, installed.end())
        .unknown("no state", "s1#18 (Apply) carries no state", blind.end())
        .unknown("nothing says what was before", "does not say what s1 had before index 2", unclear.end())
}
