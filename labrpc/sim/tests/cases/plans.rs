//! What a plan leaves out, and that it leaves out nothing else.

use super::echo::serve;
use super::{call, echo_world, run, s};
use labrpc::schema::{Event, Node};
use labrpc_sim::{Link, Options, Outcome, Plan, Sim, Trouble};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

fn with(plan: Plan) -> Options {
    Options { plan, ..Options::default() }
}

fn only(numbers: &[u64]) -> Option<BTreeSet<u64>> {
    Some(numbers.iter().copied().collect())
}

/// Every fault once: what the run recorded, and what it suffered.
fn faults(plan: Plan) -> (Vec<Event>, Trouble) {
    let trouble: Rc<RefCell<Trouble>> = Rc::default();
    let suffered = trouble.clone();
    let (outcome, finished) = run(1, with(plan), async move |sim| {
        let all = [s(1), s(2), s(3)];
        all.iter().for_each(|server| drop(sim.start((*server).into())));
        sim.crash(s(1).into());
        sim.start(s(1).into());
        sim.sleep(Duration::from_millis(1)).await;
        sim.pause(s(2));
        sim.resume(s(2));
        // Two cuts of one instant are one fault; and a partition heals whatever it does not cut.
        sim.cut(s(1), s(2));
        sim.cut(s(1), s(3));
        sim.partition(&all, &[&[s(1), s(2)]]);
        sim.heal_all(&all);
        sim.isolate(s(3), &all);
        sim.heal_all(&all);
        sim.link(s(1).into(), s(2).into(), |link| *link = Link::unreliable());
        // What heals has no number.
        sim.link(s(1).into(), s(2).into(), |link| *link = Link::reliable());
        sim.crash_keeping(s(2).into(), 3);
        sim.delete(s(3).into());
        // What comes to nothing has one.
        sim.crash(s(3).into());
        *suffered.borrow_mut() = sim.trouble();
    });
    assert_eq!(outcome, Outcome::Completed);
    (finished.records.into_iter().map(|record| record.event).collect(), trouble.take())
}

#[test]
fn faults_are_numbered_and_told() {
    let (_, trouble) = faults(Plan::default());
    let told: Vec<(u64, &str)> =
        trouble.faults.iter().map(|fault| (fault.number, fault.what.as_str())).collect();
    let expected = [
        (1, "crash s1"),
        (2, "pause s2"),
        (3, "cut s1→s2, s1→s3"),
        (4, "partition s1 s2 | s3"),
        (5, "isolate s3"),
        (6, "link s1→s2 loses 100 of 1000 requests, loses 100 of 1000 replies, takes 0–26 ms"),
        (7, "crash s2, which keeps 3 records more than it synced"),
        (8, "crash s3 and burn its disk"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn only_the_named_faults_are_made() {
    let whole = faults(Plan::default()).0;
    let all: Vec<u64> = (1..=9).collect();
    assert_eq!(faults(Plan { faults: only(&all), ..Plan::default() }).0, whole);
    for number in 1..=8 {
        let (_, trouble) = faults(Plan { faults: only(&[number]), ..Plan::default() });
        let made: Vec<u64> = trouble.faults.iter().map(|fault| fault.number).collect();
        assert_eq!(made, [number]);
    }
    let (none, trouble) = faults(Plan { faults: only(&[]), ..Plan::default() });
    assert_eq!(trouble, Trouble::default());
    // The one that was to have crashed ends unharmed where the test starts it again.
    let [Event::Crash { server_id }, Event::RunEnd { .. }] = &none[..] else { panic!("{none:?}") };
    assert_eq!(*server_id, s(1));
}

#[test]
fn the_crashes_of_a_plan_lose_as_much_as_ever() {
    let left = |plan| {
        let left: Rc<Cell<usize>> = Rc::default();
        let tell = left.clone();
        run(7, with(plan), async move |sim| {
            sim.start(s(1).into());
            sim.crash(s(1).into());
            let disk = sim.start(s(1).into()).disk();
            for n in 0..100 {
                disk.write(&[n]);
            }
            sim.crash(s(1).into());
            tell.set(sim.start(s(1).into()).disk().read().unwrap().len());
        });
        left.get()
    };
    let whole = left(Plan::default());
    assert!(whole < 100);
    assert_eq!(left(Plan { faults: only(&[1, 2]), ..Plan::default() }), whole);
}

#[test]
fn a_server_whose_crash_was_left_out_loses_nothing() {
    for (plan, kept) in [(Plan { faults: only(&[]), ..Plan::default() }, 5), (Plan::default(), 2)] {
        run(7, with(plan), async move |sim| {
            let disk = sim.start(s(1).into()).disk();
            for n in 0..5 {
                disk.write(&[n]);
            }
            sim.crash_keeping(s(1).into(), 2);
            let again = sim.start(s(1).into());
            assert_eq!(again.disk().read().unwrap().len(), kept);
            assert_eq!(again.recorder().node(), Node::from(s(1)));
        });
    }
}

/// Calls on a network that loses, repeats and delays: what they came to, and what chance did.
fn calls(plan: Plan) -> (String, Trouble) {
    let told: Rc<RefCell<(String, Trouble)>> = Rc::default();
    let tell = told.clone();
    run(3, with(plan), async move |sim| {
        let handled = echo_world(&sim);
        sim.links(
            &Link { late_replies: (300, 200_000_000..=900_000_000), ..Link::unreliable() }.duplicating(200),
        );
        let mut text = String::new();
        for n in 0..40u64 {
            let answer = call(&sim, &n.to_string(), 0).await;
            text.push_str(&format!("{n} {answer:?} {:?}\n", sim.now()));
        }
        text.push_str(&format!("handled {}", handled.get()));
        *tell.borrow_mut() = (text, sim.trouble());
    });
    told.take()
}

#[test]
fn only_the_named_losses_happen() {
    let (whole, trouble) = calls(Plan::default());
    let all: Vec<u64> = trouble.losses.iter().map(|loss| loss.number).collect();
    assert!(all.len() > 10 && all == (1..=all.len() as u64).collect::<Vec<_>>(), "{all:?}");
    let kinds: BTreeSet<&str> = trouble.losses.iter().map(|loss| loss.done).collect();
    let expected = ["delay a reply", "lose a reply", "lose a request", "repeat a request"];
    assert_eq!(kinds, BTreeSet::from(expected));
    assert_eq!(calls(Plan { losses: only(&all), ..Plan::default() }).0, whole);
    let (none, spared) = calls(Plan { losses: only(&[]), ..Plan::default() });
    assert!(spared.losses.is_empty() && !none.contains("None") && none.ends_with("handled 40"), "{none}");
    // What comes before the first that is left out is what it was.
    let (most, _) = calls(Plan { losses: only(&all[..5]), ..Plan::default() });
    let same = whole.lines().zip(most.lines()).take_while(|(one, other)| one == other).count();
    assert!(same > 3 && most != whole, "{same}");
}

#[test]
fn prompt_messages_take_the_least_time() {
    let options = with(Plan { prompt: true, ..Plan::default() });
    run(1, options, async |sim| {
        echo_world(&sim);
        for n in 1..=5u32 {
            assert!(call(&sim, "x", 0).await.is_some());
            assert_eq!(sim.now(), Duration::from_millis(2) * n);
        }
    });
}

#[test]
fn clients_rest_and_waits_are_short() {
    let plan = Plan { rest: BTreeSet::from([2]), wait_ms: Some(10), ..Plan::default() };
    run(1, with(plan), async |sim: Sim| {
        serve(&sim, s(1));
        let ticks = Rc::new([Cell::new(0), Cell::new(0)]);
        for client in 1..=2u32 {
            let (host, ticks) = (sim.start(Node::Client(client)), ticks.clone());
            let inner = host.clone();
            host.spawn(Box::pin(async move {
                loop {
                    inner.sleep_until(inner.now() + Duration::from_millis(3)).await;
                    let own = &ticks[client as usize - 1];
                    own.set(own.get() + 1);
                }
            }));
        }
        sim.sleep(Duration::from_secs(7)).await;
        assert_eq!(sim.now(), Duration::from_millis(10));
        sim.sleep(Duration::from_millis(4)).await;
        assert_eq!(sim.now(), Duration::from_millis(14), "shorter waits are what they are");
        assert_eq!((ticks[0].get(), ticks[1].get()), (4, 0));
        assert_eq!(sim.trouble().clients, BTreeSet::from([1]));
    });
}
