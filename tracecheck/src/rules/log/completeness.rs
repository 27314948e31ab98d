//! Leader Completeness (L6).

use crate::context::{At, Commit, Context, PerServer};
use crate::rules::{Rule, RuleInfo, Tally, Wants};
use crate::verdict::Witness;
use std::collections::BTreeMap;
use tracecheck_schema::{Action, EntryId, Event, Index, Record, Server, Stamp, Term};

/// Leader Completeness.
pub(crate) const L6: RuleInfo = RuleInfo {
    id: "L6",
    lab: "2B",
    sentence: "Leader Completeness: who is elected has every entry that a coordinator of an earlier term committed, \
               also if that one records the commit later.",
    source: "Raft Figure 3 (Leader Completeness), §5.4.3",
    explanation: "\
A new leader makes all logs like its own. If it lacks a committed entry, that entry is lost, although a client
was told that it holds.
It cannot happen: the entry is on a majority, the winner has votes from a majority, and whoever is in both
refuses a candidate whose log is behind its own (E7). An entry that an old leader commits after the election
counts too: its copies were there before the votes.
When this rule breaks, look for a broken E7, L3, D1 or L9 in the same run first.",
    example: include_str!("../examples/L6.jsonl"),
    wants: Wants::Only(&[
        Action::ServerStart,
        Action::Restored,
        Action::LogWrite,
        Action::CoordElected,
        Action::CoordCommit,
    ]),
    make: || Box::new(Complete::default()),
};

#[derive(Default)]
struct Complete {
    servers: PerServer<Compared>,
    elected: BTreeMap<Term, Vec<Elected>>,
}

/// How much of a server's log need not be looked at again.
#[derive(Default)]
struct Compared {
    /// Up to here it was compared with the commits so far, and has them.
    checked: Index,
    /// The most that is left of the logs with which it was elected.
    kept: Index,
}

/// A server that was elected, and how much of its log then is still what it was.
struct Elected {
    server: Server,
    at: Stamp,
    last: Index,
    kept: Index,
}

impl Complete {
    /// The log from here on is another one.
    fn cut(&mut self, server: Server, from: Index) {
        let left = from.saturating_sub(1);
        let Compared { checked, kept } = self.servers.get_mut(server);
        *checked = left.min(*checked);
        if *kept > left {
            *kept = left;
            for elected in self.elected.values_mut().flatten().filter(|elected| elected.server == server) {
                elected.kept = elected.kept.min(left);
            }
        }
    }

    fn win(&mut self, cx: &Context, server: Server, term: Term, at: Stamp, tally: &mut Tally) {
        let Some(log) = cx.log(server) else { return };
        let last = log.last();
        let compared = self.servers.get_mut(server);
        let start = compared.checked.max(log.snapshot.0).saturating_add(1);
        let mut clear = true;
        for commit in cx.commits.from(start) {
            if commit.term >= term {
                clear = false;
                continue;
            }
            match log.at(commit.index).holds(commit.entry_term, commit.operation) {
                Some(true) => {}
                Some(false) => return lacks(cx, server, term, at, commit, at, tally),
                None => {
                    return tally.unknown(|| {
                        format!("the trace does not say what {server} had at index {}", commit.index)
                    });
                }
            }
        }
        if clear {
            compared.checked = cx.commits.last();
        }
        compared.kept = last;
        self.elected.entry(term).or_default().push(Elected { server, at, last, kept: last });
        // Where nothing was committed yet, there was nothing to have.
        if cx.commits.last() > 0 {
            tally.met();
        }
    }

    /// A commit that comes after the election of a later term.
    fn late(&self, cx: &Context, commit: &Commit, tally: &mut Tally) {
        for (&term, elected) in self.elected.range(commit.term.saturating_add(1)..) {
            for Elected { server, at, last, kept } in elected {
                if !cx.is_judged(*server) || (commit.index > *kept && commit.index <= *last) {
                    continue;
                }
                let Some(log) = cx.log(*server) else { continue };
                let has = commit.index <= *last;
                match log.at(commit.index).holds(commit.entry_term, commit.operation) {
                    Some(true) if has => tally.met(),
                    None => tally.unknown(|| {
                        format!("the trace does not say what {server} had at index {}", commit.index)
                    }),
                    _ => return lacks(cx, *server, term, *at, commit, commit.at, tally),
                }
            }
        }
    }
}

fn lacks(
    cx: &Context,
    server: Server,
    term: Term,
    elected: Stamp,
    commit: &Commit,
    last: Stamp,
    tally: &mut Tally,
) {
    if let Some(hole) = cx.hole_in(server) {
        return tally.unknown(|| format!("records are missing ({hole}), perhaps a write of {server}"));
    }
    let Commit { index, entry_term, .. } = *commit;
    let has = match cx.log(server).map_or(At::Beyond, |log| log.at(index)) {
        At::Entry(slot) if slot.term != entry_term => format!("its entry {index} is of term {}", slot.term),
        At::Beyond => format!("it has no entry {index}"),
        _ => format!("its entry {index} is another one"),
    };
    let sentence = format!(
        "{server} was elected in term {term} without entry {index} of term {entry_term}, which {} committed in term \
         {}: {has}.",
        commit.server, commit.term
    );
    let mut witnesses = vec![
        Witness::new(commit.at, format!("commits entry {index} of term {entry_term}")),
        Witness::new(elected, "elected without it"),
    ];
    if last == commit.at {
        witnesses.reverse();
    }
    tally.fail(sentence, witnesses, "Only a server that has every committed entry can win an election.");
}

impl Rule for Complete {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = record.server() else { return };
        match &record.event {
            // What a restart brings back is compared anew. What it should bring back is L9's matter.
            Event::ServerStart { .. } => self.servers.get_mut(server).checked = 0,
            Event::Restored { entries, snap_index, .. } => {
                let last = entries.last().map_or(*snap_index, |EntryId(index, _, _)| *index);
                self.cut(server, last.saturating_add(1));
            }
            Event::LogWrite { from, .. } if *from > 0 => self.cut(server, *from),
            Event::CoordElected { term, .. } if cx.is_judged(server) => {
                self.win(cx, server, *term, record.at, tally);
            }
            Event::CoordCommit { term, index, entry_term, operation } => {
                let (term, index, entry_term, operation) = (*term, *index, *entry_term, *operation);
                let commit = Commit { at: record.at, server, term, index, entry_term, operation };
                self.late(cx, &commit, tally);
            }
            _ => {}
        }
    }
}
