//! The second look at a failure: the same seed again, and whether it gave the same trace.

use crate::run::Dead;
use crate::{Run, Scenario, run};
use tracecheck_schema::Record;

/// Why people's code gives another run for the same seed, where clocks, randomness and hash order are the seed's.
pub(crate) const WHY: &str = "Something in the code outlives a run, or is not the seed's: a static or a lazily made \
    global, an address used as a number, a file, the environment, real tokio in place of the course's. Keep what a \
    server knows in the server.";

/// Runs the scenario again. A sentence says where the traces first differ, if they do.
pub(crate) fn difference(scenario: &Scenario, seed: u64, first: &Run) -> Option<String> {
    let second = match run::once(scenario, seed) {
        Ok(second) => second,
        Err(Dead::Kit(panic)) => {
            return Some(format!("The second run with this seed died in the kit: {panic}."));
        }
        Err(Dead::Stuck(sentence) | Dead::Silent(sentence)) => {
            return Some(format!("The second run with this seed did not come to an end: {sentence}"));
        }
    };
    if run::trace_hash(first) == run::trace_hash(&second) {
        return None;
    }
    if first.header != second.header {
        return Some("Already the headers of the two traces differ.".to_owned());
    }
    let at = (first.records.iter().zip(&second.records))
        .position(|(one, two)| one != two)
        .unwrap_or(first.records.len().min(second.records.len()));
    let (one, two) = (first.records.get(at), second.records.get(at));
    Some(format!(
        "Their first {at} records agree. Then the first run has {}, the second has {}.",
        describe(one),
        describe(two)
    ))
}

fn describe(record: Option<&Record>) -> String {
    record.map_or("nothing more".to_owned(), |record| {
        format!("{} at {}: \"{}\"", record.at, crate::rows::time(record.t_ns), tracecheck::phrase(record))
    })
}
