//! Votes answer requests (E2), and there is one a term (E3).

use crate::context::{Context, PerServer};
use crate::rules::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::verdict::Witness;
use crate::words::whom;
use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, Record, Server, Stamp, State, Term};

/// A vote answers a request.
pub(crate) const E2: RuleInfo = RuleInfo {
    id: "E2",
    lab: "2A",
    sentence: "VoteConfirm and VoteReject have a causally earlier VoteRequest of that candidate and term \
               (a candidate's own vote excepted).",
    source: "Raft §5.2, RequestVote RPC; the course's design, etrace",
    explanation: "\
A vote is an answer. That a server votes in a term for somebody who has not asked for it yet, or has not
reached it with the question, means that the answer is about another request than it claims.
The usual mistake is to answer with one's own term instead of the request's, or to count a pre-vote as a vote.",
    example: include_str!("../examples/E2.jsonl"),
    wants: Wants::Only(&[Action::VoteConfirm, Action::VoteReject]),
    make: || Box::new(Answers),
};

struct Answers;

impl Rule for Answers {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(voter) = cx.judged(record) else { return };
        let (candidate, term) = match record.event {
            Event::VoteConfirm { candidate_server_id, term, .. }
            | Event::VoteReject { candidate_server_id, term, .. } => (candidate_server_id, term),
            _ => return,
        };
        if candidate == voter {
            return;
        }
        let request = cx.first_request(term, candidate);
        if request.is_some_and(|asked| cx.order.happens_before(asked.at, record.at)) {
            return tally.met();
        }
        if let Some(hole) = cx.hole_in(candidate).or_else(|| cx.hole_in(voter)) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps the vote request"));
        }
        let mut witnesses = vec![Witness::new(record.at, "the answer")];
        let sentence = match request {
            Some(asked) => {
                witnesses
                    .insert(0, Witness::new(asked.at, format!("a request that {voter} had not received")));
                format!(
                    "{voter} answered the vote request of {candidate} for term {term} without having received it."
                )
            }
            None => {
                format!(
                    "{voter} answered a vote request of {candidate} for term {term} that {candidate} never sent."
                )
            }
        };
        tally.fail(
            sentence,
            witnesses,
            "A server answers the requests that reach it, with the request's term.",
        );
    }
}

/// One candidate per voter and term.
pub(crate) const E3: RuleInfo = RuleInfo {
    id: "E3",
    lab: "2A",
    sentence: "A server gives its vote to at most one candidate a term, also across restarts; \
               the same candidate may get it again.",
    source: "Raft §5.2 (each server votes for at most one candidate in a given term); §5.4.1; Figure 2, votedFor",
    explanation: "\
If every server votes once a term, two candidates cannot both have a majority: two majorities share a server,
and that server would have voted twice. All of Raft's safety rests on this.
A vote counts when it is on the disk or has left the server; so it must be on the disk before it leaves.
The usual mistakes: not to look at votedFor; to reset votedFor without a new term, for example when becoming
a follower; to forget votedFor in a crash (lab 2C). Answering the same candidate again is right: its first
answer may have been lost.",
    example: include_str!("../examples/E3.jsonl"),
    wants: Wants::Only(SEEN),
    make: || Box::new(OneVote::default()),
};

/// Where votes are given or leave, and where a step shows its state: not at each message, for cost's sake.
const SEEN: &[Action] = &[
    Action::VoteConfirm,
    Action::Send,
    Action::Durable,
    Action::ServerStart,
    Action::CoordFail,
    Action::CoordStepDown,
    Action::PreVoteConfirm,
    Action::PreVoteReject,
    Action::PreVoteRequest,
    Action::ProposalRejected,
    Action::VoteReject,
    Action::AppendConfirm,
    Action::AppendReject,
    Action::AppendEntry,
    Action::TimerFired,
];

#[derive(Default)]
struct OneVote {
    votes: BTreeMap<(Server, Term), (Server, Stamp, How)>,
    /// Each server's last vote, because the same one is seen again and again.
    last: PerServer<Option<(Term, Server)>>,
    /// The vote that each server last said it had given, in this incarnation.
    said: PerServer<Option<(Term, Server, Stamp)>>,
}

#[derive(Clone, Copy)]
enum How {
    Confirmed,
    OnDisk,
    Left,
}

impl How {
    fn note(self, which: &str, voter: Server, candidate: Server) -> String {
        let to = whom(voter, candidate);
        match self {
            How::Confirmed => format!("{which} vote, for {to}"),
            How::OnDisk => format!("{which} vote, for {to}, on its disk"),
            How::Left => format!("{which} vote, for {to}, leaves"),
        }
    }
}

/// The vote that a record makes binding: one on a disk, one that leaves, or, where disks are assumed to keep
/// everything, any.
fn binding(cx: &Context, record: &Record) -> Option<(Server, Term, How)> {
    match record.event {
        Event::VoteConfirm { candidate_server_id, term, .. } if !cx.real_disks => {
            Some((candidate_server_id, term, How::Confirmed))
        }
        Event::Durable { term, voted_for, .. } if cx.real_disks => Some((voted_for?, term, How::OnDisk)),
        Event::ServerStart { .. } if cx.real_disks => {
            let state = record.state?;
            Some((state.voted_for?, state.term, How::OnDisk))
        }
        Event::Send { term, votes_for, .. } => Some((votes_for?, term, How::Left)),
        _ => None,
    }
}

impl OneVote {
    /// A vote lasts for its term: a state without it, in the same term and incarnation, has forgotten it.
    fn forgot(&mut self, server: Server, state: State, record: &Record, tally: &mut Tally) -> bool {
        let said = self.said.get_mut(server);
        let kept = said.filter(|(term, _, at)| *term == state.term && at.inc == record.at.inc);
        if let (Some((term, to, at)), None) = (kept, state.voted_for) {
            let sentence =
                format!("{server} forgot its vote of term {term}, which was for {}.", whom(server, to));
            let witnesses =
                vec![Witness::new(at, "its vote"), Witness::new(record.at, "the same term, and no vote")];
            let expected =
                format!("{server} should have kept its vote until a later term: it could vote twice now.");
            tally.fail(sentence, witnesses, expected);
            return true;
        }
        if let Some(to) = state.voted_for {
            let since = kept.filter(|(_, before, _)| *before == to).map_or(record.at, |(.., at)| at);
            *said = Some((state.term, to, since));
        }
        false
    }
}

impl Rule for OneVote {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        if let (Some(server), Some(state)) = (cx.judged(record), record.state)
            && self.forgot(server, state, record, tally)
        {
            return;
        }
        let Some((candidate, term, how)) = binding(cx, record) else {
            if matches!(record.event, Event::ServerStart { .. }) && cx.real_disks && record.state.is_none() {
                tally.unknown(|| stateless(record));
            }
            return;
        };
        let Some(voter) = cx.judged(record) else { return };
        let last = self.last.get_mut(voter);
        if *last == Some((term, candidate)) {
            return;
        }
        let &mut (first, at, first_how) =
            self.votes.entry((voter, term)).or_insert((candidate, record.at, how));
        if first == candidate {
            *last = Some((term, candidate));
            return tally.met();
        }
        let (a, b) = (whom(voter, first), whom(voter, candidate));
        let sentence = format!("{voter} voted twice in term {term}: first for {a}, then for {b}.");
        let witnesses = vec![
            Witness::new(at, first_how.note("first", voter, first)),
            Witness::new(record.at, how.note("second", voter, candidate)),
        ];
        let expected = if voter == candidate {
            format!("{voter} had no vote left in term {term}: it should have proposed itself in a later one.")
        } else {
            format!("{voter} should have refused its vote to {candidate}.")
        };
        tally.fail(sentence, witnesses, expected);
    }
}
