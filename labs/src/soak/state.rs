//! The directory of a soak or a stress: the progress that survives a kill, and the lock that keeps a
//! second one out.
//!
//! Owns `progress.jsonl`: a line that says of which build and seeds it tells, then a line for each finished
//! piece, appended and synced. `lock` is held while a soak runs; `program-…` is the build that it runs.
//!
//! Invariants: of every scenario a prefix of its seeds is done, and each piece begins where the one before it
//! ended, so that no run counts twice. A torn last line is as if it had never been written. What another build
//! or another version wrote is never added to.
//!
//! Never: reads a clock; removes what no soak made.

use super::session::Purpose;
use super::totals::{Failures, Spent, Totals};
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

const PROGRESS: &str = "progress.jsonl";
const LOCK: &str = "lock";
const REPORT: &str = "report.json";
/// The report while it is written.
pub(super) const REPORT_PART: &str = "report.part";
const TRACES: &str = "traces";
const SHRUNK: &str = "shrunk";
/// The beginning of the names of copied programs.
pub(super) const PROGRAM: &str = "program-";

/// The version of the file. Another number is never read.
const VERSION: u32 = 1;

/// What a soak is of: the first line of its progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version of the file.
    pub soak: u32,
    /// The fingerprint of the test programs.
    pub fingerprint: String,
    /// The first seed.
    pub from: u64,
    /// Whether it is a stress, which goes on after a death of the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stress: bool,
}

impl Identity {
    /// A soak of these programs from that seed on.
    pub fn new(fingerprint: String, from: u64) -> Identity {
        Identity { soak: VERSION, fingerprint, from, stress: false }
    }

    pub(super) fn of(purpose: Purpose, fingerprint: String, from: u64) -> Identity {
        Identity { stress: purpose == Purpose::Stress, ..Identity::new(fingerprint, from) }
    }

    fn purpose(&self) -> Purpose {
        if self.stress { Purpose::Stress } else { Purpose::Soak }
    }
}

/// A finished piece of work: a scenario's seeds from one up to, not including, another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The scenario.
    pub scenario: String,
    /// Its first seed.
    pub from: u64,
    /// The seed after its last one.
    pub to: u64,
    /// What its runs add up to.
    pub totals: Totals,
    /// The time that it took.
    pub spent: Spent,
    /// What failed, by cause. A report is told once a scenario and cause, with the first piece that has it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failures>,
}

/// How far one scenario is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// The seed that comes next, if any was run.
    pub next: Option<u64>,
    /// What its runs add up to.
    pub totals: Totals,
    /// What failed, by cause.
    pub failures: Vec<Failures>,
    /// The time that was spent.
    pub spent: Option<Spent>,
}

impl Done {
    /// Whether it failed for that cause.
    fn knows(&self, cause: &str) -> bool {
        self.failures.iter().any(|known| known.cause == cause)
    }

    fn take(&mut self, piece: Piece) {
        self.next = Some(piece.to);
        self.totals.add(&piece.totals);
        match &mut self.spent {
            Some(spent) => spent.add(piece.spent),
            None => self.spent = Some(piece.spent),
        }
        for failures in piece.failures {
            Failures::merge(&mut self.failures, failures);
        }
    }
}

/// An open soak.
#[derive(Debug)]
pub struct State {
    directory: PathBuf,
    identity: Identity,
    progress: File,
    done: BTreeMap<String, Done>,
    /// Held for as long as this lives.
    _lock: File,
}

impl State {
    /// Opens the directory, makes it if it is missing, and reads what is done. With `fresh`, nothing is.
    ///
    /// # Errors
    ///
    /// Another soak runs there; it is another build's, another version's, or no soak's directory; it cannot be
    /// read or written.
    pub fn open(directory: &Path, identity: Identity, fresh: bool) -> Result<State, Stop> {
        let purpose = identity.purpose();
        let cannot = |why: io::Error| unusable(directory, purpose, &why);
        check(directory, purpose)?;
        let lock = lock(directory).map_err(cannot)?.ok_or_else(|| {
            let place = directory.display();
            let noun = purpose.noun();
            Stop::usage(format!("another {noun} runs in {place}: wait for its end, or choose another --dir"))
        })?;
        let path = directory.join(PROGRESS);
        if fresh {
            clear(directory).map_err(cannot)?;
        }
        let text = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(why) => return Err(cannot(why)),
        };
        // A line without its end was being written when the soak was killed.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let done = read(&text[..whole], &identity, directory)?;
        let progress = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let mut progress = progress.map_err(cannot)?;
        progress.set_len(whole as u64).map_err(cannot)?;
        io::Seek::seek(&mut progress, io::SeekFrom::End(0)).map_err(cannot)?;
        let mut state = State { directory: directory.to_owned(), identity, progress, done, _lock: lock };
        if whole == 0 {
            let identity = state.identity.clone();
            state.append(&identity)?;
        }
        Ok(state)
    }

    /// How far that scenario is.
    pub fn done(&self, scenario: &str) -> Done {
        self.done.get(scenario).cloned().unwrap_or_default()
    }

    /// The seed that comes next for that scenario, if any was run.
    pub(super) fn next(&self, scenario: &str) -> Option<u64> {
        self.done.get(scenario)?.next
    }

    /// Whether that scenario is known to fail for that cause.
    pub(super) fn knows(&self, failures: &Failures) -> bool {
        self.done.get(&failures.scenario).is_some_and(|done| done.knows(&failures.cause))
    }

    /// Keeps a finished piece: it is on the disk when this returns.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn record(&mut self, mut piece: Piece) -> Result<(), Stop> {
        for failures in &mut piece.failures {
            if self.done.get(&piece.scenario).is_some_and(|done| done.knows(&failures.cause)) {
                failures.report.clear();
                failures.trace = None;
            }
        }
        self.append(&piece)?;
        self.done.entry(piece.scenario.clone()).or_default().take(piece);
        Ok(())
    }

    fn append(&mut self, line: &impl Serialize) -> Result<(), Stop> {
        let written = serde_json::to_string(line).map_err(io::Error::from).and_then(|text| {
            self.progress.write_all(format!("{text}\n").as_bytes())?;
            self.progress.sync_data()
        });
        written.map_err(|why| {
            let place = self.directory.join(PROGRESS);
            let noun = self.identity.purpose().noun();
            Stop::failed(format!(
                "the {noun}'s progress cannot be written to {}: {why}. What was kept before is not lost: make room, and \
                 start it again",
                place.display()
            ))
        })
    }

    /// Where failing runs' traces go.
    pub fn traces(&self) -> PathBuf {
        self.directory.join(TRACES)
    }

    /// Where shrunk runs go, if the directory was named.
    pub fn shrunk(&self) -> PathBuf {
        self.directory.join(SHRUNK)
    }

    /// Where the report goes.
    pub fn report(&self) -> PathBuf {
        self.directory.join(REPORT)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the soak is of.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Makes the directory, and refuses one in which no soak can be kept.
pub(super) fn check(directory: &Path, purpose: Purpose) -> Result<(), Stop> {
    ours(directory, purpose)?;
    let tried = fs::create_dir_all(directory).and_then(|()| tempfile::tempfile_in(directory));
    tried.map(drop).map_err(|why| unusable(directory, purpose, &why))
}

fn unusable(directory: &Path, purpose: Purpose, why: &io::Error) -> Stop {
    let noun = purpose.noun();
    Stop::usage(format!("a {noun} cannot be kept in {}: {why}. Choose another --dir", directory.display()))
}

/// Takes the lock; `None` if another process has it.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(LOCK))?;
    // By its full name: newer compilers have a method of the same name in their own library.
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(Some(file)),
        Err(fs4::TryLockError::WouldBlock) => Ok(None),
        Err(fs4::TryLockError::Error(why)) => Err(why),
    }
}

/// Refuses a directory in which other things are kept: `--fresh` deletes, and must not meet anybody's files.
fn ours(directory: &Path, purpose: Purpose) -> Result<(), Stop> {
    let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let soak = |name: &String| {
        [PROGRESS, LOCK, REPORT, REPORT_PART, TRACES, SHRUNK].contains(&name.as_str())
            || name.starts_with(PROGRAM)
    };
    match names.iter().find(|name| !soak(name)) {
        None => Ok(()),
        Some(name) => Err(Stop::usage(format!(
            "{} holds {name}, which is no {}'s: name an empty or a new directory with --dir",
            directory.display(),
            purpose.noun()
        ))),
    }
}

/// Deletes everything that soaks keep, but the lock.
fn clear(directory: &Path) -> io::Result<()> {
    let missing = |result: io::Result<()>| match result {
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    };
    missing(fs::remove_file(directory.join(PROGRESS)))?;
    missing(fs::remove_file(directory.join(REPORT)))?;
    missing(fs::remove_dir_all(directory.join(SHRUNK)))?;
    missing(fs::remove_dir_all(directory.join(TRACES)))
}

/// Reads whole lines: who wrote them, and what is done.
fn read(text: &[u8], identity: &Identity, directory: &Path) -> Result<BTreeMap<String, Done>, Stop> {
    let mut done: BTreeMap<String, Done> = BTreeMap::new();
    let mut lines = text.split(|byte| *byte == b'\n').enumerate();
    let Some(first) = lines.next().filter(|(_, line)| !line.is_empty()) else { return Ok(done) };
    same(first.1, identity, directory)?;
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let piece = serde_json::from_slice(line).ok().filter(|piece: &Piece| {
            let next = done.get(&piece.scenario).and_then(|done| done.next).unwrap_or(piece.from);
            piece.from == next && piece.to > piece.from
        });
        let piece = piece.ok_or_else(|| {
            Stop::usage(format!(
                "line {} of {} is damaged, so that nobody knows what was run: start over with --fresh",
                number + 1,
                directory.join(PROGRESS).display()
            ))
        })?;
        done.entry(piece.scenario.clone()).or_default().take(piece);
    }
    Ok(done)
}

/// Refuses a soak of something else.
fn same(line: &[u8], identity: &Identity, directory: &Path) -> Result<(), Stop> {
    let (place, noun) = (directory.display(), identity.purpose().noun());
    let advice = "choose another --dir, or forget it with --fresh";
    let there: Option<Identity> = serde_json::from_slice(line).ok();
    let sentence = match there {
        Some(there) if there == *identity => return Ok(()),
        Some(there) if there.soak == identity.soak && there.stress != identity.stress => {
            format!("{place} holds a {}, and this is a {noun}: {advice}", there.purpose().noun())
        }
        Some(there) if there.soak == identity.soak && there.fingerprint != identity.fingerprint => {
            format!(
                "the {noun} in {place} is of another build, whose results say nothing about this one: {advice}"
            )
        }
        Some(there) if there.soak == identity.soak => {
            format!("the {noun} in {place} begins with seed {}, not {}: {advice}", there.from, identity.from)
        }
        _ => format!("the {noun} in {place} was written by another version of raftlab: {advice}"),
    };
    Err(Stop::usage(sentence))
}
