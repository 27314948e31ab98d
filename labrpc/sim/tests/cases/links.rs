//! What links do to messages.

use super::{call, echo_world, run, s};
use labrpc::schema::{Event, Node};
use labrpc_sim::{Link, Options, Outcome};
use std::time::Duration;

fn completes<F, T>(seed: u64, main: F) -> Vec<Event>
where
    F: FnOnce(labrpc_sim::Sim) -> T + 'static,
    T: Future<Output = ()>,
{
    let (outcome, finished) = run(seed, Options::default(), main);
    assert_eq!(outcome, Outcome::Completed);
    finished.records.into_iter().map(|record| record.event).collect()
}

#[test]
fn a_call_takes_the_links_time_both_ways() {
    completes(1, async |sim| {
        echo_world(&sim);
        sim.links(&Link::reliable().exactly(7));
        assert_eq!(call(&sim, "hello", 5).await.as_deref(), Some("hello"));
        assert_eq!(sim.now(), Duration::from_millis(7 + 5 + 7));
    });
}

#[test]
fn reliable_links_take_one_to_two_milliseconds() {
    for seed in 0..200 {
        completes(seed, async |sim| {
            echo_world(&sim);
            call(&sim, "x", 0).await;
            let taken = sim.now();
            assert!(taken >= Duration::from_millis(2) && taken <= Duration::from_millis(4), "{taken:?}");
        });
    }
}

#[test]
fn requests_and_replies_are_lost_separately() {
    let (mut unheard, mut unanswered) = (0, 0);
    for seed in 0..300 {
        let handled = std::rc::Rc::new(std::cell::Cell::new((0, false)));
        let seen = handled.clone();
        completes(seed, async move |sim| {
            let count = echo_world(&sim);
            sim.links(&Link { lose_requests: 300, lose_replies: 300, ..Link::reliable() });
            let answered = call(&sim, "x", 0).await.is_some();
            seen.set((count.get(), answered));
        });
        match handled.get() {
            (0, false) => unheard += 1,
            (1, false) => unanswered += 1,
            (1, true) => {}
            other => panic!("{other:?}"),
        }
    }
    // 30 % each, the second of the 70 % that arrive; four standard deviations of room.
    assert!((58..=122).contains(&unheard), "{unheard}");
    assert!((35..=92).contains(&unanswered), "{unanswered}");
}

#[test]
fn a_duplicate_is_handled_twice_and_answered_once() {
    completes(1, async |sim| {
        let handled = echo_world(&sim);
        sim.links(&Link::reliable().duplicating(1000));
        assert_eq!(call(&sim, "x", 0).await.as_deref(), Some("x"));
        sim.sleep(Duration::from_millis(10)).await;
        assert_eq!(handled.get(), 2);
        assert_eq!(sim.counters().rpcs, 1, "a duplicate is the network's doing, not the sender's");
    });
}

#[test]
fn late_replies_overtake_each_other() {
    let reordered = (0..50)
        .filter(|seed| {
            let order = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
            let seen = order.clone();
            completes(*seed, async move |sim| {
                echo_world(&sim);
                sim.links(&Link::reordering());
                let host = sim.start(Node::Client(1));
                for n in 0..10 {
                    let (sim, seen) = (sim.clone(), seen.clone());
                    host.spawn(Box::pin(async move {
                        call(&sim, &n.to_string(), 0).await;
                        seen.borrow_mut().push(n);
                    }));
                }
                sim.sleep(Duration::from_secs(3)).await;
            });
            let order = order.take();
            assert_eq!(order.len(), 10, "late, not lost");
            !order.is_sorted()
        })
        .count();
    assert!(reordered > 45, "{reordered} of 50");
}

#[test]
fn one_direction_can_be_cut_and_the_trace_says_so() {
    let events = completes(3, async |sim| {
        let handled = echo_world(&sim);
        sim.cut(s(2), s(1));
        let before = sim.now();
        assert_eq!(call(&sim, "x", 0).await, None, "the reply cannot pass");
        assert!(
            sim.now() - before <= Duration::from_millis(104),
            "a call into a cut link fails within 100 ms"
        );
        assert_eq!(handled.get(), 1, "the request passed");
        sim.heal(s(2), s(1));
        sim.cut(s(1), s(2));
        assert_eq!(call(&sim, "x", 0).await, None);
        assert_eq!(handled.get(), 1, "the request cannot pass");
        sim.heal(s(1), s(2));
        assert!(call(&sim, "x", 0).await.is_some());
    });
    assert!(events.contains(&Event::Cut { from: s(2), to: s(1) }));
    assert!(events.contains(&Event::Heal { from: s(2), to: s(1) }));
    let lost = |from, to| {
        events.iter().any(|e| matches!(e, Event::Lost { from: f, to: t, .. } if (*f, *t) == (from, to)))
    };
    assert!(lost(s(2), s(1)) && lost(s(1), s(2)));
}

#[test]
fn a_cut_stops_what_is_under_way() {
    completes(1, async |sim| {
        let handled = echo_world(&sim);
        sim.links(&Link::reliable().exactly(50));
        let host = sim.start(Node::Client(1));
        let calling = sim.clone();
        host.spawn(Box::pin(async move {
            assert_eq!(call(&calling, "x", 0).await, None);
        }));
        sim.sleep(Duration::from_millis(20)).await;
        sim.cut(s(1), s(2));
        sim.sleep(Duration::from_millis(500)).await;
        assert_eq!(handled.get(), 0);
    });
}

#[test]
fn failures_into_a_cut_link_can_take_seven_seconds() {
    let slow = (0..50)
        .filter(|seed| {
            let slow = std::rc::Rc::new(std::cell::Cell::new(false));
            let seen = slow.clone();
            completes(*seed, async move |sim| {
                echo_world(&sim);
                sim.links(&Link::reliable().long_delays());
                sim.cut(s(1), s(2));
                assert_eq!(call(&sim, "x", 0).await, None);
                assert!(sim.now() <= Duration::from_secs(7));
                seen.set(sim.now() > Duration::from_secs(1));
            });
            slow.get()
        })
        .count();
    assert!(slow > 35, "{slow} of 50");
}

#[test]
fn partitions_separate_groups_and_heal() {
    completes(1, async |sim| {
        echo_world(&sim);
        let all = [s(1), s(2)];
        sim.partition(&all, &[&[s(1)], &[s(2)]]);
        assert_eq!(call(&sim, "x", 0).await, None);
        sim.heal_all(&all);
        assert!(call(&sim, "x", 0).await.is_some());
        sim.isolate(s(2), &all);
        assert_eq!(call(&sim, "x", 0).await, None);
    });
}

#[test]
fn rpcs_and_bytes_are_counted_without_stamps() {
    completes(1, async |sim| {
        echo_world(&sim);
        call(&sim, &"a".repeat(100), 0).await;
        let counters = sim.counters();
        assert_eq!(counters.rpcs, 1);
        // 100 bytes of text both ways; a length, a variant and a number beside them.
        assert_eq!(counters.bytes, 103 + 102);
        assert_eq!(sim.sent_by(s(1).into(), "echo").rpcs, 1);
        assert_eq!(sim.sent_by(s(2).into(), "echo").rpcs, 0);
    });
}
