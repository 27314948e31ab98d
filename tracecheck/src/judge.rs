//! One run before the judge.
//!
//! Owns which rules are judged, and gives each record to those that want it.
//!
//! Invariants: the context is up to date before a rule sees a record; a rule that failed sees no more; what
//! holds of the whole trace (it is cut off, records are missing) is applied to every rule in one place.

use crate::context::Context;
use crate::rules::{Failure, Rule, RuleInfo, Tally, Wants, rules};
use crate::verdict::{End, UnknownRule, Verdict, Verdicts, Violation};
use crate::words::count;
use tracecheck_schema::{Action, Header, Record};

/// The judge of one run.
///
/// ```
/// # use tracecheck::{End, Judge, schema::{Header, Record}};
/// # fn run(header: Header, records: Vec<Record>) {
/// let mut judge = Judge::new(&header);
/// for record in &records {
///     if let Some(violation) = judge.observe(record) {
///         println!("{violation}");
///     }
/// }
/// let verdicts = judge.finish(End::Complete);
/// # }
/// ```
pub struct Judge {
    cx: Context,
    active: Vec<Active>,
    /// For each action, the active rules that want it, in the order of the catalogue.
    table: Vec<Vec<u8>>,
}

struct Active {
    info: &'static RuleInfo,
    rule: Box<dyn Rule>,
    tally: Tally,
}

impl Active {
    fn violation(&self, failure: &Failure) -> Violation {
        Violation {
            rule: self.info,
            sentence: failure.sentence.clone(),
            witnesses: failure.witnesses.clone(),
            expected: failure.expected.clone(),
        }
    }
}

impl Judge {
    /// A judge with all rules.
    pub fn new(header: &Header) -> Judge {
        Judge::of(header, rules().iter())
    }

    /// A judge with these rules only.
    ///
    /// # Errors
    ///
    /// The first id that names no rule.
    pub fn with_rules(header: &Header, ids: &[&str]) -> Result<Judge, UnknownRule> {
        if let Some(id) = ids.iter().find(|id| crate::rule(id).is_none()) {
            return Err(UnknownRule { id: (*id).to_owned() });
        }
        Ok(Judge::of(header, rules().iter().filter(|info| ids.contains(&info.id))))
    }

    /// The same judge without one rule. An id that names none changes nothing.
    pub fn without(mut self, id: &str) -> Judge {
        self.active.retain(|active| active.info.id != id);
        self.table = table(&self.active);
        self
    }

    fn of(header: &Header, infos: impl Iterator<Item = &'static RuleInfo>) -> Judge {
        let active: Vec<Active> =
            infos.map(|info| Active { info, rule: (info.make)(), tally: Tally::default() }).collect();
        Judge { cx: Context::new(header), table: table(&active), active }
    }

    /// Leaves it to the end to decide about causes that did not come before their effects. For files; a
    /// test that judges online has every cause in time.
    pub(crate) fn deferring(mut self) -> Judge {
        self.cx.deferred = true;
        self
    }

    /// Processes may have been killed before they wrote their last records.
    pub(crate) fn lacking_tails(mut self) -> Judge {
        self.cx.lost_tails = true;
        self
    }

    /// Takes the next record. Returns the violation that it completes, the first in the order of the
    /// catalogue if there are several; [`Judge::finish`] knows them all.
    pub fn observe(&mut self, record: &Record) -> Option<Violation> {
        let regular = self.cx.take(record);
        let mut first = None;
        for &index in &self.table[record.event.action() as usize] {
            let active = &mut self.active[usize::from(index)];
            if active.tally.failure.is_some() || !(regular || active.rule.sees_repeats()) {
                continue;
            }
            active.rule.observe(&self.cx, record, &mut active.tally);
            if active.tally.failure.is_some() && first.is_none() {
                first = Some(usize::from(index));
            }
        }
        let active = &self.active[first?];
        active.tally.failure.as_deref().map(|failure| active.violation(failure))
    }

    /// How the run ended, by the `RunEnd` that was observed. Without one the trace is truncated.
    pub fn end(&self) -> End {
        match self.cx.run_end {
            Some((_, _, true)) => End::Complete,
            Some((_, _, false)) => End::Stopped,
            None => End::Truncated,
        }
    }

    /// The verdicts, now that the run is over.
    pub fn finish(mut self, end: End) -> Verdicts {
        let mut verdicts = Vec::with_capacity(self.active.len());
        for mut active in self.active.drain(..) {
            if active.tally.failure.is_none() {
                active.rule.finish(&self.cx, end, &mut active.tally);
            }
            verdicts.push((active.info, verdict(&self.cx, end, &active)));
        }
        Verdicts(verdicts)
    }
}

/// Fail beats unknown beats pass; a truncated trace leaves nothing but fail and unknown.
fn verdict(cx: &Context, end: End, active: &Active) -> Verdict {
    let tally = &active.tally;
    let met = || match tally.met {
        1 => "1 obligation was met".to_owned(),
        met => format!("{} were met", count(met, "obligation")),
    };
    if let Some(failure) = &tally.failure {
        Verdict::Fail(active.violation(failure))
    } else if end == End::Truncated {
        Verdict::Unknown(format!("the trace ends without RunEnd; {} until there", met()))
    } else if let Some(why) = &tally.unknown {
        Verdict::Unknown(why.clone())
    } else if let Some(hole) = cx.gap().filter(|_| !active.rule.sees_repeats()) {
        Verdict::Unknown(format!("records are missing ({hole}); {} in what is there", met()))
    } else if tally.met == 0 {
        Verdict::Vacuous
    } else {
        Verdict::Pass(tally.met)
    }
}

fn table(active: &[Active]) -> Vec<Vec<u8>> {
    let wants = |active: &Active, action: &Action| match active.info.wants {
        Wants::Everything => true,
        Wants::Only(actions) => actions.contains(action),
    };
    let row = |action: &Action| {
        let indexes = active.iter().enumerate().filter(|(_, active)| wants(active, action));
        indexes
            .map(|(index, _)| u8::try_from(index).expect("the catalogue has fewer than 256 rules"))
            .collect()
    };
    // `Action::ALL` lists the actions in the order of their discriminants; both come from one macro.
    Action::ALL.iter().map(row).collect()
}
