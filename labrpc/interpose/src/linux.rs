//! Linux with the GNU C library: functions of the same names, which the linker takes before those of the library.

use crate::Guarantee;
use crate::state::{Misuse, STATE, State, Stuck, draw, misused, protect, put_to_rest};
use libc::{c_int, c_long, c_uint, c_void, clockid_t, pthread_attr_t, pthread_t, size_t, ssize_t, timespec};
use std::mem::{MaybeUninit, transmute, zeroed};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// What the clocks tell at virtual time 0: 2026-01-01, a day after the machine was started.
const EPOCH: u64 = 1_767_225_600;
const UPTIME: u64 = 86_400;
/// How many seconds of real time a lock is waited for, so often, before it counts as one that nobody will release.
const PATIENCE: libc::time_t = 1;
const TRIES: u32 = 3;
/// The room that is needed to tell of a stack without room.
const ALTERNATE: usize = 1 << 20;

/// Where the library's own function of that name is. Every GNU C library has those that are asked for.
fn behind(name: &std::ffi::CStr) -> usize {
    // SAFETY: the name ends with a zero.
    unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) as usize }
}

/// The library's own function behind one of ours. Unsafe: the type must be the function's.
macro_rules! real {
    ($name:literal as $kind:ty) => {{
        static REAL: OnceLock<usize> = OnceLock::new();
        let find = || behind($name);
        transmute::<usize, $kind>(*REAL.get_or_init(find))
    }};
}

fn inside(state: &State) -> bool {
    state.on.get() && state.inside.get()
}

// SAFETY (of all that follow): the signatures are the library's, and what the caller promised is handed on.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let base = match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE => Some(EPOCH),
        libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_COARSE => Some(UPTIME),
        libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_BOOTTIME => Some(UPTIME),
        _ => None,
    };
    let now = STATE.with(|state| state.on.get().then(|| state.now.get()));
    match (base, now) {
        (Some(base), Some(now)) => {
            let seconds = (base + now / 1_000_000_000) as libc::time_t;
            let nanoseconds = (now % 1_000_000_000) as c_long;
            // SAFETY: the caller gives room for a time.
            unsafe { time.write(timespec { tv_sec: seconds, tv_nsec: nanoseconds }) };
            0
        }
        // SAFETY: as promised by our caller.
        _ => unsafe {
            real!(c"clock_gettime" as unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int)(clock, time)
        },
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(to: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    STATE.with(|state| {
        if !state.on.get() {
            type Real = unsafe extern "C" fn(*mut c_void, size_t, c_uint) -> ssize_t;
            // SAFETY: as promised by our caller.
            return unsafe { real!(c"getrandom" as Real)(to, length, flags) };
        }
        // SAFETY: the caller gives room for so many bytes.
        let bytes = unsafe { std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<u8>>(), length) };
        for chunk in bytes.chunks_mut(8) {
            let drawn = draw(state).to_le_bytes();
            for (byte, drawn) in chunk.iter_mut().zip(drawn) {
                byte.write(drawn);
            }
        }
        length as ssize_t
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_nanosleep(
    clock: clockid_t,
    flags: c_int,
    time: *const timespec,
    rest: *mut timespec,
) -> c_int {
    if STATE.with(inside) {
        // SAFETY: the caller gives a time.
        let time = unsafe { &*time };
        misused(Misuse::Sleep(Duration::new(time.tv_sec as u64, time.tv_nsec as u32)));
        return 0;
    }
    type Real = unsafe extern "C" fn(clockid_t, c_int, *const timespec, *mut timespec) -> c_int;
    // SAFETY: as promised by our caller.
    unsafe { real!(c"clock_nanosleep" as Real)(clock, flags, time, rest) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nanosleep(time: *const timespec, rest: *mut timespec) -> c_int {
    // SAFETY: as promised by our caller.
    unsafe { clock_nanosleep(libc::CLOCK_REALTIME, 0, time, rest) }
}

type Start = extern "C" fn(*mut c_void) -> *mut c_void;

#[unsafe(no_mangle)]
unsafe extern "C" fn pthread_create(
    thread: *mut pthread_t,
    attributes: *const pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    if STATE.with(inside) {
        misused(Misuse::Thread);
        return libc::EAGAIN;
    }
    type Real = unsafe extern "C" fn(*mut pthread_t, *const pthread_attr_t, Start, *mut c_void) -> c_int;
    // SAFETY: as promised by our caller.
    unsafe { real!(c"pthread_create" as Real)(thread, attributes, start, argument) }
}

/// What the standard library waits for a lock with, and where the random bytes of some crates come from. The C
/// library's takes any number of arguments, of which the kernel looks at six.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    type Real = unsafe extern "C" fn(c_long, c_long, c_long, c_long, c_long, c_long, c_long) -> c_long;
    // SAFETY: its type.
    let real = unsafe { real!(c"syscall" as Real) };
    if number == libc::SYS_getrandom && STATE.with(|state| state.on.get()) {
        // SAFETY: as promised by our caller.
        return unsafe { getrandom(a as *mut c_void, b as size_t, c as c_uint) as c_long };
    }
    let waits = matches!(b as c_int & libc::FUTEX_CMD_MASK, libc::FUTEX_WAIT | libc::FUTEX_WAIT_BITSET);
    if number != libc::SYS_futex || !waits || !STATE.with(inside) {
        // SAFETY: as promised by our caller.
        return unsafe { real(number, a, b, c, d, e, f) };
    }
    if d != 0 {
        misused(Misuse::Wait);
        // The time is up, as far as the thread can see: otherwise it would look at its clock and wait again.
        // SAFETY: the caller gives a time, at which to stop waiting, by the clock that it took it from.
        let until = unsafe { &*(d as *const timespec) };
        let until = (until.tv_sec as u64).saturating_sub(UPTIME) * 1_000_000_000 + until.tv_nsec as u64;
        STATE.with(|state| state.now.set(state.now.get().max(until)));
        // SAFETY: the thread's own error number.
        unsafe { *libc::__errno_location() = libc::ETIMEDOUT };
        return -1;
    }
    // Another run's thread may hold it for a moment, as where both print. Real time alone decides that.
    let wait = c_long::from(b as c_int & !libc::FUTEX_CMD_MASK | libc::FUTEX_WAIT);
    let patience = timespec { tv_sec: PATIENCE, tv_nsec: 0 };
    for _ in 0..TRIES {
        // SAFETY: the word is the caller's, the time ours.
        let woken = unsafe { real(number, a, wait, c, &raw const patience as c_long, 0, 0) };
        // SAFETY: the thread's own error number.
        if woken == 0 || unsafe { *libc::__errno_location() } != libc::ETIMEDOUT {
            return woken;
        }
    }
    put_to_rest(Stuck::Lock)
}

/// A thread's use of the processor.
#[derive(Debug)]
pub struct Processor {
    clock: clockid_t,
    thread: c_long,
}

impl Processor {
    /// That of this thread.
    pub fn here() -> Option<Processor> {
        let mut clock = 0;
        // SAFETY: a thread may ask for its own clock and number.
        let (found, thread) =
            unsafe { (libc::pthread_getcpuclockid(libc::pthread_self(), &mut clock), libc::gettid()) };
        (found == 0).then_some(Processor { clock, thread: c_long::from(thread) })
    }

    /// How long it has computed; nothing once it has ended.
    pub fn used(&self) -> Option<Duration> {
        // SAFETY: zero is a time, and there is room for one.
        let mut time: timespec = unsafe { zeroed() };
        // SAFETY: see above; of a thread that has ended the clock is unknown, which is an error.
        let told = unsafe { clock_gettime(self.clock, &mut time) };
        (told == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
    }

    /// Puts the thread to rest, if it computes and is protected; it may take more than one try.
    pub fn hold(&self) {
        // SAFETY: a signal that means nothing to a thread without protection, or to one that has ended.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.thread as c_int, libc::SIGURG) };
    }
}

extern "C" fn on_hold(_: c_int) {
    // In the allocator nothing could be told: it allocates. There will be another signal.
    if STATE.with(|state| state.on.get() && !state.allocating.get()) {
        put_to_rest(Stuck::Loop);
    }
}

static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

extern "C" fn on_fault(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel fills it in.
    let place = unsafe { (*info).si_addr() } as usize;
    let stack = STATE.with(|state| state.on.get().then(|| state.stack.get()));
    if stack.is_some_and(|stack| place.abs_diff(stack) < ALTERNATE / 16) {
        put_to_rest(Stuck::Stack);
    }
    // Not ours: it happens again, to whom it was meant for.
    if let Some(before) = BEFORE.get() {
        // SAFETY: what was there before.
        unsafe { libc::sigaction(libc::SIGSEGV, before, null_mut()) };
    }
}

/// Listens to the two signals, once a process.
fn armed() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // SAFETY: zero is an empty action; both handlers have the types that their flags ask for.
        unsafe {
            let mut action: libc::sigaction = zeroed();
            action.sa_sigaction = on_hold as extern "C" fn(c_int) as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGURG, &action, null_mut());
            let mut before: libc::sigaction = zeroed();
            action.sa_sigaction =
                on_fault as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigaction(libc::SIGSEGV, null(), &mut before);
            let _ = BEFORE.set(before);
            libc::sigaction(libc::SIGSEGV, &action, null_mut());
        }
    });
}

thread_local! {
    static ROOM: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Finds out where the thread's stack ends, and makes room to tell when it has none left.
pub(crate) fn begin() {
    armed();
    // SAFETY: the thread asks about itself; its room is freed only after it is no longer used.
    unsafe {
        let (mut attributes, mut low, mut size) = (zeroed(), null_mut(), 0);
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) == 0 {
            libc::pthread_attr_getstack(&attributes, &mut low, &mut size);
            libc::pthread_attr_destroy(&mut attributes);
        }
        STATE.with(|state| state.stack.set(low as usize));
        let room = ROOM.with_borrow_mut(|room| {
            room.resize(ALTERNATE, 0);
            room.as_mut_ptr()
        });
        libc::sigaltstack(&libc::stack_t { ss_sp: room.cast(), ss_flags: 0, ss_size: ALTERNATE }, null_mut());
    }
}

pub(crate) fn end() {
    // SAFETY: the thread has room of its own for signals no longer.
    unsafe {
        libc::sigaltstack(
            &libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 },
            null_mut(),
        );
    }
    ROOM.take();
}

pub(crate) fn try_out() -> Guarantee {
    let _protected = protect(7, usize::MAX, |_, _| ());
    crate::now(12_345_000_000_000);
    let draws = || STATE.with(|state| state.draws.get());
    let before = (Instant::now(), SystemTime::now());
    crate::now(12_346_000_000_000);
    let second = Some(Duration::from_secs(1));
    let clock = before.0.elapsed() == Duration::from_secs(1) && before.1.elapsed().ok() == second;
    let drawn = draws();
    drop(std::hash::RandomState::new());
    let hash_order = draws() > drawn;
    // SAFETY: the name ends with a zero. Crates look it up in this way.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"getrandom".as_ptr()) };
    let randomness = std::ptr::eq(found, getrandom as *const c_void);
    crate::inside(true);
    let refused = std::thread::Builder::new().spawn(|| ()).is_err();
    crate::inside(false);
    let threads = refused && crate::misuse().is_some();
    Guarantee { clock, randomness, hash_order, threads }
}
