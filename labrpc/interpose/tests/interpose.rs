//! What the crate promises, tried out: on threads that it protects, and on those that it must leave alone.

use labrpc_interpose::{Guarantee, Misuse, Processor, Stuck, inside, misuse, now, protect};
use libtest_mimic::{Arguments, Trial};
use rand::RngExt;
use std::backtrace::Backtrace;
use std::collections::HashMap;
use std::process::{Command, ExitCode};
use std::sync::mpsc;
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

fn main() -> ExitCode {
    let everywhere: [(&str, fn()); 2] =
        [("others_notice_nothing", others), ("servers_do_not_link_it", servers)];
    let promised: [(&str, fn()); 9] = [
        ("the_guarantee_is_whole", whole),
        ("clocks_tell_what_they_were_told", clocks),
        ("random_bytes_follow_from_the_seed", randomness),
        ("sleeping_is_noticed_and_takes_no_time", sleeping),
        ("a_thread_is_refused", a_thread),
        ("waiting_with_a_limit_is_noticed", waiting),
        ("a_lock_that_nobody_releases", a_lock),
        ("memory_is_counted", memory),
        ("a_loop_and_a_stack_without_end", a_loop),
    ];
    let here = cfg!(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")));
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let promised = promised.into_iter().map(|one| trial(one).with_ignored_flag(!here));
    libtest_mimic::run(&Arguments::from_args(), everywhere.into_iter().map(trial).chain(promised).collect())
        .exit_code()
}

/// Runs it on a fresh thread that is protected.
fn protected<T: Send + 'static>(seed: u64, act: impl FnOnce() -> T + Send + 'static) -> T {
    let act = move || {
        let _protected = protect(seed, 1 << 26, |_, _| ());
        act()
    };
    thread::spawn(act).join().expect("it does not panic")
}

/// Runs it on a fresh thread that never comes back, and says why.
fn stuck(act: impl FnOnce() + Send + 'static) -> (Stuck, String) {
    static TOLD: Mutex<Option<mpsc::Sender<(Stuck, String)>>> = Mutex::new(None);
    static ONE: Mutex<()> = Mutex::new(());
    fn held(why: Stuck, backtrace: Backtrace) {
        let told = TOLD.lock().expect("nobody panics").take().expect("somebody listens");
        told.send((why, backtrace.to_string())).expect("somebody listens");
    }
    let _one = ONE.lock();
    let (to, from) = mpsc::channel();
    *TOLD.lock().expect("nobody panics") = Some(to);
    let (processor, its) = mpsc::channel();
    thread::spawn(move || {
        processor.send(Processor::here().expect("a thread has a clock")).expect("somebody listens");
        let _protected = protect(1, 1 << 26, held);
        inside(true);
        act();
    });
    let its = its.recv().expect("it starts");
    loop {
        if let Ok(told) = from.recv_timeout(Duration::from_millis(20)) {
            return told;
        }
        if its.used().expect("it does not end") > Duration::from_millis(200) {
            its.hold();
        }
    }
}

fn whole() {
    assert!(Guarantee::look().is_whole(), "{:?}", Guarantee::look());
}

fn clocks() {
    protected(1, || {
        let (instant, time) = (Instant::now(), SystemTime::now());
        now(2_500_000_001);
        assert_eq!(instant.elapsed(), Duration::from_nanos(2_500_000_001));
        assert_eq!(time.elapsed().ok(), Some(Duration::from_nanos(2_500_000_001)));
    });
}

/// The order of a map, and a number.
fn drawn() -> (Vec<u32>, u64) {
    let map: HashMap<u32, ()> = (0..64).map(|key| (key, ())).collect();
    (map.into_keys().collect(), rand::rng().random())
}

fn randomness() {
    assert_eq!(protected(5, drawn), protected(5, drawn));
    let (one, other) = (protected(5, drawn), protected(6, drawn));
    assert!(one.0 != other.0 && one.1 != other.1);
}

fn sleeping() {
    let real = Instant::now();
    let noticed = protected(1, || {
        inside(true);
        thread::sleep(Duration::from_secs(3_600));
        inside(false);
        misuse().map(|(what, at)| (what, at.to_string()))
    });
    let (what, at) = noticed.expect("it is noticed");
    assert_eq!(what, Misuse::Sleep(Duration::from_secs(3_600)));
    assert!(at.contains("interpose.rs") && real.elapsed() < Duration::from_secs(3_000), "{at}");
}

fn a_thread() {
    let noticed = protected(1, || {
        let outside = thread::Builder::new().spawn(|| 7).map(thread::JoinHandle::join);
        inside(true);
        let refused = thread::Builder::new().spawn(|| 7).is_err();
        inside(false);
        (outside.is_ok(), refused, misuse().map(|(what, _)| what))
    });
    assert_eq!(noticed, (true, true, Some(Misuse::Thread)));
}

fn waiting() {
    let noticed = protected(1, || {
        inside(true);
        let (_to, from) = mpsc::channel::<()>();
        let late = from.recv_timeout(Duration::from_secs(3_600)).is_err();
        inside(false);
        (late, misuse().map(|(what, _)| what))
    });
    assert_eq!(noticed, (true, Some(Misuse::Wait)));
}

fn a_lock() {
    let (why, at) = stuck(|| {
        let nobody = (Mutex::new(()), Condvar::new());
        drop(nobody.1.wait(nobody.0.lock().expect("nobody else has it")));
    });
    assert_eq!(why, Stuck::Lock);
    assert!(at.contains("Condvar"), "{at}");
}

fn memory() {
    let (why, at) = stuck(|| {
        let mut all = Vec::new();
        loop {
            all.push(vec![1_u8; 4096]);
        }
    });
    assert_eq!(why, Stuck::Memory);
    assert!(at.contains("interpose.rs"), "{at}");
    // What is given back counts no longer.
    protected(1, || (0..1_000).for_each(|_| drop(std::hint::black_box(vec![1_u8; 1 << 20]))));
}

fn deeper(number: u64) -> u64 {
    if std::hint::black_box(number) == 0 { 0 } else { deeper(number + 1) + 1 }
}

fn a_loop() {
    let (why, at) = stuck(|| {
        loop {
            // It allocates, so that the signal may come in the allocator.
            drop(std::hint::black_box(vec![1_u8; 16]));
        }
    });
    assert_eq!(why, Stuck::Loop);
    assert!(at.contains("interpose.rs"), "{at}");
    let (why, at) = stuck(|| {
        std::hint::black_box(deeper(1));
    });
    assert_eq!(why, Stuck::Stack);
    assert!(at.contains("deeper"));
}

fn others() {
    let before = Instant::now();
    thread::sleep(Duration::from_millis(2));
    assert!(before.elapsed() >= Duration::from_millis(2));
    assert!(
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970")
            > Duration::from_secs(1)
    );
    let fresh = || thread::spawn(drawn).join().expect("it does not panic");
    assert_ne!(fresh(), fresh());
}

/// What `bytes` hold of the simulation and of this crate.
fn parts(bytes: &[u8]) -> [bool; 2] {
    let holds = |words: &[u8]| bytes.windows(words.len()).any(|window| window == words);
    // Put together here, so that this program does not hold the first for the test's own sake.
    let marks = [["labrpc-", "interpose is part of this one"], ["nothing can ever ", "happen again"]];
    marks.map(|mark| holds(mark.concat().as_bytes()))
}

/// A deployed server has neither this crate nor the simulation in it.
fn servers() {
    let here = std::env::current_exe().expect("a running program has a path");
    assert!(parts(&std::fs::read(&here).expect("it can be read"))[0], "this very program links it");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "build",
            "--quiet",
            "--offline",
            "-p",
            "raft",
            "--example",
            "raft-node",
            "--message-format",
            "json",
        ])
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&built.stdout);
    let found = said.lines().filter(|line| line.contains("\"raft-node\"")).find_map(|line| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        Some(rest.split_once('"')?.0.replace("\\\\", "\\"))
    });
    let server = found.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&built.stderr)));
    assert_eq!(parts(&std::fs::read(&server).expect("it was built")), [false, false]);
}
