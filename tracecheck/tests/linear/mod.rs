//! The linearizability checker.

mod agreement;
mod maker;
mod reference;
