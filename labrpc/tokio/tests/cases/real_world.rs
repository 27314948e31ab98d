//! Without a simulated node it is the real tokio. Time is only seen to pass: nothing here depends on how much.

use super::ms;
use std::future::{Future, pending, ready};
use std::rc::Rc;
use tokio::sync::{Barrier, watch};
use tokio::task::{JoinSet, block_in_place, spawn_blocking, yield_now};
use tokio::time::{Duration, Instant, interval, sleep, sleep_until, timeout};

fn really<T>(main: impl Future<Output = T>) -> T {
    let runtime = real::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    real::task::LocalSet::new().block_on(&runtime, main)
}

#[test]
fn tasks_are_tokios() {
    really(async {
        let handle = tokio::spawn(async {
            yield_now().await;
            Rc::new(1)
        });
        assert_eq!(*handle.await.expect("it ends"), 1);
        let endless = tokio::task::spawn_local(pending::<()>());
        endless.abort();
        assert!(endless.await.expect_err("it never ends").is_cancelled());
        let mut set: JoinSet<u64> = [2, 1].into_iter().map(ready).collect();
        let endless = set.spawn(pending());
        let sum = [set.join_next().await, set.join_next().await];
        let sum: u64 = sum.into_iter().flatten().map(|result| result.expect("it ends")).sum();
        assert_eq!((sum, set.len(), set.try_join_next().is_none()), (3, 1, true));
        set.shutdown().await;
        assert!(endless.is_finished());
    });
}

#[test]
fn a_panic_is_in_the_join_error() {
    really(async {
        let error = tokio::spawn(async { panic!("planted") }).await.expect_err("it panics");
        assert!(error.is_panic() && error.to_string().contains("planted"), "{error}");
        assert_eq!(error.into_panic().downcast_ref(), Some(&"planted"));
    });
}

#[test]
fn blocking_work_has_a_thread_of_its_own() {
    let here = std::thread::current().id();
    let there = really(async { spawn_blocking(|| std::thread::current().id()).await });
    assert_ne!(there.expect("it ends"), here);
}

#[test]
#[should_panic(expected = "a node's has one thread")]
fn there_is_no_other_thread_to_move_tasks_to() {
    really(async { block_in_place(|| ()) });
}

#[test]
fn time_is_the_systems() {
    really(async {
        let begin = Instant::now();
        sleep(ms(2)).await;
        sleep_until(begin).await;
        assert!(begin.elapsed() >= ms(2));
        let mut interval = interval(ms(2));
        assert!(interval.tick().await >= begin);
        let (first, second) = (interval.tick().await, interval.tick().await);
        assert!(second - first >= ms(2));
        assert!(timeout(ms(1), pending::<()>()).await.is_err());
        assert_eq!(timeout(Duration::MAX, ready(1)).await, Ok(1));
        let (now, std) = (Instant::now(), std::time::Instant::now());
        assert!(now <= Instant::from(std) && std::time::Instant::from(now) <= std);
        assert_eq!(Instant::from_std(now.into_std()), now);
    });
}

#[test]
fn select_draws_by_itself_and_channels_work() {
    really(async {
        let mut won = [false; 2];
        // Each time it is one of two: that one of them never wins has a chance of 2^-199.
        for _ in 0..200 {
            tokio::select! {
                () = ready(()) => won[0] = true,
                () = ready(()) => won[1] = true,
            }
        }
        assert_eq!(won, [true; 2]);
        let (sender, mut receiver) = watch::channel(0);
        let waits = tokio::spawn(async move {
            receiver.changed().await.expect("the sender is there");
            *receiver.wait_for(|value| *value == 2).await.expect("it comes")
        });
        for value in [1, 2] {
            sender.send(value).expect("the receiver is there");
            yield_now().await;
        }
        assert_eq!(waits.await.expect("it ends"), 2);
        let barrier = Rc::new(Barrier::new(2));
        let other = barrier.clone();
        let leads = tokio::spawn(async move { other.wait().await.is_leader() });
        let here = barrier.wait().await.is_leader();
        assert_ne!(leads.await.expect("it ends"), here);
    });
}
