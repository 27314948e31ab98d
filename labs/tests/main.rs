//! The command line and its parts, tested from outside. Nothing here builds a crate: `check-starter` does.

mod cli;
mod cut;
mod demo;
mod doctor;
mod fingerprint;
mod starter;
mod suggest;
mod table;
