//! What disks keep and lose.

use super::{run, s};
use labrpc_sim::{Options, Outcome, Sim};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

fn content(sim: &Sim) -> Vec<Vec<u8>> {
    let host = sim.start(s(1).into());
    host.disk().read().unwrap().into_iter().map(|(_, record)| record).collect()
}

#[test]
fn what_was_synced_survives_and_of_the_rest_some_prefix() {
    let kept: Rc<RefCell<BTreeSet<usize>>> = Rc::default();
    for seed in 0..100 {
        let kept = kept.clone();
        let (outcome, _) = run(seed, Options::default(), async move |sim| {
            let disk = sim.start(s(1).into()).disk();
            disk.write(b"1");
            disk.write(b"2");
            disk.sync().await.unwrap();
            disk.write(b"3");
            disk.write(b"4");
            disk.write(b"5");
            sim.crash(s(1).into());
            let content = content(&sim);
            assert!(
                [&b"1"[..], b"2", b"3", b"4", b"5"]
                    .starts_with(&content.iter().map(|r| &r[..]).collect::<Vec<_>>())
            );
            assert!(content.len() >= 2);
            kept.borrow_mut().insert(content.len());
        });
        assert_eq!(outcome, Outcome::Completed);
    }
    assert_eq!(kept.take(), BTreeSet::from([2, 3, 4, 5]), "every prefix occurs");
}

#[test]
fn a_sync_takes_half_a_millisecond_to_two_and_covers_what_was_written_before_it() {
    for seed in 0..50 {
        let (outcome, _) = run(seed, Options::default(), async move |sim| {
            let disk = sim.start(s(1).into()).disk();
            disk.write(b"before");
            let sync = disk.sync();
            disk.write(b"after");
            sync.await.unwrap();
            assert!(sim.now() >= Duration::from_micros(500) && sim.now() <= Duration::from_millis(2));
            sim.crash(s(1).into());
            assert_eq!(content(&sim)[0], b"before");
        });
        assert_eq!(outcome, Outcome::Completed);
    }
}

#[test]
fn a_sync_that_did_not_end_before_the_crash_promises_nothing() {
    let lost = (0..50)
        .filter(|seed| {
            let lost = Rc::new(std::cell::Cell::new(false));
            let seen = lost.clone();
            run(*seed, Options::default(), async move |sim| {
                let host = sim.start(s(1).into());
                let disk = host.disk();
                disk.write(b"1");
                host.spawn(Box::pin(async move { disk.sync().await.unwrap() }));
                sim.sleep(Duration::from_micros(400)).await;
                sim.crash(s(1).into());
                seen.set(content(&sim).is_empty());
            });
            lost.get()
        })
        .count();
    assert!((10..=40).contains(&lost), "{lost} of 50");
}

#[test]
fn forgotten_records_go_once_later_ones_are_durable() {
    let (outcome, _) = run(1, Options::default(), async |sim| {
        let disk = sim.start(s(1).into()).disk();
        disk.write(b"old");
        disk.sync().await.unwrap();
        let number = disk.write(b"new");
        disk.forget_before(number);
        assert_eq!(disk.size(), 6, "nothing goes before its successor is durable");
        disk.sync().await.unwrap();
        assert_eq!(disk.read().unwrap(), [(2, b"new".to_vec())]);
        assert_eq!(disk.size(), 3);
    });
    assert_eq!(outcome, Outcome::Completed);
}

#[test]
fn every_crash_point_can_be_hit() {
    // Two writes and two syncs: four points. After each, exactly what came before it can be there.
    for point in 1..=4 {
        let (outcome, _) = run(7, Options::default(), async move |sim| {
            let host = sim.start(s(1).into());
            sim.crash_at_point(s(1).into(), point);
            let disk = host.disk();
            let reached = Rc::new(std::cell::Cell::new(0));
            let passing = reached.clone();
            host.spawn(Box::pin(async move {
                for record in [b"1", b"2"] {
                    disk.write(record);
                    disk.sync().await.unwrap();
                    passing.set(passing.get() + 1);
                }
                std::future::pending::<()>().await;
            }));
            sim.sleep(Duration::from_millis(20)).await;
            assert!(!sim.is_up(s(1).into()), "crash point {point} was not hit");
            assert_eq!(sim.crash_points(s(1).into()), point);
            let count = content(&sim).len() as u64;
            assert!(
                count >= point / 2 && count <= point.div_ceil(2),
                "after point {point} {count} records are there"
            );
        });
        assert_eq!(outcome, Outcome::Completed);
    }
}
