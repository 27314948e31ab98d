//! Keeps a simulated run a function of its seed, whatever its code calls, and finds code that never comes back.
//!
//! Owns what the standard library asks of the C library: the clocks, random bytes (and with them the order of a
//! `HashMap`), sleeping, waiting for a lock, starting a thread; and the allocator, which counts.
//!
//! Invariants: a thread that did not ask for [`protect`] notices nothing. The crate knows no node, trace or scenario.
//! It is linked by simulations alone; deployed servers never have it.
//!
//! Never: ends a thread or a process. Code that never comes back is put to rest where it stands.
//!
//! Unsafe code stands in `linux.rs` and `allocator.rs`, and nowhere else in the workspace.

#[allow(unsafe_code)]
mod allocator;
// In a static program nothing stands behind our functions.
#[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
#[allow(unsafe_code)]
mod linux;
#[cfg(not(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static"))))]
#[path = "elsewhere.rs"]
mod linux;
mod state;

/// Is found in every program that links this crate, and in no other.
#[used]
static LINKED: [u8; 36] = *b"labrpc-interpose is part of this one";

pub use linux::Processor;
pub use state::{Held, Misuse, Protected, Stuck, inside, misuse, now, protect};

/// What this process keeps from the code that runs in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guarantee {
    /// `Instant` and `SystemTime` tell virtual time.
    pub clock: bool,
    /// Random bytes of the operating system come from the seed.
    pub randomness: bool,
    /// So does the order of a `HashMap`.
    pub hash_order: bool,
    /// A thread, a blocking sleep and a lock that nobody will release are noticed.
    pub threads: bool,
}

impl Guarantee {
    /// Tries it all out, on a thread of its own.
    pub fn look() -> Guarantee {
        std::thread::spawn(linux::try_out).join().unwrap_or_default()
    }

    /// Whether nothing lacks.
    pub fn is_whole(&self) -> bool {
        self.clock && self.randomness && self.hash_order && self.threads
    }
}
