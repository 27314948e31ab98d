//! Histories in files: our own traces, and what others write.
//!
//! Owns which formats there are, how one is guessed, and what is wrong with a file, in one sentence with its line.
//!
//! Invariant: whatever the bytes are, the outcome is a history or such a sentence; a file that ends in the middle
//! of a line is read up to there, and told as cut.
//!
//! Never: guesses what a line that it does not understand may mean.

mod edn;
mod jepsen;
mod processes;
mod tracing;

pub use tracing::Causality;

use super::history::{History, HistoryError};
use crate::read::{LONGEST, ReadError, Reader};
use std::io::{BufRead, Read};
use tracecheck_schema::Event;

/// Who wrote a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A trace of this project: its `Invoke` and `Return` records, in the order of the file.
    Raftlab,
    /// Maps of `:process`, `:type`, `:f`, `:key` and `:value`, one a line.
    Edn,
    /// The log of a Jepsen test of one register.
    Jepsen,
    /// The log of a DistributedClocks tracing server.
    Tracing,
}

impl Format {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Raftlab => "raftlab",
            Format::Edn => "edn",
            Format::Jepsen => "jepsen",
            Format::Tracing => "tracing",
        }
    }

    /// The format of a file that begins with this line.
    fn guess(line: &str) -> Option<Format> {
        let line = line.trim_start();
        let is_operation = |word: &str| [":invoke", ":ok", ":fail", ":info"].contains(&word);
        if let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(line) {
            let has = |name| fields.contains_key(name);
            return match (has("schema"), has("VectorClock") || has("TracerIdentity")) {
                (true, _) => Some(Format::Raftlab),
                (_, true) => Some(Format::Tracing),
                _ => None,
            };
        }
        if line.starts_with("{\"schema\"") {
            Some(Format::Raftlab)
        } else if line.starts_with("{\"TracerIdentity\"") {
            Some(Format::Tracing)
        } else if line.starts_with("{:") || line.starts_with(['{', ';']) && line.contains(":process") {
            Some(Format::Edn)
        } else {
            let is_log = ["INFO", "WARN", "ERROR", "DEBUG"].iter().any(|level| line.starts_with(level));
            (is_log || line.split_whitespace().any(is_operation)).then_some(Format::Jepsen)
        }
    }
}

/// A history from a file.
#[derive(Debug)]
pub struct Loaded {
    /// The operations; where they stand is their lines.
    pub history: History,
    /// The format that was given or guessed.
    pub format: Format,
    /// Why the history may go on after what was read: a violation stands, but anything else is unknown.
    pub cut: Option<String>,
    /// The order of the lines, as far as vector clocks bear it out; `None` where the order of lines is real time.
    pub causality: Option<Causality>,
}

/// Why a file is no history.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Our own trace cannot be read.
    #[error(transparent)]
    Trace(#[from] ReadError),
    /// A line is wrong.
    #[error("line {line} {problem}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it; goes on after `line 7 `.
        problem: String,
    },
    /// There is nothing in it.
    #[error("it is empty: there are no operations to order")]
    Empty,
    /// Lines, but none of an operation.
    #[error("it has no operation of a client in it: is it the right file, and of the format `{0}`?")]
    NoOperations(&'static str),
    /// The first line tells nothing.
    #[error("its format cannot be guessed from line {0}: say which it is with --format")]
    NoFormat(u64),
}

impl LoadError {
    fn new(line: u64, problem: impl Into<String>) -> LoadError {
        LoadError::Line { line, problem: problem.into() }
    }

    fn history(line: u64, error: &HistoryError) -> LoadError {
        LoadError::new(line, error.to_string())
    }
}

/// Reads a history; guesses the format if none is given.
///
/// # Errors
///
/// The file is not text, not of that format, holds no operation, or contradicts itself.
pub fn load(mut input: impl BufRead, format: Option<Format>) -> Result<Loaded, LoadError> {
    let mut lines = Lines { input: &mut input, number: 0, text: String::new(), cut: false, closed: true };
    if !lines.advance()? {
        return Err(LoadError::Empty);
    }
    let format = match format {
        Some(format) => format,
        None => Format::guess(&lines.text).ok_or(LoadError::NoFormat(lines.number))?,
    };
    let mut causality = None;
    let history = match format {
        Format::Raftlab => return raftlab(lines),
        Format::Edn => edn::read(&mut lines)?,
        Format::Jepsen => {
            lines.closed = false;
            jepsen::read(&mut lines)?
        }
        Format::Tracing => {
            let (history, order) = tracing::read(&mut lines)?;
            causality = Some(order);
            history
        }
    };
    if history.is_empty() && !lines.cut {
        return Err(LoadError::NoOperations(format.name()));
    }
    let cut = lines.cut.then(|| format!("line {} is cut off: the history may go on", lines.number));
    Ok(Loaded { history, format, cut, causality })
}

fn raftlab<R: BufRead>(lines: Lines<'_, R>) -> Result<Loaded, LoadError> {
    // The lines before the header that were skipped were blank.
    let skipped = lines.number - 1;
    let first = if lines.cut { lines.text } else { lines.text + "\n" };
    let (_, mut reader) = Reader::open(first.as_bytes().chain(lines.input))?;
    let (mut history, mut cut, mut ended) = (History::new(), None, false);
    while let Some(next) = reader.next_record() {
        match next {
            Ok((line, record)) => {
                let line = line + skipped;
                ended |= matches!(record.event, Event::RunEnd { .. });
                history.observe(&record.event, line).map_err(|error| LoadError::history(line, &error))?;
            }
            Err(error) if error.is_cut() => {
                cut = Some(error.to_string());
                break;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if cut.is_none() && !ended {
        cut = Some("the trace has no RunEnd: the run may have gone on".to_owned());
    }
    if history.is_empty() && cut.is_none() {
        return Err(LoadError::NoOperations(Format::Raftlab.name()));
    }
    Ok(Loaded { history, format: Format::Raftlab, cut, causality: None })
}

/// The lines of a file that are not blank, one at a time.
struct Lines<'a, R> {
    input: &'a mut R,
    /// The number of the line in `text`, from 1.
    number: u64,
    text: String,
    /// Whether that line has no end: it is the last, and may be a part of one.
    cut: bool,
    /// Whether a line that is whole can be told by its closing bracket.
    closed: bool,
}

impl<R: BufRead> Lines<'_, R> {
    /// Goes to the next line; `false` at the end.
    fn advance(&mut self) -> Result<bool, LoadError> {
        loop {
            self.number += 1;
            let mut bytes = std::mem::take(&mut self.text).into_bytes();
            bytes.clear();
            let limit = LONGEST as u64 + 1;
            let read = (&mut *self.input).take(limit).read_until(b'\n', &mut bytes);
            read.map_err(|error| LoadError::new(self.number, format!("cannot be read: {error}")))?;
            if bytes.is_empty() {
                return Ok(false);
            }
            if bytes.len() > LONGEST {
                return Err(LoadError::new(self.number, "is longer than 16 MiB: is this the right file?"));
            }
            self.cut = bytes.pop_if(|last| *last == b'\n').is_none();
            self.text = String::from_utf8(bytes).map_err(|_| {
                LoadError::new(self.number, "is not text: is this the right file, or is it compressed?")
            })?;
            if !self.text.trim().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Hands every line to `each`, beginning with the present one. A last line without an end that `each` does
    /// not understand is left out.
    fn each(&mut self, mut each: impl FnMut(u64, &str) -> Result<(), LoadError>) -> Result<(), LoadError> {
        loop {
            if self.cut && !self.closed {
                return Ok(());
            }
            match each(self.number, &self.text) {
                Err(_) if self.cut => return Ok(()),
                done => done?,
            }
            // A whole line with its bracket needs no end.
            self.cut = false;
            if !self.advance()? {
                self.number -= 1;
                return Ok(());
            }
        }
    }
}
