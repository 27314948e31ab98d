//! K1 and K2.

use super::Cases;
use crate::builder::{Script, s};
use crate::builder_kv::{c, done, op, put};
use tracecheck::schema::{Event, KvOutcome};

pub(super) fn cases() -> Vec<Cases> {
    vec![begins(), ends()]
}

fn begins() -> Cases {
    let call = put("x", "a");
    let mut late = Script::started(1);
    late.invoke(op(1, 1), call.clone());
    late.begin(1);
    let late = stopped(late, &[1]);
    let mut never = Script::started(1);
    never.begin(1);
    never.invoke(op(2, 1), call.clone());
    let never = stopped(never, &[1, 2]);
    let mut twice = Script::clerk();
    twice.invoke(op(1, 1), call.clone());
    twice.begin(1);
    let twice = stopped(twice, &[1]);
    let mut restarted = Script::clerk();
    restarted.new_incarnation(c(1));
    restarted.begin(1);
    let restarted = stopped(restarted, &[1]);
    let mut other = Script::clerk();
    other.tell(s(2), Event::KvslibStart { client_id: 2 });
    let other = stopped(other, &[1]);
    let mut two = Script::clerk();
    two.begin(2);
    two.invoke(op(2, 1), call.clone());
    two.back(op(2, 1), KvOutcome::Unknown {});
    let two = stopped(two, &[1, 2]);
    let mut headless = Script::started(1);
    headless.skip(c(1), 1);
    headless.invoke(op(1, 1), call);
    let expected = &["c1#1 its first record"];
    Cases::of("K1")
        .fail("it is asked first", "The first record of c1 is Invoke, not KvslibStart.", expected, late)
        .fail(
            "one of two never starts",
            "The first record of c2 is Invoke, not KvslibStart.",
            &["c2#1 its first record"],
            never,
        )
        .fail(
            "it starts twice",
            "c1 recorded KvslibStart twice.",
            &["c1#1 its first record", "c1#3 it starts again"],
            twice,
        )
        .fail(
            "it starts again when it is restarted",
            "c1 recorded KvslibStart twice.",
            &["c1#1 its first record", "c1.2#1 it starts again"],
            restarted,
        )
        .fail(
            "a server starts a client",
            "s2 recorded the KvslibStart of client 2.",
            &["s2#2 not its own"],
            other,
        )
        .pass("two clients, one of which is asked for nothing", 2, two)
        .vacuous("no clients", Script::started(3).end())
        .unknown("its first record is missing", "perhaps its KvslibStart", headless.end())
}

/// The clients stop, and the run ends.
fn stopped(mut script: Script, clients: &[u32]) -> Script {
    clients.iter().for_each(|client| {
        script.finish(*client);
    });
    script.end()
}

fn ends() -> Cases {
    let call = put("x", "a");
    let mut still_sends = Script::clerk();
    still_sends.asks(op(1, 1), &call, 1);
    still_sends.finish(1);
    still_sends.request(op(1, 1), 2);
    let mut twice = Script::clerk();
    twice.finish(1);
    twice.finish(1);
    let mut never = Script::clerk();
    never.begin(2);
    never.finish(1);
    let mut silent = Script::clerk();
    silent.invoke(op(1, 1), call.clone());
    let mut other = Script::clerk();
    other.begin(2);
    other.finish(2);
    other.tell(c(1), Event::KvslibStop { client_id: 2 });
    let mut late = Script::clerk();
    late.asks(op(1, 1), &call, 1);
    late.result(1, op(1, 1), &call, done());
    late.back(op(1, 1), KvOutcome::Unknown {});
    late.finish(1);
    late.answer(1, op(1, 1));
    let mut gap = Script::clerk();
    gap.skip(c(1), 1);
    gap.invoke(op(1, 1), call);
    Cases::of("K2")
        .fail(
            "it still sends",
            "c1 recorded KvSend after KvslibStop.",
            &["c1#4 stopped", "c1#5 and yet this"],
            still_sends.end(),
        )
        .fail(
            "it stops twice",
            "c1 recorded KvslibStop twice.",
            &["c1#2 stopped", "c1#3 and yet this"],
            twice.end(),
        )
        .fail(
            "one of two never stops",
            "The run ended in good order, but c2 never recorded KvslibStop.",
            &["c2#1 its last record"],
            never.end(),
        )
        .fail(
            "it stops another one",
            "c1 recorded the KvslibStop of client 2.",
            &["c1#2 not its own"],
            other.end(),
        )
        .pass("a late answer reaches it", 1, late.end())
        .vacuous("the run is stopped", silent.stopped())
        .unknown("a record is missing", "perhaps its KvslibStop", gap.end())
}
