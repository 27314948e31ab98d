//! Hand-made traces of logs: writes, messages with entries, commits, snapshots.
//!
//! An entry is written as (index, term, operation). The state that records carry follows the writes; the
//! commit index follows the commits.

use crate::builder::{Script, s};
use tracecheck::schema::{Durability, EntryId, Event, Index, Kind, Server, Stamp, State, Term, Timer};

pub(crate) type Entry = (Index, Term, u64);

pub(crate) fn ids(entries: &[Entry]) -> Vec<EntryId> {
    entries.iter().map(|(index, term, operation)| EntryId(*index, *term, *operation)).collect()
}

impl Script {
    /// What the disk held; after a start.
    pub(crate) fn restored(
        &mut self,
        number: u8,
        hard: (Term, Option<Server>),
        snapshot: (Index, Term),
        entries: &[Entry],
    ) -> Stamp {
        let (term, voted_for) = hard;
        let (snap_index, snap_term) = snapshot;
        let event = Event::Restored { term, voted_for, snap_index, snap_term, entries: ids(entries) };
        self.act(number, event)
    }

    /// A server that starts with this log on its disk, in term `term`.
    pub(crate) fn start_with(&mut self, number: u8, term: Term, entries: &[Entry]) {
        let (last_index, last_term, _) = entries.last().copied().unwrap_or_default();
        self.set(number, |state| {
            (state.term, state.last_index, state.last_term) = (term, last_index, last_term);
        });
        self.start(number);
        self.restored(number, (term, None), (0, 0), entries);
    }

    /// The log from the first entry's index on becomes these.
    pub(crate) fn write(&mut self, number: u8, entries: &[Entry]) -> Stamp {
        self.write_from(number, entries[0].0, entries)
    }

    /// The log from index `from` on becomes these entries, or ends before it.
    pub(crate) fn write_from(&mut self, number: u8, from: Index, entries: &[Entry]) -> Stamp {
        if let Some((index, term, _)) = entries.last() {
            self.log(number, *index, *term);
        }
        let State { term, voted_for, .. } = self.state(number);
        self.act(number, Event::LogWrite { term, voted_for, from, entries: ids(entries) })
    }

    /// The term and the vote are handed to storage.
    pub(crate) fn write_hard(&mut self, number: u8) -> Stamp {
        let State { term, voted_for, .. } = self.state(number);
        self.act(number, Event::LogWrite { term, voted_for, from: 0, entries: vec![] })
    }

    /// A leader's AppendEntries: its record and its Send. Returns the message.
    pub(crate) fn append(
        &mut self,
        from: u8,
        to: u8,
        term: Term,
        prev: (Index, Term),
        entries: &[Entry],
    ) -> Stamp {
        self.append_record(from, to, term, prev, entries);
        self.send(from, Kind::AppendRequest, to, term)
    }

    pub(crate) fn append_record(
        &mut self,
        from: u8,
        to: u8,
        term: Term,
        prev: (Index, Term),
        entries: &[Entry],
    ) -> Stamp {
        let (prev_index, prev_term) = prev;
        let leader_commit = self.state(from).commit_index;
        let entries = ids(entries);
        self.act(from, Event::AppendEntry { to: s(to), term, prev_index, prev_term, entries, leader_commit })
    }

    /// The message arrives at a follower, which is or comes into its term; no state of the log changes.
    pub(crate) fn appended(&mut self, leader: u8, follower: u8, term: Term, message: Stamp) -> Stamp {
        self.set(follower, |state| {
            if state.term < term {
                (state.term, state.voted_for) = (term, None);
            }
            (state.role, state.leader_id) = (tracecheck::schema::Role::Follower, Some(s(leader)));
        });
        self.recv_arming(follower, message, &[Timer::Election])
    }

    pub(crate) fn agree(&mut self, follower: u8, leader: u8, term: Term, match_index: Index) -> Stamp {
        self.act(follower, Event::AppendConfirm { to: s(leader), term, match_index })
    }

    /// The reply to an AppendEntries that was accepted leaves. Returns it.
    pub(crate) fn reply(&mut self, follower: u8, leader: u8, term: Term, match_index: Index) -> Stamp {
        self.send_with(follower, Kind::AppendReply, leader, term, None, Some(match_index))
    }

    /// Entries travel from a leader to a follower, which writes and confirms them; the reply arrives.
    pub(crate) fn replicate(
        &mut self,
        leader: u8,
        follower: u8,
        term: Term,
        prev: (Index, Term),
        entries: &[Entry],
    ) {
        let message = self.append(leader, follower, term, prev, entries);
        if let Some((index, entry_term, _)) = entries.last() {
            self.log(follower, *index, *entry_term);
        }
        self.appended(leader, follower, term, message);
        if !entries.is_empty() {
            self.write(follower, entries);
        }
        let last = entries.last().map_or(prev.0, |(index, _, _)| *index);
        self.agree(follower, leader, term, last);
        if self.header.durability == Durability::Real {
            self.sync(follower);
        }
        let reply = self.reply(follower, leader, term, last);
        self.recv(leader, reply);
    }

    pub(crate) fn commit(&mut self, number: u8, term: Term, entry: Entry) -> Stamp {
        let (index, entry_term, operation) = entry;
        self.set(number, |state| state.commit_index = index);
        self.act(number, Event::CoordCommit { term, index, entry_term, operation })
    }

    pub(crate) fn learn(&mut self, number: u8, term: Term, entry: Entry) -> Stamp {
        let (index, entry_term, operation) = entry;
        self.set(number, |state| state.commit_index = index);
        self.act(number, Event::ServerCommit { term, index, entry_term, operation })
    }

    pub(crate) fn apply(&mut self, number: u8, index: Index, operation: u64) -> Stamp {
        self.act(number, Event::Apply { index, operation })
    }

    pub(crate) fn taken(&mut self, number: u8, index: Index, term: Term, digest: u64) -> Stamp {
        self.act(number, Event::SnapshotTaken { index, term, digest })
    }

    pub(crate) fn snapshot(&mut self, number: u8, index: Index, term: Term, digest: u64) -> Stamp {
        self.act(number, Event::SnapshotWrite { index, term, digest })
    }

    pub(crate) fn installed(&mut self, number: u8, index: Index, term: Term, digest: u64) -> Stamp {
        self.act(number, Event::SnapshotInstalled { index, term, digest })
    }

    pub(crate) fn compact(&mut self, number: u8, upto: Index) -> Stamp {
        self.act(number, Event::LogCompact { upto })
    }

    /// s1 leads term 1 with the vote of s2, of three servers with empty logs.
    pub(crate) fn led() -> Script {
        let mut script = Script::started(3);
        script.election(1, 2, 1);
        script
    }

    /// s1 leads term 1 and has committed these entries with s2; s2 knows it.
    pub(crate) fn committed(entries: &[Entry]) -> Script {
        let mut script = Script::led();
        script.write(1, entries);
        script.replicate(1, 2, 1, (0, 0), entries);
        for entry in entries {
            script.commit(1, 1, *entry);
        }
        script
    }
}
