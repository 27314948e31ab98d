//! One server's log and disk, over all its incarnations.
//!
//! Owns what was written, what of it is on the disk for certain, and which entries of which term were there by
//! which record (what a commit is counted from).
//!
//! Invariants: the disk is a prefix of the writes; where disks are assumed to keep everything, the two are one.
//! Memory is that of the log, the writes under way, and what is not committed yet.

use super::log::{Log, Slot, runs};
use std::collections::{BTreeMap, VecDeque};
use tracecheck_schema::{EntryId, Index, Server, Stamp, State, Term};

/// The most confirmations that are remembered until their messages leave.
const CONFIRMS: usize = 1024;

/// A term and a vote.
pub(crate) type Hard = (Term, Option<Server>);

/// What a disk holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) hard: Hard,
    pub(crate) log: Log,
}

/// A write that was handed to storage.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Hard(Hard),
    Entries { from: Index, slots: Vec<Slot> },
    Snapshot { index: Index, term: Term },
    Compact { upto: Index },
}

impl Image {
    /// Takes a write in. Returns the entries that it replaces.
    pub(crate) fn apply(&mut self, write: &Write) -> Vec<Slot> {
        match write {
            Write::Hard(hard) => self.hard = *hard,
            Write::Entries { from, slots } => return self.log.write(*from, slots),
            Write::Snapshot { index, term } => self.log.install(*index, *term),
            Write::Compact { upto } => self.log.compact(*upto),
        }
        Vec::new()
    }

    fn end(&self) -> End {
        End { hard: self.hard, log: self.log.end(), snapshot: self.log.snapshot.0 }
    }
}

/// What a `Durable` says of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    hard: Hard,
    log: (Index, Option<Term>),
    snapshot: Index,
}

impl End {
    /// Whether the logs end alike; a term that is not known agrees with every one.
    fn same_log(&self, other: &End) -> bool {
        let ((index, term), (other_index, other_term)) = (self.log, other.log);
        let terms = term.is_none() || other_term.is_none() || term == other_term;
        index == other_index && terms && self.snapshot == other.snapshot
    }
}

/// A write under way, and what the disk says once it is there.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) write: Write,
    pub(crate) at: Stamp,
    end: End,
}

/// What an incarnation left behind.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) disk: Image,
    /// The record that last said what the disk held.
    pub(crate) at: Option<Stamp>,
    /// Writes that may or may not have reached the disk, in order.
    pub(crate) pending: VecDeque<Pending>,
    /// Whether the trace says everything about that incarnation's disk.
    pub(crate) known: bool,
}

/// The entries that a write of the running step replaced.
#[derive(Clone, Debug)]
pub(crate) struct Replaced {
    pub(crate) at: Stamp,
    pub(crate) from: Index,
    pub(crate) slots: Vec<Slot>,
}

/// From this record on, an entry of the term at this index was in the server's log for certain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence {
    pub(crate) index: Index,
    pub(crate) position: u64,
    pub(crate) at: Stamp,
}

/// An AppendConfirm whose message has not left.
#[derive(Clone, Copy, Debug)]
struct Confirm {
    to: Server,
    term: Term,
    index: Index,
    /// The term of the entry at `index`, if it is known.
    entry: Option<Term>,
    at: Stamp,
}

/// What the messages of a coordinator that a server accepted said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// The coordinator's term.
    pub(crate) term: Term,
    /// Up to where they were found to agree with the log.
    pub(crate) checked: Index,
    /// The highest leaderCommit.
    pub(crate) commit: Index,
}

/// One server's log and disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Replica {
    /// What was written, durable or not.
    pub(crate) written: Image,
    /// Entries that a write of the running step replaced.
    pub(crate) replaced: Option<Replaced>,
    /// The snapshot that the running step wrote: its index, and whether the log had its last entry.
    pub(crate) fits: Option<(Index, bool)>,
    /// What the incarnation before this one left.
    pub(crate) left: Option<Box<Left>>,
    /// Where disks are real: what is there for certain.
    disk: Image,
    disk_at: Option<Stamp>,
    /// False once a Durable fits no prefix of the writes.
    known: bool,
    real: bool,
    pending: VecDeque<Pending>,
    evidence: BTreeMap<Term, VecDeque<Evidence>>,
    confirms: VecDeque<Confirm>,
    /// What the accepted messages of its last coordinator said, in this incarnation.
    pub(crate) told: Told,
    /// Of the confirmation that left last: the term of its last entry, and where it was recorded.
    pub(crate) leaving: Option<(Term, Stamp)>,
}

impl Replica {
    /// What is on the disk for certain.
    pub(crate) fn durable(&self) -> &Image {
        if self.real { &self.disk } else { &self.written }
    }

    /// Whether the trace says everything about this incarnation's disk.
    pub(crate) fn is_known(&self) -> bool {
        self.known && self.durable().log.unknown_upto() == 0
    }

    /// A new incarnation begins. `state` is what it believes; a Restored may say more.
    pub(crate) fn open(&mut self, real: bool, state: Option<State>, at: Stamp, first: bool) {
        let disk = std::mem::take(&mut self.disk);
        let pending = std::mem::take(&mut self.pending);
        let left = Left { disk, at: self.disk_at, pending, known: self.known };
        self.left = (!first).then(|| Box::new(left));
        let image = state.map_or_else(Image::default, |state| Image {
            hard: (state.term, state.voted_for),
            log: Log::unknown(state.last_index, state.last_term),
        });
        (self.real, self.known, self.disk_at) = (real, state.is_some(), Some(at));
        (self.replaced, self.written) = (None, image);
        self.disk = if real { self.written.clone() } else { Image::default() };
        self.confirms.clear();
        self.told = Told::default();
    }

    /// The kit says what the disk held.
    pub(crate) fn restore(&mut self, image: Image, at: Stamp, position: u64) {
        let (from, slots) = (image.log.base().saturating_add(1), image.log.after(image.log.base()));
        let found: Vec<(Index, Term)> = [image.log.snapshot].into_iter().chain(runs(from, slots)).collect();
        for (index, term) in found {
            self.support(term, index, position, at);
        }
        self.disk = if self.real { image.clone() } else { Image::default() };
        (self.written, self.known, self.disk_at) = (image, true, Some(at));
    }

    /// A write is handed to storage.
    pub(crate) fn write(&mut self, write: Write, at: Stamp, position: u64) {
        if let Write::Snapshot { index, term } = write {
            self.fits = Some((index, self.had(index) == Some(term)));
        }
        let slots = self.written.apply(&write);
        if let Write::Entries { from, .. } = write
            && !slots.is_empty()
        {
            self.replaced = Some(Replaced { at, from, slots });
        }
        if self.real {
            self.pending.push_back(Pending { write, at, end: self.written.end() });
        } else {
            self.effective(&write, at, position);
        }
    }

    /// The term at an index, also if the running step cut the log before it.
    fn had(&self, index: Index) -> Option<Term> {
        let cut = self.replaced.as_ref().and_then(|cut| {
            let offset = usize::try_from(index.checked_sub(cut.from)?).ok()?;
            cut.slots.get(offset).map(|slot| slot.term)
        });
        cut.or_else(|| self.written.log.term_at(index))
    }

    /// A new step begins.
    pub(crate) fn begin_step(&mut self) {
        (self.replaced, self.fits) = (None, None);
    }

    /// A sync ended. The longest prefix of the writes that fits is on the disk; where several fit, they hold
    /// the same.
    pub(crate) fn synced(
        &mut self,
        hard: Hard,
        last: (Index, Term),
        snapshot: Index,
        at: Stamp,
        position: u64,
    ) {
        let said = End { hard, log: (last.0, Some(last.1)), snapshot };
        let last_fit = |fits: &dyn Fn(&End) -> bool| {
            let found = self.pending.iter().rposition(|one| fits(&one.end));
            found.map(|index| index + 1).or_else(|| fits(&self.disk.end()).then_some(0))
        };
        let exact = last_fit(&|end| end.hard == hard && end.same_log(&said));
        let Some(covered) = exact.or_else(|| last_fit(&|end| end.same_log(&said))) else {
            self.pending.clear();
            self.disk = Image { hard, log: Log::unknown(last.0, last.1) };
            self.disk_at = Some(at);
            self.known = false;
            return;
        };
        for _ in 0..covered {
            if let Some(Pending { write, .. }) = self.pending.pop_front() {
                self.disk.apply(&write);
                self.effective(&write, at, position);
            }
        }
        self.disk.hard = hard;
        self.disk_at = Some(at);
    }

    /// A write is on the disk: what it added may be counted from now on.
    fn effective(&mut self, write: &Write, at: Stamp, position: u64) {
        match write {
            Write::Entries { from, slots } => {
                for (index, term) in runs(*from, slots) {
                    self.support(term, index, position, at);
                }
            }
            Write::Snapshot { index, term } => self.support(*term, *index, position, at),
            Write::Hard(_) | Write::Compact { .. } => {}
        }
    }

    /// From here on the server has an entry of this term at this index.
    pub(crate) fn support(&mut self, term: Term, index: Index, position: u64, at: Stamp) {
        if index == 0 {
            return;
        }
        let found = self.evidence.entry(term).or_default();
        if found.back().is_none_or(|last| last.index < index) {
            found.push_back(Evidence { index, position, at });
        }
    }

    /// The first record from which on the server had an entry of this term at this index or a later one.
    pub(crate) fn supports(&self, term: Term, index: Index) -> Option<Evidence> {
        self.evidence.get(&term)?.iter().find(|one| one.index >= index).copied()
    }

    /// A coordinator of this term committed up to here: what is before is never counted again.
    pub(crate) fn forget(&mut self, term: Term, index: Index) {
        if let Some(found) = self.evidence.get_mut(&term) {
            while found.front().is_some_and(|first| first.index < index) {
                found.pop_front();
            }
        }
    }

    /// It confirms a prefix, answering a request with this leaderCommit; the message leaves later.
    pub(crate) fn confirm(&mut self, to: Server, (term, commit): (Term, Index), index: Index, at: Stamp) {
        if self.told.term != term {
            self.told = Told { term, ..Told::default() };
        }
        self.told.checked = self.told.checked.max(index);
        self.told.commit = self.told.commit.max(commit);
        if index > 0 {
            let entry = self.written.log.term_at(index);
            self.confirms.push_back(Confirm { to, term, index, entry, at });
            if self.confirms.len() > CONFIRMS {
                self.confirms.pop_front();
            }
        }
    }

    /// A confirmation leaves, and with it every earlier one to the same server is over.
    pub(crate) fn leave(&mut self, to: Server, term: Term, index: Index) {
        let this = |one: &Confirm| (one.to, one.term, one.index) == (to, term, index);
        let found = self.confirms.iter().position(this);
        self.leaving =
            found.and_then(|place| self.confirms.get(place)).and_then(|one| Some((one.entry?, one.at)));
        let mut place = 0;
        self.confirms.retain(|one| {
            place += 1;
            one.to != to || found.is_none_or(|found| place > found + 1)
        });
    }
}

/// The image that a Restored describes.
pub(crate) fn image(hard: Hard, snapshot: (Index, Term), entries: &[EntryId]) -> Image {
    Image { hard, log: Log::restored(snapshot, entries) }
}
