//! One run of one scenario: on a fresh thread, with panics caught, and its trace as bytes or as a file.
//!
//! A panic that leaves `Scenario::run` is the kit's fault: a student's panic is an [`crate::Ending`].

use crate::{Run, Scenario, guard, planned};
use labrpc::JsonLines;
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufWriter};
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use xxhash_rust::xxh3::xxh3_128;

thread_local! {
    /// What the last panic on this thread said and where it stood, if this is a run's thread.
    static LAST_PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Every run's thread has a name that begins so.
pub(crate) const THREAD: &str = "raftlab ";

/// Keeps panics of runs off the terminal: the report tells them. `RUST_BACKTRACE` brings them back.
pub(crate) fn quiet_panics() {
    let before = panic::take_hook();
    let backtrace = std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
    panic::set_hook(Box::new(move |info| {
        let ours = std::thread::current().name().is_some_and(|name| name.starts_with(THREAD));
        if ours {
            let text = payload_text(info.payload());
            let place = info.location().map(|at| format!(" ({at})")).unwrap_or_default();
            LAST_PANIC.with(|last| *last.borrow_mut() = Some(format!("{text}{place}")));
        }
        if !ours || backtrace {
            before(info);
        }
    }));
}

/// Why a run left nothing that could be judged.
#[derive(Clone, Debug)]
pub(crate) enum Dead {
    /// The kit itself panicked, with these words.
    Kit(String),
    /// Code never came back, where no run could be saved.
    Stuck(String),
    /// Nobody knows: the machine gave it no time, or it waits for something outside. Another try may go well.
    Silent(String),
}

/// Runs that are made beside others hold it for reading; one that is to be alone, for writing.
static ALONE: RwLock<()> = RwLock::new(());

/// Runs the scenario once, with this thread's plan; once more, alone, if the first try came to nothing.
pub(crate) fn once(scenario: &Scenario, seed: u64) -> Result<Run, Dead> {
    let beside = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    let first = attempt(scenario, seed);
    drop(beside);
    let Err(Dead::Silent(_)) = first else { return first };
    let _alone = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    attempt(scenario, seed)
}

fn attempt(scenario: &Scenario, seed: u64) -> Result<Run, Dead> {
    let (name, run) = (scenario.name, scenario.run);
    let (plan, trouble) = (planned::current(), Arc::new(Mutex::default()));
    let suffered = trouble.clone();
    let told = guard::apart(name, seed, move || {
        planned::enter(plan);
        let run = run(seed);
        *suffered.lock().unwrap_or_else(PoisonError::into_inner) = planned::trouble();
        run
    });
    // What a run suffered that was given up is not known.
    planned::suffered(std::mem::take(&mut *trouble.lock().unwrap_or_else(PoisonError::into_inner)));
    told
}

/// Does it on a thread of its own. `Err` is what a panic said.
pub(crate) fn apart<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let thread = std::thread::Builder::new().name(format!("{THREAD}{name}"));
    match thread.spawn(move || caught(run)) {
        Ok(handle) => handle.join().unwrap_or_else(|payload| Err(payload_text(&*payload))),
        Err(why) => Err(format!("no thread could be started: {why}")),
    }
}

/// Does it, and catches its panic.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    panic::catch_unwind(panic::AssertUnwindSafe(run)).map_err(|payload| {
        let said = LAST_PANIC.with(|last| last.borrow_mut().take());
        said.unwrap_or_else(|| payload_text(&*payload))
    })
}

fn payload_text(payload: &dyn std::any::Any) -> String {
    let text =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// The trace as JSON lines, the header first.
pub(crate) fn trace_bytes(run: &Run) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 * (run.records.len() + 1));
    tracecheck_schema::write_header(&run.header, &mut out);
    for record in &run.records {
        tracecheck_schema::write_record(record, &mut out);
    }
    out
}

/// What two runs must share to be called the same run.
pub(crate) fn trace_hash(run: &Run) -> u128 {
    xxh3_128(&trace_bytes(run))
}

/// Writes the run's trace as JSON lines, through the layer that real servers write theirs through. Makes the
/// directory if it is missing.
pub fn write_trace(path: &Path, run: &Run) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let lines = JsonLines::new(BufWriter::new(File::create(path)?), &run.header)?;
    lines.listen(|| run.records.iter().for_each(labrpc::emit));
    lines.finish()
}

/// Where traces of failing runs go: `RAFTLAB_TRACE_DIR`, or `raftlab` in cargo's target directory.
pub(crate) fn trace_directory() -> PathBuf {
    if let Some(directory) = std::env::var_os("RAFTLAB_TRACE_DIR").filter(|value| !value.is_empty()) {
        return PathBuf::from(directory);
    }
    // A test binary is `target/debug/deps/…`. Cargo runs it in its package's directory, so a relative
    // CARGO_TARGET_DIR would mislead; it only counts where the binary was moved elsewhere.
    let binary = std::env::current_exe().unwrap_or_default();
    let deps = binary.ancestors().find(|path| path.file_name().is_some_and(|name| name == "deps"));
    let target = deps.and_then(|deps| deps.parent()?.parent()).map(Path::to_owned);
    let target = target.or_else(|| std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from));
    target.unwrap_or_else(|| PathBuf::from("target")).join("raftlab")
}

/// The path as a student types it: relative to the workspace, if it lies in the workspace's target directory.
pub(crate) fn display_path(path: &Path) -> String {
    let workspace = path
        .ancestors()
        .find(|path| path.file_name().is_some_and(|name| name == "target"))
        .and_then(Path::parent);
    let short = workspace
        .filter(|root| root.join("Cargo.toml").is_file())
        .and_then(|root| path.strip_prefix(root).ok());
    short.unwrap_or(path).display().to_string()
}
