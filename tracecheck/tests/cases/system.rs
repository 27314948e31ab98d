//! C1 and C2.

use super::Cases;
use crate::builder::{Script, s};
use crate::builder_kv::{op, put};
use tracecheck::schema::{Event, Node, Stamp};

pub(super) fn cases() -> Vec<Cases> {
    vec![ready(), given_up()]
}

fn joined(script: &mut Script, number: u8) -> Stamp {
    script.act(number, Event::ServerJoining { server_id: s(number) });
    script.act(number, Event::ServerJoined { server_id: s(number) })
}

fn told(script: &mut Script, from: u8, cause: Stamp) -> Stamp {
    let event = Event::Told { from: s(from), joined: true, coord_term: Some(1) };
    script.push(Node::Run, event, None, Some(cause))
}

fn call_ready(script: &mut Script) -> Stamp {
    script.tell(Node::Run, Event::SystemReady {})
}

/// s1 leads, and the controller was told by these servers that they have joined.
fn told_by(numbers: &[u8]) -> Script {
    let mut script = Script::led();
    for number in numbers {
        let cause = joined(&mut script, *number);
        told(&mut script, *number, cause);
    }
    script
}

fn ready() -> Cases {
    let mut silent = told_by(&[1, 2]);
    joined(&mut silent, 3);
    call_ready(&mut silent);
    let mut not_joined = told_by(&[1, 2]);
    let cause = not_joined.act(3, Event::ServerJoining { server_id: s(3) });
    told(&mut not_joined, 3, cause);
    joined_late(&mut not_joined);
    call_ready(&mut not_joined);
    let mut leaderless = Script::started(3);
    for number in 1..=3 {
        let cause = joined(&mut leaderless, number);
        told(&mut leaderless, number, cause);
    }
    let mut unheard = leaderless.clone();
    call_ready(&mut leaderless);
    unheard.election(1, 2, 1);
    call_ready(&mut unheard);
    let mut twice = told_by(&[1, 2, 3]);
    call_ready(&mut twice);
    call_ready(&mut twice);
    let mut by_server = told_by(&[1, 2, 3]);
    by_server.tell(s(1), Event::SystemReady {});
    let mut early = told_by(&[1, 2, 3]);
    early.begin(1);
    early.invoke(op(1, 1), put("x", "a"));
    call_ready(&mut early);
    early.finish(1);
    let mut fine = told_by(&[1, 2, 3]);
    call_ready(&mut fine);
    fine.begin(1);
    fine.invoke(op(1, 1), put("x", "a"));
    fine.finish(1);
    let mut later = told_by(&[1, 2, 3]);
    later.header.servers.push(s(4));
    call_ready(&mut later);
    let mut never = Script::led();
    never.begin(1);
    never.invoke(op(1, 1), put("x", "a"));
    never.finish(1);
    let mut gap = told_by(&[1, 2]);
    gap.skip(Node::Run, 1);
    call_ready(&mut gap);
    Cases::of("C1")
        .fail(
            "one server did not tell",
            "The system was called ready, but s3 had not told that it has joined.",
            &["s3#3 nobody was told of this", "run#3 called ready"],
            silent.end(),
        )
        .fail(
            "one server had not joined",
            "The system was called ready, but s3 had not joined when it said so.",
            &["run#3 so it was told", "run#4 called ready"],
            not_joined.end(),
        )
        .fail(
            "no coordinator",
            "The system was called ready without a coordinator.",
            &["run#4 called ready"],
            leaderless.end(),
        )
        .fail(
            "a coordinator of whom nobody had told",
            "The system was called ready before the controller could know of a coordinator.",
            &["s1#11 elected, which nobody had told", "run#4 called ready"],
            unheard.end(),
        )
        .fail(
            "twice",
            "The system was called ready twice.",
            &["run#4 first", "run#5 called ready"],
            twice.end(),
        )
        .fail("by a server", "s1 called the system ready.", &["s1#12 called ready"], by_server.end())
        .fail(
            "a client began before",
            "c1 was asked for an operation before the system was ready.",
            &["c1#2 asked", "run#4 called ready"],
            early.end(),
        )
        .pass("everybody has joined, and then a client begins", 1, fine.end())
        .pass("a server that starts later is not waited for", 1, later.end())
        .vacuous("nobody calls the system ready", never.end())
        .unknown("the controller's records are missing", "perhaps what the controller was told", gap.end())
}

/// s3 joins when the controller was told already.
fn joined_late(script: &mut Script) {
    script.act(3, Event::ServerJoined { server_id: s(3) });
}

fn given_up() -> Cases {
    let gives_up = |script: &mut Script, number: u8| {
        script.act(number, Event::ServerFail { server_id: s(3) });
    };
    let mut follower = Script::led();
    gives_up(&mut follower, 2);
    let mut candidate = Script::started(3);
    candidate.campaign(1, 1);
    gives_up(&mut candidate, 1);
    let mut client = Script::clerk();
    client.tell(crate::builder_kv::c(1), Event::ServerFail { server_id: s(3) });
    let mut leader = Script::led();
    gives_up(&mut leader, 1);
    let mut blind = Script::led();
    gives_up(&mut blind, 1);
    blind.strip_state(tracecheck::schema::Action::ServerFail);
    Cases::of("C2")
        .fail(
            "a follower gives a server up",
            "s2 gave s3 up, but was a follower in term 1.",
            &["s2#5 gives s3 up"],
            follower.end(),
        )
        .fail(
            "a candidate gives a server up",
            "s1 gave s3 up, but was a candidate in term 1.",
            &["s1#6 gives s3 up"],
            candidate.end(),
        )
        .fail(
            "a client gives a server up",
            "c1 gave s3 up, but was no server.",
            &["c1#2 gives s3 up"],
            client.closed(),
        )
        .pass("the coordinator gives a server up", 1, leader.end())
        .unknown("a record without its state", "carries no state", blind.end())
}
