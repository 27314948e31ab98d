//! Expectations of scenarios, as things to wait for or to hold, each with the sentence of its failure.

use crate::cluster::Cluster;
use labrpc::schema::{Role, Server, Term};
use scenario::Expectation;
use std::cell::RefCell;
use tracecheck::Witness;

pub(crate) use scenario::{list, unmet};

/// How often a scenario looks, in virtual milliseconds.
const LOOK_MS: u64 = 10;

thread_local! {
    /// What scenarios measured on this thread, for `cargo bench -p raft`: what, how much, and the bound.
    pub(crate) static FIGURES: RefCell<Vec<(&'static str, u64, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Notes a measured figure beside its bound.
pub(crate) fn figure(what: &'static str, value: u64, bound: u64) {
    FIGURES.with_borrow_mut(|figures| figures.push((what, value, bound)));
}

impl Cluster {
    /// The last thing that each of these servers recorded, as evidence of what it believes.
    pub(crate) fn last_of(&self, servers: &[Server]) -> Vec<Witness> {
        let last = |server: &Server| {
            let at = self.sim.recorder((*server).into())?.last()?;
            Some(Witness { at, note: self.belief(*server) })
        };
        servers.iter().filter_map(last).collect()
    }

    fn belief(&self, server: Server) -> String {
        let Some(state) = self.state(server) else { return "is down".to_owned() };
        let role = match state.role {
            Role::Leader => "leads",
            Role::Candidate => "is a candidate in",
            Role::PreCandidate => "asks for pre-votes in",
            Role::Follower => "follows in",
        };
        match state.leader_id {
            Some(leader) if leader != server => format!("{role} term {}, under {leader}", state.term),
            _ => format!("{role} term {}", state.term),
        }
    }

    /// Waits until these servers agree on a leader among them.
    pub(crate) async fn await_leader(
        &self,
        among: &[Server],
        within_ms: u64,
    ) -> Result<(Server, Term), Expectation> {
        for _ in 0..within_ms / LOOK_MS {
            if let Some(agreed) = self.agreed(among) {
                return Ok(agreed);
            }
            self.sleep_ms(LOOK_MS).await;
        }
        Err(self.no_agreement(among, within_ms))
    }

    fn no_agreement(&self, among: &[Server], within_ms: u64) -> Expectation {
        let leaders: Vec<Server> = among
            .iter()
            .copied()
            .filter(|s| self.state(*s).is_some_and(|s| s.role == Role::Leader))
            .collect();
        let terms: Vec<Term> = among.iter().filter_map(|s| self.state(*s)).map(|s| s.term).collect();
        let seconds = within_ms / 1000;
        let what = match &leaders[..] {
            [] => format!(
                "After {seconds} s without a fault among them, none of {} leads; the highest term is {}.",
                list(among),
                terms.iter().max().unwrap_or(&0)
            ),
            [one] => format!(
                "{one} leads, but not all of {} follow it in one term after {seconds} s.",
                list(among)
            ),
            more => format!("{} all believe that they lead, {seconds} s after the last fault.", list(more)),
        };
        let expected = format!(
            "{} can reach each other and are a quorum: one of them should lead, and all should know it.",
            list(among)
        );
        unmet("§5.2", what, expected, self.last_of(among))
    }

    /// Checks that these servers keep the leader and the term that they have.
    pub(crate) async fn hold_leader(
        &self,
        among: &[Server],
        (leader, term): (Server, Term),
        for_ms: u64,
    ) -> Result<(), Expectation> {
        for _ in 0..for_ms / LOOK_MS {
            self.sleep_ms(LOOK_MS).await;
            if self.agreed(among) != Some((leader, term)) {
                return Err(self.deposed(among, leader, term));
            }
        }
        Ok(())
    }

    fn deposed(&self, among: &[Server], leader: Server, term: Term) -> Expectation {
        let left =
            |s: &&Server| self.state(**s).is_none_or(|now| now.term != term || now.leader_id != Some(leader));
        // Whoever is in the highest term was most likely the first to leave.
        let strays: Vec<Server> = among.iter().filter(left).copied().collect();
        let first =
            strays.iter().copied().max_by_key(|s| (self.state(*s).map_or(0, |now| now.term), *s != leader));
        let sentence = match first {
            Some(first) if first == leader => {
                format!(
                    "At {} {leader} led term {term} no more, though none of its links was cut.",
                    self.seconds()
                )
            }
            Some(first) => format!(
                "At {} {first} had left {leader}, the leader of term {term}, though nothing had happened to {leader}.",
                self.seconds()
            ),
            None => format!("At {} {leader} did not lead term {term} any more.", self.seconds()),
        };
        let expected = format!("{leader} should have stayed the leader of {} in term {term}.", list(among));
        unmet("§5.2", sentence, expected, self.last_of(&strays[..strays.len().min(2)]))
    }

    /// Waits until none of these servers believes that it leads.
    pub(crate) async fn await_no_leader(
        &self,
        among: &[Server],
        within_ms: u64,
        because: &str,
    ) -> Result<(), Expectation> {
        let leader = || {
            let leads = |s: &&Server| self.state(**s).is_some_and(|state| state.role == Role::Leader);
            among.iter().find(leads).copied()
        };
        for _ in 0..within_ms / LOOK_MS {
            if leader().is_none() {
                return Ok(());
            }
            self.sleep_ms(LOOK_MS).await;
        }
        match leader() {
            None => Ok(()),
            Some(leader) => Err(unmet(
                "thesis §6.2",
                format!("{leader} still believes that it leads, {} s after {because}.", within_ms / 1000),
                format!(
                    "A leader that no quorum answers should have stepped down within {} s.",
                    within_ms / 1000
                ),
                self.last_of(&[leader]),
            )),
        }
    }
}
