//! Wins: with a quorum (E4), taken up (E5), one a term (E6).

use crate::context::{Context, PerServer};
use crate::quorum::{ServerSet, Shortfall};
use crate::rules::{Rule, RuleInfo, Tally, Wants};
use crate::verdict::Witness;
use crate::words::{list, message, whom};
use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, Record, Server, Stamp, Term};

/// A win has a quorum of votes in its past.
pub(crate) const E4: RuleInfo = RuleInfo {
    id: "E4",
    lab: "2A",
    sentence: "ProposalAccepted has, in its causal past, votes of that term from a quorum of distinct voters.",
    source: "Raft §5.2 (a candidate wins with votes from a majority of the servers in the full cluster)",
    explanation: "\
A candidate wins when a majority of all voters, not of those that answered, has voted for it in this very
term. Every server counts once, however often its answer arrives, and its own vote counts too.
\"In its causal past\" means that the vote has reached the candidate: a vote still on its way cannot be counted.
The usual mistakes: counting replies instead of servers, so that a retry counts twice; counting late votes of
an earlier term; taking every second server for a majority (2 of 4); counting every reply, also refusals.",
    example: include_str!("../examples/E4.jsonl"),
    wants: Wants::Only(&[Action::ProposalAccepted]),
    make: || Box::new(Quorums),
};

struct Quorums;

impl Rule for Quorums {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let Event::ProposalAccepted { term, .. } = record.event else { return };
        let mut granted = ServerSet::default();
        let mut heard = Vec::new();
        let mut witnesses = Vec::new();
        for vote in cx.votes(term, server) {
            let voter = cx.config.is_voter(vote.voter);
            let note = if !cx.order.happens_before(vote.at, record.at) {
                format!("a vote that {server} had not received")
            } else if !voter {
                "no voter: does not count".to_owned()
            } else {
                granted.insert(vote.voter);
                heard.push(if vote.voter == server { "its own".to_owned() } else { vote.voter.to_string() });
                format!("vote {} for {}", heard.len(), whom(vote.voter, server))
            };
            witnesses.push(Witness::new(vote.at, note));
        }
        let Some(Shortfall { have, need, of }) = cx.config.shortfall(&granted) else { return tally.met() };
        if let Some(hole) = cx.hole() {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps votes for {server}"));
        }
        let whose = if heard.is_empty() { String::new() } else { format!(" ({})", list(&heard)) };
        let sentence =
            format!("{server} took term {term} as won with {have} of {of} votes{whose}; it takes {need}.");
        witnesses.push(Witness::new(record.at, "taken as won"));
        let wait =
            if need - have == 1 { "one more vote".to_owned() } else { format!("{} more votes", need - have) };
        tally.fail(sentence, witnesses, format!("{server} should have waited for {wait}."));
    }
}

/// A win makes a coordinator.
pub(crate) const E5: RuleInfo = RuleInfo {
    id: "E5",
    lab: "2A",
    sentence: "ProposalAccepted is followed by CoordElected of that term, unless the server crashes or the run ends.",
    source: "Raft §5.2; Figure 2, Rules for Servers (if votes received from majority: become leader)",
    explanation: "\
The step that counts the deciding vote also makes the server the coordinator. Between the two there is nothing
to wait for: while a winner hesitates, the others' election timeouts run on.
The usual mistake is to count the vote and leave becoming the leader to the next timer.",
    example: include_str!("../examples/E5.jsonl"),
    wants: Wants::Only(&[
        Action::ProposalAccepted,
        Action::CoordElected,
        Action::Recv,
        Action::CoordFail,
        Action::Proposal,
        Action::Crash,
    ]),
    make: || Box::new(TakenUp::default()),
};

#[derive(Default)]
struct TakenUp {
    pending: PerServer<Option<(Term, Stamp)>>,
}

impl Rule for TakenUp {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        if let Event::Crash { server_id } = record.event {
            *self.pending.get_mut(server_id) = None;
            return;
        }
        let Some(server) = cx.judged(record) else { return };
        let pending = self.pending.get_mut(server);
        let before = pending.filter(|(_, at)| at.inc == record.at.inc);
        let then = match record.event {
            Event::ProposalAccepted { term, .. } => {
                *pending = Some((term, record.at));
                return;
            }
            Event::CoordElected { term, .. } => {
                if before.is_some_and(|(won, _)| won == term) {
                    *pending = None;
                    tally.met();
                }
                return;
            }
            Event::Recv { kind, from, .. } => format!("handled {} from {from}", message(kind)),
            Event::CoordFail { .. } => "had an election timeout".to_owned(),
            _ => "proposed itself again".to_owned(),
        };
        *pending = None;
        let Some((term, at)) = before else { return };
        if let Some(hole) = cx.hole_in(server) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps its CoordElected"));
        }
        let sentence =
            format!("{server} won term {term}, but did not become its coordinator: next it {then}.");
        let witnesses = vec![Witness::new(at, "the win"), Witness::new(record.at, "the next step")];
        let expected =
            format!("{server} should have become coordinator in the step that counted the last vote.");
        tally.fail(sentence, witnesses, expected);
    }
}

/// Election Safety.
pub(crate) const E6: RuleInfo = RuleInfo {
    id: "E6",
    lab: "2A",
    sentence: "Election Safety: at most one CoordElected a term.",
    source: "Raft Figure 3 (Election Safety), §5.2",
    explanation: "\
Two leaders in one term could both append at the same index, and both would be believed. That each server
votes once a term (E3) and that a win takes a majority (E4) make it impossible.
So when this rule breaks, look for a broken E3 or E4 in the same run first. A leader of an older term that does
not know of the new one yet is legal: its term is another.",
    example: include_str!("../examples/E6.jsonl"),
    wants: Wants::Only(&[Action::CoordElected]),
    make: || Box::new(OneLeader::default()),
};

#[derive(Default)]
struct OneLeader {
    elected: BTreeMap<Term, (Server, Stamp)>,
}

impl Rule for OneLeader {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let (Some(server), &Event::CoordElected { term, .. }) = (record.server(), &record.event) else {
            return;
        };
        let &mut (first, at) = self.elected.entry(term).or_insert((server, record.at));
        if !cx.is_judged(server) {
            return;
        }
        if at == record.at {
            return tally.met();
        }
        let sentence = if first == server {
            format!("{server} was elected twice in term {term}.")
        } else {
            format!("Two servers were elected in term {term}: first {first}, then {server}.")
        };
        let witnesses = vec![Witness::new(at, "elected first"), Witness::new(record.at, "elected second")];
        tally.fail(sentence, witnesses, "A term has at most one coordinator.");
    }
}
