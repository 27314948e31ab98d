//! A simulated world with a judge that watches it: what most scenarios are run in.

use crate::{Ending, Expectation, Run, guard, planned};
use labrpc_sim::{Link, Options, Outcome, Sim};
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use tracecheck::{End, Judge, Violation};
use tracecheck_schema::{Header, Record};

/// What a scenario's own code returns: an expectation that was not met ends it.
pub type Done = Result<(), Expectation>;

/// What a run starts from.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The first line of its trace.
    pub header: Header,
    /// The character of all links at the start.
    pub link: Link,
    /// What the run may do.
    pub options: Options,
    /// Rules that do not apply here, and are not judged.
    pub without: &'static [&'static str],
}

/// Runs `main` in a world that a judge watches; `count` sees every record before the judge does.
///
/// # Panics
/// If something outlives its world: a defect of the kit.
pub fn judged<F, T>(setting: Setting, mut count: impl FnMut(&Record) + 'static, main: F) -> Run
where
    F: FnOnce(Sim) -> T + 'static,
    T: Future<Output = Done>,
{
    let Setting { header, link, options, without } = setting;
    let judge = without.iter().fold(Judge::new(&header), |judge, id| judge.without(id));
    let judge = Rc::new(RefCell::new(judge));
    let violation: Rc<RefCell<Option<Violation>>> = Rc::default();
    let sim = Sim::new(header.run.seed, Options { plan: planned::current(), ..options });
    sim.links(&link);
    let (watching, found) = (judge.clone(), violation.clone());
    sim.watch(move |record: &Record| {
        count(record);
        let Some(violation) = watching.borrow_mut().observe(record) else { return false };
        found.borrow_mut().get_or_insert(violation);
        true
    });
    let (left, watched, head) = (sim.clone(), judge.clone(), header.clone());
    guard::last_words(move || remains(&left, &watched, head));
    let unmet: Rc<RefCell<Option<Expectation>>> = Rc::default();
    let (in_world, to) = (sim.clone(), unmet.clone());
    let (outcome, finished) = sim.run(async move { *to.borrow_mut() = main(in_world).await.err() });
    guard::forget();
    let ending = ending(outcome, violation.take(), unmet.take());
    let end = if matches!(ending, Ending::Completed) { End::Complete } else { End::Stopped };
    planned::suffered(sim.trouble());
    let counters = sim.counters();
    let virtual_ns = sim.now().as_nanos() as u64;
    drop(sim);
    let judge = Rc::into_inner(judge).expect("the world is gone, and with it the watcher").into_inner();
    Run {
        verdicts: judge.finish(end),
        header,
        records: finished.records,
        ending,
        virtual_ns,
        rpcs: counters.rpcs,
        bytes: counters.bytes,
    }
}

/// What can be told of a run in the middle of it, if nothing of it is in use just then.
fn remains(sim: &Sim, judge: &RefCell<Judge>, header: Header) -> Option<Run> {
    let records = sim.abandon()?.records;
    let judge = std::mem::replace(&mut *judge.try_borrow_mut().ok()?, Judge::new(&header));
    let counters = sim.counters();
    Some(Run {
        verdicts: judge.finish(End::Stopped),
        header,
        records,
        ending: Ending::Completed,
        virtual_ns: sim.now().as_nanos() as u64,
        rpcs: counters.rpcs,
        bytes: counters.bytes,
    })
}

fn ending(outcome: Outcome, violation: Option<Violation>, unmet: Option<Expectation>) -> Ending {
    match (outcome, violation, unmet) {
        (_, Some(violation), _) => Ending::Violation(violation),
        (Outcome::Completed, None, Some(unmet)) => Ending::Expectation(unmet),
        (Outcome::Completed, None, None) => Ending::Completed,
        (Outcome::NotImplemented(stub), ..) => Ending::NotImplemented { what: stub.what, place: stub.place },
        (Outcome::Panic { node, t_ns, message, place }, ..) => Ending::Panic { node, t_ns, message, place },
        (Outcome::Misused { node, t_ns, what, place }, ..) => Ending::Misused { node, t_ns, what, place },
        (Outcome::Deadlock(sentence), ..) => Ending::Deadlock(sentence),
        (Outcome::Livelock(sentence), ..) => Ending::Livelock(sentence),
        (Outcome::TimeUp(sentence), ..) => Ending::TimeUp(sentence),
        (Outcome::Stopped, None, _) => {
            unreachable!("only the judge stops a run, and it says why")
        }
    }
}
