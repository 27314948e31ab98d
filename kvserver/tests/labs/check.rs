//! Expectations of scenarios, each with the sentence of its failure.

use kvclient::KvError;
use scenario::{Done, Expectation};

pub(crate) use scenario::{list, unmet};

/// An operation that had to succeed.
pub(crate) fn ok<T>(what: &str, result: Result<T, KvError>) -> Result<T, Expectation> {
    result.map_err(|why| {
        unmet(
            "Lab 1: the clerk",
            format!("`{what}` did not succeed: {why}."),
            "A quorum of servers was there, and the client had time enough.",
            Vec::new(),
        )
    })
}

/// A get that had to find this.
pub(crate) fn finds(what: &str, got: &str, wanted: &str) -> Done {
    if got == wanted {
        return Ok(());
    }
    Err(unmet(
        "the service",
        format!("`{what}` found {}.", short(got)),
        format!("It had to find {}: nothing else was written since.", short(wanted)),
        Vec::new(),
    ))
}

/// A value in quotes; of a long one the end, which was written last.
fn short(value: &str) -> String {
    const MOST: usize = 60;
    let begin = value.char_indices().rev().nth(MOST).map_or(0, |(at, _)| at);
    if begin == 0 {
        format!("{value:?}")
    } else {
        format!("… {:?} ({} bytes)", &value[begin..], value.len())
    }
}
