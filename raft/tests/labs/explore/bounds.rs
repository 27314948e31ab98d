//! The bounds of an exploration: how many servers, and how often each kind of thing may happen.
//!
//! Owns the numbers, their text (`servers=3 timeouts=2 …`) and the presets. Within its bounds an exploration
//! covers every interleaving, so these numbers are what "covered" means.

use raft::core::Saved;
use std::collections::BTreeMap;
use std::fmt;

use crate::script::Script;
use labrpc::schema::{Index, Server};

/// What may happen, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The preset that this is, or began as.
    pub(crate) name: String,
    /// Every bounded quantity by its key: [`KEYS`] lists them all.
    numbers: BTreeMap<&'static str, u64>,
    /// What the disks hold at the start, as lines of a script; empty disks otherwise.
    pub(crate) disks: Vec<String>,
}

/// Every bound: its key, what it is if nobody says, the most that is allowed, and what it counts.
pub(crate) const KEYS: [(&str, u64, u64, &str); 16] = [
    ("servers", 3, 5, "servers"),
    ("timeouts", 0, 15, "election timeouts, in all"),
    ("heartbeats", 0, 15, "heartbeat timeouts, in all; with 0, bare heartbeats are lost as well"),
    ("checks", 0, 15, "quorum checks, in all"),
    ("proposals", 0, 15, "commands proposed, in all"),
    ("snapshots", 0, 15, "snapshots that services hand over, in all"),
    ("crashes", 0, 15, "crashes, in all, each keeping any prefix of what was not synced"),
    ("duplicates", 0, 15, "requests that arrive twice, in all"),
    ("failures", 0, 15, "calls that are given up while they are under way, in all"),
    ("link", 1, 8, "messages under way on one link; a further one pushes the oldest out"),
    ("log", 0, 1, "1: there is a log; 0: elections only"),
    ("disk", 0, 1, "1: durability is real, and syncs end at any time; 0: assumed"),
    ("entries", 1, 256, "entries in one AppendEntries"),
    ("chunk", 512, 65536, "bytes of a snapshot in one InstallSnapshot"),
    ("depth", 0, 1000, "actions in one history; 0: any number"),
    ("states", 50_000_000, 1_000_000_000, "distinct states, before it stops and says so"),
];

/// The presets: a name, a sentence, the numbers, the disks.
type Preset = (&'static str, &'static str, &'static str, &'static [&'static str]);

pub(crate) const PRESETS: [Preset; 7] = [
    (
        "elections",
        "lab 2A: who is elected, three servers",
        "servers=3 timeouts=2 heartbeats=1 checks=1 duplicates=1",
        &[],
    ),
    (
        "log",
        "lab 2B: two servers, their logs and what they commit",
        "servers=2 timeouts=2 proposals=1 failures=1 duplicates=1 heartbeats=1 log=1 link=2",
        &[],
    ),
    (
        "old-entries",
        "lab 2B: entries of an earlier term, three servers, three elections",
        "servers=3 timeouts=3 log=1 entries=1",
        &[],
    ),
    (
        "votes",
        "lab 2C: votes and crashes, three servers",
        "servers=3 timeouts=2 crashes=1 duplicates=1 disk=1",
        &[],
    ),
    (
        "disks",
        "lab 2C: logs and crashes, three servers",
        "servers=3 timeouts=1 proposals=1 crashes=1 log=1 disk=1",
        &[],
    ),
    (
        "snapshots",
        "lab 2D: two servers, of which one begins with a snapshot and the other has more than it covers",
        "servers=2 timeouts=2 heartbeats=1 failures=1 snapshots=1 proposals=1 log=1 disk=1",
        &["disk s1 term=1 log=1,1 snapshot=1", "disk s2 term=1 log=1,1", "committed 2"],
    ),
    (
        "figure8",
        "Figure 8: entries of earlier terms, four elections and two commands",
        "servers=3 timeouts=4 proposals=2 log=1 entries=1",
        &[],
    ),
];

impl Bounds {
    /// Reads bounds: a preset's name, or numbers (`servers=2 timeouts=3`), or a name and numbers that change it.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what would be right.
    pub(crate) fn parse(text: &str) -> Result<Bounds, String> {
        let mut bounds = Bounds { name: "own".to_owned(), numbers: BTreeMap::new(), disks: Vec::new() };
        bounds.numbers.extend(KEYS.map(|(key, default, ..)| (key, default)));
        for (number, word) in text.split([' ', ',']).filter(|word| !word.is_empty()).enumerate() {
            match word.split_once('=') {
                None if number == 0 => bounds.begin(word)?,
                None => return Err(format!("`{word}` is no bound: write key=number, such as timeouts=2")),
                Some((key, value)) => bounds.set(key, value)?,
            }
        }
        if bounds.get("servers") < 2 {
            return Err("servers must be 2 or more: one server has nobody to disagree with".to_owned());
        }
        if bounds.get("crashes") > 0 && bounds.get("disk") == 0 {
            return Err("crashes need disk=1: where durability is assumed, nobody crashes".to_owned());
        }
        Ok(bounds)
    }

    fn begin(&mut self, name: &str) -> Result<(), String> {
        let preset = PRESETS.iter().find(|(known, ..)| *known == name).ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|(name, ..)| *name).collect();
            format!("there are no bounds called `{name}`; there are {}", names.join(", "))
        })?;
        self.name = name.to_owned();
        self.disks = preset.3.iter().map(|line| (*line).to_owned()).collect();
        preset
            .2
            .split(' ')
            .filter_map(|word| word.split_once('='))
            .try_for_each(|(key, value)| self.set(key, value))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let known = KEYS.iter().find(|(known, ..)| *known == key).ok_or_else(|| {
            let keys: Vec<&str> = KEYS.iter().map(|(key, ..)| *key).collect();
            format!("there is no bound `{key}`; there are {}", keys.join(", "))
        })?;
        let least = u64::from(matches!(key, "link" | "entries" | "chunk" | "states"));
        let number = value.parse().ok().filter(|number| (least..=known.2).contains(number));
        let number = number.ok_or_else(|| {
            format!("{key}={value} cannot be: {key} is a whole number from {least} to {}", known.2)
        })?;
        self.numbers.insert(known.0, number);
        Ok(())
    }

    /// The number of a key of [`KEYS`].
    pub(crate) fn get(&self, key: &str) -> u64 {
        self.numbers.get(key).copied().unwrap_or(0)
    }

    /// Everybody.
    pub(crate) fn servers(&self) -> Vec<Server> {
        (1..=self.get("servers") as u8).map(Server).collect()
    }

    /// The script that these bounds begin: who takes part, and on what terms.
    pub(crate) fn preamble(&self) -> String {
        let names: Vec<String> = self.servers().iter().map(Server::to_string).collect();
        let names = names.join(" ");
        let mut lines = vec![format!("servers {names}"), format!("real {names}")];
        lines.extend((self.get("log") > 0).then(|| "replicate".to_owned()));
        lines.extend((self.get("disk") > 0).then(|| "durable".to_owned()));
        lines.push(format!("max_entries {}", self.get("entries")));
        lines.push(format!("max_chunk {}", self.get("chunk")));
        lines.extend(self.disks.iter().cloned());
        lines.join("\n") + "\n"
    }

    /// What each server's disk holds at the start, and up to where everything was committed before.
    pub(crate) fn start(&self) -> (BTreeMap<Server, Saved>, Index) {
        let script = Script::parse(&self.preamble());
        script.map(|script| (script.disks, script.committed)).unwrap_or_default()
    }
}

impl fmt::Display for Bounds {
    /// Every number that is not what it would be if nobody said, but always the servers.
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "servers={}", self.get("servers"))?;
        for (key, default, ..) in KEYS.iter().skip(1) {
            if self.get(key) != *default {
                write!(to, " {key}={}", self.get(key))?;
            }
        }
        Ok(())
    }
}
