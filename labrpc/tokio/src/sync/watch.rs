//! A channel that keeps its last value only: tokio's, with a queue of its own for those who wait in a simulation.
//!
//! Invariants: in a simulation receivers are woken in the order in which they began to wait.

use crate::world::present;
use real::sync::Notify;
use real::sync::watch as real_watch;
use std::pin::pin;
use std::sync::Arc;

pub use real_watch::{Ref, error};

/// A channel that holds `init`.
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = real_watch::channel(init);
    let bell = Bell::default();
    let receiver = Receiver { inner: receiver, news: bell.0.clone() };
    (Sender { inner: sender, bell }, receiver)
}

/// Sets the value.
// The order counts: by the time that the bell rings, the sender within is gone.
#[derive(Debug)]
pub struct Sender<T> {
    inner: real_watch::Sender<T>,
    bell: Bell,
}

/// Sees the value.
#[derive(Debug, Clone)]
pub struct Receiver<T> {
    inner: real_watch::Receiver<T>,
    news: Arc<Notify>,
}

/// Rings when it is dropped: the channel may be closed then.
#[derive(Debug, Default)]
struct Bell(Arc<Notify>);

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.notify_waiters();
    }
}

impl<T> Sender<T> {
    /// A channel without a receiver so far.
    pub fn new(init: T) -> Sender<T> {
        channel(init).0
    }

    /// Sets the value and tells every receiver.
    ///
    /// # Errors
    /// There is no receiver; the value comes back.
    pub fn send(&self, value: T) -> Result<(), error::SendError<T>> {
        let sent = self.inner.send(value);
        self.bell.0.notify_waiters();
        sent
    }

    /// Changes the value where it is, and tells every receiver.
    pub fn send_modify<F: FnOnce(&mut T)>(&self, modify: F) {
        self.inner.send_modify(modify);
        self.bell.0.notify_waiters();
    }

    /// Changes the value where it is, and tells every receiver if `modify` says so. Returns what it says.
    pub fn send_if_modified<F: FnOnce(&mut T) -> bool>(&self, modify: F) -> bool {
        let modified = self.inner.send_if_modified(modify);
        if modified {
            self.bell.0.notify_waiters();
        }
        modified
    }

    /// Sets the value, tells every receiver, and returns the former value.
    pub fn send_replace(&self, value: T) -> T {
        let former = self.inner.send_replace(value);
        self.bell.0.notify_waiters();
        former
    }

    /// The value. Nobody can set it while this is held.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// Whether there is no receiver.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Waits until there is no receiver.
    pub async fn closed(&self) {
        self.inner.closed().await;
    }

    /// A new receiver, to which the present value is not new.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver { inner: self.inner.subscribe(), news: self.bell.0.clone() }
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.inner.receiver_count()
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        self.inner.sender_count()
    }

    /// Whether both belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { inner: self.inner.clone(), bell: Bell(self.bell.0.clone()) }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Sender::new(T::default())
    }
}

impl<T> Receiver<T> {
    /// The value, which stays as new as it was. Nobody can set it while this is held.
    pub fn borrow(&self) -> Ref<'_, T> {
        self.inner.borrow()
    }

    /// The value, which is no longer new.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        self.inner.borrow_and_update()
    }

    /// Whether the value is new.
    ///
    /// # Errors
    /// There is no sender.
    pub fn has_changed(&self) -> Result<bool, error::RecvError> {
        self.inner.has_changed()
    }

    /// Whether there is no sender.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// Makes the value new.
    pub fn mark_changed(&mut self) {
        self.inner.mark_changed();
    }

    /// Makes the value no longer new.
    pub fn mark_unchanged(&mut self) {
        self.inner.mark_unchanged();
    }

    /// Waits until the value is new, which it no longer is then. Nothing is lost if this future is dropped.
    ///
    /// # Errors
    /// There is no sender, and the value is not new.
    pub async fn changed(&mut self) -> Result<(), error::RecvError> {
        if present().is_none() {
            return self.inner.changed().await;
        }
        loop {
            let mut news = pin!(self.news.notified());
            news.as_mut().enable();
            if self.inner.borrow().has_changed() {
                self.inner.mark_unchanged();
                return Ok(());
            }
            self.inner.has_changed()?;
            news.await;
        }
    }

    /// Waits until `wanted` holds for the value, which is no longer new then. Nothing is lost if this future is dropped.
    ///
    /// # Errors
    /// There is no sender, and it does not hold for the last value.
    pub async fn wait_for(
        &mut self,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Result<Ref<'_, T>, error::RecvError> {
        if present().is_none() {
            return self.inner.wait_for(wanted).await;
        }
        let mut closed = None;
        // A simulation is one thread: between asking and borrowing again, nobody sets the value.
        while !wanted(&self.inner.borrow_and_update()) {
            if let Some(closed) = closed {
                return Err(closed);
            }
            closed = self.changed().await.err();
        }
        Ok(self.inner.borrow())
    }

    /// Whether both belong to one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.inner.same_channel(&other.inner)
    }
}
