//! Records as JSON lines: one object a line, the header first.

use crate::{Action, Event, Header, Node, Record, SCHEMA, Stamp, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a header comes once a file, and lines are moved on at once")]
pub enum Line {
    /// The first line.
    Header(Header),
    /// Every other line.
    Record(Record),
}

/// A line that cannot be read, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineError {
    /// The line is not JSON, or ends too early.
    NotJson(String),
    /// The line is JSON, but no record or header.
    NotARecord(String),
    /// The header is of another schema version.
    OtherVersion(u32),
    /// The action is none of the contract's.
    UnknownAction(String),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineError::NotJson(why) => write!(f, "this is not a whole JSON object: {why}"),
            LineError::NotARecord(why) => write!(f, "this is no trace record: {why}"),
            LineError::OtherVersion(found) => {
                write!(f, "the trace is of schema version {found}, but this tool reads version {SCHEMA}")
            }
            LineError::UnknownAction(name) => write!(f, "no action is called `{name}`"),
        }
    }
}

impl std::error::Error for LineError {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    node: Node,
    inc: u32,
    seq: u64,
    t_ns: u64,
    #[serde(borrow)]
    trace: Cow<'a, str>,
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow)]
    body: &'a RawValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<Stamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vc: Option<Clock>,
}

/// A vector clock as a JSON object: `{"s1":3,"s2":1}`.
#[derive(Clone)]
struct Clock(Vec<(Node, u64)>);

impl Serialize for Clock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(node, count)| (node, count)))
    }
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<Node, u64>::deserialize(deserializer)?;
        Ok(Clock(map.into_iter().filter(|(_, count)| *count > 0).collect()))
    }
}

/// Appends the header and a newline to `out`.
pub fn write_header(header: &Header, out: &mut Vec<u8>) {
    serde_json::to_writer(&mut *out, header).expect("a header serializes into memory");
    out.push(b'\n');
}

/// Appends the record and a newline to `out`.
pub fn write_record(record: &Record, out: &mut Vec<u8>) {
    use std::io::Write;
    let Record { at: Stamp { node, inc, seq }, t_ns, event, state, cause, clock } = record;
    let action = event.action();
    let trace = action.trace().name();
    let name = action.name();
    write!(
        out,
        "{{\"node\":\"{node}\",\"inc\":{inc},\"seq\":{seq},\"t_ns\":{t_ns},\"trace\":\"{trace}\",\"action\":\"{name}\",\"body\":"
    )
    .expect("memory takes every write");
    event.write_body(out).expect("an event serializes into memory");
    let mut field = |name: &[u8], value: &dyn Fn(&mut Vec<u8>) -> serde_json::Result<()>| {
        out.extend_from_slice(name);
        value(out).expect("a record serializes into memory");
    };
    if let Some(state) = state {
        field(b",\"state\":", &|out| serde_json::to_writer(out, state));
    }
    if let Some(cause) = cause {
        field(b",\"cause\":", &|out| serde_json::to_writer(out, cause));
    }
    if let Some(clock) = clock {
        field(b",\"vc\":", &|out| serde_json::to_writer(out, &Clock(clock.clone())));
    }
    out.extend_from_slice(b"}\n");
}

/// Reads one line: the header if it is the file's `first`, a record otherwise.
pub fn read_line(line: &str, first: bool) -> Result<Line, LineError> {
    let explain = |error: serde_json::Error| match error.classify() {
        serde_json::error::Category::Data => LineError::NotARecord(error.to_string()),
        _ => LineError::NotJson(error.to_string()),
    };
    if first {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let Version { schema } = serde_json::from_str(line).map_err(explain)?;
        if schema != SCHEMA {
            return Err(LineError::OtherVersion(schema));
        }
        return serde_json::from_str(line).map(Line::Header).map_err(explain);
    }
    let Fields { node, inc, seq, t_ns, trace, action, body, state, cause, vc } =
        serde_json::from_str(line).map_err(explain)?;
    let action = Action::from_name(&action).ok_or_else(|| LineError::UnknownAction(action.into_owned()))?;
    if action.trace().name() != trace {
        return Err(LineError::NotARecord(format!(
            "{} belongs to {}, not to {trace}",
            action.name(),
            action.trace().name()
        )));
    }
    let event = Event::read_body(action, body.get()).map_err(explain)?;
    let clock = vc.map(|Clock(clock)| clock);
    Ok(Line::Record(Record { at: Stamp { node, inc, seq }, t_ns, event, state, cause, clock }))
}
