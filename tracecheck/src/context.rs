//! What the rules look at: the run so far, kept once for all of them.
//!
//! Owns, for each server, its last state, the step it is in, its log and its disk; every vote and vote request;
//! the commits; which message a server handles; the causal order; and where records are known to be missing.
//!
//! Invariant: it is brought up to date with a record before any rule sees that record. It judges nothing.

mod clients;
mod commits;
mod links;
mod log;
mod replica;
mod server;

pub(crate) use clients::{Clients, Invoked, Work, is_client};
pub(crate) use commits::Commit;
pub(crate) use links::{Handled, Request};
pub(crate) use log::{At, Log, slot};
pub(crate) use replica::{Image, Left, Replaced, Replica, image};
pub(crate) use server::{OnDisk, ServerView, Step, Trigger};

use crate::order::{Admission, Oddity, Order};
use crate::quorum::{Configuration, ServerSet};
use crate::words::count;
use commits::Commits;
use links::Links;
use replica::Write;
use std::collections::BTreeMap;
use tracecheck_schema::{Durability, EntryId, Event, Header, Kind, Node, Record, Server, Stamp, State, Term};

/// Something for each server, created when first needed.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerServer<T>(Vec<T>);

impl<T: Default> PerServer<T> {
    pub(crate) fn get(&self, Server(number): Server) -> Option<&T> {
        self.0.get(usize::from(number))
    }

    pub(crate) fn get_mut(&mut self, Server(number): Server) -> &mut T {
        let number = usize::from(number);
        if self.0.len() <= number {
            self.0.resize_with(number + 1, T::default);
        }
        &mut self.0[number]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter()
    }
}

/// A VoteRequest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Stamp,
    pub(crate) state: Option<State>,
}

/// A VoteConfirm: who, and the first record of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted {
    pub(crate) voter: Server,
    pub(crate) at: Stamp,
}

/// The run so far.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) order: Order,
    /// What the order says of the current record.
    pub(crate) now: Admission,
    pub(crate) config: Configuration,
    pub(crate) real_disks: bool,
    /// Causes may come later (a file), so that only the end decides about them.
    pub(crate) deferred: bool,
    /// Processes may have been killed before they wrote their last records.
    pub(crate) lost_tails: bool,
    /// Records seen, without RunEnd.
    pub(crate) records: u64,
    /// RunEnd: its stamp, its count, whether the run completed.
    pub(crate) run_end: Option<(Stamp, u64, bool)>,
    pub(crate) commits: Commits,
    pub(crate) clients: Clients,
    /// Every server of the run, also one that starts later.
    pub(crate) everyone: Vec<Server>,
    scripted: ServerSet,
    servers: PerServer<ServerView>,
    replicas: PerServer<Replica>,
    links: Links,
    /// How often each server crashed. The network records crashes, so that no edge orders them among the
    /// server's own records; but the n-th crash ends the n-th incarnation.
    crashes: PerServer<u32>,
    asked: BTreeMap<(Term, Server), Vec<Asked>>,
    granted: BTreeMap<(Term, Server), Vec<Granted>>,
    /// Nodes of which records are missing, with a phrase that says which.
    holes: BTreeMap<Node, String>,
    /// Nodes that were killed before they wrote all their records, if they may have been; likewise.
    tails: BTreeMap<Node, String>,
}

impl Context {
    pub(crate) fn new(header: &Header) -> Context {
        Context {
            order: Order::new(),
            now: Admission { position: 0, opens: false, oddity: None, missing: None },
            config: Configuration::new(&header.voters),
            real_disks: header.durability == Durability::Real,
            deferred: false,
            lost_tails: false,
            records: 0,
            run_end: None,
            commits: Commits::default(),
            clients: Clients::default(),
            everyone: header.servers.clone(),
            scripted: ServerSet::of(&header.scripted),
            servers: PerServer::default(),
            replicas: PerServer::default(),
            links: Links::default(),
            crashes: PerServer::default(),
            asked: BTreeMap::new(),
            granted: BTreeMap::new(),
            holes: BTreeMap::new(),
            tails: BTreeMap::new(),
        }
    }

    /// Takes the next record in. Returns false if its stamp was seen before: then only T1 looks at it.
    pub(crate) fn take(&mut self, record: &Record) -> bool {
        self.now = self.order.admit(record.at, record.cause);
        match record.event {
            Event::RunEnd { records, completed } => self.run_end = Some((record.at, records, completed)),
            _ => self.records += 1,
        }
        if self.now.oddity.is_some() || self.now.missing.is_some() {
            self.note_holes(record.at);
        }
        if self.now.oddity == Some(Oddity::Repeated) {
            return false;
        }
        self.clients.take(record);
        if let Some(server) = record.server() {
            let begins = self.take_server(server, record);
            self.take_log(server, record, begins);
        } else if let Event::Crash { server_id } = record.event {
            *self.crashes.get_mut(server_id) += 1;
        }
        true
    }

    fn note_holes(&mut self, at: Stamp) {
        // What a killed process did not write explains a missing end, never a gap between records.
        let Context { now, holes, tails, lost_tails, .. } = self;
        let ends = if *lost_tails { tails } else { &mut *holes };
        if let Some(missing) = now.missing {
            ends.entry(missing.node).or_insert_with(|| format!("{missing}, the cause of {at}"));
        }
        match now.oddity {
            Some(Oddity::MissingIncarnation { .. }) => {
                ends.entry(at.node)
                    .or_insert_with(|| format!("whole incarnations of {} before {at}", at.node));
            }
            Some(Oddity::Gap { after }) => {
                let lost = count(at.seq - after - 1, "record");
                holes.entry(at.node).or_insert_with(|| format!("{lost} of {} before {at}", at.node));
            }
            Some(Oddity::Repeated) | None => {}
        }
    }

    /// Takes in what a record says of votes and of what was heard. Returns whether it begins a step.
    fn take_server(&mut self, server: Server, record: &Record) -> bool {
        let view = self.servers.get_mut(server);
        if self.now.opens {
            *view = ServerView::default();
        }
        let begins = view.begin_step(record);
        match record.event {
            Event::ServerStart { .. } => {
                view.disk = record.state.map(|state| OnDisk {
                    term: state.term,
                    voted_for: state.voted_for,
                    last_index: state.last_index,
                    at: record.at,
                });
                view.restored_vote = record.state.and_then(|state| Some((state.term, state.voted_for?)));
            }
            Event::Restored { term, voted_for, snap_index, ref entries, .. } => {
                let last_index = entries.last().map_or(snap_index, |EntryId(index, _, _)| *index);
                view.disk = Some(OnDisk { term, voted_for, last_index, at: record.at });
                view.restored_vote = voted_for.map(|to| (term, to));
            }
            Event::Durable { term, voted_for, last_index, .. } => {
                view.disk = Some(OnDisk { term, voted_for, last_index, at: record.at });
                view.synced = true;
            }
            Event::CoordFail { .. } => {
                view.timeout = Some(record.at);
                view.heard = None;
            }
            Event::Recv { kind: Kind::AppendRequest | Kind::InstallRequest, term, .. }
                if view.heard.is_none_or(|(heard, _)| heard <= term) =>
            {
                view.heard = Some((term, record.at));
            }
            Event::Apply { index, .. }
            | Event::SnapshotInstalled { index, .. }
            | Event::SnapshotTaken { index, .. } => view.applied = view.applied.max(index),
            Event::VoteRequest { term, .. } => {
                let asked = Asked { at: record.at, state: record.state };
                self.asked.entry((term, server)).or_default().push(asked);
            }
            Event::VoteConfirm { candidate_server_id, term, .. } => {
                let votes = self.granted.entry((term, candidate_server_id)).or_default();
                if votes.iter().all(|vote| vote.voter != server) {
                    votes.push(Granted { voter: server, at: record.at });
                }
            }
            _ => {}
        }
        begins
    }

    /// Takes in what a record says of logs, disks, commits and messages with entries.
    fn take_log(&mut self, server: Server, record: &Record, begins: bool) {
        let (at, position) = (record.at, self.now.position);
        let confirms = matches!(record.event, Event::AppendConfirm { .. });
        let told = match confirms.then(|| self.handled(server)).flatten() {
            Some((_, Handled::Request(request))) => request.commit,
            _ => 0,
        };
        let replica = self.replicas.get_mut(server);
        if begins || self.now.opens {
            replica.begin_step();
        }
        if self.now.opens {
            let first = self.order.incarnations(at.node) == 1;
            let starts = matches!(record.event, Event::ServerStart { .. });
            replica.open(self.real_disks, record.state.filter(|_| starts), at, first);
        }
        match record.event {
            Event::Restored { term, voted_for, snap_index, snap_term, ref entries } => {
                let image = image((term, voted_for), (snap_index, snap_term), entries);
                replica.restore(image, at, position);
            }
            Event::LogWrite { term, voted_for, from: 0, .. } => {
                replica.write(Write::Hard((term, voted_for)), at, position);
            }
            Event::LogWrite { from, ref entries, .. } => {
                let slots = entries.iter().map(slot).collect();
                replica.write(Write::Entries { from, slots }, at, position);
            }
            Event::SnapshotWrite { index, term, .. } => {
                replica.write(Write::Snapshot { index, term }, at, position);
            }
            Event::LogCompact { upto } => replica.write(Write::Compact { upto }, at, position),
            Event::Durable { term, voted_for, last_index, last_term, snap_index } => {
                replica.synced((term, voted_for), (last_index, last_term), snap_index, at, position);
            }
            Event::AppendConfirm { to, term, match_index } => {
                replica.confirm(to, (term, told), match_index, at)
            }
            Event::AppendEntry { to, term, prev_index, prev_term, ref entries, leader_commit } => {
                let prev = (prev_index, prev_term);
                self.links.made(server, to, Request::new(at, (term, leader_commit), prev, entries));
            }
            Event::Send { kind: Kind::AppendRequest, to, term, .. } => self.links.left(server, to, term, at),
            Event::Send { kind: Kind::AppendReply, to, term, match_index: Some(index), .. } => {
                replica.leave(to, term, index);
                // A server that the test plays has no log: what it says counts.
                if self.scripted.contains(server) {
                    replica.support(term, index, position, at);
                }
            }
            Event::CoordCommit { term, index, entry_term, operation } => {
                let commit = Commit { at, server, term, index, entry_term, operation };
                self.commits.take(commit, &self.order);
                for server in 0..self.replicas.0.len() {
                    self.replicas.0[server].forget(term, index);
                }
            }
            _ => {}
        }
    }

    /// Whether the rules hold this server to anything.
    pub(crate) fn is_judged(&self, server: Server) -> bool {
        !self.scripted.contains(server)
    }

    /// The server that recorded this, if the rules hold it to anything.
    pub(crate) fn judged(&self, record: &Record) -> Option<Server> {
        record.server().filter(|server| self.is_judged(*server))
    }

    pub(crate) fn server(&self, server: Server) -> Option<&ServerView> {
        self.servers.get(server)
    }

    pub(crate) fn replica(&self, server: Server) -> Option<&Replica> {
        self.replicas.get(server)
    }

    /// The log of a server as it was written, durable or not.
    pub(crate) fn log(&self, server: Server) -> Option<&Log> {
        self.replicas.get(server).map(|replica| &replica.written.log)
    }

    /// The servers that recorded anything.
    pub(crate) fn servers_seen(&self) -> impl Iterator<Item = Server> {
        (0..self.replicas.0.len()).filter_map(|number| u8::try_from(number).ok().map(Server))
    }

    /// The AppendEntries that a server handles in this step, and who sent it.
    pub(crate) fn handled(&self, server: Server) -> Option<(Server, Handled<'_>)> {
        match self.step(server).trigger {
            Trigger::Message { kind: Kind::AppendRequest, from, cause, .. } => {
                let handled = |cause| self.links.find(from, server, cause);
                Some((from, cause.map_or(Handled::Unrecorded, handled)))
            }
            _ => None,
        }
    }

    /// Whether the test plays some server: what it said may have no record.
    pub(crate) fn has_scripted(&self) -> bool {
        self.scripted != ServerSet::default()
    }

    /// The step that the server is in.
    pub(crate) fn step(&self, server: Server) -> Step {
        self.servers.get(server).map(|view| view.step).unwrap_or_default()
    }

    /// The votes that a candidate was given in a term.
    pub(crate) fn votes(&self, term: Term, candidate: Server) -> &[Granted] {
        self.granted.get(&(term, candidate)).map_or(&[], Vec::as_slice)
    }

    /// The candidates to which a server gave its vote in a term.
    pub(crate) fn voted_in(&self, term: Term, voter: Server) -> impl Iterator<Item = (Server, Stamp)> {
        self.granted.range((term, Server(0))..=(term, Server(u8::MAX))).flat_map(move |((_, to), votes)| {
            votes.iter().filter(move |vote| vote.voter == voter).map(move |vote| (*to, vote.at))
        })
    }

    /// The first VoteRequest of a candidate in a term.
    pub(crate) fn first_request(&self, term: Term, candidate: Server) -> Option<Asked> {
        self.asked.get(&(term, candidate))?.first().copied()
    }

    /// The VoteRequest that `voter` answers now: the candidate's last one before the message left. A scripted
    /// candidate may ask different servers with different logs.
    pub(crate) fn answered_request(&self, voter: Server, term: Term, candidate: Server) -> Option<Asked> {
        let all = self.asked.get(&(term, candidate))?;
        if let Trigger::Message { kind: Kind::VoteRequest, from, cause: Some(cause), .. } =
            self.step(voter).trigger
            && from == candidate
        {
            let before = |asked: &&Asked| asked.at <= cause;
            return all.iter().rev().find(before).copied();
        }
        all.last().copied()
    }

    /// Says which records of a node are missing; `None` if none is known to be.
    pub(crate) fn hole_in(&self, node: impl Into<Node>) -> Option<&str> {
        let node = node.into();
        self.holes.get(&node).or_else(|| self.tails.get(&node)).map(String::as_str)
    }

    /// Says which records are missing anywhere.
    pub(crate) fn hole(&self) -> Option<&str> {
        self.gap().or_else(|| self.tails.values().next().map(String::as_str))
    }

    /// Says which records are missing that no killed process explains: then nothing is certain.
    pub(crate) fn gap(&self) -> Option<&str> {
        self.holes.values().next().map(String::as_str)
    }

    /// Whether that record, which is missing, may be one of the last that a killed process did not write.
    pub(crate) fn may_be_lost(&self, at: Stamp) -> bool {
        self.was_killed(at) || (self.lost_tails && self.order.last(at.node).is_none_or(|last| at > last))
    }

    /// Whether that incarnation was killed: its last records may never have been written.
    pub(crate) fn was_killed(&self, at: Stamp) -> bool {
        let restarted = self.order.last(at.node).is_some_and(|last| last.inc > at.inc);
        let crashes = at.node.server().and_then(|server| self.crashes.get(server)).copied().unwrap_or(0);
        restarted || crashes >= at.inc.max(1)
    }
}
