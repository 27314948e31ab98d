//! A run on a thread of its own, protected from all that the seed does not decide, and given up if it never comes back.
//!
//! Owns what becomes of such a run: its thread is put to rest where it stands, and what it had recorded is saved.
//!
//! Invariants: the thread has run nothing before, so that nothing of an earlier run can reach this one. A verdict on
//! code that computes comes from the processor's time that it used, never from the wall's.
//!
//! Never: ends a thread, or waits for one that was given up.

use crate::run::{self, Dead, THREAD};
use crate::{Ending, Run, stuck, watchdog};
use labrpc_interpose::{Processor, Stuck};
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use tracecheck_schema::Node;

/// How many bytes a run may hold; the kit's own scenarios need some hundredths of that.
const MEMORY: usize = 1 << 30;
/// How many runs of this process may be given up before no other is begun: their memory is never freed.
const GIVEN_UP: usize = 12;
/// How many of these one counts for that was given up because of its memory.
const HEAVY: usize = 6;

/// A thread that was put to rest: why, in whose code, when, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Why.
    pub why: Stuck,
    /// Whose code ran, and when in virtual nanoseconds; nothing outside of a simulation.
    pub present: Option<(Node, u64)>,
    /// Where in people's own code, if that is known.
    pub place: Option<String>,
}

type LastWords = Box<dyn FnOnce() -> Option<Run>>;
type Tell = Box<dyn FnOnce(Result<Run, Dead>)>;

thread_local! {
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
    static TELL: RefCell<Option<Tell>> = const { RefCell::new(None) };
}

static REST: AtomicUsize = AtomicUsize::new(0);

/// What is to be saved of this thread's run, should it never come back. [`forget`] it before the run ends.
pub(crate) fn last_words(words: impl FnOnce() -> Option<Run> + 'static) {
    LAST_WORDS.set(Some(Box::new(words)));
}

/// See [`last_words`].
pub(crate) fn forget() {
    LAST_WORDS.set(None);
}

/// Whether runs are protected. Only whoever wants to see what happens otherwise switches it off.
pub(crate) fn protects() -> bool {
    static PROTECTS: OnceLock<bool> = OnceLock::new();
    *PROTECTS.get_or_init(|| std::env::var_os("RAFTLAB_UNPROTECTED").is_none_or(|value| value.is_empty()))
}

/// Makes a run on a thread of its own.
pub(crate) fn apart(
    name: &'static str,
    seed: u64,
    run: impl FnOnce() -> Run + Send + 'static,
) -> Result<Run, Dead> {
    if REST.load(Ordering::Relaxed) >= GIVEN_UP {
        return Err(Dead::Silent(format!(
            "Code that never came back was given up in {GIVEN_UP} runs before, and no more are begun beside them"
        )));
    }
    let (to, from) = mpsc::channel();
    let polls = Arc::new(AtomicU64::new(0));
    let started = start(name, seed, (to.clone(), polls.clone()), run);
    let (handle, processor) =
        started.map_err(|why| Dead::Kit(format!("no thread could be started: {why}")))?;
    let watched = watchdog::watch(watchdog::Subject { name, seed, polls, processor, silent: to });
    let told = from.recv().unwrap_or_else(|_| Err(Dead::Kit("its thread ended without a word".to_owned())));
    drop(watched);
    if !matches!(told, Err(Dead::Silent(_) | Dead::Stuck(_)) | Ok(Run { ending: Ending::Stuck(_), .. })) {
        // It is at its end: whatever it leaves behind is gone before the next one begins.
        let _ = handle.join();
    }
    told
}

type Handle = std::thread::JoinHandle<()>;
type Outside = (Sender<Result<Run, Dead>>, Arc<AtomicU64>);

fn start(
    name: &'static str,
    seed: u64,
    (to, polls): Outside,
    run: impl FnOnce() -> Run + Send + 'static,
) -> std::io::Result<(Handle, Option<Processor>)> {
    let (here, there) = mpsc::channel();
    let thread = std::thread::Builder::new().name(format!("{THREAD}{name} {seed}"));
    let handle = thread.spawn(move || {
        // Whoever started this thread may have given up: then nobody listens.
        let _ = here.send(Processor::here());
        labrpc_sim::count_polls(Some(polls));
        let tell = to.clone();
        TELL.set(Some(Box::new(move |told| drop(tell.send(told)))));
        let protected = protects().then(|| labrpc_interpose::protect(seed, MEMORY, held));
        let made = run::caught(run).map_err(Dead::Kit);
        drop(protected);
        labrpc_sim::count_polls(None);
        forget();
        TELL.set(None);
        let _ = to.send(made);
    })?;
    Ok((handle, there.recv().ok().flatten()))
}

/// Called on a thread that will never come back.
fn held(why: Stuck, backtrace: Backtrace) {
    REST.fetch_add(if why == Stuck::Memory { HEAVY } else { 1 }, Ordering::Relaxed);
    let rest = Rest { why, present: labrpc_sim::present(), place: labrpc_sim::place(&backtrace) };
    // In the middle of anything, also of the kit: what it holds borrowed cannot be told.
    let saved = run::caught(|| LAST_WORDS.take().and_then(|words| words())).ok().flatten();
    let told = match saved {
        Some(run) => Ok(Run { ending: Ending::Stuck(rest), ..run }),
        None => Err(Dead::Stuck(stuck::sentence(&rest))),
    };
    if let Some(tell) = TELL.take() {
        tell(told);
    }
}
