//! K4.

use super::Cases;
use crate::builder::{Script, s};
use crate::builder_kv::{c, done, get, op, put, value};
use tracecheck::schema::{Event, KvCall, KvKind, KvOutcome, Op, Role};

pub(super) fn cases() -> Vec<Cases> {
    vec![writes(Cases::of("K4")), confirmations(), catching_up(), legal(), undecided()]
}

const OP: Op = Op { client_id: 1, op_id: 1 };

fn call() -> KvCall {
    put("x", "a")
}

fn read() -> KvCall {
    get("x")
}

/// s1 leads; a client's put reached it and was executed as entry 2, but not answered.
fn written() -> Script {
    let mut script = Script::coordinated();
    script.asks(OP, &call(), 1);
    script.commits((2, 1, 12));
    script.executes(1, (2, 12), OP, &call(), done());
    script
}

/// s1 has executed a put; a client's get of it reached s1.
fn reading() -> Script {
    let mut script = written();
    script.answers(OP, &call(), 1, done());
    script.asks(op(1, 2), &read(), 1);
    script
}

fn answer(mut script: Script, server: u8, found: &str) -> Script {
    script.answers(op(1, 2), &read(), server, value(found));
    script.closed()
}

/// The answer is on its way when the client gives up: what it saw is in order.
fn answer_lost(mut script: Script, server: u8, found: &str) -> Script {
    script.result(server, op(1, 2), &read(), value(found));
    script.back(op(1, 2), KvOutcome::Unknown {});
    script.closed()
}

fn writes(cases: Cases) -> Cases {
    let mut proposed = Script::coordinated();
    proposed.asks(OP, &call(), 1);
    proposed.write(1, &[(2, 1, 12)]);
    proposed.answers(OP, &call(), 1, done());
    let mut elsewhere = written();
    elsewhere.request(OP, 3);
    elsewhere.received(3, OP, &call());
    elsewhere.answers(OP, &call(), 3, done());
    cases
        .fail(
            "a write is answered before it is committed",
            "s1 answered c1/1 (`put x = \"a\"`) with ok, but no coordinator had committed an entry with it.",
            &["s1#18 answered"],
            proposed.closed(),
        )
        .fail(
            "a server that cannot know",
            "s3 answered c1/1 (`put x = \"a\"`) with ok, before it could know that s1 had committed entry 2 with it.",
            &["s1#21 committed, unknown to it", "s3#4 answered"],
            elsewhere.closed(),
        )
}

/// s1 leads term 1 and was confirmed by s2; then it was asked.
fn confirmations() -> Cases {
    let mut old = written();
    old.answers(OP, &call(), 1, done());
    old.still_leads(2);
    old.asks(op(1, 2), &read(), 1);
    old.read_point(1, 2);
    let mut earlier = written();
    earlier.answers(OP, &call(), 1, done());
    earlier.still_leads(2);
    earlier.read_point(1, 2);
    earlier.asks(op(1, 2), &read(), 1);
    let mut elsewhere = reading();
    elsewhere.request(op(1, 2), 3);
    elsewhere.received(3, op(1, 2), &read());
    elsewhere.still_leads(2);
    elsewhere.read_point(1, 2);
    Cases::of("K4")
        .fail(
            "a coordinator answers from its map alone",
            "s1 answered c1/2 (`get x`) with \"a\", but no entry with it was committed, and no coordinator was confirmed since it was asked.",
            &["s1#28 answered"],
            answer_lost(reading(), 1, "a"),
        )
        .fail(
            "the confirmation is older than the get",
            "s1 answered c1/2 (`get x`) with \"a\", but since it was asked, 1 of 3 servers (its own) had confirmed that s1 coordinates term 1; it takes 2.",
            &["s1#31 taken as confirmed", "s1#32 answered"],
            answer_lost(old, 1, "a"),
        )
        .fail(
            "an older get was confirmed",
            "s1 answered c1/2 (`get x`) with \"a\", but no entry with it was committed, and no coordinator was confirmed since it was asked.",
            &["s1#32 answered"],
            answer_lost(earlier, 1, "a"),
        )
        .fail(
            "a follower answers from its map alone",
            "s3 answered c1/2 (`get x`) with \"\", but no entry with it was committed, and no coordinator was confirmed since it was asked.",
            &["s3#4 answered"],
            answer_lost(elsewhere, 3, ""),
        )
}

fn catching_up() -> Cases {
    let mut new = reading();
    new.campaign(2, 2);
    let reply = new.grant(2, 3, 2);
    new.set(2, |state| state.role = Role::Leader);
    new.recv(2, reply);
    new.accepted(2, 2);
    new.elected(2, 2);
    new.write(2, &[(3, 2, 0)]);
    new.request(op(1, 2), 2);
    new.received(2, op(1, 2), &read());
    new.replicate(2, 3, 2, (0, 0), &[]);
    new.read_point(2, 1);
    let mut low = reading();
    low.still_leads(2);
    low.read_point(1, 1);
    let mut behind = reading();
    behind.request(op(1, 2), 2);
    behind.received(2, op(1, 2), &read());
    behind.forward(2, 1, op(1, 2), &read());
    behind.still_leads(2);
    behind.read_point(1, 2);
    behind.heartbeat(1, 2, 1);
    behind.learn(2, 1, (1, 1, 0));
    Cases::of("K4")
        .fail(
            "a new coordinator without an entry of its own term",
            "s2 answered c1/2 (`get x`) with \"\", but s2 had committed no entry of its own term 2 by then.",
            &["s2#27 confirmed too early", "s2#28 answered"],
            answer_lost(new, 2, ""),
        )
        .fail(
            "an index from before the get",
            "s1 answered c1/2 (`get x`) with \"\", but s1 confirmed it up to entry 1 only, and had committed up to 2 when it was asked.",
            &["s1#31 confirmed for an older index", "s1#32 answered"],
            answer_lost(low, 1, ""),
        )
        .fail(
            "a follower that is behind",
            "s2 answered c1/2 (`get x`) with \"\", but it had applied entries up to 1 only, and 2 were committed.",
            &["s1#33 confirmed up to here", "s2#22 answered"],
            answer_lost(behind, 2, ""),
        )
}

fn legal() -> Cases {
    let mut through_s2 = Script::coordinated();
    through_s2.asks(OP, &call(), 2);
    through_s2.forward(2, 1, OP, &call());
    through_s2.commits((2, 1, 12));
    through_s2.executes(1, (2, 12), OP, &call(), done());
    through_s2.result(1, OP, &call(), done());
    through_s2.answer_forward(1, 2, OP);
    through_s2.answers(OP, &call(), 2, done());
    through_s2.asks(op(1, 2), &read(), 2);
    through_s2.forward(2, 1, op(1, 2), &read());
    through_s2.still_leads(2);
    through_s2.read_point(1, 2);
    through_s2.result(1, op(1, 2), &read(), value("a"));
    through_s2.answer_forward(1, 2, op(1, 2));
    let mut first = Script::led();
    first.begin(1);
    first.asks(OP, &read(), 1);
    first.write(1, &[(1, 1, 0)]);
    first.set(1, |state| state.commit_index = 1);
    // The step that commits the no-op answers the read, too: its records are in this order.
    let message = first.append(1, 2, 1, (0, 0), &[(1, 1, 0)]);
    first.log(2, 1, 1);
    first.appended(1, 2, 1, message);
    first.write(2, &[(1, 1, 0)]);
    first.agree(2, 1, 1, 1);
    let reply = first.reply(2, 1, 1, 1);
    first.recv(1, reply);
    first.read_point(1, 1);
    first.commit(1, 1, (1, 1, 0));
    first.answers(OP, &read(), 1, value(""));
    let mut followed = reading();
    followed.request(op(1, 2), 2);
    followed.received(2, op(1, 2), &read());
    followed.still_leads(2);
    followed.read_point(1, 2);
    followed.heartbeat(1, 2, 1);
    followed.learn(2, 1, (1, 1, 0));
    followed.learn(2, 1, (2, 1, 12));
    followed.apply(2, 2, 12);
    followed.executes(2, (2, 12), OP, &call(), done());
    let mut logged = reading();
    logged.commits((3, 1, 13));
    logged.executes(1, (3, 13), op(1, 2), &read(), value("a"));
    let mut unsure = Script::coordinated();
    unsure.asks(OP, &call(), 1);
    unsure.answers(OP, &call(), 1, KvOutcome::Unknown {});
    let mut alone = Script::clerk();
    alone.asks(OP, &call(), 1);
    alone.answers(OP, &call(), 1, done());
    Cases::of("K4")
        .pass("a put and a get through another server", 4, answer(through_s2, 2, "a"))
        .pass("a get in the step that commits the no-op", 1, first.closed())
        .pass("a follower that has caught up answers", 2, answer(followed, 2, "a"))
        .pass("a get through the log", 2, answer(logged, 1, "a"))
        .vacuous("an answer that says that it does not know", unsure.closed())
        .vacuous("a service without Raft", alone.closed())
}

fn undecided() -> Cases {
    let mut gap = Script::coordinated();
    gap.asks(OP, &call(), 1);
    gap.skip(s(1), 3);
    gap.answers(OP, &call(), 1, done());
    let mut before = Script::of(1);
    before.start_with(1, 1, &[(1, 1, 11)]);
    before.begin(1);
    before.asks(OP, &call(), 1);
    before.answers(OP, &call(), 1, done());
    let mut played = Script::coordinated().scripted(3);
    played.asks(OP, &call(), 3);
    played.forward(3, 2, OP, &call());
    played.result(2, OP, &call(), done());
    played.answer_forward(2, 3, OP);
    let mut lost = Script::coordinated();
    let message = lost.kv_send(c(1), KvKind::Request, s(1), OP);
    lost.kv_recv(s(1), message);
    lost.tell(s(1), Event::GetRecvd { op: OP });
    lost.result(1, OP, &read(), value("a"));
    lost.skip(c(1), 1);
    lost.finish(1);
    Cases::of("K4")
        .unknown("the commit may be in a gap", "perhaps what stands behind an answer", gap.closed())
        .unknown(
            "the log is older than the trace",
            "servers had logs before this trace began",
            before.closed(),
        )
        .unknown("nobody knows when the get was asked", "does not say when c1/1 was asked", lost.end())
        .vacuous("a coordinator that the test plays", played.closed())
}
