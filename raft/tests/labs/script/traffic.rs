//! Messages by the dozen: what a script moves without counting, because code that is right sends them in other
//! numbers, too.

use super::parse::{Pick, Wanted};
use super::world::{Flight, World};
use crate::check::list;
use crate::harness::Done;
use labrpc::schema::Server;

/// More messages in one line of a script are a conversation without an end.
const MOST: usize = 1_000;

impl World {
    /// Everything under way there by now, from the oldest on; not what is sent because of it.
    pub(super) fn deliver_all(&mut self, pick: &Pick) {
        let now = std::mem::take(&mut self.flights);
        let (there, rest) = now.into_iter().partition(|flight| flight.matches(pick));
        self.flights = rest;
        there.into_iter().for_each(|flight: Flight| self.arrive(flight));
    }

    /// Everything between real servers, until nothing is under way there.
    pub(super) fn settle(&mut self) -> Done {
        self.converse(|_| true, |_| false)
    }

    /// Everything between these two but what its caller has given up, from the oldest on, until the one is as
    /// wanted; without a wish, until nothing is under way there.
    pub(super) fn exchange(
        &mut self,
        (one, two): (Server, Server),
        until: Option<&(Server, Wanted)>,
        why: &str,
    ) -> Done {
        let theirs =
            |flight: &Flight| !flight.late && [(one, two), (two, one)].contains(&(flight.from, flight.to));
        let complaint = |world: &World| match until {
            Some((server, wanted)) => world.complaint(*server, wanted).map(|sentence| (*server, sentence)),
            None => None,
        };
        self.converse(theirs, |world| until.is_some() && complaint(world).is_none())?;
        match complaint(self) {
            Some((server, sentence)) => Err(self.unmet(sentence, why, server, "here")),
            None => Ok(()),
        }
    }

    fn converse(&mut self, theirs: impl Fn(&Flight) -> bool, over: impl Fn(&World) -> bool) -> Done {
        for _ in 0..MOST {
            let real = |flight: &Flight| [flight.from, flight.to].iter().all(|it| self.real.contains_key(it));
            let next = self.flights.iter().position(|flight| theirs(flight) && real(flight));
            let Some(next) = next.filter(|_| !over(self)) else { return Ok(()) };
            let flight = self.flights.remove(next);
            self.arrive(flight);
        }
        let real: Vec<Server> = self.real.keys().copied().collect();
        let sentence = format!("{} send each other messages without an end: {MOST} by now.", list(&real));
        Err(self.unmet(
            sentence,
            "A question is answered, and then there is nothing more to say.",
            real[0],
            "here",
        ))
    }
}
