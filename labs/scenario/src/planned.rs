//! Runs with a plan: how it reaches the world of a scenario that knows nothing of plans.
//!
//! Owns the plan of a thread: who judges runs sets it ([`within`]), each run's own thread gets a copy
//! ([`enter`]), and the world that is made there takes it from there.
//!
//! Invariant: a thread without a plan has the one that changes nothing.

use labrpc_sim::{Plan, Trouble};
use std::cell::RefCell;

thread_local! {
    static PLAN: RefCell<Plan> = RefCell::default();
    /// The command that shows the thread's planned runs again.
    static AGAIN: RefCell<Option<String>> = RefCell::default();
    /// What the last world on this thread suffered.
    static TROUBLE: RefCell<Trouble> = RefCell::default();
}

/// Calls `act` so that all runs which it makes have that plan. Reports of those that fail name the command `again`.
pub(crate) fn within<T>(plan: &Plan, again: Option<&str>, act: impl FnOnce() -> T) -> T {
    let before = (PLAN.replace(plan.clone()), AGAIN.replace(again.map(str::to_owned)));
    let result = act();
    PLAN.set(before.0);
    AGAIN.set(before.1);
    result
}

/// The command that shows this thread's runs again, if it is not that of the seed alone.
pub(crate) fn again() -> Option<String> {
    AGAIN.with_borrow(Option::clone)
}

/// The plan of this thread.
pub(crate) fn current() -> Plan {
    PLAN.with_borrow(Plan::clone)
}

/// Begins a run on a thread of its own.
pub(crate) fn enter(plan: Plan) {
    PLAN.set(plan);
}

/// Keeps what a world suffered.
pub(crate) fn suffered(trouble: Trouble) {
    TROUBLE.set(trouble);
}

/// What the last world suffered, on this thread or on that of the last run which this thread asked for.
pub(crate) fn trouble() -> Trouble {
    TROUBLE.take()
}
