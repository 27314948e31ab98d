//! What counts as a failure, and the sentences that say so.

use crate::line::CauseKind;
use crate::report::{Failure, Focus, cited};
use crate::{Ending, Run, Scenario, stuck};
use labrpc_sim::Misuse;
use tracecheck::{Verdict, Violation};
use tracecheck_schema::Node;

/// Why the run does not pass, or nothing if it does.
pub(crate) fn failure(scenario: &Scenario, run: &Run) -> Option<Failure> {
    match &run.ending {
        Ending::Completed => verdicts(scenario, run),
        Ending::Violation(violation) => Some(violated(violation)),
        Ending::Expectation(expectation) => Some(Failure {
            kind: CauseKind::Expectation,
            lines: vec![
                ("happened", expectation.sentence.clone()),
                ("should", cited(&expectation.expected, &expectation.source)),
            ],
            focus: Focus::Turns(expectation.witnesses.clone()),
            rule: None,
            passed: false,
        }),
        Ending::NotImplemented { what, place } => Some(Failure {
            kind: CauseKind::NotImplemented,
            lines: vec![("missing", format!("{what} ({place})"))],
            focus: Focus::Nothing,
            rule: None,
            passed: false,
        }),
        Ending::Panic { node, t_ns, message, place } => Some(panicked(*node, *t_ns, message, place)),
        Ending::Misused { node, t_ns, what, place } => Some(misused(*node, *t_ns, *what, place.as_deref())),
        Ending::Stuck(rest) => Some(Failure {
            kind: CauseKind::Stuck,
            lines: vec![("stuck", stuck::sentence(rest)), ("instead", stuck::remedy(rest.why).to_owned())],
            focus: Focus::Before(rest.present.map(|(node, _)| node)),
            rule: None,
            passed: false,
        }),
        Ending::Deadlock(sentence) => Some(standstill(CauseKind::Deadlock, "deadlock", sentence)),
        Ending::Livelock(sentence) => Some(standstill(CauseKind::Livelock, "endless", sentence)),
        Ending::TimeUp(sentence) => Some(standstill(CauseKind::TimeUp, "time is up", sentence)),
    }
}

fn standstill(kind: CauseKind, label: &'static str, sentence: &str) -> Failure {
    Failure {
        kind,
        lines: vec![(label, sentence.to_owned())],
        focus: Focus::Before(None),
        rule: None,
        passed: false,
    }
}

fn panicked(node: Node, t_ns: u64, message: &str, place: &str) -> Failure {
    let time = crate::rows::time(t_ns);
    // The driver says so where a core's effects cannot be carried out. Its own place would send students into
    // the kit; which server it was is said here.
    let absurd = message.strip_prefix("the core of ").and_then(|rest| rest.split_once(" made no sense: "));
    let lines = match absurd {
        Some((_, what)) => vec![(
            "absurd",
            format!("Your core asked for something that cannot be done: {what} ({node} at {time})."),
        )],
        None => vec![("panicked", format!("{node} at {time}: {message}")), ("place", place.to_owned())],
    };
    Failure { kind: CauseKind::Panic, lines, focus: Focus::Before(Some(node)), rule: None, passed: false }
}

fn misused(node: Node, t_ns: u64, what: Misuse, place: Option<&str>) -> Failure {
    let (what, remedy) = stuck::misuse(what);
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    let sentence = format!("{node} at {} {what}{place}.", crate::rows::time(t_ns));
    Failure {
        kind: CauseKind::Misused,
        lines: vec![("stuck", sentence), ("instead", remedy.to_owned())],
        focus: Focus::Before(Some(node)),
        rule: None,
        passed: false,
    }
}

fn violated(violation: &Violation) -> Failure {
    let rule = violation.rule;
    let mut lines = vec![("happened", violation.sentence.clone())];
    lines.extend(violation.expected.clone().map(|expected| ("should", expected)));
    lines.push(("broke", format!("{}: {}", rule.id, cited(rule.sentence, rule.source))));
    Failure {
        kind: CauseKind::Rule,
        lines,
        focus: Focus::Witnesses(violation.witnesses.clone()),
        rule: Some(rule.id),
        passed: false,
    }
}

/// A completed run still fails on a rule that failed at the end, stayed undecided, or was not exercised.
fn verdicts(scenario: &Scenario, run: &Run) -> Option<Failure> {
    let mut undecided = None;
    for (rule, verdict) in run.verdicts.iter() {
        match verdict {
            Verdict::Fail(violation) => return Some(violated(violation)),
            Verdict::Unknown(why) if undecided.is_none() => undecided = Some((rule.id, why)),
            _ => {}
        }
    }
    if let Some((id, why)) = undecided {
        return Some(Failure {
            kind: CauseKind::Undecided,
            lines: vec![
                ("undecided", format!("{id}: {why}")),
                (
                    "should",
                    "A run counts only if every rule could be judged: unknown is not a pass.".to_owned(),
                ),
            ],
            focus: Focus::Nothing,
            rule: Some(id),
            passed: false,
        });
    }
    for id in scenario.rules {
        let what = match run.verdicts.get(id) {
            Some(Verdict::Pass(obligations)) if *obligations > 0 => continue,
            Some(_) => format!("This scenario must exercise {id}, but nothing in the run triggered it."),
            None => format!(
                "This scenario must exercise {id}, but the judge knows no such rule: a fault of the kit."
            ),
        };
        let why = "A rule that nothing triggers is not shown to hold. Does the code reach this step at all?";
        return Some(Failure {
            kind: CauseKind::Missed,
            lines: vec![("missed", what), ("why", why.to_owned())],
            focus: Focus::Nothing,
            rule: Some(id),
            passed: false,
        });
    }
    None
}
