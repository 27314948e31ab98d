//! Terms only grow (E1), and a message of a higher term is obeyed (E8).

use crate::context::{Context, PerServer, Trigger};
use crate::rules::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::verdict::{End, Witness};
use crate::words::message;
use tracecheck_schema::{Action, Event, Kind, Record, RejectReason, Server, Stamp, Term};

/// Effective terms never fall.
pub(crate) const E1: RuleInfo = RuleInfo {
    id: "E1",
    lab: "2A",
    sentence: "Effective terms never fall, not even across a restart, and a Proposal's term is new to its server.",
    source: "Raft §5.1, Figure 2 (currentTerm increases monotonically)",
    explanation: "\
Terms are Raft's clock: a server that goes back in time can vote twice, or follow a coordinator that was
deposed long ago. So a server's term never falls while it runs, and never falls below what its disk held
when it restarts. A candidate always takes a term in which it has not been yet.
The usual mistakes: taking over the term of every message, also of older ones; proposing oneself without
adding one to the term; not writing the term to the disk, so that a restart begins at 0 (lab 2C).",
    example: include_str!("../examples/E1.jsonl"),
    wants: Wants::Everything,
    make: || Box::new(Terms::default()),
};

#[derive(Default)]
struct Terms {
    servers: PerServer<TermsOf>,
}

/// The terms of one server.
#[derive(Default)]
struct TermsOf {
    /// The last term seen in the running incarnation.
    last: Option<(Term, Stamp)>,
    /// The highest term that counts across incarnations.
    effective: Option<(Term, Stamp)>,
    /// The last term it proposed in this incarnation.
    proposed: Option<(Term, Stamp)>,
}

impl Rule for Terms {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = record.server() else { return };
        let durable = matches!(record.event, Event::Durable { .. });
        if (record.state.is_none() && !durable) || !cx.is_judged(server) {
            return;
        }
        let own = self.servers.get_mut(server);
        own.last = own.last.filter(|(_, at)| at.inc == record.at.inc);
        own.proposed = own.proposed.filter(|(_, at)| at.inc == record.at.inc);
        if let Some(state) = record.state {
            if let Some((last, at)) = own.last.filter(|(last, _)| *last > state.term) {
                let sentence = format!("The term of {server} fell from {last} to {}.", state.term);
                let witnesses =
                    vec![Witness::new(at, format!("term {last}")), Witness::new(record.at, "a lower term")];
                return tally.fail(
                    sentence,
                    witnesses,
                    format!("{server} should have stayed in term {last}."),
                );
            }
            if own.last.is_none_or(|(last, _)| last < state.term) {
                own.last = Some((state.term, record.at));
                tally.met();
            }
        }
        own.check_effective(cx, server, record, tally);
        if let Event::Proposal { term, .. } = record.event {
            own.check_new(cx, server, term, record, tally);
            own.proposed = Some((term, record.at));
        }
    }
}

impl TermsOf {
    /// What counts: with real disks, what was restored or synced; otherwise every state.
    fn check_effective(&mut self, cx: &Context, server: Server, record: &Record, tally: &mut Tally) {
        let restored = matches!(record.event, Event::ServerStart { .. });
        let term = match (&record.event, record.state) {
            (Event::Durable { term, .. }, _) if cx.real_disks => *term,
            (_, Some(state)) if restored || !cx.real_disks => state.term,
            _ => return,
        };
        if let Some((highest, at)) = self.effective.filter(|(highest, _)| *highest > term) {
            let sentence = if restored && cx.real_disks {
                format!("{server} restarted in term {term}, although its disk had held term {highest}.")
            } else if restored {
                format!("{server} restarted in term {term}, although it had been in term {highest}.")
            } else {
                format!("The disk of {server} went back from term {highest} to term {term}.")
            };
            let witnesses =
                vec![Witness::new(at, format!("term {highest}")), Witness::new(record.at, "a lower term")];
            return tally.fail(sentence, witnesses, format!("{server} should have kept term {highest}."));
        }
        if self.effective.is_none_or(|(highest, _)| highest < term) {
            self.effective = Some((term, record.at));
        }
    }

    /// A term is new if the server entered it in this very step, and not by a message of that term.
    fn check_new(&mut self, cx: &Context, server: Server, term: Term, record: &Record, tally: &mut Tally) {
        let step = cx.step(server);
        let known = match (step.trigger, step.before, self.proposed) {
            (_, _, Some((old, at))) if old >= term => {
                Some((at, "it proposed this term or a later one before"))
            }
            (_, Some((before, at)), _) if before.term >= term => {
                Some((at, "it was in this term or a later one"))
            }
            (Trigger::Message { kind, term: brought, .. }, _, _)
                if brought >= term && !matches!(kind, Kind::PreVoteRequest | Kind::PreVoteReply) =>
            {
                Some((record.at, "the message that it handles brought this term"))
            }
            _ => None,
        };
        let Some((at, note)) = known else { return tally.met() };
        let sentence = format!("{server} proposed itself in term {term}, which was not new to it.");
        let mut witnesses = vec![Witness::new(at, note)];
        if at != record.at {
            witnesses.push(Witness::new(record.at, "the proposal"));
        }
        tally.fail(sentence, witnesses, "A candidate adds one to the highest term that it knows.");
    }
}

/// After a message of term t, the own term is at least t.
pub(crate) const E8: RuleInfo = RuleInfo {
    id: "E8",
    lab: "2A",
    sentence: "After a message of term t a server's own term is at least t (pre-votes excepted, and vote requests \
               that it ignores for the sake of a live leader).",
    source: "Raft §5.1; Figure 2, Rules for Servers; thesis §4.2.3 for the exception",
    explanation: "\
A higher term in any message, request or reply, means that the receiver's knowledge is old: it takes over the
term and becomes a follower. A leader that does not would go on leading in a term that is over.
The one exception: a server that hears from a live leader ignores a RequestVote altogether, so that a server
cut off for a while cannot depose a leader that works; then it refuses, for that reason.
The usual mistake is to look at the term of requests only, and not at that of replies.",
    example: include_str!("../examples/E8.jsonl"),
    wants: Wants::Only(&[
        Action::Recv,
        Action::CoordFail,
        Action::VoteReject,
        Action::ServerStart,
        Action::Crash,
    ]),
    make: || Box::new(Obeys::default()),
};

#[derive(Default)]
struct Obeys {
    /// A vote request of a higher term that was not obeyed: lawful if a refusal for a live leader follows.
    ignored: PerServer<Option<Ignored>>,
}

#[derive(Clone, Copy)]
struct Ignored {
    server: Server,
    kind: Kind,
    from: Server,
    term: Term,
    own: Term,
    at: Stamp,
}

impl Ignored {
    fn fail(self, tally: &mut Tally) {
        let Ignored { server, kind, from, term, own, at } = self;
        let sentence = format!(
            "{server} received {} of the higher term {term} from {from}, and stayed in term {own}.",
            message(kind)
        );
        let witnesses = vec![Witness::new(at, format!("term {term} arrives, {server} stays in {own}"))];
        tally.fail(sentence, witnesses, format!("{server} should have become a follower in term {term}."));
    }
}

impl Rule for Obeys {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        if let Event::Crash { server_id } = record.event {
            *self.ignored.get_mut(server_id) = None;
            return;
        }
        let Some(server) = cx.judged(record) else { return };
        let ignored = self.ignored.get_mut(server);
        if let Event::VoteReject { candidate_server_id, term, reason, .. } = record.event {
            let excused = ignored.is_some_and(|one| one.from == candidate_server_id && one.term == term);
            if excused && reason == Some(RejectReason::LiveLeader) {
                *ignored = None;
                tally.met();
            }
            return;
        }
        // The step of the ignored request is over, without a refusal for a live leader.
        if let Some(one) = ignored.take().filter(|one| one.at.inc == record.at.inc) {
            match cx.hole_in(server) {
                Some(hole) => tally.unknown(|| format!("records are missing ({hole}), perhaps a refusal")),
                None => return one.fail(tally),
            }
        }
        let Event::Recv { kind, from, term, .. } = record.event else { return };
        if matches!(kind, Kind::PreVoteRequest | Kind::PreVoteReply) {
            return;
        }
        let Some(state) = record.state else { return tally.unknown(|| stateless(record)) };
        if state.term >= term {
            return tally.met();
        }
        let one = Ignored { server, kind, from, term, own: state.term, at: record.at };
        if kind == Kind::VoteRequest {
            *ignored = Some(one);
        } else {
            one.fail(tally);
        }
    }

    fn finish(&mut self, cx: &Context, end: End, tally: &mut Tally) {
        let mut open = self.ignored.iter().flatten().filter(|one| !cx.was_killed(one.at));
        let Some(one) = open.next().filter(|_| end == End::Complete) else { return };
        if cx.lost_tails {
            tally.unknown(|| format!("{} may have lost its last records, perhaps a refusal", one.server));
        } else {
            one.fail(tally);
        }
    }
}
