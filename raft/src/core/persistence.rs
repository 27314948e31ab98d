//! Lab 2C: what must be on the disk before what leaves (§5.6, Figure 2: "updated on stable storage before
//! responding to RPCs").
//!
//! Owns where writes stand among the effects of a step, and what a restarted server takes from its disk.

use super::{Change, Core, Effect, Hard, Saved, Write};

impl Core {
    /// Puts the writes that a step needs among its effects: of the term and vote if they are not what they
    /// were `before`, and of each change of the log. A reply or message waits for the writes that stand
    /// before it, so the place of a write is a claim: what stands after it speaks of it.
    // region lab2c: put the writes of the term and vote, and of the log's changes in their order, before every effect that speaks of them (Figure 2)
    pub(super) fn persist(&self, before: Hard, changes: Vec<Change>, effects: &mut Vec<Effect>) {
        let hard = (self.hard() != before).then(|| Write::Hard(self.hard()));
        let writes = hard.into_iter().chain(changes.into_iter().map(Write::Log));
        effects.splice(0..0, writes.map(Effect::Write));
    }

    /// Takes over what the disk held when the server started. A snapshot's state goes to the service, which
    /// starts empty.
    // region lab2c: take the term, the vote, the log and the snapshot from the disk; what a snapshot covers is committed and applied (Figure 2, persistent state)
    pub(super) fn recover(&mut self, saved: Saved, out: &mut Vec<Effect>) {
        self.term = saved.hard.term;
        self.vote = saved.hard.vote;
        self.log = saved.log;
        if let Some(snap) = saved.snap {
            self.log.compact((snap.index, snap.term));
            self.commit = snap.index;
            self.applied = snap.index;
            self.snap = Some(snap.clone());
            out.push(Effect::Restore(snap));
        }
    }

    /// How far this server's own log is durable: its own vote for what is committed. What the disk has may
    /// be of a history that was replaced since, and then counts for nothing yet.
    // region lab2c: the last durable index, if the log still has the entry that was written there (thesis §10.2.1)
    pub(super) fn durable_index(&self) -> labrpc::schema::Index {
        let (index, term) = self.durable.last;
        if self.log.term_at(index) == Some(term) { index } else { 0 }
    }
}
