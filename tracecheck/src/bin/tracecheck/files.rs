//! The records of one file, or of several files of one run.
//!
//! Real processes write a file each and share no clock. The files are read side by side, always from the one
//! whose next record has the lowest time: that keeps few records waiting for their causes, and decides nothing,
//! since the sequencer orders records by causes alone.
//!
//! Invariant: a file of a later incarnation of a node begins when those of its earlier ones have ended.

use crate::Status;
use crate::input;
use std::io::BufRead;
use tracecheck::read::{Problem, ReadError, Reader};
use tracecheck::schema::{Header, Node, Record};

/// Where a record stands: the file's number in the upper bits, the line in the lower ones.
pub(crate) type Place = u64;

/// How many bits a line takes.
const LINE_BITS: u32 = 40;

/// The number of the file, from 0, and the line, from 1.
pub(crate) fn split(place: Place) -> (usize, u64) {
    (usize::try_from(place >> LINE_BITS).unwrap_or(usize::MAX), place & ((1 << LINE_BITS) - 1))
}

struct File {
    name: String,
    /// The number in the order of the command line.
    number: u64,
    reader: Reader<Box<dyn BufRead>>,
    next: Option<(u64, Record)>,
    /// Whose file it is, by its first record.
    first: Option<(Node, u32)>,
}

/// Files that are read side by side.
pub(crate) struct Files {
    merged: bool,
    files: Vec<File>,
    /// What is worth saying about files that were cut off when their processes were killed.
    pub(crate) notes: Vec<String>,
}

/// Why files cannot be judged: a sentence, and what it means for the exit code.
pub(crate) type Refusal = (String, Status);

impl Files {
    /// Opens one file.
    pub(crate) fn one(path: &str) -> Result<(Header, Files), Refusal> {
        let mut files = Files { merged: false, files: Vec::new(), notes: Vec::new() };
        let header = files.open(0, path)?;
        Ok((header.expect("a file that is not merged has a header"), files))
    }

    /// Opens several files of one run.
    pub(crate) fn merged(paths: &[String]) -> Result<(Header, Files), Refusal> {
        let mut files = Files { merged: true, files: Vec::new(), notes: Vec::new() };
        let mut all: Option<(&str, Header)> = None;
        for (number, path) in paths.iter().enumerate() {
            let Some(header) = files.open(number as u64, path)? else { continue };
            match &mut all {
                None => all = Some((input::name(path), header)),
                Some((first, common)) => {
                    if let Some(what) = differs(common, &header) {
                        let name = input::name(path);
                        let why = format!(
                            "{name}: it is of another {what} than {first}; merge files of one run only"
                        );
                        return Err((why, Status::Unreadable));
                    }
                    let new = header.scripted.iter().filter(|server| !common.scripted.contains(server));
                    let new: Vec<_> = new.copied().collect();
                    common.scripted.extend(new);
                }
            }
        }
        for file in &mut files.files {
            let (next, note) = read(file, true)?;
            file.first = next.as_ref().map(|(_, record)| (record.at.node, record.at.inc));
            file.next = next;
            files.notes.extend(note);
        }
        let none =
            || ("none of the files holds a whole header: nothing can be judged".to_owned(), Status::Unknown);
        Ok((all.ok_or_else(none)?.1, files))
    }

    /// Opens a file, and reads its header. A killed process may not even have written that.
    fn open(&mut self, number: u64, path: &str) -> Result<Option<Header>, Refusal> {
        let name = input::name(path).to_owned();
        let input = input::open(path).map_err(|problem| (problem, Status::Unreadable))?;
        match Reader::open(input) {
            Ok((header, reader)) => {
                self.files.push(File { name, number, reader, next: None, first: None });
                Ok(Some(header))
            }
            Err(error) if self.merged && (error.is_cut() || matches!(error.problem, Problem::Empty)) => {
                self.notes.push(format!("{name} has no whole header: its process was killed at once"));
                Ok(None)
            }
            Err(error) => {
                let status = if error.is_cut() { Status::Unknown } else { Status::Unreadable };
                Err((format!("{name}: {error}"), status))
            }
        }
    }

    /// The next record, and where it stands; `None` at the end. After a refusal there is nothing more to read.
    pub(crate) fn next_record(&mut self) -> Option<Result<(Place, Record), Refusal>> {
        if !self.merged {
            let file = self.files.first_mut()?;
            return Some(match read(file, false) {
                Ok((next, _)) => Ok(next?),
                Err(refusal) => Err(refusal),
            });
        }
        let chosen = (0..self.files.len()).filter(|index| self.may_go_on(*index)).min_by_key(|index| {
            self.files[*index].next.as_ref().map_or(u64::MAX, |(_, record)| record.t_ns)
        })?;
        let file = &mut self.files[chosen];
        let (line, record) = file.next.take()?;
        let place = file.number << LINE_BITS | line;
        match read(file, true) {
            Ok((next, note)) => {
                file.next = next;
                self.notes.extend(note);
                Some(Ok((place, record)))
            }
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// Whether a file has something to read, and no earlier incarnation of its node has.
    fn may_go_on(&self, index: usize) -> bool {
        let file = &self.files[index];
        let earlier = |other: &File| match (other.first, file.first) {
            (Some((node, inc)), Some((own, own_inc))) => node == own && inc < own_inc && other.next.is_some(),
            _ => false,
        };
        file.next.is_some() && !self.files.iter().any(earlier)
    }
}

/// A record with its line, if there is one, and a note.
type Read = (Option<(u64, Record)>, Option<String>);

/// Reads a file's next record. In a merged one a last line that is cut off is the end, with a note.
fn read(file: &mut File, merged: bool) -> Result<Read, Refusal> {
    match file.reader.next_record() {
        None => Ok((None, None)),
        Some(Ok(next)) => Ok((Some(next), None)),
        Some(Err(error)) if merged && error.is_cut() => {
            let line = error.line;
            let note =
                format!("{}: line {line} is cut off: its process was killed while it wrote", file.name);
            Ok((None, Some(note)))
        }
        Some(Err(error)) => Err(refusal(&file.name, &error)),
    }
}

fn refusal(name: &str, error: &ReadError) -> Refusal {
    let status = if error.is_cut() { Status::Unknown } else { Status::Unreadable };
    (format!("{name}: {error}"), status)
}

/// In what two headers differ that are of one run only if they agree.
fn differs(one: &Header, other: &Header) -> Option<&'static str> {
    if one.run != other.run {
        Some("run")
    } else if one.servers != other.servers {
        Some("set of servers")
    } else if one.voters != other.voters {
        Some("set of voters")
    } else if one.durability != other.durability {
        Some("kind of disks (durability)")
    } else {
        None
    }
}
