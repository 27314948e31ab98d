//! Runs one scenario: a simulated world, a judge that watches it, and an ending.

use crate::cluster::Cluster;
use crate::lone::Lone;
use kvserver::Limits;
use labrpc::schema::{Durability, Header, RunId, SCHEMA, Server};
use labrpc_sim::{Link, Options};
use raft::core::Config;
use scenario::{Done, Run, Setting};
use std::future::Future;

/// What a scenario starts from.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The scenario's name.
    pub(crate) name: &'static str,
    /// How many servers there are: s1, s2, ….
    pub(crate) servers: u8,
    /// The character of all links at the start, those of clients too.
    pub(crate) link: Link,
    pub(crate) options: Options,
    pub(crate) limits: Limits,
    /// A server without a vote that the test plays itself.
    pub(crate) scripted: Option<Server>,
}

impl Setup {
    /// Servers on reliable links, with empty disks.
    pub(crate) fn new(name: &'static str, servers: u8) -> Self {
        Setup {
            name,
            servers,
            link: Link::reliable(),
            options: Options::default(),
            limits: Limits::default(),
            scripted: None,
        }
    }

    /// The same, with snapshots whenever the log has more than so many bytes.
    pub(crate) fn with_snapshots(self, log_bytes: u64) -> Self {
        Setup { limits: Limits { log_bytes: Some(log_bytes), ..self.limits }, ..self }
    }

    pub(crate) fn all(&self) -> Vec<Server> {
        (1..=self.servers).map(Server).collect()
    }

    pub(crate) fn config(&self) -> Config {
        Config::new(self.all(), Durability::Real)
    }

    fn setting(&self, seed: u64, durability: Durability, without: &'static [&'static str]) -> Setting {
        let header = Header {
            schema: SCHEMA,
            run: RunId { name: self.name.to_owned(), seed },
            kit: env!("CARGO_PKG_VERSION").to_owned(),
            servers: self.all().into_iter().chain(self.scripted).collect(),
            voters: self.all(),
            scripted: self.scripted.into_iter().collect(),
            durability,
        };
        Setting { header, link: self.link.clone(), options: self.options.clone(), without }
    }
}

/// Runs a scenario on a cluster of replicated servers.
pub(crate) fn simulate<F, T>(seed: u64, setup: Setup, main: F) -> Run
where
    F: FnOnce(Cluster) -> T + 'static,
    T: Future<Output = Done>,
{
    let setting = setup.setting(seed, Durability::Real, &[]);
    let counts = crate::cluster::Counts::default();
    let counting = counts.clone();
    scenario::judged(
        setting,
        move |record| counting.count(record),
        move |sim| {
            let cluster = Cluster::start(sim, setup, counts);
            async move { main(cluster).await }
        },
    )
}

/// Runs a scenario on the one server of lab 1, which has no log: what is answered was executed, but never committed.
pub(crate) fn simulate_lone<F, T>(seed: u64, setup: Setup, main: F) -> Run
where
    F: FnOnce(Lone) -> T + 'static,
    T: Future<Output = Done>,
{
    let setting = setup.setting(seed, Durability::Assumed, &["K4"]);
    scenario::judged(
        setting,
        |_| {},
        move |sim| {
            let lone = Lone::start(sim);
            async move { main(lone).await }
        },
    )
}
