//! What can go wrong while clients work: a schedule drawn from the seed, and then calm.

use crate::cluster::Cluster;
use labrpc::schema::{Node, Server};
use labrpc_sim::Stream;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The servers fall into two groups that do not reach each other.
    Partition,
    /// A server is no longer heard, or hears no longer.
    OneWay,
    /// Two groups that do not reach each other, and one server that both reach.
    Bridge,
    /// Up to half of the servers crash, and restart a little later.
    Crash,
    /// The coordinator stands still until another one leads.
    Pause,
    /// Every link of a server becomes slow.
    Slow,
}

/// All of them.
pub(crate) const ALL: &[Fault] =
    &[Fault::Partition, Fault::OneWay, Fault::Bridge, Fault::Crash, Fault::Pause, Fault::Slow];

impl Cluster {
    /// One fault after the other, for so many rounds of 300–1,300 virtual ms each; then everything is as it was.
    pub(crate) async fn suffer(&self, faults: &[Fault], rounds: u32) {
        let mut chance = self.sim.stream("faults");
        for _ in 0..rounds {
            let fault = faults[chance.draw(0..=faults.len() as u64 - 1) as usize];
            self.strike(fault, &mut chance);
            self.sleep_ms(chance.draw(300..=1_300)).await;
            if chance.chance(500) {
                // As often as not the next fault comes on top of this one.
                self.calm();
                self.sleep_ms(chance.draw(0..=300)).await;
            }
        }
        self.calm();
    }

    fn strike(&self, fault: Fault, chance: &mut Stream) {
        let mut all = self.all();
        chance.shuffle(&mut all);
        let half = all.len() / 2;
        match fault {
            Fault::Partition => {
                let (left, right) = all.split_at(chance.draw(1..=half as u64) as usize);
                self.sim.partition(&all, &[left, right]);
            }
            Fault::OneWay => {
                let deaf = chance.chance(500);
                for other in &all[1..] {
                    let (from, to) = if deaf { (*other, all[0]) } else { (all[0], *other) };
                    self.sim.cut(from, to);
                }
            }
            Fault::Bridge => {
                let (left, right) = all[1..].split_at(half);
                let left: Vec<Server> = [&all[..1], left].concat();
                let right: Vec<Server> = [&all[..1], right].concat();
                self.sim.partition(&all, &[&left, &right]);
            }
            Fault::Crash => {
                for server in &all[..chance.draw(1..=half as u64) as usize] {
                    if self.sim.is_up((*server).into()) {
                        self.crash(*server);
                        self.start_server_later(*server, chance.draw(50..=700));
                    }
                }
            }
            Fault::Pause => {
                if let Some(coordinator) = self.coordinator_among(&all) {
                    self.sim.pause(coordinator);
                }
            }
            Fault::Slow => {
                for other in &all[1..] {
                    for (from, to) in [(all[0], *other), (*other, all[0])] {
                        let ms = 1_000_000;
                        self.sim.link(Node::Server(from), Node::Server(to), |link| {
                            link.delay_ns = 20 * ms..=150 * ms;
                        });
                    }
                }
            }
        }
    }

    fn start_server_later(&self, server: Server, ms: u64) {
        let cluster = self.clone();
        // On a node of its own: whoever restarts a server does not crash with it.
        self.helper().spawn(Box::pin(async move {
            cluster.sleep_ms(ms).await;
            if !cluster.sim.is_up(server.into()) {
                cluster.start_server(server);
            }
        }));
    }
}
