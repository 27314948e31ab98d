//! Clients that propose without end, and remember what they saw delivered.

use crate::cluster::Cluster;
use labrpc::schema::Node;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How long a client waits for its command, in looks of 10 virtual ms.
const LOOKS: u32 = 30;
/// Virtual milliseconds between a client's commands.
const PAUSE_MS: u64 = 30;

/// Clients at work. Clones are the same ones.
#[derive(Clone)]
pub(crate) struct Clients {
    going: Rc<Cell<bool>>,
    delivered: Rc<RefCell<Vec<Vec<u8>>>>,
}

impl Clients {
    /// Starts `count` clients, each of which proposes to every server in turn.
    pub(crate) fn start(cluster: &Cluster, count: u32) -> Self {
        let clients = Clients { going: Rc::new(Cell::new(true)), delivered: Rc::default() };
        for number in 1..=count {
            let host = cluster.sim.start(Node::Client(number));
            let (clients, cluster) = (clients.clone(), cluster.clone());
            host.spawn(Box::pin(async move {
                for n in 0u32.. {
                    if !clients.going.get() {
                        return;
                    }
                    clients.propose(&cluster, format!("c{number} {n}").into_bytes()).await;
                    cluster.sleep_ms(PAUSE_MS).await;
                }
            }));
        }
        clients
    }

    async fn propose(&self, cluster: &Cluster, command: Vec<u8>) {
        let mut taken = false;
        for server in cluster.all() {
            taken |= cluster.propose(server, &command).await.is_some();
        }
        for _ in 0..LOOKS {
            cluster.sleep_ms(10).await;
            if taken && cluster.book.borrow().order().contains(&command) {
                self.delivered.borrow_mut().push(command);
                return;
            }
            if !taken {
                return;
            }
        }
    }

    /// Lets every client stop after its present command.
    pub(crate) fn stop(&self) {
        self.going.set(false);
    }

    /// The commands that some client saw delivered.
    pub(crate) fn delivered(&self) -> Vec<Vec<u8>> {
        self.delivered.borrow().clone()
    }
}
