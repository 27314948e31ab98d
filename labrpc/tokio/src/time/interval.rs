//! Ticks at a fixed period.

use super::{Duration, Instant, MissedTickBehavior, Sleep, sleep_until};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Who is later than this has missed a tick, to tokio.
const LATE: Duration = Duration::from_millis(5);

/// Ticks at once, and then every `period`.
///
/// # Panics
/// `period` is zero. In the real world, outside of a runtime.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks at `start`, and then every `period`.
///
/// # Panics
/// `period` is zero. In the real world, outside of a runtime.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(period > Duration::ZERO, "`period` must be non-zero.");
    Interval { delay: Box::pin(sleep_until(start)), period, behavior: MissedTickBehavior::default() }
}

/// What [`interval`] and [`interval_at`] return.
#[derive(Debug)]
pub struct Interval {
    delay: Pin<Box<Sleep>>,
    period: Duration,
    behavior: MissedTickBehavior,
}

impl Interval {
    /// Waits for the next tick, and says when it was due. Nothing is lost if this future is dropped.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// As [`Interval::tick`], for a hand-written future.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.delay.as_mut().poll(cx));
        let (due, now) = (self.delay.deadline(), Instant::now());
        let next = if now - due > LATE {
            after_a_missed_tick(self.behavior, due, now, self.period)
        } else {
            later(due, self.period)
        };
        self.delay.as_mut().reset(next);
        Poll::Ready(due)
    }

    /// The next tick comes a period from now.
    pub fn reset(&mut self) {
        self.reset_after(self.period);
    }

    /// The next tick comes at once.
    pub fn reset_immediately(&mut self) {
        self.reset_at(Instant::now());
    }

    /// The next tick comes after `after`.
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(later(Instant::now(), after));
    }

    /// The next tick comes at `deadline`.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.delay.as_mut().reset(deadline);
    }

    /// What happens after a tick that was taken more than 5 ms late.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Sets what happens after a tick that was taken more than 5 ms late.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }

    /// The time between ticks.
    pub fn period(&self) -> Duration {
        self.period
    }
}

fn later(instant: Instant, duration: Duration) -> Instant {
    instant.checked_add(duration).unwrap_or_else(Instant::far_future)
}

fn after_a_missed_tick(how: MissedTickBehavior, due: Instant, now: Instant, period: Duration) -> Instant {
    match how {
        MissedTickBehavior::Burst => later(due, period),
        MissedTickBehavior::Delay => later(now, period),
        MissedTickBehavior::Skip => {
            // Below the period, which a u64 of nanoseconds holds unless it is longer than five centuries.
            let past = (now - due).as_nanos() % period.as_nanos();
            later(now, period - Duration::from_nanos(u64::try_from(past).unwrap_or(u64::MAX)))
        }
    }
}
