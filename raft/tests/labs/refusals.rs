//! Which refused AppendEntries a leader could have avoided: the cost of finding out where two logs agree (§5.3, end).
//!
//! A refusal counts if the leader had not yet sent that follower, in this term, the entry before the new ones: then
//! the message was a guess, and a hint should have made it a better one. If it had, the message was refused because
//! that earlier one was refused, lost or overtaken, which a leader that pipelines cannot know when it sends.
//!
//! A server records AppendEntry for each message in the step that makes it, and Send when the message leaves, in the
//! same order.

use labrpc::schema::{EntryId, Event, Index, Kind, Record, Server, Stamp, Term};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The refusals of a run so far.
#[derive(Default)]
pub(crate) struct Refusals {
    /// From a leader to a follower.
    links: BTreeMap<(Server, Server), Link>,
    /// Whether the AppendEntries that each server handles is a guess.
    handling: BTreeMap<Server, bool>,
    /// Refused guesses of each follower in each term.
    counts: BTreeMap<(Server, Term), u64>,
}

#[derive(Default)]
struct Link {
    /// The leader's incarnation and term.
    of: (u32, Term),
    /// The entries that were sent in it.
    sent: BTreeSet<Index>,
    /// Whether each message that has not left is a guess.
    waiting: VecDeque<bool>,
    /// The guesses that left.
    guesses: BTreeSet<Stamp>,
}

impl Refusals {
    pub(crate) fn count(&mut self, server: Server, record: &Record) {
        match record.event {
            Event::AppendEntry { to, term, prev_index, ref entries, .. } => {
                let link = self.link(server, to, (record.at.inc, term));
                link.waiting.push_back(prev_index > 0 && !link.sent.contains(&prev_index));
                link.sent.extend(entries.iter().map(|EntryId(index, ..)| *index));
            }
            Event::Send { kind: Kind::AppendRequest, to, term, .. } => {
                let link = self.link(server, to, (record.at.inc, term));
                if link.waiting.pop_front() == Some(true) {
                    link.guesses.insert(record.at);
                }
            }
            Event::Recv { kind, from, .. } => {
                let link = self.links.get(&(from, server)).filter(|_| kind == Kind::AppendRequest);
                let guess = link.zip(record.cause).is_some_and(|(link, cause)| link.guesses.contains(&cause));
                self.handling.insert(server, guess);
            }
            // What an old leader is refused says nothing of logs.
            Event::AppendReject { term, .. } if record.state.is_some_and(|state| state.term == term) => {
                let guess = self.handling.get(&server).is_some_and(|guess| *guess);
                *self.counts.entry((server, term)).or_default() += u64::from(guess);
            }
            _ => {}
        }
    }

    /// What was made in an earlier term, or before a crash, and has not left never will.
    fn link(&mut self, leader: Server, to: Server, of: (u32, Term)) -> &mut Link {
        let link = self.links.entry((leader, to)).or_default();
        if link.of < of {
            *link = Link { of, guesses: std::mem::take(&mut link.guesses), ..Link::default() };
        }
        link
    }

    /// The follower that refused most guesses in one term, and how many.
    pub(crate) fn most(&self) -> Option<(Server, u64)> {
        self.counts.iter().max_by_key(|(_, count)| **count).map(|((server, _), count)| (*server, *count))
    }
}
