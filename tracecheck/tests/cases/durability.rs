//! D1.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use tracecheck::schema::{Kind, State};

pub(super) fn cases() -> Vec<Cases> {
    // s2 was asked by s1 in term 4, and promises what `change` says.
    let asked = |change: fn(&mut State)| {
        let mut script = Script::started(3).real();
        script.campaign(1, 4);
        script.asked(1, 2, 4);
        script.set(2, change);
        script
    };
    let votes: fn(&mut State) = |state| state.voted_for = Some(s(1));
    let nothing: fn(&mut State) = |_| {};
    let reply = |mut script: Script, term: u64, vote: bool| {
        script.send_with(2, Kind::VoteReply, 1, term, vote.then_some(s(1)), None);
        script
    };
    let synced = |mut script: Script| {
        script.sync(2);
        script
    };
    let later = |mut script: Script, change: fn(&mut State)| {
        script.set(2, change);
        script
    };
    let mut request = Script::started(3).real();
    request.set(1, |state| (state.term, state.voted_for) = (4, None));
    request.sync(1);
    request.set(1, |state| state.voted_for = Some(s(1)));
    request.send(1, Kind::VoteRequest, 2, 4);
    let acknowledges = |on_disk: u64| {
        let mut script = Script::started(3).real();
        script.log(2, on_disk, 1);
        script.sync(2);
        script.log(2, 7, 1);
        script.send_with(2, Kind::AppendReply, 1, 0, None, Some(7));
        script
    };
    let mut leader = Script::started(3).real();
    leader.set(1, |state| state.term = 4);
    leader.sync(1);
    leader.log(1, 9, 4);
    leader.send(1, Kind::AppendRequest, 2, 4);
    let mut pre_votes = Script::started(3).real();
    pre_votes.send(1, Kind::PreVoteRequest, 2, 1);
    pre_votes.send(2, Kind::PreVoteReply, 1, 1);
    let mut late = Script::started(3).real();
    late.set(2, |state| state.term = 7);
    late.send(2, Kind::PreVoteReply, 1, 5);
    let mut restored = Script::started(3).real();
    restored.campaign(1, 4);
    restored.set(2, |state| (state.term, state.voted_for) = (4, Some(s(1))));
    restored.sync(2);
    restored.restart(2, State { term: 4, voted_for: Some(s(1)), ..FRESH });
    let restored = reply(restored, 4, true);
    // One sync covers an acknowledgement of term 1 and what a leader of term 2 replaced it with.
    let mut replaced = Script::started(3).real();
    replaced.log(2, 3, 1).set(2, |state| state.term = 2);
    replaced.sync(2);
    replaced.send_with(2, Kind::AppendReply, 1, 1, None, Some(7));
    // s2 has three entries of term 1 on its disk, and is about to replace the third one.
    let replacing = |synced: bool| {
        let mut script = Script::of(3).real();
        script.start(1);
        script.start_with(2, 3, &[(1, 1, 11), (2, 1, 12), (3, 1, 13)]);
        script.start(3);
        script.set(1, |state| (state.term, state.role) = (3, tracecheck::schema::Role::Leader));
        script.sync(1);
        let message = script.append(1, 2, 3, (2, 1), &[(3, 3, 33)]);
        script.log(2, 3, 3);
        script.appended(1, 2, 3, message);
        script.write(2, &[(3, 3, 33)]);
        script.agree(2, 1, 3, 3);
        if synced {
            script.sync(2);
        }
        script.reply(2, 1, 3, 3);
        script
    };
    let mut stateless = reply(synced(asked(votes)), 4, true);
    stateless.records[1].state = None;
    let keep = stateless.records.len() - 2;
    let durable = stateless.records[keep].at;
    let mut missing = reply(synced(asked(votes)), 4, true);
    missing.remove(durable);
    stateless.remove(durable);
    vec![
        Cases::of("D1")
            .fail(
                "a vote before its sync",
                "s2 promised its vote to s1 in term 4 before that vote was on its disk.",
                &["s2#3 the last that its disk held for certain", "s2#4 the message leaves, to s1"],
                reply(later(synced(asked(nothing)), votes), 4, true).end(),
            )
            .fail(
                "a term before its sync",
                "s2 sent a reply to a RequestVote of term 4 while its disk said term 0.",
                &["s2#1 the last that its disk held for certain", "s2#3 the message leaves, to s1"],
                reply(asked(nothing), 4, false).end(),
            )
            .fail(
                "a vote request before the own vote",
                "s1 asked for votes in term 4 before its own vote was on its disk.",
                &["s1#2 the last that its disk held for certain", "s1#3 the message leaves, to s2"],
                request.end(),
            )
            .fail(
                "entries before their sync",
                "s2 confirmed entries up to 7 while its disk had them up to 5.",
                &["s2#2 the last that its disk held for certain", "s2#3 the message leaves, to s1"],
                acknowledges(5).end(),
            )
            .fail(
                "the entry that is replaced is still on the disk",
                "s2 confirmed entries up to 3 while entry 3 on its disk was of term 1.",
                &["s2#2 the last that its disk held for certain", "s2#6 the message leaves, to s1"],
                replacing(false).end(),
            )
            .pass("an entry that was replaced, after its sync", 2, replacing(true).end())
            .pass("a vote after its sync", 2, reply(synced(asked(votes)), 4, true).end())
            .pass("entries after their sync", 1, acknowledges(7).end())
            .pass("a leader may send before its entries are synced", 1, leader.end())
            .pass("a pre-vote promises nothing", 1, pre_votes.end())
            .pass("a granted pre-vote, whose voter is in a later term when the answer leaves", 1, late.end())
            .pass("what was restored is on the disk", 1, restored.end())
            .pass("entries that a later term replaced", 1, replaced.end())
            .vacuous("disks assumed", {
                let mut script = Script::started(3);
                script.send(1, Kind::AppendReply, 2, 0);
                script.end()
            })
            .unknown("no restored state", "nothing says what s2 had on its disk", stateless.end())
            .unknown("the sync may be in a gap", "perhaps a Durable", missing.end()),
    ]
}
