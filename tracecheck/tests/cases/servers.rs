//! S1 to S3.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use tracecheck::schema::{Event, Kind};

pub(super) fn cases() -> Vec<Cases> {
    vec![starts(), joins(), candidacies()]
}

fn starts() -> Cases {
    let mut early = Script::started(2);
    early.header.servers.push(s(3));
    early.header.voters.push(s(3));
    early.timeout(3);
    early.start(3);
    let mut silent = Script::of(2);
    silent.start(1);
    silent.timeout(2);
    let mut twice = Script::started(3);
    twice.start(1);
    let mut restarted = Script::started(3);
    restarted.restart(2, FRESH);
    let mut played = Script::of(3).scripted(3);
    played.start(1);
    played.start(2);
    played.ask(3, 1);
    let mut headless = Script::started(2);
    headless.skip(s(3), 1);
    headless.timeout(3);
    Cases::of("S1")
        .fail(
            "no start",
            "Incarnation 1 of s2 begins with CoordFail, not with ServerStart.",
            &["s2#1 its first record"],
            silent.end(),
        )
        .fail("two starts", "s1 started twice in incarnation 1.", &["s1#2 second start"], twice.end())
        .pass("a restart", 4, restarted.end())
        .pass("a server played by the test", 2, played.end())
        .unknown("the first record is missing", "the first records of incarnation 1 of s3", headless.end())
}

fn joining(script: &mut Script, number: u8) {
    script.act(number, Event::ServerJoining { server_id: s(number) });
}

fn joined(script: &mut Script, number: u8) {
    script.act(number, Event::ServerJoined { server_id: s(number) });
}

fn joins() -> Cases {
    let mut never = Script::started(3);
    joined(&mut never, 2);
    let mut twice = Script::started(3);
    joining(&mut twice, 2);
    joined(&mut twice, 2);
    joined(&mut twice, 2);
    let mut rejoined = Script::started(3);
    joining(&mut rejoined, 2);
    joined(&mut rejoined, 2);
    rejoined.restart(2, FRESH);
    joining(&mut rejoined, 2);
    let mut crashed_while_joining = Script::started(3);
    joining(&mut crashed_while_joining, 2);
    crashed_while_joining.restart(2, FRESH);
    joined(&mut crashed_while_joining, 2);
    let mut gap = Script::started(3);
    gap.skip(s(2), 1);
    joined(&mut gap, 2);
    Cases::of("S2")
        .fail(
            "joined before joining",
            "s2 joined in incarnation 1 without joining before.",
            &["s2#2 joined"],
            never.end(),
        )
        .fail(
            "joined twice",
            "s2 recorded ServerJoined twice in incarnation 1.",
            &["s2#3 first", "s2#4 second"],
            twice.end(),
        )
        .fail(
            "joining before a crash does not count after it",
            "s2 joined in incarnation 2 without joining before.",
            &["s2.2#2 joined"],
            crashed_while_joining.end(),
        )
        .pass("again after a restart", 3, rejoined.end())
        .vacuous("nobody joins", Script::started(3).end())
        .unknown("the joining may be in a gap", "perhaps its ServerJoining", gap.end())
}

fn candidacies() -> Cases {
    let mut idle = Script::started(3);
    idle.timeout(1);
    idle.timeout(1);
    let mut proposes = Script::started(3);
    proposes.campaign(1, 1);
    proposes.campaign(1, 2);
    let mut asks = Script::started(3);
    for _ in 0..2 {
        asks.timeout(1);
        asks.act(1, Event::PreVoteRequest { server_id: s(1), term: 1 });
    }
    let mut hears = Script::started(3);
    hears.timeout(1);
    hears.heartbeat(2, 1, 0);
    hears.timeout(1);
    let mut outdated = Script::started(3);
    for number in 1..=3 {
        outdated.set(number, |state| state.term = 4);
    }
    outdated.timeout(1);
    let old = outdated.send(2, Kind::AppendRequest, 1, 3);
    outdated.recv(1, old);
    outdated.timeout(1);
    let mut learns = Script::started(3);
    learns.timeout(1);
    let reply = learns.send(2, Kind::AppendReply, 1, 5);
    learns.set(1, |state| state.term = 5);
    learns.recv(1, reply);
    learns.timeout(1);
    let mut votes = Script::started(3);
    votes.timeout(1);
    votes.campaign(2, 1);
    votes.grant(2, 1, 1);
    votes.timeout(1);
    let mut learner = Script::started(4);
    learner.header.voters.truncate(3);
    learner.timeout(4);
    learner.timeout(4);
    let mut crashes = Script::started(3);
    crashes.timeout(1);
    crashes.restart(1, FRESH);
    crashes.timeout(1);
    let mut gap = Script::started(3);
    gap.timeout(1);
    gap.skip(s(1), 1);
    gap.timeout(1);
    let sentence = "The election timeout of s1 fired twice, and s1 did not propose itself in between.";
    Cases::of("S3")
        .fail(
            "nothing follows",
            sentence,
            &["s1#2 nothing followed this timeout", "s1#3 the next timeout"],
            idle.end(),
        )
        .fail(
            "a coordinator of an older term is none",
            sentence,
            &["s1#2 nothing followed this timeout", "s1#4 the next timeout"],
            outdated.end(),
        )
        .pass("proposes itself, twice", 2, proposes.end())
        .pass("asks for pre-votes, twice", 2, asks.end())
        .pass("hears from a coordinator", 1, hears.end())
        .pass("hears of a higher term", 1, learns.end())
        .pass("grants a vote", 2, votes.end())
        .vacuous("no voter", learner.end())
        .vacuous("crashes, and the run ends", crashes.end())
        .unknown("a proposal may be in a gap", "perhaps a proposal of s1", gap.end())
}
