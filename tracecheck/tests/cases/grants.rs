//! E7 and E10.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use tracecheck::schema::{Action, Kind, RejectReason, Role, State};

pub(super) fn cases() -> Vec<Cases> {
    vec![up_to_date(), true_reasons()]
}

fn up_to_date() -> Cases {
    let logs = |candidate: (u64, u64), voter: (u64, u64)| {
        let mut script = Script::of(3);
        script.log(1, candidate.0, candidate.1).log(2, voter.0, voter.1);
        for number in 1..=3 {
            script.start(number);
        }
        script.campaign(1, 4);
        script.grant(1, 2, 4);
        script
    };
    // The log grows by entries of the candidate itself before its request comes a second time.
    let mut again = logs((3, 2), (3, 2));
    again.log(2, 4, 4);
    again.grant(1, 2, 4);
    // The vote was lost in a crash before it reached the disk, and is given again with another log.
    let mut anew = Script::started(3).real();
    anew.campaign(1, 4);
    anew.asked(1, 2, 4);
    anew.set(2, |state| state.voted_for = Some(s(1)));
    anew.confirm(2, 1, 4);
    let entries = [(1, 1, 11), (2, 1, 12)];
    anew.write(2, &entries);
    anew.restart_bare(2, State { last_index: 2, last_term: 1, ..FRESH });
    anew.restored(2, (0, None), (0, 0), &entries);
    anew.grant(1, 2, 4);
    // The test plays a candidate that shows different logs to different servers.
    let mut two_faced = Script::started(3).scripted(1);
    two_faced.log(3, 5, 3).set(1, |state| state.term = 4);
    two_faced.timeout(3);
    two_faced.ask(1, 4);
    let first = two_faced.send(1, Kind::VoteRequest, 2, 4);
    two_faced.log(1, 9, 3);
    two_faced.ask(1, 4);
    let second = two_faced.send(1, Kind::VoteRequest, 3, 4);
    for (voter, message) in [(2, first), (3, second)] {
        two_faced.set(voter, |state| (state.term, state.voted_for) = (4, Some(s(1))));
        two_faced.recv(voter, message);
        two_faced.confirm(voter, 1, 4);
    }
    let mut stateless = logs((3, 2), (3, 2));
    stateless.strip_state(Action::VoteRequest);
    let mut blind = logs((3, 2), (3, 2));
    blind.strip_state(Action::VoteConfirm);
    Cases::of("E7")
        .fail(
            "a shorter log",
            "s2 voted for s1 in term 4, but the log of s1 was behind: it ends with entry 2 of term 3, \
             and that of s2 ends with entry 3 of term 3.",
            &[
                "s1#5 the log of s1 ends with entry 2 of term 3",
                "s2#3 the log of s2 ends with entry 3 of term 3",
            ],
            logs((2, 3), (3, 3)).end(),
        )
        .fail(
            "a longer log that ends in an older term",
            "s2 voted for s1 in term 4, but the log of s1 was behind: it ends with entry 9 of term 2, \
             and that of s2 ends with entry 3 of term 3.",
            &[
                "s1#5 the log of s1 ends with entry 9 of term 2",
                "s2#3 the log of s2 ends with entry 3 of term 3",
            ],
            logs((9, 2), (3, 3)).end(),
        )
        .fail(
            "a vote given anew after a crash",
            "s2 voted for s1 in term 4, but the log of s1 was behind: it is empty, \
             and that of s2 ends with entry 2 of term 1.",
            &["s1#5 the log of s1 is empty", "s2.2#4 the log of s2 ends with entry 2 of term 1"],
            anew.end(),
        )
        .pass("equal logs", 1, logs((3, 3), (3, 3)).end())
        .pass("a shorter log that ends in a newer term", 1, logs((1, 3), (9, 2)).end())
        .pass("the same vote again, whatever the logs are", 1, again.end())
        .pass("a candidate that shows different logs", 2, two_faced.end())
        .unknown("the request has no state", "s1#5 (VoteRequest) carries no state", stateless.end())
        .unknown("the vote has no state", "s2#3 (VoteConfirm) carries no state", blind.end())
}

/// s1 asks s2 in term 4; s2's state before the answer is changed by `change`.
fn refused(reason: Option<RejectReason>, before: fn(&mut Script), change: fn(&mut State)) -> Script {
    let mut script = Script::started(3);
    before(&mut script);
    script.campaign(1, 4);
    script.set(2, change);
    script.asked(1, 2, 4);
    script.refuse(2, 1, 4, reason);
    script
}

fn votes_for_s3(script: &mut Script) {
    script.campaign(3, 4);
    script.grant(3, 2, 4);
}

fn hears_s3(script: &mut Script) {
    script.set(3, |state| state.term = 3);
    script.heartbeat(3, 2, 3);
}

fn true_reasons() -> Cases {
    use RejectReason::{HigherTerm, LiveLeader, LogBehind, NotVoter, OtherVote};
    let nothing: fn(&mut Script) = |_| {};
    let same: fn(&mut State) = |_| {};
    let has_log: fn(&mut State) = |state| (state.last_index, state.last_term) = (5, 3);
    // What is ignored for a live leader does not move the voter into its term.
    let live = |before: fn(&mut Script)| {
        let mut script = Script::started(3);
        before(&mut script);
        script.campaign(1, 4);
        let message = script.send(1, Kind::VoteRequest, 2, 4);
        script.recv(2, message);
        script.refuse(2, 1, 4, Some(LiveLeader));
        script
    };
    let mut restored = Script::started(3).real();
    restored.set(2, |state| (state.term, state.voted_for) = (4, Some(s(3))));
    restored.sync(2);
    restored.restart(2, State { term: 4, voted_for: Some(s(3)), ..FRESH });
    restored.campaign(1, 4);
    restored.asked(1, 2, 4);
    restored.refuse(2, 1, 4, Some(OtherVote));
    let mut learner = refused(Some(NotVoter), nothing, same);
    learner.header.voters = vec![s(1), s(3)];
    let mut stateless = refused(None, nothing, same);
    stateless.strip_state(Action::VoteReject);
    let mut no_request_state = refused(Some(LogBehind), nothing, has_log);
    no_request_state.strip_state(Action::VoteRequest);
    Cases::of("E10")
        .fail(
            "no reason",
            "s2 refused its vote to s1 in term 4 although nothing forbade it: its vote of that term was free, \
             and the log of s1 is not behind its own.",
            &["s2#3 the refusal"],
            refused(None, nothing, same).end(),
        )
        .fail(
            "no higher term",
            "s2 refused its vote to s1 in term 4 because of a higher own term, but its own term was 4.",
            &["s2#3 the refusal"],
            refused(Some(HigherTerm), nothing, same).end(),
        )
        .fail(
            "no other vote",
            "s2 refused its vote to s1 in term 4 for another vote in that term, but it had given none.",
            &["s2#3 the refusal"],
            refused(Some(OtherVote), nothing, same).end(),
        )
        .fail(
            "a vote of an older term",
            "s2 refused its vote to s1 in term 4 for another vote in that term, but its vote for s3 was of an older term.",
            &["s2#7 the refusal"],
            refused(
                Some(OtherVote),
                |script| {
                    script.campaign(3, 2);
                    script.grant(3, 2, 2);
                    script.timeout(2);
                },
                same,
            )
            .end(),
        )
        .fail(
            "the same vote",
            "s2 refused its vote to s1 in term 4 for another vote in that term, but the vote it gave was for s1 itself.",
            &["s2#3 its only vote in that term", "s2#6 the refusal"],
            {
                let mut script = Script::started(3);
                script.campaign(1, 4);
                script.grant(1, 2, 4);
                script.asked(1, 2, 4);
                script.refuse(2, 1, 4, Some(OtherVote));
                script.end()
            },
        )
        .fail(
            "equal logs",
            "s2 refused its vote to s1 in term 4 for a log that is behind, but the log of s1 is empty, \
             and that of s2 is empty.",
            &["s1#5 the log of s1 is empty", "s2#3 the refusal"],
            refused(Some(LogBehind), nothing, same).end(),
        )
        .fail(
            "no live leader",
            "s2 refused its vote to s1 in term 4 for the sake of a live leader (nobody), \
             but it had heard from none in term 0 since it started.",
            &["s2#3 the refusal"],
            live(nothing).end(),
        )
        .fail(
            "a leader that has been silent for too long",
            "s2 refused its vote to s1 in term 4 for the sake of a live leader (s3), \
             but it had heard from none in term 3 since its election timeout.",
            &["s2#3 no leader was heard since", "s2#5 the refusal"],
            live(|script| {
                hears_s3(script);
                script.timeout(2);
            })
            .end(),
        )
        .fail(
            "it is a voter",
            "s2 refused its vote to s1 in term 4 because it has no vote, but it is a voter.",
            &["s2#3 the refusal"],
            refused(Some(NotVoter), nothing, same).end(),
        )
        .pass("a higher term", 1, refused(Some(HigherTerm), nothing, |state| state.term = 6).end())
        .pass("another vote", 1, refused(Some(OtherVote), votes_for_s3, same).end())
        .pass("another vote, restored", 1, restored.end())
        .pass("a log behind", 1, refused(Some(LogBehind), nothing, has_log).end())
        .pass("a live leader", 1, live(hears_s3).end())
        .pass(
            "it leads itself",
            1,
            live(|script| {
                script.election(2, 3, 3);
                script.set(2, |state| state.role = Role::Leader);
            })
            .end(),
        )
        .pass("no voter", 1, learner.end())
        .unknown("no state", "s2#3 (VoteReject) carries no state", stateless.end())
        .unknown("the request has no state", "s1#5 (VoteRequest) carries no state", no_request_state.end())
}
