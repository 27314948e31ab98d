//! What a script expects, and the sentences where it is not so.

use super::parse::{Pick, Wanted};
use super::world::{What, World};
use crate::check::unmet;
use crate::harness::Done;
use labrpc::schema::{Server, State, Term, Timer};
use raft::core::Rep;

impl World {
    pub(super) fn expect_server(&self, server: Server, wanted: &Wanted, why: &str) -> Done {
        let real = &self.real[&server];
        let state = real.core.state();
        let complaint = role_or_vote(server, &state, wanted).or_else(|| {
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
        });
        complaint
            .map_or(Ok(()), |sentence| Err(unmet(self.source, sentence, why, self.witness(server, "here"))))
    }

    pub(super) fn expect_answer(&self, text: &str, link: &Pick, granted: bool, why: &str) -> Done {
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
        if yes == granted {
            return Ok(());
        }
        let did = if yes { "granted what" } else { "refused what" };
        let sentence = format!("{} {did} {} asked.", link.from, link.to);
        Err(unmet(self.source, sentence, why, self.witness(link.from, "its answer")))
    }

    pub(super) fn expect_nothing(&self, link: &Pick, why: &str) -> Done {
        if !self.flights.iter().any(|flight| flight.matches(link)) {
            return Ok(());
        }
        let sentence = format!("A message from {} to {} is under way already.", link.from, link.to);
        Err(unmet(self.source, sentence, why, self.witness(link.from, "too early")))
    }
}

fn role_or_vote(server: Server, state: &State, wanted: &Wanted) -> Option<String> {
    let someone = |who: Option<Server>| who.map_or_else(|| "nobody".to_owned(), |who| who.to_string());
    if wanted.role.is_some_and(|role| role != state.role) {
        Some(format!("{server} is a {:?} in term {}.", state.role, state.term))
    } else if wanted.term.is_some_and(|term| term != state.term) {
        Some(format!("{server} is in term {}.", state.term))
    } else if wanted.vote.is_some_and(|vote| vote != state.voted_for) {
        Some(format!("{server}'s vote in term {} is for {}.", state.term, someone(state.voted_for)))
    } else if wanted.leader.is_some_and(|leader| leader != state.leader_id) {
        Some(format!("{server} takes {} for the leader of term {}.", someone(state.leader_id), state.term))
    } else {
        None
    }
}
