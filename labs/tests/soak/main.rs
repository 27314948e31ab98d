//! `cargo labs soak`, `stress`, `shrink` and the replay of files from outside. This one binary plays two roles: it is the test suite, and, started by a soak
//! with `RAFTLAB_FAKE` set, it is a made-up suite of scenarios with a bug that one seed in a thousand shows.

mod fake;
mod stress;
mod tests;
// The same made-up world in which the harness is tested.
#[path = "../../scenario/tests/fake/troubled.rs"]
mod troubled;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::var("RAFTLAB_FAKE").as_deref() {
        Ok("stress") => return scenario::main(&fake::troubled(), Vec::new()),
        Ok(_) => return scenario::main(&fake::scenarios(), Vec::new()),
        Err(_) => {}
    }
    let boxed = |(name, test): &(&str, fn())| -> scenario::Other {
        let test = *test;
        let test = move || {
            test();
            Ok(())
        };
        ((*name).to_owned(), Box::new(test))
    };
    scenario::main(&[], tests::TESTS.iter().chain(stress::TESTS).map(boxed).collect())
}
