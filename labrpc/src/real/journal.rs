//! The bytes of a journal: what a record looks like in the file, and what a file that a crash left still says.
//!
//! A file is a head and frames, all numbers little-endian. Head: 8 bytes of magic, the number of the first
//! record (8), a checksum of these 16 bytes (8). Frame: the record's length (4), its number (8), the highest
//! number that a finished sync covered when it was written (8), a checksum of these 20 bytes and the record (8),
//! the record. Checksums are xxh3.
//!
//! Invariant: what was synced is returned or missed aloud. A broken frame is the tail that a crash tore, unless a
//! later frame bears witness that it had been durable.

use std::hash::Hasher;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

const MAGIC: [u8; 8] = *b"raftlab1";
/// Bytes of a head.
pub(super) const HEAD: usize = 24;
/// Bytes of a frame before its record.
pub(super) const FRAME: usize = 28;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u64,
    /// Where its frame begins.
    pub(super) offset: u64,
    /// Bytes of the record alone.
    pub(super) length: u32,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// The number that the first record has, or would have.
    pub(super) first: u64,
    pub(super) places: Vec<Place>,
    /// Where the whole records end.
    pub(super) end: u64,
}

/// A file that no crash leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Damage {
    pub(super) offset: u64,
    pub(super) what: String,
}

/// The head of a file whose first record has this number.
pub(super) fn head(first: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&first.to_le_bytes());
    let checksum = xxh3_64(&head[..16]);
    head[16..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// Appends the frame of a record.
///
/// # Panics
/// If the record has 4 GiB or more.
pub(super) fn frame(number: u64, durable: u64, record: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(record.len()).expect("a record is smaller than 4 GiB");
    let begin = out.len();
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(&durable.to_le_bytes());
    let checksum = checksum(&out[begin..], record);
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(record);
}

fn checksum(front: &[u8], record: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.write(front);
    hash.write(record);
    hash.digest()
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// A frame that begins at `at` and is whole: its number, what was durable before it, its record's length.
fn whole(bytes: &[u8], at: usize, plausible: impl Fn(u64, u64) -> bool) -> Option<(u64, u64, u32)> {
    let bytes = bytes.get(at..)?;
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let (number, durable, sum) = (word(bytes, 4)?, word(bytes, 12)?, word(bytes, 20)?);
    if !plausible(number, durable) {
        return None;
    }
    let record = bytes.get(FRAME..FRAME + length as usize)?;
    (checksum(&bytes[..20], record) == sum).then_some((number, durable, length))
}

/// Reads a whole file: its records up to the tail that a crash may have torn.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan, Damage> {
    // Files appear under their name with their head, so no crash tears one.
    let first = word(bytes, 8).filter(|first| *first > 0 && bytes.get(..HEAD) == Some(&head(*first)));
    let Some(first) = first else {
        return Err(Damage { offset: 0, what: "its head is damaged".to_owned() });
    };
    let mut found = Scan { first, places: Vec::new(), end: HEAD as u64 };
    let (mut at, mut next) = (HEAD, first);
    while let Some((number, _, length)) = whole(bytes, at, |number, _| number == next) {
        found.places.push(Place { number, offset: at as u64, length });
        at += FRAME + length as usize;
        next += 1;
    }
    found.end = at as u64;
    // Whatever was written after the tail went to the disk, in any order, is lost with it, but for one case.
    let rest = (bytes.len() - at) as u64;
    let witness = |number: u64, durable: u64| next < number && number <= next + rest && next <= durable;
    let later = (at + 1..bytes.len()).find_map(|later| whole(bytes, later, witness));
    match later {
        None => Ok(found),
        Some((later, ..)) => Err(Damage {
            offset: at as u64,
            what: format!(
                "record {next} is damaged, although it was durable when record {later} was written"
            ),
        }),
    }
}
