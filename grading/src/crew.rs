//! Several trees at work at the same time: while one compiles, another runs.
//!
//! Invariants: nothing is attempted before the reference itself passes in the very same way; results are handed
//! on in the order of the items, whoever was faster.

use crate::attempt::{self, Limits};
use crate::tree::{Built, Tree};
use indicatif::{ProgressBar, ProgressStyle};
use labs::run::Suite;
use labs::stop::Stop;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Builds the reference's package in each of these trees, and returns the first one's scenarios.
pub fn build(trees: &[Tree<'_>], package: &str) -> Result<Vec<Suite>, Stop> {
    let spinner = ProgressBar::new_spinner().with_message("building the reference");
    spinner.enable_steady_tick(std::time::Duration::from_millis(100));
    let built: Vec<Result<Built, Stop>> = std::thread::scope(|scope| {
        let threads: Vec<_> = trees.iter().map(|tree| scope.spawn(|| tree.build(package))).collect();
        let built = threads.into_iter().map(|thread| thread.join().expect("building panics nowhere"));
        built.collect()
    });
    spinner.finish_and_clear();
    let mut first = None;
    for built in built {
        match built? {
            Built::Suites(suites) => drop(first.get_or_insert(suites)),
            Built::Refused(said) => {
                return Err(Stop::failed(format!(
                    "the reference does not compile, so nothing was run:\n{said}"
                )));
            }
        }
    }
    first.ok_or_else(|| Stop::usage("no tree was asked for: there is nothing to run in"))
}

/// Holds the reference to what its copies are held to.
pub fn reference_passes(suites: &[Suite], seeds: u64) -> Result<(), Stop> {
    match attempt::run(suites, seeds, Limits::of(seeds))?.findings.first() {
        None => Ok(()),
        Some(finding) => Err(Stop::failed(format!(
            "the reference itself fails {} with seed {} ({}): a kill would prove nothing; see `cargo labs replay {} {}`",
            finding.scenario,
            finding.seeds - 1,
            finding.label(),
            finding.scenario,
            finding.seeds - 1
        ))),
    }
}

/// Does `work` with every item, each in a tree that is free, and hands on the results in the order of the items, which
/// are of these packages.
pub fn each<T: Sync, R: Send>(
    trees: Vec<Tree<'_>>,
    items: &[T],
    packages: &[String],
    bar: &ProgressBar,
    work: impl Fn(&mut Tree<'_>, &T) -> Result<R, Stop> + Sync,
    mut seen: impl FnMut(R),
) -> Result<(), Stop> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(None));
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for mut tree in trees {
            let (sender, next, wrong, work) = (sender.clone(), &next, &wrong, &work);
            scope.spawn(move || {
                // The first build of a tree takes long, and says nothing about any item. A later one tells what is
                // wrong with it.
                packages.iter().for_each(|package| drop(tree.build(package)));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(number) else { break };
                    match work(&mut tree, item) {
                        // The receiver outlives every sender.
                        Ok(result) => drop(sender.send((number, result))),
                        Err(stop) => {
                            // What is under way elsewhere is finished, and nothing new begun.
                            next.store(items.len(), Ordering::Relaxed);
                            wrong.lock().expect("nobody panics with it").get_or_insert(stop);
                        }
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut passed_on) = (BTreeMap::new(), 0);
        for (number, result) in receiver {
            bar.inc(1);
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&passed_on) {
                bar.suspend(|| seen(result));
                passed_on += 1;
            }
        }
    });
    bar.finish_and_clear();
    wrong.into_inner().expect("nobody panicked with it").map_or(Ok(()), Err)
}

/// The bar for that many of `what`.
pub fn bar(count: usize, what: &str) -> ProgressBar {
    let template = format!("{{bar:30}} {{pos}}/{{len}} {what}  {{elapsed}} gone, {{eta}} to go");
    let style = ProgressStyle::with_template(&template);
    ProgressBar::new(count as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
