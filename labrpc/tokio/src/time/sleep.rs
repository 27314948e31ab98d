//! Sleeping.
//!
//! Invariants: a simulated sleep that nobody polls asks nothing of its node.

use super::{Duration, Instant};
use crate::world::{LocalBoxFuture, present};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Completes after `duration`: in virtual time exactly, in real time to the millisecond above.
///
/// # Panics
/// In the real world, outside of a runtime.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    sleep_until(Instant::now().checked_add(duration).unwrap_or_else(Instant::far_future))
}

/// Completes at `deadline`.
///
/// # Panics
/// In the real world, outside of a runtime.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    let timer = match present() {
        Some(_) => Timer::Simulated { wait: None, over: false },
        None => Timer::Real { sleep: real::time::sleep_until(deadline.into_real()) },
    };
    Sleep { deadline, timer }
}

pin_project! {
    /// What [`sleep`] and [`sleep_until`] return.
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Sleep {
        deadline: Instant,
        #[pin]
        timer: Timer,
    }
}

pin_project! {
    // It stays where it is pinned in both worlds, because the real one must.
    #[project = TimerNow]
    enum Timer {
        Real { #[pin] sleep: real::time::Sleep },
        Simulated { wait: Option<LocalBoxFuture<'static, ()>>, over: bool },
    }
}

impl Sleep {
    /// When it completes.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether that time has come.
    pub fn is_elapsed(&self) -> bool {
        match &self.timer {
            Timer::Real { sleep } => sleep.is_elapsed(),
            Timer::Simulated { over, .. } => *over || Instant::now() >= self.deadline,
        }
    }

    /// Sets another deadline. It may have completed already: then it does so again.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.project();
        *this.deadline = deadline;
        match this.timer.project() {
            TimerNow::Real { sleep } => sleep.reset(deadline.into_real()),
            TimerNow::Simulated { wait, over } => (*wait, *over) = (None, false),
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        match this.timer.project() {
            TimerNow::Real { sleep } => sleep.poll(cx),
            TimerNow::Simulated { over: true, .. } => Poll::Ready(()),
            TimerNow::Simulated { wait, over } => {
                let begin = || {
                    let node = present().expect("a simulated sleep is polled by its node's tasks");
                    node.sleep_until(this.deadline.since_the_beginning())
                };
                ready!(wait.get_or_insert_with(begin).as_mut().poll(cx));
                (*wait, *over) = (None, true);
                Poll::Ready(())
            }
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline).finish()
    }
}
