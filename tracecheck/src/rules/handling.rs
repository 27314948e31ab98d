//! What a server records of a request, held against what the network saw (K3).

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, PerServer};
use crate::verdict::Witness;
use crate::words::count;
use std::collections::HashMap;
use tracecheck_schema::{Action, Event, KvKind, Node, Op, Record, Server, Stamp};

/// The events of a request follow its messages.
pub(crate) const K3: RuleInfo = RuleInfo {
    id: "K3",
    lab: "1",
    sentence: "PutRecvd and PutFwdRecvd follow a message that arrived, each its own; PutFwd and PutResult follow such a \
               Recvd in the same incarnation; what is forwarded or answered was recorded so. The same holds of Get.",
    source: "the course's design, ktrace",
    explanation: "\
A server tells of each request: that it received it from a client, or from a server that forwarded it; that
it forwards it; what it answers. The network sees the same messages. So every event has its message, and every
message that was forwarded or answered has its event; a put is recorded by Put events, a get by Get events.
Repeats are legal, and so is an end that is missing: requests are retried, answers get lost, servers crash.
The usual mistakes: to record the arrival once an operation instead of once a message; to record PutRecvd also
for what was forwarded; to leave out PutResult on one of several ways to answer.",
    example: include_str!("examples/K3.jsonl"),
    wants: Wants::Only(&[
        Action::PutRecvd,
        Action::PutFwd,
        Action::PutFwdRecvd,
        Action::PutResult,
        Action::GetRecvd,
        Action::GetFwd,
        Action::GetFwdRecvd,
        Action::GetResult,
        Action::KvSend,
        Action::KvRecv,
    ]),
    make: || Box::new(Handling::default()),
};

#[derive(Default)]
struct Handling {
    servers: PerServer<Incarnation>,
}

/// What a server did in this incarnation. The hash map is only looked up.
#[derive(Default)]
struct Incarnation {
    number: u32,
    operations: HashMap<Op, Handled>,
}

/// One operation at one server.
#[derive(Default)]
struct Handled {
    /// By whom its requests came: clients and forwarding servers.
    sides: Vec<(Node, Side)>,
    /// To whom it was recorded as forwarded.
    forwarded: Vec<Server>,
    answered: bool,
}

/// The requests of one operation by one sender.
#[derive(Clone, Copy, Default)]
struct Side {
    arrived: u32,
    recorded: u32,
    answered: u32,
    /// The last arrival.
    last: Option<Stamp>,
}

impl Handled {
    fn side(&mut self, node: Node) -> &mut Side {
        let place = self.sides.iter().position(|(other, _)| *other == node).unwrap_or_else(|| {
            self.sides.push((node, Side::default()));
            self.sides.len() - 1
        });
        &mut self.sides[place].1
    }

    fn was_received(&self) -> bool {
        self.sides.iter().any(|(_, side)| side.recorded > 0)
    }
}

/// Something that is wrong: the sentence, an earlier witness, and what would have been right.
struct Wrong {
    sentence: String,
    first: Option<Witness>,
    expected: String,
}

/// The sender of an operation's request: a server that forwarded it, or its client.
fn sender(op: Op, from: Option<Server>) -> Node {
    from.map_or(Node::Client(op.client_id), Node::from)
}

/// The operation that an event is about, and whether its name says that this is a get.
fn about(event: &Event) -> Option<(Op, Option<bool>)> {
    match event {
        Event::PutRecvd { op }
        | Event::PutFwd { op, .. }
        | Event::PutFwdRecvd { op, .. }
        | Event::PutResult { op, .. } => Some((*op, Some(false))),
        Event::GetRecvd { op }
        | Event::GetFwd { op, .. }
        | Event::GetFwdRecvd { op, .. }
        | Event::GetResult { op, .. } => Some((*op, Some(true))),
        Event::KvSend { op, .. } | Event::KvRecv { op, .. } => Some((*op, None)),
        _ => None,
    }
}

/// A Recvd, or a FwdRecvd `from` a server: one message of it must have arrived.
fn recorded(handled: &mut Handled, me: Server, op: Op, from: Option<Server>, action: &str) -> Option<Wrong> {
    let from = sender(op, from);
    let side = handled.side(from);
    side.recorded += 1;
    if side.recorded <= side.arrived {
        return None;
    }
    let sentence = match side.arrived {
        0 => format!("{me} recorded {action} of {op}, but no request for it had arrived from {from}."),
        arrived => format!(
            "{me} recorded {action} of {op} {} times, but {} for it had arrived from {from}.",
            side.recorded,
            count(u64::from(arrived), "request")
        ),
    };
    let first = side.last.map(|at| Witness::new(at, "the last one that arrived"));
    Some(Wrong {
        sentence,
        first,
        expected: format!("{action} is recorded once for each request that arrives."),
    })
}

/// An answer leaves `to` a client or a server: the request and the result must have been recorded.
fn answered(handled: &mut Handled, me: Server, op: Op, to: Node, name: &str) -> Option<Wrong> {
    let told = handled.answered;
    let side = handled.side(to);
    side.answered += 1;
    let recvd = if to.server().is_some() { "FwdRecvd" } else { "Recvd" };
    if side.answered > side.recorded {
        let again = if side.recorded == 0 { "" } else { " again" };
        let sentence =
            format!("{me} answered {to} about {op}{again}, but had not recorded {name}{recvd}{again}.");
        let first = side.last.map(|at| Witness::new(at, "the request arrives"));
        let expected = format!("{me} should have recorded {name}{recvd} when the request arrived.");
        return Some(Wrong { sentence, first, expected });
    }
    (!told).then(|| {
        let sentence = format!("{me} answered {to} about {op}, but had not recorded {name}Result.");
        let first = side.last.map(|at| Witness::new(at, "the request arrives"));
        Wrong {
            sentence,
            first,
            expected: format!("{me} should have recorded {name}Result before the answer left."),
        }
    })
}

/// An event that must follow a Recvd.
fn follows(handled: &Handled, me: Server, op: Op, action: &str) -> Option<Wrong> {
    (!handled.was_received()).then(|| Wrong {
        sentence: format!("{me} recorded {action} of {op}, but had not recorded that it received it."),
        first: None,
        expected: "A server forwards and answers what it received in this incarnation.".to_owned(),
    })
}

impl Handling {
    /// Takes a record in. Returns whether it is an obligation, and what is wrong with it.
    fn take(&mut self, me: Server, op: Op, name: &str, record: &Record) -> (bool, Option<Wrong>) {
        let incarnation = self.servers.get_mut(me);
        if incarnation.number != record.at.inc {
            *incarnation = Incarnation { number: record.at.inc, operations: HashMap::new() };
        }
        let handled = incarnation.operations.entry(op).or_default();
        let action = record.event.action().name();
        let wrong = match record.event {
            Event::KvRecv { kind: KvKind::Request | KvKind::Forward, from, .. } => {
                let side = handled.side(from);
                side.arrived += 1;
                side.last = Some(record.at);
                return (false, None);
            }
            Event::PutRecvd { .. } | Event::GetRecvd { .. } => recorded(handled, me, op, None, action),
            Event::PutFwdRecvd { from, .. } | Event::GetFwdRecvd { from, .. } => {
                recorded(handled, me, op, Some(from), action)
            }
            Event::PutFwd { to, .. } | Event::GetFwd { to, .. } => {
                if !handled.forwarded.contains(&to) {
                    handled.forwarded.push(to);
                }
                follows(handled, me, op, action)
            }
            Event::PutResult { .. } | Event::GetResult { .. } => {
                handled.answered = true;
                follows(handled, me, op, action)
            }
            Event::KvSend { kind: KvKind::Forward, to, .. } => {
                let told = to.server().is_some_and(|to| handled.forwarded.contains(&to));
                (!told).then(|| Wrong {
                    sentence: format!("{me} forwarded {op} to {to}, but had not recorded {name}Fwd to {to}."),
                    first: None,
                    expected: format!("{me} should have recorded {name}Fwd before the message left."),
                })
            }
            Event::KvSend { kind: KvKind::Reply | KvKind::ForwardReply, to, .. } => {
                answered(handled, me, op, to, name)
            }
            _ => return (false, None),
        };
        (true, wrong)
    }
}

impl Rule for Handling {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(me) = cx.judged(record) else { return };
        let Some((op, named_get)) = about(&record.event) else { return };
        let invoked = cx.clients.invoked(op);
        let is_get = invoked.map(|invoked| invoked.call.is_get());
        let name = match is_get.or(named_get) {
            Some(true) => "Get",
            Some(false) => "Put",
            None => "Put/Get",
        };
        let (obliged, wrong) = self.take(me, op, name, record);
        let misnamed = named_get.zip(is_get).is_some_and(|(named, is)| named != is);
        let wrong = if let Some(invoked) = invoked.filter(|_| misnamed) {
            let action = record.event.action().name();
            let right = action.replacen(if name == "Get" { "Put" } else { "Get" }, name, 1);
            Some(Wrong {
                sentence: format!("{me} recorded {action} of {op}, which is `{}`.", invoked.call),
                first: Some(Witness::new(invoked.at, "asked for")),
                expected: format!("{me} should have recorded {right}."),
            })
        } else {
            wrong
        };
        let Some(Wrong { sentence, first, expected }) = wrong else {
            if obliged {
                tally.met();
            }
            return;
        };
        if let Some(hole) = cx.hole_in(me) {
            return tally
                .unknown(|| format!("records are missing ({hole}), perhaps what {me} recorded of {op}"));
        }
        let last = Witness::new(record.at, format!("{op} here"));
        tally.fail(sentence, first.into_iter().chain([last]).collect(), expected);
    }
}
