//! What belongs to an older term changes nothing (E9).

use crate::context::{Context, Step};
use crate::rules::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::verdict::Witness;
use crate::words::{list, message, role, someone, timer};
use std::collections::{BTreeMap, VecDeque};
use tracecheck_schema::{Action, Event, Kind, Record, Role, Server, Stamp, State, Term};

/// Input of an older term changes nothing.
pub(crate) const E9: RuleInfo = RuleInfo {
    id: "E9",
    lab: "2A",
    sentence: "Input of an older term changes nothing and arms no timer.",
    source: "Raft §5.1 (a request with a stale term number is rejected); Figure 2, Receiver implementation 1",
    explanation: "\
A message of an older term comes from somebody who does not know what has happened since: a deposed leader, a
candidate that lost, a reply that was delayed. A request is refused, with the newer term; a reply is dropped.
Arming the election timer for it lets a deposed leader keep its old followers quiet for ever.
An answer to a request of the present term is not old, whatever term it names: a voter that hears from a leader
refuses a candidate without adopting its term.
The usual mistakes: to arm the timer first and to check the term afterwards; to count a late vote or a late
acknowledgement of an earlier term; to step down because of it.",
    example: include_str!("../examples/E9.jsonl"),
    wants: Wants::Only(&[Action::Recv, Action::Send]),
    make: || Box::new(Stale::default()),
};

#[derive(Default)]
struct Stale {
    /// The terms of the vote requests that a voter, in an incarnation, received from a candidate and has not answered:
    /// answers leave in the order in which the requests came.
    asked: BTreeMap<(Server, u32, Server), VecDeque<Term>>,
    /// Which later term each answer is about that names an earlier one.
    about: BTreeMap<Stamp, Term>,
}

impl Stale {
    /// Notes which request a vote, or a refusal of one, answers.
    fn note(&mut self, record: &Record) {
        let Some(voter) = record.server() else { return };
        match record.event {
            Event::Recv { kind: Kind::VoteRequest, from, term, .. } => {
                self.asked.entry((voter, record.at.inc, from)).or_default().push_back(term);
            }
            Event::Send { kind: Kind::VoteReply, to, term, .. } => {
                let asked = self.asked.get_mut(&(voter, record.at.inc, to)).and_then(VecDeque::pop_front);
                if let Some(asked) = asked.filter(|asked| *asked > term) {
                    self.about.insert(record.at, asked);
                }
            }
            _ => {}
        }
    }
}

impl Rule for Stale {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        self.note(record);
        let Some(server) = cx.judged(record) else { return };
        let Event::Recv { kind, from, term, armed } = &record.event else { return };
        // A granted pre-vote names the term that it is about, which is no one's term yet.
        if *kind == Kind::PreVoteReply {
            return;
        }
        let about = record.cause.and_then(|cause| self.about.get(&cause));
        let term = about.filter(|_| *kind == Kind::VoteReply).unwrap_or(term);
        let step = cx.step(server);
        let (Some((before, at)), Some(after)) = (step.before, record.state) else {
            return tally.unknown(|| match record.state {
                None => stateless(record),
                Some(_) => format!("no record before {} carries the state of {server}", record.at),
            });
        };
        if *term >= before.term {
            return;
        }
        let mut done = changes(&step, &before, &after);
        let timers: Vec<String> = armed.iter().map(|one| timer(*one).to_owned()).collect();
        if !timers.is_empty() {
            done.push(format!("armed its {}", list(&timers)));
        }
        if done.is_empty() {
            return tally.met();
        }
        // What a vote answers is known from its sender.
        let theirs = || cx.hole_in(*from).filter(|_| *kind == Kind::VoteReply);
        if let Some(hole) = cx.hole_in(server).or_else(theirs) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps what changed {server}"));
        }
        let sentence = format!(
            "{server} received {} of the old term {term} while in term {}, and {}.",
            message(*kind),
            before.term,
            list(&done)
        );
        let witnesses = vec![
            Witness::new(at, format!("{server} is in term {}", before.term)),
            Witness::new(record.at, format!("a message of term {term}")),
        ];
        let expected = if kind.is_reply() {
            format!("{server} should have dropped it.")
        } else {
            format!(
                "{server} should have refused it with its own term {}, and done nothing else.",
                before.term
            )
        };
        tally.fail(sentence, witnesses, expected);
    }
}

/// What a step changed in the state, as parts of a sentence.
fn changes(step: &Step, before: &State, after: &State) -> Vec<String> {
    let mut done = Vec::new();
    let mut note = |changed: bool, text: &dyn Fn() -> String| {
        if changed {
            done.push(text());
        }
    };
    note(before.term != after.term, &|| format!("went to term {}", after.term));
    note(before.role != after.role, &|| format!("went from {} to {}", role(before.role), role(after.role)));
    note(before.voted_for != after.voted_for, &|| {
        format!("changed its vote from {} to {}", someone(before.voted_for), someone(after.voted_for))
    });
    // Another role or term brings another leader with it; that needs no words of its own.
    let same_place = (before.term, before.role) == (after.term, after.role);
    note(before.leader_id != after.leader_id && same_place, &|| {
        format!("took {} for the leader instead of {}", someone(after.leader_id), someone(before.leader_id))
    });
    // A leader may commit when its own write ends, which has no record of its own that shows the state.
    let own_write = step.synced && before.role == Role::Leader && after.commit_index > before.commit_index;
    note(before.commit_index != after.commit_index && !own_write, &|| {
        format!("moved its commit index from {} to {}", before.commit_index, after.commit_index)
    });
    note((before.last_index, before.last_term) != (after.last_index, after.last_term), &|| {
        format!("changed the end of its log from {} to {}", before.last_index, after.last_index)
    });
    done
}
