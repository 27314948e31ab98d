//! What is said of a shrunk run: on the terminal and in the comment of its file. At most 80 columns.

use scenario::line::{Extent, ShrunkLine};
use textwrap::{Options, WordSplitter};

/// So many of the faults that are left are listed.
const LISTED: usize = 12;

/// What a person reads when a run was shrunk.
pub fn human(shrunk: &ShrunkLine, path: &str) -> String {
    let mut out =
        format!("{}, seed {}, was shrunk in {} runs\n\n", shrunk.scenario, shrunk.seed, shrunk.runs);
    row(&mut out, "happened", &shrunk.sentence);
    row(&mut out, "smaller", &changes(shrunk));
    for line in left(shrunk, LISTED) {
        row(&mut out, "left", &line);
    }
    for note in notes(shrunk) {
        row(&mut out, "note", &note);
    }
    // A command is copied as a whole, and never wrapped.
    out.push_str(&format!("  {:<12}cargo labs replay {path}\n", "replay"));
    out
}

/// The comment of its file, without the signs.
pub(super) fn comment(shrunk: &ShrunkLine, path: &str) -> String {
    let mut out = format!("A run of {}, seed {}, that fails, shrunk.\n\n", shrunk.scenario, shrunk.seed);
    row(&mut out, "happened", &shrunk.sentence);
    row(&mut out, "smaller", &changes(shrunk));
    for line in left(shrunk, usize::MAX) {
        row(&mut out, "left", &line);
    }
    out.push_str(&format!("  {:<12}cargo labs replay {path}\n", "replay"));
    out.push_str(&format!("  {:<12}cargo labs replay {} {}\n", "whole", shrunk.scenario, shrunk.seed));
    out
}

/// From how much to how much: `events 1003 → 117, faults 5 → 0`. What never was is not mentioned.
pub fn changes(shrunk: &ShrunkLine) -> String {
    let (before, after) = (&shrunk.before, &shrunk.after);
    if before == after {
        return "nothing could be left out of it".to_owned();
    }
    let seconds = |extent: &Extent| format!("{:.1} s", extent.virtual_ns as f64 / 1e9);
    let mut parts = vec![format!("events {} → {}", before.events, after.events)];
    parts.push(format!("time {} → {}", seconds(before), seconds(after)));
    for (what, before, after) in [
        ("faults", before.faults, after.faults),
        ("lost or late messages", before.losses, after.losses),
        ("clients", before.clients, after.clients),
    ] {
        if before > 0 {
            parts.push(format!("{what} {before} → {after}"));
        }
    }
    parts.join(", ").replace(" → ", "\u{a0}→\u{a0}")
}

/// What still goes wrong in it and what else is special, a line each.
pub(crate) fn left(shrunk: &ShrunkLine, most: usize) -> Vec<String> {
    let told = |fault: &scenario::Fault| format!("{:.3} s  {}", fault.t_ns as f64 / 1e9, fault.what);
    let mut lines: Vec<String> = shrunk.faults.iter().take(most).map(told).collect();
    match shrunk.faults.len() {
        0 => lines.push("no fault at all".to_owned()),
        all if all > most => lines.push(format!("… and {} more", all - most)),
        _ => {}
    }
    if shrunk.plan.prompt {
        lines.push("every message takes the least time".to_owned());
    }
    if let Some(wait) = shrunk.plan.wait_ms {
        lines.push(format!("the test waits for at most {wait} ms at a time"));
    }
    let resting: Vec<String> = shrunk.plan.rest.iter().map(|client| format!("c{client}")).collect();
    if !resting.is_empty() {
        let verb = if resting.len() == 1 { "does" } else { "do" };
        lines.push(format!("{} {verb} nothing", resting.join(", ")));
    }
    lines
}

fn notes(shrunk: &ShrunkLine) -> Vec<String> {
    let exhausted =
        shrunk.exhausted.then(|| "There may be a smaller one: --runs allows for a longer search.".to_owned());
    shrunk.note.iter().cloned().chain(exhausted).collect()
}

/// A label and its text, wrapped; a label that was said already is left out.
pub(crate) fn row(out: &mut String, label: &str, text: &str) {
    let first = format!("  {label:<12}");
    let again = out.lines().rev().find(|line| line.len() > 2 && !line.starts_with("   "));
    let label = if again.is_some_and(|line| line.starts_with(&first)) { "" } else { label };
    let first = format!("  {label:<12}");
    let options = Options::new(78).initial_indent(&first).subsequent_indent("              ");
    let options = options.word_splitter(WordSplitter::NoHyphenation);
    out.push_str(&format!("{}\n", textwrap::fill(text, options).replace('\u{a0}', " ")));
}
