//! Jepsen's log of a register: `INFO  jepsen.util - 3  :invoke  :cas  [4 1]`, columns by tabs or blanks.

use super::processes::{Entry, Processes, Type};
use super::{Lines, LoadError};
use crate::linear::history::History;
use std::io::BufRead;

/// What the one register is called.
const REGISTER: &str = "register";

pub(super) fn read<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<History, LoadError> {
    let mut processes = Processes::default();
    lines.each(|number, line| match entry(line) {
        Ok(Some(entry)) => processes.add(number, &entry),
        Ok(None) => Ok(()),
        Err(problem) => Err(LoadError::new(number, problem)),
    })?;
    Ok(processes.history)
}

/// The event of a line; `None` for other things that Jepsen logs.
fn entry(line: &str) -> Result<Option<Entry<'_>>, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let types = words.iter().position(|word| word.strip_prefix(':').and_then(Type::named).is_some());
    let Some(place) = types else {
        let is_log = ["INFO", "WARN", "ERROR", "DEBUG"].contains(&words[0]);
        let why = "has none of :invoke, :ok, :fail and :info: is it a Jepsen log?";
        return if is_log { Ok(None) } else { Err(why.to_owned()) };
    };
    let process = place.checked_sub(1).map_or("", |before| words[before]);
    if process.starts_with(':') {
        // The nemesis asks for nothing.
        return Ok(None);
    }
    let process =
        process.parse().map_err(|_| format!("has `{process}` where the number of a process should be"))?;
    let kind = Type::named(&words[place][1..]).unwrap_or(Type::Info);
    let function = words.get(place + 1).and_then(|word| word.strip_prefix(':'));
    let function = function.ok_or("ends before it says which operation it is about")?;
    let rest = words[(place + 2).min(words.len())..].join(" ");
    let values = values(&rest)?;
    if kind == Type::Ok && function == "read" && rest.is_empty() {
        return Err("is a :read that ended without saying what it found".to_owned());
    }
    let timed_out = rest == ":timed-out";
    if timed_out && matches!(kind, Type::Ok | Type::Invoke) {
        return Err("says :timed-out of an operation that did not".to_owned());
    }
    Ok(Some(Entry { process, kind, function, key: REGISTER, values }))
}

/// `4`, `[4 1]`, `nil` or nothing. A word such as `:timed-out` is no value.
fn values(text: &str) -> Result<Vec<String>, String> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => {
            rest.strip_suffix(']').ok_or_else(|| format!("has `{text}`, whose bracket is not closed"))?
        }
        None => text,
    };
    let words = inner.split([' ', ',']).filter(|word| !word.is_empty() && !word.starts_with(':'));
    let listed = inner.len() < text.len();
    Ok(words
        .filter(|word| listed || *word != "nil")
        .map(|word| if word == "nil" { String::new() } else { word.trim_matches('"').to_owned() })
        .collect())
}
