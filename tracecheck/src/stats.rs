//! What happened in a run, in numbers.
//!
//! Owns the counts of a trace: events, elections, leaders, commits, messages. It judges nothing.
//!
//! Invariants: memory is that of the elections and the kinds of events, not of the records. A gap is measured
//! by the recorded times, which are for people; nothing else here depends on them.

use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, Header, Index, Kind, KvKind, KvOutcome, Node, Record, Server, Term};

/// The numbers of one run.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The run.
    pub header: Header,
    /// All records.
    pub records: u64,
    /// The time of the last record, in nanoseconds since the run began.
    pub end_ns: u64,
    /// Whether the trace has its RunEnd.
    pub ended: bool,
    /// Events by name.
    pub actions: BTreeMap<&'static str, u64>,
    /// Events by node.
    pub nodes: BTreeMap<Node, u64>,
    /// The highest term that any server was in.
    pub highest_term: Term,
    /// Candidacies: proposals in a term of one's own.
    pub attempts: u64,
    /// Who led when, in the order of the elections.
    pub leaders: Vec<Reign>,
    /// Entries that a coordinator committed first, and the highest of them.
    pub commits: u64,
    /// The highest committed index.
    pub committed: Index,
    /// Each server's last applied index, its own snapshots included, and how many operations it applied.
    pub applied: BTreeMap<Server, (Index, u64)>,
    /// Messages by kind.
    pub messages: BTreeMap<Kind, Traffic>,
    /// What clients asked for, and what they were told.
    pub operations: Operations,
    /// Messages of the key/value service by kind. Which of them were lost has no record.
    pub kv_messages: BTreeMap<KvKind, Traffic>,
    /// Lost messages of which the trace does not say the kind.
    pub lost_unknown: u64,
    last_commit: u64,
    commit_gap: (u64, u64),
}

/// The time in which a server led a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reign {
    /// Who led.
    pub server: Server,
    /// Which term.
    pub term: Term,
    /// From when, in nanoseconds since the run began.
    pub from_ns: u64,
    /// Until when; `None` if it still led at the end.
    pub until_ns: Option<u64>,
}

/// The operations of all clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// That were begun.
    pub invoked: u64,
    /// That returned with an answer.
    pub answered: u64,
    /// That returned without effect.
    pub failed: u64,
    /// That returned, and nobody knows what became of them.
    pub unknown: u64,
}

/// The messages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// That left.
    pub sent: u64,
    /// That were handled; one that is delivered twice counts twice.
    pub handled: u64,
    /// That were lost.
    pub lost: u64,
}

/// A time in which something did not happen: from when to when, in nanoseconds since the run began.
pub type Gap = (u64, u64);

impl Stats {
    /// The numbers of a run of which no record was seen yet.
    pub fn new(header: Header) -> Stats {
        Stats {
            header,
            records: 0,
            end_ns: 0,
            ended: false,
            actions: BTreeMap::new(),
            nodes: BTreeMap::new(),
            highest_term: 0,
            attempts: 0,
            leaders: Vec::new(),
            commits: 0,
            committed: 0,
            applied: BTreeMap::new(),
            messages: BTreeMap::new(),
            operations: Operations::default(),
            kv_messages: BTreeMap::new(),
            lost_unknown: 0,
            last_commit: 0,
            commit_gap: (0, 0),
        }
    }

    /// Counts the next record.
    pub fn observe(&mut self, record: &Record) {
        self.records += 1;
        self.end_ns = self.end_ns.max(record.t_ns);
        *self.actions.entry(record.event.action().name()).or_default() += 1;
        *self.nodes.entry(record.at.node).or_default() += 1;
        if let Some(state) = record.state {
            self.highest_term = self.highest_term.max(state.term);
        }
        self.count(record);
    }

    fn count(&mut self, record: &Record) {
        let server = record.server();
        match record.event {
            Event::Proposal { .. } => self.attempts += 1,
            Event::CoordElected { server_id, term } => {
                self.end_reign(server_id, record.t_ns);
                let (from_ns, until_ns) = (record.t_ns, None);
                self.leaders.push(Reign { server: server_id, term, from_ns, until_ns });
            }
            Event::CoordStepDown { server_id, .. }
            | Event::Crash { server_id }
            | Event::Pause { server_id }
            | Event::Resume { server_id }
            | Event::ServerStart { server_id } => self.end_reign(server_id, record.t_ns),
            Event::CoordCommit { index, .. } => self.commit(index, record.t_ns),
            Event::Apply { index, .. } => {
                if let Some(server) = server {
                    let applied = self.applied.entry(server).or_default();
                    *applied = (index, applied.1 + 1);
                }
            }
            Event::SnapshotInstalled { index, .. } => {
                if let Some(server) = server {
                    self.applied.entry(server).or_default().0 = index;
                }
            }
            Event::Send { kind, .. } => self.messages.entry(kind).or_default().sent += 1,
            Event::Recv { kind, .. } => self.messages.entry(kind).or_default().handled += 1,
            Event::KvSend { kind, .. } => self.kv_messages.entry(kind).or_default().sent += 1,
            Event::KvRecv { kind, .. } => self.kv_messages.entry(kind).or_default().handled += 1,
            Event::Invoke { .. } => self.operations.invoked += 1,
            Event::Return { outcome: KvOutcome::Failed {}, .. } => self.operations.failed += 1,
            Event::Return { outcome: KvOutcome::Unknown {}, .. } => self.operations.unknown += 1,
            Event::Return { .. } => self.operations.answered += 1,
            Event::Lost { kind: Some(kind), .. } => self.messages.entry(kind).or_default().lost += 1,
            Event::Lost { kind: None, .. } => self.lost_unknown += 1,
            Event::RunEnd { .. } => self.ended = true,
            _ => {}
        }
    }

    fn end_reign(&mut self, server: Server, t_ns: u64) {
        let running = self.leaders.iter_mut().rev().find(|reign| reign.server == server);
        if let Some(reign) = running.filter(|reign| reign.until_ns.is_none()) {
            reign.until_ns = Some(t_ns.max(reign.from_ns));
        }
    }

    /// Only an index above all before counts: a new coordinator may commit old ones again.
    fn commit(&mut self, index: Index, t_ns: u64) {
        if index <= self.committed {
            return;
        }
        (self.committed, self.commits) = (index, self.commits + 1);
        self.commit_gap = longer(self.commit_gap, (self.last_commit, t_ns));
        self.last_commit = self.last_commit.max(t_ns);
    }

    /// How often that happened.
    pub fn count_of(&self, action: Action) -> u64 {
        self.actions.get(action.name()).copied().unwrap_or(0)
    }

    /// The longest time in which nobody led.
    pub fn leaderless(&self) -> Gap {
        let mut reigns: Vec<(u64, u64)> =
            self.leaders.iter().map(|reign| (reign.from_ns, reign.until_ns.unwrap_or(self.end_ns))).collect();
        reigns.sort_unstable();
        let (mut longest, mut led_until) = ((0, 0), 0);
        for (from, until) in reigns {
            longest = longer(longest, (led_until, from));
            led_until = led_until.max(until);
        }
        longer(longest, (led_until, self.end_ns))
    }

    /// The longest time in which nothing new was committed.
    pub fn commitless(&self) -> Gap {
        longer(self.commit_gap, (self.last_commit, self.end_ns))
    }
}

/// The longer of two gaps; the first, if they are equally long.
fn longer(one: Gap, other: Gap) -> Gap {
    let length = |(from, to): Gap| to.saturating_sub(from);
    if length(other) > length(one) { other } else { one }
}
