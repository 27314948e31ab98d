//! Lab 3A: reads that the log does not grow by (thesis §6.4, ReadIndex): before a leader answers from what it has
//! applied, it makes sure that it still leads.
//!
//! Owns `round` and `reads`. A round is a heartbeat to everybody that carries the round's number; whoever answers it
//! still followed this leader after every read of that round had arrived. Reads that come while a round is under
//! way wait for the next one, so that many share one.
//!
//! Never: reads anything; the service does, once it has applied up to the index that it is told.

use super::{AppendArgs, AppendReply, Core, Effect, NotLeader};
use labrpc::schema::{Role, Server};
use std::collections::BTreeSet;

/// The reads that a leader has not answered; empty on anybody else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Reads {
    /// Those that came before the present round began, in order.
    now: Vec<u64>,
    /// Those that came since, in order.
    next: Vec<u64>,
    /// Who answered the present round.
    answered: BTreeSet<Server>,
}

impl Reads {
    pub(super) fn is_empty(&self) -> bool {
        self.now.is_empty() && self.next.is_empty()
    }
}

impl Core {
    /// The service wants to read what is committed by now.
    // region lab3a: whoever does not lead says who does; a leader lets the read wait for a round, and begins one if none is under way (thesis §6.4)
    pub(super) fn on_read(&mut self, id: u64, out: &mut Vec<Effect>) {
        if self.role != Role::Leader {
            out.push(Effect::ReadAt { id, result: Err(NotLeader { leader: self.leader }) });
            return;
        }
        self.reads.next.push(id);
        if self.reads.now.is_empty() {
            self.begin_round(out);
        }
    }

    /// Asks everybody whether they still follow, for the sake of all reads that wait.
    // region lab3a: begin the next round: the waiting reads belong to it, nobody has answered it, and a heartbeat carries it to everybody (thesis §6.4)
    pub(super) fn begin_round(&mut self, out: &mut Vec<Effect>) {
        self.round += 1;
        self.reads.now = std::mem::take(&mut self.reads.next);
        self.reads.answered.clear();
        self.on_heartbeat_timeout(out);
    }

    /// A server answered an AppendEntries while reads wait; the term and the election are dealt with.
    // region lab3a: whoever answers a message of the present round and of your term still followed you when the round began (thesis §6.4)
    pub(super) fn on_round_reply(&mut self, from: Server, args: &AppendArgs, rep: AppendReply) {
        if self.role == Role::Leader && rep.term == self.term && args.round == self.round {
            self.reads.answered.insert(from);
        }
    }

    /// Answers the reads of the present round if it is confirmed, and begins the next one if others wait.
    ///
    /// A new leader may not know yet how far its predecessors committed: it waits until an entry of its own term
    /// is committed.
    // region lab3a: once a quorum with you in it answered the round and an entry of your term is committed, answer its reads with the commit index (thesis §6.4)
    pub(super) fn settle_reads(&mut self, out: &mut Vec<Effect>) {
        let mut still = self.reads.answered.clone();
        still.insert(self.me);
        let knows = self.log.term_at(self.commit) == Some(self.term);
        if !knows || !self.membership.is_quorum(&still) {
            return;
        }
        for id in std::mem::take(&mut self.reads.now) {
            out.push(Effect::ReadAt { id, result: Ok(self.commit) });
        }
        if !self.reads.next.is_empty() {
            self.begin_round(out);
        }
    }

    /// This server leads no more: it cannot answer the reads that still wait.
    // region lab3a: tell every waiting read who leads now, as far as you know
    pub(super) fn drop_reads(&mut self, out: &mut Vec<Effect>) {
        let Reads { now, next, .. } = std::mem::take(&mut self.reads);
        for id in now.into_iter().chain(next) {
            out.push(Effect::ReadAt { id, result: Err(NotLeader { leader: self.leader }) });
        }
    }
}
