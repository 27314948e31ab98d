//! K5.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use crate::builder_kv::{append, cas, done, get, op, put, value};
use std::collections::BTreeMap;
use tracecheck::schema::{Event, KvCall, KvOutcome, Op, State, state_digest};

pub(super) fn cases() -> Vec<Cases> {
    vec![answers(Cases::of("K5")), log(), states()]
}

fn swapped(swapped: bool) -> KvOutcome {
    KvOutcome::Swapped { swapped }
}

/// Services that execute these entries, from index 1 on, of a client that was asked for them.
fn executed(entries: &[(u8, u64, KvCall, KvOutcome)]) -> Script {
    let mut script = Script::clerk();
    let mut indexes: BTreeMap<u8, u64> = BTreeMap::new();
    let mut asked = 0;
    for (server, number, call, outcome) in entries {
        if *number > asked {
            asked = *number;
            script.invoke(op(1, asked), call.clone());
        }
        let index = indexes.entry(*server).or_default();
        *index += 1;
        script.executes(*server, (*index, 100 + number), op(1, *number), call, outcome.clone());
    }
    script
}

fn answers(cases: Cases) -> Cases {
    let again = executed(&[
        (1, 1, put("x", "a"), done()),
        (1, 2, cas("x", "a", "b"), swapped(true)),
        (1, 2, cas("x", "a", "b"), swapped(false)),
    ]);
    let wrong = executed(&[(1, 1, append("x", "a"), done()), (1, 2, get("x"), value("aa"))]);
    let other = executed(&[(1, 1, get("x"), value("")), (2, 1, get("x"), value("a"))]);
    let all = [
        (1, put("x", "a"), done()),
        (2, append("x", "b"), done()),
        (3, cas("x", "ab", "c"), swapped(true)),
        (3, cas("x", "ab", "c"), swapped(true)),
        (4, cas("x", "ab", "d"), swapped(false)),
        (5, get("x"), value("c")),
        (5, get("x"), value("c")),
        (4, cas("x", "ab", "d"), KvOutcome::Unknown {}),
        (6, KvCall::Delete { key: "x".to_owned() }, done()),
        (7, get("x"), value("")),
        (8, cas("x", "", "e"), swapped(true)),
        (9, put("x", ""), done()),
        (10, cas("x", "e", "f"), swapped(false)),
    ];
    let both: Vec<_> = [1, 2]
        .into_iter()
        .flat_map(|server| {
            all.iter().map(move |(number, call, outcome)| (server, *number, call.clone(), outcome.clone()))
        })
        .collect();
    // Only one of the two clients' numbers is seen here; the other server executes the same log later.
    let fine = executed(&both);
    cases
        .fail(
            "a retry takes effect again",
            "s1 executed entry 3, c1/2, `cas x \"a\" -> \"b\"`, with the answer not swapped; it had been executed as entry 2 already, and the answer was swapped.",
            &["s1#3 executed first", "s1#4 executed"],
            again.closed(),
        )
        .fail(
            "an append twice in the map",
            "s1 executed entry 2, c1/2, `get x`, with the answer \"aa\"; after the entries before it, the answer is \"a\".",
            &["s1#3 executed"],
            wrong.closed(),
        )
        .fail(
            "one server has another map",
            "s2 executed entry 1, c1/1, `get x`, with the answer \"a\"; after the entries before it, the answer is \"\".",
            &["s2#2 executed"],
            other.closed(),
        )
        .pass("two servers, every operation, retries, a get that is read again", 26, fine.closed())
}

const OP: Op = Op { client_id: 1, op_id: 1 };

/// s1 leads, and a client is asked for a put, and for another one.
fn two_puts() -> (Script, KvCall, KvCall) {
    let (first, second) = (put("x", "a"), put("x", "b"));
    let mut script = Script::coordinated();
    script.invoke(OP, first.clone());
    script.back(OP, KvOutcome::Unknown {});
    script.invoke(op(1, 2), second.clone());
    (script, first, second)
}

fn log() -> Cases {
    let (mut skips, _, second) = two_puts();
    skips.commits((2, 1, 12));
    skips.commits((3, 1, 13));
    skips.executes(1, (3, 13), op(1, 2), &second, done());
    let (mut early, first, _) = two_puts();
    early.executes(1, (2, 12), OP, &first, done());
    let (mut again, first, _) = two_puts();
    again.commits((2, 1, 12));
    again.executes(1, (2, 12), OP, &first, done());
    again.executes(1, (2, 12), OP, &first, done());
    let (mut changed, first, _) = two_puts();
    changed.commits((2, 1, 12));
    changed.executes(1, (2, 13), OP, &first, done());
    let (mut differs, first, second) = two_puts();
    differs.commits((2, 1, 12));
    differs.executes(1, (2, 12), OP, &first, done());
    differs.heartbeat(1, 2, 1);
    differs.learn(2, 1, (1, 1, 0));
    differs.learn(2, 1, (2, 1, 12));
    differs.apply(2, 2, 12);
    differs.executes(2, (2, 12), op(1, 2), &second, done());
    let (mut fine, first, second) = two_puts();
    fine.commits((2, 1, 12));
    fine.commits((3, 1, 13));
    fine.executes(1, (2, 12), OP, &first, done());
    fine.executes(1, (3, 13), op(1, 2), &second, done());
    fine.commits((4, 1, 12));
    let (mut gap, first, _) = two_puts();
    gap.skip(s(1), 2);
    gap.executes(1, (2, 12), OP, &first, done());
    Cases::of("K5")
        .fail(
            "an entry is left out",
            "s1 executed entry 3, but had not executed entry 2 before.",
            &["s1#20 applied, and not executed: 2", "s1#27 executed"],
            skips.closed(),
        )
        .fail(
            "what Raft has not applied",
            "s1 executed entry 2, which Raft had not applied there.",
            &["s1#15 executed"],
            early.closed(),
        )
        .fail(
            "an entry twice",
            "s1 executed entry 2, which Raft had not applied there.",
            &["s1#22 executed"],
            again.closed(),
        )
        .fail(
            "another digest",
            "s1 executed another operation at index 2 than Raft had applied there.",
            &["s1#20 applied", "s1#21 executed"],
            changed.closed(),
        )
        .fail(
            "one entry, two operations",
            "s2 executed c1/2, `put x = \"b\"`, as entry 2, but s1 had executed c1/1, `put x = \"a\"`.",
            &["s1#21 executed first", "s2#17 executed"],
            differs.closed(),
        )
        .pass(
            "two entries that are applied at once, and one whose execution the end cuts off",
            2,
            fine.closed(),
        )
        .vacuous("a log without a service", Script::committed(&[(1, 1, 0)]).end())
        .unknown("the Apply may be in a gap", "perhaps what s1 executed", gap.closed())
}

fn digest(pairs: &[(&str, &str)]) -> u64 {
    state_digest(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
}

/// s1 executes two puts; s2 starts anew with a snapshot up to one of them.
fn restored(index: u64, digest: u64) -> Script {
    let (mut script, first, second) = two_puts();
    script.commits((2, 1, 12));
    script.commits((3, 1, 13));
    script.executes(1, (2, 12), OP, &first, done());
    script.executes(1, (3, 13), op(1, 2), &second, done());
    script.heartbeat(1, 2, 1);
    script.restart_bare(2, State { term: 1, last_index: 3, last_term: 1, ..FRESH });
    script.tell(s(2), Event::StateRestored { index, digest });
    script
}

fn states() -> Cases {
    let mut fine = restored(3, digest(&[("x", "b")]));
    fine.restart_bare(2, State { term: 1, last_index: 3, last_term: 1, ..FRESH });
    fine.tell(s(2), Event::StateRestored { index: 2, digest: digest(&[("x", "a")]) });
    fine.restart_bare(2, State { term: 1, last_index: 3, last_term: 1, ..FRESH });
    fine.tell(s(2), Event::StateRestored { index: 1, digest: digest(&[]) });
    let mut unseen = Script::clerk();
    unseen.tell(s(1), Event::StateRestored { index: 9, digest: 7 });
    unseen.invoke(op(1, 12), put("x", "a"));
    unseen.executes(1, (10, 17), op(1, 12), &put("x", "a"), done());
    Cases::of("K5")
        .fail(
            "a state that is too late",
            "s2 restored the state up to entry 2 from a snapshot, but its keys and values are not what the operations up to 2 make.",
            &["s2.2#2 restored"],
            restored(2, digest(&[("x", "b")])).closed(),
        )
        .pass("states as of several indexes", 5, fine.closed())
        .unknown("what the first snapshot holds", "what was executed up to entry 9", unseen.closed())
}
