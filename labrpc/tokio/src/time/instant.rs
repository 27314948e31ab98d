//! A point in time of either world.
//!
//! Invariants: within one world instants compare and subtract as the clock says. Nothing prints a real clock's reading.

use crate::world::present;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::sync::OnceLock;
use std::time::Duration;

/// Where a run begins, or the process's first look at the clock: long after the first instant that there can be, so that
/// code may subtract from an early one.
const BEGINNING: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// As good as never: tokio's own bound of a far future.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A point in time: virtual in a simulation, else that of the monotonic clock. In a simulation it prints as the time since
/// the run began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

/// The real instant that [`BEGINNING`] stands for.
fn beginning() -> std::time::Instant {
    static BEGAN: OnceLock<std::time::Instant> = OnceLock::new();
    *BEGAN.get_or_init(|| real::time::Instant::now().into_std())
}

impl Instant {
    /// Now.
    pub fn now() -> Instant {
        match present() {
            Some(node) => Instant(BEGINNING.saturating_add(node.now())),
            None => {
                // First the beginning: it must not lie after now.
                beginning();
                Instant::from_std(real::time::Instant::now().into_std())
            }
        }
    }

    /// Some decades from now, for what cannot be represented.
    pub(super) fn far_future() -> Instant {
        Instant::now() + FAR
    }

    /// The time since the run began; zero for what lies before it.
    pub(super) fn since_the_beginning(self) -> Duration {
        self.0.saturating_sub(BEGINNING)
    }

    /// The real tokio's instant, or a past one for what lies before the process's first look at the clock.
    pub(super) fn into_real(self) -> real::time::Instant {
        real::time::Instant::from_std(beginning() + self.since_the_beginning())
    }

    /// The instant of a reading of the system's clock. That clock has no virtual time: do not read it in a lab.
    pub fn from_std(std: std::time::Instant) -> Instant {
        let begin = beginning();
        Instant(match std.checked_duration_since(begin) {
            Some(after) => BEGINNING.saturating_add(after),
            None => BEGINNING.saturating_sub(begin - std),
        })
    }

    /// The instant as one of the system's clock, which has no virtual time.
    ///
    /// # Panics
    /// The system's clock has no such instant.
    pub fn into_std(self) -> std::time::Instant {
        match self.0.checked_sub(BEGINNING) {
            Some(after) => beginning() + after,
            None => beginning() - (BEGINNING - self.0),
        }
    }

    /// The time from `earlier` to this instant; zero if that is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The time from `earlier` to this instant; `None` if that is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_sub(earlier.0)
    }

    /// The time from `earlier` to this instant; zero if that is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }

    /// The time from this instant to now; zero if it is still to come.
    pub fn elapsed(&self) -> Duration {
        Instant::now() - *self
    }

    /// The instant so much later; `None` if it cannot be represented.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// The instant so much earlier; `None` if it cannot be represented.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Instant {
        Instant::from_std(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.into_std()
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration).expect("overflow when adding duration to instant")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.duration_since(earlier)
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, duration: Duration) -> Instant {
        self.checked_sub(duration).expect("overflow when subtracting duration from instant")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_sub(BEGINNING) {
            Some(after) => write!(f, "Instant({after:?})"),
            None => write!(f, "Instant(-{:?})", BEGINNING - self.0),
        }
    }
}
