//! Reads a trace line by line.
//!
//! Invariants: one line is in memory at a time, and none longer than [`LONGEST`]; whatever the bytes are,
//! the outcome is a record or one sentence that names the line and says what to do.

use std::io::{BufRead, Read};
use tracecheck_schema::{Header, Line, LineError, Record, SCHEMA, read_line};

/// The longest line that is read, in bytes.
pub const LONGEST: usize = 16 << 20;

/// Why a trace cannot be read, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}{problem}", if *.line == 0 { String::new() } else { format!("line {line} ") })]
pub struct ReadError {
    /// The line, from 1; 0 if the problem is not in a line.
    pub line: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

impl ReadError {
    /// Whether the trace just ends in the middle of its last line.
    pub fn is_cut(&self) -> bool {
        matches!(self.problem, Problem::Cut)
    }
}

/// What is wrong with a line. Each sentence goes on after `line 7 `.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is nothing at all.
    #[error(
        "it is empty: a trace begins with a header line; the run may have stopped before it recorded anything"
    )]
    Empty,
    /// The last line ends in the middle.
    #[error("is cut off: the trace is truncated; record the run again, or judge it as far as it goes")]
    Cut,
    /// Not UTF-8.
    #[error("is not text: a trace is a file of JSON lines; is this the right file, or is it compressed?")]
    NotText,
    /// Too long.
    #[error("is longer than 16 MiB: no record is; is this the right file?")]
    TooLong,
    /// Not JSON.
    #[error("is not JSON ({0}): a trace is a file of JSON lines; is this the right file?")]
    NotJson(String),
    /// JSON, but not the header.
    #[error("is not a trace header ({0}): the first line says which run this is; were lines removed?")]
    NotAHeader(String),
    /// JSON, but no record.
    #[error("is not a record ({0}): the recorder's schema and this tool's differ, or the line was edited")]
    NotARecord(String),
    /// An action that this version does not know.
    #[error(
        "has the action `{0}`, which this version does not know: use the tracecheck of the kit that recorded it"
    )]
    UnknownAction(String),
    /// Another version.
    #[error(
        "says schema version {0}, but this tool reads version {SCHEMA}: use the tracecheck of the kit that recorded it"
    )]
    OtherVersion(u32),
    /// Two runs in one file.
    #[error("is a second header: a file holds one run; split it there")]
    SecondHeader,
    /// The bytes do not come.
    #[error("cannot be read: {0}")]
    Io(std::io::Error),
}

/// The records of a trace, one at a time.
pub struct Reader<R> {
    input: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    ///
    /// The first line is no header of this schema's version.
    pub fn open(input: R) -> Result<(Header, Reader<R>), ReadError> {
        let mut reader = Reader { input, line: 0, buffer: Vec::new() };
        if !reader.fill()? {
            return Err(ReadError { line: 0, problem: Problem::Empty });
        }
        match reader.parse(true)? {
            Line::Header(header) => Ok((header, reader)),
            Line::Record(_) => Err(reader.error(Problem::NotAHeader("it is a record".to_owned()))),
        }
    }

    /// The next record and its line; `None` at the end. After an error there is nothing more to read.
    pub fn next_record(&mut self) -> Option<Result<(u64, Record), ReadError>> {
        match self.fill() {
            Ok(false) => None,
            Ok(true) => Some(self.parse(false).and_then(|line| match line {
                Line::Record(record) => Ok((self.line, record)),
                Line::Header(_) => Err(self.error(Problem::SecondHeader)),
            })),
            Err(error) => Some(Err(error)),
        }
    }

    fn error(&self, problem: Problem) -> ReadError {
        ReadError { line: self.line, problem }
    }

    /// Reads the next line that is not blank into the buffer.
    fn fill(&mut self) -> Result<bool, ReadError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let limit = LONGEST as u64 + 1;
            let read = (&mut self.input).take(limit).read_until(b'\n', &mut self.buffer);
            if let Err(error) = read {
                return Err(self.error(Problem::Io(error)));
            }
            if self.buffer.is_empty() {
                return Ok(false);
            }
            if self.buffer.len() > LONGEST {
                return Err(self.error(Problem::TooLong));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn parse(&self, first: bool) -> Result<Line, ReadError> {
        let whole = self.buffer.last() == Some(&b'\n');
        let text = match std::str::from_utf8(&self.buffer) {
            Ok(text) => text,
            Err(error) if !whole && error.error_len().is_none() => return Err(self.error(Problem::Cut)),
            Err(_) => return Err(self.error(Problem::NotText)),
        };
        read_line(text, first).map_err(|error| self.error(problem(text, whole, first, error)))
    }
}

fn problem(text: &str, whole: bool, first: bool, error: LineError) -> Problem {
    // Only the last line can lack its newline; JSON that ends too early there was cut.
    let ends_early = || {
        let parsed = serde_json::from_str::<serde_json::Value>(text);
        parsed.is_err_and(|error| error.is_eof())
    };
    match error {
        LineError::NotJson(_) if !whole && ends_early() => Problem::Cut,
        LineError::NotJson(why) => Problem::NotJson(why),
        LineError::NotARecord(why) if first => Problem::NotAHeader(why),
        LineError::NotARecord(_) if read_line(text, true).is_ok() => Problem::SecondHeader,
        LineError::NotARecord(why) => Problem::NotARecord(why),
        LineError::OtherVersion(found) => Problem::OtherVersion(found),
        LineError::UnknownAction(name) => Problem::UnknownAction(name),
    }
}
