//! K3.

use super::Cases;
use crate::builder::{FRESH, Script, s};
use crate::builder_kv::{done, get, op, put, value};
use tracecheck::schema::{Event, KvCall, KvKind, Op};

pub(super) fn cases() -> Vec<Cases> {
    vec![forgotten(), results(), forged(), misnamed(), legal()]
}

const OP: Op = Op { client_id: 1, op_id: 1 };

fn call() -> KvCall {
    put("x", "a")
}

/// A client is asked for a put.
fn asked() -> Script {
    let mut script = Script::clerk();
    script.invoke(OP, call());
    script
}

/// Its request arrives at s1.
fn arrived() -> Script {
    let mut script = asked();
    script.request(OP, 1);
    script
}

/// s1 records it, too.
fn received() -> Script {
    let mut script = arrived();
    script.received(1, OP, &call());
    script
}

fn forgotten() -> Cases {
    let mut recvd = arrived();
    recvd.kv_send(s(1), KvKind::Reply, crate::builder_kv::c(1), OP);
    let mut again = received();
    again.request(OP, 1);
    again.result(1, OP, &call(), done());
    again.answer(1, OP);
    again.result(1, OP, &call(), done());
    again.answer(1, OP);
    let mut fwd = received();
    fwd.kv_send(s(1), KvKind::Forward, s(2), OP);
    let mut elsewhere = received();
    elsewhere.tell(s(1), Event::PutFwd { op: OP, to: s(3) });
    elsewhere.kv_send(s(1), KvKind::Forward, s(2), OP);
    let mut fwd_recvd = received();
    fwd_recvd.tell(s(1), Event::PutFwd { op: OP, to: s(2) });
    let message = fwd_recvd.kv_send(s(1), KvKind::Forward, s(2), OP);
    fwd_recvd.kv_recv(s(2), message);
    fwd_recvd.kv_send(s(2), KvKind::ForwardReply, s(1), OP);
    Cases::of("K3")
        .fail(
            "the arrival is forgotten",
            "s1 answered c1 about c1/1, but had not recorded PutRecvd.",
            &["s1#2 the request arrives", "s1#3 c1/1 here"],
            recvd.closed(),
        )
        .fail(
            "the second arrival is forgotten",
            "s1 answered c1 about c1/1 again, but had not recorded PutRecvd again.",
            &["s1#4 the request arrives", "s1#8 c1/1 here"],
            again.closed(),
        )
        .fail(
            "the forwarding is forgotten",
            "s1 forwarded c1/1 to s2, but had not recorded PutFwd to s2.",
            &["s1#4 c1/1 here"],
            fwd.closed(),
        )
        .fail(
            "it is forwarded to another server than recorded",
            "s1 forwarded c1/1 to s2, but had not recorded PutFwd to s2.",
            &["s1#5 c1/1 here"],
            elsewhere.closed(),
        )
        .fail(
            "the arrival of what was forwarded is forgotten",
            "s2 answered s1 about c1/1, but had not recorded PutFwdRecvd.",
            &["s2#2 the request arrives", "s2#3 c1/1 here"],
            fwd_recvd.closed(),
        )
}

fn results() -> Cases {
    let mut result = received();
    result.answer(1, OP);
    let mut earlier = received();
    earlier.result(1, OP, &call(), done());
    earlier.restart(1, FRESH);
    earlier.request(OP, 1);
    earlier.received(1, OP, &call());
    earlier.answer(1, OP);
    let mut relayed = received();
    relayed.forward(1, 2, OP, &call());
    relayed.result(2, OP, &call(), done());
    relayed.answer_forward(2, 1, OP);
    relayed.answer(1, OP);
    Cases::of("K3")
        .fail(
            "the result is forgotten",
            "s1 answered c1 about c1/1, but had not recorded PutResult.",
            &["s1#2 the request arrives", "s1#4 c1/1 here"],
            result.closed(),
        )
        .fail(
            "the result was of another incarnation",
            "s1 answered c1 about c1/1, but had not recorded PutResult.",
            &["s1.2#2 the request arrives", "s1.2#4 c1/1 here"],
            earlier.closed(),
        )
        .fail(
            "the forwarding server forgets the result",
            "s1 answered c1 about c1/1, but had not recorded PutResult.",
            &["s1#2 the request arrives", "s1#7 c1/1 here"],
            relayed.closed(),
        )
}

fn forged() -> Cases {
    let mut nothing = asked();
    nothing.received(1, OP, &call());
    let mut twice = received();
    twice.received(1, OP, &call());
    let mut crashed = arrived();
    crashed.restart(1, FRESH);
    crashed.received(1, OP, &call());
    let mut from_other = received();
    from_other.forward(1, 2, OP, &call());
    from_other.tell(s(2), Event::PutFwdRecvd { op: OP, from: s(3) });
    let mut not_forwarded = received();
    not_forwarded.forward(1, 2, OP, &call());
    not_forwarded.received(2, OP, &call());
    let mut fwd = asked();
    fwd.tell(s(2), Event::PutFwd { op: OP, to: s(1) });
    let mut result = asked();
    result.result(3, OP, &call(), done());
    Cases::of("K3")
        .fail(
            "an arrival without a message",
            "s1 recorded PutRecvd of c1/1, but no request for it had arrived from c1.",
            &["s1#2 c1/1 here"],
            nothing.closed(),
        )
        .fail(
            "one message recorded twice",
            "s1 recorded PutRecvd of c1/1 2 times, but 1 request for it had arrived from c1.",
            &["s1#2 the last one that arrived", "s1#4 c1/1 here"],
            twice.closed(),
        )
        .fail(
            "the message was of another incarnation",
            "s1 recorded PutRecvd of c1/1, but no request for it had arrived from c1.",
            &["s1.2#2 c1/1 here"],
            crashed.closed(),
        )
        .fail(
            "another server forwarded it",
            "s2 recorded PutFwdRecvd of c1/1, but no request for it had arrived from s3.",
            &["s2#4 c1/1 here"],
            from_other.closed(),
        )
        .fail(
            "what was forwarded is recorded as a client's",
            "s2 recorded PutRecvd of c1/1, but no request for it had arrived from c1.",
            &["s2#4 c1/1 here"],
            not_forwarded.closed(),
        )
        .fail(
            "a forwarding out of nothing",
            "s2 recorded PutFwd of c1/1, but had not recorded that it received it.",
            &["s2#2 c1/1 here"],
            fwd.closed(),
        )
        .fail(
            "a result out of nothing",
            "s3 recorded PutResult of c1/1, but had not recorded that it received it.",
            &["s3#2 c1/1 here"],
            result.closed(),
        )
}

fn misnamed() -> Cases {
    let mut misnamed = arrived();
    misnamed.tell(s(1), Event::GetRecvd { op: OP });
    let mut put_of_get = Script::clerk();
    put_of_get.asks(OP, &get("x"), 1);
    put_of_get.tell(s(1), Event::PutResult { op: OP, outcome: done() });
    Cases::of("K3")
        .fail(
            "a put recorded as a get",
            "s1 recorded GetRecvd of c1/1, which is `put x = \"a\"`.",
            &["c1#2 asked for", "s1#3 c1/1 here"],
            misnamed.closed(),
        )
        .fail(
            "a get answered as a put",
            "s1 recorded PutResult of c1/1, which is `get x`.",
            &["c1#2 asked for", "s1#4 c1/1 here"],
            put_of_get.closed(),
        )
}

fn legal() -> Cases {
    let mut lost = arrived();
    lost.request(OP, 2);
    lost.received(2, OP, &call());
    lost.forward(2, 1, OP, &call());
    let mut repeated = received();
    let message = repeated.kv_send(crate::builder_kv::c(1), KvKind::Request, s(1), OP);
    repeated.kv_recv(s(1), message);
    repeated.kv_recv(s(1), message);
    repeated.received(1, OP, &call());
    repeated.received(1, OP, &call());
    repeated.forward(1, 2, OP, &call());
    repeated.forward(1, 3, OP, &call());
    repeated.result(3, OP, &call(), done());
    repeated.answer_forward(3, 1, OP);
    repeated.result(1, OP, &call(), done());
    (0..3).for_each(|_| {
        repeated.answer(1, OP);
    });
    repeated.back(OP, done());
    let read = get("x");
    repeated.asks(op(1, 2), &read, 2);
    repeated.answers(op(1, 2), &read, 2, value("a"));
    let mut gap = asked();
    gap.skip(s(1), 1);
    gap.received(1, OP, &call());
    Cases::of("K3")
        .pass("requests are lost on their way", 4, lost.closed())
        .pass("requests are repeated, forwarded twice and answered three times", 18, repeated.closed())
        .vacuous("it arrives, and no more", arrived().closed())
        .unknown("the message may be in a gap", "perhaps what s1 recorded of c1/1", gap.closed())
}
