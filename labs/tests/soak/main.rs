//! `cargo labs soak` from outside. This one binary plays two roles: it is the test suite, and, started by a soak
//! with `RAFTLAB_FAKE` set, it is a made-up suite of scenarios with a bug that one seed in a thousand shows.

mod fake;
mod tests;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::var_os("RAFTLAB_FAKE").is_some() {
        return scenario::main(&fake::scenarios(), Vec::new());
    }
    let boxed = |(name, test): &(&str, fn())| -> scenario::Other {
        let test = *test;
        let test = move || {
            test();
            Ok(())
        };
        ((*name).to_owned(), Box::new(test))
    };
    scenario::main(&[], tests::TESTS.iter().map(boxed).collect())
}
