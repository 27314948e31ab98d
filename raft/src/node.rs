//! A running server, as whoever uses it holds it: the public face of this crate.
//!
//! Owns the inbox through which calls, proposals and snapshots reach the driver, and the last known state.

use crate::core::{Call, Config, ConfigError, NotLeader, Rep, Req, Saved, Snap};
use crate::driver::Driver;
use crate::rpc::{RaftEnd, RaftService};
use crate::storage::{Storage, StorageError};
use labrpc::schema::{Index, Role, Server, Stamp, State, Term};
use labrpc::{Host, incoming, reply_with_stamp};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::task::Waker;
use tokio::sync::{Notify, oneshot};

/// A running Raft server. Clones are handles on the same one.
#[derive(Clone)]
pub struct Raft {
    shared: Rc<Shared>,
}

/// A server that could not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The disk's content cannot be used.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What a server delivers to the service above it, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A committed command. Indexes rise, with gaps where Raft has entries of its own.
    Command {
        /// Its index.
        index: Index,
        /// Its term.
        term: Term,
        /// The command.
        command: Vec<u8>,
    },
    /// The state as of an index, in place of all that was delivered before.
    Snapshot(Snap),
}

/// What takes the deliveries. It is called from one place, in order, and must not wait.
pub type Deliver = Box<dyn FnMut(Delivery)>;

/// A proposal that has no place in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// Another server leads, or nobody does.
    #[error(transparent)]
    NotLeader(#[from] NotLeader),
    /// The server is gone. Whether it took the proposal is unknown.
    #[error("the server is gone, and what became of the proposal is unknown")]
    Gone,
}

/// What handles and driver share.
pub(crate) struct Shared {
    inbox: RefCell<VecDeque<Item>>,
    waker: RefCell<Option<Waker>>,
    pub(crate) state: Cell<State>,
    /// Bytes of log and hard state on the disk's journal, without the snapshot.
    pub(crate) live_bytes: Cell<u64>,
    /// The index of the snapshot that is durable, or 0.
    pub(crate) snapshot_index: Cell<Index>,
    /// Whether the server has joined.
    pub(crate) joined: Cell<bool>,
    /// Told when the term, the role or the leader changes.
    moved: Notify,
}

/// One input on its way to the core.
pub(crate) enum Item {
    Ask { from: Server, req: Req, cause: Option<Stamp>, answer: oneshot::Sender<(Rep, Stamp)> },
    Answered { from: Server, req: Req, rep: Option<Rep>, cause: Option<Stamp>, late: bool },
    Propose { command: Vec<u8>, answer: oneshot::Sender<Result<(Index, Term), NotLeader>> },
    Read { answer: oneshot::Sender<Result<Index, NotLeader>> },
    Joined { server: Server },
    Snapshot { index: Index, data: Vec<u8> },
}

/// Who waits for the reply to a request, and to which.
pub(crate) struct Waiting {
    pub(crate) from: Server,
    pub(crate) req: Req,
    pub(crate) answer: oneshot::Sender<(Rep, Stamp)>,
}

/// Names what waits for an answer of the core.
pub(crate) type Ticket = Call;

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Shared {
            inbox: RefCell::default(),
            waker: RefCell::default(),
            state: Cell::new(state),
            live_bytes: Cell::new(0),
            snapshot_index: Cell::new(0),
            joined: Cell::new(false),
            moved: Notify::new(),
        }
    }

    /// The state after a step.
    pub(crate) fn now_is(&self, state: State) {
        let before = self.state.replace(state);
        let matters = |state: State| (state.term, state.role, state.leader_id);
        if matters(before) != matters(state) {
            self.moved.notify_waiters();
        }
    }

    pub(crate) fn push(&self, item: Item) {
        self.inbox.borrow_mut().push_back(item);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    pub(crate) fn pop(&self) -> Option<Item> {
        self.inbox.borrow_mut().pop_front()
    }

    /// Whether nothing waits in the inbox; if so, `waker` is woken when something does.
    pub(crate) fn idle(&self, waker: &Waker) -> bool {
        let empty = self.inbox.borrow().is_empty();
        if empty {
            *self.waker.borrow_mut() = Some(waker.clone());
        }
        empty
    }
}

impl Raft {
    /// Starts server `me` on `host`, with a connection to each of its peers, from what its disk holds.
    pub fn start(
        host: Rc<dyn Host>,
        me: Server,
        peers: impl IntoIterator<Item = (Server, RaftEnd)>,
        config: Config,
        deliver: Deliver,
    ) -> Result<Raft, StartError> {
        config.check()?;
        let storage = Storage::open(host.disk())?;
        let saved = storage.image().clone();
        Ok(Raft {
            shared: Driver::start(host, me, peers.into_iter().collect(), config, storage, saved, deliver),
        })
    }

    /// Starts a server as if its disk had held `saved`, where durability is assumed.
    pub fn start_with(
        host: Rc<dyn Host>,
        me: Server,
        peers: impl IntoIterator<Item = (Server, RaftEnd)>,
        config: Config,
        saved: Saved,
        deliver: Deliver,
    ) -> Result<Raft, StartError> {
        config.check()?;
        let storage = Storage::open(host.disk())?;
        Ok(Raft {
            shared: Driver::start(host, me, peers.into_iter().collect(), config, storage, saved, deliver),
        })
    }

    /// The current term, and whether this server believes that it leads it.
    pub fn get_state(&self) -> (Term, bool) {
        let state = self.state();
        (state.term, state.role == Role::Leader)
    }

    /// All that this server believes.
    pub fn state(&self) -> State {
        self.shared.state.get()
    }

    /// Completes when the term, the role or the leader changes after this was called.
    pub fn moved(&self) -> impl Future<Output = ()> + '_ {
        self.shared.moved.notified()
    }

    /// Whether this server, in this incarnation, has reached the commit index that a leader told it, or has led.
    pub fn has_joined(&self) -> bool {
        self.shared.joined.get()
    }

    /// Bytes of log and hard state that a restart would read, without the snapshot.
    pub fn live_bytes(&self) -> u64 {
        self.shared.live_bytes.get()
    }

    /// The index of the last snapshot that is durable, and the log cut with it; 0 before the first.
    pub fn snapshot_index(&self) -> Index {
        self.shared.snapshot_index.get()
    }

    /// Wants a command in the log. The answer comes at once, and says where it stands, not that it is
    /// committed: that is known when it, or something else, is delivered at that index.
    pub async fn propose(&self, command: Vec<u8>) -> Result<(Index, Term), ProposeError> {
        let (answer, answered) = oneshot::channel();
        self.shared.push(Item::Propose { command, answer });
        Ok(answered.await.map_err(|_| ProposeError::Gone)??)
    }

    /// Makes sure that this server still leads, without growing the log. Whoever has applied up to the returned index
    /// has seen everything that was committed when this was called (thesis §6.4). Waits as long as no quorum answers
    /// and this server does not step down.
    ///
    /// # Errors
    /// This server does not lead, or leads no more; or it is gone.
    pub async fn read(&self) -> Result<Index, ProposeError> {
        let (answer, answered) = oneshot::channel();
        self.shared.push(Item::Read { answer });
        Ok(answered.await.map_err(|_| ProposeError::Gone)??)
    }

    /// Another server has just started: a leader brings it up to date at once, instead of at its next attempt.
    pub fn joined(&self, server: Server) {
        self.shared.push(Item::Joined { server });
    }

    /// Hands over the service's state as of `index`, which was delivered to it; the log before it may go.
    pub fn snapshot(&self, index: Index, data: Vec<u8>) {
        self.shared.push(Item::Snapshot { index, data });
    }

    /// What answers the other servers' calls.
    pub fn service(&self) -> RaftService {
        RaftService(self.clone())
    }

    /// Hands a request to the driver and waits for the reply.
    pub(crate) async fn ask(&self, req: Req) -> Rep {
        let incoming = incoming();
        let Some(from) = incoming.and_then(|incoming| incoming.from.server()) else {
            // Only servers speak Raft: whoever else asks, waits until its call times out.
            return std::future::pending().await;
        };
        let cause = incoming.and_then(|incoming| incoming.stamp);
        let (answer, answered) = oneshot::channel();
        self.shared.push(Item::Ask { from, req, cause, answer });
        match answered.await {
            Ok((rep, stamp)) => {
                reply_with_stamp(stamp);
                rep
            }
            // The driver is gone, and with it this incarnation.
            Err(_) => std::future::pending().await,
        }
    }
}
