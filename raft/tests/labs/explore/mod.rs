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
//! - `story`: a history as a script; `watch`: the same properties while it plays
//! - `kit`: tests of all this
//!
//! Never: takes an unfinished search for a finished one.

mod bounds;
mod claims;
mod facts;
mod invariants;
pub(crate) mod kit;
mod local;
mod search;
mod states;
mod story;
mod watch;

use crate::check::unmet;
use crate::script::{self, Script};
use bounds::{Bounds, KEYS, PRESETS};
use scenario::{Ending, Exploration, Found, Preset, Reached, Run};

pub(crate) use facts::View;
pub(crate) use watch::Watch;

/// The bounds that have a name.
pub(crate) fn presets() -> Vec<Preset> {
    let preset = |(name, sentence, numbers, _): &(&str, &str, &str, &[&str])| Preset {
        name: (*name).to_owned(),
        sentence: (*sentence).to_owned(),
        numbers: (*numbers).to_owned(),
    };
    PRESETS.iter().map(preset).collect()
}

/// Explores within these bounds; a counterexample is played as well.
///
/// # Errors
/// A sentence about bounds that cannot be.
pub(crate) fn explore(
    text: &str,
    digest: bool,
    progress: &mut dyn FnMut(&Reached),
) -> Result<Exploration, String> {
    let bounds = Bounds::parse(text)?;
    let (reached, found) = search::search(&bounds, digest, progress);
    let found = match found {
        search::Found::Nothing(_) => Found::Nothing,
        search::Found::Unfinished(why) => Found::Unfinished(why),
        search::Found::Counterexample(path, broken) => {
            let script = story::script(&bounds, &path);
            Found::Broken {
                property: broken.property.to_owned(),
                source: broken.source.to_owned(),
                sentence: broken.sentence.clone(),
                run: Box::new(counterexample("explored", &script, &broken)),
                script,
            }
        }
    };
    let numbers =
        KEYS.iter().map(|(key, _, _, meaning)| ((*key).to_owned(), bounds.get(key), (*meaning).to_owned()));
    Ok(Exploration {
        name: bounds.name.clone(),
        bounds: bounds.to_string(),
        numbers: numbers.collect(),
        reached,
        found,
    })
}

/// A scenario that explores within the bounds of that name. What it leaves behind is a run of a script: the
/// counterexample's, or the history of the state that was found last, which must end there when it is played.
pub(crate) fn scenario(name: &'static str, source: &'static str, preset: &str) -> Run {
    let bounds = Bounds::parse(preset).unwrap_or_else(|why| panic!("{name}: {why}"));
    match search::search(&bounds, false, &mut |_| {}).1 {
        search::Found::Nothing(path) => script::play(name, source, &story::checked_script(&bounds, &path)),
        search::Found::Counterexample(path, broken) => {
            counterexample(name, &story::script(&bounds, &path), &broken)
        }
        search::Found::Unfinished(why) => panic!("{name}: {why}"),
    }
}

/// Plays a counterexample. It fails by a rule or by the property itself, and if it does not, that is said.
fn counterexample(name: &'static str, text: &str, broken: &invariants::Broken) -> Run {
    let mut run = script::play(name, broken.source, text);
    if let Ending::Completed = run.ending {
        let sentence = format!(
            "{} (found by exploration; the simulated run of the same history does not show it).",
            sentence(&broken.sentence)
        );
        run.ending = Ending::Expectation(unmet(broken.source, sentence, broken.should(), Vec::new()));
    }
    run
}

/// Plays a script that somebody wrote, or that an exploration did.
///
/// # Errors
/// A sentence about the line that cannot be read.
pub(crate) fn play(text: &str) -> Result<Run, String> {
    Ok(script::run("script", "the script", Script::parse(text)?))
}

/// With a capital letter at its beginning, unless it begins with a server's name.
pub(crate) fn sentence(text: &str) -> String {
    let named = text.starts_with('s') && text[1..].starts_with(|letter: char| letter.is_ascii_digit());
    match text.chars().next() {
        Some(first) if !named => format!("{}{}", first.to_uppercase(), &text[first.len_utf8()..]),
        _ => text.to_owned(),
    }
}

/// A scenario that is an exploration: its part, name, preset, points, source and sentence.
macro_rules! explored {
    ($part:literal, $name:literal, $preset:literal, $points:literal, $source:literal, $sentence:literal) => {
        scenario::Scenario {
            name: $name,
            part: $part,
            sentence: $sentence,
            source: $source,
            points: $points,
            rules: &[],
            seeded: false,
            run: |_| $crate::explore::scenario($name, $source, $preset),
        }
    };
}
pub(crate) use explored;
