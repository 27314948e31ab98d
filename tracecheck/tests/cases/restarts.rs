//! L9.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use crate::builder_log::Entry;
use tracecheck::schema::{Event, Server, State};

/// A term and a vote.
type Hard = (u64, Option<Server>);

/// s2 of three has synced term 1, a vote for s1 and entries 1 and 2; then it writes entry 3, cuts the log from
/// 2 on and writes an entry of term 2, without a sync; and crashes.
fn crashed() -> Script {
    let mut script = Script::started(3).real();
    script.set(2, |state| (state.term, state.voted_for) = (1, Some(s(1))));
    script.write_hard(2);
    script.write(2, &[(1, 1, 11), (2, 1, 12)]);
    script.sync(2);
    script.write(2, &[(3, 1, 13)]);
    script.set(2, |state| (state.term, state.voted_for) = (2, None));
    script.write_hard(2);
    script
}

/// The same, and s2 comes back with this on its disk.
fn back(hard: Hard, entries: &[Entry]) -> Script {
    back_believing(hard, entries, hard, entries.last().map_or((0, 0), |(index, term, _)| (*index, *term)))
}

fn back_believing(hard: Hard, entries: &[Entry], believed: Hard, end: (u64, u64)) -> Script {
    let mut script = crashed();
    let (term, voted_for) = believed;
    script.restart_bare(2, State { term, voted_for, last_index: end.0, last_term: end.1, ..FRESH });
    script.restored(2, hard, (0, 0), entries);
    script.act(2, Event::ServerJoining { server_id: s(2) });
    script
}

pub(super) fn cases() -> Vec<Cases> {
    let all = [(1, 1, 11), (2, 1, 12), (3, 1, 13)];
    let (first, second) = ((1, Some(s(1))), (2, None));
    let mut nothing = crashed();
    nothing.restart_bare(2, FRESH);
    nothing.act(2, Event::ServerJoining { server_id: s(2) });
    // A snapshot up to 2 is written and the log cut; then a restart with both.
    let snapshots = |covered: (u64, u64), entries: &[Entry]| {
        // The commits are those of a leader that the test plays.
        let mut script = crashed().scripted(1);
        script.snapshot(2, 2, 1, 7);
        script.compact(2, 2);
        script.restart_bare(
            2,
            State { term: 2, commit_index: covered.0, last_index: 3, last_term: 1, ..FRESH },
        );
        script.restored(2, second, covered, entries);
        script
    };
    let mut replaced = Script::started(3).real();
    replaced.write(2, &[(1, 1, 11), (2, 1, 12)]);
    replaced.sync(2);
    replaced.set(1, |state| (state.term, state.role) = (2, tracecheck::schema::Role::Leader));
    replaced.sync(1);
    let message = replaced.append(1, 2, 2, (1, 1), &[(2, 2, 22)]);
    replaced.set(2, |state| state.last_term = 2);
    replaced.appended(1, 2, 2, message);
    replaced.write_hard(2);
    replaced.write(2, &[(2, 2, 22)]);
    replaced.restart_bare(2, State { term: 2, last_index: 2, last_term: 2, ..FRESH });
    replaced.restored(2, (2, None), (0, 0), &[(1, 1, 11), (2, 2, 22)]);
    let mut assumed = Script::started(3);
    assumed.restart(2, FRESH);
    let mut unclear = Script::of(3).real();
    unclear.set(2, |state| (state.last_index, state.last_term) = (2, 1));
    unclear.start(2);
    unclear.restart_bare(2, FRESH);
    unclear.restored(2, (0, None), (0, 0), &all);
    vec![
        Cases::of("L9")
            .fail(
                "the log restored, the vote forgotten",
                "s2 restarted with term 1, a vote for nobody and a log up to 3 of term 1, but its disk held term 1, \
                 a vote for s1 and a log up to 3 of term 1.",
                &["s2.2#1 what it believed", "s2.2#2 what its disk held"],
                back_believing(first, &all, (1, None), (3, 1)).end(),
            )
            .fail(
                "a durable entry lost",
                "s2 came back with no entry 2 on its disk, which had held entry 2 of term 1.",
                &[
                    "s2#4 the last that its disk held for certain",
                    "s2#5 a write that may have reached it",
                    "s2#6 a write that may have reached it",
                    "s2.2#2 what it held after the restart",
                ],
                back(first, &all[..1]).end(),
            )
            .fail(
                "a later write without an earlier one",
                "s2 came back with term 2 and a vote for nobody on its disk, which had held term 1 and a vote for s1.",
                &[
                    "s2#4 the last that its disk held for certain",
                    "s2#5 a write that may have reached it",
                    "s2#6 a write that may have reached it",
                    "s2.2#2 what it held after the restart",
                ],
                back(second, &all[..2]).end(),
            )
            .pass("what was synced", 1, back(first, &all[..2]).end())
            .pass("and one write more", 1, back(first, &all).end())
            .pass("and both", 1, back(second, &all).end())
            .pass("an entry replaced by an unsynced write", 1, replaced.end())
            .pass("a snapshot, and what follows it", 1, snapshots((2, 1), &all[2..]).end())
            .pass("the snapshot not written yet", 1, snapshots((0, 0), &all).end())
            .vacuous("disks assumed", assumed.end())
            .unknown("nothing says what was before", "what s2 had on its disk before s2.2#1", unclear.end()),
        Cases::of("L9").fail(
            "nothing at all is left",
            "s2 came back with term 0 and a vote for nobody on its disk, which had held term 1 and a vote for s1.",
            &[
                "s2#4 the last that its disk held for certain",
                "s2#5 a write that may have reached it",
                "s2#6 a write that may have reached it",
                "s2.2#2 what it held after the restart",
            ],
            nothing.end(),
        ),
    ]
}
