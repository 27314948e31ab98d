//! Elections (E1 to E10): terms, votes, wins, and what messages of old terms may do.

pub(super) mod grants;
pub(super) mod stale;
pub(super) mod terms;
pub(super) mod votes;
pub(super) mod wins;
