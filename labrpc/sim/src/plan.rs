//! Plans: which of a run's troubles are left out, without a word of it in the test.
//!
//! Owns the numbers of a run's faults and the list of those that were made.
//!
//! Invariants: the plan of default value changes nothing, not even a draw. A plan only takes away: with any plan a run is
//! one that the same test could have had in a kinder world. Healing is never left out.
//!
//! Never: knows why a plan was made.

use crate::link::Link;
use crate::world::World;
use labrpc::schema::Node;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// What is left out of a run. The default leaves out nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Only the faults with these numbers are made; all, if missing. A fault is a call that makes the world worse: a
    /// crash, a pause, a partition, an isolation, or all cuts or all worse links of one instant together. They are
    /// numbered from 1, in the order in which the test asks for them, also where a call changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<BTreeSet<u64>>,
    /// Of what chance does to messages (loses them, repeats them, lets replies come late) only what has these numbers is
    /// done; all, if missing. Numbered from 1, in the order in which chance strikes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub losses: Option<BTreeSet<u64>>,
    /// Every message takes the least time that its link allows.
    #[serde(skip_serializing_if = "is_false")]
    pub prompt: bool,
    /// These clients never run.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rest: BTreeSet<u32>,
    /// The test waits for at most so many virtual milliseconds at a time, whatever it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<u64>,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Plan {
    /// Whether it leaves out nothing.
    pub fn is_default(&self) -> bool {
        *self == Plan::default()
    }
}

/// A fault that was made, or a message that chance struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its number.
    pub number: u64,
    /// When, in virtual nanoseconds.
    pub t_ns: u64,
    /// What, in a few words: `crash s2`.
    pub what: String,
}

/// What a run suffered, and who took part: all that a plan can take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// The faults that were made, in their order.
    pub faults: Vec<Fault>,
    /// What chance did to messages, in its order.
    pub losses: Vec<Loss>,
    /// The clients that ran, in order.
    pub clients: BTreeSet<u32>,
}

/// What chance did to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its number.
    pub number: u64,
    /// When, in virtual nanoseconds.
    pub t_ns: u64,
    /// Who sent the message.
    pub from: Node,
    /// Who was to get it.
    pub to: Node,
    /// What was done, such as `lose a request`.
    pub done: &'static str,
}

impl Loss {
    /// The same in the words of a fault.
    pub fn told(&self) -> Fault {
        let what = format!("{} {}→{}", self.done, self.from, self.to);
        Fault { number: self.number, t_ns: self.t_ns, what }
    }
}

/// Faults that become one if they are asked for at the same instant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Together {
    Cuts,
    Links,
}

/// The plan at work.
#[derive(Default)]
pub(crate) struct Faults {
    plan: Plan,
    asked: Cell<u64>,
    struck: Cell<u64>,
    last: Cell<Option<(Together, u64)>>,
    trouble: RefCell<Trouble>,
}

impl Faults {
    pub(crate) fn new(plan: Plan) -> Self {
        Faults { plan, ..Faults::default() }
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn trouble(&self) -> Trouble {
        self.trouble.borrow().clone()
    }

    /// Counts a fault that is asked for now. Its number, if it is to be made.
    pub(crate) fn ask(&self, now_ns: u64, together: Option<Together>) -> Option<u64> {
        let group = together.map(|together| (together, now_ns));
        if group.is_none() || self.last.replace(group) != group {
            self.asked.set(self.asked.get() + 1);
        }
        self.last.set(group);
        let number = self.asked.get();
        let wanted = self.plan.faults.as_ref().is_none_or(|faults| faults.contains(&number));
        wanted.then_some(number)
    }

    /// Notes that a fault was made: `verb what`, or one more `what` of the fault before.
    pub(crate) fn made(&self, number: u64, now_ns: u64, verb: &str, what: &str) {
        let faults = &mut self.trouble.borrow_mut().faults;
        match faults.last_mut().filter(|last| last.number == number) {
            Some(last) => last.what.push_str(&format!(", {what}")),
            None => faults.push(Fault { number, t_ns: now_ns, what: format!("{verb} {what}") }),
        }
    }

    /// Chance is against a message of that way; whether that is `done`.
    pub(crate) fn strikes(&self, t_ns: u64, (from, to): (Node, Node), done: &'static str) -> bool {
        let number = self.struck.get() + 1;
        self.struck.set(number);
        let wanted = self.plan.losses.as_ref().is_none_or(|losses| losses.contains(&number));
        if wanted {
            self.trouble.borrow_mut().losses.push(Loss { number, t_ns, from, to, done });
        }
        wanted
    }

    /// A node starts; whether it is to rest.
    pub(crate) fn starts(&self, node: Node) -> bool {
        let Node::Client(number) = node else { return false };
        let rests = self.plan.rest.contains(&number);
        if !rests {
            self.trouble.borrow_mut().clients.insert(number);
        }
        rests
    }
}

impl World {
    /// How long a message takes of which chance says `drawn`.
    pub(crate) fn delay(&self, drawn: u64, range: &RangeInclusive<u64>) -> u64 {
        if self.faults.plan().prompt { *range.start() } else { drawn }
    }
}

/// What is worse about a link than it was, in a few words; nothing if nothing is.
pub(crate) fn worse(before: &Link, after: &Link) -> Option<String> {
    let mut words = Vec::new();
    let mut note = |worse: bool, what: String| worse.then(|| words.push(what));
    let ms =
        |range: &RangeInclusive<u64>| format!("{}–{} ms", range.start() / 1_000_000, range.end() / 1_000_000);
    note(after.cut && !before.cut, "cut".to_owned());
    note(
        after.lose_requests > before.lose_requests,
        format!("loses {} of 1000 requests", after.lose_requests),
    );
    note(after.lose_replies > before.lose_replies, format!("loses {} of 1000 replies", after.lose_replies));
    note(
        after.duplicate_requests > before.duplicate_requests,
        format!("repeats {} of 1000 requests", after.duplicate_requests),
    );
    note(
        after.late_replies.0 > before.late_replies.0,
        format!("{} of 1000 replies {} late", after.late_replies.0, ms(&after.late_replies.1)),
    );
    note(after.delay_ns.end() > before.delay_ns.end(), format!("takes {}", ms(&after.delay_ns)));
    note(
        after.failure_ns.end() > before.failure_ns.end(),
        format!("tells of failures after {}", ms(&after.failure_ns)),
    );
    (!words.is_empty()).then(|| words.join(", "))
}
