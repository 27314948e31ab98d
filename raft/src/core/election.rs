//! Lab 2A: elections (§5.2, §5.4.1), with pre-vote (thesis §9.6) and check-quorum (thesis §6.2), and the
//! heartbeats that keep a leader in place.
//!
//! Owns `term`, `vote`, `role`, `leader`, `votes` and `heard`. Others write them in three places only:
//! `persistence` restores the term and vote, the kit counts the own vote once it is written, and `snapshot`
//! notes who answered.
//!
//! Deviations from Figure 2, all from the thesis: a server asks whether it could win before it raises its
//! term; a server that hears from a live leader ignores requests for votes, and does not adopt their term;
//! a leader that no quorum answers steps down.

use super::{AppendArgs, AppendReply, Core, Effect, Req, VoteArgs, VoteReply};
use labrpc::schema::{Index, Role, Server, Term, Timer};

impl Core {
    // ---- Roles ---------------------------------------------------------------------------------------

    /// Follows in `term`, which is not below the own one, under `leader` if one is known.
    ///
    /// A new term brings a new vote. The election timer of a follower or candidate runs on: only a granted
    /// vote or a leader's message restarts it (Figure 2, rules for followers).
    // region lab2a: adopt the term, and with a new term forget the vote; a leader that steps down stops its timers and sets its election timer (Figure 2)
    pub(super) fn become_follower(&mut self, term: Term, leader: Option<Server>, out: &mut Vec<Effect>) {
        assert!(term >= self.term, "a term never falls: {} to {term}", self.term);
        if term > self.term {
            self.term = term;
            self.vote = None;
        }
        if self.role == Role::Leader {
            out.push(Effect::StopTimer(Timer::Heartbeat));
            out.push(Effect::StopTimer(Timer::Quorum));
            out.push(self.election_timer());
        }
        self.role = Role::Follower;
        self.leader = leader;
        self.votes.clear();
        self.heard.clear();
    }

    /// Asks whether an election could be won, without raising the term (thesis §9.6).
    // region lab2a: count your own pre-vote, set the election timer, and ask every other voter for a pre-vote in the next term (thesis §9.6)
    pub(super) fn become_pre_candidate(&mut self, out: &mut Vec<Effect>) {
        assert!(self.role != Role::Leader, "a leader has nothing to ask for");
        self.role = Role::PreCandidate;
        self.leader = None;
        self.votes = [self.me].into();
        out.push(self.election_timer());
        for to in self.membership.others(self.me) {
            out.push(Effect::Send { to, req: Req::PreVote(self.vote_args(self.term + 1)), now: false });
        }
        if self.membership.is_quorum(&self.votes) {
            self.become_candidate(out);
        }
    }

    /// Starts an election: a new term, the own vote, RequestVote to everybody (§5.2).
    ///
    /// The own vote counts once it is written; the kit then adds it to `votes` and calls `count_votes`.
    // region lab2a: begin a new term, vote for yourself, set the election timer, and ask every other voter for its vote (§5.2)
    pub(super) fn become_candidate(&mut self, out: &mut Vec<Effect>) {
        assert!(self.role == Role::PreCandidate, "an election begins after a pre-vote");
        self.role = Role::Candidate;
        self.term += 1;
        self.vote = Some(self.me);
        self.votes.clear();
        out.push(self.election_timer());
        for to in self.membership.others(self.me) {
            out.push(Effect::Send { to, req: Req::Vote(self.vote_args(self.term)), now: false });
        }
    }

    /// Leads the term that a quorum voted for.
    // region lab2a: you lead: stop the election timer, set the quorum timer, and send heartbeats at once (§5.2)
    pub(super) fn become_leader(&mut self, out: &mut Vec<Effect>) {
        assert!(self.role == Role::Candidate, "only a candidate is elected");
        self.role = Role::Leader;
        self.leader = Some(self.me);
        self.votes.clear();
        self.heard.clear();
        out.push(Effect::StopTimer(Timer::Election));
        out.push(Effect::SetTimer(Timer::Quorum, self.config.quorum_check..=self.config.quorum_check));
        self.on_heartbeat_timeout(out);
    }

    // ---- Timers --------------------------------------------------------------------------------------

    /// Nobody was heard from in time: the leader counts as failed.
    // region lab2a: give up the leader; a voter asks for pre-votes, anybody else waits on (§5.2)
    pub(super) fn on_election_timeout(&mut self, out: &mut Vec<Effect>) {
        self.leader = None;
        if self.membership.is_voter(self.me) {
            self.become_pre_candidate(out);
        } else {
            out.push(self.election_timer());
        }
    }

    /// It is time to show that the leader lives.
    // region lab2a: a leader sends an AppendEntries without entries to everybody and sets the timer again (§5.2)
    pub(super) fn on_heartbeat_timeout(&mut self, out: &mut Vec<Effect>) {
        if self.role != Role::Leader {
            return;
        }
        out.push(Effect::SetTimer(Timer::Heartbeat, self.config.heartbeat..=self.config.heartbeat));
        for to in self.membership.others(self.me) {
            let args = AppendArgs {
                term: self.term,
                leader: self.me,
                prev_index: 0,
                prev_term: 0,
                entries: Vec::new(),
                commit: self.commit,
                round: self.round,
            };
            out.push(Effect::Send { to, req: Req::Append(args), now: true });
        }
    }

    /// It is time to see whether a quorum still answers this leader.
    // region lab2a: a leader that no quorum answered since the last check steps down; else it begins a new check (thesis §6.2)
    pub(super) fn on_quorum_timeout(&mut self, out: &mut Vec<Effect>) {
        if self.role != Role::Leader {
            return;
        }
        self.heard.insert(self.me);
        if self.membership.is_quorum(&self.heard) {
            self.heard.clear();
            out.push(Effect::SetTimer(Timer::Quorum, self.config.quorum_check..=self.config.quorum_check));
        } else {
            self.become_follower(self.term, None, out);
        }
    }

    // ---- Requests ------------------------------------------------------------------------------------

    /// Another server asks whether it could win. Answering changes nothing here (thesis §9.6).
    // region lab2a: grant a pre-vote for a later term to a log at least as up to date as yours, unless you hear from a live leader (thesis §9.6)
    pub(super) fn on_pre_vote(&mut self, args: VoteArgs) -> VoteReply {
        let granted = args.term > self.term
            && self.leader.is_none()
            && self.is_up_to_date(args.last_index, args.last_term);
        VoteReply { term: self.term, granted }
    }

    /// RequestVote (Figure 2).
    // region lab2a: refuse an old term and, while a leader lives, every request; adopt a higher term; then vote once a term, for an up-to-date log only (Figure 2, thesis §4.2.3)
    pub(super) fn on_vote(&mut self, args: VoteArgs, out: &mut Vec<Effect>) -> VoteReply {
        if args.term < self.term || self.leader.is_some() {
            return VoteReply { term: self.term, granted: false };
        }
        if args.term > self.term {
            self.become_follower(args.term, None, out);
        }
        let free = self.vote.is_none() || self.vote == Some(args.candidate);
        let granted = free && self.is_up_to_date(args.last_index, args.last_term);
        if granted {
            self.become_follower(self.term, None, out);
            self.vote = Some(args.candidate);
            out.push(self.election_timer());
        }
        VoteReply { term: self.term, granted }
    }

    /// AppendEntries (Figure 2), as far as elections are concerned.
    // region lab2a: refuse an old term; else follow its leader and restart the election timer (Figure 2)
    pub(super) fn on_append(&mut self, args: &AppendArgs, out: &mut Vec<Effect>) -> AppendReply {
        if args.term < self.term {
            return AppendReply { term: self.term, success: false, conflict: None };
        }
        self.become_follower(args.term, Some(args.leader), out);
        out.push(self.election_timer());
        AppendReply { term: self.term, success: true, conflict: None }
    }

    // ---- Replies -------------------------------------------------------------------------------------

    /// An answer to a pre-vote, perhaps to one of long ago.
    // region lab2a: follow a higher term; else count a granted pre-vote of this very attempt, and start the election once a quorum granted (thesis §9.6)
    pub(super) fn on_pre_vote_reply(
        &mut self,
        from: Server,
        args: VoteArgs,
        rep: VoteReply,
        out: &mut Vec<Effect>,
    ) {
        if rep.term > self.term {
            self.become_follower(rep.term, None, out);
        } else if self.role == Role::PreCandidate && args.term == self.term + 1 && rep.granted {
            self.votes.insert(from);
            if self.membership.is_quorum(&self.votes) {
                self.become_candidate(out);
            }
        }
    }

    /// An answer to RequestVote, perhaps to one of an earlier term.
    // region lab2a: follow a higher term; else note a vote granted in this very term, and count (§5.2)
    pub(super) fn on_vote_reply(
        &mut self,
        from: Server,
        args: VoteArgs,
        rep: VoteReply,
        out: &mut Vec<Effect>,
    ) {
        if rep.term > self.term {
            self.become_follower(rep.term, None, out);
        } else if self.role == Role::Candidate && args.term == self.term && rep.granted {
            self.votes.insert(from);
            self.count_votes(out);
        }
    }

    /// An answer to AppendEntries, as far as elections are concerned.
    // region lab2a: follow a higher term; else a leader notes who answered it in this term (Figure 2, thesis §6.2)
    pub(super) fn on_append_reply(
        &mut self,
        from: Server,
        args: &AppendArgs,
        rep: AppendReply,
        out: &mut Vec<Effect>,
    ) {
        if rep.term > self.term {
            self.become_follower(rep.term, None, out);
        } else if self.role == Role::Leader && args.term == self.term {
            self.heard.insert(from);
        }
    }

    // ---- Helpers -------------------------------------------------------------------------------------

    /// Leads as soon as a quorum voted for this candidate.
    // region lab2a: a candidate with the votes of a quorum becomes the leader (§5.2)
    pub(super) fn count_votes(&mut self, out: &mut Vec<Effect>) {
        if self.role == Role::Candidate && self.membership.is_quorum(&self.votes) {
            self.become_leader(out);
        }
    }

    /// Whether a log that ends with this entry is at least as up to date as the own one (§5.4.1).
    // region lab2a: compare the terms of the last entries first, then the lengths (§5.4.1)
    pub(super) fn is_up_to_date(&self, last_index: Index, last_term: Term) -> bool {
        (last_term, last_index) >= (self.log.last_term(), self.log.last_index())
    }

    fn vote_args(&self, term: Term) -> VoteArgs {
        VoteArgs {
            term,
            candidate: self.me,
            last_index: self.log.last_index(),
            last_term: self.log.last_term(),
        }
    }

    fn election_timer(&self) -> Effect {
        Effect::SetTimer(Timer::Election, self.config.election_timeout.clone())
    }
}
