//! The log of a DistributedClocks tracing server: one JSON object a line, ordered by vector clocks.
//!
//! A client's operation begins with its tracer's `Put`, `Get`, `Append` or `Delete` (also with `Kvslib` or `Kv`
//! before it), and ends with the same tracer's `…Result` or `…ResultRecvd` of the same `OpId`. Everything else,
//! above all what servers record, is no part of a client's history.
//!
//! Vector clocks order events only as far as messages tell. Lines are taken in an order that agrees with them: that
//! of the file, if it does. A violation counts only if the clocks themselves put the returns before the invocations
//! that it rests on; see [`Causality`].

use super::{Lines, LoadError};
use crate::linear::history::History;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::BufRead;
use tracecheck_schema::{KvCall, KvOutcome};

/// Who recorded an event, and its vector clock.
#[derive(Clone, Debug)]
struct Moment {
    tracer: String,
    clock: BTreeMap<String, u64>,
}

impl Moment {
    fn own(&self) -> u64 {
        self.clock.get(&self.tracer).copied().unwrap_or(0)
    }

    fn happened_before(&self, later: &Moment) -> bool {
        let seen = later.clock.get(&self.tracer).copied().unwrap_or(0);
        if self.tracer == later.tracer { self.own() < later.own() } else { self.own() <= seen }
    }
}

/// What the vector clocks say of the order of lines.
#[derive(Clone, Debug, Default)]
pub struct Causality {
    moments: BTreeMap<u64, Moment>,
    /// Whether the lines stood in an order that contradicts the clocks.
    pub sorted: bool,
}

impl Causality {
    /// Whether what one line says happened before what another says.
    pub fn happened_before(&self, line: u64, later: u64) -> bool {
        match (self.moments.get(&line), self.moments.get(&later)) {
            (Some(line), Some(later)) => line.happened_before(later),
            _ => false,
        }
    }
}

/// An event of a client.
#[derive(Debug)]
struct Entry {
    line: u64,
    moment: Moment,
    action: Action,
    /// The operation's `OpId`, or its trace where it has none.
    operation: String,
    body: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Get,
    Put,
    Append,
    Delete,
    Result,
}

pub(super) fn read<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<(History, Causality), LoadError> {
    let (mut entries, mut order) = (Vec::new(), InOrder::default());
    lines.each(|number, line| {
        let (moment, entry) = entry(number, line).map_err(|problem| LoadError::new(number, problem))?;
        order.add(&moment);
        entries.extend(entry);
        Ok(())
    })?;
    if order.broken {
        // What happened before another thing has a smaller clock, and so a smaller sum.
        entries.sort_by_key(|entry: &Entry| (entry.moment.clock.values().sum::<u64>(), entry.line));
    }
    let mut causality = Causality { moments: BTreeMap::new(), sorted: order.broken };
    let mut told = Told::default();
    for entry in entries {
        if told.add(&entry)? {
            causality.moments.insert(entry.line, entry.moment);
        }
    }
    Ok((told.history, causality))
}

/// Watches whether lines stand in an order that agrees with their clocks.
#[derive(Debug, Default)]
struct InOrder {
    /// By tracer: how much of it was recorded, or known to somebody who was.
    known: BTreeMap<String, u64>,
    broken: bool,
}

impl InOrder {
    fn add(&mut self, moment: &Moment) {
        self.broken |= self.known.get(&moment.tracer).is_some_and(|known| *known >= moment.own());
        for (tracer, count) in &moment.clock {
            let known = self.known.entry(tracer.clone()).or_insert(0);
            *known = (*known).max(*count);
        }
    }
}

/// The moment of a line; and its event, if it may be one of a client.
fn entry(line: u64, text: &str) -> Result<(Moment, Option<Entry>), String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    let Value::Object(mut fields) = value else { return Err("is not a JSON object".to_owned()) };
    let string = |name: &str| match fields.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(format!("has a {name} that is no text")),
        None => Err(format!("has no {name}")),
    };
    let (tracer, tag, trace) =
        (string("TracerIdentity")?, string("Tag")?, string("TraceID").unwrap_or_default());
    let Some(Value::Object(counts)) = fields.get("VectorClock") else {
        return Err("has no VectorClock: without it the events have no order".to_owned());
    };
    let count = |(tracer, count): (&String, &Value)| {
        count
            .as_u64()
            .map(|count| (tracer.clone(), count))
            .ok_or("has a VectorClock with an entry that is no count")
    };
    let clock: BTreeMap<String, u64> = counts.iter().map(count).collect::<Result<_, _>>()?;
    if !clock.contains_key(&tracer) {
        return Err(format!("has a VectorClock without its own tracer, {tracer}"));
    }
    let moment = Moment { tracer, clock };
    let Some(action) = action(&tag) else { return Ok((moment, None)) };
    let body = match fields.remove("Body") {
        Some(Value::Object(body)) => body,
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err("has a Body that is no object".to_owned()),
    };
    let operation = field(&body, "OpId").unwrap_or(trace);
    Ok((moment.clone(), Some(Entry { line, moment, action, operation, body })))
}

/// What a tag may mean for a client.
fn action(tag: &str) -> Option<Action> {
    let tag = tag.rsplit('.').next().unwrap_or(tag).to_ascii_lowercase();
    let tag = tag.strip_prefix("kvslib").or(tag.strip_prefix("kv")).unwrap_or(&tag);
    Some(match tag {
        "get" => Action::Get,
        "put" => Action::Put,
        "append" => Action::Append,
        "delete" => Action::Delete,
        _ => {
            let of = tag.strip_suffix("resultrecvd").or(tag.strip_suffix("result"))?;
            return ["get", "put", "append", "delete"].contains(&of).then_some(Action::Result);
        }
    })
}

/// A field of a body, whatever the case of its name. `null` is the empty text.
fn field(body: &Map<String, Value>, name: &str) -> Option<String> {
    let (_, value) = body.iter().find(|(found, _)| found.eq_ignore_ascii_case(name))?;
    Some(match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

/// The history so far. Tracers are numbered as they come.
#[derive(Default)]
struct Told {
    history: History,
    clients: BTreeMap<String, u64>,
    /// What was invoked and has not returned, by tracer and operation.
    waiting: BTreeMap<(String, String), (Action, u64)>,
    count: u64,
}

impl Told {
    /// Adds an event; says whether it is one of a client.
    fn add(&mut self, entry: &Entry) -> Result<bool, LoadError> {
        let Entry { line, moment, action, operation, body } = entry;
        let fail = |problem: &str| LoadError::new(*line, problem);
        let tracer = moment.tracer.clone();
        let next = self.clients.len() as u64 + 1;
        let who = (tracer.clone(), operation.clone());
        if *action == Action::Result {
            // A server's answer is recorded by another tracer than the client's.
            let Some((asked, number)) = self.waiting.remove(&who) else { return Ok(false) };
            let outcome = match asked {
                Action::Get => {
                    let value =
                        field(body, "Value").ok_or_else(|| fail("is a get's result without a Value"))?;
                    KvOutcome::Value { value }
                }
                _ => KvOutcome::Done {},
            };
            let client = self.clients.get(&tracer).copied().unwrap_or(next);
            let told = self.history.give(client, number, &outcome, *line);
            return told.map(|()| true).map_err(|error| LoadError::history(*line, &error));
        }
        let key = field(body, "Key").ok_or_else(|| fail("is an operation without a Key"))?;
        let value = || field(body, "Value").ok_or_else(|| fail("is a write without a Value"));
        let call = match action {
            Action::Put => KvCall::Put { key, value: value()? },
            Action::Append => KvCall::Append { key, value: value()? },
            Action::Delete => KvCall::Delete { key },
            Action::Get | Action::Result => KvCall::Get { key },
        };
        let client = *self.clients.entry(tracer).or_insert(next);
        self.count += 1;
        if self.waiting.insert(who, (*action, self.count)).is_some() {
            return Err(fail("begins an operation of the same tracer and OpId as one that has not ended"));
        }
        let told = self.history.invoke(client, self.count, &call, *line);
        told.map(|()| true).map_err(|error| LoadError::history(*line, &error))
    }
}
