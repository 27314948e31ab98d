//! Lives of nodes.

use super::echo::serve;
use super::{call, echo_world, run, s};
use labrpc::schema::{Event, Stamp};
use labrpc_sim::{Options, Outcome};
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

#[test]
fn a_crash_kills_every_task_of_the_node_and_no_other() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let (one, two) = (sim.start(s(1).into()), sim.start(s(2).into()));
        let ticks = Rc::new([Cell::new(0), Cell::new(0)]);
        for (index, host) in [one.clone(), two].into_iter().enumerate() {
            let ticks = ticks.clone();
            host.clone().spawn(Box::pin(async move {
                let inner = host.clone();
                // Spawned by a task of the node, not by the test: it dies all the same.
                host.spawn(Box::pin(async move {
                    loop {
                        inner.sleep_until(inner.now() + Duration::from_millis(1)).await;
                        ticks[index].set(ticks[index].get() + 1);
                    }
                }));
            }));
        }
        sim.sleep(Duration::from_micros(5500)).await;
        sim.crash(s(1).into());
        sim.sleep(Duration::from_millis(10)).await;
        assert_eq!((ticks[0].get(), ticks[1].get()), (5, 15));
        assert!(!sim.is_up(s(1).into()) && sim.is_up(s(2).into()));
        // A dead incarnation's host is harmless.
        one.spawn(Box::pin(async { panic!("a dead node runs") }));
        one.recorder().record(Event::ServerStart { server_id: s(1) }, None, None);
        sim.sleep(Duration::from_millis(1)).await;
    });
    assert_eq!(outcome, Outcome::Completed);
}

#[test]
fn a_call_to_a_node_that_crashes_meanwhile_fails() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let handled = echo_world(&sim);
        let crashing = sim.clone();
        sim.start(labrpc::schema::Node::Client(1)).spawn(Box::pin(async move {
            crashing.sleep(Duration::from_millis(50)).await;
            crashing.crash(s(2).into());
        }));
        assert_eq!(call(&sim, "x", 1_000).await, None);
        assert_eq!(handled.get(), 1);
        assert!(
            sim.now() < Duration::from_millis(151),
            "it fails when the server dies, not when it would answer"
        );
        assert_eq!(call(&sim, "x", 0).await, None, "nobody is there");
        serve(&sim, s(2));
        assert!(call(&sim, "x", 0).await.is_some(), "the next incarnation answers");
    });
    assert_eq!(outcome, Outcome::Completed);
}

#[test]
fn incarnations_count_up_and_stamps_start_anew() {
    let (_, finished) = run(1, Options::default(), async |sim| {
        for _ in 0..2 {
            let host = sim.start(s(1).into());
            host.recorder().record(Event::ServerStart { server_id: s(1) }, None, None);
            host.recorder().record(Event::ServerJoining { server_id: s(1) }, None, None);
            sim.crash(s(1).into());
        }
    });
    let stamps: Vec<Stamp> =
        finished.records.iter().map(|r| r.at).filter(|at| at.node == s(1).into()).collect();
    let expected = [(1, 1), (1, 2), (2, 1), (2, 2)].map(|(inc, seq)| Stamp { node: s(1).into(), inc, seq });
    assert_eq!(stamps, expected);
    let crashes = finished.records.iter().filter(|r| r.event == Event::Crash { server_id: s(1) }).count();
    assert_eq!(crashes, 2);
    let last = finished.records.last().map(|r| r.event.clone());
    assert_eq!(last, Some(Event::RunEnd { records: 6, completed: true }));
}

#[test]
fn a_deleted_node_has_an_empty_disk() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let host = sim.start(s(1).into());
        host.disk().write(b"one");
        host.disk().sync().await.unwrap();
        sim.delete(s(1).into());
        let host = sim.start(s(1).into());
        assert_eq!(host.disk().read().unwrap(), []);
    });
    assert_eq!(outcome, Outcome::Completed);
}

#[test]
fn a_paused_server_stands_still_and_then_goes_on_late() {
    let (outcome, finished) = run(1, Options::default(), async |sim| {
        let handled = echo_world(&sim);
        let host = sim.start(s(3).into());
        let ticks = Rc::new(Cell::new(0));
        let (counting, inner) = (ticks.clone(), host.clone());
        host.spawn(Box::pin(async move {
            loop {
                inner.sleep_until(inner.now() + Duration::from_millis(10)).await;
                counting.set(counting.get() + 1);
            }
        }));
        sim.sleep(Duration::from_millis(25)).await;
        sim.pause(s(3));
        sim.pause(s(3));
        sim.pause(s(2));
        let waiting = call(&sim, "x", 5);
        let resuming = async {
            sim.sleep(Duration::from_millis(100)).await;
            assert_eq!((handled.get(), ticks.get()), (0, 2), "what is sent to it arrives, and waits");
            sim.resume(s(2));
            sim.resume(s(3));
            sim.sleep(Duration::from_millis(9)).await;
            assert_eq!(
                ticks.get(),
                3,
                "a timer that was due long ago fires once, and the next one from now on"
            );
        };
        let (answer, ()) = futures::future::join(waiting, resuming).await;
        assert_eq!((answer.as_deref(), handled.get()), (Some("x"), 1));
        // A crash ends the pause with the incarnation.
        sim.pause(s(2));
        sim.crash(s(2).into());
        serve(&sim, s(2));
        assert!(call(&sim, "x", 0).await.is_some());
    });
    assert_eq!(outcome, Outcome::Completed);
    let count = |event: &Event| finished.records.iter().filter(|record| record.event == *event).count();
    assert_eq!(count(&Event::Pause { server_id: s(3) }), 1, "twice is once");
    assert_eq!((count(&Event::Pause { server_id: s(2) }), count(&Event::Resume { server_id: s(2) })), (2, 1));
}
