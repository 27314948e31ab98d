//! What a student reads when a run fails: one screen of plain text, complete without colour.
//!
//! The order is fixed: what was tried, what happened and what should have, which rule that broke, the few
//! events that show it, what every server believed at the end, and how to see it again. What happened comes
//! before the rule, because a student knows servers and messages before the rules' vocabulary.

use crate::line::CauseKind;
use crate::run::Dead;
use crate::{Run, Scenario, guarantee, rows, twice};
use tracecheck::Witness;
use tracecheck_schema::{Node, Role, Server, State};

/// Why a run failed: labelled sentences, and which events show it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: CauseKind,
    /// The first one says what happened.
    pub(crate) lines: Vec<(&'static str, String)>,
    pub(crate) focus: Focus,
    /// The rule that was broken, if it was one.
    pub(crate) rule: Option<&'static str>,
    /// Whether the run itself passed, and only its repetition did not agree with it.
    pub(crate) passed: bool,
}

/// Which events a report shows.
#[derive(Debug)]
pub(crate) enum Focus {
    Nothing,
    /// These, and what led to them.
    Witnesses(Vec<Witness>),
    /// These, which only say how things stood when time was up, and what their servers had tried before that.
    Turns(Vec<Witness>),
    /// The last ones before the end: of that node, or of everybody.
    Before(Option<Node>),
}

/// A failed run as the report sees it.
pub(crate) struct Sight<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) seed: u64,
    pub(crate) run: &'a Run,
    /// Where a second run with the same seed differed, if it did.
    pub(crate) difference: Option<&'a String>,
    /// What shows it again, if a replay of the scenario does not.
    pub(crate) command: Option<&'a str>,
    /// The trace file, or why there is none; nothing for a run that cannot be replayed (a planted one).
    pub(crate) trace: Option<Result<String, String>>,
}

/// How wide a report may be.
pub(crate) const WIDTH: usize = 80;
const LABEL: usize = 14;
/// A space at which no line is broken.
const GLUE: &str = "\u{a0}";

/// The report.
pub(crate) fn render(sight: &Sight<'_>, failure: &Failure) -> String {
    let Sight { scenario, seed, run, difference, command, trace } = sight;
    let verdict = match difference {
        Some(_) if failure.passed => ", is not reproducible here",
        Some(_) => ", failed, and is not reproducible here",
        None => ", failed",
    };
    let seed = if command.is_some() { String::new() } else { format!(", seed {seed}") };
    let mut out = format!("{}{seed}{verdict}\n\n", scenario.name);
    line(&mut out, "tried", &tried(scenario));
    for (label, text) in &failure.lines {
        line(&mut out, label, text);
    }
    let rows = rows::render(run, &failure.focus);
    if !rows.is_empty() {
        out.push_str(&format!("\n{}", textwrap::indent(&rows, "  ")));
        if !rows.ends_with('\n') {
            out.push('\n');
        }
    }
    out.push('\n');
    let believed = believed(run);
    if !believed.is_empty() {
        line(&mut out, "at the end", &believed);
    }
    if let Some(difference) = difference {
        line(
            &mut out,
            "differs",
            &format!("The same seed was run again and gave another trace. {difference}"),
        );
        line(&mut out, "why", guarantee::lacks().unwrap_or(twice::WHY));
    }
    if let Some(trace) = trace {
        again(&mut out, sight, failure.rule, trace);
    }
    out
}

/// How to see it again. A path or a command is copied as a whole: these lines are never wrapped.
fn again(out: &mut String, sight: &Sight<'_>, rule: Option<&str>, trace: &Result<String, String>) {
    let Sight { scenario, seed, .. } = sight;
    match sight.command {
        Some(command) => unwrapped(out, "again", command),
        None => {
            unwrapped(out, "seed", &seed.to_string());
            unwrapped(out, "replay", &format!("cargo labs replay {} {seed}", scenario.name));
        }
    }
    if let Some(rule) = rule {
        unwrapped(out, "the rule", &format!("cargo tracecheck explain {rule}"));
    }
    match trace {
        Ok(path) => {
            unwrapped(out, "trace", path);
            unwrapped(out, "", &format!("cargo tracecheck log {path}"));
        }
        Err(sentence) => line(out, "trace", sentence),
    }
}

/// The report of a run of which nothing is left.
pub(crate) fn lost(scenario: &Scenario, seed: u64, dead: &Dead) -> String {
    let (verdict, label, what, next) = match dead {
        Dead::Kit(panic) => (
            "could not be run",
            "kit",
            format!("The test kit itself panicked: {panic}"),
            "This is a fault of the kit, not of your code. Please report it with the line above.",
        ),
        Dead::Stuck(sentence) => (
            "failed",
            "stuck",
            sentence.clone(),
            "It could be saved no better: this happened in the middle of the kit's own work.",
        ),
        Dead::Silent(sentence) => (
            "was not judged",
            "not judged",
            format!("{sentence}. It was tried twice, the second time alone."),
            "This says nothing about your code, unless it waits for something outside: a file, a socket, standard \
             input. If the machine was busy, run it again by itself.",
        ),
    };
    let mut out = format!("{}, seed {seed}, {verdict}\n\n", scenario.name);
    line(&mut out, label, &what);
    line(&mut out, "you", next);
    unwrapped(&mut out, "replay", &format!("cargo labs replay {} {seed}", scenario.name));
    out
}

/// The scenario's sentence with its source.
pub(crate) fn tried(scenario: &Scenario) -> String {
    cited(scenario.sentence, scenario.source)
}

/// A sentence with where it comes from, before its full stop. Of a list of sources, the first will do.
pub(crate) fn cited(sentence: &str, source: &str) -> String {
    let first = source.split(['(', ';', ',']).next().unwrap_or(source).trim();
    format!("{} ({first}).", sentence.trim_end_matches('.'))
}

/// Appends a labelled text, wrapped under its label.
fn line(out: &mut String, label: &str, text: &str) {
    let first = format!("  {label:<width$}", width = LABEL - 2);
    let rest = " ".repeat(LABEL);
    let options = textwrap::Options::new(WIDTH).initial_indent(&first).subsequent_indent(&rest);
    // `pre-candidate` and `lab2a-7.jsonl` are one word each.
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    out.push_str(&textwrap::fill(text, options).replace(GLUE, " "));
    out.push('\n');
}

fn unwrapped(out: &mut String, label: &str, text: &str) {
    out.push_str(&format!("  {label:<width$}{text}\n", width = LABEL - 2));
}

/// What each server believed last, in one line. Those that the test plays believe what the test needs.
fn believed(run: &Run) -> String {
    let (played, real): (Vec<Server>, Vec<Server>) =
        run.header.servers.iter().partition(|server| run.header.scripted.contains(server));
    let last = |server| {
        let states = run.records.iter().rev().filter(|record| record.server() == Some(server));
        let state = states.filter_map(|record| record.state).next();
        state.map(|state| format!("{server} {}", belief(&state)).replace(' ', GLUE))
    };
    let mut believed: Vec<String> = real.into_iter().filter_map(last).collect();
    if !believed.is_empty() && !played.is_empty() {
        let played: Vec<String> = played.iter().map(Server::to_string).collect();
        believed.push(format!("{} played by the test", played.join(", ")).replace(' ', GLUE));
    }
    believed.join(&format!("{GLUE}· "))
}

fn belief(state: &State) -> String {
    let role = match state.role {
        Role::Follower => "follower",
        Role::PreCandidate => "pre-candidate",
        Role::Candidate => "candidate",
        Role::Leader => "leader",
    };
    let mut text = format!("{role} t{}", state.term);
    if let Some(leader) = state.leader_id.filter(|_| state.role == Role::Follower) {
        text.push_str(&format!(" of {leader}"));
    }
    if state.last_index > 0 {
        text.push_str(&format!(
            " log {}@t{} commit {}",
            state.last_index, state.last_term, state.commit_index
        ));
    }
    text
}
