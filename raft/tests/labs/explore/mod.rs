//! Exhaustive exploration: every interleaving within small bounds, of the code that students write.
//!
//! Nothing is simulated here and nothing drawn: timeouts, the ends of syncs, deliveries, losses, duplicates and
//! crashes happen in every possible order, through the same release of effects that the driver uses, and the
//! safety properties are checked in every state. What breaks one comes back as a shortest script, which plays
//! in the simulated world under the judge: `cargo labs explore`, `cargo labs play FILE`.
//!
//! - `bounds`: how much of what; the presets
//! - `local`, `claims`: one server and its disk, moved by one event
//! - `facts`, `invariants`: what is looked at, and what must hold
//! - `states`: all of them together, as rows of numbers
//! - `search`: breadth first
//! - `story`: a history as a script
//!
//! Never: takes an unfinished search for a finished one.

mod bounds;
mod claims;
mod facts;
mod invariants;
mod local;
mod search;
mod states;
mod story;

use bounds::Bounds;
use search::Found;

pub(crate) fn measure(text: &str) {
    let bounds = Bounds::parse(text).expect("bounds");
    let begun = std::time::Instant::now();
    let (reached, found, _) = search::search(&bounds, &mut |reached| {
        eprintln!("{reached:?} {:.0}/s", reached.states as f64 / begun.elapsed().as_secs_f64());
    });
    let seconds = begun.elapsed().as_secs_f64();
    eprintln!("{bounds}\n{reached:?} in {seconds:.2} s: {:.0} states/s", reached.states as f64 / seconds);
    match found {
        Found::Nothing(path) => eprintln!("nothing; last:\n{}", story::script(&bounds, &path)),
        Found::Counterexample(path, broken) => eprintln!("{broken:?}\n{}", story::script(&bounds, &path)),
        Found::Unfinished(why) => eprintln!("unfinished: {why}"),
    }
}
