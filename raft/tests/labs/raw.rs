//! A raw peer: a server that the test plays itself, message by message, without Raft's manners.

use crate::cluster::{Cluster, end};
use labrpc::schema::{Event, Kind, Role, Server, State, Term};
use labrpc::{Host, context};
use raft::RaftRpcClient;
use raft::core::VoteArgs;
use std::cell::Cell;
use std::rc::Rc;

/// A scripted server that asks for votes.
#[derive(Clone)]
pub(crate) struct RawPeer {
    me: Server,
    host: Rc<dyn Host>,
    cluster: Cluster,
    /// The highest term that it asked in or heard of.
    term: Rc<Cell<Term>>,
}

impl RawPeer {
    pub(crate) fn start(cluster: &Cluster, me: Server) -> Self {
        let host = cluster.sim.start(me.into());
        host.recorder().record(Event::ServerStart { server_id: me }, Some(candidate_state(me, 0)), None);
        RawPeer { me, host, cluster: cluster.clone(), term: Rc::default() }
    }

    /// Asks these servers for their votes in a term above every one it knows, with an empty log, and does
    /// not wait for the answers.
    pub(crate) fn ask_for_votes(&self, servers: &[Server]) {
        let term = self.term.get() + 1;
        self.term.set(term);
        let state = Some(candidate_state(self.me, term));
        let recorder = self.host.recorder();
        recorder.record(Event::Proposal { server_id: self.me, term }, state, None);
        recorder.record(Event::VoteRequest { server_id: self.me, term }, state, None);
        for to in servers {
            let votes_for = Some(self.me);
            let sent = Event::Send { kind: Kind::VoteRequest, to: *to, term, votes_for, match_index: None };
            recorder.record(sent, None, None);
            let client = RaftRpcClient::from(end(&self.cluster.sim, recorder, *to));
            let args = VoteArgs { term, candidate: self.me, last_index: 0, last_term: 0 };
            let heard = self.term.clone();
            // Calls leave when they are first polled, so poll them as tasks of this peer.
            self.host.spawn(Box::pin(async move {
                if let Ok(reply) = client.request_vote(context(), args).await {
                    heard.set(heard.get().max(reply.term));
                }
            }));
        }
    }

    /// Takes note of a term, so that the next one asked for is above it.
    pub(crate) fn hear_of(&self, term: Term) {
        self.term.set(self.term.get().max(term));
    }
}

/// What a raw peer claims to be: a candidate with an empty log.
fn candidate_state(me: Server, term: Term) -> State {
    State {
        term,
        role: if term == 0 { Role::Follower } else { Role::Candidate },
        voted_for: (term > 0).then_some(me),
        leader_id: None,
        commit_index: 0,
        last_index: 0,
        last_term: 0,
    }
}
