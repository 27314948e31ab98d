//! What is committed: counted by a coordinator (L3), learned by the others (L4).

use crate::context::{Commit, Context, Handled};
use crate::quorum::{ServerSet, Shortfall};
use crate::rules::{Rule, RuleInfo, Tally, Wants};
use crate::verdict::Witness;
use crate::words::list;
use tracecheck_schema::{Action, Event, Index, Record, Server, Stamp, Term};

/// A commit has a quorum.
pub(crate) const L3: RuleInfo = RuleInfo {
    id: "L3",
    lab: "2B",
    sentence: "CoordCommit(i): an entry of the coordinator's own term, at i or later, was on a quorum of distinct \
               servers in its causal past. Entries before it commit with it.",
    source: "Raft §5.3, §5.4.2 and Figure 8; thesis §10.2.1 (the leader's own copy counts once it is on its disk)",
    explanation: "\
A leader commits by counting the servers that have an entry of its own term. It counts itself only when its own
disk has the entry, and every other server once, however often it answers.
Entries of earlier terms are never committed by counting them: Figure 8 shows how a later leader replaces one
that a majority has. They are committed as soon as an entry of the leader's own term after them is.
The usual mistakes: to leave out the check of the term; to count replies; to take the log's present end for
what a reply confirmed.",
    example: include_str!("../examples/L3.jsonl"),
    wants: Wants::Only(&[Action::CoordCommit]),
    make: || Box::new(Counted),
};

struct Counted;

/// Who had an entry of this term at this index or later, as far as the record's past goes.
struct Copies {
    names: Vec<String>,
    witnesses: Vec<Witness>,
    /// A voter about whose disk the trace says too little.
    unclear: Option<Server>,
}

fn copies(cx: &Context, at: Stamp, server: Server, term: Term, index: Index) -> Copies {
    let (mut names, mut witnesses, mut unclear) = (vec![], vec![], None);
    for voter in cx.servers_seen().filter(|voter| cx.config.is_voter(*voter)) {
        let Some(replica) = cx.replica(voter) else { continue };
        let Some(found) = replica.supports(term, index) else {
            if !replica.is_known() {
                unclear = Some(voter);
            }
            continue;
        };
        if found.position > cx.order.seen(at, voter.into()) {
            witnesses.push(Witness::new(
                found.at,
                format!("entry {}, of which {server} had not heard", found.index),
            ));
            continue;
        }
        names.push(if voter == server { "its own".to_owned() } else { voter.to_string() });
        witnesses.push(Witness::new(
            found.at,
            format!("copy {}: entry {} of term {term}", names.len(), found.index),
        ));
    }
    Copies { names, witnesses, unclear }
}

impl Rule for Counted {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let Event::CoordCommit { term, index, entry_term, .. } = record.event else { return };
        let known = |voter: &Server| {
            let found = cx.replica(*voter).and_then(|replica| replica.supports(term, index));
            found.is_some_and(|one| one.position <= cx.order.seen(record.at, (*voter).into()))
        };
        let mut on = ServerSet::default();
        cx.servers_seen().filter(known).for_each(|voter| on.insert(voter));
        if cx.config.shortfall(&on).is_none() {
            return tally.met();
        }
        let Copies { names, mut witnesses, unclear } = copies(cx, record.at, server, term, index);
        let Some(Shortfall { have, need, of }) = cx.config.shortfall(&on) else { return tally.met() };
        if let Some(hole) = cx.hole() {
            return tally
                .unknown(|| format!("records are missing ({hole}), perhaps copies of entry {index}"));
        }
        if let Some(unclear) = unclear {
            return tally.unknown(|| format!("the trace does not say what {unclear} had on its disk"));
        }
        let whose = if names.is_empty() { String::new() } else { format!(" ({})", list(&names)) };
        let of_term = if entry_term == term { String::new() } else { format!(", of term {entry_term},") };
        let sentence = format!(
            "{server} committed entry {index}{of_term} in term {term}, but an entry of term {term} at {index} or later \
             was on {have} of {of} servers{whose}; it takes {need}."
        );
        witnesses.push(Witness::new(record.at, "committed"));
        let expected = if entry_term == term {
            format!("{server} should have waited until {need} servers had the entry on their disks.")
        } else {
            format!(
                "{server} should have waited until {need} servers had an entry of its own term {term} after it."
            )
        };
        tally.fail(sentence, witnesses, expected);
    }
}

/// What a server takes for committed, a coordinator has committed.
pub(crate) const L4: RuleInfo = RuleInfo {
    id: "L4",
    lab: "2B",
    sentence: "ServerCommit(i) has a causally earlier CoordCommit that covers i, of the same entry.",
    source: "Raft §5.3; Figure 2, AppendEntries RPC, Receiver implementation 5 (leaderCommit, index of last new entry)",
    explanation: "\
A follower learns from the leader what is committed. leaderCommit may be far ahead of what this follower has, or
of what this message has checked: entries beyond the last new one may be leftovers of another leader.
So commitIndex becomes the smaller of leaderCommit and the index of the last new entry, which the message has
just shown to be the leader's.
The usual mistake: to take leaderCommit, or the smaller of it and one's own last index.",
    example: include_str!("../examples/L4.jsonl"),
    wants: Wants::Only(&[Action::ServerStart, Action::Restored, Action::ServerCommit]),
    make: || Box::new(Learned::default()),
};

#[derive(Default)]
struct Learned {
    /// Up to here entries were committed before the trace began.
    before: Index,
}

impl Rule for Learned {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let (term, index, entry_term, operation) = match record.event {
            Event::ServerCommit { term, index, entry_term, operation } => {
                (term, index, entry_term, operation)
            }
            Event::Restored { snap_index, .. } if record.at.inc == 1 => {
                self.before = self.before.max(snap_index);
                return;
            }
            _ if record.at.inc == 1 => {
                self.before = self.before.max(record.state.map_or(0, |state| state.commit_index));
                return;
            }
            _ => return,
        };
        let Some(server) = cx.judged(record) else { return };
        let taken = Taken { server, term, index, entry_term, at: record.at };
        let earlier = cx.commits.at(index).filter(|one| cx.order.happens_before(one.at, record.at));
        let mut other = None;
        for commit in earlier {
            if (commit.entry_term, commit.operation) == (entry_term, operation) {
                return tally.met();
            }
            other = Some(commit);
        }
        if other.is_none() && cx.commits.covering(index, record.at, &cx.order).is_some() {
            return tally.met();
        }
        // A coordinator that the test plays records no commits, and what was committed before has none.
        if other.is_none() && (cx.has_scripted() || index <= self.before) {
            return taken.judge_by_message(cx, tally);
        }
        match cx.hole() {
            Some(hole) => {
                tally.unknown(|| format!("records are missing ({hole}), perhaps the commit of entry {index}"))
            }
            None => taken.fail(other, cx.commits.at(index).next(), tally),
        }
    }
}

/// A ServerCommit.
struct Taken {
    server: Server,
    term: Term,
    index: Index,
    entry_term: Term,
    at: Stamp,
}

const NO_FURTHER: &str = "A follower goes no further than leaderCommit and the last new entry.";

impl Taken {
    /// No record says what was committed, but the message says what it told.
    fn judge_by_message(&self, cx: &Context, tally: &mut Tally) {
        let Taken { server, term, index, .. } = *self;
        let Some((from, Handled::Request(request))) = cx.handled(server) else { return };
        let Some(told) = cx.replica(server).map(|replica| replica.told) else { return };
        if told.term != term {
            return;
        }
        let wrong = if index > told.commit {
            format!("but {from} had told it of commits up to {} only", told.commit)
        } else if index > told.checked {
            format!("but had compared its log with that of {from} up to {} only", told.checked)
        } else {
            return tally.met();
        };
        let witnesses = vec![
            Witness::new(
                request.at,
                format!("entries up to {}, leaderCommit {}", request.last(), request.commit),
            ),
            Witness::new(self.at, format!("takes entry {index} for committed")),
        ];
        tally.fail(format!("{server} took entry {index} for committed, {wrong}."), witnesses, NO_FURTHER);
    }

    /// `other` is another entry that was committed there, `later` a commit of which it could not know.
    fn fail(&self, other: Option<&Commit>, later: Option<&Commit>, tally: &mut Tally) {
        let Taken { server, term, index, entry_term, at } = *self;
        let (sentence, first) = match (other, later) {
            (Some(commit), _) => {
                let sentence = format!(
                    "{server} took its entry {index} of term {entry_term} for committed, but {} had committed entry \
                     {index} of term {}.",
                    commit.server, commit.entry_term
                );
                (
                    sentence,
                    Some(Witness::new(commit.at, format!("entry {index} of term {}", commit.entry_term))),
                )
            }
            (None, Some(commit)) => {
                let sentence = format!(
                    "{server} took entry {index} for committed in term {term}, before it could know that {} \
                     committed it.",
                    commit.server
                );
                (sentence, Some(Witness::new(commit.at, format!("{server} could not know of this"))))
            }
            (None, None) => {
                let sentence = format!(
                    "{server} took entry {index} of term {entry_term} for committed in term {term}, \
                     but no coordinator had committed it."
                );
                (sentence, None)
            }
        };
        let last = Witness::new(at, format!("takes entry {index} for committed"));
        tally.fail(sentence, first.into_iter().chain([last]).collect(), NO_FURTHER);
    }
}
