//! What this process keeps from the code under test, and what is said where something lacks.
//!
//! Invariants: it is tried out, not assumed: a platform, a build with other flags or a switch may take it away.

use crate::line::GuaranteeLine;
use crate::{guard, words};
use labrpc_interpose::Guarantee;
use std::sync::OnceLock;

/// What holds in this process.
pub(crate) fn line() -> &'static GuaranteeLine {
    static LINE: OnceLock<GuaranteeLine> = OnceLock::new();
    LINE.get_or_init(|| match guard::protects() {
        true => told(Guarantee::look()),
        false => GuaranteeLine {
            sentence:
                "RAFTLAB_UNPROTECTED is set: runs read real clocks and real randomness, and need not repeat."
                    .to_owned(),
            ..told(Guarantee::default())
        },
    })
}

/// What lacks, as a sentence; nothing if all holds.
pub(crate) fn lacks() -> Option<&'static str> {
    Some(line()).filter(|line| !line.protected).map(|line| line.sentence.as_str())
}

fn told(guarantee: Guarantee) -> GuaranteeLine {
    let Guarantee { clock, randomness, hash_order, threads } = guarantee;
    let parts = [
        (clock, "the system's clocks"),
        (randomness, "the system's random numbers"),
        (hash_order, "the order of a HashMap"),
        (threads, "threads and blocking calls"),
    ];
    let open: Vec<&str> = parts.iter().filter(|(holds, _)| !holds).map(|(_, what)| *what).collect();
    let sentence = if open.is_empty() {
        "Equal seeds give equal runs, whatever the code calls.".to_owned()
    } else {
        format!(
            "On this machine runs are not protected from {}: code that uses the kit's clock and randomness, tokio and \
             BTreeMap repeats, other code may not.",
            words::enumerated(&open)
        )
    };
    GuaranteeLine { protected: guarantee.is_whole(), clock, randomness, hash_order, threads, sentence }
}
