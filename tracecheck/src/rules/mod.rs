//! The catalogue of rules.
//!
//! Owns what a rule is and in which order rules are judged and shown. Each rule lives in the file of its topic.
//!
//! Invariants: ids are unique and never reused; every rule has an example that violates it and no other rule.
//! A rule looks at the context and the record, keeps what it must remember, and tells its tally.
//!
//! Never: a rule that consults another rule, or the time.

mod answers;
mod clients;
mod durability;
mod elections;
mod execution;
mod handling;
mod identity;
mod log;
mod reads;
mod replay;
mod restarts;
mod servers;
mod shape;
mod snapshots;
mod system;

use crate::context::Context;
use crate::verdict::{End, Witness};
use std::fmt;
use tracecheck_schema::{Action, Record};

/// What there is to know about a rule.
pub struct RuleInfo {
    /// Its name: `E3`.
    pub id: &'static str,
    /// The lab from which it applies.
    pub lab: &'static str,
    /// The rule, as a person reads it.
    pub sentence: &'static str,
    /// Where it comes from: a section of the paper, or the course's design.
    pub source: &'static str,
    /// Why it holds, and the mistake that usually breaks it.
    pub explanation: &'static str,
    /// A small trace, as JSON lines, that violates this rule and no other.
    pub example: &'static str,
    pub(crate) wants: Wants,
    pub(crate) make: fn() -> Box<dyn Rule>,
}

impl fmt::Debug for RuleInfo {
    /// The id alone: a failed assertion about a violation need not show the whole catalogue.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.id)
    }
}

impl PartialEq for RuleInfo {
    fn eq(&self, other: &RuleInfo) -> bool {
        self.id == other.id
    }
}

impl Eq for RuleInfo {}

/// Which records a rule looks at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wants {
    Everything,
    Only(&'static [Action]),
}

/// A rule at work in one run.
pub(crate) trait Rule {
    /// Looks at a record; the context has taken it already.
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally);

    /// Decides what was left open, now that nothing follows.
    fn finish(&mut self, _cx: &Context, _end: End, _tally: &mut Tally) {}

    /// Whether it judges the stamps themselves, so that records with broken stamps concern it too.
    fn sees_repeats(&self) -> bool {
        false
    }
}

/// What a rule has said so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) met: u64,
    /// The first thing that could not be decided.
    pub(crate) unknown: Option<String>,
    pub(crate) failure: Option<Box<Failure>>,
}

/// A violation without its rule.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) sentence: String,
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) expected: Option<String>,
}

impl Tally {
    /// One more obligation was met.
    pub(crate) fn met(&mut self) {
        self.met += 1;
    }

    /// An obligation could not be decided.
    pub(crate) fn unknown(&mut self, why: impl FnOnce() -> String) {
        self.unknown.get_or_insert_with(why);
    }

    /// The rule is broken. Only the first violation counts.
    pub(crate) fn fail(&mut self, sentence: String, witnesses: Vec<Witness>, expected: impl Into<String>) {
        if self.failure.is_none() {
            let expected = Some(expected.into()).filter(|text| !text.is_empty());
            self.failure = Some(Box::new(Failure { sentence, witnesses, expected }));
        }
    }
}

/// An obligation that a record without its state leaves undecided.
pub(crate) fn stateless(record: &Record) -> String {
    format!("{} ({}) carries no state", record.at, record.event.action().name())
}

static CATALOGUE: [RuleInfo; 37] = [
    shape::T1,
    shape::T2,
    shape::T3,
    servers::S1,
    servers::S2,
    servers::S3,
    system::C1,
    system::C2,
    elections::terms::E1,
    elections::votes::E2,
    elections::votes::E3,
    elections::wins::E4,
    elections::wins::E5,
    elections::wins::E6,
    elections::grants::E7,
    elections::terms::E8,
    elections::stale::E9,
    elections::grants::E10,
    durability::D1,
    log::append::L1,
    log::confirms::L2,
    log::commits::L3,
    log::commits::L4,
    log::matching::L5,
    log::completeness::L6,
    log::matching::L7,
    log::applying::L8,
    restarts::L9,
    snapshots::L10,
    log::append::L11,
    snapshots::L12,
    clients::K1,
    clients::K2,
    handling::K3,
    answers::K4,
    execution::K5,
    identity::K7,
];

/// Every rule, in the order in which rules are judged and shown.
pub fn rules() -> &'static [RuleInfo] {
    &CATALOGUE
}

/// The rule of that id.
pub fn rule(id: &str) -> Option<&'static RuleInfo> {
    rules().iter().find(|info| info.id == id)
}
