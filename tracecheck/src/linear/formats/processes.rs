//! Histories of processes that do one thing at a time: `:invoke`, then `:ok`, `:fail` or `:info`.

use super::LoadError;
use crate::linear::history::History;
use std::collections::BTreeMap;
use tracecheck_schema::{KvCall, KvOutcome};

/// What a line says of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Invoke,
    /// It happened.
    Ok,
    /// It did not happen.
    Fail,
    /// Nobody knows.
    Info,
}

impl Type {
    /// By its name, without the colon.
    pub(super) fn named(name: &str) -> Option<Type> {
        Some(match name {
            "invoke" => Type::Invoke,
            "ok" => Type::Ok,
            "fail" => Type::Fail,
            "info" => Type::Info,
            _ => return None,
        })
    }
}

/// One event, in the words of the format.
pub(super) struct Entry<'a> {
    pub(super) process: u64,
    pub(super) kind: Type,
    /// The function, without the colon: `read`, `cas` ….
    pub(super) function: &'a str,
    pub(super) key: &'a str,
    /// The value, or the two of a cas; none for `nil`.
    pub(super) values: Vec<String>,
}

/// The history so far, and what each process waits for.
#[derive(Default)]
pub(super) struct Processes {
    pub(super) history: History,
    waiting: BTreeMap<u64, (String, u64)>,
    count: u64,
}

impl Processes {
    pub(super) fn add(&mut self, line: u64, entry: &Entry<'_>) -> Result<(), LoadError> {
        let Entry { process, kind, function, .. } = entry;
        if *kind == Type::Invoke {
            let call = call(entry).map_err(|problem| LoadError::new(line, problem))?;
            self.count += 1;
            if self.waiting.insert(*process, ((*function).to_owned(), self.count)).is_some() {
                let problem =
                    format!("invokes an operation of process {process}, whose last one has not ended");
                return Err(LoadError::new(line, problem));
            }
            let told = self.history.invoke(*process, self.count, &call, line);
            return told.map_err(|error| LoadError::history(line, &error));
        }
        let Some((asked, number)) = self.waiting.remove(process) else {
            let problem = format!(
                "ends an operation of process {process}, which had invoked none: were lines removed?"
            );
            return Err(LoadError::new(line, problem));
        };
        if asked != *function {
            let problem = format!("ends a :{function} of process {process}, which had invoked a :{asked}");
            return Err(LoadError::new(line, problem));
        }
        let outcome = match kind {
            Type::Fail => KvOutcome::Failed {},
            Type::Info | Type::Invoke => KvOutcome::Unknown {},
            Type::Ok => match *function {
                "get" | "read" => {
                    let value = entry.values.first().cloned().unwrap_or_default();
                    KvOutcome::Value { value }
                }
                "cas" => KvOutcome::Swapped { swapped: true },
                _ => KvOutcome::Done {},
            },
        };
        let told = self.history.give(*process, number, &outcome, line);
        told.map_err(|error| LoadError::history(line, &error))
    }
}

fn call(entry: &Entry<'_>) -> Result<KvCall, String> {
    let key = entry.key.to_owned();
    let value = || match &entry.values[..] {
        [] => Ok(String::new()),
        [one] => Ok(one.clone()),
        more => Err(format!("has {} values for a :{}, which takes one", more.len(), entry.function)),
    };
    Ok(match entry.function {
        "get" | "read" => KvCall::Get { key },
        "put" | "write" => KvCall::Put { key, value: value()? },
        "append" => KvCall::Append { key, value: value()? },
        "delete" => KvCall::Delete { key },
        "cas" => match &entry.values[..] {
            [from, to] => KvCall::Cas { key, from: from.clone(), to: to.clone() },
            _ => return Err("has a :cas without its two values, such as [4 1]".to_owned()),
        },
        other => {
            return Err(format!(
                "has the operation `:{other}`: known are :get, :read, :put, :write, :append, :cas and :delete"
            ));
        }
    })
}
