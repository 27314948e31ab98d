//! What a script expects, and the sentences where it is not so.

use super::parse::{Pick, Wanted};
use super::world::{What, World};
use crate::check::unmet;
use crate::harness::Done;
use labrpc::schema::{Index, Role, Server, State, Term, Timer};
use raft::core::{Rep, Req};
use scenario::Expectation;

impl World {
    pub(super) fn expect_server(&self, server: Server, wanted: &Wanted, why: &str) -> Done {
        let complaint = self.complaint(server, wanted);
        complaint.map_or(Ok(()), |sentence| Err(self.unmet(sentence, why, server, "here")))
    }

    /// What is not as wanted, if anything is.
    pub(super) fn complaint(&self, server: Server, wanted: &Wanted) -> Option<String> {
        let real = &self.real[&server];
        let state = real.core.state();
        role_or_vote(server, &state, wanted).or_else(|| {
            let log = real.core.log();
            let terms = |log: &raft::core::Log| -> Vec<Term> {
                let entries = log.slice(log.base().0 + 1, usize::MAX);
                entries.iter().map(|entry| entry.term).collect()
            };
            if wanted.timer.is_some_and(|timer| !real.timers.contains(&timer)) {
                let timer = wanted.timer.unwrap_or(Timer::Election);
                Some(format!(
                    "{server}, a {:?} of term {}, has no {timer:?} timer set.",
                    state.role, state.term
                ))
            } else if wanted.armed.is_some_and(|timer| !real.armed.contains(&timer)) {
                let timer = wanted.armed.unwrap_or(Timer::Election);
                Some(format!("{server} did not restart its {timer:?} timer."))
            } else if wanted.log.as_ref().is_some_and(|wanted| *wanted != terms(log)) {
                let first = log.base().0 + 1;
                Some(format!(
                    "{server}'s log, from index {first} on, has entries of the terms {:?}.",
                    terms(log)
                ))
            } else if wanted.commit.is_some_and(|commit| commit != state.commit_index) {
                Some(format!("{server} takes everything up to {} for committed.", state.commit_index))
            } else if wanted.snapshot.is_some_and(|index| index != log.base().0) {
                Some(format!("{server}'s snapshot covers everything up to {}.", log.base().0))
            } else {
                None
            }
        })
    }

    pub(super) fn expect_answer(
        &self,
        text: &str,
        link: &Pick,
        (granted, term): (bool, Option<Term>),
        why: &str,
    ) -> Done {
        let newest = self.flights.iter().rev().find_map(|flight| match &flight.what {
            What::Reply(_, rep) if flight.matches(link) => Some(rep),
            _ => None,
        });
        let yes = match newest {
            Some(Rep::PreVote(rep) | Rep::Vote(rep)) => rep.granted,
            Some(Rep::Append(rep)) => rep.success,
            Some(Rep::Install(rep)) => rep.installed,
            None => {
                self.find(text, link)?;
                return Ok(());
            }
        };
        if let Some((rep, term)) = newest.zip(term).filter(|(rep, term)| rep.term() != *term) {
            let sentence = format!(
                "{} answered the {} of {} with term {}, but its own term is {term}.",
                link.from,
                asked(rep),
                link.to,
                rep.term()
            );
            return Err(self.unmet(sentence, why, link.from, "its answer"));
        }
        if yes == granted {
            return Ok(());
        }
        let (did, what) = (if yes { "granted" } else { "refused" }, newest.map_or("message", asked));
        let sentence = format!("{} {did} the {what} of {}.", link.from, link.to);
        Err(self.unmet(sentence, why, link.from, "its answer"))
    }

    /// The newest request under way there is of a candidate whose log ends so.
    pub(super) fn expect_request(&self, text: &str, link: &Pick, last: (Index, Term), why: &str) -> Done {
        let newest = self.flights.iter().rev().find_map(|flight| match &flight.what {
            What::Request(Req::PreVote(args) | Req::Vote(args)) if flight.matches(link) => Some(args),
            _ => None,
        });
        let Some(args) = newest else { return Err(self.no_such_message(text, link.from, link.to)) };
        if (args.last_index, args.last_term) == last {
            return Ok(());
        }
        let sentence = format!(
            "{} told {} that its log ends with entry {} of term {}, but it ends with entry {} of term {}.",
            link.from, link.to, args.last_index, args.last_term, last.0, last.1
        );
        Err(self.unmet(sentence, why, link.from, "its request"))
    }

    /// `why` is a sentence that ends with its source in brackets; without one, the script's source counts.
    pub(super) fn unmet(&self, sentence: String, why: &str, server: Server, note: &str) -> Expectation {
        let (expected, source) = match why.trim_end_matches('.').rsplit_once(" (") {
            Some((expected, source)) => (format!("{expected}."), source.trim_end_matches(')')),
            None if why.is_empty() => {
                ("That is not where the story has come to by then.".to_owned(), self.source)
            }
            None => (why.to_owned(), self.source),
        };
        unmet(source, sentence, expected, self.witness(server, note))
    }

    pub(super) fn expect_nothing(&self, link: &Pick, why: &str) -> Done {
        if !self.flights.iter().any(|flight| flight.matches(link)) {
            return Ok(());
        }
        let sentence = format!("A message from {} to {} is under way already.", link.from, link.to);
        Err(self.unmet(sentence, why, link.from, "too early"))
    }
}

/// What an answer is about.
fn asked(rep: &Rep) -> &'static str {
    match rep {
        Rep::PreVote(_) => "pre-vote",
        Rep::Vote(_) => "request for a vote",
        Rep::Append(_) => "AppendEntries",
        Rep::Install(_) => "InstallSnapshot",
    }
}

fn role_or_vote(server: Server, state: &State, wanted: &Wanted) -> Option<String> {
    let someone = |who: Option<Server>| who.map_or_else(|| "nobody".to_owned(), |who| who.to_string());
    if wanted.role.is_some_and(|role| role != state.role) {
        let role = match state.role {
            Role::Follower => "a follower",
            Role::PreCandidate => "still asking for pre-votes",
            Role::Candidate => "a candidate",
            Role::Leader => "the leader",
        };
        Some(format!("{server} is {role} in term {}.", state.term))
    } else if wanted.term.is_some_and(|term| term != state.term) {
        Some(format!("{server} is in term {}.", state.term))
    } else if wanted.vote.is_some_and(|vote| vote != state.voted_for) {
        Some(format!("{server}'s vote in term {} is for {}.", state.term, someone(state.voted_for)))
    } else if wanted.leader.is_some_and(|leader| leader != state.leader_id) {
        Some(match state.leader_id {
            Some(leader) => format!("{server} takes {leader} for the leader of term {}.", state.term),
            None => format!("{server} knows no leader of term {}.", state.term),
        })
    } else {
        None
    }
}
