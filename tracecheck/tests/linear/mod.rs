//! The linearizability checker.

mod agreement;
mod compare;
mod explaining;
mod formats;
mod maker;
mod reference;
