//! A violation planted on purpose: proof, at the end of every full run, that the judge does find one.
//!
//! The passing run is copied; in the copy a second server also becomes coordinator of the term of the
//! first. The judge sees the copy as it sees any run, and must name Election Safety (E6).

use crate::line::PlantedLine;
use crate::report::{self, Sight};
use crate::{Ending, Run, Scenario, judge, run};
use tracecheck::Judge;
use tracecheck_schema::{Event, Record, Role, Server, Stamp, State, Term};

/// The rule that the planted violation breaks.
const RULE: &str = "E6";

/// Plants a violation in the first scenario's first run that passes.
pub(crate) fn planted(scenarios: &[Scenario]) -> Result<PlantedLine, String> {
    let scenario = scenarios.first().ok_or("there is no scenario to plant a violation in")?;
    let seed = 0;
    let original = run::once(scenario, seed)?;
    if judge::failure(scenario, &original).is_some() {
        return Err(format!("{} with seed {seed} fails: plant a violation in a passing run", scenario.name));
    }
    let (run, planted) = plant(original).ok_or_else(|| {
        format!(
            "nobody was elected in {} with seed {seed}: nowhere to plant a second coordinator",
            scenario.name
        )
    })?;
    let run = judged(run);
    match &run.ending {
        Ending::Violation(violation) if violation.rule.id == RULE => {}
        Ending::Violation(violation) => {
            return Err(format!(
                "a second coordinator was planted, and the judge named {}, not {RULE}",
                violation.rule.id
            ));
        }
        _ => return Err(format!("a second coordinator was planted, and the judge did not see it ({RULE})")),
    }
    let Some(failure) = judge::failure(scenario, &run) else {
        return Err("a violation counted as a pass".to_owned());
    };
    let report =
        report::render(&Sight { scenario, seed, run: &run, difference: None, trace: None }, &failure);
    Ok(PlantedLine { scenario: scenario.name.to_owned(), seed, rule: RULE.to_owned(), planted, report })
}

/// Lets a second server become coordinator right after the first did. The sentence says who.
fn plant(mut run: Run) -> Option<(Run, String)> {
    let elected = |record: &Record| match record.event {
        Event::CoordElected { server_id, term } => Some((server_id, term)),
        _ => None,
    };
    let at = run.records.iter().position(|record| elected(record).is_some())?;
    let (first, term) = elected(&run.records[at])?;
    let before = &run.records[..=at];
    let second = run.header.voters.iter().copied().filter(|server| *server != first);
    let second = second.filter(|server| last_of(before, *server).is_some()).max_by_key(|server| {
        // One that already knows the term makes the more believable usurper.
        last_of(before, *server).and_then(|record| record.state).is_some_and(|state| state.term == term)
    })?;
    let record = usurp(before, second, run.records[at].t_ns, term)?;
    let stamp = record.at;
    run.records.insert(at + 1, record);
    renumber(&mut run.records, at + 1, stamp);
    let sentence =
        format!("{second} was made coordinator of term {term} too, right after {first} was elected in it");
    Some((run, sentence))
}

fn last_of(records: &[Record], server: Server) -> Option<&Record> {
    records.iter().rev().find(|record| record.server() == Some(server))
}

fn usurp(before: &[Record], server: Server, t_ns: u64, term: Term) -> Option<Record> {
    let last = last_of(before, server)?;
    let own = before.iter().rev().filter(|record| record.server() == Some(server));
    let state = own.filter_map(|record| record.state).next()?;
    Some(Record {
        at: Stamp { seq: last.at.seq + 1, ..last.at },
        t_ns,
        event: Event::CoordElected { server_id: server, term },
        state: Some(State { term, role: Role::Leader, leader_id: Some(server), ..state }),
        cause: None,
        clock: None,
    })
}

/// Moves what follows the planted record on by one, so that numbers stay without gaps and causes point to
/// what they pointed to.
fn renumber(records: &mut [Record], planted: usize, stamp: Stamp) {
    let shift = |at: &mut Stamp| {
        if at.node == stamp.node && at.inc == stamp.inc && at.seq >= stamp.seq {
            at.seq += 1;
        }
    };
    for (number, record) in records.iter_mut().enumerate() {
        if number > planted {
            shift(&mut record.at);
        }
        if let Some(cause) = &mut record.cause {
            shift(cause);
        }
        // Clocks count records, so they would be wrong now. They are optional: the judge computes them.
        record.clock = None;
        if let Event::RunEnd { records, .. } = &mut record.event {
            *records += 1;
        }
    }
}

/// The run as a fresh judge sees it: up to the first violation, if there is one.
fn judged(mut run: Run) -> Run {
    let mut judge = Judge::new(&run.header);
    let seen = run.records.iter().position(|record| {
        let violation = judge.observe(record);
        let found = violation.is_some();
        if let Some(violation) = violation {
            run.ending = Ending::Violation(violation);
        }
        found
    });
    let end = match seen {
        Some(at) => {
            run.records.truncate(at + 1);
            tracecheck::End::Stopped
        }
        None => tracecheck::End::Complete,
    };
    run.verdicts = judge.finish(end);
    run
}
