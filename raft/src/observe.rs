//! The one place that turns what a server did into trace events.
//!
//! Events are derived from one step of the core (its input, the state before it, its effects, the state
//! after it), never from a batch of steps, and never by the core itself: a student can neither forget nor
//! forge one. What leaves later, when its writes are durable, is recorded by the driver as `Send`.
//!
//! Never: clones or compares a log.

use crate::core::{
    AppendArgs, Change, Durable, Effect, Entry, Input, Log, Membership, Rep, Req, Saved, VoteArgs, Write,
};
use labrpc::Recorder;
use labrpc::schema::{EntryId, Event, Index, RejectReason, Role, Server, Stamp, State, Timer};
use std::collections::BTreeSet;
use xxhash_rust::xxh3::xxh3_64;

/// Derives the events of one server.
#[derive(Clone, Debug)]
pub struct Observer {
    me: Server,
    joined: bool,
    /// Who answered this leader since its last check for a quorum.
    heard: BTreeSet<Server>,
    /// Whom it gave up, and who did not answer since.
    given_up: BTreeSet<Server>,
}

/// One step of a core, as seen from outside.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// What it was given.
    pub input: &'a Input,
    /// On a message: the sender's record when it left.
    pub cause: Option<Stamp>,
    /// What it believed before.
    pub before: State,
    /// What it did, in order.
    pub effects: &'a [Effect],
    /// What it believes now.
    pub after: State,
    /// Who votes.
    pub membership: &'a Membership,
    /// The log now. It is only looked at where something was committed.
    pub log: &'a Log,
}

impl Observer {
    /// An observer for a server that has just started.
    pub fn new(me: Server) -> Self {
        Observer { me, joined: false, heard: BTreeSet::new(), given_up: BTreeSet::new() }
    }

    /// Whether the server has joined.
    pub fn has_joined(&self) -> bool {
        self.joined
    }

    /// Records that the server began, with what its disk held, and what it made of that.
    pub fn started(&self, state: State, saved: &Saved, effects: &[Effect], recorder: &Recorder) {
        let server_id = self.me;
        recorder.record(Event::ServerStart { server_id }, Some(state), None);
        if *saved != Saved::default() {
            let (base, log) = (saved.log.base().0, &saved.log);
            let (snap_index, snap_term) = saved.snap.as_ref().map_or((0, 0), |snap| (snap.index, snap.term));
            let entries = ids(log.slice(base + 1, usize::MAX), base + 1).filter(|id| id.0 > snap_index);
            let restored = Event::Restored {
                term: saved.hard.term,
                voted_for: saved.hard.vote,
                snap_index,
                snap_term,
                entries: entries.collect(),
            };
            recorder.record(restored, Some(state), None);
        }
        for event in effects.iter().filter_map(delivered) {
            recorder.record(event, Some(state), None);
        }
        recorder.record(Event::ServerJoining { server_id }, Some(state), None);
    }

    /// Records every event of one step.
    pub fn observe(&mut self, step: Step<'_>, recorder: &Recorder) {
        let last = recorder.last();
        let mut record = |event| {
            recorder.record(event, Some(step.after), None);
        };
        match step.input {
            Input::Request { from, req, .. } => {
                self.received(&step, req.kind(), *from, req.term(), recorder);
            }
            Input::Reply { from, rep: Some(rep), .. } => {
                self.received(&step, rep.kind(), *from, rep.term(), recorder);
            }
            Input::Timer(Timer::Election) if step.before.role != Role::Leader => {
                record(Event::CoordFail { server_id: self.me });
            }
            Input::Timer(_) | Input::Reply { rep: None, .. } | Input::Propose { .. } => {}
            Input::Snapshot { .. } | Input::Written(_) | Input::Read { .. } | Input::Joined { .. } => {}
        }
        self.candidacy(&step, &mut record);
        if let Some(event) = taken(&step) {
            record(event);
        }
        for effect in step.effects {
            self.effect(&step, effect, &mut record);
        }
        self.elected(&step, &mut record);
        self.committed(&step, &mut record);
        step.effects.iter().filter_map(delivered).for_each(&mut record);
        for effect in step.effects {
            if let Effect::Send { to, req: Req::Append(args), .. } = effect {
                record(append_entry(*to, args));
            }
        }
        self.join(&step, &mut record);
        self.failed(&step, &mut record);
        self.silent(&step, last, recorder);
    }

    /// No change of the state goes unrecorded: whoever compares a state with the one before it must find that.
    fn silent(&self, step: &Step<'_>, last: Option<Stamp>, recorder: &Recorder) {
        if let Input::Timer(timer) = step.input
            && step.before != step.after
            && recorder.last() == last
        {
            recorder.record(Event::TimerFired { timer: *timer }, Some(step.after), None);
        }
    }

    fn received(
        &self,
        step: &Step<'_>,
        kind: labrpc::schema::Kind,
        from: Server,
        term: u64,
        recorder: &Recorder,
    ) {
        let armed = step.effects.iter().filter_map(|effect| match effect {
            Effect::SetTimer(timer, _) => Some(*timer),
            _ => None,
        });
        let event = Event::Recv { kind, from, term, armed: armed.collect() };
        recorder.record(event, Some(step.after), step.cause);
    }

    /// What became of an earlier candidacy or leadership, and a new candidacy.
    fn candidacy(&self, step: &Step<'_>, record: &mut impl FnMut(Event)) {
        let Step { before, after, effects, .. } = step;
        let server_id = self.me;
        let asks = |wanted: fn(&Req) -> bool| {
            effects.iter().any(|effect| matches!(effect, Effect::Send { req, .. } if wanted(req)))
        };
        let moved = after.term > before.term || after.role != before.role;
        if before.role == Role::Candidate
            && moved
            && !(after.role == Role::Leader && after.term == before.term)
        {
            record(Event::ProposalRejected { server_id, term: before.term });
        }
        if before.role == Role::Leader && moved {
            record(Event::CoordStepDown { server_id, term: before.term });
        }
        if asks(|req| matches!(req, Req::PreVote(_))) {
            record(Event::PreVoteRequest { server_id, term: after.term.saturating_add(1) });
        }
        if after.term > before.term && matches!(after.role, Role::Candidate | Role::Leader) {
            let term = after.term;
            record(Event::Proposal { server_id, term });
            if after.voted_for == Some(server_id) {
                record(Event::VoteConfirm { server_id, candidate_server_id: server_id, term });
            }
        }
        if asks(|req| matches!(req, Req::Vote(_))) {
            record(Event::VoteRequest { server_id, term: after.term });
        }
    }

    fn effect(&self, step: &Step<'_>, effect: &Effect, record: &mut impl FnMut(Event)) {
        match effect {
            Effect::Write(write) => record(written(&step.after, write)),
            Effect::Changed(change) => record(changed(&step.after, change)),
            Effect::Reply { rep, .. } => {
                // What an installation did is told by its writes and deliveries.
                if let Input::Request { from, req, .. } = step.input
                    && !matches!(req, Req::Install(_))
                {
                    record(self.answered(step, *from, req, rep));
                }
            }
            Effect::ReadAt { id, result: Ok(index) } => record(Event::ReadPoint { id: *id, index: *index }),
            Effect::ReadAt { result: Err(_), .. } => {}
            // Recorded when they leave, when the election is told, or by their consequences.
            Effect::Send { .. } | Effect::SetTimer(..) | Effect::StopTimer(_) | Effect::Answer { .. } => {}
            Effect::Apply { .. } | Effect::Restore(_) => {}
        }
    }

    fn answered(&self, step: &Step<'_>, from: Server, req: &Req, rep: &Rep) -> Event {
        let server_id = self.me;
        match (req, rep) {
            (Req::PreVote(args), Rep::PreVote(rep)) => {
                let (candidate_server_id, term) = (args.candidate, args.term);
                if rep.granted {
                    Event::PreVoteConfirm { server_id, candidate_server_id, term }
                } else {
                    let reason = self.reason(step, args);
                    Event::PreVoteReject { server_id, candidate_server_id, term, reason }
                }
            }
            (Req::Vote(args), Rep::Vote(rep)) => {
                let (candidate_server_id, term) = (args.candidate, args.term);
                if rep.granted {
                    Event::VoteConfirm { server_id, candidate_server_id, term }
                } else {
                    let reason = self.reason(step, args);
                    Event::VoteReject { server_id, candidate_server_id, term, reason }
                }
            }
            (Req::Append(args), Rep::Append(rep)) => {
                let (to, term) = (from, args.term);
                if rep.success {
                    let match_index = args.prev_index.saturating_add(args.entries.len() as Index);
                    Event::AppendConfirm { to, term, match_index }
                } else {
                    Event::AppendReject { to, term }
                }
            }
            (req, rep) => unreachable!("the core answered {req:?} with {rep:?}"),
        }
    }

    /// Why this server could have refused, judged from its state: first what is plain, last that it may have
    /// ignored the request. None, if nothing forbade the vote. Whether the reason is true, the rule E10 finds
    /// out.
    fn reason(&self, step: &Step<'_>, args: &VoteArgs) -> Option<RejectReason> {
        let Step { before, after, membership, .. } = step;
        let behind = (args.last_term, args.last_index) < (before.last_term, before.last_index);
        let pre_vote = matches!(step.input, Input::Request { req: Req::PreVote(_), .. });
        let given = before.term == args.term && before.voted_for.is_some_and(|it| it != args.candidate);
        if before.term > args.term || (pre_vote && before.term == args.term) {
            Some(RejectReason::HigherTerm)
        } else if given && !pre_vote {
            Some(RejectReason::OtherVote)
        } else if behind && args.term <= after.term {
            Some(RejectReason::LogBehind)
        } else if before.leader_id.is_some() && after.term == before.term {
            // Ignored for a live leader's sake. Whoever adopts the term has given that leader up.
            Some(RejectReason::LiveLeader)
        } else if behind {
            Some(RejectReason::LogBehind)
        } else if !membership.is_voter(self.me) {
            Some(RejectReason::NotVoter)
        } else {
            None
        }
    }

    fn elected(&self, step: &Step<'_>, record: &mut impl FnMut(Event)) {
        let Step { before, after, .. } = step;
        if after.role == Role::Leader && (before.role != Role::Leader || after.term > before.term) {
            let (server_id, term) = (self.me, after.term);
            record(Event::ProposalAccepted { server_id, term });
            record(Event::CoordElected { server_id, term });
        }
    }

    /// One event an index that became committed in this step, in order. What a snapshot brought has none.
    fn committed(&self, step: &Step<'_>, record: &mut impl FnMut(Event)) {
        for index in step.before.commit_index + 1..=step.after.commit_index {
            let Some(entry) = step.log.entry(index) else { continue };
            let (term, entry_term, operation) = (step.after.term, entry.term, operation(entry));
            record(match step.after.role {
                Role::Leader => Event::CoordCommit { term, index, entry_term, operation },
                _ => Event::ServerCommit { term, index, entry_term, operation },
            });
        }
    }

    /// A leader gives up whoever did not answer it between two checks for a quorum. It goes on trying all the same.
    fn failed(&mut self, step: &Step<'_>, record: &mut impl FnMut(Event)) {
        if step.after.role != Role::Leader {
            self.heard.clear();
            self.given_up.clear();
            return;
        }
        match step.input {
            Input::Reply { from, rep: Some(_), .. } => {
                self.heard.insert(*from);
                self.given_up.remove(from);
            }
            Input::Timer(Timer::Quorum) => {
                let heard = std::mem::take(&mut self.heard);
                for server_id in step.membership.others(self.me) {
                    if !heard.contains(&server_id) && self.given_up.insert(server_id) {
                        record(Event::ServerFail { server_id });
                    }
                }
            }
            _ => {}
        }
    }

    /// A server has joined when it first has the commit index that a coordinator told it, or coordinates.
    fn join(&mut self, step: &Step<'_>, record: &mut impl FnMut(Event)) {
        let told = match step.input {
            Input::Request { req: Req::Append(args), .. } => {
                args.term == step.after.term && step.after.commit_index >= args.commit
            }
            _ => step.after.role == Role::Leader,
        };
        if told && !self.joined {
            self.joined = true;
            record(Event::ServerJoined { server_id: self.me });
        }
    }
}

/// What is recorded when a message leaves.
pub fn sent(me: Server, effect: &Effect, answers: Option<(Server, &Req)>) -> Option<Event> {
    match (effect, answers) {
        (Effect::Send { to, req, .. }, _) => {
            let votes_for = matches!(req, Req::Vote(_)).then_some(me);
            Some(Event::Send { kind: req.kind(), to: *to, term: req.term(), votes_for, match_index: None })
        }
        (Effect::Reply { rep, .. }, Some((to, req))) => {
            let votes_for = match (req, rep) {
                (Req::Vote(args), Rep::Vote(rep)) if rep.granted => Some(args.candidate),
                _ => None,
            };
            let match_index = match (req, rep) {
                (Req::Append(args), Rep::Append(rep)) if rep.success => {
                    Some(args.prev_index.saturating_add(args.entries.len() as Index))
                }
                _ => None,
            };
            Some(Event::Send { kind: rep.kind(), to, term: rep.term(), votes_for, match_index })
        }
        _ => None,
    }
}

/// What is recorded when a sync ends.
pub fn synced(durable: &Durable) -> Event {
    Event::Durable {
        term: durable.hard.term,
        voted_for: durable.hard.vote,
        last_index: durable.last.0,
        last_term: durable.last.1,
        snap_index: durable.snap,
    }
}

/// The service handed over a snapshot, and the core took it.
fn taken(step: &Step<'_>) -> Option<Event> {
    let Input::Snapshot { index, data } = step.input else { return None };
    step.effects.iter().any(|effect| matches!(effect, Effect::Write(Write::Snapshot(_)))).then(|| {
        let term = step.log.term_at(*index).unwrap_or(0);
        Event::SnapshotTaken { index: *index, term, digest: xxh3_64(data) }
    })
}

/// What an effect delivers to the service.
fn delivered(effect: &Effect) -> Option<Event> {
    match effect {
        Effect::Apply { index, command, .. } => {
            Some(Event::Apply { index: *index, operation: xxh3_64(command) })
        }
        Effect::Restore(snap) => {
            Some(Event::SnapshotInstalled { index: snap.index, term: snap.term, digest: xxh3_64(&snap.data) })
        }
        _ => None,
    }
}

fn written(after: &State, write: &Write) -> Event {
    match write {
        Write::Hard(hard) => {
            Event::LogWrite { term: hard.term, voted_for: hard.vote, from: 0, entries: vec![] }
        }
        Write::Log(change) => changed(after, change),
        Write::Snapshot(snap) => {
            Event::SnapshotWrite { index: snap.index, term: snap.term, digest: xxh3_64(&snap.data) }
        }
        Write::Compact { upto } => Event::LogCompact { upto: *upto },
    }
}

fn changed(after: &State, change: &Change) -> Event {
    let entries = ids(&change.entries, change.from).collect();
    Event::LogWrite { term: after.term, voted_for: after.voted_for, from: change.from, entries }
}

fn append_entry(to: Server, args: &AppendArgs) -> Event {
    Event::AppendEntry {
        to,
        term: args.term,
        prev_index: args.prev_index,
        prev_term: args.prev_term,
        entries: ids(&args.entries, args.prev_index.saturating_add(1)).collect(),
        leader_commit: args.commit,
    }
}

/// The names of entries that stand at `first` and after.
fn ids(entries: &[Entry], first: Index) -> impl Iterator<Item = EntryId> + '_ {
    entries.iter().zip(first..).map(|(entry, index)| EntryId(index, entry.term, operation(entry)))
}

/// A digest of an entry's operation: equal operations, equal digests; 0 for a no-op.
pub fn operation(entry: &Entry) -> u64 {
    entry.command.as_deref().map_or(0, xxh3_64)
}
