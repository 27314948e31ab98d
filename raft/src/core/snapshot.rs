//! Lab 2D: snapshots (§7): what the service has goes out of the log, and a server that is too far behind gets
//! the snapshot instead of the entries.
//!
//! Owns `snap` and `incoming`, and the log's compaction; `persistence` restores them.

use super::replication::Progress;
use super::{Core, Effect, InstallArgs, InstallReply, Req, Snap, Write};
use labrpc::schema::{Index, Role, Server, Term, Timer};

/// A snapshot that is being received.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Incoming {
    /// Which: its last index and term.
    last: (Index, Term),
    /// The bytes so far.
    data: Vec<u8>,
}

impl Core {
    /// The service hands over its state as of `index`.
    // region lab2d: ignore it unless it is of a delivered index beyond the last snapshot; keep it, write it, and only then let the log before it go (§7)
    pub(super) fn on_snapshot(&mut self, index: Index, data: Vec<u8>, out: &mut Vec<Effect>) {
        if index <= self.log.base().0 || index > self.applied {
            return;
        }
        let Some(term) = self.log.term_at(index) else { return };
        self.keep(Snap { index, term, data }, out);
    }

    /// Keeps a snapshot in place of the log up to its index: on the disk first the one, then the cut.
    // region lab2d: emit the write of the snapshot, then the write that lets the log go, and compact the log in memory (§7)
    pub(super) fn keep(&mut self, snap: Snap, out: &mut Vec<Effect>) {
        self.log.compact((snap.index, snap.term));
        out.push(Effect::Write(Write::Snapshot(snap.clone())));
        out.push(Effect::Write(Write::Compact { upto: snap.index }));
        self.snap = Some(snap);
    }

    /// Sends a server that needs what the log has no more the first chunk of the snapshot.
    // region lab2d: send the snapshot's first chunk, and wait for its answer (Figure 13)
    pub(super) fn send_snapshot(&mut self, to: Server, out: &mut Vec<Effect>) {
        if let Some(progress) = self.progress.get_mut(&to) {
            progress.in_flight += 1;
            progress.probing = true;
        }
        self.send_chunk(to, 0, out);
    }

    /// Sends one chunk of the snapshot.
    // region lab2d: send the bytes from the offset on, at most max_chunk of them, and say whether they are the last (Figure 13)
    pub(super) fn send_chunk(&mut self, to: Server, offset: u64, out: &mut Vec<Effect>) {
        let Some(snap) = &self.snap else { return };
        let begin = (offset as usize).min(snap.data.len());
        let end = snap.data.len().min(begin + self.config.max_chunk);
        let args = InstallArgs {
            term: self.term,
            leader: self.me,
            last_index: snap.index,
            last_term: snap.term,
            offset: begin as u64,
            data: snap.data[begin..end].to_vec(),
            done: end == snap.data.len(),
        };
        out.push(Effect::Send { to, req: Req::Install(args), now: false });
    }

    /// InstallSnapshot (Figure 13).
    // region lab2d: refuse an old term; else follow its leader; put the chunks together; install a whole snapshot that covers more than is committed (Figure 13)
    pub(super) fn on_install(&mut self, args: InstallArgs, out: &mut Vec<Effect>) -> InstallReply {
        if args.term < self.term {
            return InstallReply { term: self.term, received: 0, installed: false };
        }
        self.become_follower(args.term, Some(args.leader), out);
        out.push(Effect::SetTimer(Timer::Election, self.config.election_timeout.clone()));
        let last = (args.last_index, args.last_term);
        if args.last_index <= self.commit {
            // Everything that it covers is here: repeated, or late.
            return InstallReply { term: self.term, received: 0, installed: true };
        }
        if args.offset == 0 && self.incoming.last != last {
            self.incoming = Incoming { last, data: Vec::new() };
        }
        if self.incoming.last == last && args.offset == self.incoming.data.len() as u64 {
            self.incoming.data.extend_from_slice(&args.data);
            if args.done {
                let Incoming { data, .. } = std::mem::take(&mut self.incoming);
                let received = data.len() as u64;
                self.install(Snap { index: args.last_index, term: args.last_term, data }, out);
                return InstallReply { term: self.term, received, installed: true };
            }
        }
        let received = if self.incoming.last == last { self.incoming.data.len() as u64 } else { 0 };
        InstallReply { term: self.term, received, installed: false }
    }

    /// Takes a received snapshot over.
    // region lab2d: keep it, count what it covers as committed and applied, and deliver it (Figure 13)
    pub(super) fn install(&mut self, snap: Snap, out: &mut Vec<Effect>) {
        self.keep(snap.clone(), out);
        self.commit = snap.index;
        self.applied = snap.index;
        out.push(Effect::Restore(snap));
    }

    /// An answer to InstallSnapshot.
    // region lab2d: follow a higher term; installed: go on with entries after the snapshot; else send the next chunk (Figure 13)
    pub(super) fn on_install_reply(
        &mut self,
        from: Server,
        args: &InstallArgs,
        rep: InstallReply,
        late: bool,
        out: &mut Vec<Effect>,
    ) {
        if rep.term > self.term {
            self.become_follower(rep.term, None, out);
            return;
        }
        if self.role != Role::Leader || args.term != self.term {
            return;
        }
        self.heard.insert(from);
        let current = self.snap.as_ref().map(|snap| snap.index);
        let Some(Progress { matched, next, in_flight, probing, .. }) = self.progress.get_mut(&from) else {
            return;
        };
        if !late {
            *in_flight = in_flight.saturating_sub(1);
        }
        if rep.installed {
            *matched = (*matched).max(args.last_index);
            *next = (*next).max(*matched + 1);
            *probing = false;
            self.advance_commit(out);
            self.replicate(from, out);
        } else if !late && *in_flight == 0 && current == Some(args.last_index) {
            *in_flight += 1;
            self.send_chunk(from, rep.received, out);
        }
    }
}
