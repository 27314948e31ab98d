//! E2 and E3.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use tracecheck::schema::{Kind, RejectReason, State};

pub(super) fn cases() -> Vec<Cases> {
    vec![answers(), one_vote()]
}

fn answers() -> Cases {
    let mut election = Script::started(3);
    election.election(1, 2, 1);
    election.asked(1, 3, 1);
    election.set(3, |state| state.term = 2);
    election.refuse(3, 1, 1, Some(RejectReason::HigherTerm));
    let mut unasked = Script::started(3);
    unasked.set(2, |state| (state.term, state.voted_for) = (1, Some(s(1))));
    unasked.confirm(2, 1, 1);
    let mut too_early = Script::started(3);
    too_early.campaign(1, 1);
    too_early.set(2, |state| (state.term, state.voted_for) = (1, Some(s(1))));
    too_early.confirm(2, 1, 1);
    let mut gap = Script::started(3);
    gap.campaign(1, 1);
    let request = gap.records.last().expect("it asked").at;
    let message = gap.send(1, Kind::VoteRequest, 2, 1);
    gap.set(2, |state| (state.term, state.voted_for) = (1, Some(s(1))));
    gap.recv(2, message);
    gap.confirm(2, 1, 1);
    gap.remove(request);
    let mut played = Script::of(3).scripted(3);
    played.start(1);
    played.start(2);
    played.set(3, |state| state.term = 1);
    played.ask(3, 1);
    played.confirm(3, 2, 9);
    let message = played.send(3, Kind::VoteRequest, 1, 1);
    played.set(1, |state| (state.term, state.voted_for) = (1, Some(s(3))));
    played.recv(1, message);
    played.confirm(1, 3, 1);
    Cases::of("E2")
        .fail(
            "a vote that crosses the request",
            "s2 answered the vote request of s1 for term 1 without having received it.",
            &["s1#5 a request that s2 had not received", "s2#2 the answer"],
            too_early.end(),
        )
        .fail(
            "a vote that nobody asked for",
            "s2 answered a vote request of s1 for term 1 that s1 never sent.",
            &["s2#2 the answer"],
            unasked.stopped(),
        )
        .pass("a vote and a refusal", 2, election.end())
        .pass("a candidate played by the test", 1, played.end())
        .unknown("the request may be in a gap", "perhaps the vote request", gap.end())
}

fn one_vote() -> Cases {
    let both_ask = |script: &mut Script| {
        script.campaign(1, 4);
        script.campaign(3, 4);
    };
    let mut twice = Script::started(3);
    both_ask(&mut twice);
    twice.grant(1, 2, 4);
    twice.grant(3, 2, 4);
    let mut itself = Script::started(3);
    both_ask(&mut itself);
    itself.grant(3, 1, 4);
    let restored = State { term: 4, voted_for: Some(s(1)), ..FRESH };
    let mut forgot = Script::started(3).real();
    both_ask(&mut forgot);
    forgot.grant(1, 2, 4);
    forgot.restart(2, State { voted_for: None, ..restored });
    forgot.grant(3, 2, 4);
    let mut lost = Script::started(3);
    both_ask(&mut lost);
    lost.grant(1, 2, 4);
    lost.set(2, |state| state.voted_for = None);
    lost.timeout(2);
    let mut left = Script::started(3).real();
    both_ask(&mut left);
    left.asked(1, 2, 4);
    left.set(2, |state| state.voted_for = Some(s(3)));
    left.sync(2);
    // The vote that leaves is not the one on the disk.
    left.send_with(2, Kind::VoteReply, 1, 4, Some(s(1)), None);
    let mut again = Script::started(3).real();
    both_ask(&mut again);
    again.grant(1, 2, 4);
    again.grant(1, 2, 4);
    again.restart(2, restored);
    again.grant(1, 2, 4);
    let mut unsynced = Script::started(3).real();
    both_ask(&mut unsynced);
    unsynced.asked(1, 2, 4);
    unsynced.set(2, |state| state.voted_for = Some(s(1)));
    unsynced.confirm(2, 1, 4);
    unsynced.restart(2, FRESH);
    unsynced.grant(3, 2, 4);
    let mut played = Script::started(2).scripted(3);
    played.header.servers.push(s(3));
    played.header.voters.push(s(3));
    played.campaign(1, 4);
    played.send_with(3, Kind::VoteReply, 1, 4, Some(s(1)), None);
    played.send_with(3, Kind::VoteReply, 2, 4, Some(s(2)), None);
    let mut stateless = Script::started(3).real();
    stateless.records[0].state = None;
    Cases::of("E3")
        .fail(
            "two candidates",
            "s2 voted twice in term 4: first for s1, then for s3.",
            &["s2#3 first vote, for s1", "s2#6 second vote, for s3"],
            twice.end(),
        )
        .fail(
            "a candidate that votes for another",
            "s1 voted twice in term 4: first for itself, then for s3.",
            &["s1#4 first vote, for itself", "s1#7 second vote, for s3"],
            itself.end(),
        )
        .fail(
            "a restart that forgot the vote",
            "s2 voted twice in term 4: first for s1, then for s3.",
            &["s2#4 first vote, for s1, on its disk", "s2.2#5 second vote, for s3, on its disk"],
            forgot.end(),
        )
        .fail(
            "a vote that was forgotten within its term",
            "s2 forgot its vote of term 4, which was for s1.",
            &["s2#3 its vote", "s2#5 the same term, and no vote"],
            lost.end(),
        )
        .pass("the same candidate again, after a restart too", 3, again.end())
        .pass("a vote that neither left nor reached the disk", 3, unsynced.end())
        .pass("a voter played by the test", 1, played.end())
        .unknown("no restored state", "s1#1 (ServerStart) carries no state", stateless.end())
}
