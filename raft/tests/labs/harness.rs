//! Runs one scenario: a simulated world, a judge that watches it, and an ending.

use crate::cluster::{Cluster, Tally};
use labrpc::schema::{Durability, Header, RunId, SCHEMA, Server};
use labrpc_sim::{Link, Options, Sim};
use raft::core::{Config, Saved};
use scenario::{Run, Setting};
use std::future::Future;
use std::rc::Rc;

pub(crate) use scenario::Done;

/// What a scenario starts from.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The scenario's name.
    pub(crate) name: &'static str,
    /// How many servers there are: s1, s2, ….
    pub(crate) servers: u8,
    /// Those that the test plays itself.
    pub(crate) scripted: Vec<Server>,
    /// The character of all links at the start.
    pub(crate) link: Link,
    pub(crate) options: Options,
    pub(crate) durability: Durability,
    /// What every server's disk holds at the start, where durability is assumed.
    pub(crate) saved: Saved,
    /// Whether there is a log.
    pub(crate) replicate: bool,
    /// The most entries in a message.
    pub(crate) max_entries: usize,
    /// The most bytes of a snapshot in a message.
    pub(crate) max_chunk: usize,
    /// The service hands over a snapshot every so many deliveries; 0: never.
    pub(crate) snapshot_every: u64,
}

impl Setup {
    /// A cluster on reliable links that elects leaders and has no log: lab 2A.
    pub(crate) fn elections(name: &'static str, servers: u8) -> Self {
        Setup { replicate: false, ..Setup::new(name, servers) }
    }

    /// A cluster on reliable links, with empty logs, durability assumed: lab 2B.
    pub(crate) fn new(name: &'static str, servers: u8) -> Self {
        Setup {
            name,
            servers,
            scripted: Vec::new(),
            link: Link::reliable(),
            options: Options::default(),
            durability: Durability::Assumed,
            saved: Saved::default(),
            replicate: true,
            max_entries: 256,
            max_chunk: 512,
            snapshot_every: 0,
        }
    }

    pub(crate) fn all(&self) -> Vec<Server> {
        (1..=self.servers).map(Server).collect()
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            replicate: self.replicate,
            max_entries: self.max_entries,
            max_chunk: self.max_chunk,
            ..Config::new(self.all(), self.durability)
        }
    }

    fn header(&self, seed: u64) -> Header {
        Header {
            schema: SCHEMA,
            run: RunId { name: self.name.to_owned(), seed },
            kit: env!("CARGO_PKG_VERSION").to_owned(),
            servers: self.all(),
            voters: self.all(),
            scripted: self.scripted.clone(),
            durability: self.durability,
        }
    }
}

/// Runs a scenario on a cluster of real servers.
pub(crate) fn simulate<F, T>(seed: u64, setup: Setup, main: F) -> Run
where
    F: FnOnce(Cluster) -> T + 'static,
    T: Future<Output = Done>,
{
    let for_cluster = setup.clone();
    judged(seed, setup, move |sim, tally| async move { main(Cluster::start(sim, for_cluster, tally)).await })
}

/// Runs `main` in a world that a judge watches.
pub(crate) fn judged<F, T>(seed: u64, setup: Setup, main: F) -> Run
where
    F: FnOnce(Sim, Rc<Tally>) -> T + 'static,
    T: Future<Output = Done>,
{
    let setting = Setting {
        header: setup.header(seed),
        link: setup.link.clone(),
        options: setup.options.clone(),
        without: &[],
    };
    let tally: Rc<Tally> = Rc::default();
    let counting = tally.clone();
    scenario::judged(setting, move |record| counting.count(record), move |sim| main(sim, tally))
}
