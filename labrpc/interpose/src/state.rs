//! What is known of each thread. All of it is constant at the start and has no destructor, but for what was misused:
//! the allocator looks at it.

use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::time::Duration;

/// Something that a node's code did to its whole thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// It put the thread to sleep for so long.
    Sleep(Duration),
    /// It started a thread.
    Thread,
    /// It waited on the thread, with a time limit, for something that another thread should do.
    Wait,
}

/// Why a thread will never come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It computes without end.
    Loop,
    /// It waits for a lock or a message that nobody gives.
    Lock,
    /// It holds more memory than it may.
    Memory,
    /// Its stack has no room left.
    Stack,
}

/// What is told of a thread that will never come back, before it is put to rest. Called on that thread, anywhere.
pub type Held = fn(Stuck, Backtrace);

pub(crate) struct State {
    /// Whether this thread is protected.
    pub(crate) on: Cell<bool>,
    /// Whether it runs code of a node.
    pub(crate) inside: Cell<bool>,
    /// Virtual nanoseconds.
    pub(crate) now: Cell<u64>,
    /// The state of the stream that random bytes are taken from, and how often that was done.
    pub(crate) random: Cell<u64>,
    pub(crate) draws: Cell<u64>,
    /// Bytes allocated and not yet freed, and how many that may be.
    pub(crate) live: Cell<isize>,
    pub(crate) limit: Cell<isize>,
    /// Whether the thread is in the system's allocator.
    pub(crate) allocating: Cell<bool>,
    pub(crate) held: Cell<Option<Held>>,
    /// Where the stack ends.
    pub(crate) stack: Cell<usize>,
}

thread_local! {
    pub(crate) static STATE: State = const { State {
        on: Cell::new(false),
        inside: Cell::new(false),
        now: Cell::new(0),
        random: Cell::new(0),
        draws: Cell::new(0),
        live: Cell::new(0),
        limit: Cell::new(isize::MAX),
        allocating: Cell::new(false),
        held: Cell::new(None),
        stack: Cell::new(0),
    } };
    static MISUSED: RefCell<Option<(Misuse, Backtrace)>> = const { RefCell::new(None) };
}

/// A thread is protected for as long as this lives.
#[derive(Debug)]
pub struct Protected(PhantomData<*const ()>);

impl Drop for Protected {
    fn drop(&mut self) {
        STATE.with(|state| state.on.set(false));
        crate::linux::end();
    }
}

/// Protects this thread, which has run nothing yet: its random bytes follow from the seed, its clocks tell what
/// [`now`] was told last. `held` hears of it if it never comes back; it may hold `limit` bytes.
pub fn protect(seed: u64, limit: usize, held: Held) -> Protected {
    crate::linux::begin();
    STATE.with(|state| {
        state.now.set(0);
        state.random.set(seed);
        state.live.set(0);
        state.limit.set(isize::try_from(limit).unwrap_or(isize::MAX));
        state.held.set(Some(held));
        state.on.set(true);
    });
    Protected(PhantomData)
}

/// Tells the thread's clocks what time it is, in virtual nanoseconds.
pub fn now(ns: u64) {
    STATE.with(|state| state.now.set(ns));
}

/// Whether code of a node runs from here on.
pub fn inside(inside: bool) {
    STATE.with(|state| state.inside.set(inside));
}

/// What was misused since this was asked last, and where; the first, if it was more.
pub fn misuse() -> Option<(Misuse, Backtrace)> {
    MISUSED.take()
}

pub(crate) fn misused(misuse: Misuse) {
    MISUSED.with_borrow_mut(|first| {
        first.get_or_insert_with(|| (misuse, Backtrace::force_capture()));
    });
}

/// Tells of a thread that will never come back, and puts it to rest.
pub(crate) fn put_to_rest(stuck: Stuck) -> ! {
    let held = STATE.with(|state| {
        // From here on the thread is like any other: what is told of it takes memory and locks.
        state.on.set(false);
        state.held.take()
    });
    if let Some(held) = held {
        held(stuck, Backtrace::force_capture());
    }
    loop {
        std::thread::park();
    }
}

/// The next random number of the thread: SplitMix64.
pub(crate) fn draw(state: &State) -> u64 {
    let next = state.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    state.random.set(next);
    state.draws.set(state.draws.get() + 1);
    let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
