//! Writes as records of a disk, and back.

use crate::core::{Hard, Saved, Write};
use labrpc::{Disk, decode, encode};

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

/// Hands a write to the disk. It is durable only after a later sync.
pub fn write(disk: &dyn Disk, write: &Write) {
    disk.write(&encode(write));
}

/// What all the writes on the disk add up to.
pub fn read(disk: &dyn Disk) -> Result<Saved, StorageError> {
    let records = disk.read().map_err(|error| StorageError::Unreadable(error.to_string()))?;
    let mut saved = Saved::default();
    for (number, record) in records {
        let write = decode(&record).map_err(|why| StorageError::Foreign { number, why })?;
        apply(&mut saved, write);
    }
    Ok(saved)
}

/// Adds one write to what earlier ones made.
pub fn apply(saved: &mut Saved, write: Write) {
    match write {
        Write::Hard(Hard { term, vote }) => saved.hard = Hard { term, vote },
    }
}
