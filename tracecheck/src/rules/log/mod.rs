//! Rules about the log (L1 to L8, L11).

pub(super) mod append;
pub(super) mod applying;
pub(super) mod commits;
pub(super) mod completeness;
pub(super) mod confirms;
pub(super) mod matching;
