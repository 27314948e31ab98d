//! A barrier over our [`watch`]: tokio's own is over tokio's.

use super::watch;
use std::sync::{Mutex, PoisonError};

/// Lets a number of tasks go on together.
#[derive(Debug)]
pub struct Barrier {
    state: Mutex<State>,
    wait: watch::Receiver<usize>,
    n: usize,
}

#[derive(Debug)]
struct State {
    opened: watch::Sender<usize>,
    arrived: usize,
    generation: usize,
}

impl Barrier {
    /// A barrier for `n` tasks; 0 is as good as 1.
    pub fn new(n: usize) -> Barrier {
        let (opened, wait) = watch::channel(0);
        Barrier { state: Mutex::new(State { opened, arrived: 0, generation: 1 }), wait, n: n.max(1) }
    }

    /// Waits until `n` tasks wait. The last to come is the leader. Who stops waiting has been counted all the same.
    pub async fn wait(&self) -> BarrierWaitResult {
        let Some(generation) = self.arrive() else { return BarrierWaitResult(true) };
        let mut wait = self.wait.clone();
        // The sender lives as long as the barrier.
        let _ = wait.wait_for(|opened| *opened >= generation).await;
        BarrierWaitResult(false)
    }

    /// What to wait for; `None` if this was the last, and it is open.
    fn arrive(&self) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = state.generation;
        state.arrived += 1;
        if state.arrived < self.n {
            return Some(generation);
        }
        state.opened.send_replace(generation);
        state.arrived = 0;
        state.generation += 1;
        None
    }
}

/// Whether a task was the last at the [`Barrier`].
#[derive(Debug, Clone)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// True for one of the tasks.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}
