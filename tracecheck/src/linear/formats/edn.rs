//! Histories as EDN maps, one a line: `{:process 0, :type :ok, :f :get, :key "7", :value "a"}`.

use super::processes::{Entry, Processes, Type};
use super::{Lines, LoadError};
use crate::linear::history::History;
use std::io::BufRead;

/// What an EDN text says. Numbers stay as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Edn {
    Nil,
    /// `:name`, without the colon.
    Keyword(String),
    /// A string, a number or a symbol.
    Atom(String),
    List(Vec<Edn>),
    Map(Vec<(Edn, Edn)>),
}

pub(super) fn read<R: BufRead>(lines: &mut Lines<'_, R>) -> Result<History, LoadError> {
    let mut processes = Processes::default();
    lines.each(|number, line| {
        let fail = |problem: String| LoadError::new(number, problem);
        let mut parser = Parser { rest: line, depth: 0 };
        parser.skip();
        if parser.rest.is_empty() {
            return Ok(());
        }
        let map = match parser.value().map_err(fail)? {
            Edn::Map(map) => {
                parser.end().map_err(fail)?;
                map
            }
            _ => return Err(fail("is not a map such as {:process 0, :type :invoke, …}".to_owned())),
        };
        let owned = fields(&map).map_err(fail)?;
        let Some((process, kind, function, key, values)) = owned else { return Ok(()) };
        processes.add(number, &Entry { process, kind, function: &function, key: &key, values })
    })?;
    Ok(processes.history)
}

/// Process, type, function, key and values.
type Fields = (u64, Type, String, String, Vec<String>);

/// The fields of an event; `None` for one that is not a process's.
fn fields(map: &[(Edn, Edn)]) -> Result<Option<Fields>, String> {
    let get = |name: &str| {
        let is = |key: &Edn| matches!(key, Edn::Keyword(found) if found == name);
        map.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
    };
    let keyword = |name: &str| match get(name) {
        Some(Edn::Keyword(word)) => Ok(word.as_str()),
        Some(_) => Err(format!("has a :{name} that is no keyword")),
        None => Err(format!("has no :{name}")),
    };
    let process = match get("process") {
        Some(Edn::Atom(number)) => {
            number.parse().map_err(|_| format!("has the :process `{number}`, which is no number"))?
        }
        // The nemesis asks for nothing.
        Some(Edn::Keyword(_)) => return Ok(None),
        Some(_) => return Err("has a :process that is no number".to_owned()),
        None => return Err("has no :process".to_owned()),
    };
    let kind = keyword("type")?;
    let kind = Type::named(kind)
        .ok_or_else(|| format!("has the :type `:{kind}`: known are :invoke, :ok, :fail and :info"))?;
    let function = keyword("f")?.to_owned();
    let key = match get("key") {
        None | Some(Edn::Nil) => "register".to_owned(),
        Some(key) => text(key)?,
    };
    let read = matches!(function.as_str(), "get" | "read");
    let values = match get("value") {
        None if read && kind == Type::Ok => return Err("is a get that ended without a :value".to_owned()),
        None | Some(Edn::Nil) => vec![],
        // What is said instead of a value when an operation failed or timed out.
        Some(_) if matches!(kind, Type::Fail | Type::Info) => vec![],
        Some(Edn::List(values)) => values.iter().map(text).collect::<Result<_, _>>()?,
        Some(value) => vec![text(value)?],
    };
    Ok(Some((process, kind, function, key, values)))
}

fn text(value: &Edn) -> Result<String, String> {
    match value {
        Edn::Nil => Ok(String::new()),
        Edn::Keyword(word) | Edn::Atom(word) => Ok(word.clone()),
        Edn::List(_) | Edn::Map(_) => {
            Err("has a key or value that is neither a text nor a number".to_owned())
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

/// Deeper nesting than this is no history.
const DEEPEST: usize = 16;

impl Parser<'_> {
    /// Skips blanks, commas and a comment.
    fn skip(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if self.rest.starts_with(';') {
            self.rest = "";
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip();
        let problem = || "goes on after its map: write one map a line".to_owned();
        self.rest.is_empty().then_some(()).ok_or_else(problem)
    }

    fn value(&mut self) -> Result<Edn, String> {
        self.skip();
        let first = self.rest.chars().next().ok_or("ends in the middle of a map")?;
        match first {
            '"' => self.string(),
            '{' => self.all('}').and_then(|items| {
                if items.len() % 2 == 1 {
                    return Err("has a key without a value".to_owned());
                }
                let pairs = items.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
                Ok(Edn::Map(pairs.collect()))
            }),
            '[' => self.all(']').map(Edn::List),
            '(' => self.all(')').map(Edn::List),
            '}' | ']' | ')' => Err(format!("has a `{first}` too many")),
            _ => {
                let ends = |c: char| c.is_whitespace() || ",\"{}[]();".contains(c);
                let end = self.rest.find(ends).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at(end);
                self.rest = rest;
                Ok(match word.strip_prefix(':') {
                    Some(name) => Edn::Keyword(name.to_owned()),
                    None if word == "nil" => Edn::Nil,
                    None => Edn::Atom(word.to_owned()),
                })
            }
        }
    }

    /// Everything up to a closing bracket.
    fn all(&mut self, close: char) -> Result<Vec<Edn>, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("is nested too deep for an event".to_owned());
        }
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            self.skip();
            if let Some(rest) = self.rest.strip_prefix(close) {
                self.rest = rest;
                self.depth -= 1;
                return Ok(items);
            }
            items.push(self.value()?);
        }
    }

    fn string(&mut self) -> Result<Edn, String> {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((place, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &self.rest[place + 1..];
                    return Ok(Edn::Atom(text));
                }
                '\\' => match letters.next().map(|(_, escaped)| escaped) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(other @ ('"' | '\\')) => text.push(other),
                    _ => return Err("has a text with an unknown escape".to_owned()),
                },
                other => text.push(other),
            }
        }
        Err("has a text that does not end".to_owned())
    }
}
