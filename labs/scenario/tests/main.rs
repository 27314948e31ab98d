//! The harness tested from outside. This one binary plays two roles: it is the test suite, and, started by a
//! test with `RAFTLAB_FAKE` set, it is a made-up suite of scenarios.

mod fake;
mod habits;
mod machine;
mod reports;
mod shrinks;
mod trials;

use std::path::Path;
use std::process::{Command, ExitCode, Output};

type Test = fn() -> Result<(), String>;

fn main() -> ExitCode {
    match std::env::var("RAFTLAB_FAKE").as_deref() {
        Ok("habits") => return scenario::main(&habits::suite::scenarios(), Vec::new()),
        Ok("troubled") => return scenario::main(&fake::troubled(), Vec::new()),
        Ok(_) => return scenario::main(&fake::scenarios(), Vec::new()),
        Err(_) => {}
    }
    let tests = trials::TESTS
        .iter()
        .chain(reports::TESTS)
        .chain(machine::TESTS)
        .chain(habits::TESTS)
        .chain(shrinks::TESTS);
    scenario::main(&[], tests.map(|(name, test)| ((*name).to_owned(), boxed(*test))).collect())
}

fn boxed(test: Test) -> Box<dyn FnOnce() -> Result<(), String> + Send> {
    Box::new(test)
}

/// The made-up suite, started with these arguments and this environment.
fn fake(arguments: &[&str], environment: &[(&str, &str)], traces: &Path) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("a running program has a path"));
    command.args(arguments).env("RAFTLAB_FAKE", "1").env("RAFTLAB_TRACE_DIR", traces);
    command
        .env_remove("RAFTLAB_SEED")
        .env_remove("RAFTLAB_SEEDS")
        .env_remove("RAFTLAB_PATIENCE")
        .env_remove("RAFTLAB_HASHES")
        .env_remove("RAFTLAB_UNPROTECTED")
        .env_remove("RUST_BACKTRACE");
    command.envs(environment.iter().copied());
    command.output().expect("the suite starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}
