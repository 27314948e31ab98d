//! The report of a stress for a person: at most one screen of 80 columns, complete without colour.

use super::group::{Group, Report};
use crate::shrink::{changes, left, row};
use crate::soak::grouped;
use crate::table;

/// So many causes are told in full; the others in a line.
const FULL: usize = 3;
/// So many causes are told at all; the file has all of them.
const TOLD: usize = 9;
/// So many scenarios, and ranges of each one's seeds, are listed of a cause.
const TESTS: usize = 3;
const RANGES: usize = 8;
/// So much of what is left in a shrunk run is listed.
const LEFT: usize = 4;

/// The report.
pub fn human(report: &Report, file: &str) -> String {
    let mut out = format!("{}\n", textwrap::fill(&verdict(report), 80));
    for (number, group) in (1..).zip(report.groups.iter().take(TOLD)) {
        if number <= FULL {
            out.push_str(&format!("\n{}\n", heading(number, group)));
            full(&mut out, group);
        } else {
            let blank = if number == FULL + 1 { "\n" } else { "" };
            out.push_str(&format!("{blank}{}\n     {}\n", heading(number, group), group.replay()));
        }
    }
    if report.groups.len() > TOLD {
        out.push_str(&format!("… and {} causes more\n", report.groups.len() - TOLD));
    }
    out.push_str(&format!("\n  {:<12}{file}\n", "report"));
    out
}

fn verdict(report: &Report) -> String {
    let seeded = report.tests.iter().filter(|test| test.seeded);
    let seeds = match seeded.map(|test| test.runs).min() {
        Some(1) => format!(", seed {} of each", report.from),
        Some(least) if least > 0 => {
            format!(", seeds {} to {} of each", grouped(report.from), grouped(report.from + least - 1))
        }
        _ => String::new(),
    };
    let causes = report.groups.iter().filter(|group| !group.not_judged).count();
    let mut verdict = match report.failed {
        0 if report.not_judged > 0 => "none failed".to_owned(),
        0 => "all passed".to_owned(),
        failed => format!("{} FAILED, for {}", grouped(failed), plural(causes as u64, "cause")),
    };
    if report.not_judged > 0 {
        verdict.push_str(&format!("; {} COULD NOT BE JUDGED", grouped(report.not_judged)));
    }
    let runs = plural(report.runs, "run");
    format!("{runs} of {}{seeds}: {verdict}.", plural(report.tests.len() as u64, "scenario"))
}

fn plural(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// The number of a cause, what it is, and how often it was seen.
fn heading(number: usize, group: &Group) -> String {
    let judged = if group.not_judged { "not judged: " } else { "" };
    let times = if group.seeds.len() == 1 {
        format!("{} of {}", plural(group.runs, "run"), group.test)
    } else {
        format!("{} of {} scenarios", plural(group.runs, "run"), group.seeds.len())
    };
    let room = 80_usize.saturating_sub(times.chars().count() + judged.len() + 7);
    let cause: String = match group.cause.chars().count() {
        length if length > room => group.cause.chars().take(room - 1).chain(['…']).collect(),
        _ => group.cause.clone(),
    };
    format!("{number}  {judged}{cause}: {times}")
}

fn full(out: &mut String, group: &Group) {
    // Of the run that is shown, if one was shrunk: the numbers in it are then those of its trace.
    let sentence = group.shrunk.as_ref().map_or(&group.sentence, |shrunk| &shrunk.sentence);
    row(out, "happened", sentence);
    row(out, "seeds", &seeds(group));
    if let Some(shrunk) = &group.shrunk {
        row(out, "smaller", &changes(shrunk));
        for line in left(shrunk, LEFT) {
            row(out, "left", &line);
        }
    }
    if let Some(why) = &group.not_shrunk {
        row(out, "not shrunk", why);
    }
    // A command is copied as a whole, and never wrapped.
    if let Some(file) = &group.file {
        out.push_str(&format!("  {:<12}cargo labs replay {file}\n", "replay"));
    }
    let label = if group.file.is_some() { "whole" } else { "replay" };
    out.push_str(&format!("  {label:<12}{}\n", group.replay()));
}

fn seeds(group: &Group) -> String {
    let one = |(test, seeds): (&String, &Vec<u64>)| {
        let ranges = table::ranges(seeds);
        let ranges = match ranges.match_indices(", ").nth(RANGES - 1) {
            Some((end, _)) => format!("{}, …", &ranges[..end]),
            None => ranges,
        };
        if group.seeds.len() == 1 { ranges } else { format!("{test} {ranges}") }
    };
    let mut texts: Vec<String> = group.seeds.iter().take(TESTS).map(one).collect();
    if group.seeds.len() > TESTS {
        texts.push(format!("and {} scenarios more", group.seeds.len() - TESTS));
    }
    texts.join("; ")
}
