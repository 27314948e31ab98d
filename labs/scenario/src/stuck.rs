//! What is said of code that stops a whole server: in one sentence what it does, and what to do instead.

use crate::guard::Rest;
use labrpc_interpose::Stuck;
use labrpc_sim::Misuse;

/// Why a thread was put to rest, as a sentence with whose code it was and where.
pub(crate) fn sentence(rest: &Rest) -> String {
    let (who, when) = match rest.present {
        Some((node, ns)) => (node.to_string(), format!(" at {}", crate::rows::time(ns))),
        None => ("the code under test".to_owned(), String::new()),
    };
    let place = rest.place.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
    let what = match rest.why {
        Stuck::Loop => "computes without end: it neither waits for anything nor returns",
        Stuck::Lock => {
            "waits on its thread for a lock or a message, and whoever could give it runs on the same thread"
        }
        Stuck::Memory => "holds more than 1 GiB of memory",
        Stuck::Stack => "has used up its stack: a function calls itself without end",
    };
    format!("{who}{when} {what}{place}.")
}

/// What to do about it.
pub(crate) fn remedy(why: Stuck) -> &'static str {
    match why {
        Stuck::Loop => {
            "A server answers nobody while it computes. Let the loop end, or let it wait for a message or a time \
             (.await) in each turn."
        }
        Stuck::Lock => {
            "Let go of a lock before you .await; or use tokio::sync, whose locks and channels are waited for with \
             .await."
        }
        Stuck::Memory => {
            "Something grows without end: a list to which every turn adds, or a queue that nobody empties."
        }
        Stuck::Stack => "Give the recursion an end, or write it as a loop.",
    }
}

/// What code did to its whole thread, after its node's name and the time.
pub(crate) fn misuse(what: Misuse) -> (String, &'static str) {
    match what {
        Misuse::Sleep(time) => (
            format!("puts its whole thread to sleep, for {} ms", time.as_millis()),
            "A server answers nobody while its thread sleeps. Wait with tokio::time::sleep(…).await.",
        ),
        Misuse::Thread => (
            "starts a thread of the operating system".to_owned(),
            "No seed decides when it runs, and no crash ends it. Use tokio::spawn: a task runs beside the others and \
             dies with its server.",
        ),
        Misuse::Refused(what) => (
            format!("calls {what}, which needs a second thread"),
            "A node has one thread, here and in the real cluster. Do the work where you are; if it is long, let others \
             in between with tokio::task::yield_now().await.",
        ),
        Misuse::Wait => (
            "waits on its whole thread until a time is up".to_owned(),
            "A server answers nobody meanwhile. Wait with tokio::time::timeout(…).await.",
        ),
    }
}
