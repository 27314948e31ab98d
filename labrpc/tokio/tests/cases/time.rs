//! Virtual time.

use super::{log, ms, run};
use futures::FutureExt;
use std::collections::BTreeSet;
use std::future::{pending, ready};
use tokio::time::error::Elapsed;
use tokio::time::{
    Duration, Instant, MissedTickBehavior, interval, interval_at, sleep, sleep_until, timeout, timeout_at,
};

#[test]
fn sleeping_takes_exactly_as_long_as_it_says() {
    run(async {
        let begin = Instant::now();
        sleep(Duration::from_nanos(1_500)).await;
        assert_eq!(begin.elapsed(), Duration::from_nanos(1_500));
        sleep_until(begin + ms(7)).await;
        assert_eq!(begin.elapsed(), ms(7));
        let past = sleep_until(begin);
        assert!(past.is_elapsed() && past.deadline() == begin);
        assert!(past.now_or_never().is_some(), "what is over is not waited for");
        assert!(sleep(Duration::ZERO).now_or_never().is_some());
        let never = sleep(Duration::MAX);
        assert!(!never.is_elapsed() && never.now_or_never().is_none());
        assert_eq!(begin.elapsed(), ms(7));
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    run(async {
        let order = log();
        for wait in [3, 1, 2] {
            let order = order.clone();
            tokio::spawn(async move {
                sleep(ms(wait)).await;
                order.borrow_mut().push(wait);
            });
        }
        sleep(ms(4)).await;
        assert_eq!(*order.borrow(), [1, 2, 3]);
    });
}

#[test]
fn a_timeout_gives_the_result_or_says_that_it_is_late() {
    run(async {
        let begin = Instant::now();
        assert_eq!(timeout(ms(2), async { 1 }).await, Ok(1));
        let late: Result<(), Elapsed> = timeout(ms(2), pending()).await;
        let late = late.expect_err("it never comes");
        assert_eq!((begin.elapsed(), late.to_string()), (ms(2), "deadline has elapsed".to_owned()));
        assert_eq!(std::io::Error::from(late).kind(), std::io::ErrorKind::TimedOut);
        assert_eq!(timeout_at(begin, ready(3)).await, Ok(3), "what is done is never late");
        assert_eq!(timeout(Duration::MAX, sleep(ms(1))).await, Ok(()));
        // Both at one instant: the future is asked first.
        assert_eq!(timeout(ms(5), sleep(ms(5))).await, Ok(()));
        assert_eq!(timeout(ms(5), ready(4)).into_inner().await, 4);
    });
}

/// The ticks' due times and when they were taken, in ms, if the second is taken 25 ms late at a period of 10 ms.
fn ticks(behavior: Option<MissedTickBehavior>) -> Vec<(u128, u128)> {
    let taken = log();
    let inner = taken.clone();
    run(async move {
        let begin = Instant::now();
        let mut interval = interval(ms(10));
        interval.set_missed_tick_behavior(behavior.unwrap_or(interval.missed_tick_behavior()));
        for number in 0..6 {
            if number == 1 {
                sleep(ms(35)).await;
            }
            let due = interval.tick().await;
            inner.borrow_mut().push(((due - begin).as_millis(), begin.elapsed().as_millis()));
        }
    });
    taken.take()
}

#[test]
fn an_interval_ticks_at_once_and_missed_ticks_come_as_the_documentation_says() {
    let burst = [(0, 0), (10, 35), (20, 35), (30, 35), (40, 40), (50, 50)];
    let delay = [(0, 0), (10, 35), (45, 45), (55, 55), (65, 65), (75, 75)];
    let skip = [(0, 0), (10, 35), (40, 40), (50, 50), (60, 60), (70, 70)];
    assert_eq!(ticks(None), burst, "the default");
    assert_eq!(ticks(Some(MissedTickBehavior::Burst)), burst);
    assert_eq!(ticks(Some(MissedTickBehavior::Delay)), delay);
    assert_eq!(ticks(Some(MissedTickBehavior::Skip)), skip);
}

#[test]
fn an_interval_can_begin_later_and_be_reset() {
    run(async {
        let begin = Instant::now();
        let mut interval = interval_at(begin + ms(3), ms(10));
        assert_eq!(interval.period(), ms(10));
        assert_eq!(interval.tick().await, begin + ms(3));
        interval.reset();
        assert_eq!(interval.tick().await, begin + ms(13));
        interval.reset_after(ms(1));
        assert_eq!(interval.tick().await, begin + ms(14));
        interval.reset_at(begin + ms(20));
        assert_eq!(interval.tick().await, begin + ms(20));
        interval.reset_immediately();
        assert_eq!(interval.tick().await, begin + ms(20));
        assert_eq!(begin.elapsed(), ms(20));
    });
}

#[test]
#[should_panic(expected = "`period` must be non-zero.")]
fn an_interval_without_a_period_panics() {
    run(async { drop(interval(Duration::ZERO)) });
}

#[test]
fn instants_are_ordered_subtract_and_print_without_a_clock_of_the_machine() {
    run(async {
        let begin = Instant::now();
        sleep(ms(1_250)).await;
        let mut now = Instant::now();
        assert_eq!(format!("{begin:?} {now:?}"), "Instant(0ns) Instant(1.25s)");
        assert_eq!(format!("{:?}", begin - ms(5)), "Instant(-5ms)");
        assert_eq!((now - begin, begin - now), (ms(1_250), Duration::ZERO));
        assert_eq!(begin.checked_duration_since(now), None);
        assert_eq!(now.checked_duration_since(begin), Some(ms(1_250)));
        assert_eq!(begin.saturating_duration_since(now), Duration::ZERO);
        assert_eq!(now.checked_add(Duration::MAX), None);
        assert_eq!(now.checked_sub(Duration::MAX), None);
        now -= ms(1_250);
        assert_eq!(now, begin);
        now += ms(1);
        assert_eq!(BTreeSet::from([now, begin]).first(), Some(&begin));
        assert_eq!(Instant::from_std(now.into_std()), now);
    });
}
