//! What must hold in every state: the safety properties of Raft (Figure 3), and what they rest on.
//!
//! Owns what has to be remembered for them, which no server knows: who was elected, and what was committed.
//! A sentence says which property is broken, by whom, and how.

use super::facts::{Id, Line, View};
use labrpc::schema::{Index, Server, Term};
use raft::core::{Membership, Saved};
use raft::observe::operation;
use std::collections::{BTreeMap, BTreeSet};

/// What happened so far, as far as the properties need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Past {
    /// Who led which term.
    leaders: Vec<(Term, Server)>,
    /// Everything committed, from index 1 on, and the lowest term in which a server took it for committed.
    /// Nothing, where a snapshot covered it from the start, so that nobody knows what it was.
    committed: Vec<Option<(Id, Term)>>,
}

impl Past {
    /// The past of servers that begin with these disks, where everything up to `committed` was committed before, each
    /// entry in its own term. What only snapshots have is not known.
    pub(crate) fn of(disks: &BTreeMap<Server, Saved>, committed: Index) -> Past {
        let entry = |index| disks.values().find_map(|disk| disk.log.entry(index));
        let known = |index| entry(index).map(|entry| ((entry.term, operation(entry)), entry.term));
        Past { leaders: Vec::new(), committed: (1..=committed).map(known).collect() }
    }

    /// What is known of everything committed: index, entry, term.
    fn known(&self) -> impl Iterator<Item = (Index, Id, Term)> + '_ {
        self.committed.iter().zip(1..).filter_map(|(known, index)| known.map(|(id, when)| (index, id, when)))
    }
}

/// A broken property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Broken {
    /// Its name, as the paper has it.
    pub(crate) property: &'static str,
    /// Where it comes from.
    pub(crate) source: &'static str,
    /// What happened instead, as a sentence without its full stop.
    pub(crate) sentence: String,
}

impl Broken {
    /// What should be so, as a sentence.
    pub(crate) fn should(&self) -> &'static str {
        match self.property {
            "Election Safety" => "At most one leader can be elected in a given term.",
            "Leader Completeness" => {
                "What is committed in a term is in the logs of the leaders of all later terms."
            }
            "Log Matching" => {
                "Where two logs have an entry with the same index and term, they are identical up to it."
            }
            "State Machine Safety" => {
                "No two servers apply, or take for committed, different entries at the same index."
            }
            "durable majority" => "What is committed is on the disks of a majority, and stays there.",
            "honest messages" => {
                "What a message says must be on its sender's disk before the message leaves."
            }
            _ => "The code should not panic, whatever arrives in whatever order.",
        }
    }
}

fn broken(property: &'static str, source: &'static str, sentence: String) -> Result<(), Broken> {
    Err(Broken { property, source, sentence })
}

/// One server after something happened to it, among all.
pub(crate) struct Moved<'a> {
    pub(crate) servers: &'a [Server],
    /// Everybody as they are now.
    pub(crate) facts: &'a [&'a View],
    /// Who moved.
    pub(crate) who: usize,
    /// What it was before.
    pub(crate) before: &'a View,
    pub(crate) membership: &'a Membership,
}

impl Moved<'_> {
    fn now(&self) -> &View {
        self.facts[self.who]
    }

    fn me(&self) -> Server {
        self.servers[self.who]
    }

    /// Whether anything changed that a property speaks of.
    pub(crate) fn matters(&self) -> bool {
        let (before, now) = (self.before, self.now());
        before.log != now.log
            || before.durable != now.durable
            || before.state.commit_index != now.state.commit_index
            || before.leads() != now.leads()
    }

    /// Checks every property that this move can break, and notes in `past` what it added.
    pub(crate) fn check(&self, past: &mut Past) -> Result<(), Broken> {
        let (before, now) = (self.before, self.now());
        if let Some(term) = now.leads().filter(|_| before.leads() != now.leads()) {
            self.elected(term, past)?;
        }
        if before.log != now.log {
            self.matching()?;
        }
        if now.state.commit_index > before.state.commit_index {
            self.committed(past)?;
        }
        self.durable(past)?;
        self.electable(past)
    }

    /// Election Safety and Leader Completeness.
    fn elected(&self, term: Term, past: &mut Past) -> Result<(), Broken> {
        let me = self.me();
        match past.leaders.iter().find(|(of, _)| *of == term) {
            Some((_, other)) if *other != me => {
                return broken(
                    "Election Safety",
                    "Figure 3, §5.2",
                    format!("{other} and {me} were both elected in term {term}"),
                );
            }
            Some(_) => {}
            None => {
                past.leaders.push((term, me));
                past.leaders.sort_unstable();
            }
        }
        for (index, id, when) in past.known() {
            if when < term && !self.now().log.has(index, id) {
                return broken(
                    "Leader Completeness",
                    "Figure 3, §5.4",
                    format!(
                        "{me} was elected in term {term} without entry {index} of term {}, which was committed in term {when}",
                        id.0
                    ),
                );
            }
        }
        Ok(())
    }

    /// Log Matching: where two logs have an entry of one index and term, they agree up to it.
    fn matching(&self) -> Result<(), Broken> {
        let mine = &self.now().log;
        for (other, facts) in self.servers.iter().zip(self.facts) {
            let theirs = &facts.log;
            let Some(same) =
                (1..=mine.last().min(theirs.last())).rev().find(|index| same_term(mine, theirs, *index))
            else {
                continue;
            };
            let differ = |index: &Index| match (mine.at(*index), theirs.at(*index)) {
                (Some(one), Some(two)) => one != two,
                _ => false,
            };
            if let Some(index) = (1..=same).find(differ) {
                return broken(
                    "Log Matching",
                    "Figure 3, §5.3",
                    format!(
                        "the logs of {} and {other} agree about the term of entry {same}, and differ in entry {index}",
                        self.me()
                    ),
                );
            }
        }
        Ok(())
    }

    /// State Machine Safety: nobody takes another entry for committed at an index.
    fn committed(&self, past: &mut Past) -> Result<(), Broken> {
        let (me, now) = (self.me(), self.now());
        let commit = now.state.commit_index;
        if commit > now.log.last() {
            return broken(
                "State Machine Safety",
                "Figure 3, §5.4.3",
                format!("{me} takes entry {commit} for committed, and its log ends at {}", now.log.last()),
            );
        }
        for index in 1..=commit {
            let place = index as usize - 1;
            if past.committed.len() == place {
                past.committed.push(None);
            }
            match (past.committed[place], now.log.at(index)) {
                (Some((id, _)), Some(mine)) if id != mine => {
                    return broken(
                        "State Machine Safety",
                        "Figure 3, §5.4.3",
                        format!(
                            "{me} takes an entry of term {} at index {index} for committed, where one of term {} was committed before",
                            mine.0, id.0
                        ),
                    );
                }
                (None, Some(mine)) => past.committed[place] = Some((mine, now.state.term)),
                _ => {}
            }
            if let Some((_, when)) = &mut past.committed[place] {
                *when = (*when).min(now.state.term);
            }
        }
        self.later_leaders_have(past)
    }

    /// Leader Completeness, where the election came first and the news of the commit later.
    fn later_leaders_have(&self, past: &Past) -> Result<(), Broken> {
        for (leader, facts) in self.servers.iter().zip(self.facts) {
            let lacks = |(index, id, when): (Index, Id, Term)| {
                (facts.leads() > Some(when) && !facts.log.has(index, id)).then_some((index, id.0, when))
            };
            if let Some((index, of, when)) = past.known().find_map(lacks) {
                return broken(
                    "Leader Completeness",
                    "Figure 3, §5.4",
                    format!(
                        "entry {index} of term {of} was committed in term {when}, and {leader}, who leads term {}, does not have it",
                        facts.state.term
                    ),
                );
            }
        }
        Ok(())
    }

    /// What is committed is on the disks of a quorum, and stays there.
    fn durable(&self, past: &Past) -> Result<(), Broken> {
        for (index, id, _) in past.known() {
            let has = |(_, facts): &(&Server, &&View)| facts.durable.has(index, id);
            let with: BTreeSet<Server> =
                self.servers.iter().zip(self.facts).filter(has).map(|(server, _)| *server).collect();
            if !self.membership.is_quorum(&with) {
                let names: Vec<String> = with.iter().map(Server::to_string).collect();
                let names = if names.is_empty() { "nobody".to_owned() } else { names.join(" and ") };
                return broken(
                    "durable majority",
                    "§5.3, §5.4",
                    format!(
                        "entry {index} of term {} was committed, and only {names} would still have it after a crash",
                        id.0
                    ),
                );
            }
        }
        Ok(())
    }

    /// Leader Completeness, before it is too late: nobody who lacks a committed entry has a log so up to date that a
    /// quorum would vote for it (§5.4.1). Where an old entry was committed by counting, somebody has (Figure 8).
    fn electable(&self, past: &Past) -> Result<(), Broken> {
        let end = |log: &Line| (log.entries.last().map_or(log.base.1, |(term, _)| *term), log.last());
        for (index, id, when) in past.known() {
            for (server, facts) in self.servers.iter().zip(self.facts) {
                if facts.log.has(index, id) {
                    continue;
                }
                let voters = self.servers.iter().zip(self.facts);
                let voters =
                    voters.filter(|(_, voter)| end(&facts.log) >= end(&voter.log)).map(|(voter, _)| *voter);
                if self.membership.is_quorum(&voters.collect()) {
                    return broken(
                        "Leader Completeness",
                        "§5.4.1, Figure 8",
                        format!(
                            "entry {index} of term {} was committed in term {when}, and {server}, which lacks it, has a log so up to date that a quorum would still elect it",
                            id.0
                        ),
                    );
                }
            }
        }
        Ok(())
    }
}

fn same_term(one: &Line, two: &Line, index: Index) -> bool {
    matches!((one.at(index), two.at(index)), (Some((one, _)), Some((two, _))) if one == two)
}
