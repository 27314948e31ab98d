//! Whose code runs on this thread at present, and where in people's own code it stands.

use labrpc::schema::Node;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A node, and the virtual time in nanoseconds.
pub type Present = (Node, u64);

thread_local! {
    static PRESENT: Cell<Option<Present>> = const { Cell::new(None) };
    static POLLS: RefCell<Option<Arc<AtomicU64>>> = const { RefCell::new(None) };
}

/// Counts in `polls`, for whoever watches from another thread, how often a node's code begins and ends a turn on this
/// one: an odd number is within a turn.
pub fn count_polls(polls: Option<Arc<AtomicU64>>) {
    POLLS.set(polls);
}

/// Whose code runs on this thread, if a simulation does.
pub fn present() -> Option<Present> {
    PRESENT.get()
}

pub(crate) fn node() -> Option<Node> {
    present().map(|(node, _)| node)
}

pub(crate) fn set(present: Option<Present>) {
    PRESENT.set(present);
    POLLS.with_borrow(|polls| {
        if let Some(polls) = polls {
            polls.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// The kit's own source, from the workspace's root; what is in none of these and below the root is people's own.
const KIT: [&str; 4] = ["labrpc/", "labs/scenario/src/", "tracecheck/", "labs/src/"];

/// The workspace's root, with a slash at its end.
fn root() -> &'static str {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    here.strip_suffix("labrpc/sim/").unwrap_or(here)
}

/// A place in the source as file and line.
pub(crate) fn located(at: &Location<'_>) -> String {
    format!("{}:{}", at.file().strip_prefix(root()).unwrap_or(at.file()), at.line())
}

/// The innermost place in people's own code, as file and line; if all is the kit's, nothing.
pub fn place(backtrace: &Backtrace) -> Option<String> {
    // The longer form has whole paths.
    own(&format!("{backtrace:#}"), root())
}

/// The first frame of a printed backtrace that lies below `root` and is not the kit's.
fn own(backtrace: &str, root: &str) -> Option<String> {
    let frames = backtrace.lines().filter_map(|line| line.trim_start().strip_prefix("at "));
    let own = frames.filter_map(|frame| {
        // A path is relative to the workspace where the build made it so.
        let frame = frame.replace('\\', "/");
        let path = frame.strip_prefix(root).unwrap_or(&frame).to_owned();
        let foreign = path.starts_with('/') || path.chars().nth(1) == Some(':');
        let mut parts = path.rsplitn(3, ':');
        let (_, line, file) = (parts.next()?, parts.next()?, parts.next()?);
        let kit = foreign || KIT.iter().any(|kit| file.starts_with(kit)) || !file.ends_with(".rs");
        (!kit).then(|| format!("{file}:{line}"))
    });
    own.into_iter().next()
}
