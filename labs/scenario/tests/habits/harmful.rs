//! Habits that no server survives: each is found, and named with its place.

use super::suite::{Turn, run, scenario};
use scenario::Scenario;
use std::cell::RefCell;
use std::hint::black_box;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracecheck_schema::Server;

/// In which round of s3 it happens.
const ROUND: u64 = 5;

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        scenario("stuck_loop", "A loop without end.", |seed| run("stuck_loop", seed, endless)),
        scenario("stuck_yield", "A loop that yields, and waits for nothing.", |seed| {
            run("stuck_yield", seed, busy)
        }),
        scenario("stuck_lock", "A std lock is held across an await.", |seed| run("stuck_lock", seed, lock)),
        scenario("stuck_refcell", "A RefCell is borrowed across an await.", |seed| {
            run("stuck_refcell", seed, cell)
        }),
        scenario("stuck_sleep", "The thread is put to sleep.", |seed| run("stuck_sleep", seed, sleep)),
        scenario("stuck_recv", "A std channel is waited for.", |seed| run("stuck_recv", seed, recv)),
        scenario("stuck_recv_timeout", "A std channel is waited for, with a limit.", |seed| {
            run("stuck_recv_timeout", seed, recv_timeout)
        }),
        scenario("stuck_blocking", "tokio::task::spawn_blocking is called.", |seed| {
            run("stuck_blocking", seed, blocking)
        }),
        scenario("stuck_thread", "A thread of the system is started.", |seed| {
            run("stuck_thread", seed, thread)
        }),
        scenario("stuck_memory", "A list grows without end.", |seed| run("stuck_memory", seed, memory)),
        scenario("stuck_stack", "A function calls itself without end.", |seed| {
            run("stuck_stack", seed, stack)
        }),
        scenario("stuck_panic", "An index is out of bounds.", |seed| run("stuck_panic", seed, panics)),
    ]
}

/// What waits for something outside of the run: always, or in the first try only.
pub(crate) fn outside() -> Vec<Scenario> {
    vec![
        scenario("outside_always", "A socket is waited for.", |seed| {
            run("outside_always", seed, outside_always)
        }),
        scenario("outside_once", "A socket is waited for, once.", |seed| {
            run("outside_once", seed, outside_once)
        }),
    ]
}

fn now(turn: &Turn) -> bool {
    turn.me == Server(3) && turn.round == ROUND
}

async fn endless(turn: Turn) -> u64 {
    let mut number = turn.round;
    while now(&turn) {
        number = black_box(number.wrapping_mul(3));
    }
    number
}

async fn busy(turn: Turn) -> u64 {
    while now(&turn) {
        tokio::task::yield_now().await;
    }
    turn.round
}

async fn lock(turn: Turn) -> u64 {
    let shared = Rc::new(Mutex::new(0));
    if now(&turn) {
        let held = shared.clone();
        turn.host.spawn(Box::pin(async move {
            let _guard = held.lock();
            std::future::pending::<()>().await;
        }));
        turn.host.sleep_until(turn.host.now() + Duration::from_millis(1)).await;
    }
    let number = *shared.lock().expect("nobody panicked");
    number + turn.round
}

#[expect(clippy::await_holding_refcell_ref, reason = "clippy finds it too; not everybody asks it")]
async fn cell(turn: Turn) -> u64 {
    let shared = Rc::new(RefCell::new(0));
    if now(&turn) {
        let held = shared.clone();
        turn.host.spawn(Box::pin(async move {
            let _guard = held.borrow_mut();
            std::future::pending::<()>().await;
        }));
        turn.host.sleep_until(turn.host.now() + Duration::from_millis(1)).await;
    }
    *shared.borrow_mut() += 1;
    turn.round
}

async fn sleep(turn: Turn) -> u64 {
    if now(&turn) {
        std::thread::sleep(Duration::from_millis(20));
    }
    turn.round
}

async fn recv(turn: Turn) -> u64 {
    let (_to, from) = std::sync::mpsc::channel();
    if now(&turn) { from.recv().unwrap_or(0) } else { turn.round }
}

async fn recv_timeout(turn: Turn) -> u64 {
    let (_to, from) = std::sync::mpsc::channel();
    if now(&turn) { from.recv_timeout(Duration::from_millis(10)).unwrap_or(0) } else { turn.round }
}

async fn blocking(turn: Turn) -> u64 {
    if now(&turn) {
        return tokio::task::spawn_blocking(|| 7).await.unwrap_or(0);
    }
    turn.round
}

async fn thread(turn: Turn) -> u64 {
    if now(&turn) {
        return std::thread::spawn(|| 7).join().unwrap_or(0);
    }
    turn.round
}

async fn memory(turn: Turn) -> u64 {
    let mut list = Vec::new();
    while now(&turn) {
        list.push(vec![0_u8; 1 << 20]);
    }
    list.len() as u64 + turn.round
}

async fn stack(turn: Turn) -> u64 {
    if now(&turn) { deeper(turn.round) } else { turn.round }
}

fn deeper(number: u64) -> u64 {
    if black_box([number; 16])[3] == 0 { 0 } else { black_box(deeper(number + 1)) }
}

async fn panics(turn: Turn) -> u64 {
    let list = [1, 2, 3];
    if now(&turn) { list[black_box(turn.round as usize)] } else { turn.round }
}

/// Nobody will ever call.
fn accept() -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.accept().map_or(0, |(_, from)| u64::from(from.port()))
}

async fn outside_always(turn: Turn) -> u64 {
    if now(&turn) { accept() } else { turn.round }
}

async fn outside_once(turn: Turn) -> u64 {
    static BEFORE: AtomicBool = AtomicBool::new(false);
    if now(&turn) && !BEFORE.swap(true, Ordering::Relaxed) { accept() } else { turn.round }
}
