//! What every server believes, put together from its records: one line a server.

use std::collections::BTreeMap;
use tracecheck::schema::{Durability, EntryId, Event, Header, Index, Record, Role, Server, State, Term};

/// What one server believes, and what its disk holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Belief {
    up: bool,
    state: Option<State>,
    /// The last index that its snapshot covers; 0 without one.
    base: Index,
    /// The terms of the entries after it.
    log: Vec<Term>,
    /// The term and vote on its disk.
    disk: (Term, Option<Server>),
}

/// What all servers believe.
#[derive(Clone, Debug)]
pub struct Beliefs {
    servers: BTreeMap<Server, Belief>,
    scripted: Vec<Server>,
    durable: bool,
}

impl Beliefs {
    /// Before anything happened.
    pub fn new(header: &Header) -> Beliefs {
        Beliefs {
            servers: header.servers.iter().map(|server| (*server, Belief::default())).collect(),
            scripted: header.scripted.clone(),
            durable: header.durability == Durability::Real,
        }
    }

    /// Takes a record in.
    pub fn take(&mut self, record: &Record) {
        if let Event::Crash { server_id } = record.event
            && let Some(belief) = self.servers.get_mut(&server_id)
        {
            belief.up = false;
        }
        let Some(belief) = record.server().and_then(|server| self.servers.get_mut(&server)) else { return };
        belief.state = record.state.or(belief.state);
        let terms = |entries: &[EntryId]| entries.iter().map(|EntryId(_, term, _)| *term).collect::<Vec<_>>();
        match &record.event {
            Event::ServerStart { .. } => {
                *belief = Belief { up: true, state: record.state, disk: belief.disk, ..Belief::default() };
            }
            Event::Restored { term, voted_for, snap_index, entries, .. } => {
                belief.disk = (*term, *voted_for);
                belief.base = *snap_index;
                belief.log = terms(entries);
            }
            Event::LogWrite { from, entries, .. } if *from > belief.base => {
                let kept = usize::try_from(from - belief.base - 1).unwrap_or(usize::MAX);
                belief.log.truncate(kept);
                belief.log.extend(terms(entries));
            }
            Event::LogCompact { upto } if *upto > belief.base => {
                let gone = usize::try_from(upto - belief.base).unwrap_or(usize::MAX).min(belief.log.len());
                belief.log.drain(..gone);
                belief.base = *upto;
            }
            Event::Durable { term, voted_for, .. } => belief.disk = (*term, *voted_for),
            _ => {}
        }
    }

    /// One line a server, with what matters in this run: logs and disks only where there are any.
    pub fn lines(&self) -> Vec<String> {
        let logs = self.servers.values().any(|belief| belief.base > 0 || !belief.log.is_empty());
        let line = |(server, belief): (&Server, &Belief)| {
            let mut line = format!("{:<4}{}", server.to_string(), self.one(*server, belief, logs));
            if self.durable && !self.scripted.contains(server) {
                let (term, vote) = belief.disk;
                line = format!("{line:<58}  disk t{term} vote {}", name(vote));
            }
            line.trim_end().to_owned()
        };
        self.servers.iter().map(line).collect()
    }

    /// What that server believes, in one line.
    pub fn of(&self, server: Server) -> String {
        self.servers.get(&server).map_or(String::new(), |belief| {
            let words = self.one(server, belief, belief.base > 0 || !belief.log.is_empty());
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            if self.durable && !self.scripted.contains(&server) {
                let (term, vote) = belief.disk;
                return format!("{words}, and its disk has t{term} vote {}", name(vote));
            }
            words
        })
    }

    fn one(&self, server: Server, belief: &Belief, logs: bool) -> String {
        let Some(state) = belief.state.filter(|_| belief.up) else { return "down".to_owned() };
        let leader = state.leader_id.filter(|leader| *leader != server);
        let role = match (state.role, leader) {
            (Role::Leader, _) => "leader".to_owned(),
            (Role::Candidate, _) => "candidate".to_owned(),
            (Role::PreCandidate, _) => "pre-candidate".to_owned(),
            (Role::Follower, None) => "follower".to_owned(),
            (Role::Follower, Some(leader)) => format!("follower of {leader}"),
        };
        let mut line = format!("{role:<16}t{:<3}", state.term);
        if self.scripted.contains(&server) {
            return format!("{line}played by the script");
        }
        line.push_str(&format!("vote {:<4}", name(state.voted_for)));
        if logs {
            let snapshot = if belief.base > 0 { format!(" [{}]", belief.base) } else { String::new() };
            let terms: String = belief.log.iter().map(|term| format!(" {term}")).collect();
            let log = format!("{snapshot}{terms}");
            let log = if log.is_empty() { " -" } else { &log };
            line.push_str(&format!("log{log:<12}commit {}", state.commit_index));
        }
        line
    }
}

fn name(server: Option<Server>) -> String {
    server.map_or("-".to_owned(), |server| server.to_string())
}
