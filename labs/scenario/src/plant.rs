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

/// The seed of the run that is copied.
const SEED: u64 = 0;

/// Plants a violation in the run of the first scenario that passes and has an election.
pub(crate) fn planted(scenarios: &[Scenario]) -> Result<PlantedLine, String> {
    let fitting = scenarios.iter().find_map(|scenario| {
        let run = run::once(scenario, SEED).ok().filter(|run| judge::failure(scenario, run).is_none())?;
        plant(run).map(|(run, planted)| (scenario, run, planted))
    });
    let (scenario, run, planted) = fitting.ok_or_else(|| {
        format!(
            "no scenario passes with seed {SEED} and elects a leader: there is no run to plant a violation in"
        )
    })?;
    let run = judged(run);
    let named = match &run.ending {
        Ending::Violation(violation) if violation.rule.id == RULE => Ok(()),
        Ending::Violation(violation) => Err(format!("the judge named {}, not {RULE}", violation.rule.id)),
        _ => Err(format!("the judge did not see it ({RULE})")),
    };
    named.map_err(|wrong| format!("a second leader was planted in {}, and {wrong}", scenario.name))?;
    let failure = judge::failure(scenario, &run).ok_or("a violation counted as a pass")?;
    let sight = Sight { scenario, seed: SEED, run: &run, difference: None, command: None, trace: None };
    let report = report::render(&sight, &failure);
    Ok(PlantedLine { scenario: scenario.name.to_owned(), seed: SEED, rule: RULE.to_owned(), planted, report })
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
