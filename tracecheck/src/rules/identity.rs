//! Operations keep their names (K7).

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, Work, is_client};
use crate::verdict::Witness;
use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, KvCall, KvKind, Node, Op, Record, Stamp};

/// An operation has one name, from its client to every server.
pub(crate) const K7: RuleInfo = RuleInfo {
    id: "K7",
    lab: "1",
    sentence: "Every operation that a server or a message names was asked for by that client under that number; a retry \
               keeps the number, and what is executed is what was asked for.",
    source: "Raft §8 (clients assign unique serial numbers to every command); the course's design, ktrace",
    explanation: "\
A client numbers its operations, and sends a request again under the same number when no answer comes. Only so
can servers know that they have executed it already: under a new number it is a new operation.
So whatever servers record of an operation, its client was asked for it before; what they execute has the same
key and values; and a client sends requests only for the operation that it is working on.
The usual mistakes: a number that is drawn where the request is made, and so again at every retry; a request that
still leaves when its operation has returned; an event that is recorded for an operation nobody asked for.",
    example: include_str!("examples/K7.jsonl"),
    wants: Wants::Only(&[
        Action::Invoke,
        Action::Return,
        Action::PutRecvd,
        Action::PutFwd,
        Action::PutFwdRecvd,
        Action::PutResult,
        Action::GetRecvd,
        Action::GetFwd,
        Action::GetFwdRecvd,
        Action::GetResult,
        Action::Executed,
        Action::KvSend,
        Action::KvRecv,
    ]),
    make: || Box::new(Names::default()),
};

#[derive(Default)]
struct Names {
    /// The last operation of each client, and its Invoke.
    last: BTreeMap<u32, (Op, Stamp)>,
}

const KEEPS: &str = "A retry keeps the number of its operation.";

impl Names {
    /// A client is asked for an operation: under a number of its own, which is new.
    fn invoked(&mut self, op: Op, record: &Record, tally: &mut Tally) {
        let (node, at) = (record.at.node, record.at);
        if !is_client(node, op) {
            let sentence = format!("{node} was asked for {op}, which is an operation of another client.");
            return tally.fail(
                sentence,
                vec![Witness::new(at, "not its own")],
                "A client has its own number.",
            );
        }
        match self.last.insert(op.client_id, (op, at)) {
            Some((last, asked)) if last >= op => {
                let sentence = if last == op {
                    format!("{node} was asked for two operations under one number: {op}.")
                } else {
                    format!("{node} was asked for {op} after {last}: its numbers do not rise.")
                };
                let witnesses =
                    vec![Witness::new(asked, format!("asked for {last}")), Witness::new(at, "then this")];
                tally.fail(
                    sentence,
                    witnesses,
                    "Each operation of a client has a higher number than the one before.",
                );
            }
            _ => tally.met(),
        }
    }

    /// A client sends a request, or returns: about what it is working on.
    fn works(cx: &Context, op: Op, client: u32, what: &str, record: &Record, tally: &mut Tally) {
        let (node, at) = (record.at.node, record.at);
        let work = cx.clients.work(client);
        // A Return is taken in before the rules see it.
        let on_it = |work: &Work| work.op == op && work.returned.is_none_or(|returned| returned == at);
        if work.as_ref().is_some_and(on_it) {
            return tally.met();
        }
        if let Some(hole) = cx.hole_in(node) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps the Invoke of {op}"));
        }
        let last = Witness::new(at, format!("{op} here"));
        let (sentence, witnesses) = match work {
            None => (format!("{node} {what} {op} before it was asked for anything."), vec![last]),
            Some(Work { returned: Some(returned), op: before, .. }) if before == op => {
                let sentence = format!("{node} {what} {op} when it had returned from it.");
                (sentence, vec![Witness::new(returned, "returned"), last])
            }
            Some(Work { returned: Some(returned), op: before, .. }) => {
                let sentence =
                    format!("{node} {what} {op}, but it had returned from {before}, its last operation.");
                (sentence, vec![Witness::new(returned, "returned"), last])
            }
            Some(Work { op: now, asked, .. }) => {
                let sentence = format!("{node} {what} {op} while it was working on {now}.");
                (sentence, vec![Witness::new(asked, format!("asked for {now}")), last])
            }
        };
        tally.fail(sentence, witnesses, KEEPS);
    }

    /// Somebody names an operation: its client was asked for it.
    fn named(cx: &Context, op: Op, executed: Option<&KvCall>, record: &Record, tally: &mut Tally) {
        let (node, at) = (record.at.node, record.at);
        let action = record.event.action().name();
        let Some(invoked) = cx.clients.invoked(op) else {
            // A peer that the test plays may say what it likes, and others repeat it.
            if cx.has_scripted() {
                return;
            }
            let client = Node::Client(op.client_id);
            if let Some(hole) = cx.hole_in(client) {
                return tally.unknown(|| format!("records are missing ({hole}), perhaps the Invoke of {op}"));
            }
            if cx.lost_tails {
                return tally
                    .unknown(|| format!("{client} may have lost records, perhaps the Invoke of {op}"));
            }
            let sentence = format!(
                "{node} recorded {action} of {op}, but {client} had not been asked for such an operation."
            );
            let witnesses = vec![Witness::new(at, format!("names {op}"))];
            return tally.fail(sentence, witnesses, "Servers repeat the client and number of the request.");
        };
        if let Some(call) = executed.filter(|call| **call != invoked.call) {
            let sentence =
                format!("{node} executed {op} as `{call}`, but its client asked for `{}`.", invoked.call);
            let witnesses = vec![Witness::new(invoked.at, "asked for"), Witness::new(at, "executed")];
            return tally.fail(sentence, witnesses, "What is executed is what the client asked for.");
        }
        tally.met();
    }
}

impl Rule for Names {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        if record.server().is_some_and(|server| !cx.is_judged(server)) {
            return;
        }
        match (&record.event, record.at.node) {
            (Event::Invoke { op, .. }, _) => self.invoked(*op, record, tally),
            (Event::Return { op, .. }, Node::Client(client)) => {
                Names::works(cx, *op, client, "returned from", record, tally);
            }
            (Event::KvSend { kind: KvKind::Request, to, op }, Node::Client(client)) => {
                Names::works(cx, *op, client, &format!("sent {to} a request for"), record, tally);
            }
            (Event::Executed { op, call, .. }, _) => Names::named(cx, *op, Some(call), record, tally),
            (event, _) => {
                if let Some(op) = op_of(event) {
                    Names::named(cx, op, None, record, tally);
                }
            }
        }
    }
}

/// The operation that an event of a server, or a message, names.
fn op_of(event: &Event) -> Option<Op> {
    match event {
        Event::PutRecvd { op }
        | Event::GetRecvd { op }
        | Event::PutFwd { op, .. }
        | Event::GetFwd { op, .. }
        | Event::PutFwdRecvd { op, .. }
        | Event::GetFwdRecvd { op, .. }
        | Event::PutResult { op, .. }
        | Event::GetResult { op, .. }
        | Event::KvSend { op, .. }
        | Event::KvRecv { op, .. } => Some(*op),
        _ => None,
    }
}
