//! How runs end that do not simply complete.

use super::{call, echo_world, run, s};
use labrpc::schema::{Event, Node};
use labrpc_sim::{Options, Outcome};
use std::time::Duration;

#[test]
fn a_deadlock_is_reported_at_once_and_says_who_waits() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let host = sim.start(s(1).into());
        host.spawn(Box::pin(std::future::pending()));
        sim.sleep(Duration::from_millis(5)).await;
        let (_keep, never) = tokio::sync::oneshot::channel::<()>();
        never.await.unwrap();
    });
    let expected = "At 0.005 s nothing can ever happen again: no timer is set, no message is under way and no task can run, while the test, s1 (1 task) still wait.";
    assert_eq!(outcome, Outcome::Deadlock(expected.to_owned()));
}

#[test]
fn a_timer_that_its_task_gave_up_hides_no_deadlock() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let host = sim.start(s(1).into());
        drop(host.sleep_until(Duration::from_secs(500)));
        std::future::pending::<()>().await;
    });
    let Outcome::Deadlock(sentence) = outcome else { panic!("{outcome:?}") };
    assert!(sentence.starts_with("At 0.000 s"), "{sentence}");
}

#[test]
fn tasks_that_wake_each_other_for_ever_are_a_livelock() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        sim.start(s(1).into()).spawn(Box::pin(std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })));
        sim.sleep(Duration::from_millis(1)).await;
    });
    assert!(matches!(outcome, Outcome::Livelock(_)), "{outcome:?}");
}

#[test]
fn virtual_time_is_limited() {
    let options = Options { limit: Duration::from_secs(3), ..Options::default() };
    let (outcome, _) = run(1, options, async |sim| {
        loop {
            sim.sleep(Duration::from_millis(100)).await;
        }
    });
    assert_eq!(
        outcome,
        Outcome::TimeUp("The run was given 3 s of virtual time, and the test still waits at its end.".into())
    );
}

#[test]
fn a_panic_names_the_node_the_time_and_the_place() {
    let (outcome, finished) = run(1, Options::default(), async |sim| {
        let host = sim.start(s(2).into());
        host.clone().spawn(Box::pin(async move {
            host.sleep_until(Duration::from_millis(3)).await;
            panic!("out of {}", "range");
        }));
        sim.sleep(Duration::from_secs(1)).await;
    });
    let Outcome::Panic { node, t_ns, message, place } = outcome else { panic!("{outcome:?}") };
    assert_eq!((node, t_ns, &message[..]), (Node::Server(s(2)), 3_000_000, "out of range"));
    assert!(place.contains("endings.rs:"), "{place}");
    assert_eq!(
        finished.records.last().map(|r| r.event.clone()),
        Some(Event::RunEnd { records: 0, completed: false })
    );
}

#[test]
fn an_unwritten_part_is_named() {
    let (outcome, _) = run(1, Options::default(), async |_| labrpc::not_implemented!("lab9z: fly"));
    let Outcome::NotImplemented(stub) = outcome else { panic!("{outcome:?}") };
    assert_eq!(stub.what, "lab9z: fly");
    assert!(stub.place.contains("endings.rs:"), "{}", stub.place);
}

#[test]
fn a_watcher_stops_the_run_at_the_very_record() {
    let sim = labrpc_sim::Sim::new(1, Options::default());
    let inside = sim.clone();
    sim.watch(|record| matches!(record.event, Event::ServerJoining { .. }));
    let (outcome, finished) = sim.run(async move {
        let recorder = inside.start(s(1).into()).recorder().clone();
        recorder.record(Event::ServerStart { server_id: s(1) }, None, None);
        recorder.record(Event::ServerJoining { server_id: s(1) }, None, None);
        recorder.record(Event::ServerJoined { server_id: s(1) }, None, None);
    });
    assert_eq!(outcome, Outcome::Stopped);
    let actions: Vec<_> = finished.records.iter().map(|r| r.event.action().name()).collect();
    assert_eq!(actions, ["ServerStart", "ServerJoining", "RunEnd"]);
}

#[test]
fn bytes_that_are_no_message_fail_the_call_and_nothing_else() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let handled = echo_world(&sim);
        let wire = sim.wire(s(1).into(), s(2).into(), "echo", |_, _| None);
        let packet = labrpc::Packet { from: s(1).into(), stamp: None, body: vec![0xff; 9] };
        assert!(wire.call(packet).await.is_err());
        assert_eq!(handled.get(), 0);
        assert!(call(&sim, "x", 0).await.is_some());
    });
    assert_eq!(outcome, Outcome::Completed);
}
