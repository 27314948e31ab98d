//! Clients that work without end: each does one operation after the other, on random keys, with values that nobody
//! else writes.

use crate::check::unmet;
use crate::cluster::Cluster;
use crate::lone::Lone;
use kvclient::{KvClient, Patience};
use labrpc::Host;
use labrpc::schema::KvCall;
use labrpc_sim::{Sim, Stream};
use scenario::Done;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

/// What the clients do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    /// How many keys they share.
    pub(crate) keys: u64,
    /// Of 1,000 operations so many read; of the others, so many of 1,000 append; the rest puts.
    pub(crate) gets: u16,
    pub(crate) appends: u16,
    /// Between two operations of a client, in virtual milliseconds: at most this.
    pub(crate) pause_ms: u64,
    /// How long values are at least, in bytes.
    pub(crate) bytes: usize,
}

impl Default for Mix {
    fn default() -> Self {
        Mix { keys: 5, gets: 500, appends: 500, pause_ms: 80, bytes: 0 }
    }
}

/// Clients at work. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Workload {
    sim: Sim,
    going: Rc<Cell<bool>>,
    working: Rc<Cell<u32>>,
    done: Rc<Cell<u32>>,
}

impl Workload {
    /// Starts so many clients of a cluster, each with another first server.
    pub(crate) fn start(cluster: &Cluster, clients: u32, mix: Mix) -> Self {
        let workload = Workload::new(&cluster.sim);
        let all = cluster.all();
        for n in 0..clients {
            let (host, client) = cluster.client(all[n as usize % all.len()]);
            workload.work(host, client, n, mix);
        }
        workload
    }

    /// Starts so many clients of the single server.
    pub(crate) fn start_lone(lone: &Lone, clients: u32, mix: Mix) -> Self {
        let workload = Workload::new(&lone.sim);
        for n in 0..clients {
            let (host, client) = lone.client(Patience::default());
            workload.work(host, client, n, mix);
        }
        workload
    }

    fn new(sim: &Sim) -> Self {
        Workload {
            sim: sim.clone(),
            going: Rc::new(Cell::new(true)),
            working: Rc::default(),
            done: Rc::default(),
        }
    }

    fn work(&self, host: Rc<dyn Host>, mut client: KvClient, n: u32, mix: Mix) {
        let mut chance = self.sim.stream(&format!("client {n}"));
        let (workload, sim) = (self.clone(), self.sim.clone());
        self.working.set(self.working.get() + 1);
        host.spawn(Box::pin(async move {
            for count in 0u32.. {
                if !workload.going.get() {
                    break;
                }
                // A client that is told no, or nothing, goes on with something else: the history says what it knows.
                if client.operate(call(&mut chance, mix, n, count)).await.is_ok() {
                    workload.done.set(workload.done.get() + 1);
                }
                sim.sleep(Duration::from_millis(chance.draw(0..=mix.pause_ms))).await;
            }
            client.stop();
            workload.working.set(workload.working.get() - 1);
        }));
    }

    /// How many operations were done.
    pub(crate) fn done(&self) -> u32 {
        self.done.get()
    }

    /// Lets every client finish what it does and stop; all must be able to within so much time.
    pub(crate) async fn finish(&self, within_ms: u64) -> Done {
        self.going.set(false);
        for _ in 0..within_ms / 10 {
            if self.working.get() == 0 {
                return Ok(());
            }
            self.sim.sleep(Duration::from_millis(10)).await;
        }
        Err(unmet(
            "the service",
            format!(
                "{} ms after the last fault {} of the clients still wait for an answer.",
                within_ms,
                self.working.get()
            ),
            "All servers run and reach each other again, so every operation can be done.",
            Vec::new(),
        ))
    }
}

fn call(chance: &mut Stream, mix: Mix, n: u32, count: u32) -> KvCall {
    let key = format!("k{}", chance.draw(0..=mix.keys - 1));
    let value = format!("{:<1$}", format!("{n}.{count} "), mix.bytes);
    if chance.chance(mix.gets) {
        KvCall::Get { key }
    } else if chance.chance(mix.appends) {
        KvCall::Append { key, value }
    } else {
        KvCall::Put { key, value }
    }
}
