//! The service above Raft in these tests: it remembers what was delivered, in order.
//!
//! All servers of a run share one book, in which the first delivery of each place in the order is kept and
//! every other one compared: the same commands, in the same order, none that nobody proposed.

use crate::check::unmet;
use labrpc::schema::{Index, Server};
use labrpc::{decode, encode};
use raft::Delivery;
use scenario::Expectation;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What the services of a cluster have in common.
#[derive(Default)]
pub(crate) struct Book {
    proposed: BTreeSet<Vec<u8>>,
    /// The commands in the order of their first delivery anywhere.
    order: Vec<Vec<u8>>,
    services: BTreeMap<Server, Service>,
    /// The first thing that was wrong.
    wrong: Option<Expectation>,
}

/// One server's service, in its present incarnation.
#[derive(Default)]
struct Service {
    history: Vec<Vec<u8>>,
}

impl Book {
    /// Notes a command before it is proposed.
    pub(crate) fn proposed(&mut self, command: &[u8]) {
        self.proposed.insert(command.to_vec());
    }

    /// A server starts: its service is empty.
    pub(crate) fn started(&mut self, server: Server) {
        self.services.insert(server, Service::default());
    }

    /// Takes a delivery. Returns a snapshot to hand over if the service has grown by `every` since the last.
    pub(crate) fn deliver(
        book: &Rc<RefCell<Book>>,
        server: Server,
        delivery: Delivery,
        every: u64,
    ) -> Option<(Index, Vec<u8>)> {
        let mut book = book.borrow_mut();
        match delivery {
            Delivery::Command { index, command, .. } => {
                let service = book.services.entry(server).or_default();
                service.history.push(command.clone());
                let place = service.history.len();
                let snapshot = (every > 0 && (place as u64).is_multiple_of(every))
                    .then(|| (index, encode(&service.history)));
                book.compare(server, place, &command);
                snapshot
            }
            Delivery::Snapshot(snap) => {
                let history: Vec<Vec<u8>> = decode(&snap.data).unwrap_or_default();
                for (place, command) in history.iter().enumerate() {
                    book.compare(server, place + 1, command);
                }
                book.services.insert(server, Service { history });
                None
            }
        }
    }

    fn compare(&mut self, server: Server, place: usize, command: &[u8]) {
        let first = self.order.get(place - 1);
        let wrong = if !self.proposed.contains(command) {
            format!("{server} was delivered {}, which nobody proposed.", show(command))
        } else if place > self.order.len() + 1 {
            format!(
                "{server} was delivered {} in place {place}, and place {} was never delivered.",
                show(command),
                place - 1
            )
        } else if first.is_some_and(|first| first != command) {
            let first = first.map(|first| show(first)).unwrap_or_default();
            format!(
                "{server} was delivered {} in place {place}, where another server was delivered {first}.",
                show(command)
            )
        } else {
            if first.is_none() {
                self.order.push(command.to_vec());
            }
            return;
        };
        let expected =
            "All servers should be delivered the same commands in the same order (State Machine Safety).";
        self.wrong.get_or_insert(unmet("Figure 3", wrong, expected, Vec::new()));
    }

    /// What went wrong so far, if something did.
    pub(crate) fn check(&self) -> Result<(), Expectation> {
        self.wrong.clone().map_or(Ok(()), Err)
    }

    /// What a server's service was delivered.
    pub(crate) fn history(&self, server: Server) -> &[Vec<u8>] {
        self.services.get(&server).map_or(&[], |service| &service.history)
    }

    /// How many of these servers were delivered the command.
    pub(crate) fn count(&self, command: &[u8], among: &[Server]) -> usize {
        let has =
            |server: &&Server| self.history(**server).iter().rev().any(|delivered| delivered == command);
        among.iter().filter(has).count()
    }

    /// The commands delivered anywhere, in order.
    pub(crate) fn order(&self) -> &[Vec<u8>] {
        &self.order
    }
}

/// A command as a report shows it.
pub(crate) fn show(command: &[u8]) -> String {
    let text = String::from_utf8_lossy(&command[..command.len().min(12)]).into_owned();
    if command.len() > 12 {
        format!("\"{text}…\" ({} bytes)", command.len())
    } else {
        format!("\"{text}\"")
    }
}
