//! K7.

use super::Cases;
use crate::builder::{Script, s};
use crate::builder_kv::{c, done, get, op, put, value};
use tracecheck::schema::{Event, KvKind};

pub(super) fn cases() -> Vec<Cases> {
    vec![requests(), named(), numbers(), legal()]
}

/// A client whose request got no answer.
fn unanswered() -> Script {
    let mut script = Script::clerk();
    script.asks(op(1, 1), &put("x", "a"), 1);
    script
}

fn requests() -> Cases {
    let call = put("x", "a");
    let mut renamed = unanswered();
    renamed.kv_send(c(1), KvKind::Request, s(2), op(1, 2));
    let mut finished = unanswered();
    finished.answers(op(1, 1), &call, 1, done());
    finished.kv_send(c(1), KvKind::Request, s(2), op(1, 1));
    let mut between = unanswered();
    between.answers(op(1, 1), &call, 1, done());
    between.kv_send(c(1), KvKind::Request, s(2), op(1, 2));
    let mut early = Script::clerk();
    early.kv_send(c(1), KvKind::Request, s(2), op(1, 1));
    let sentence = "c1 sent s2 a request for c1/2 while it was working on c1/1.";
    Cases::of("K7")
        .fail(
            "a new number at the retry",
            sentence,
            &["c1#2 asked for c1/1", "c1#4 c1/2 here"],
            renamed.closed(),
        )
        .fail(
            "a retry after the return",
            "c1 sent s2 a request for c1/1 when it had returned from it.",
            &["c1#5 returned", "c1#6 c1/1 here"],
            finished.closed(),
        )
        .fail(
            "a request between two operations",
            "c1 sent s2 a request for c1/2, but it had returned from c1/1, its last operation.",
            &["c1#5 returned", "c1#6 c1/2 here"],
            between.closed(),
        )
        .fail(
            "a request before any operation",
            "c1 sent s2 a request for c1/1 before it was asked for anything.",
            &["c1#2 c1/1 here"],
            early.closed(),
        )
}

fn named() -> Cases {
    let call = put("x", "a");
    let mut forged = unanswered();
    forged.tell(s(1), Event::PutFwd { op: op(1, 1), to: s(2) });
    forged.tell(
        s(2),
        Event::Executed {
            index: 1,
            operation: 7,
            op: op(1, 9),
            call: Box::new(call.clone()),
            outcome: done(),
        },
    );
    let mut changed = unanswered();
    let executed = Event::Executed {
        index: 1,
        operation: 7,
        op: op(1, 1),
        call: Box::new(put("x", "b")),
        outcome: done(),
    };
    changed.tell(s(1), executed);
    Cases::of("K7")
        .fail(
            "nobody asked for what is executed",
            "s2 recorded Executed of c1/9, but c1 had not been asked for such an operation.",
            &["s2#2 names c1/9"],
            forged.closed(),
        )
        .fail(
            "another value is executed",
            "s1 executed c1/1 as `put x = \"b\"`, but its client asked for `put x = \"a\"`.",
            &["c1#2 asked for", "s1#4 executed"],
            changed.closed(),
        )
}

fn numbers() -> Cases {
    let call = put("x", "a");
    let mut again = unanswered();
    again.answers(op(1, 1), &call, 1, done());
    again.invoke(op(1, 1), get("x"));
    let mut falling = Script::clerk();
    falling.invoke(op(1, 5), call.clone());
    falling.back(op(1, 5), tracecheck::schema::KvOutcome::Unknown {});
    falling.invoke(op(1, 4), call.clone());
    let mut foreign = Script::clerk();
    foreign.invoke(op(1, 1), call.clone());
    foreign.tell(c(1), Event::Invoke { op: op(2, 1), call: Box::new(call.clone()) });
    let mut returns = Script::clerk();
    returns.invoke(op(1, 1), call.clone());
    returns.back(op(1, 2), done());
    Cases::of("K7")
        .fail(
            "one number for two operations",
            "c1 was asked for two operations under one number: c1/1.",
            &["c1#2 asked for c1/1", "c1#6 then this"],
            again.closed(),
        )
        .fail(
            "numbers that fall",
            "c1 was asked for c1/4 after c1/5: its numbers do not rise.",
            &["c1#2 asked for c1/5", "c1#4 then this"],
            falling.closed(),
        )
        .fail(
            "another client's number",
            "c1 was asked for c2/1, which is an operation of another client.",
            &["c1#3 not its own"],
            foreign.closed(),
        )
        .fail(
            "it returns from another operation",
            "c1 returned from c1/2 while it was working on c1/1.",
            &["c1#2 asked for c1/1", "c1#3 c1/2 here"],
            returns.closed(),
        )
}

fn legal() -> Cases {
    let call = put("x", "a");
    let mut retried = unanswered();
    retried.request(op(1, 1), 2);
    retried.received(2, op(1, 1), &call);
    retried.forward(2, 1, op(1, 1), &call);
    retried.result(1, op(1, 1), &call, done());
    retried.answer_forward(1, 2, op(1, 1));
    retried.answers(op(1, 1), &call, 2, done());
    let read = get("x");
    retried.asks(op(1, 3), &read, 3);
    retried.answers(op(1, 3), &read, 3, value("a"));
    let mut played = Script::clerk().scripted(3);
    let message = played.kv_send(s(3), KvKind::Forward, s(1), op(8, 1));
    played.kv_recv(s(1), message);
    let mut gap = Script::clerk();
    gap.skip(c(1), 1);
    gap.request(op(1, 1), 1);
    Cases::of("K7")
        .pass("a retry through another server, then a get", 26, retried.closed())
        .vacuous("a peer that the test plays forwards what it likes", played.closed())
        .unknown("a record of the client is missing", "perhaps the Invoke of c1/1", gap.closed())
}
