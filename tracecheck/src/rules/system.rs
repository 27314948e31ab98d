//! The system as a whole: when clients may begin (C1), and who gives servers up (C2).

use super::{Rule, RuleInfo, Tally, Wants, stateless};
use crate::context::{Context, PerServer};
use crate::verdict::Witness;
use crate::words::role;
use std::collections::BTreeMap;
use tracecheck_schema::{Action, Event, Node, Record, Role, Server, Stamp};

/// The system is ready.
pub(crate) const C1: RuleInfo = RuleInfo {
    id: "C1",
    lab: "3A",
    sentence: "SystemReady at most once, by the run's controller, which was told by every server that it has joined, and \
               of a coordinator; no client is asked for anything before.",
    source: "the course's design, ctrace",
    explanation: "\
Clients begin when every server has joined and somebody coordinates. The controller knows that because the servers
told it, so that each ServerJoined, and a CoordElected, happened before SystemReady: by messages, not by a clock.
Whether clients find the system ready is then no matter of luck, and what a run shows from there on is the service.
The usual mistakes: to call the system ready after some time; to count servers that have started for servers that
have joined; to announce a join before it is one.",
    example: include_str!("examples/C1.jsonl"),
    wants: Wants::Only(&[
        Action::ServerStart,
        Action::ServerJoined,
        Action::CoordElected,
        Action::Told,
        Action::SystemReady,
        Action::Invoke,
    ]),
    make: || Box::new(Ready::default()),
};

#[derive(Default)]
struct Ready {
    started: PerServer<bool>,
    joined: PerServer<Option<Stamp>>,
    /// Each server's first CoordElected.
    elected: BTreeMap<Server, Stamp>,
    told: PerServer<Option<Stamp>>,
    ready: Option<Stamp>,
    /// The first Invoke before that.
    early: Option<Stamp>,
}

/// The sentence, what shows it, and what would have been right.
type Wrong = (String, Vec<Witness>, &'static str);

const WAIT: &str = "The controller should have waited until every server told it that it has joined.";

impl Ready {
    /// A server that has not joined, as far as the controller could know.
    fn missing(&self, cx: &Context, at: Stamp) -> Option<Wrong> {
        let counts = |server: &Server| {
            let started = self.started.get(*server).is_some_and(|started| *started);
            cx.is_judged(*server) && (started || cx.config.is_voter(*server))
        };
        for server in cx.everyone.iter().copied().filter(counts) {
            let joined = self.joined.get(server).copied().flatten();
            let told = self.told.get(server).copied().flatten();
            let here = Witness::new(at, "called ready");
            let Some(told) = told else {
                let sentence =
                    format!("The system was called ready, but {server} had not told that it has joined.");
                let first = joined.map(|at| Witness::new(at, "nobody was told of this"));
                return Some((sentence, first.into_iter().chain([here]).collect(), WAIT));
            };
            if joined.is_none_or(|joined| !cx.order.happens_before(joined, told)) {
                let sentence =
                    format!("The system was called ready, but {server} had not joined when it said so.");
                return Some((sentence, vec![Witness::new(told, "so it was told"), here], WAIT));
            }
        }
        None
    }

    fn wrong(&self, cx: &Context, at: Stamp) -> Option<Wrong> {
        let here = Witness::new(at, "called ready");
        if at.node != Node::Run {
            let sentence = format!("{} called the system ready.", at.node);
            return Some((sentence, vec![here], "The run's controller alone records SystemReady."));
        }
        if let Some(first) = self.ready {
            let witnesses = vec![Witness::new(first, "first"), here];
            return Some(("The system was called ready twice.".to_owned(), witnesses, "Once is enough."));
        }
        // Several processes wrote their own files: only messages order what they did.
        if let Some(early) = self.early.filter(|early| !cx.lost_tails || cx.order.happens_before(*early, at))
        {
            let sentence = format!("{} was asked for an operation before the system was ready.", early.node);
            let witnesses = vec![Witness::new(early, "asked"), here];
            return Some((sentence, witnesses, "Clients wait for SystemReady."));
        }
        if let Some(wrong) = self.missing(cx, at) {
            return Some(wrong);
        }
        let knows = |elected: &&Stamp| cx.order.happens_before(**elected, at);
        if cx.has_scripted() || self.elected.values().any(|elected| knows(&elected)) {
            return None;
        }
        let sentence = match self.elected.is_empty() {
            true => "The system was called ready without a coordinator.".to_owned(),
            false => {
                "The system was called ready before the controller could know of a coordinator.".to_owned()
            }
        };
        let first =
            self.elected.values().next().map(|at| Witness::new(*at, "elected, which nobody had told"));
        let expected = "The controller should have waited until a server told it of a coordinator.";
        Some((sentence, first.into_iter().chain([here]).collect(), expected))
    }
}

impl Rule for Ready {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let at = record.at;
        match record.event {
            Event::ServerStart { .. } => {
                if let Some(server) = record.server() {
                    *self.started.get_mut(server) = true;
                }
            }
            Event::ServerJoined { .. } => {
                if let Some(server) = record.server() {
                    self.joined.get_mut(server).get_or_insert(at);
                }
            }
            Event::CoordElected { .. } => {
                if let Some(server) = record.server() {
                    self.elected.entry(server).or_insert(at);
                }
            }
            Event::Told { from, joined: true, .. } if at.node == Node::Run => {
                self.told.get_mut(from).get_or_insert(at);
            }
            Event::Invoke { .. } if self.ready.is_none() => {
                self.early.get_or_insert(at);
            }
            Event::SystemReady {} => {
                let wrong = self.wrong(cx, at);
                self.ready.get_or_insert(at);
                let Some((sentence, witnesses, expected)) = wrong else { return tally.met() };
                if let Some(hole) = cx.hole() {
                    return tally.unknown(|| {
                        format!("records are missing ({hole}), perhaps what the controller was told")
                    });
                }
                tally.fail(sentence, witnesses, expected);
            }
            _ => {}
        }
    }
}

/// Only a coordinator gives servers up.
pub(crate) const C2: RuleInfo = RuleInfo {
    id: "C2",
    lab: "3A",
    sentence: "ServerFail is recorded only by a server that is the coordinator then.",
    source: "the course's design, ctrace",
    explanation: "\
That a server failed is the coordinator's to say: it alone sends to all the others, and it alone misses their
answers. Whoever follows hears from nobody but the coordinator, and knows nothing of the rest.
A client that finds a server cut off says Unavailable, which is another thing: the server may well live.
The usual mistake: a coordinator that has been deposed, and still gives up those that no longer answer it.",
    example: include_str!("examples/C2.jsonl"),
    wants: Wants::Only(&[Action::ServerFail]),
    make: || Box::new(GivenUp),
};

struct GivenUp;

impl Rule for GivenUp {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Event::ServerFail { server_id } = record.event else { return };
        let (node, at) = (record.at.node, record.at);
        if record.server().is_some_and(|server| !cx.is_judged(server)) {
            return;
        }
        let own = match (record.server(), record.state) {
            (None, _) => "no server".to_owned(),
            (Some(_), None) => return tally.unknown(|| stateless(record)),
            (Some(_), Some(state)) if state.role == Role::Leader => return tally.met(),
            (Some(_), Some(state)) => format!("a {} in term {}", role(state.role), state.term),
        };
        let sentence = format!("{node} gave {server_id} up, but was {own}.");
        let witnesses = vec![Witness::new(at, format!("gives {server_id} up"))];
        tally.fail(sentence, witnesses, "Only the coordinator gives servers up.");
    }
}
