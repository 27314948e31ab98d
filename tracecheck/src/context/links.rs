//! Which AppendEntries a server handles: from its receive to the send, and from that to the AppendEntry record.
//!
//! A server records AppendEntry for each message in the step that makes it, and Send when the message leaves, in
//! the same order. So the k-th Send to a server belongs to the k-th AppendEntry for it.
//!
//! Invariant: each link remembers its last [`REMEMBERED`] messages.

use super::PerServer;
use std::collections::VecDeque;
use tracecheck_schema::{EntryId, Index, Server, Stamp, Term};

/// The most messages that a link remembers after they left.
pub(crate) const REMEMBERED: usize = 1024;

/// What an AppendEntries says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The AppendEntry record.
    pub(crate) at: Stamp,
    term: Term,
    /// The leader's commit index.
    pub(crate) commit: Index,
    prev: (Index, Term),
    /// The index and term of the last entry of each run of equal terms.
    runs: Vec<(Index, Term)>,
}

impl Request {
    pub(crate) fn new(
        at: Stamp,
        (term, commit): (Term, Index),
        prev: (Index, Term),
        entries: &[EntryId],
    ) -> Request {
        let mut end = prev.0;
        let runs = entries.chunk_by(|EntryId(_, a, _), EntryId(_, b, _)| a == b).map(|run| {
            end = end.saturating_add(run.len() as Index);
            (end, run[0].1)
        });
        Request { at, term, commit, prev, runs: runs.collect() }
    }

    /// The last index of which it speaks; 0 for a bare heartbeat.
    pub(crate) fn last(&self) -> Index {
        self.runs.last().map_or(self.prev.0, |(index, _)| *index)
    }

    /// The term that it names for an index.
    pub(crate) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.prev.0 {
            return Some(self.prev.1);
        }
        let run = self.runs.iter().find(|(last, _)| index <= *last).filter(|_| index > self.prev.0)?;
        Some(run.1)
    }
}

/// What is known of the request that a server handles.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handled<'a> {
    /// This is what it says.
    Request(&'a Request),
    /// It left so long ago that it is forgotten.
    Forgotten,
    /// Its sender did not record it.
    Unrecorded,
}

/// The messages of one server to another.
#[derive(Clone, Debug, Default)]
struct Link {
    inc: u32,
    /// Recorded, but not sent.
    waiting: VecDeque<Request>,
    /// Sent, with the incarnation and the number of the Send.
    sent: VecDeque<((u32, u64), Request)>,
    forgot: bool,
}

/// The messages of every server to every other one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links(PerServer<PerServer<Link>>);

impl Links {
    fn link(&mut self, from: Server, to: Server, inc: u32) -> &mut Link {
        let link = self.0.get_mut(from).get_mut(to);
        if link.inc != inc {
            // What was not sent never will be; what was may still arrive.
            link.inc = inc;
            link.waiting.clear();
        }
        link
    }

    /// An AppendEntry.
    pub(crate) fn made(&mut self, from: Server, to: Server, request: Request) {
        self.link(from, to, request.at.inc).waiting.push_back(request);
    }

    /// A Send of an AppendEntries.
    pub(crate) fn left(&mut self, from: Server, to: Server, term: Term, at: Stamp) {
        let link = self.link(from, to, at.inc);
        // What was made in an earlier term and never left was given up.
        while link.waiting.front().is_some_and(|first| first.term < term) {
            link.waiting.pop_front();
        }
        if link.waiting.front().is_none_or(|first| first.term != term) {
            return;
        }
        if let Some(request) = link.waiting.pop_front() {
            link.sent.push_back(((at.inc, at.seq), request));
            if link.sent.len() > REMEMBERED {
                link.sent.pop_front();
                link.forgot = true;
            }
        }
    }

    /// The message that left with the record `cause`.
    pub(crate) fn find(&self, from: Server, to: Server, cause: Stamp) -> Handled<'_> {
        let Some(link) = self.0.get(from).and_then(|links| links.get(to)) else { return Handled::Unrecorded };
        match link.sent.binary_search_by_key(&(cause.inc, cause.seq), |(sent, _)| *sent) {
            Ok(place) => Handled::Request(&link.sent[place].1),
            Err(0) if link.forgot => Handled::Forgotten,
            Err(_) => Handled::Unrecorded,
        }
    }
}
