//! Who may replace entries: a leader none (L1), a follower only what is in conflict (L11).

use crate::context::{Context, Handled, Replaced, Trigger, slot};
use crate::rules::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::verdict::Witness;
use tracecheck_schema::{Action, EntryId, Event, Index, Kind, Record, Role, Server, Stamp, Term};

/// Leader Append-Only.
pub(crate) const L1: RuleInfo = RuleInfo {
    id: "L1",
    lab: "2B",
    sentence: "Leader Append-Only: a leader never replaces or removes entries of its log (compaction excepted).",
    source: "Raft Figure 3 (Leader Append-Only), §5.3",
    explanation: "\
A leader's log is what the others are made to agree with. It may have told them of any of its entries already,
so it only ever appends. Also a server that has just won keeps all that it has: an entry of an earlier term may
be committed without its knowing it.
The usual mistakes: to cut the uncommitted tail when becoming the leader; to write a new entry at
commitIndex + 1 instead of after the last one; to handle AppendEntries as a leader.",
    example: include_str!("../examples/L1.jsonl"),
    wants: Wants::Only(&[Action::LogWrite]),
    make: || Box::new(AppendOnly),
};

struct AppendOnly;

/// The entries that this very record replaced.
fn replaced<'a>(cx: &'a Context, server: Server, record: &Record) -> Option<&'a Replaced> {
    cx.replica(server)?.replaced.as_ref().filter(|replaced| replaced.at == record.at)
}

/// `entry 3`, or `entries 3 to 5`.
fn range(from: Index, upto: Index) -> String {
    if from == upto { format!("entry {from}") } else { format!("entries {from} to {upto}") }
}

impl Rule for AppendOnly {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let (Some(server), Event::LogWrite { from, entries, .. }) = (cx.judged(record), &record.event) else {
            return;
        };
        if *from == 0 {
            return;
        }
        let Some(state) = record.state else { return tally.unknown(|| stateless(record)) };
        if state.role != Role::Leader {
            return;
        }
        let Some(replaced) = replaced(cx, server, record) else { return tally.met() };
        let same = |(old, new): (_, &EntryId)| old == slot(new);
        let kept = replaced.slots.iter().copied().zip(entries).take_while(|pair| same(*pair)).count();
        if kept == replaced.slots.len() {
            return tally.met();
        }
        let (first, last) = (from + kept as Index, from + replaced.slots.len() as Index - 1);
        let what = range(first, last);
        let how = if kept < entries.len() { "replaced" } else { "removed" };
        let sentence = format!("{server}, the leader of term {}, {how} {what} of its own log.", state.term);
        let witnesses = vec![Witness::new(record.at, format!("{how} {what}"))];
        let expected = format!("{server} should have appended after entry {last}.");
        tally.fail(sentence, witnesses, expected);
    }
}

/// Truncation only where there is a conflict.
pub(crate) const L11: RuleInfo = RuleInfo {
    id: "L11",
    lab: "2B",
    sentence: "A follower replaces entries only from an index on at which its entry's term differs from the leader's.",
    source: "Raft Figure 2, AppendEntries RPC, Receiver implementation 3 (delete what conflicts, and what follows it)",
    explanation: "\
AppendEntries may be delayed or repeated. An old one ends earlier than what the follower has got since; if the
follower cuts its log there, it forgets entries that it has acknowledged and that may be committed.
So look for the first entry of the message whose term differs from what the log has at that index, and cut
there. Where nothing differs, nothing is cut, however short the message is.
The usual mistake: to cut after prevLogIndex and append all that the message brings.",
    example: include_str!("../examples/L11.jsonl"),
    wants: Wants::Only(&[Action::LogWrite]),
    make: || Box::new(Conflicts),
};

struct Conflicts;

/// What the leader has at the first index that a follower replaces.
enum Theirs {
    /// An entry of this term; if the request is recorded, by this record.
    Term(Term, Option<Stamp>),
    /// The request says nothing about it.
    Silent(Stamp),
    /// The request is not recorded, and what was written ends before it.
    Nothing,
    /// Nobody asked for it.
    NoRequest,
    Undecided,
}

fn theirs(cx: &Context, server: Server, from: Index, entries: &[EntryId], kept: usize) -> Theirs {
    let written = match entries.first() {
        Some(EntryId(_, term, _)) => Theirs::Term(*term, None),
        None if kept > 0 => Theirs::Nothing,
        None => Theirs::Undecided,
    };
    match cx.handled(server) {
        Some((_, Handled::Request(request))) => match request.term_at(from) {
            Some(term) => Theirs::Term(term, Some(request.at)),
            None => Theirs::Silent(request.at),
        },
        // Without the message there is only the write itself to go by.
        Some((_, Handled::Forgotten | Handled::Unrecorded)) => written,
        None if cx.hole_in(server).is_some() => Theirs::Undecided,
        None => Theirs::NoRequest,
    }
}

impl Rule for Conflicts {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let (Some(server), Event::LogWrite { from, entries, .. }) = (cx.judged(record), &record.event) else {
            return;
        };
        let Some(replaced) = replaced(cx, server, record) else { return };
        let Some(state) = record.state else { return tally.unknown(|| stateless(record)) };
        // A leader's writes are L1's matter, and what a snapshot replaces is L10's.
        let installs = matches!(cx.step(server).trigger, Trigger::Message { kind: Kind::InstallRequest, .. });
        if state.role == Role::Leader || installs {
            return;
        }
        // What is written again as it was is not replaced: a server may write all that a message brings.
        let same = |(old, new): (_, &EntryId)| old == slot(new);
        let kept = replaced.slots.iter().copied().zip(entries).take_while(|pair| same(*pair)).count();
        let Some(old) = replaced.slots.get(kept) else { return tally.met() };
        let (entries, last) = (&entries[kept..], *from + replaced.slots.len() as Index - 1);
        let from = *from + kept as Index;
        let what = range(from, last);
        let mut witnesses = Vec::new();
        let why = match theirs(cx, server, from, entries, kept) {
            Theirs::Term(term, _) if term != old.term => return tally.met(),
            Theirs::Term(term, _)
                if entries.first().is_some_and(|new| new.1 == term && slot(new) != *old) =>
            {
                // The same term with another operation: L5 says so. It is a conflict.
                return tally.met();
            }
            Theirs::Term(term, at) => {
                witnesses
                    .extend(at.map(|at| Witness::new(at, format!("carries entry {from} of term {term}"))));
                format!("although nothing conflicted: its entry {from} was of term {term} as well")
            }
            Theirs::Silent(at) => {
                witnesses.push(Witness::new(at, format!("says nothing about entry {from}")));
                format!("although the message that it handled says nothing about entry {from}")
            }
            Theirs::Nothing => "although it wrote nothing in its place".to_owned(),
            Theirs::NoRequest => "without a message from a leader".to_owned(),
            Theirs::Undecided => {
                return tally
                    .unknown(|| format!("the message that {server} handled at {} is missing", record.at));
            }
        };
        let how = if entries.is_empty() { "removed" } else { "replaced" };
        witnesses.push(Witness::new(record.at, format!("{how} {what}")));
        let expected = format!("{server} should have kept its log up to the first entry whose term differs.");
        tally.fail(format!("{server} {how} {what} {why}."), witnesses, expected);
    }
}
