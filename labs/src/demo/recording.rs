//! What happened when an implementation played a script: its trace, line by line, and what the judge says.
//!
//! Invariants: every record belongs to the line that caused it, or to the start. The judge sees the records in
//! their order, and nothing after the one at which a rule broke.

use super::story::Story;
use std::collections::VecDeque;
use tracecheck::read::Reader;
use tracecheck::schema::{Event, Header, Record};
use tracecheck::{End, Judge, Verdicts, Violation};

/// A script line takes a millisecond before it acts.
const LINE_NS: u64 = 1_000_000;

/// A played script.
#[derive(Debug)]
pub struct Recording {
    /// The first line of the trace.
    pub header: Header,
    /// The records before the first line, and then those of each line.
    pub lines: Vec<Vec<Record>>,
    /// The first broken rule, if there is one.
    pub broken: Option<Broken>,
    /// What the judge says about every rule.
    pub verdicts: Verdicts,
}

/// Where a rule broke.
#[derive(Debug)]
pub struct Broken {
    /// In which of [`Recording::lines`]. Its last record is the one that completed the violation.
    pub line: usize,
    /// The judge's words.
    pub violation: Violation,
}

impl Recording {
    /// Reads a trace of that story, and judges it.
    ///
    /// # Errors
    ///
    /// It is no trace, or goes on after the story's last line.
    pub fn read(trace: &str, story: &Story) -> Result<Recording, String> {
        let (header, mut reader) = Reader::open(trace.as_bytes()).map_err(|why| why.to_string())?;
        let mut records = Vec::new();
        while let Some(next) = reader.next_record() {
            let (_, record) = next.map_err(|why| why.to_string())?;
            records.push(record);
        }
        let is_end = |record: &Record| matches!(record.event, Event::RunEnd { .. });
        let end = records.pop_if(|record| is_end(record));
        let mut lines = assign(records, story)?;
        let mut judge = Judge::new(&header);
        let mut broken = None;
        'all: for (number, line) in lines.iter_mut().enumerate() {
            for at in 0..line.len() {
                if let Some(violation) = judge.observe(&line[at]) {
                    // What the recorder wrote until the run stood still is no part of the story.
                    line.truncate(at + 1);
                    broken = Some(Broken { line: number, violation });
                    break 'all;
                }
            }
        }
        match (&broken, end) {
            (Some(broken), _) => lines.truncate(broken.line + 1),
            (None, Some(end)) => {
                if let Some(violation) = judge.observe(&end) {
                    broken = Some(Broken { line: lines.len() - 1, violation });
                }
            }
            (None, None) => {}
        }
        let end = if broken.is_some() { End::Stopped } else { judge.end() };
        Ok(Recording { header, lines, broken, verdicts: judge.finish(end) })
    }

    /// How many records there are.
    pub fn events(&self) -> usize {
        self.lines.iter().map(Vec::len).sum()
    }
}

/// Gives each line its records, by the time at which they were recorded.
fn assign(records: Vec<Record>, story: &Story) -> Result<Vec<Vec<Record>>, String> {
    let mut rest: VecDeque<Record> = records.into();
    let mut now = 0;
    let mut lines = vec![until(&mut rest, now)];
    for line in story.lines() {
        now += LINE_NS;
        // A sync takes as long as the disk does, and nothing else happens meanwhile.
        let next = rest.front().filter(|record| matches!(record.event, Event::Durable { .. }));
        if let Some(synced) = next.filter(|_| line.verb() == "sync") {
            now = now.max(synced.t_ns);
        }
        lines.push(until(&mut rest, now));
    }
    match rest.front() {
        None => Ok(lines),
        Some(record) => Err(format!("the trace goes on after the script's last line, with {record}")),
    }
}

/// Takes the records up to that time.
fn until(rest: &mut VecDeque<Record>, now: u64) -> Vec<Record> {
    let end = rest.iter().position(|record| record.t_ns > now).unwrap_or(rest.len());
    rest.drain(..end).collect()
}
