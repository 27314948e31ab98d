//! What is shared between tasks of a simulated node.

use super::{log, ms, run};
use std::rc::Rc;
use tokio::sync::{Barrier, Mutex, Notify, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep;

/// As many as show a random order for certain: tokio spreads them over eight lists.
const MANY: usize = 24;

#[test]
fn those_who_watch_are_woken_in_the_order_in_which_they_began() {
    run(async {
        let (order, (sender, receiver)) = (log(), watch::channel(0));
        let mut tasks = JoinSet::new();
        for number in 0..MANY {
            let (order, mut receiver) = (order.clone(), receiver.clone());
            tasks.spawn(async move {
                receiver.changed().await.expect("the sender is there");
                order.borrow_mut().push(number);
                assert_eq!(*receiver.wait_for(|value| *value == 2).await.expect("it comes"), 2);
                order.borrow_mut().push(number);
                assert!(receiver.changed().await.is_err(), "the sender is gone");
                order.borrow_mut().push(number);
            });
        }
        for value in [1, 2] {
            yield_now().await;
            sender.send(value).expect("there are receivers");
            sleep(ms(1)).await;
        }
        drop(sender);
        tasks.join_all().await;
        let expected: Vec<usize> = (0..3).flat_map(|_| 0..MANY).collect();
        assert_eq!(*order.borrow(), expected);
    });
}

#[test]
fn a_watch_keeps_the_last_value_and_what_is_new_to_whom() {
    run(async {
        let (sender, mut receiver) = watch::channel(1);
        assert_eq!((*receiver.borrow(), receiver.has_changed().expect("open")), (1, false));
        sender.send_modify(|value| *value += 1);
        assert!(!sender.send_if_modified(|_| false));
        assert_eq!(sender.send_replace(3), 2);
        assert!(receiver.has_changed().expect("open"));
        receiver.changed().await.expect("it has");
        assert_eq!((*receiver.borrow_and_update(), sender.receiver_count()), (3, 1));
        receiver.mark_changed();
        receiver.changed().await.expect("it is as good as new");
        let (second, late) = (sender.clone(), sender.subscribe());
        assert!(second.same_channel(&sender) && late.same_channel(&receiver));
        drop(sender);
        assert!(!receiver.is_closed() && second.sender_count() == 1);
        second.send(4).expect("there are receivers");
        drop(second);
        receiver.changed().await.expect("the last value is still new");
        assert!(receiver.changed().await.is_err() && receiver.wait_for(|value| *value == 5).await.is_err());
        assert_eq!(*receiver.wait_for(|value| *value == 4).await.expect("it is there"), 4);
        let alone = watch::Sender::<u8>::default();
        assert!(alone.is_closed() && alone.send(1).is_err() && *alone.borrow() == 0);
        alone.closed().await;
    });
}

#[test]
fn a_barrier_opens_for_all_in_order_and_again() {
    run(async {
        let (order, barrier) = (log(), Rc::new(Barrier::new(MANY)));
        for number in 0..2 * MANY {
            let (order, barrier) = (order.clone(), barrier.clone());
            tokio::spawn(async move {
                let leads = barrier.wait().await.is_leader();
                order.borrow_mut().push((number, leads));
            });
        }
        sleep(ms(1)).await;
        let (first, second) = (MANY - 1, 2 * MANY - 1);
        let mut expected = vec![(first, true), (second, true)];
        expected.extend((0..first).chain(MANY..second).map(|number| (number, false)));
        assert_eq!(*order.borrow(), expected);
        assert!(Barrier::new(0).wait().await.is_leader());
    });
}

#[test]
fn tokios_own_channels_and_locks_work() {
    run(async {
        let (ask, answer) = oneshot::channel();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let (shout, mut ear) = broadcast::channel(2);
        let (lock, permits, bell) = (Rc::new(Mutex::new(0)), Semaphore::new(1), Rc::new(Notify::new()));
        let (inner, ring) = (lock.clone(), bell.clone());
        tokio::spawn(async move {
            *inner.lock().await += 1;
            ring.notified().await;
            sender.send(1).expect("the receiver is here");
            shout.send(2).expect("the receiver is here");
            ask.send(3).expect("the receiver is here");
        });
        yield_now().await;
        bell.notify_one();
        let got = tokio::join!(receiver.recv(), ear.recv(), answer);
        assert_eq!(got, (Some(1), Ok(2), Ok(3)));
        assert_eq!(*lock.lock().await, 1);
        let permit = permits.acquire().await.expect("it is open");
        assert!(permits.try_acquire().is_err());
        drop(permit);
        let tried = tokio::try_join!(async { Ok::<u8, u8>(1) }, async { Err::<u8, u8>(2) });
        assert_eq!(tried, Err(2));
    });
}

tokio::task_local! {
    static WHO: u8;
}

#[test]
fn a_value_can_be_a_tasks_own() {
    run(async {
        let (one, two) = (tokio::spawn(WHO.scope(1, who())), tokio::spawn(WHO.scope(2, who())));
        assert_eq!((one.await.expect("it ends"), two.await.expect("it ends")), (1, 2));
    });
}

async fn who() -> u8 {
    yield_now().await;
    WHO.get()
}
