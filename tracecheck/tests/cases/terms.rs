//! E1, E8, E9.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use tracecheck::schema::{Action, Event, Kind, RejectReason, Role, State, Timer};

pub(super) fn cases() -> Vec<Cases> {
    vec![terms(), obeys(), stale()]
}

fn terms() -> Cases {
    let mut fell = Script::started(3);
    fell.set(1, |state| state.term = 5).set(2, |state| state.term = 3);
    fell.timeout(1);
    fell.set(1, |state| state.term = 4);
    fell.act(1, Event::PreVoteRequest { server_id: s(1), term: 5 });
    let mut forgot = Script::started(3).real();
    forgot.set(1, |state| state.term = 5);
    forgot.timeout(1);
    forgot.sync(1);
    forgot.restart(1, FRESH);
    let mut assumed = Script::started(3);
    assumed.set(1, |state| state.term = 5);
    assumed.timeout(1);
    assumed.restart(1, FRESH);
    let mut disk = Script::started(3).real();
    disk.set(1, |state| state.term = 5);
    disk.sync(1);
    disk.set(1, |state| state.term = 4);
    disk.sync(1);
    let mut same = Script::started(3);
    same.campaign(1, 1);
    same.timeout(1);
    same.proposal(1, 1);
    let mut was_there = Script::started(3);
    was_there.heartbeat(2, 1, 1);
    was_there.timeout(1);
    was_there.proposal(1, 1);
    let mut brought = Script::started(3);
    let reply = brought.send(2, Kind::VoteReply, 1, 4);
    brought.set(1, |state| state.term = 4);
    brought.recv(1, reply);
    brought.proposal(1, 4);
    // Never synced, so never effective: after the crash the term may be proposed as if for the first time.
    let mut unsynced = Script::started(3).real();
    unsynced.set(1, |state| state.term = 1);
    unsynced.timeout(1);
    unsynced.proposal(1, 1);
    unsynced.restart(1, FRESH);
    unsynced.campaign(1, 1);
    let mut pre_vote = Script::started(3);
    let reply = pre_vote.send(2, Kind::PreVoteReply, 1, 1);
    pre_vote.set(1, |state| (state.term, state.role, state.voted_for) = (1, Role::Candidate, Some(s(1))));
    pre_vote.recv(1, reply);
    pre_vote.proposal(1, 1);
    let mut gap = Script::started(3);
    gap.skip(s(2), 1);
    gap.heartbeat(1, 2, 0);
    Cases::of("E1")
        .fail(
            "the term falls",
            "The term of s1 fell from 5 to 4.",
            &["s1#2 term 5", "s1#3 a lower term"],
            fell.end(),
        )
        .fail(
            "a restart forgets the term",
            "s1 restarted in term 0, although its disk had held term 5.",
            &["s1#3 term 5", "s1.2#1 a lower term"],
            forgot.end(),
        )
        .fail(
            "a restart forgets the term, disks assumed",
            "s1 restarted in term 0, although it had been in term 5.",
            &["s1#2 term 5", "s1.2#1 a lower term"],
            assumed.end(),
        )
        .fail(
            "the disk goes back",
            "The disk of s1 went back from term 5 to term 4.",
            &["s1#2 term 5", "s1#3 a lower term"],
            disk.end(),
        )
        .fail(
            "a second proposal in the same term",
            "s1 proposed itself in term 1, which was not new to it.",
            &["s1#3 it proposed this term or a later one before", "s1#7 the proposal"],
            same.end(),
        )
        .fail(
            "a proposal in the term of its leader",
            "s1 proposed itself in term 1, which was not new to it.",
            &["s1#2 it was in this term or a later one", "s1#4 the proposal"],
            was_there.end(),
        )
        .fail(
            "a proposal in the term that a message brought",
            "s1 proposed itself in term 4, which was not new to it.",
            &["s1#3 the message that it handles brought this term"],
            brought.end(),
        )
        .pass("a term that was never on the disk", 8, unsynced.end())
        .pass("a proposal after pre-votes", 5, pre_vote.end())
        .unknown("a gap", "records are missing (1 record of s2 before s2#3)", gap.end())
        .unknown("no end", "3 obligations were met until there", Script::started(3))
}

fn obeys() -> Cases {
    let receives = |kind: Kind, own: u64| {
        let mut script = Script::started(3);
        script.set(2, |state| state.term = 1);
        let message = if kind == Kind::VoteRequest {
            script.campaign(1, 3);
            script.send(1, kind, 2, 3)
        } else {
            script.send(1, kind, 2, 3)
        };
        script.set(2, |state| state.term = own);
        script.recv(2, message);
        script
    };
    let mut ignored = receives(Kind::VoteRequest, 1);
    ignored.timeout(2);
    let mut live = Script::started(3);
    live.set(1, |state| state.term = 1);
    live.heartbeat(1, 2, 1);
    live.campaign(3, 2);
    let request = live.send(3, Kind::VoteRequest, 2, 2);
    live.recv(2, request);
    live.refuse(2, 3, 2, Some(RejectReason::LiveLeader));
    live.timeout(2);
    let mut stateless = receives(Kind::AppendReply, 3);
    stateless.strip_state(Action::Recv);
    let mut gap = receives(Kind::VoteRequest, 1);
    gap.skip(s(2), 1);
    gap.timeout(2);
    let mut crash = receives(Kind::VoteRequest, 1);
    crash.crash(2);
    Cases::of("E8")
        .fail(
            "a reply of a higher term",
            "s2 received a reply to an AppendEntries of the higher term 3 from s1, and stayed in term 1.",
            &["s2#2 term 3 arrives, s2 stays in 1"],
            receives(Kind::AppendReply, 1).end(),
        )
        .fail(
            "a vote request ignored for nobody's sake",
            "s2 received a RequestVote of the higher term 3 from s1, and stayed in term 1.",
            &["s2#2 term 3 arrives, s2 stays in 1"],
            ignored.end(),
        )
        .fail(
            "a vote request ignored in the last step",
            "s2 received a RequestVote of the higher term 3 from s1, and stayed in term 1.",
            &["s2#2 term 3 arrives, s2 stays in 1"],
            receives(Kind::VoteRequest, 1).end(),
        )
        .pass("obeyed", 1, receives(Kind::AppendReply, 3).end())
        .pass("ignored for a live leader", 2, live.end())
        .vacuous("stopped before the refusal", receives(Kind::VoteRequest, 1).stopped())
        .vacuous("crashed before the refusal", crash.end())
        .vacuous("a pre-vote", receives(Kind::PreVoteRequest, 1).end())
        .unknown("no state", "s2#2 (Recv) carries no state", stateless.end())
        .unknown("a refusal may be in a gap", "perhaps a refusal", gap.end())
}

fn stale() -> Cases {
    let receives = |kind: Kind, term: u64, armed: &[Timer], change: fn(&mut State)| {
        let mut script = Script::started(3);
        script.set(1, |state| state.term = 5);
        script.timeout(1);
        let message = script.send(2, kind, 1, term);
        script.set(1, change);
        script.recv_arming(1, message, armed);
        script
    };
    let nothing: fn(&mut State) = |_| {};
    // s2 refuses in its own term 3 what s1 asked in that term; s1, in term 5, gives its candidacy up.
    let refuses = |asked: u64| {
        let mut script = Script::started(3).scripted(2);
        script.set(1, |state| (state.term, state.role, state.voted_for) = (5, Role::Candidate, Some(s(1))));
        script.timeout(1);
        let request = script.send(1, Kind::VoteRequest, 2, asked);
        script.recv(2, request);
        let refusal = script.send(2, Kind::VoteReply, 1, 3);
        script.set(1, |state| state.role = Role::Follower);
        script.recv(1, refusal);
        script
    };
    let mut own_write = Script::started(3);
    own_write.set(1, |state| (state.term, state.role, state.last_index) = (5, Role::Leader, 3));
    own_write.timeout(1);
    let message = own_write.send(2, Kind::AppendReply, 1, 4);
    own_write.sync(1);
    own_write.set(1, |state| state.commit_index = 3);
    own_write.recv(1, message);
    let mut stateless = receives(Kind::AppendRequest, 2, &[], nothing);
    stateless.strip_state(Action::Recv);
    let mut blind = Script::started(3);
    let message = blind.send(2, Kind::AppendRequest, 1, 2);
    blind.set(1, |state| state.term = 5);
    blind.recv(1, message);
    blind.records[0].state = None;
    Cases::of("E9")
        .fail(
            "arms a timer",
            "s1 received an AppendEntries of the old term 2 while in term 5, and armed its election timer.",
            &["s1#2 s1 is in term 5", "s1#3 a message of term 2"],
            receives(Kind::AppendRequest, 2, &[Timer::Election], nothing).end(),
        )
        .fail(
            "changes the leader and the vote, and commits",
            "s1 received an InstallSnapshot of the old term 4 while in term 5, and changed its vote from nobody to s3, \
             took s2 for the leader instead of nobody and moved its commit index from 0 to 3.",
            &["s1#2 s1 is in term 5", "s1#3 a message of term 4"],
            receives(Kind::InstallRequest, 4, &[], |state| {
                (state.voted_for, state.leader_id, state.commit_index) = (Some(s(3)), Some(s(2)), 3);
            })
            .end(),
        )
        .fail(
            "counts an old vote",
            "s1 received a reply to a RequestVote of the old term 4 while in term 5, and went from follower to leader \
             and armed its quorum timer and heartbeat timer.",
            &["s1#2 s1 is in term 5", "s1#3 a message of term 4"],
            receives(Kind::VoteReply, 4, &[Timer::Quorum, Timer::Heartbeat], |state| {
                (state.role, state.leader_id) = (Role::Leader, Some(s(1)));
            })
            .end(),
        )
        .fail(
            "arms a timer for an old pre-vote",
            "s1 received a PreVote of the old term 4 while in term 5, and armed its election timer.",
            &["s1#2 s1 is in term 5", "s1#3 a message of term 4"],
            receives(Kind::PreVoteRequest, 4, &[Timer::Election], nothing).end(),
        )
        .fail(
            "gives up for the refusal of an old request",
            "s1 received a reply to a RequestVote of the old term 4 while in term 5, and went from candidate to follower.",
            &["s1#2 s1 is in term 5", "s1#4 a message of term 4"],
            refuses(4).end(),
        )
        .vacuous("gives up for the refusal of the present request", refuses(5).end())
        .pass("changes nothing", 1, receives(Kind::AppendReply, 2, &[], nothing).end())
        .pass("a commit by its own write", 1, own_write.end())
        .vacuous("the own term", receives(Kind::AppendRequest, 5, &[Timer::Election], nothing).end())
        .vacuous("a granted pre-vote", receives(Kind::PreVoteReply, 4, &[], nothing).end())
        .unknown("no state", "s1#3 (Recv) carries no state", stateless.end())
        .unknown("no state before", "no record before s1#2 carries the state of s1", blind.end())
}
