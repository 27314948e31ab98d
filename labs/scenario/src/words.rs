//! The words of expectations that were not met.

use crate::Expectation;
use tracecheck::Witness;
use tracecheck_schema::Server;

/// An expectation that was not met.
pub fn unmet(
    source: &str,
    sentence: impl Into<String>,
    expected: impl Into<String>,
    witnesses: Vec<Witness>,
) -> Expectation {
    Expectation { sentence: sentence.into(), source: source.to_owned(), expected: expected.into(), witnesses }
}

/// "s1, s2 and s3".
pub fn list(servers: &[Server]) -> String {
    enumerated(servers)
}

/// "this, that and the other".
pub(crate) fn enumerated<T: ToString>(things: &[T]) -> String {
    match things {
        [] => "nobody".to_owned(),
        [one] => one.to_string(),
        [init @ .., last] => {
            let last = last.to_string();
            let init: Vec<String> = init.iter().map(T::to_string).collect();
            format!("{} and {last}", init.join(", "))
        }
    }
}
