//! L3 and L4.

use super::Cases;
use crate::builder::{Script, s};
use tracecheck::schema::{Action, Event, Kind, Role};

pub(super) fn cases() -> Vec<Cases> {
    vec![counted(), learned()]
}

/// Figure 8 (c): s1 leads term 4 again; its entry 2 of term 2 is on s1, s2 and s3, its entry 3 on s1 alone.
fn figure_8() -> Script {
    let mut script = Script::of(5);
    let old = [(1, 1, 11), (2, 2, 22)];
    script.start_with(1, 3, &old);
    script.start_with(2, 3, &old);
    script.start_with(3, 3, &old[..1]);
    script.start(4);
    script.start_with(5, 3, &[(1, 1, 11)]);
    script.campaign(1, 4);
    for voter in [2, 3] {
        let reply = script.grant(1, voter, 4);
        if voter == 3 {
            script.set(1, |state| (state.role, state.leader_id) = (Role::Leader, Some(s(1))));
        }
        script.recv(1, reply);
    }
    script.accepted(1, 4);
    script.elected(1, 4);
    script.write(1, &[(3, 4, 43)]);
    script.replicate(1, 3, 4, (1, 1), &[(2, 2, 22)]);
    script
}

fn counted() -> Cases {
    let mut alone = Script::led();
    alone.write(1, &[(1, 1, 0)]);
    alone.commit(1, 1, (1, 1, 0));
    let mut old_term = figure_8();
    old_term.commit(1, 4, (1, 1, 11));
    let mut on_its_way = Script::led();
    on_its_way.write(1, &[(1, 1, 0)]);
    let message = on_its_way.append(1, 2, 1, (0, 0), &[(1, 1, 0)]);
    on_its_way.log(2, 1, 1);
    on_its_way.appended(1, 2, 1, message);
    on_its_way.write(2, &[(1, 1, 0)]);
    on_its_way.agree(2, 1, 1, 1);
    on_its_way.reply(2, 1, 1, 1);
    on_its_way.commit(1, 1, (1, 1, 0));
    // With real disks s1 has handed its entry to storage, but no sync has ended.
    let real = |synced: bool| {
        let mut script = Script::started(3).real();
        script.election(1, 2, 1);
        script.write(1, &[(1, 1, 0)]);
        script.replicate(1, 2, 1, (0, 0), &[(1, 1, 0)]);
        if synced {
            script.sync(1);
        }
        script.commit(1, 1, (1, 1, 0));
        script
    };
    let mut good = Script::committed(&[(1, 1, 0), (2, 1, 12), (3, 1, 13)]);
    good.replicate(1, 3, 1, (0, 0), &[(1, 1, 0)]);
    let mut indirectly = figure_8();
    indirectly.replicate(1, 3, 4, (2, 2), &[(3, 4, 43)]);
    indirectly.replicate(1, 2, 4, (2, 2), &[(3, 4, 43)]);
    indirectly.commit(1, 4, (1, 1, 11));
    indirectly.commit(1, 4, (2, 2, 22));
    indirectly.commit(1, 4, (3, 4, 43));
    let mut played = Script::started(3).scripted(2);
    played.election(1, 2, 1);
    played.write(1, &[(1, 1, 0)]);
    played.append(1, 2, 1, (0, 0), &[(1, 1, 0)]);
    let reply = played.reply(2, 1, 1, 1);
    played.recv(1, reply);
    played.commit(1, 1, (1, 1, 0));
    let mut missing = Script::started(3);
    missing.election(1, 2, 1);
    missing.write(1, &[(1, 1, 0)]);
    let message = missing.append(1, 2, 1, (0, 0), &[(1, 1, 0)]);
    missing.log(2, 1, 1);
    missing.appended(1, 2, 1, message);
    let lost = missing.write(2, &[(1, 1, 0)]);
    let reply = missing.reply(2, 1, 1, 1);
    missing.recv(1, reply);
    missing.commit(1, 1, (1, 1, 0));
    missing.remove(lost);
    Cases::of("L3")
        .fail(
            "its own copy alone",
            "s1 committed entry 1 in term 1, but an entry of term 1 at 1 or later was on 1 of 3 servers (its own); \
             it takes 2.",
            &["s1#10 copy 1: entry 1 of term 1", "s1#11 committed"],
            alone.end(),
        )
        .fail(
            "Figure 8: an entry of an earlier term is counted",
            "s1 committed entry 1, of term 1, in term 4, but an entry of term 4 at 1 or later was on 1 of 5 servers \
             (its own); it takes 3.",
            &["s1#13 copy 1: entry 3 of term 4", "s1#17 committed"],
            old_term.end(),
        )
        .fail(
            "a confirmation on its way",
            "s1 committed entry 1 in term 1, but an entry of term 1 at 1 or later was on 1 of 3 servers (its own); \
             it takes 2.",
            &[
                "s1#10 copy 1: entry 1 of term 1",
                "s2#6 entry 1, of which s1 had not heard",
                "s1#13 committed",
            ],
            on_its_way.end(),
        )
        .fail(
            "its own copy not on the disk",
            "s1 committed entry 1 in term 1, but an entry of term 1 at 1 or later was on 1 of 3 servers (s2); \
             it takes 2.",
            &["s2#9 copy 1: entry 1 of term 1", "s1#15 committed"],
            real(false).end(),
        )
        .pass("two of three", 3, good.end())
        .pass("its own copy on the disk", 1, real(true).end())
        .pass("entries of earlier terms with one of its own", 3, indirectly.end())
        .pass("a copy at a server that the test plays", 1, played.end())
        .unknown("a write is missing", "perhaps copies of entry 1", missing.end())
}

fn learned() -> Cases {
    let entries = [(1, 1, 0), (2, 1, 12)];
    let mut good = Script::committed(&entries);
    good.heartbeat(1, 2, 1);
    good.learn(2, 1, entries[0]);
    good.learn(2, 1, entries[1]);
    let mut never = Script::led();
    never.write(1, &entries);
    never.replicate(1, 2, 1, (0, 0), &entries);
    never.learn(2, 1, entries[0]);
    let mut early = Script::committed(&entries[..1]);
    early.learn(2, 1, entries[0]);
    // s3 has a leftover of term 2 with the same operation where entry 2 of term 1 was committed.
    let mut leftover = Script::of(3);
    for number in [1, 2] {
        leftover.start(number);
    }
    leftover.start_with(3, 2, &[(1, 1, 11), (2, 2, 12)]);
    leftover.set(1, |state| state.term = 2).set(2, |state| state.term = 2);
    leftover.election(1, 2, 3);
    let mine = [(1, 1, 11), (2, 1, 12), (3, 3, 0)];
    leftover.write(1, &mine);
    leftover.replicate(1, 2, 3, (0, 0), &mine);
    mine.iter().for_each(|entry| {
        leftover.commit(1, 3, *entry);
    });
    leftover.heartbeat(1, 3, 3);
    leftover.learn(3, 3, (1, 1, 11));
    leftover.learn(3, 3, (2, 2, 12));
    // After a restart a server learns anew what was committed long ago, from a leader that committed nothing yet.
    let mut anew = Script::committed(&entries);
    anew.heartbeat(1, 2, 1);
    anew.learn(2, 1, entries[0]);
    anew.learn(2, 1, entries[1]);
    anew.election(2, 3, 2);
    anew.replicate(2, 3, 2, (0, 0), &entries);
    anew.heartbeat(2, 3, 2);
    anew.learn(3, 2, entries[0]);
    let mut played = Script::started(3).scripted(1);
    let message = played.send(1, Kind::AppendRequest, 2, 1);
    played.log(2, 1, 1);
    played.appended(1, 2, 1, message);
    played.write(2, &entries[..1]);
    played.learn(2, 1, entries[0]);
    // s1, which the test plays, sends entry 1 with leaderCommit 2; s2 has a leftover at 2.
    let told = |commit: u64, taken: &[(u64, u64, u64)]| {
        let mut script = Script::of(3).scripted(1);
        script.start_with(2, 1, &[(1, 1, 11), (2, 1, 12)]);
        script.set(1, |state| (state.term, state.role, state.commit_index) = (2, Role::Leader, commit));
        let message = script.append(1, 2, 2, (0, 0), &[(1, 1, 11)]);
        script.set(2, |state| state.commit_index = taken.len() as u64);
        script.appended(1, 2, 2, message);
        script.agree(2, 1, 2, 1);
        for &(index, entry_term, operation) in taken {
            script.act(2, Event::ServerCommit { term: 2, index, entry_term, operation });
        }
        script
    };
    let mut missing = good.clone();
    let lost = missing.records.iter().find(|one| one.event.action() == Action::CoordCommit).map(|one| one.at);
    missing.records.retain(|one| one.event.action() != Action::CoordCommit);
    assert!(lost.is_some(), "something was committed");
    Cases::of("L4")
        .fail(
            "never committed",
            "s2 took entry 1 of term 1 for committed in term 1, but no coordinator had committed it.",
            &["s2#9 takes entry 1 for committed"],
            never.end(),
        )
        .fail(
            "before it could know",
            "s2 took entry 1 for committed in term 1, before it could know that s1 committed it.",
            &["s1#14 s2 could not know of this", "s2#9 takes entry 1 for committed"],
            early.end(),
        )
        .fail(
            "a leftover of another leader",
            "s3 took its entry 2 of term 2 for committed, but s1 had committed entry 2 of term 1.",
            &["s1#15 entry 2 of term 1", "s3#5 takes entry 2 for committed"],
            leftover.end(),
        )
        .fail(
            "beyond the last new entry of a played leader",
            "s2 took entry 2 for committed, but had compared its log with that of s1 up to 1 only.",
            &["s1#1 entries up to 1, leaderCommit 2", "s2#6 takes entry 2 for committed"],
            told(2, &[(1, 1, 11), (2, 1, 12)]).end(),
        )
        .fail(
            "beyond the leaderCommit of a played leader",
            "s2 took entry 1 for committed, but s1 had told it of commits up to 0 only.",
            &["s1#1 entries up to 1, leaderCommit 0", "s2#5 takes entry 1 for committed"],
            told(0, &[(1, 1, 11)]).end(),
        )
        .pass("as a played leader told it", 1, told(2, &[(1, 1, 11)]).end())
        .pass("after the leader", 2, good.end())
        .pass("from a later leader", 3, anew.end())
        .vacuous("from a leader that the test plays", played.end())
        .unknown("the commit is missing", "perhaps the commit of entry 1", missing.end())
}
