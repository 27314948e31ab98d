//! Habits that a run survives: it comes out the same for the same seed.

use super::suite::{Turn, run, scenario};
use rand::RngExt;
use scenario::Scenario;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};
use tracecheck_schema::Node;

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("habit_hash_map", "A HashMap is iterated.", |seed| run("habit_hash_map", seed, hash_map)),
        scenario("habit_hash_set", "The first of a HashSet is taken.", |seed| {
            run("habit_hash_set", seed, hash_set)
        }),
        scenario("habit_rand", "rand::rng() is called.", |seed| run("habit_rand", seed, rand)),
        scenario("habit_instant", "std::time::Instant is read.", |seed| run("habit_instant", seed, instant)),
        scenario("habit_system_time", "std::time::SystemTime is read.", |seed| {
            run("habit_system_time", seed, system_time)
        }),
        scenario("habit_select", "tokio::select! has several branches that are ready.", |seed| {
            run("habit_select", seed, select)
        }),
        scenario("habit_spawn", "tokio::spawn starts tasks, and they sleep, time out and tick.", |seed| {
            run("habit_spawn", seed, spawn)
        }),
        scenario(
            "habit_orphan",
            "A node spawns a task with tokio::spawn and crashes: the task dies with it.",
            |seed| run("habit_orphan", seed, orphan),
        ),
    ]
}

async fn hash_map(turn: Turn) -> u64 {
    let map: HashMap<u64, u64> = (0..8).map(|key| (key, key * turn.round)).collect();
    map.iter().fold(0, |folded, (key, value)| folded * 7 + key + value) % 10_007
}

async fn hash_set(turn: Turn) -> u64 {
    let set: HashSet<String> = (0..8).map(|key| format!("{key}/{}", turn.me)).collect();
    set.iter().next().map_or(0, |first| u64::from(first.as_bytes()[0]))
}

async fn rand(_: Turn) -> u64 {
    rand::rng().random_range(0..1_000_000)
}

async fn instant(turn: Turn) -> u64 {
    let before = Instant::now();
    turn.host.sleep_until(turn.host.now() + Duration::from_micros(turn.round)).await;
    before.elapsed().as_nanos() as u64 / 100
}

async fn system_time(_: Turn) -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64 / 1_000)
}

async fn select(_: Turn) -> u64 {
    let mut number = 0;
    for _ in 0..4 {
        let drawn = tokio::select! {
            _ = async {} => 1,
            _ = async {} => 2,
            _ = async {} => 3,
            _ = async {} => 4,
        };
        number = number * 5 + drawn;
    }
    number
}

/// The same with the real tokio, which the kit does not stand between: what the course's is for.
pub(crate) fn canary() -> Scenario {
    scenario("canary_tokio", "The real tokio's select! has several branches that are ready.", |seed| {
        run("canary_tokio", seed, real_select)
    })
}

async fn real_select(_: Turn) -> u64 {
    let mut number = 0;
    for _ in 0..4 {
        let drawn = real_tokio::select! {
            _ = async {} => 1,
            _ = async {} => 2,
            _ = async {} => 3,
            _ = async {} => 4,
        };
        number = number * 5 + drawn;
    }
    number
}

async fn spawn(turn: Turn) -> u64 {
    let pause = Duration::from_micros(100 * (turn.round % 7));
    let other = tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        let mut interval = tokio::time::interval(Duration::from_millis(1));
        for _ in 0..3 {
            interval.tick().await;
        }
        3
    });
    let slow = tokio::spawn(std::future::pending::<()>());
    let late = tokio::time::timeout(Duration::from_millis(2), slow).await;
    let number = other.await.unwrap_or(100);
    number + u64::from(late.is_err()) + tokio::time::Instant::now().elapsed().as_nanos() as u64
}

async fn orphan(turn: Turn) -> u64 {
    let ticks = Rc::new(Cell::new(0));
    let node = Node::Client(100 * u32::from(turn.me.0) + turn.round as u32);
    let counted = ticks.clone();
    turn.sim.start(node).spawn(Box::pin(async move {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_micros(100)).await;
                counted.set(counted.get() + 1);
            }
        });
    }));
    tokio::time::sleep(Duration::from_millis(1)).await;
    turn.sim.crash(node);
    let before = ticks.get();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((before > 5, ticks.get()), (true, before), "the task outlived its node");
    before + turn.round
}
