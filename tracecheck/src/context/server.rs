//! One server as of its last record, and the step that it is in.

use tracecheck_schema::{Event, Index, Kind, Record, Server, Stamp, State, Term};

/// What set off the step that a server is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trigger {
    /// Nothing that the trace names: a start, a write that ended, a proposal of a client.
    #[default]
    Other,
    /// The election timeout.
    Timeout,
    /// A message.
    Message { kind: Kind, from: Server, term: Term, cause: Option<Stamp> },
}

/// The step that a server is in: all its records carry the same state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Step {
    pub(crate) trigger: Trigger,
    /// The state before it, and the record that showed it; `None` if no record of this incarnation did.
    pub(crate) before: Option<(State, Stamp)>,
    /// Whether a sync ended since that state was shown. What it brought about (a commit) has no record.
    pub(crate) synced: bool,
}

/// What a disk holds for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OnDisk {
    pub(crate) term: Term,
    pub(crate) voted_for: Option<Server>,
    pub(crate) last_index: Index,
    pub(crate) at: Stamp,
}

/// One server, as of its last record.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerView {
    /// The last state that a record of this incarnation carried.
    pub(crate) state: Option<(State, Stamp)>,
    pub(crate) step: Step,
    /// Since the start of this incarnation: what it restored, then what each sync left.
    pub(crate) disk: Option<OnDisk>,
    /// The vote that this incarnation restored.
    pub(crate) restored_vote: Option<(Term, Server)>,
    /// The highest term of a leader's message since the last election timeout of this incarnation.
    pub(crate) heard: Option<(Term, Stamp)>,
    /// The last election timeout of this incarnation.
    pub(crate) timeout: Option<Stamp>,
    /// How far this incarnation delivered to its service, snapshots included.
    pub(crate) applied: Index,
    pub(super) synced: bool,
}

impl ServerView {
    /// Notices where a step begins: at a message, a timeout or a start, or else where the state changes. Returns
    /// whether one begins with this record.
    pub(super) fn begin_step(&mut self, record: &Record) -> bool {
        let trigger = match record.event {
            Event::Recv { kind, from, term, .. } => {
                Some(Trigger::Message { kind, from, term, cause: record.cause })
            }
            Event::CoordFail { .. } => Some(Trigger::Timeout),
            Event::ServerStart { .. } => Some(Trigger::Other),
            _ => match (record.state, self.state) {
                (Some(new), Some((old, _))) if new != old => Some(Trigger::Other),
                _ => None,
            },
        };
        if let Some(trigger) = trigger {
            self.step = Step { trigger, before: self.state, synced: self.synced };
        }
        if let Some(state) = record.state {
            self.state = Some((state, record.at));
            self.synced = false;
        }
        trigger.is_some()
    }
}
