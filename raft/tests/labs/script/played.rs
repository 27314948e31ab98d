//! Servers that a script plays: what they ask and answer, and what they record of it.

use super::parse::{Ask, Pick, Topic};
use super::words::entry;
use super::world::{Flight, Played, What, World};
use crate::harness::Done;
use labrpc::schema::{EntryId, Event, Index, Kind, Role, Server, State, Term};
use raft::core::{
    AppendArgs, AppendReply, Change, Effect, InstallArgs, InstallReply, Log, Rep, Req, VoteArgs, VoteReply,
};
use raft::observe::{operation, sent};

impl World {
    pub(super) fn start_played(&mut self, server: Server) {
        let host = self.sim.start(server.into());
        let state = claimed(Role::Follower, 0, (0, 0));
        host.recorder().record(Event::ServerStart { server_id: server }, Some(state), None);
        self.played.insert(server, Played { host, log: Log::default(), commit: 0 });
    }

    pub(super) fn ask(&mut self, ask: &Ask) {
        let (from, to, term) = (ask.link.from, ask.link.to, ask.term);
        let req = self.request(ask);
        let Some(played) = self.played.get_mut(&from) else { return };
        let recorder = played.host.recorder().clone();
        match &req {
            Req::Vote(_) => {
                let state = claimed(Role::Candidate, term, ask.last);
                recorder.record(Event::VoteRequest { server_id: from, term }, Some(state), None);
            }
            Req::Append(args) if !args.is_bare() => played.claim(to, args),
            _ => {}
        }
        let votes_for = matches!(req, Req::Vote(_)).then_some(from);
        let event = Event::Send { kind: req.kind(), to, term, votes_for, match_index: None };
        let stamp = Some(recorder.record(event, None, None));
        self.arrive(Flight { from, to, stamp, what: What::Request(req), late: false });
    }

    fn request(&self, ask: &Ask) -> Req {
        let (from, term) = (ask.link.from, ask.term);
        let vote = VoteArgs { term, candidate: from, last_index: ask.last.0, last_term: ask.last.1 };
        match ask.link.topic {
            Some(Topic::PreVote) => Req::PreVote(vote),
            Some(Topic::Vote) | None => Req::Vote(vote),
            Some(Topic::Append | Topic::Heartbeat | Topic::Entries) => Req::Append(AppendArgs {
                round: 0,
                term,
                leader: from,
                prev_index: ask.prev.0,
                prev_term: ask.prev.1,
                entries: ask
                    .entries
                    .iter()
                    .zip(ask.prev.0 + 1..)
                    .map(|(term, index)| entry(*term, index))
                    .collect(),
                commit: ask.commit,
            }),
            Some(Topic::Install) => Req::Install(InstallArgs {
                term,
                leader: from,
                last_index: ask.last.0,
                last_term: ask.last.1,
                offset: ask.offset,
                data: ask.data.clone().into_bytes(),
                done: ask.done,
            }),
        }
    }

    pub(super) fn answer(&mut self, text: &str, link: &Pick, granted: bool, term: Option<Term>) -> Done {
        let (me, candidate) = (link.from, link.to);
        let pick = Pick { from: candidate, to: me, topic: link.topic, place: 0 };
        let is_asked = |flight: &Flight| flight.matches(&pick) && matches!(flight.what, What::Request(_));
        let Some(asked) = self.flights.iter().position(is_asked) else {
            return Err(self.no_such_message(text, candidate, me));
        };
        let Flight { stamp: cause, what, .. } = self.flights.remove(asked);
        let What::Request(req) = what else { return Ok(()) };
        let term = term.unwrap_or(req.term());
        let state = Some(claimed(Role::Follower, term, (0, 0)));
        let recorder = self.played[&me].host.recorder().clone();
        let received = Event::Recv { kind: req.kind(), from: candidate, term: req.term(), armed: vec![] };
        recorder.record(received, state, cause);
        let rep = match &req {
            Req::PreVote(_) => Rep::PreVote(VoteReply { term, granted }),
            Req::Vote(_) => Rep::Vote(VoteReply { term, granted }),
            Req::Append(_) => Rep::Append(AppendReply { term, success: granted, conflict: None }),
            Req::Install(args) => Rep::Install(InstallReply {
                term,
                received: args.offset + args.data.len() as u64,
                installed: granted,
            }),
        };
        if granted && rep.kind() == Kind::VoteReply {
            let event =
                Event::VoteConfirm { server_id: me, candidate_server_id: candidate, term: req.term() };
            recorder.record(event, state, None);
        }
        if let (true, Req::Append(args)) = (granted, &req) {
            if !args.entries.is_empty() {
                let entries = ids(args);
                let from = args.prev_index + 1;
                recorder.record(Event::LogWrite { term, voted_for: None, from, entries }, state, None);
            }
            let match_index = args.prev_index + args.entries.len() as Index;
            recorder.record(
                Event::AppendConfirm { to: candidate, term: req.term(), match_index },
                state,
                None,
            );
        }
        let effect = Effect::Reply { call: 0, rep: rep.clone() };
        let event = sent(me, &effect, Some((candidate, &req)));
        let stamp = event.map(|event| recorder.record(event, None, None));
        self.flights.push(Flight {
            from: me,
            to: candidate,
            stamp,
            what: What::Reply(req, rep),
            late: false,
        });
        Ok(())
    }
}

impl Played {
    /// Records what a leader that sends this claims: that it has the entries, that some are committed, and
    /// that it sends them.
    fn claim(&mut self, to: Server, args: &AppendArgs) {
        let recorder = self.host.recorder();
        let term = args.term;
        let fits = args.prev_index <= self.log.last_index();
        if fits && !args.entries.is_empty() {
            let change = Change { from: args.prev_index + 1, entries: args.entries.clone() };
            self.log.rewrite(&change);
            let state = Some(claimed(Role::Leader, term, (self.log.last_index(), self.log.last_term())));
            let event = Event::LogWrite { term, voted_for: None, from: change.from, entries: ids(args) };
            recorder.record(event, state, None);
        }
        let last = (self.log.last_index(), self.log.last_term());
        let state = Some(State { commit_index: args.commit, ..claimed(Role::Leader, term, last) });
        while self.commit < args.commit.min(self.log.last_index()) {
            self.commit += 1;
            let index = self.commit;
            if let Some(entry) = self.log.entry(index) {
                let (entry_term, operation) = (entry.term, operation(entry));
                recorder.record(Event::CoordCommit { term, index, entry_term, operation }, state, None);
            }
        }
        let event = Event::AppendEntry {
            to,
            term,
            prev_index: args.prev_index,
            prev_term: args.prev_term,
            entries: ids(args),
            leader_commit: args.commit,
        };
        recorder.record(event, state, None);
    }
}

fn ids(args: &AppendArgs) -> Vec<EntryId> {
    let entries = args.entries.iter().zip(args.prev_index + 1..);
    entries.map(|(entry, index)| EntryId(index, entry.term, operation(entry))).collect()
}

/// What a played server claims to be.
fn claimed(role: Role, term: Term, (last_index, last_term): (Index, Term)) -> State {
    State { term, role, voted_for: None, leader_id: None, commit_index: 0, last_index, last_term }
}
