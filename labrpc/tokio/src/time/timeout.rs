//! Futures with a deadline.
//!
//! Invariants: the future is polled before the clock is asked, so one that is done is never too late.

use super::error::Elapsed;
use super::{Duration, Instant, Sleep, sleep_until};
use pin_project_lite::pin_project;
use real::task::coop::{has_budget_remaining, unconstrained};
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The future's result, or [`Elapsed`] after `duration`; the future is dropped with this one.
///
/// # Panics
/// In the real world, outside of a runtime.
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    timeout_at(Instant::now().checked_add(duration).unwrap_or_else(Instant::far_future), future)
}

/// The future's result, or [`Elapsed`] at `deadline`.
///
/// # Panics
/// In the real world, outside of a runtime.
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { value: future.into_future(), delay: sleep_until(deadline) }
}

pin_project! {
    /// What [`timeout`] and [`timeout_at`] return.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    #[derive(Debug)]
    pub struct Timeout<T> {
        #[pin]
        value: T,
        #[pin]
        delay: Sleep,
    }
}

impl<T> Timeout<T> {
    /// The future inside.
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// The future inside.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// The future inside, without its deadline.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let had_budget = has_budget_remaining();
        if let Poll::Ready(value) = this.value.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        // A future that uses up its task's budget must not keep the clock from being looked at.
        let late = if had_budget && !has_budget_remaining() {
            Pin::new(&mut unconstrained(this.delay)).poll(cx)
        } else {
            this.delay.poll(cx)
        };
        late.map(|()| Err(Elapsed(())))
    }
}
