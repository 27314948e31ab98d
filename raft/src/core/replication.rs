//! Lab 2B: the log (§5.3, §5.4.2): replication by the leader, the consistency check by followers, commitment.
//!
//! Owns `progress`, `commit` and `applied`, and every change of the log but its compaction. Only `snapshot`
//! moves them as well, past what a snapshot covers, and `persistence` when it restores one.
//!
//! Deviations from Figure 2: a new leader appends a no-op, so that entries of earlier terms commit without
//! waiting for a client (thesis §6.4); a follower that refuses hints at where to go on (§5.3, end); entries are
//! sent before the last ones are acknowledged (thesis §10.2.1).

use super::{AppendArgs, AppendReply, Conflict, Core, Effect, Entry, NotLeader, Req};
use labrpc::schema::{Index, Role, Server};

/// The most AppendEntries that a follower is sent before it answers one.
const IN_FLIGHT: u8 = 2;

/// What a leader knows about another server (Figure 2: nextIndex, matchIndex).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    /// The highest index known to be replicated there. First 0; never falls; below `next`.
    pub(super) matched: Index,
    /// The next index to send. First the one after the leader's last.
    pub(super) next: Index,
    /// The commit index that it was told last, as far as it could use it.
    pub(super) told: Index,
    /// How many messages it has not answered; at most [`IN_FLIGHT`], or 1 while `probing`.
    pub(super) in_flight: u8,
    /// Whether it is still unknown where the logs agree: one message at a time, until one is accepted.
    pub(super) probing: bool,
}

impl Core {
    // ---- The leader ----------------------------------------------------------------------------------

    /// Begins to lead: nothing is known of the others' logs.
    // region lab2b: start with nextIndex after your last entry and matchIndex 0 for every other server, append a no-op of your term, and send it (Figure 2, thesis §6.4)
    pub(super) fn begin_leading(&mut self, out: &mut Vec<Effect>) {
        let next = self.log.last_index() + 1;
        let fresh = Progress { matched: 0, next, told: 0, in_flight: 0, probing: true };
        self.progress = self.membership.others(self.me).into_iter().map(|other| (other, fresh)).collect();
        self.log.replace_from(next, vec![Entry { term: self.term, command: None }]);
        self.replicate_all(out);
    }

    /// The service proposes a command.
    // region lab2b: a leader appends the command, answers where it stands, and sends it; anybody else answers who leads (§5.3)
    pub(super) fn on_propose(&mut self, id: u64, command: Vec<u8>, out: &mut Vec<Effect>) {
        if self.role != Role::Leader {
            out.push(Effect::Answer { id, result: Err(NotLeader { leader: self.leader }) });
            return;
        }
        let index = self.log.last_index() + 1;
        self.log.replace_from(index, vec![Entry { term: self.term, command: Some(command) }]);
        out.push(Effect::Answer { id, result: Ok((index, self.term)) });
        self.replicate_all(out);
    }

    /// Sends every other server what it lacks.
    // region lab2b: replicate to every other server (§5.3)
    pub(super) fn replicate_all(&mut self, out: &mut Vec<Effect>) {
        for to in self.membership.others(self.me) {
            self.replicate(to, out);
        }
    }

    /// Sends one server what it lacks: entries, or news of what is committed. Nothing, if it lacks nothing
    /// or has not answered enough yet.
    // region lab2b: while the server lacks entries or news of the commit index and has answered enough, send AppendEntries from its nextIndex on, at most max_entries each (§5.3)
    pub(super) fn replicate(&mut self, to: Server, out: &mut Vec<Effect>) {
        let (last, commit) = (self.log.last_index(), self.commit);
        while let Some(progress) = self.progress.get_mut(&to) {
            let room = progress.in_flight < if progress.probing { 1 } else { IN_FLIGHT };
            let news = progress.next <= last || commit.min(progress.next - 1) > progress.told;
            if !room || !news {
                return;
            }
            if progress.next <= self.log.base().0 {
                self.send_snapshot(to, out);
                return;
            }
            let prev_index = progress.next - 1;
            let entries = self.log.slice(progress.next, self.config.max_entries).to_vec();
            let end = prev_index + entries.len() as Index;
            progress.in_flight += 1;
            progress.told = commit.min(end);
            if !progress.probing {
                progress.next = end + 1;
            }
            let prev_term = self.log.term_at(prev_index).unwrap_or(0);
            let (term, leader, round) = (self.term, self.me, self.round);
            let args = AppendArgs { term, leader, prev_index, prev_term, entries, commit, round };
            out.push(Effect::Send { to, req: Req::Append(args), now: true });
        }
    }

    /// A follower of this term answered; the term and the election are dealt with.
    // region lab2b: accepted: raise matchIndex and nextIndex and see what is committed; refused: step nextIndex back as the hint says; then send on (§5.3)
    pub(super) fn on_entries_reply(
        &mut self,
        from: Server,
        args: &AppendArgs,
        rep: AppendReply,
        late: bool,
        out: &mut Vec<Effect>,
    ) {
        let back = rep.conflict.map(|hint| self.step_back(hint));
        let Some(progress) = self.progress.get_mut(&from) else { return };
        if !late {
            progress.in_flight = progress.in_flight.saturating_sub(1);
        }
        if rep.success {
            let end = args.prev_index + args.entries.len() as Index;
            progress.matched = progress.matched.max(end);
            progress.next = progress.next.max(progress.matched + 1);
            progress.probing = false;
            self.advance_commit(out);
        } else if args.prev_index > progress.matched {
            let back = back.unwrap_or(args.prev_index).min(args.prev_index);
            progress.next = back.max(progress.matched + 1);
            progress.told = 0;
            progress.probing = true;
        }
        self.replicate(from, out);
    }

    /// Where to go on after a refusal: past the follower's whole term, if the leader has none of it.
    // region lab2b: if you have entries of the hint's term, go on after the last of them, else at the hint's index (§5.3, end)
    pub(super) fn step_back(&self, hint: Conflict) -> Index {
        let own = hint.term.and_then(|term| self.log.last_of_term(term));
        own.map_or(hint.index, |index| index + 1)
    }

    /// A message was lost, or its answer takes long: it will be sent again, at the next heartbeat at the latest.
    // region lab2b: count the message as answered, go back to what the server is known to have, and probe (§5.3: retry indefinitely)
    pub(super) fn on_entries_failed(&mut self, from: Server) {
        if let Some(progress) = self.progress.get_mut(&from) {
            progress.in_flight = progress.in_flight.saturating_sub(1);
            progress.next = progress.matched + 1;
            progress.told = 0;
            progress.probing = true;
        }
    }

    /// Commits what a quorum has, if it is of the leader's own term; all before it commits with it (§5.4.2).
    // region lab2b: the highest index that a quorum has is committed if its entry is of your term (Figure 8, §5.4.2); then deliver it and spread the news
    pub(super) fn advance_commit(&mut self, out: &mut Vec<Effect>) {
        if self.role != Role::Leader {
            return;
        }
        let own = self.own_index();
        let agreed = self.membership.agreed(|server| {
            if server == self.me { own } else { self.progress.get(&server).map_or(0, |other| other.matched) }
        });
        if agreed > self.commit && self.log.term_at(agreed) == Some(self.term) {
            self.commit = agreed;
            self.apply_committed(out);
            self.replicate_all(out);
        }
    }

    // ---- The follower --------------------------------------------------------------------------------

    /// AppendEntries of this term's leader; the term and the election are dealt with.
    // region lab2b: refuse unless you have the entry before the new ones; delete what conflicts with them, append what is missing, and learn what is committed (Figure 2)
    pub(super) fn on_entries(&mut self, args: AppendArgs, out: &mut Vec<Effect>) -> AppendReply {
        if self.log.term_at(args.prev_index) != Some(args.prev_term) {
            let conflict = Some(self.conflict_at(args.prev_index));
            return AppendReply { term: self.term, success: false, conflict };
        }
        let end = args.prev_index + args.entries.len() as Index;
        let differs = |(entry, index): &(&Entry, Index)| self.log.term_at(*index) != Some(entry.term);
        let new = args.entries.iter().zip(args.prev_index + 1..).find(differs).map(|(_, index)| index);
        if let Some(from) = new {
            let entries = args.entries[(from - args.prev_index - 1) as usize..].to_vec();
            self.log.replace_from(from, entries);
        }
        if args.commit.min(end) > self.commit {
            self.commit = args.commit.min(end);
            self.apply_committed(out);
        }
        AppendReply { term: self.term, success: true, conflict: None }
    }

    /// What to tell a leader whose entry before the new ones is not here.
    // region lab2b: the term of your entry there and the first index of that term, or the end of your log if it is shorter (§5.3, end)
    pub(super) fn conflict_at(&self, index: Index) -> Conflict {
        match self.log.term_at(index) {
            Some(term) => Conflict { term: Some(term), index: self.log.first_of_term_at(index) },
            None => Conflict { term: None, index: self.log.last_index() + 1 },
        }
    }

    // ---- Both ----------------------------------------------------------------------------------------

    /// Delivers what is committed and not delivered, in order.
    // region lab2b: deliver every committed command once, in order, without the no-ops (Figure 2, rules for all servers)
    pub(super) fn apply_committed(&mut self, out: &mut Vec<Effect>) {
        while self.applied < self.commit {
            self.applied += 1;
            let index = self.applied;
            if let Some(Entry { term, command: Some(command) }) = self.log.entry(index) {
                out.push(Effect::Apply { index, term: *term, command: command.clone() });
            }
        }
    }
}
