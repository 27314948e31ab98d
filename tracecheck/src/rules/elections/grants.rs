//! When a vote is given (E7), and why it is refused (E10).

use crate::context::Context;
use crate::rules::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::verdict::Witness;
use crate::words::{log_end, someone, whom};
use tracecheck_schema::{Action, Event, Record, RejectReason, Role, Server, Stamp, State, Term};

/// §5.4.1: the later last term wins; with equal last terms, the longer log.
fn up_to_date(candidate: &State, voter: &State) -> bool {
    (candidate.last_term, candidate.last_index) >= (voter.last_term, voter.last_index)
}

/// The candidate's log as of its request, and where it stands.
fn candidate_log(
    cx: &Context,
    voter: Server,
    term: Term,
    candidate: Server,
    tally: &mut Tally,
) -> Option<(State, Stamp)> {
    let Some(asked) = cx.answered_request(voter, term, candidate) else {
        tally.unknown(|| format!("the vote request of {candidate} for term {term} is missing"));
        return None;
    };
    let Some(state) = asked.state else {
        tally.unknown(|| format!("{} (VoteRequest) carries no state", asked.at));
        return None;
    };
    Some((state, asked.at))
}

/// Votes go to logs that are up to date.
pub(crate) const E7: RuleInfo = RuleInfo {
    id: "E7",
    lab: "2A",
    sentence: "At its first grant the candidate's log, as of its VoteRequest, was at least as up to date as the voter's.",
    source: "Raft §5.4.1; Figure 2, RequestVote RPC, Receiver implementation 2",
    explanation: "\
An entry that is committed is in the log of a majority. Voters of that majority refuse candidates that lack it,
so that whoever wins has it. That is how a leader never needs to be told what was committed before.
Compare the terms of the last entries first, and the lengths only where these are equal.
The usual mistakes: to compare the lengths only; to compare the current term with the last entry's; to take
\"at least as\" for \"more than\", so that nobody ever wins an empty cluster.",
    example: include_str!("../examples/E7.jsonl"),
    wants: Wants::Only(&[Action::VoteConfirm]),
    make: || Box::new(UpToDate),
};

struct UpToDate;

impl Rule for UpToDate {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(voter) = cx.judged(record) else { return };
        let Event::VoteConfirm { candidate_server_id: candidate, term, .. } = record.event else { return };
        if candidate == voter {
            return;
        }
        let (Some(own), Some((before, _))) = (record.state, cx.step(voter).before) else {
            return tally.unknown(|| match record.state {
                None => stateless(record),
                Some(_) => format!("no record before {} carries the state of {voter}", record.at),
            });
        };
        // A vote given before is given again, whatever the logs are now: the first answer may have been lost.
        if before.term == term && before.voted_for == Some(candidate) {
            return;
        }
        let Some((theirs, asked)) = candidate_log(cx, voter, term, candidate, tally) else { return };
        if up_to_date(&theirs, &own) {
            return tally.met();
        }
        let sentence = format!(
            "{voter} voted for {candidate} in term {term}, but the log of {candidate} was behind: it {}, and that of {voter} {}.",
            log_end(&theirs),
            log_end(&own)
        );
        let witnesses = vec![
            Witness::new(asked, format!("the log of {candidate} {}", log_end(&theirs))),
            Witness::new(record.at, format!("the log of {voter} {}", log_end(&own))),
        ];
        tally.fail(sentence, witnesses, format!("{voter} should have refused its vote to {candidate}."));
    }
}

/// A refusal has a true reason.
pub(crate) const E10: RuleInfo = RuleInfo {
    id: "E10",
    lab: "2A",
    sentence: "A VoteReject has a reason that is true: a higher own term, another vote in that term, a log behind, \
               a live leader, or no vote.",
    source: "Raft §5.2, §5.4.1; Figure 2, RequestVote RPC; thesis §4.2.3 (live leader)",
    explanation: "\
A server that refuses without a reason delays elections, and a cluster in which enough servers do so never has
a coordinator. The kit looks for the reason in the server's state; this rule asks whether it is true.
The usual mistakes: to refuse because votedFor is set, without looking whether it is set to this very candidate
or belongs to an older term; to compare logs with \"more up to date\" instead of \"at least as\"; to refuse for
the sake of a leader that has been silent for longer than an election timeout.",
    example: include_str!("../examples/E10.jsonl"),
    wants: Wants::Only(&[Action::VoteReject]),
    make: || Box::new(TrueReason),
};

struct TrueReason;

/// A refusal under examination.
struct Refusal<'a> {
    cx: &'a Context,
    voter: Server,
    candidate: Server,
    term: Term,
    own: State,
    at: Stamp,
}

/// Why a reason is not true, and what shows it.
type Untrue = (String, Vec<Witness>);

impl Refusal<'_> {
    fn higher_term(&self) -> Option<Untrue> {
        let because = format!("because of a higher own term, but its own term was {}", self.own.term);
        (self.own.term <= self.term).then(|| (because, vec![]))
    }

    fn other_vote(&self) -> Option<Untrue> {
        let mut given = self.cx.voted_in(self.term, self.voter);
        let restored = self.cx.server(self.voter).and_then(|view| view.restored_vote);
        let to_other = given.any(|(to, _)| to != self.candidate)
            || restored.is_some_and(|(term, to)| term == self.term && to != self.candidate);
        if to_other {
            return None;
        }
        let own_vote = self.cx.voted_in(self.term, self.voter).next();
        let before = self.cx.step(self.voter).before.map(|(state, _)| state);
        let older = before.filter(|state| state.term < self.term).and_then(|state| state.voted_for);
        let but = match (own_vote, older) {
            (Some(_), _) => format!("but the vote it gave was for {} itself", self.candidate),
            (None, Some(to)) => format!("but its vote for {} was of an older term", whom(self.voter, to)),
            (None, None) => "but it had given none".to_owned(),
        };
        let witnesses = own_vote.map(|(_, at)| Witness::new(at, "its only vote in that term"));
        Some((format!("for another vote in that term, {but}"), witnesses.into_iter().collect()))
    }

    fn log_behind(&self, tally: &mut Tally) -> Option<Result<(), Untrue>> {
        let (theirs, asked) = candidate_log(self.cx, self.voter, self.term, self.candidate, tally)?;
        if !up_to_date(&theirs, &self.own) {
            return Some(Ok(()));
        }
        let (candidate, voter) = (self.candidate, self.voter);
        let because = format!(
            "for a log that is behind, but the log of {candidate} {}, and that of {voter} {}",
            log_end(&theirs),
            log_end(&self.own)
        );
        let note = format!("the log of {candidate} {}", log_end(&theirs));
        Some(Err((because, vec![Witness::new(asked, note)])))
    }

    fn live_leader(&self) -> Option<Untrue> {
        let view = self.cx.server(self.voter)?;
        let heard = view.heard.is_some_and(|(term, _)| term == self.own.term);
        if self.own.role == Role::Leader || heard {
            return None;
        }
        let (since, witness) = match view.timeout {
            Some(at) => ("since its election timeout", Some(Witness::new(at, "no leader was heard since"))),
            None => ("since it started", None),
        };
        let leader = someone(self.own.leader_id);
        let because = format!(
            "for the sake of a live leader ({leader}), but it had heard from none in term {} {since}",
            self.own.term
        );
        Some((because, witness.into_iter().collect()))
    }

    fn not_voter(&self) -> Option<Untrue> {
        let is_voter = self.cx.config.is_voter(self.voter);
        is_voter.then(|| ("because it has no vote, but it is a voter".to_owned(), vec![]))
    }
}

impl Rule for TrueReason {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(voter) = cx.judged(record) else { return };
        let Event::VoteReject { candidate_server_id: candidate, term, reason, .. } = record.event else {
            return;
        };
        let Some(own) = record.state else { return tally.unknown(|| stateless(record)) };
        let refusal = Refusal { cx, voter, candidate, term, own, at: record.at };
        let untrue = match reason {
            None => {
                let free = format!(
                    "although nothing forbade it: its vote of that term was free, and the log of {candidate} is not behind its own"
                );
                Some((free, vec![]))
            }
            Some(RejectReason::HigherTerm) => refusal.higher_term(),
            Some(RejectReason::OtherVote) => refusal.other_vote(),
            Some(RejectReason::LogBehind) => match refusal.log_behind(tally) {
                None => return,
                Some(judged) => judged.err(),
            },
            Some(RejectReason::LiveLeader) => refusal.live_leader(),
            Some(RejectReason::NotVoter) => refusal.not_voter(),
        };
        let Some((because, mut witnesses)) = untrue else { return tally.met() };
        if let Some(hole) = cx.hole_in(voter) {
            return tally
                .unknown(|| format!("records are missing ({hole}), perhaps the reason of a refusal"));
        }
        let sentence = format!("{voter} refused its vote to {candidate} in term {term} {because}.");
        witnesses.push(Witness::new(refusal.at, "the refusal"));
        let expected =
            format!("{voter} should have granted it: a vote is refused only where a rule forbids it.");
        tally.fail(sentence, witnesses, expected);
    }
}
