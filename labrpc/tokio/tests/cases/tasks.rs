//! Tasks of a simulated node.

use super::{World, log, ms, run};
use futures::FutureExt;
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use tokio::task::{
    JoinHandle, JoinSet, block_in_place, spawn_blocking, spawn_local, unconstrained, yield_now,
};
use tokio::time::{Instant, sleep};
use tokio::world::Refused;

/// Writes a word when it is dropped.
struct Drops(Rc<RefCell<Vec<&'static str>>>);

impl Drop for Drops {
    fn drop(&mut self) {
        self.0.borrow_mut().push("dropped");
    }
}

#[test]
fn a_task_runs_beside_its_parent_and_gives_its_result() {
    run(async {
        let words = log();
        let inner = words.clone();
        // Not Send, on purpose.
        let handle = tokio::spawn(async move {
            inner.borrow_mut().push("task");
            sleep(ms(2)).await;
            Rc::new(7)
        });
        words.borrow_mut().push("parent");
        assert!(!handle.is_finished());
        assert_eq!(*handle.await.expect("it ends"), 7);
        assert_eq!(*words.borrow(), ["parent", "task"]);
        assert_eq!(spawn_local(unconstrained(async { 8 })).await.expect("it ends"), 8);
    });
}

#[test]
fn a_task_goes_on_without_its_handle() {
    run(async {
        let words = log();
        let inner = words.clone();
        drop(tokio::spawn(async move {
            sleep(ms(1)).await;
            inner.borrow_mut().push("ran");
        }));
        sleep(ms(2)).await;
        assert_eq!(*words.borrow(), ["ran"]);
    });
}

#[test]
fn an_aborted_task_ends_where_it_waits_and_what_it_holds_goes_first() {
    run(async {
        let words = log();
        let spawn = |never_polled: bool| {
            let held = Drops(words.clone());
            tokio::spawn(async move {
                let _held = held;
                assert!(!never_polled);
                pending::<()>().await;
            })
        };
        let (waiting, fresh) = (spawn(false), spawn(true));
        // Its first poll would come before the abort.
        fresh.abort_handle().abort();
        yield_now().await;
        assert!(fresh.is_finished() && !waiting.is_finished());
        let abort = waiting.abort_handle();
        abort.clone().abort();
        assert!(!abort.is_finished(), "it ends when its turn comes");
        let error = waiting.await.expect_err("it never ends by itself");
        assert_eq!(words.borrow().len(), 2, "both futures are gone by now");
        assert!(error.is_cancelled() && !error.is_panic() && abort.is_finished());
        assert_eq!(error.to_string(), "task was cancelled");
        assert!(error.try_into_panic().is_err());
    });
}

#[test]
fn an_abort_that_comes_too_late_changes_nothing() {
    run(async {
        let handle = tokio::spawn(async { 1 });
        yield_now().await;
        handle.abort();
        assert_eq!(handle.await.expect("it had ended"), 1);
    });
}

#[test]
fn a_crash_drops_tasks_and_whoever_waits_elsewhere_learns_it() {
    let words = log();
    let (held, kept) = (Drops(words.clone()), Rc::new(RefCell::new(None::<JoinHandle<()>>)));
    let keep = kept.clone();
    let world: Rc<World> = run(async move {
        *keep.borrow_mut() = Some(tokio::spawn(async move {
            let _held = held;
            pending::<()>().await;
        }));
        yield_now().await;
    });
    assert!(words.borrow().is_empty());
    world.crash();
    assert_eq!(*words.borrow(), ["dropped"]);
    let handle = kept.take().expect("it was kept");
    let ended = handle.now_or_never().expect("it is over");
    assert!(ended.expect_err("it did not end by itself").is_cancelled());
}

#[test]
fn yielding_lets_the_others_go_first() {
    run(async {
        let words = log();
        let tasks: JoinSet<()> = ["a", "b"]
            .map(|name| {
                let words = words.clone();
                async move {
                    for _ in 0..3 {
                        words.borrow_mut().push(name);
                        yield_now().await;
                    }
                }
            })
            .into_iter()
            .collect();
        tasks.join_all().await;
        assert_eq!(*words.borrow(), ["a", "b", "a", "b", "a", "b"]);
    });
}

#[test]
fn a_set_gives_results_in_the_order_in_which_tasks_end() {
    run(async {
        let mut set = JoinSet::new();
        assert!(set.join_next().await.is_none() && set.try_join_next().is_none() && set.is_empty());
        for wait in [3, 1, 2] {
            set.spawn(async move {
                sleep(ms(wait)).await;
                wait
            });
        }
        let endless = set.spawn_local(pending());
        assert_eq!(set.len(), 4);
        assert!(set.try_join_next().is_none());
        assert_eq!(set.join_next().await.expect("one").expect("it ends"), 1);
        sleep(ms(5)).await;
        assert_eq!(set.try_join_next().expect("one").expect("it ends"), 2);
        assert_eq!(set.try_join_next().expect("one").expect("it ends"), 3);
        assert!(set.try_join_next().is_none());
        assert_eq!(set.len(), 1);
        set.shutdown().await;
        assert!(set.is_empty() && endless.is_finished());
        assert_eq!(Instant::now() - ms(6), Instant::now().checked_sub(ms(6)).expect("it is there"));
    });
}

#[test]
fn a_dropped_set_aborts_its_tasks_and_a_detached_one_lets_them_go() {
    run(async {
        let words = log();
        for detach in [false, true] {
            let mut set = JoinSet::new();
            let inner = words.clone();
            set.spawn(async move {
                sleep(ms(1)).await;
                inner.borrow_mut().push(detach);
            });
            yield_now().await;
            if detach {
                set.detach_all();
            }
            drop(set);
        }
        sleep(ms(5)).await;
        assert_eq!(*words.borrow(), [true]);
    });
}

#[test]
fn what_needs_a_thread_is_refused_where_it_is_called() {
    let first = line!() + 2;
    let world = run(async {
        assert_eq!(spawn_blocking(|| 1).await.expect("it is done at once"), 1);
        assert_eq!(block_in_place(|| 2), 2);
        let mut set = JoinSet::new();
        set.spawn_blocking(|| 3);
        assert_eq!(set.join_all().await, [3]);
    });
    let refused = [
        (Refused::SpawnBlocking, first),
        (Refused::BlockInPlace, first + 1),
        (Refused::SpawnBlocking, first + 3),
    ];
    assert_eq!(*world.refused.borrow(), refused);
    assert!(Refused::SpawnBlocking.sentence().starts_with(&Refused::SpawnBlocking.to_string()));
    assert!(Refused::BlockInPlace.sentence().starts_with(&Refused::BlockInPlace.to_string()));
}
