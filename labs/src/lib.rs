//! What stands behind `cargo labs`: running, soaking and replaying scenarios, telling stories, and making
//! the starter.
//!
//! Owns the student's command line, the table of results, and the one definition of what is solution and
//! what is given (markers in the code, `labs/student-files.toml`).
//!
//! Invariants: scenarios are only ever run by the test binary that `cargo test` builds too; what is printed
//! on standard output depends on code and seeds alone; every mistake of the user gets one sentence.
//!
//! Never: judges a run; knows what a scenario does.

mod abilities;
pub mod check;
pub mod cli;
pub mod cut;
pub mod demo;
pub mod doctor;
pub mod explore;
pub mod fingerprint;
pub mod play;
pub mod replay;
pub mod run;
pub mod shrink;
pub mod soak;
pub mod starter;
pub mod stop;
pub mod stress;
pub mod student_files;
pub mod suggest;
pub mod table;
pub mod targets;
