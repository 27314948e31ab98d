//! L10 and L12.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use tracecheck::schema::{Action, Kind, State};

const ENTRIES: [(u64, u64, u64); 4] = [(1, 1, 0), (2, 1, 12), (3, 1, 13), (4, 1, 14)];

pub(super) fn cases() -> Vec<Cases> {
    vec![covers(), same()]
}

/// s1 and s2 have four entries, of which s1 has committed `committed`; s1 sends s2 a snapshot up to `index`, and
/// s2's log then ends at `last`.
fn install(committed: usize, index: u64, last: u64) -> Script {
    let mut script = Script::led();
    script.write(1, &ENTRIES);
    script.replicate(1, 2, 1, (0, 0), &ENTRIES);
    ENTRIES[..committed].iter().for_each(|entry| {
        script.commit(1, 1, *entry);
    });
    installs(&mut script, index, last);
    script
}

fn installs(script: &mut Script, index: u64, last: u64) {
    let message = script.send(1, Kind::InstallRequest, 2, 1);
    script.set(2, |state| {
        (state.last_index, state.commit_index) = (last, index.max(state.commit_index));
    });
    script.appended(1, 2, 1, message);
    script.snapshot(2, index, 1, 7);
    script.installed(2, index, 1, 7);
}

fn covers() -> Cases {
    let mut takes = Script::committed(&ENTRIES[..2]);
    takes.taken(1, 3, 1, 7);
    let mut cut_first = Script::committed(&ENTRIES);
    cut_first.taken(1, 3, 1, 7);
    cut_first.compact(1, 3);
    cut_first.snapshot(1, 3, 1, 7);
    let mut old = Script::committed(&ENTRIES);
    old.heartbeat(1, 2, 1);
    ENTRIES.iter().for_each(|entry| {
        old.learn(2, 1, *entry);
    });
    for index in 2..=4 {
        old.apply(2, index, 10 + index);
    }
    installs(&mut old, 3, 4);
    let mut good = Script::committed(&ENTRIES);
    good.taken(1, 3, 1, 7);
    good.snapshot(1, 3, 1, 7);
    good.compact(1, 3);
    let mut again = good.clone();
    again.restart(1, State { term: 1, commit_index: 3, last_index: 4, last_term: 1, ..FRESH });
    again.restored(1, (1, None), (3, 1), &ENTRIES[3..]);
    again.installed(1, 3, 1, 7);
    // s2 has other entries than the snapshot: all of them go.
    let mut other = Script::of(3);
    other.start(1);
    other.start_with(2, 2, &[(1, 2, 21), (2, 2, 22), (3, 2, 23), (4, 2, 24)]);
    other.start(3);
    other.election(1, 3, 3);
    let mine = [(1, 3, 31), (2, 3, 32)];
    other.write(1, &mine);
    other.replicate(1, 3, 3, (0, 0), &mine);
    mine.iter().for_each(|entry| {
        other.commit(1, 3, *entry);
    });
    let message = other.send(1, Kind::InstallRequest, 2, 3);
    other.set(2, |state| (state.term, state.voted_for, state.commit_index) = (3, None, 2));
    other.log(2, 2, 3);
    other.appended(1, 2, 3, message);
    other.snapshot(2, 2, 3, 7);
    other.installed(2, 2, 3, 7);
    let mut played = Script::started(3).scripted(1);
    installs(&mut played, 2, 2);
    let mut blind = good.clone();
    blind.strip_state(Action::SnapshotTaken);
    let mut cut_by_write = Script::led();
    cut_by_write.write(1, &ENTRIES);
    cut_by_write.replicate(1, 2, 1, (0, 0), &ENTRIES);
    cut_by_write.commit(1, 1, ENTRIES[0]);
    let message = cut_by_write.send(1, Kind::InstallRequest, 2, 1);
    cut_by_write.set(2, |state| (state.last_index, state.commit_index) = (1, 1));
    cut_by_write.appended(1, 2, 1, message);
    cut_by_write.write_from(2, 1, &[]);
    cut_by_write.snapshot(2, 1, 1, 7);
    Cases::of("L10")
        .fail(
            "a suffix that agrees is dropped",
            "s2 installed a snapshot up to 2, which agrees with its entry 2, but dropped its entries 3 to 4.",
            &["s2#10 the log ended at 4, and now at 2"],
            install(2, 2, 2).end(),
        )
        .fail(
            "the whole log is cleared first",
            "s2 installed a snapshot up to 1, which agrees with its entry 1, but dropped its entries 2 to 4.",
            &["s2#11 the log ended at 4, and now at 1"],
            cut_by_write.end(),
        )
        .fail(
            "beyond what is known to be committed",
            "s1 took a snapshot up to 3, but knew entries up to 2 only to be committed.",
            &["s1#16 taken"],
            takes.end(),
        )
        .fail(
            "of what nobody committed",
            "s2 has a snapshot up to 3, but no coordinator had committed entry 3.",
            &["s2#10 a snapshot up to 3"],
            install(2, 3, 4).end(),
        )
        .fail(
            "back behind what was applied",
            "s2 installed a snapshot up to 3, although it had applied entries up to 4.",
            &["s2#16 applied up to 4", "s2#19 back to 3"],
            old.end(),
        )
        .fail(
            "the log is cut before the snapshot is written",
            "s1 cut its log up to 3, but it has written no snapshot.",
            &["s1#19 drops entries up to 3"],
            cut_first.end(),
        )
        .pass("taken, written, cut", 3, good.end())
        .pass("and delivered after a restart", 4, again.end())
        .pass("installed, and the suffix stays", 2, install(2, 2, 4).end())
        .pass("installed over another log", 2, other.end())
        .pass("from a leader that the test plays", 2, played.end())
        .unknown("no state", "(SnapshotTaken) carries no state", blind.end())
}

fn same() -> Cases {
    let committed = || {
        let mut script = Script::committed(&ENTRIES);
        script.heartbeat(1, 2, 1);
        ENTRIES.iter().for_each(|entry| {
            script.learn(2, 1, *entry);
        });
        script
    };
    let mut differ = committed();
    differ.taken(1, 3, 1, 7);
    differ.taken(2, 3, 1, 8);
    let mut early = committed();
    early.taken(1, 3, 1, 7);
    early.snapshot(1, 2, 1, 7);
    let mut known_early = committed();
    known_early.taken(2, 2, 1, 6);
    known_early.taken(1, 3, 1, 7);
    known_early.snapshot(1, 2, 1, 7);
    let mut late = committed();
    late.taken(1, 2, 1, 7);
    late.snapshot(1, 4, 1, 7);
    let mut term = committed();
    term.taken(1, 3, 2, 7);
    let mut terms = committed();
    terms.taken(1, 3, 1, 7);
    terms.snapshot(1, 3, 2, 7);
    let mut good = committed();
    good.taken(1, 3, 1, 7);
    good.snapshot(1, 3, 1, 7);
    good.taken(2, 3, 1, 7);
    good.taken(2, 4, 1, 7);
    let mut played = Script::started(3).scripted(1);
    installs(&mut played, 2, 2);
    let mut gap = good.clone();
    gap.skip(s(2), 1);
    gap.taken(2, 4, 1, 7);
    Cases::of("L12")
        .fail(
            "labelled one index early",
            "s1 has a snapshot labelled 2, but its data is the state after entry 3: one index too early.",
            &["s1#19 the state after entry 3", "s1#20 a snapshot labelled 2, of term 1"],
            early.end(),
        )
        .fail(
            "the same, where another server took the right one",
            "s1 has a snapshot labelled 2, but its data is the state after entry 3: one index too early.",
            &["s1#19 the state after entry 3", "s1#20 a snapshot labelled 2, of term 1"],
            known_early.end(),
        )
        .fail(
            "old data under a new label",
            "s1 has a snapshot labelled 4, but its data is the state after entry 2: 2 indexes too late.",
            &["s1#19 the state after entry 2", "s1#20 a snapshot labelled 4, of term 1"],
            late.end(),
        )
        .fail(
            "different data",
            "s2 has a snapshot up to 3 whose data differs from that of s1.",
            &["s1#19 the snapshot as it was seen first", "s2#14 a snapshot labelled 3, of term 1"],
            differ.end(),
        )
        .fail(
            "another term than was committed",
            "s1 has a snapshot up to 3 of term 2, but entry 3 was committed with term 1.",
            &["s1#16 entry 3 of term 1", "s1#19 a snapshot labelled 3, of term 2"],
            term.end(),
        )
        .fail(
            "another term than before",
            "s1 has a snapshot up to 3 of term 2, but s1 had one of term 1.",
            &["s1#19 of term 1", "s1#20 a snapshot labelled 3, of term 2"],
            terms.end(),
        )
        .pass("the same everywhere", 4, good.end())
        .pass("from a leader that the test plays", 2, played.end())
        .unknown("a gap", "1 record of s2", gap.end())
}
