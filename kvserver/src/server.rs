//! Lab 3A: what any server does with a request, wherever the coordinator is.
//!
//! Invariants
//! - A request that came from a client waits here until the coordinator has answered it, however often that
//!   changes meanwhile; but not for longer than `limits.no_quorum`, and not beside more than `limits.waiting` others.
//! - A request that came from another server is never passed on.

use crate::start::{KvServer, unless};
use kvclient::protocol::{Refusal, Request, Response};
use kvclient::remote::until;
use labrpc::schema::Server;
use std::time::Duration;

impl KvServer {
    /// A client's request.
    // region lab3a: record that it came; refuse it if too many wait; else serve it, and record what is answered (rule K3)
    pub(crate) async fn on_request(&self, request: Request) -> Response {
        self.received(&request);
        if self.waiting.get() >= self.limits.waiting {
            return self.answers(&request, Response::Refused { why: Refusal::Busy, taken: false });
        }
        self.waiting.set(self.waiting.get() + 1);
        let response = self.serve(&request).await;
        self.waiting.set(self.waiting.get() - 1);
        self.answers(&request, response)
    }

    /// Has the coordinator execute a request, whoever that is and will be.
    // region lab3a: until the time is up: coordinate it if you are the coordinator, else forward it to the one you know; if that comes to nothing, wait for a change and try again
    async fn serve(&self, request: &Request) -> Response {
        let end = self.host.now() + self.limits.no_quorum;
        let mut taken = false;
        loop {
            let tried = match self.coordinator() {
                Some(coordinator) if coordinator == self.me => self.coordinate(request, end).await,
                Some(coordinator) => self.pass_on(request, coordinator, end).await,
                None => Response::Refused { why: Refusal::NoQuorum, taken: false },
            };
            match tried {
                Response::Refused { taken: perhaps, .. } => taken |= perhaps,
                done => return done,
            }
            if self.host.now() >= end {
                return Response::Refused { why: Refusal::NoQuorum, taken };
            }
            let pause = end.min(self.host.now() + self.limits.pause);
            until(&*self.host, pause, self.raft().moved()).await;
        }
    }

    /// Passes a request on to the coordinator, and waits for its answer as long as it is the coordinator.
    // region lab3a: record it, forward the request, and give up once you know another coordinator, or none (rule K3)
    async fn pass_on(&self, request: &Request, coordinator: Server, end: Duration) -> Response {
        let lost = Response::Refused { why: Refusal::NoQuorum, taken: true };
        let Some(remote) = self.peers.get(&coordinator) else { return lost };
        self.forwards(request, coordinator);
        let moved = async {
            while self.coordinator() == Some(coordinator) {
                self.raft().moved().await;
            }
        };
        unless(remote.forward(request, end), moved).await.flatten().unwrap_or(lost)
    }

    /// A request that another server passed on.
    // region lab3a: record that it came; coordinate it, or refuse it if you do not coordinate: never pass it on (rule K3)
    pub(crate) async fn on_forward(&self, from: Server, request: Request) -> Response {
        self.forward_received(&request, from);
        let response = if self.coordinator() == Some(self.me) {
            self.coordinate(&request, self.host.now() + self.limits.no_quorum).await
        } else {
            Response::Refused { why: Refusal::NotCoordinator, taken: false }
        };
        self.answers(&request, response)
    }

    /// Another server has just started.
    // region lab3a: let Raft bring it up to date at once, if you coordinate
    pub(crate) fn on_join(&self, server: Server) {
        self.raft().joined(server);
    }

    /// This server has just started: the others should know.
    // region lab3a: tell every other server until each has heard it, or this one knows a coordinator
    pub(crate) async fn announce(&self) {
        let mut deaf: Vec<Server> = self.peers.keys().copied().collect();
        while !deaf.is_empty() && self.coordinator().is_none() {
            for server in std::mem::take(&mut deaf) {
                let soon = self.host.now() + self.limits.pause;
                if !self.peers[&server].announce(self.me, soon).await {
                    deaf.push(server);
                }
            }
            self.host.sleep_until(self.host.now() + self.limits.pause).await;
        }
    }
}
