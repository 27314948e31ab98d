//! Confirmed reads: what must stand behind a get that was answered without an entry of its own (for K4).
//!
//! Owns each coordinator's ReadPoints, with the answers of the others that it had heard by then.
//!
//! A get is safe by a ReadPoint if
//! - a quorum of voters was in the coordinator's term when the get had been asked: so nobody else can have led, and
//!   committed something, before the get was asked. An AppendReply of that term, sent later than that, says so;
//! - the coordinator had committed an entry of its own term, so that it knows what its predecessors committed;
//! - the index is no lower than what it had committed when it could first know of the get;
//! - whoever answers has applied up to there.

use crate::context::{Context, PerServer};
use crate::quorum::{ServerSet, Shortfall};
use crate::verdict::Witness;
use crate::words::list;
use tracecheck_schema::{Event, Index, Kind, Record, Server, Stamp, Term};

/// A ReadPoint.
struct Point {
    at: Stamp,
    position: u64,
    term: Term,
    index: Index,
    /// Each server whose answer of this term had arrived, and the place of the last such answer in its own chain.
    heard: Box<[(Server, u64)]>,
}

/// What one server did as coordinator.
#[derive(Default)]
struct Coordinator {
    points: Vec<Point>,
    /// The incarnation and term of `heard`.
    now: (u32, Term),
    heard: Vec<(Server, u64)>,
    /// The first commit of an entry of its own, in each term that it led: term, index, place.
    own: Vec<(Term, Index, u64)>,
    /// Every commit: place, index.
    commits: Vec<(u64, Index)>,
}

/// Why a get is not safe, after its answer: the rest of a sentence, what shows it, what would have been right.
pub(crate) struct Refuted {
    pub(crate) why: String,
    pub(crate) witness: Option<Witness>,
    pub(crate) expected: String,
    /// Set if the trace says too little.
    pub(crate) undecided: Option<String>,
}

/// What every server's records say of a get's beginning.
struct Asked {
    /// For each server, the place of its first record that the get's Invoke happened before.
    known: Vec<(Server, u64)>,
}

impl Asked {
    fn place(&self, server: Server) -> Option<u64> {
        self.known.iter().find(|(other, _)| *other == server).map(|(_, place)| *place)
    }
}

#[derive(Default)]
pub(crate) struct Reads {
    servers: PerServer<Coordinator>,
}

impl Reads {
    /// Takes in what a coordinator hears, commits and confirms.
    pub(crate) fn take(&mut self, cx: &Context, server: Server, record: &Record) {
        let position = cx.now.position;
        match record.event {
            Event::CoordCommit { term, index, entry_term, .. } => {
                let this = self.servers.get_mut(server);
                if !cx.clients.any() {
                    // Of what was committed before the first client came, only the last matters.
                    this.commits.clear();
                }
                this.commits.push((position, index));
                if entry_term == term && this.own.last().is_none_or(|(last, _, _)| *last != term) {
                    this.own.push((term, index, position));
                }
            }
            // Before the first client came there is nothing to confirm.
            Event::Recv { kind: Kind::AppendReply | Kind::InstallReply, from, term, .. }
                if cx.clients.any() =>
            {
                let sent = record.cause.and_then(|cause| cx.order.position(cause));
                let own = record.state.map(|state| state.term);
                if let Some(sent) = sent.filter(|_| own == Some(term)) {
                    self.servers.get_mut(server).hears((record.at.inc, term), from, sent);
                }
            }
            Event::ReadPoint { index, .. } => {
                let shown = cx.server(server).and_then(|view| view.state);
                let Some(term) = record.state.or(shown.map(|(state, _)| state)).map(|state| state.term)
                else {
                    return;
                };
                let this = self.servers.get_mut(server);
                let heard = if this.now == (record.at.inc, term) { this.heard.clone() } else { vec![] };
                this.points.push(Point { at: record.at, position, term, index, heard: heard.into() });
            }
            _ => {}
        }
    }

    /// Why the get that was asked at `asked` and answered by `server` at `at` is not safe; `None` if it is.
    pub(crate) fn refute(&self, cx: &Context, server: Server, asked: Stamp, at: Stamp) -> Option<Refuted> {
        let place = |one: &Server| Some((*one, cx.order.first_after(asked, (*one).into())?));
        let asked = Asked { known: cx.servers_seen().filter_map(|one| place(&one)).collect() };
        let mut nearest: Option<(u32, Refuted)> = None;
        for coordinator in cx.servers_seen() {
            let Some(of) = self.servers.get(coordinator) else { continue };
            let seen = cx.order.seen(at, coordinator.into());
            let known = of.points.partition_point(|point| point.position <= seen);
            let Some(first) = asked.place(coordinator) else { continue };
            // What was confirmed before the coordinator could know of the get was not confirmed for it.
            for point in of.points[..known].iter().rev().take_while(|point| point.position >= first) {
                let (rank, refuted) = of.judge(cx, coordinator, point, &asked, (server, seen))?;
                if nearest.as_ref().is_none_or(|(best, _)| *best < rank) {
                    nearest = Some((rank, refuted));
                }
            }
        }
        Some(nearest.map_or_else(|| unconfirmed(server), |(_, refuted)| refuted))
    }
}

fn unconfirmed(server: Server) -> Refuted {
    Refuted {
        why: "but no entry with it was committed, and no coordinator was confirmed since it was asked"
            .to_owned(),
        witness: None,
        expected: format!(
            "{server} should have had the coordinator confirm that it still is one, or proposed the get."
        ),
        undecided: None,
    }
}

impl Coordinator {
    fn hears(&mut self, now: (u32, Term), from: Server, sent: u64) {
        if self.now != now {
            self.now = now;
            self.heard.clear();
        }
        match self.heard.iter_mut().find(|(other, _)| *other == from) {
            // Answers overtake each other: the one that was sent last says most.
            Some((_, last)) => *last = sent.max(*last),
            None => self.heard.push((from, sent)),
        }
    }

    /// Why a ReadPoint of this coordinator `me` does not make the answer safe, and how near it comes; `None` if it
    /// does. `answer` is who answered, and how many of the coordinator's records it could know.
    fn judge(
        &self,
        cx: &Context,
        me: Server,
        point: &Point,
        asked: &Asked,
        answer: (Server, u64),
    ) -> Option<(u32, Refuted)> {
        let (server, seen) = answer;
        let refuted = |rank: u32, why: String, note: &str, expected: &str| {
            let witness = Some(Witness::new(point.at, note));
            Some((rank, Refuted { why, witness, expected: expected.to_owned(), undecided: None }))
        };
        let confirms = |(from, sent): &(Server, u64)| asked.place(*from).is_some_and(|place| *sent >= place);
        let mut still = ServerSet::of(&[me]);
        point.heard.iter().filter(|heard| confirms(heard)).for_each(|(from, _)| still.insert(*from));
        if let Some(Shortfall { have, need, of }) = cx.config.shortfall(&still) {
            let others = point.heard.iter().filter(|heard| confirms(heard)).map(|(from, _)| from.to_string());
            let names: Vec<String> = std::iter::once("its own".to_owned()).chain(others).collect();
            let why = format!(
                "but since it was asked, {have} of {of} servers ({}) had confirmed that {me} coordinates term {}; it \
                 takes {need}",
                list(&names),
                point.term
            );
            return refuted(1, why, "taken as confirmed", "A quorum must answer after the get was asked.");
        }
        let own = self.own.iter().find(|(term, _, place)| *term == point.term && *place <= seen);
        let Some((_, own, _)) = own.filter(|(_, own, _)| *own <= point.index) else {
            let why = format!("but {me} had committed no entry of its own term {} by then", point.term);
            let expected =
                "A new coordinator first commits an entry of its own term: so it learns what is committed.";
            return refuted(2, why, "confirmed too early", expected);
        };
        let first = asked.place(me).unwrap_or(0);
        let before = self.commits.partition_point(|(place, _)| *place < first);
        let committed = self.commits[..before].last().map_or(*own, |(_, index)| (*index).max(*own));
        if point.index < committed {
            let why = format!(
                "but {me} confirmed it up to entry {} only, and had committed up to {committed} when it was asked",
                point.index
            );
            return refuted(
                3,
                why,
                "confirmed for an older index",
                "The read's index is the commit index of then.",
            );
        }
        let applied = applied(cx, server, point.index);
        if applied >= Some(point.index) {
            return None;
        }
        let Some(applied) = applied else {
            let undecided =
                format!("the trace does not say what {server} had applied up to entry {}", point.index);
            let (why, expected) = (String::new(), String::new());
            return Some((5, Refuted { why, witness: None, expected, undecided: Some(undecided) }));
        };
        let why =
            format!("but it had applied entries up to {applied} only, and {} were committed", point.index);
        refuted(
            4,
            why,
            "confirmed up to here",
            "Whoever answers waits until it has applied up to the read's index.",
        )
    }
}

/// How far a server has applied the log, at least up to `index` if it did so: leaders' no-ops are never delivered.
/// `None` if the trace does not say what lies between.
fn applied(cx: &Context, server: Server, index: Index) -> Option<Index> {
    let mut applied = cx.server(server).map_or(0, |view| view.applied);
    while applied < index {
        let mut commits = cx.commits.at(applied + 1);
        match commits.next() {
            Some(commit) if commit.operation == 0 => applied += 1,
            Some(_) => return Some(applied),
            None => return None,
        }
    }
    Some(applied)
}
