//! A disk of files: what was synced is there, what was not is a prefix, and damage is told.

use labrpc::Disk;
use labrpc::real::{FileDisk, OpenError, run};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::fs::{self, OpenOptions};
use std::path::Path;
use tempfile::{TempDir, tempdir};

/// Bytes of a journal's head, and of a frame without its record: the format, pinned.
const HEAD: u64 = 24;
const FRAME: u64 = 28;

fn folder() -> TempDir {
    tempdir().expect("a folder")
}

fn open(folder: &Path) -> FileDisk {
    FileDisk::open(folder).unwrap_or_else(|error| panic!("{error}"))
}

fn sync(disk: &FileDisk) {
    run(disk.sync()).expect("a runtime").expect("the disk works");
}

fn read(disk: &FileDisk) -> Vec<(u64, Vec<u8>)> {
    disk.read().expect("the disk works")
}

fn records(range: std::ops::RangeInclusive<u64>) -> Vec<(u64, Vec<u8>)> {
    range.map(|number| (number, record(number))).collect()
}

/// The record of that number: of any length, the empty one too.
fn record(number: u64) -> Vec<u8> {
    vec![number as u8; (number * 7 % 20) as usize]
}

fn bytes(range: std::ops::RangeInclusive<u64>) -> u64 {
    range.map(|number| record(number).len() as u64).sum()
}

/// Records 1 to `count`, with a sync after each of them if `each`.
fn written(folder: &Path, count: u64, each: bool) {
    let disk = open(folder);
    for number in 1..=count {
        assert_eq!(disk.write(&record(number)), number);
        if each || number == count {
            sync(&disk);
        }
    }
}

fn refused(folder: &Path, file: &str) -> OpenError {
    let error = FileDisk::open(folder).expect_err("it is damaged");
    let text = error.to_string();
    assert!(text.contains(file) && text.contains("restore the directory from a backup"), "{text}");
    error
}

#[test]
fn what_is_written_is_there_in_the_next_incarnation() {
    let folder = folder();
    let deeper = folder.path().join("not").join("made yet");
    for incarnation in 1..=4 {
        let disk = open(&deeper);
        assert_eq!(disk.incarnation(), incarnation);
        let upto = u64::from(incarnation - 1) * 3;
        assert_eq!(read(&disk), records(1..=upto));
        for number in upto + 1..=upto + 3 {
            assert_eq!(disk.write(&record(number)), number);
        }
        assert_eq!(read(&disk), records(1..=upto + 3));
        assert_eq!(disk.size(), bytes(1..=upto + 3));
        sync(&disk);
    }
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_off_and_later_records_are_readable() {
    let folder = folder();
    written(folder.path(), 4, true);
    let journal = folder.path().join("journal");
    let whole = fs::read(&journal).expect("it is there");
    for length in HEAD as usize..whole.len() {
        for filler in [&[][..], &[0; 50], &[0xff; 50]] {
            fs::write(&journal, [&whole[..length], filler].concat()).expect("it can be written");
            let disk = open(folder.path());
            let (mut kept, mut end) = (0, HEAD);
            while end + FRAME + record(kept + 1).len() as u64 <= length as u64 {
                kept += 1;
                end += FRAME + record(kept).len() as u64;
            }
            assert_eq!(read(&disk), records(1..=kept), "cut at {length}");
            assert_eq!(disk.write(&record(kept + 1)), kept + 1);
            sync(&disk);
            drop(disk);
            assert_eq!(read(&open(folder.path())), records(1..=kept + 1), "cut at {length}");
        }
    }
}

#[test]
fn damage_of_what_was_durable_is_told_at_any_byte() {
    let folder = folder();
    written(folder.path(), 4, true);
    let journal = folder.path().join("journal");
    let whole = fs::read(&journal).expect("it is there");
    // The last record alone has none after it that bears witness.
    let last = whole.len() - (FRAME as usize + record(4).len());
    for at in 0..last {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        fs::write(&journal, &damaged).expect("it can be written");
        refused(folder.path(), "journal");
        assert_eq!(fs::read(&journal).expect("it is there"), damaged, "nothing is cut off");
    }
    let mut damaged = whole.clone();
    damaged[HEAD as usize] ^= 1;
    fs::write(&journal, &damaged).expect("it can be written");
    let text = refused(folder.path(), "journal").to_string();
    assert!(text.contains("byte 24: record 1 is damaged, although it was durable when record 2"), "{text}");
}

#[test]
fn records_of_one_sync_may_reach_the_disk_in_any_order() {
    let folder = folder();
    written(folder.path(), 2, true);
    let journal = folder.path().join("journal");
    let before = fs::metadata(&journal).expect("it is there").len();
    let disk = open(folder.path());
    (3..=6).for_each(|number| assert_eq!(disk.write(&record(number)), number));
    drop(disk);
    let mut torn = fs::read(&journal).expect("it is there");
    torn[before as usize + FRAME as usize] ^= 1;
    fs::write(&journal, torn).expect("it can be written");
    let disk = open(folder.path());
    assert_eq!(read(&disk), records(1..=2));
    assert_eq!(disk.write(&record(3)), 3);
}

#[test]
fn forgotten_records_go_after_the_next_sync_and_their_bytes_with_them() {
    let folder = folder();
    written(folder.path(), 9, false);
    let journal = folder.path().join("journal");
    let length = || fs::metadata(&journal).expect("it is there").len();
    let (disk, before) = (open(folder.path()), length());
    disk.write(&record(10));
    disk.forget_before(8);
    assert_eq!(read(&disk), records(1..=10), "not before the sync");
    sync(&disk);
    assert_eq!(read(&disk), records(8..=10));
    assert!(length() < before);
    assert_eq!(disk.size(), bytes(8..=10));
    assert_eq!(disk.write(&record(11)), 11);
    sync(&disk);
    drop(disk);
    let disk = open(folder.path());
    assert_eq!(read(&disk), records(8..=11));
    // Forgetting what was not synced counts for nothing, if a crash comes first.
    disk.forget_before(11);
    drop(disk);
    let disk = open(folder.path());
    assert_eq!(read(&disk), records(8..=11));
    disk.forget_before(1000);
    sync(&disk);
    drop(disk);
    let disk = open(folder.path());
    assert_eq!((read(&disk), disk.size(), length()), (vec![], 0, HEAD));
    assert_eq!(disk.write(&record(12)), 12, "numbers go on");
}

#[test]
fn a_directory_is_for_one_process() {
    let folder = folder();
    let disk = open(folder.path());
    let error = FileDisk::open(folder.path()).expect_err("it is in use");
    assert!(matches!(error, OpenError::Locked(_)));
    assert!(error.to_string().contains("is in use by another process"), "{error}");
    drop(disk);
    assert_eq!(open(folder.path()).incarnation(), 2, "the one that was refused counts for nothing");
}

#[test]
fn files_that_are_gone_or_edited_are_told() {
    let folder = folder();
    written(folder.path(), 2, true);
    let file = |name: &str| folder.path().join(name);
    let counter = fs::read(file("incarnation")).expect("it is there");
    for text in ["", "0\n", "-1\n", "two\n", "4294967295\n"] {
        fs::write(file("incarnation"), text).expect("it can be written");
        refused(folder.path(), "incarnation");
    }
    fs::remove_file(file("incarnation")).expect("it was there");
    refused(folder.path(), "incarnation");
    fs::write(file("incarnation"), counter).expect("it can be written");
    fs::remove_file(file("journal")).expect("it was there");
    refused(folder.path(), "journal");
}

#[test]
fn a_start_that_was_cut_short_is_no_damage() {
    let folder = folder();
    drop(open(folder.path()));
    // The first start ended between its two files, and the next in the middle of replacing one.
    fs::remove_file(folder.path().join("incarnation")).expect("it was there");
    fs::write(folder.path().join("incarnation.new"), "").expect("it can be written");
    fs::write(folder.path().join("journal.new"), "raft").expect("it can be written");
    let disk = open(folder.path());
    assert_eq!((disk.incarnation(), read(&disk)), (1, vec![]));
}

#[test]
fn a_foreign_file_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("journal");
    fs::write(&path, "a diary").expect("it can be written");
    refused(folder.path(), "journal");
    assert_eq!(fs::read(&path).expect("it is there"), b"a diary");
}

/// Random writes, syncs, drops and crashes. A crash keeps of what no sync covers any part, and garbles it.
#[test]
fn whatever_happens_a_prefix_with_all_that_was_synced_is_kept() {
    for seed in 0..100 {
        let folder = folder();
        let mut random = Pcg64Mcg::seed_from_u64(seed);
        let journal = folder.path().join("journal");
        let (mut first, mut last, mut durable) = (1, 0, 0);
        let mut disk = open(folder.path());
        let mut safe = HEAD;
        for _ in 0..60 {
            match random.random_range(0..10) {
                0..5 => {
                    last += 1;
                    assert_eq!(disk.write(&record(last)), last);
                }
                5..7 => {
                    sync(&disk);
                    durable = last;
                    safe = fs::metadata(&journal).expect("it is there").len();
                }
                7 => {
                    let below = random.random_range(first..=last + 1);
                    disk.forget_before(below);
                    sync(&disk);
                    (first, durable) = (below, last);
                    safe = fs::metadata(&journal).expect("it is there").len();
                }
                _ => {
                    drop(disk);
                    garble(&journal, safe, &mut random);
                    disk = open(folder.path());
                    let found = read(&disk);
                    let kept = first - 1 + found.len() as u64;
                    assert!((durable..=last).contains(&kept), "seed {seed}: {durable} ≤ {kept} ≤ {last}");
                    assert_eq!(found, records(first..=kept), "seed {seed}");
                    (last, durable) = (kept, kept);
                    safe = fs::metadata(&journal).expect("it is there").len();
                }
            }
        }
    }
}

/// Does to everything after `safe` what a crash may do.
fn garble(journal: &Path, safe: u64, random: &mut Pcg64Mcg) {
    let mut bytes = fs::read(journal).expect("it is there");
    let length = random.random_range(safe..=bytes.len() as u64) as usize;
    bytes.truncate(length);
    for _ in 0..random.random_range(0..3) {
        if length as u64 > safe {
            bytes[random.random_range(safe as usize..length)] = random.random_range(0..=u8::MAX);
        }
    }
    if random.random_range(0..3) == 0 {
        bytes.resize(length + random.random_range(0..100), 0);
    }
    let file = OpenOptions::new().write(true).truncate(true).open(journal);
    std::io::Write::write_all(&mut file.expect("it can be written"), &bytes).expect("it can be written");
}
