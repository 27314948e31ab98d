//! Writes as records of a disk, and back.
//!
//! Owns the journal: each write is a record; when the log may be cut, one record holds all that still counts,
//! and the disk is allowed to drop every earlier one.
//!
//! Never: decides when to write, or waits for a sync.

use crate::core::{Durable, Saved, Snap, Write};
use labrpc::{Disk, LocalBoxFuture, decode, encode};
use serde::{Deserialize, Serialize};
use std::io;
use std::rc::Rc;

/// A disk whose content is no journal of a Raft server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The disk cannot be read.
    #[error("the disk cannot be read: {0}")]
    Unreadable(String),
    /// A record is not one of ours.
    #[error(
        "record {number} on the disk is no write of this server: {why}; start with another data directory, or restore this one from a backup"
    )]
    Foreign {
        /// The record's number.
        number: u64,
        /// What is wrong with it.
        why: String,
    },
}

/// One record of the journal.
#[derive(Serialize, Deserialize)]
enum Record {
    /// A change of what came before.
    Change(Write),
    /// All that counts from here on; what came before may be gone.
    Everything(Saved),
}

/// A server's disk, and what all that was handed to it adds up to.
pub struct Storage {
    disk: Rc<dyn Disk>,
    image: Saved,
}

impl Storage {
    /// Reads what the disk holds.
    pub fn open(disk: Rc<dyn Disk>) -> Result<Storage, StorageError> {
        let records = disk.read().map_err(|error| StorageError::Unreadable(error.to_string()))?;
        let mut image = Saved::default();
        for (number, record) in records {
            match decode(&record).map_err(|why| StorageError::Foreign { number, why })? {
                Record::Change(write) => apply(&mut image, &write),
                Record::Everything(saved) => image = saved,
            }
        }
        Ok(Storage { disk, image })
    }

    /// What a restart would find, if everything handed over were durable.
    pub fn image(&self) -> &Saved {
        &self.image
    }

    /// Completes when everything handed over before is durable.
    pub fn sync(&self) -> LocalBoxFuture<'static, io::Result<()>> {
        self.disk.sync()
    }

    /// Bytes on the disk, but for the snapshot's own.
    pub fn live_bytes(&self) -> u64 {
        let snapshot = self.image.snap.as_ref().map_or(0, |snap| snap.data.len() as u64);
        self.disk.size().saturating_sub(snapshot)
    }

    /// Hands a whole content to the disk, in place of everything before it.
    pub fn fill(&mut self, saved: Saved) {
        let number = self.disk.write(&encode(&Record::Everything(saved.clone())));
        self.disk.forget_before(number);
        self.image = saved;
    }

    /// Hands a write to the disk; durable only after a later sync. Returns what is durable once it is.
    pub fn write(&mut self, write: Write) -> Durable {
        apply(&mut self.image, &write);
        if matches!(write, Write::Compact { .. }) {
            let number = self.disk.write(&encode(&Record::Everything(self.image.clone())));
            self.disk.forget_before(number);
        } else {
            self.disk.write(&encode(&Record::Change(write)));
        }
        durable(&self.image)
    }
}

/// What counts as durable when this is on the disk.
pub fn durable(saved: &Saved) -> Durable {
    let log = (saved.log.last_index(), saved.log.last_term());
    let snap = saved.snap.as_ref().map_or((0, 0), |snap| (snap.index, snap.term));
    // Right after a snapshot was received, the log may still end before it.
    let last = if snap.0 > log.0 { snap } else { log };
    Durable { hard: saved.hard, last, snap: snap.0 }
}

/// Adds one write to what earlier ones made.
pub fn apply(saved: &mut Saved, write: &Write) {
    match write {
        Write::Hard(hard) => saved.hard = *hard,
        Write::Log(change) => {
            // A crash may have come between a snapshot and the cut that follows it. Whoever restarts begins after the
            // snapshot all the same: what it then writes stands there, and not after the log that was left.
            if let Some(snap) = saved.snap.as_ref().filter(|snap| change.from > snap.index) {
                saved.log.compact((snap.index, snap.term));
            }
            saved.log.rewrite(change);
        }
        Write::Snapshot(snap) => saved.snap = Some(snap.clone()),
        Write::Compact { upto } => {
            let term = saved.snap.as_ref().filter(|snap| snap.index == *upto).map(|snap: &Snap| snap.term);
            // Without the snapshot that covers it, what goes is simply gone: that order is the server's mistake.
            let term = term.or_else(|| saved.log.term_at(*upto)).unwrap_or(0);
            saved.log.compact((*upto, term));
        }
    }
}
