//! How a simulated run ends, and how panics in what it runs are caught and told.

use labrpc::NotImplemented;
use labrpc::schema::Node;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::Duration;
use tokio::world::Refused;

/// Something that code of a node did to its whole thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// It put the thread to sleep for so long.
    Sleep(Duration),
    /// It started a thread.
    Thread,
    /// It waited on the thread, with a time limit, for something that another thread should do.
    Wait,
    /// It called a function of tokio that needs another thread.
    Refused(Refused),
}

impl From<labrpc_interpose::Misuse> for Misuse {
    fn from(misuse: labrpc_interpose::Misuse) -> Self {
        match misuse {
            labrpc_interpose::Misuse::Sleep(time) => Misuse::Sleep(time),
            labrpc_interpose::Misuse::Thread => Misuse::Thread,
            labrpc_interpose::Misuse::Wait => Misuse::Wait,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The test's own task came to its end.
    Completed,
    /// A watcher of the trace stopped the run.
    Stopped,
    /// A part of the lab is not written yet.
    NotImplemented(NotImplemented),
    /// Code of a node panicked.
    Panic {
        /// Whose code.
        node: Node,
        /// When, in virtual nanoseconds.
        t_ns: u64,
        /// The panic's message.
        message: String,
        /// File and line.
        place: String,
    },
    /// Code of a node did something to its whole thread, which no server may.
    Misused {
        /// Whose code.
        node: Node,
        /// When, in virtual nanoseconds.
        t_ns: u64,
        /// What it did.
        what: Misuse,
        /// File and line, if they are known.
        place: Option<String>,
    },
    /// Nobody can act ever again, and the test still waits.
    Deadlock(String),
    /// Tasks wake each other without end while no time passes.
    Livelock(String),
    /// The run's limit of virtual time is over, and the test still waits.
    TimeUp(String),
}

thread_local! {
    /// Set while a simulation runs on this thread, so that the hook keeps quiet.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// What went wrong in a caught panic.
pub(crate) enum Caught {
    NotImplemented(NotImplemented),
    Panic { message: String, place: String },
}

/// Runs `f` and catches its panic, with message and place, without a word on the terminal.
pub(crate) fn catching<T>(f: impl FnOnce() -> T) -> Result<T, Caught> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                return previous(info);
            }
            let place = info.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            LAST.set(Some((message(info.payload()), place)));
        }));
    });
    let outer = INSIDE.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    INSIDE.set(outer);
    result.map_err(|payload| match payload.downcast::<NotImplemented>() {
        Ok(stub) => Caught::NotImplemented(*stub),
        Err(payload) => {
            let (message, place) = LAST.take().unwrap_or_else(|| (message(&*payload), String::new()));
            Caught::Panic { message, place }
        }
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic whose payload is no text".to_owned())
}
