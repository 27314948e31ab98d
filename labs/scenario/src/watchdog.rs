//! The one place where real time counts: a word to whoever waits for a run that does not end.
//!
//! The simulation ends a world in which nothing can happen, or in which too much happens at one instant. It
//! cannot end a function that never returns, and a test that hangs in silence looks like a slow machine.
//!
//! Never: judges, stops or changes a run. One thread serves the process, however many runs there are.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// How long a run may compute before its first line, unless `RAFTLAB_PATIENCE` says otherwise.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long after a line the next one about the same run comes.
const AGAIN: Duration = Duration::from_secs(60);
/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(500);

/// A run that is going on.
struct Running {
    number: u64,
    name: &'static str,
    seed: u64,
    started: Instant,
    /// When there is something to say next, counted from the start.
    due: Duration,
}

struct Table {
    running: Vec<Running>,
    next: u64,
    patience: Duration,
}

static TABLE: Mutex<Table> = Mutex::new(Table { running: Vec::new(), next: 0, patience: PATIENCE });
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
    let Some(text) = std::env::var_os("RAFTLAB_PATIENCE") else { return Ok(()) };
    let text = text.to_string_lossy();
    let seconds = text.trim().parse().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.ok_or_else(|| {
        format!(
            "RAFTLAB_PATIENCE is `{text}`, which is no whole number of seconds, 1 or more. Write for example \
             RAFTLAB_PATIENCE=20."
        )
    })?;
    with(|table| table.patience = Duration::from_secs(seconds));
    Ok(())
}

/// Watches a run that begins now.
pub(crate) fn watch(name: &'static str, seed: u64) -> Watched {
    // Without the thread nothing is lost but a word, so that it may fail to start.
    THREAD.call_once(|| {
        drop(std::thread::Builder::new().name("watchdog".to_owned()).spawn(|| {
            loop {
                std::thread::sleep(LOOK);
                with(look);
            }
        }));
    });
    with(|table| {
        let (number, due) = (table.next, table.patience);
        table.next += 1;
        table.running.push(Running { number, name, seed, started: Instant::now(), due });
        Watched(number)
    })
}

fn look(table: &mut Table) {
    for run in &mut table.running {
        let elapsed = run.started.elapsed();
        if elapsed >= run.due {
            run.due = elapsed + AGAIN;
            say(run.name, run.seed, elapsed);
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
        "{clear}{name}, seed {seed} has been computing for {} s without an end: probably an endless loop in your \
         code; press Ctrl-C to stop",
        elapsed.as_secs()
    );
}

fn with<T>(act: impl FnOnce(&mut Table) -> T) -> T {
    act(&mut TABLE.lock().unwrap_or_else(PoisonError::into_inner))
}
