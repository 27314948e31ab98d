//! Hand-made traces of clients and of the service above Raft.
//!
//! An operation is written as (client, number); what servers and clients record of it carries no state.

use crate::builder::{Script, s};
use crate::builder_log::Entry;
use tracecheck::schema::{Event, Index, KvCall, KvKind, KvOutcome, Node, Op, Stamp};

pub(crate) fn c(client: u32) -> Node {
    Node::Client(client)
}

pub(crate) fn op(client_id: u32, op_id: u64) -> Op {
    Op { client_id, op_id }
}

pub(crate) fn put(key: &str, value: &str) -> KvCall {
    KvCall::Put { key: key.to_owned(), value: value.to_owned() }
}

pub(crate) fn get(key: &str) -> KvCall {
    KvCall::Get { key: key.to_owned() }
}

pub(crate) fn append(key: &str, value: &str) -> KvCall {
    KvCall::Append { key: key.to_owned(), value: value.to_owned() }
}

pub(crate) fn cas(key: &str, from: &str, to: &str) -> KvCall {
    KvCall::Cas { key: key.to_owned(), from: from.to_owned(), to: to.to_owned() }
}

pub(crate) fn done() -> KvOutcome {
    KvOutcome::Done {}
}

pub(crate) fn value(value: &str) -> KvOutcome {
    KvOutcome::Value { value: value.to_owned() }
}

impl Script {
    /// A record without a state.
    pub(crate) fn tell(&mut self, node: impl Into<Node>, event: Event) -> Stamp {
        self.push(node, event, None, None)
    }

    /// Three services with no Raft below them, and a client that has begun.
    pub(crate) fn clerk() -> Script {
        let mut script = Script::of(3);
        for number in 1..=3 {
            script.tell(s(number), Event::ServerStart { server_id: s(number) });
        }
        script.begin(1);
        script
    }

    /// s1 leads term 1 of three servers, has committed its no-op with s2, and a client has begun.
    pub(crate) fn coordinated() -> Script {
        let mut script = Script::committed(&[(1, 1, 0)]);
        script.begin(1);
        script
    }

    /// The client stops, and the run ends.
    pub(crate) fn closed(mut self) -> Script {
        self.finish(1);
        self.end()
    }

    /// s1, which leads term 1, has an entry committed with s2, and applies it.
    pub(crate) fn commits(&mut self, entry: Entry) {
        let (index, ..) = entry;
        let prev = (index - 1, u64::from(index > 1));
        self.write(1, &[entry]);
        self.replicate(1, 2, 1, prev, &[entry]);
        self.commit(1, 1, entry);
        self.apply(1, index, entry.2);
    }

    /// The service of a server executes an entry.
    pub(crate) fn executes(
        &mut self,
        server: u8,
        entry: (Index, u64),
        op: Op,
        call: &KvCall,
        outcome: KvOutcome,
    ) -> Stamp {
        let (index, operation) = entry;
        self.tell(s(server), Event::Executed { index, operation, op, call: Box::new(call.clone()), outcome })
    }

    /// s1, which leads term 1 with a log up to `last`, hears from s2 that it still follows.
    pub(crate) fn still_leads(&mut self, last: Index) {
        self.replicate(1, 2, 1, (last, 1), &[]);
    }

    pub(crate) fn read_point(&mut self, server: u8, index: Index) -> Stamp {
        self.act(server, Event::ReadPoint { id: 1, index })
    }

    pub(crate) fn begin(&mut self, client_id: u32) -> Stamp {
        self.tell(c(client_id), Event::KvslibStart { client_id })
    }

    pub(crate) fn finish(&mut self, client_id: u32) -> Stamp {
        self.tell(c(client_id), Event::KvslibStop { client_id })
    }

    pub(crate) fn invoke(&mut self, op: Op, call: KvCall) -> Stamp {
        self.tell(c(op.client_id), Event::Invoke { op, call: Box::new(call) })
    }

    pub(crate) fn back(&mut self, op: Op, outcome: KvOutcome) -> Stamp {
        self.tell(c(op.client_id), Event::Return { op, outcome })
    }

    /// A message of the service leaves. Returns it.
    pub(crate) fn kv_send(
        &mut self,
        from: impl Into<Node>,
        kind: KvKind,
        to: impl Into<Node>,
        op: Op,
    ) -> Stamp {
        let from = from.into();
        let at = self.tell(from, Event::KvSend { kind, to: to.into(), op });
        self.kv_messages.insert(at, (kind, from, op));
        at
    }

    /// It arrives.
    pub(crate) fn kv_recv(&mut self, node: impl Into<Node>, message: Stamp) -> Stamp {
        let (kind, from, op) = self.kv_messages[&message];
        self.push(node, Event::KvRecv { kind, from, op }, None, Some(message))
    }

    /// A client's request that reaches a server.
    pub(crate) fn request(&mut self, op: Op, server: u8) -> Stamp {
        let message = self.kv_send(c(op.client_id), KvKind::Request, s(server), op);
        self.kv_recv(s(server), message)
    }

    /// A request that a server passes on to another one; `call` says what it records.
    pub(crate) fn forward(&mut self, from: u8, to: u8, op: Op, call: &KvCall) -> Stamp {
        let event = match call.is_get() {
            true => Event::GetFwd { op, to: s(to) },
            false => Event::PutFwd { op, to: s(to) },
        };
        self.tell(s(from), event);
        let message = self.kv_send(s(from), KvKind::Forward, s(to), op);
        self.kv_recv(s(to), message);
        let from = s(from);
        let event = match call.is_get() {
            true => Event::GetFwdRecvd { op, from },
            false => Event::PutFwdRecvd { op, from },
        };
        self.tell(s(to), event)
    }

    pub(crate) fn received(&mut self, server: u8, op: Op, call: &KvCall) -> Stamp {
        let event = if call.is_get() { Event::GetRecvd { op } } else { Event::PutRecvd { op } };
        self.tell(s(server), event)
    }

    pub(crate) fn result(&mut self, server: u8, op: Op, call: &KvCall, outcome: KvOutcome) -> Stamp {
        let event = match call.is_get() {
            true => Event::GetResult { op, outcome },
            false => Event::PutResult { op, outcome },
        };
        self.tell(s(server), event)
    }

    /// A server's answer reaches the client.
    pub(crate) fn answer(&mut self, server: u8, op: Op) -> Stamp {
        let message = self.kv_send(s(server), KvKind::Reply, c(op.client_id), op);
        self.kv_recv(c(op.client_id), message)
    }

    /// A server's answer reaches the server that forwarded the request.
    pub(crate) fn answer_forward(&mut self, from: u8, to: u8, op: Op) -> Stamp {
        let message = self.kv_send(s(from), KvKind::ForwardReply, s(to), op);
        self.kv_recv(s(to), message)
    }

    /// A client is asked for an operation, and its request reaches a server, which records it.
    pub(crate) fn asks(&mut self, op: Op, call: &KvCall, server: u8) {
        self.invoke(op, call.clone());
        self.request(op, server);
        self.received(server, op, call);
    }

    /// A server answers, and the client returns.
    pub(crate) fn answers(&mut self, op: Op, call: &KvCall, server: u8, outcome: KvOutcome) {
        self.result(server, op, call, outcome.clone());
        self.answer(server, op);
        self.back(op, outcome);
    }
}
