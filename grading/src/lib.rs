//! What stands behind `cargo grade`: the proof that the labs' own tests catch every classic mistake, and accept
//! what is correct.
//!
//! Owns the corpus (`grading/mutants`: one mistake a file; `grading/variants`: one correct alternative a file),
//! the trees in which it is built and run, and the page that says what came of it.
//!
//! Invariants: the reference passes before anything is held against it; only the scenarios judge; what could not
//! be judged is no kill and no pass; a result names the hash of the code and corpus that it speaks of.
//!
//! Never: changes a file of the workspace, but the page that it is told to write; reads a clock to judge.

pub mod attempt;
pub mod bench;
pub mod cli;
pub mod corpus;
pub mod crew;
pub mod demos;
pub mod edit;
pub mod explore;
pub mod line;
pub mod matrix;
pub mod mutants;
pub mod page;
pub mod shrink;
pub mod tree;
pub mod variants;
