//! The one place where time outside of the simulation counts: for a run that does not come back.
//!
//! The simulation ends a world in which nothing can happen, or in which too much happens at one instant. It
//! cannot end a function that never returns. That one is known by the processor's time which its thread has used since
//! it was last seen to begin or end a turn; a run that gets no time, or waits for something outside, by the wall's,
//! and then nothing is known of it.
//!
//! Never: calls code wrong because of the wall's time. One thread serves the process, however many runs there are.

use crate::Run;
use crate::run::Dead;
use labrpc_interpose::Processor;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// How long a run may compute before its first line, unless `RAFTLAB_PATIENCE` says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long after a line the next one about the same run comes.
const AGAIN: Duration = Duration::from_secs(60);
/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(100);
/// The processor's time in which a turn of a node's code must end. The longest of a correct one take some
/// thousandths of that.
const TURN: Duration = Duration::from_secs(3);
/// The same for what lies between two turns: an exploration takes seconds.
const BETWEEN: Duration = Duration::from_secs(120);
/// How long a turn may stand still by the wall's time, unless `RAFTLAB_STILL` says otherwise; between two turns it is
/// so many times as long.
const STILL: Duration = Duration::from_secs(60);
const LONGER_BETWEEN: u32 = 20;
/// Who used less of the processor's time meanwhile did not compute.
const IDLE: Duration = Duration::from_millis(200);

/// A run that is to be watched.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    /// Odd within a turn of a node's code, and another number after each.
    pub(crate) polls: Arc<AtomicU64>,
    /// Where the thread's use of the processor can be measured.
    pub(crate) processor: Option<Processor>,
    /// Who is told that nothing is known of it.
    pub(crate) silent: Sender<Result<Run, Dead>>,
}

/// A run that is going on.
struct Running {
    number: u64,
    subject: Subject,
    started: Instant,
    /// When there is something to say next, counted from the start.
    due: Duration,
    /// What was seen when it last made progress: polls, when that was, and how much it had computed.
    seen: (u64, Instant, Duration),
}

struct Table {
    running: Vec<Running>,
    next: u64,
    patience: Duration,
    still: Duration,
}

static TABLE: Mutex<Table> =
    Mutex::new(Table { running: Vec::new(), next: 0, patience: PATIENCE, still: STILL });
static THREAD: Once = Once::new();

/// A run is watched for as long as this lives.
pub(crate) struct Watched(u64);

impl Drop for Watched {
    fn drop(&mut self) {
        with(|table| table.running.retain(|run| run.number != self.0));
    }
}

/// Reads how patient to be. `Err` is a sentence for whoever set it.
pub(crate) fn read_environment() -> Result<(), String> {
    if let Some(patience) = seconds("RAFTLAB_PATIENCE", 20)? {
        with(|table| table.patience = patience);
    }
    if let Some(still) = seconds("RAFTLAB_STILL", 60)? {
        with(|table| table.still = still);
    }
    Ok(())
}

fn seconds(variable: &str, such_as: u64) -> Result<Option<Duration>, String> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let text = text.to_string_lossy();
    let seconds = text.trim().parse().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| {
        format!(
            "{variable} is `{text}`, which is no whole number of seconds, 1 or more. Write for example \
             {variable}={such_as}."
        )
    })?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// Watches a run that begins now.
pub(crate) fn watch(subject: Subject) -> Watched {
    THREAD.call_once(|| {
        // Without the thread code that never comes back is waited for: a machine that cannot start one has other cares.
        drop(std::thread::Builder::new().name("watchdog".to_owned()).spawn(|| {
            loop {
                std::thread::sleep(LOOK);
                with(|table| table.running.iter_mut().for_each(|run| run.look(table.still)));
            }
        }));
    });
    with(|table| {
        let (number, due) = (table.next, table.patience);
        table.next += 1;
        let now = Instant::now();
        let seen = (0, now, Duration::ZERO);
        table.running.push(Running { number, subject, started: now, due, seen });
        Watched(number)
    })
}

impl Running {
    fn look(&mut self, still: Duration) {
        let Subject { name, seed, polls, processor, silent } = &self.subject;
        let elapsed = self.started.elapsed();
        if elapsed >= self.due {
            self.due = elapsed + AGAIN;
            say(name, *seed, elapsed);
        }
        let polls = polls.load(Ordering::Relaxed);
        let used = processor.as_ref().and_then(Processor::used);
        let (before, since, then) = self.seen;
        if polls != before {
            self.seen = (polls, Instant::now(), used.unwrap_or_default());
            return;
        }
        let (turn, still) = if polls % 2 == 1 { (TURN, still) } else { (BETWEEN, still * LONGER_BETWEEN) };
        if let (Some(processor), Some(used)) = (processor, used)
            && used.saturating_sub(then) >= turn
        {
            // It tells the rest itself, once it can be held.
            processor.hold();
        }
        // A machine that gives it little time still gives it some: then it computes, and is judged by that.
        let idle = used.is_none_or(|used| used.saturating_sub(then) < IDLE);
        if since.elapsed() >= still && idle {
            let seconds = still.as_secs();
            let sentence = format!("The run stood still for {seconds} s of real time, and did not compute");
            // Whoever waited has its answer already, if nobody listens.
            let _ = silent.send(Err(Dead::Silent(sentence)));
        }
    }
}

fn say(name: &str, seed: u64, elapsed: Duration) {
    let mut out = std::io::stderr().lock();
    // A progress bar may stand in the terminal's last line: it gives way, and draws itself again.
    let clear = if out.is_terminal() { "\r\x1b[K" } else { "" };
    // Nobody can be told that standard error is gone.
    let _ = writeln!(
        out,
        "{clear}{name}, seed {seed} has been running for {} s; press Ctrl-C to stop",
        elapsed.as_secs()
    );
}

fn with<T>(act: impl FnOnce(&mut Table) -> T) -> T {
    act(&mut TABLE.lock().unwrap_or_else(PoisonError::into_inner))
}
