//! Tests of the exploration itself, on the reference.

use super::bounds::{Bounds, PRESETS};
use super::search::{Found, search};
use super::story;
use crate::script::Script;
use scenario::{Ending, Other};

pub(crate) fn tests() -> Vec<Other> {
    let test = |name: &str, test: fn() -> Result<(), String>| {
        (format!("kit_explore_{name}"), Box::new(test) as Box<dyn FnOnce() -> Result<(), String> + Send>)
    };
    vec![
        test("bounds_that_cannot_be", bounds_that_cannot_be),
        test("presets_are_sound", presets_are_sound),
        test("an_unfinished_search_is_no_pass", unfinished),
        test("the_same_twice", the_same_twice),
        test("histories_play_to_the_same_end", histories_play),
        test("scripts_that_cannot_be_read", unreadable_scripts),
    ]
}

fn ensure(holds: bool, otherwise: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.into()) }
}

fn bounds_that_cannot_be() -> Result<(), String> {
    let wrong = [
        ("figure9", "no bounds called `figure9`"),
        ("log foo", "`foo` is no bound"),
        ("servers=1", "servers must be 2 or more"),
        ("servers=9", "from 0 to 5"),
        ("timeouts=16", "from 0 to 15"),
        ("link=0", "from 1 to 8"),
        ("speed=1", "no bound `speed`"),
        ("elections crashes=1", "crashes need disk=1"),
    ];
    for (text, sentence) in wrong {
        match Bounds::parse(text) {
            Ok(bounds) => return Err(format!("`{text}` was taken as {bounds}")),
            Err(why) => ensure(why.contains(sentence), format!("`{text}`: {why}"))?,
        }
    }
    let own = Bounds::parse("servers=2 timeouts=3")?;
    ensure(own.to_string() == "servers=2 timeouts=3", own.to_string())
}

fn presets_are_sound() -> Result<(), String> {
    for (name, ..) in PRESETS {
        let bounds = Bounds::parse(name)?;
        Script::parse(&bounds.preamble()).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

fn unfinished() -> Result<(), String> {
    for (limits, says) in [("log states=500", "stopped at 50"), ("log depth=4", "up to 4 actions")] {
        match search(&Bounds::parse(limits)?, false, &mut |_| {}).1 {
            Found::Unfinished(why) => ensure(why.contains(says), why)?,
            Found::Nothing(_) => return Err(format!("`{limits}` was called covered")),
            Found::Counterexample(_, broken) => return Err(broken.sentence),
        }
    }
    Ok(())
}

fn the_same_twice() -> Result<(), String> {
    let bounds = Bounds::parse("log link=1")?;
    let (one, _) = search(&bounds, true, &mut |_| {});
    let (two, _) = search(&bounds, true, &mut |_| {});
    ensure(one == two, format!("{one:?} and {two:?}"))?;
    ensure(one.states > 1_000, format!("it saw too little: {one:?}"))?;
    ensure(
        one.observed.as_ref().is_some_and(|(looks, _)| *looks > 100),
        format!("nothing to observe: {one:?}"),
    )?;
    // Without duplicates there is less to see, and the digest tells.
    let (fewer, _) = search(&Bounds::parse("log link=1 duplicates=0")?, true, &mut |_| {});
    ensure(fewer.observed != two.observed, "two digests of different bounds are equal")
}

/// Crashes, failures, duplicates, snapshots: their last histories play as scripts, and end as they were explored.
fn histories_play() -> Result<(), String> {
    for text in [
        "snapshots",
        "votes",
        "log",
        "snapshots crashes=1 timeouts=1",
        "disks crashes=2 servers=2 failures=1",
    ] {
        let bounds = Bounds::parse(text)?;
        let Found::Nothing(path) = search(&bounds, false, &mut |_| {}).1 else {
            return Err(format!("{text}: the reference does not pass"));
        };
        let script = story::checked_script(&bounds, &path);
        let run = super::play(&script)?;
        ensure(matches!(run.ending, Ending::Completed), format!("{text}: {:?}\n{script}", run.ending))?;
    }
    Ok(())
}

fn unreadable_scripts() -> Result<(), String> {
    let wrong = [
        ("", "begin with `servers"),
        ("servers s1 s3", "without a gap"),
        ("servers s1 s2\nreal s3", "s3 is none"),
        ("servers s1 s2\nreal s1\ntimeout s7", "`timeout s7` names somebody"),
        ("servers s1 s2\ndeliver s1->s2 vote 0", "line 2 cannot be read"),
        ("servers s1 s2\nanswer s1->s2", "line 2 cannot be read"),
        ("servers s1 s2\nmax_entries 0", "line 2 cannot be read"),
    ];
    for (text, sentence) in wrong {
        match super::play(text) {
            Ok(_) => return Err(format!("{text:?} was played")),
            Err(why) => ensure(why.contains(sentence), format!("{text:?}: {why}"))?,
        }
    }
    Ok(())
}
