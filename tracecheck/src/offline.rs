//! Judging a trace that was read from a file: the sequencer in front of the judge.

use crate::judge::Judge;
use crate::read::{ReadError, Reader};
use crate::sequence::Sequencer;
use crate::verdict::{End, Verdicts, Violation};
use tracecheck_schema::{Header, Record};

/// A judge of records that come in the order of a file, each with its line (or what else says where it is).
pub struct Offline {
    judge: Judge,
    sequencer: Sequencer<u64>,
    found: Vec<Found>,
}

/// A violation, and the line of the record that completes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The line, from 1.
    pub line: u64,
    /// The violation.
    pub violation: Violation,
}

impl Offline {
    /// A judge of a file with this header, with all rules.
    pub fn new(header: &Header) -> Offline {
        Offline { judge: Judge::new(header).deferring(), sequencer: Sequencer::new(), found: Vec::new() }
    }

    /// A judge of several files of one run, one a process. Processes may have been killed before they wrote their
    /// last records: what depends on those is unknown.
    pub fn merging(header: &Header) -> Offline {
        let judge = Judge::new(header).deferring().lacking_tails();
        Offline { judge, sequencer: Sequencer::new(), found: Vec::new() }
    }

    /// Takes the record that stands in this line.
    pub fn push(&mut self, line: u64, record: Record) {
        let Offline { judge, sequencer, found } = self;
        sequencer.push(line, record, |line, record| observe(judge, found, line, &record));
    }

    /// The verdicts, and the violations with the lines of the records that complete them. `cut` says that the
    /// file ends in the middle of a line, so that even one with a RunEnd is truncated.
    pub fn finish(mut self, cut: bool) -> (Verdicts, Vec<Found>) {
        let Offline { judge, sequencer, found } = &mut self;
        sequencer.finish(|line, record| observe(judge, found, line, &record));
        let end = if cut { End::Truncated } else { self.judge.end() };
        (self.judge.finish(end), self.found)
    }
}

fn observe(judge: &mut Judge, found: &mut Vec<Found>, line: u64, record: &Record) {
    if let Some(violation) = judge.observe(record) {
        found.push(Found { line, violation });
    }
}

/// Judges a whole trace that is in memory, as JSON lines.
///
/// # Errors
///
/// The text is no trace. One that is cut off in its last line is judged, as truncated.
pub fn judge_text(text: &str) -> Result<(Header, Verdicts), ReadError> {
    let (header, mut reader) = Reader::open(text.as_bytes())?;
    let mut offline = Offline::new(&header);
    while let Some(next) = reader.next_record() {
        match next {
            Ok((line, record)) => offline.push(line, record),
            Err(error) if error.is_cut() => return Ok((header, offline.finish(true).0)),
            Err(error) => return Err(error),
        }
    }
    Ok((header, offline.finish(false).0))
}
