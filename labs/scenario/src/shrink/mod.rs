//! Shrinking: of a failing run, the smallest that still fails for the same cause.
//!
//! Owns the search: which plans are tried, in which order, and which count. The seed stays; only what a
//! [`Plan`] can take away is taken away.
//!
//! Invariants: a plan counts only if its run fails with the same key and has no more events than the run that it came
//! from. Where the scenario itself says what failed, runs that pass without a plan must pass with it too: what is left out
//! may be what it expects. The search is a function of scenario, seed and budget, which is a count of runs.
//!
//! Never: reads a clock.

mod ddmin;

pub use ddmin::ddmin;

use crate::line::{CauseKind, Extent, RunVerdict, ShrunkLine};
use crate::outcome::{self, Look, Traces};
use crate::{Scenario, judge, key, planned, run};
use labrpc_sim::{Loss, Plan, Trouble};
use std::collections::{BTreeMap, BTreeSet};

/// Waits of the test are cut to one of these, in virtual milliseconds.
const WAITS_MS: [u64; 9] = [10, 20, 50, 100, 200, 300, 500, 1_000, 2_000];
/// How many passing runs must pass with a plan, where only the scenario says what failed.
const CONTROLS: usize = 3;
/// Among so many seeds after the failing one they are looked for.
const NEAR: u64 = 20;

/// A run as the search sees it.
#[derive(Clone)]
struct Seen {
    /// Nothing, if it passed.
    key: Option<String>,
    sentence: String,
    events: u64,
    virtual_ns: u64,
    trouble: Trouble,
}

impl Seen {
    fn extent(&self) -> Extent {
        Extent {
            events: self.events,
            virtual_ns: self.virtual_ns,
            faults: self.trouble.faults.len() as u64,
            losses: self.trouble.losses.len() as u64,
            clients: clients(&self.trouble).len() as u64,
        }
    }
}

/// The clients that a plan may let rest. Number 0 is the kit's own hand in some scenarios.
fn clients(trouble: &Trouble) -> Vec<u32> {
    trouble.clients.iter().copied().filter(|client| *client > 0).collect()
}

/// Shrinks the scenario's run with that seed, with at most so many runs; `told` hears after each how many there were, and
/// what is left.
///
/// # Errors
/// There is nothing to shrink: a sentence.
pub(crate) fn shrink(
    scenario: &Scenario,
    seed: u64,
    budget: u64,
    told: &mut dyn FnMut(u64, Extent),
) -> Result<ShrunkLine, String> {
    let kind = failing(scenario, seed)?;
    let Some(original) = see(scenario, seed, &Plan::default()) else {
        return Err(format!("{} with seed {seed} could not be run: a fault of the kit", scenario.name));
    };
    let sound = matches!(kind, CauseKind::Rule | CauseKind::Panic | CauseKind::Misused | CauseKind::Livelock);
    let mut search = Search {
        scenario,
        seed,
        controls: Vec::new(),
        budget,
        runs: 3,
        known: BTreeMap::new(),
        plan: Plan::default(),
        best: original.clone(),
        most: original.events,
        told,
    };
    let mut note = None;
    if sound || search.find_controls() {
        search.search();
    } else {
        note = Some(format!(
            "What failed is what this scenario expects of a whole run, and none of the {NEAR} seeds after {seed} passes: \
             nothing would show that it may still be expected of a smaller run."
        ));
    }
    let Search { plan, best, runs, .. } = search;
    if let Err(sentence) = planned::within(&plan, None, || failing(scenario, seed)) {
        return Err(format!("the shrunk run cannot be trusted: {sentence}"));
    }
    let mut faults = best.trouble.faults.clone();
    faults.extend(best.trouble.losses.iter().map(Loss::told));
    faults.sort_by_key(|fault| fault.t_ns);
    Ok(ShrunkLine {
        scenario: scenario.name.to_owned(),
        seed,
        key: original.key.clone().unwrap_or_default(),
        sentence: best.sentence.clone(),
        before: original.extent(),
        after: best.extent(),
        plan,
        faults,
        runs: runs + 2,
        exhausted: runs >= budget,
        note,
    })
}

/// What kind of failure the run with that seed is, if it is one that can be shrunk.
fn failing(scenario: &Scenario, seed: u64) -> Result<CauseKind, String> {
    let name = scenario.name;
    let outcome = outcome::of(scenario, seed, Look::Once, &Traces::Never);
    let cause = match (outcome.verdict, outcome.cause) {
        (RunVerdict::NotReproducible, _) => {
            return Err(format!(
                "{name} gives another run each time it runs with seed {seed}, so that nothing could be kept while it \
                 shrinks: cargo labs replay {name} {seed} says why"
            ));
        }
        (RunVerdict::Fail | RunVerdict::NotJudged, Some(cause)) => cause,
        _ => return Err(format!("{name} passes with seed {seed}: there is no failure to shrink")),
    };
    match cause.kind {
        CauseKind::NotImplemented => {
            Err(format!("{name} meets code that is yet to be written: {}", cause.sentence))
        }
        CauseKind::Kit | CauseKind::Trace => {
            Err(format!("the kit itself failed in {name}: {}", cause.sentence))
        }
        CauseKind::Stuck => Err(format!(
            "code that never comes back costs a thread in each run, so that {name} is not shrunk: {}",
            cause.sentence
        )),
        CauseKind::NotJudged => {
            Err(format!("{name} could not be judged with seed {seed}: {}", cause.sentence))
        }
        kind => Ok(kind),
    }
}

/// Runs it once with that plan; nothing if the kit itself failed.
fn see(scenario: &Scenario, seed: u64, plan: &Plan) -> Option<Seen> {
    let run = planned::within(plan, None, || run::once(scenario, seed)).ok()?;
    let trouble = planned::trouble();
    let failure = judge::failure(scenario, &run);
    let sentence = failure.as_ref().and_then(|failure| failure.lines.first()).map(|(_, text)| text.clone());
    Some(Seen {
        key: failure.as_ref().map(key::of),
        sentence: sentence.unwrap_or_default(),
        events: run.records.len() as u64,
        virtual_ns: run.virtual_ns,
        trouble,
    })
}

struct Search<'a> {
    scenario: &'a Scenario,
    seed: u64,
    /// Seeds that pass without a plan, and must pass with any that counts.
    controls: Vec<u64>,
    budget: u64,
    runs: u64,
    /// What came of each plan; nothing if it does not count.
    known: BTreeMap<Plan, Option<Seen>>,
    plan: Plan,
    best: Seen,
    /// No run that counts has more events.
    most: u64,
    told: &'a mut dyn FnMut(u64, Extent),
}

impl Search<'_> {
    /// Finds passing seeds; false if there are none near.
    fn find_controls(&mut self) -> bool {
        if !self.scenario.seeded {
            return false;
        }
        for seed in (self.seed.saturating_add(1)..).take(NEAR as usize) {
            self.runs += 1;
            if see(self.scenario, seed, &Plan::default()).is_some_and(|seen| seen.key.is_none()) {
                self.controls.push(seed);
            }
            if self.controls.len() == CONTROLS {
                break;
            }
        }
        !self.controls.is_empty()
    }

    /// Goes on until nothing more can be left out, or no runs are left.
    fn search(&mut self) {
        loop {
            let before = self.plan.clone();
            self.take(Plan { prompt: true, ..self.plan.clone() });
            self.fewer_clients();
            self.fewer_faults();
            self.shorter_waits();
            self.fewer_losses();
            if self.plan == before || self.runs >= self.budget {
                break;
            }
        }
    }

    fn fewer_clients(&mut self) {
        let (all, plan) = (clients(&self.best.trouble), self.plan.clone());
        let with = |kept: &[u32]| {
            let rest: BTreeSet<u32> = all.iter().copied().filter(|client| !kept.contains(client)).collect();
            Plan { rest: &plan.rest | &rest, ..plan.clone() }
        };
        let kept = ddmin(&all, |kept| self.counts(&with(kept)).is_some());
        self.take(with(&kept));
    }

    fn fewer_faults(&mut self) {
        let all: Vec<u64> = self.best.trouble.faults.iter().map(|fault| fault.number).collect();
        let plan = self.plan.clone();
        self.fewer(&all, |faults| Plan { faults: Some(faults), ..plan.clone() });
    }

    fn fewer_losses(&mut self) {
        let all: Vec<u64> = self.best.trouble.losses.iter().map(|loss| loss.number).collect();
        let plan = self.plan.clone();
        self.fewer(&all, |losses| Plan { losses: Some(losses), ..plan.clone() });
    }

    /// Finds few of these numbers that suffice.
    fn fewer(&mut self, all: &[u64], with: impl Fn(BTreeSet<u64>) -> Plan) {
        let with = |kept: &[u64]| with(kept.iter().copied().collect());
        // What comes to nothing has a number too: that what is listed suffices must be seen first.
        if all.is_empty() || self.counts(&with(all)).is_none() {
            return;
        }
        let kept = ddmin(all, |kept| self.counts(&with(kept)).is_some());
        self.take(with(&kept));
    }

    fn shorter_waits(&mut self) {
        let longest = self.plan.wait_ms.unwrap_or(u64::MAX);
        for wait_ms in WAITS_MS.into_iter().filter(|wait_ms| *wait_ms < longest) {
            let plan = Plan { wait_ms: Some(wait_ms), ..self.plan.clone() };
            let (seen, best) = (self.counts(&plan), &self.best);
            if seen.is_some_and(|seen| seen.virtual_ns < best.virtual_ns && seen.events < best.events) {
                self.take(plan);
                return;
            }
        }
    }

    /// Goes on from that plan, if it counts.
    fn take(&mut self, plan: Plan) {
        if let Some(seen) = self.counts(&plan) {
            (self.plan, self.best) = (plan, seen);
        }
    }

    /// What came of that plan; nothing if it does not count, or if no runs are left to know.
    fn counts(&mut self, plan: &Plan) -> Option<Seen> {
        if *plan == self.plan {
            return Some(self.best.clone());
        }
        if let Some(known) = self.known.get(plan) {
            return known.clone();
        }
        let seen = self.run(self.seed, plan)?;
        let same = seen.key == self.best.key && seen.events <= self.most;
        let counts = same
            && self
                .controls
                .clone()
                .into_iter()
                .all(|control| self.run(control, plan).is_some_and(|seen| seen.key.is_none()));
        let result = Some(seen).filter(|_| counts);
        self.known.insert(plan.clone(), result.clone());
        result
    }

    fn run(&mut self, seed: u64, plan: &Plan) -> Option<Seen> {
        if self.runs >= self.budget {
            return None;
        }
        self.runs += 1;
        (self.told)(self.runs, self.best.extent());
        see(self.scenario, seed, plan)
    }
}
