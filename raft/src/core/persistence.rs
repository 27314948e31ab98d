//! Lab 2C: what must be on the disk before what leaves (§5.6, Figure 2: "updated on stable storage before
//! responding to RPCs").
//!
//! Owns where writes stand among the effects of a step, and what a restarted server takes from its disk.

use super::{Core, Effect, Hard, Saved, Write};

impl Core {
    /// Puts the writes that a step needs among its effects. A reply or message waits for the writes that
    /// stand before it, so the place of a write is a claim: what stands after it speaks of it.
    // region lab2c: if the step changed the term or the vote, put the write before every effect that speaks of it (Figure 2)
    pub(super) fn persist(&self, before: Hard, effects: &mut Vec<Effect>) {
        if self.hard() != before {
            effects.insert(0, Effect::Write(Write::Hard(self.hard())));
        }
    }

    /// Takes over what the disk held when the server started.
    // region lab2c: take the term, the vote and the log from the disk (Figure 2: persistent state)
    pub(super) fn recover(&mut self, saved: Saved) {
        self.term = saved.hard.term;
        self.vote = saved.hard.vote;
        self.log = saved.log;
    }
}
