//! K6.

use super::Cases;
use crate::builder::Script;
use crate::builder_kv::{append, c, get, op, put, value};
use tracecheck::schema::{Event, KvCall, KvOutcome};

pub(super) fn cases() -> Vec<Cases> {
    vec![linear()]
}

/// Two clients, and an operation after the other.
fn run(operations: &[(u32, u64, KvCall, KvOutcome)]) -> Script {
    let mut script = Script::clerk();
    script.begin(2);
    for (client, number, call, outcome) in operations {
        script.invoke(op(*client, *number), call.clone());
        script.back(op(*client, *number), outcome.clone());
    }
    script
}

fn closed(mut script: Script) -> Script {
    script.finish(2);
    script.closed()
}

fn linear() -> Cases {
    let done = || KvOutcome::Done {};
    let stale =
        run(&[(1, 1, put("x", "a"), done()), (1, 2, put("x", "b"), done()), (2, 1, get("x"), value("a"))]);
    let twice = run(&[(1, 1, append("x", "a"), done()), (2, 1, get("x"), value("aa"))]);
    let odd = run(&[(1, 1, get("x"), done())]);
    let fine = run(&[
        (1, 1, put("x", "a"), done()),
        (2, 1, get("x"), value("a")),
        (1, 2, append("x", "b"), KvOutcome::Unknown {}),
        (2, 2, get("x"), value("ab")),
        (2, 3, get("y"), value("")),
    ]);
    let mut at_once = run(&[(1, 1, put("x", "a"), done())]);
    at_once.invoke(op(1, 2), put("x", "b"));
    for (number, found) in [(1, "a"), (2, "b")] {
        at_once.invoke(op(2, number), get("x"));
        at_once.back(op(2, number), value(found));
    }
    let mut gap = stale.clone();
    gap.skip(c(1), 1);
    gap.invoke(op(1, 9), get("x"));
    let mut foreign = run(&[]);
    foreign.tell(c(1), Event::Return { op: op(2, 1), outcome: done() });
    Cases::of("K6")
        .fail("a get finds what was overwritten", "c2's get of x returned \"a\" although c1's put of \"b\" had returned before it was invoked, and \"a\" had been overwritten.",
            &["c1#2 `put x = \"a\"` begins", "c1#3 `put x = \"a\"` ends: ok", "c1#4 `put x = \"b\"` begins",
              "c1#5 `put x = \"b\"` ends: ok", "c2#2 `get x` begins", "c2#3 `get x` ends: \"a\""], closed(stale))
        .fail("an append takes effect twice", "c2's get of x returned \"aa\", which no order of the writes gives.",
            &["c1#2 `append x += \"a\"` begins", "c1#3 `append x += \"a\"` ends: ok", "c2#2 `get x` begins",
              "c2#3 `get x` ends: \"aa\""], closed(twice))
        .fail(
            "a get that found nothing at all",
            "c1/1, a get, returned with ok: that is no answer to a get.",
            &["c1#3 returned"],
            closed(odd),
        )
        .pass("one after the other, one of them with an unknown outcome", 5, closed(fine))
        .pass("a put that is still under way", 4, closed(at_once))
        .vacuous("nothing is asked", closed(run(&[])))
        .unknown("records of a client are missing", "records are missing", closed(gap))
        .unknown("an operation that nobody began", "an operation of another client, c2/1", closed(foreign))
}
