//! A history of actions as a script: text that plays in the simulated world, under the judge.
//!
//! The script keeps what an exploration forgets: which messages were lost. They stay under way there, and are
//! never delivered; so a message is named by its link, its topic and its place among those that match.

use super::bounds::Bounds;
use super::facts::View;
use super::local::{Caller, Flight, What, snapshot_data};
use super::states::{Action, Own, States};
use labrpc::schema::{Role, Server, Timer};
use raft::core::Req;

/// Writes down the script of a history within these bounds. The properties are watched while it plays.
pub(super) fn script(bounds: &Bounds, path: &[Action]) -> String {
    match States::new(bounds) {
        Ok(begun) => told(bounds, begun, path).0,
        // Nobody even starts, and the script's first lines are enough to show it.
        Err(_) => bounds.preamble(),
    }
}

/// The script of a history that breaks nothing, with what every server must be at its end: where an exploration and
/// the simulated world come to different ends, one of them is wrong.
pub(super) fn checked_script(bounds: &Bounds, path: &[Action]) -> String {
    let begun = States::new(bounds).unwrap_or_else(|broken| panic!("it was explored: {}", broken.sentence));
    let (mut out, states, row) = told(bounds, begun, path);
    for (place, server) in states.servers.iter().enumerate() {
        let View { state, log, .. } = &states.facts_of(&row, place).view;
        let role = match state.role {
            Role::Follower => "follower",
            Role::PreCandidate => "precandidate",
            Role::Candidate => "candidate",
            Role::Leader => "leader",
        };
        let name = |server: Option<Server>| server.map_or("none".to_owned(), |server| server.to_string());
        let terms: Vec<String> = log.entries.iter().map(|(term, _)| term.to_string()).collect();
        out.push_str(&format!(
            "expect {server} role={role} term={} vote={} leader={} log={} commit={} snapshot={} -- That is what the same history came to when it was explored; a core must do the same whenever it is given the same.\n",
            state.term, name(state.voted_for), name(state.leader_id), terms.join(","), state.commit_index, log.base.0
        ));
    }
    out
}

fn told(
    bounds: &Bounds,
    (mut states, first): (States, Vec<u32>),
    path: &[Action],
) -> (String, States, Vec<u32>) {
    let mut story = Story { lines: Vec::new(), under_way: Vec::new() };
    let (mut row, mut after) = (first, Vec::new());
    for &action in path {
        story.tell(&states, &row, action);
        story.under_way.extend(states.sent(&row, action));
        if states.after(&row, action, &mut after).is_err() {
            break;
        }
        std::mem::swap(&mut row, &mut after);
    }
    let lines = story.lines.join("\n");
    (format!("{}invariants\n\n{lines}\n", bounds.preamble()), states, row)
}

struct Story {
    lines: Vec<String>,
    /// Everything that left and was not delivered, in the order of leaving, as the script will have it.
    under_way: Vec<Flight>,
}

impl Story {
    fn tell(&mut self, states: &States, row: &[u32], action: Action) {
        let server = |place: u8| states.servers[place as usize];
        match action {
            Action::Own(place, Own::Timer(timer)) => {
                let which = match timer {
                    Timer::Election => "election",
                    Timer::Heartbeat => "heartbeat",
                    Timer::Quorum => "quorum",
                };
                self.lines.push(format!("timeout {} {which}", server(place)));
            }
            Action::Own(place, Own::Propose) => {
                let index = states.facts_of(row, place as usize).view.log.last() + 1;
                self.lines.push(format!("propose {} x{index}", server(place)));
            }
            Action::Own(place, Own::Snapshot) => {
                let index = states.facts_of(row, place as usize).delivered;
                self.lines.push(format!("snapshot {} {index} {}", server(place), snapshot_data(index)));
            }
            Action::Own(place, Own::Sync(writes)) => {
                let all = states.facts_of(row, place as usize).unsynced == writes as usize;
                let part = if all { String::new() } else { format!(" writes={writes}") };
                self.lines.push(format!("sync {}{part}", server(place)));
            }
            Action::Own(place, Own::Crash(keep)) => {
                self.lines.push(format!("crash {} keep={keep}", server(place)));
                self.lines.push(format!("restart {}", server(place)));
            }
            Action::Deliver(place) => {
                let number = self.message("deliver", states, row, place);
                self.under_way.remove(number);
            }
            Action::Duplicate(place) => drop(self.message("repeat", states, row, place)),
            Action::Fail(place) => {
                let number = self.message("fail", states, row, place);
                self.under_way[number].caller = Caller::GaveUp;
            }
        }
    }

    /// Writes a line about a message, and says where it stands.
    fn message(&mut self, verb: &str, states: &States, row: &[u32], place: u8) -> usize {
        let flight = states.flight(states.under_way(row)[place as usize]);
        let given_up = |flight: &Flight| flight.caller == Caller::GaveUp;
        // An older one like it was pushed out, or went to nobody.
        let same = |other: &Flight| {
            (other.from, other.to, &other.what, given_up(other))
                == (flight.from, flight.to, &flight.what, given_up(flight))
        };
        let number = self.under_way.iter().rposition(same).expect("what is under way has left");
        let key = |flight: &Flight| (flight.from, flight.to, topic(flight));
        let before = self.under_way[..number].iter().filter(|other| key(other) == key(flight)).count();
        let ordinal = if before == 0 { String::new() } else { format!(" {}", before + 1) };
        self.lines.push(format!("{verb} {}->{} {}{ordinal}", flight.from, flight.to, topic(flight)));
        number
    }
}

fn topic(flight: &Flight) -> &'static str {
    let (What::Request(req) | What::Reply(req, _)) = &flight.what;
    match req {
        Req::PreVote(_) => "prevote",
        Req::Vote(_) => "vote",
        Req::Append(args) if args.is_bare() => "heartbeat",
        Req::Append(_) => "entries",
        Req::Install(_) => "install",
    }
}
