//! Every case of every rule, and what must hold of the catalogue.

use crate::builder::Script;
use crate::cases::{Case, Expect, all};
use std::collections::BTreeSet;
use tracecheck::{End, Judge, Verdict, Verdicts, judge_text, rule, rules};

fn judge(script: &Script, without: Option<&str>) -> Verdicts {
    let judge = Judge::new(&script.header);
    let mut judge = match without {
        Some(id) => judge.without(id),
        None => judge,
    };
    for record in &script.records {
        judge.observe(record);
    }
    let end = judge.end();
    judge.finish(end)
}

/// The verdicts as a file's, where causes may come late.
fn judge_file(script: &Script) -> Verdicts {
    judge_text(&script.text()).expect("a script is a trace").1
}

fn describe(verdict: Option<&Verdict>) -> String {
    match verdict {
        Some(Verdict::Fail(violation)) => {
            let witnesses = violation.witnesses.iter().map(|one| format!("\n    {} {}", one.at, one.note));
            format!("Fail {}{}", violation.sentence, witnesses.collect::<String>())
        }
        other => format!("{other:?}"),
    }
}

fn agrees(expect: &Expect, verdict: Option<&Verdict>) -> bool {
    match (expect, verdict) {
        (Expect::Pass(met), Some(Verdict::Pass(found))) => met == found,
        (Expect::Vacuous, Some(Verdict::Vacuous)) => true,
        (Expect::Unknown(part), Some(Verdict::Unknown(why))) => why.contains(part),
        (Expect::Fail(sentence, witnesses), Some(Verdict::Fail(violation))) => {
            let found: Vec<String> =
                violation.witnesses.iter().map(|one| format!("{} {}", one.at, one.note)).collect();
            violation.sentence == *sentence && found == *witnesses
        }
        _ => false,
    }
}

#[test]
fn every_rule_says_of_its_traces_what_it_must() {
    let mut wrong = Vec::new();
    for Case { rule, name, expect, script } in all() {
        let verdicts = judge_file(&script);
        if !agrees(&expect, verdicts.get(rule)) {
            wrong
                .push(format!("{rule}, {name}:\n  want {expect:?}\n  got  {}", describe(verdicts.get(rule))));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// Online and offline say the same wherever every cause came in time.
#[test]
fn online_says_what_offline_says() {
    for Case { rule, name, script, .. } in all() {
        if rule != "T2" {
            assert_eq!(judge(&script, None).get(rule), judge_file(&script).get(rule), "{rule}, {name}");
        }
    }
}

/// What breaks one rule and then necessarily another one: a disk that forgets its term or its vote.
const ALSO: [(&str, &str); 3] = [("E1", "L9"), ("E3", "L9"), ("L9", "E1")];

/// A failing trace fails because of its rule alone; switched off, the rule catches nothing.
#[test]
fn a_failing_trace_fails_by_its_rule_alone() {
    let fails = |case: &Case| matches!(case.expect, Expect::Fail(..));
    for Case { rule, name, script, .. } in all().into_iter().filter(fails) {
        let verdicts = judge(&script, Some(rule));
        assert!(verdicts.get(rule).is_none(), "{rule} is switched off");
        let alone = |one: &&tracecheck::Violation| !ALSO.contains(&(rule, one.rule.id));
        let others: Vec<String> = verdicts.failed().filter(alone).map(ToString::to_string).collect();
        assert!(others.is_empty(), "{rule}, {name}: also {others:?}");
    }
}

/// A trace that a rule passes violates no other rule either: what the tests call correct is correct.
#[test]
fn a_passing_trace_breaks_no_rule() {
    let passes = |case: &Case| matches!(case.expect, Expect::Pass(_) | Expect::Vacuous);
    for Case { rule, name, script, .. } in all().into_iter().filter(passes) {
        let failed: Vec<String> = judge_file(&script).failed().map(ToString::to_string).collect();
        assert!(failed.is_empty(), "{rule}, {name}: {failed:?}");
    }
}

/// The violation is returned with the very record that completes it.
#[test]
fn a_violation_is_returned_when_it_is_complete() {
    // T1 counts all records, T2 waits for late causes, E8 for the step's end, K2 for the client's, and K6 for the
    // whole history: those only the end decides.
    let at_the_end = ["T1", "T2", "E8", "K2", "K6"];
    for Case { rule, name, expect, script } in all() {
        if !matches!(expect, Expect::Fail(..)) {
            continue;
        }
        let mut judge = Judge::with_rules(&script.header, &[rule]).expect("the rule exists");
        let found =
            script.records.iter().find_map(|record| judge.observe(record).map(|one| (record.at, one)));
        match found {
            Some((at, violation)) => {
                let last = violation.witnesses.last().map(|witness| witness.at);
                assert!(last == Some(at) || at_the_end.contains(&rule), "{rule}, {name}: {at} {last:?}");
            }
            None => assert!(at_the_end.contains(&rule), "{rule}, {name}: only at the end"),
        }
    }
}

#[test]
fn every_rule_has_traces_that_pass_fail_and_are_unknown() {
    let cases = all();
    for info in rules() {
        let has = |wanted: fn(&Expect) -> bool| {
            cases.iter().any(|case| case.rule == info.id && wanted(&case.expect))
        };
        assert!(has(|expect| matches!(expect, Expect::Pass(_))), "{} has no passing trace", info.id);
        assert!(has(|expect| matches!(expect, Expect::Fail(..))), "{} has no failing trace", info.id);
        assert!(has(|expect| matches!(expect, Expect::Unknown(_))), "{} has no unknown trace", info.id);
    }
    let known: BTreeSet<&str> = rules().iter().map(|info| info.id).collect();
    assert!(cases.iter().all(|case| known.contains(case.rule)), "every case has a rule");
    assert_eq!(known.len(), rules().len(), "ids are unique");
}

/// The examples of the catalogue are the first failing traces. `UPDATE_EXAMPLES=1` writes them anew.
#[test]
fn every_example_violates_its_rule_and_no_other() {
    let cases = all();
    for info in rules() {
        let first = cases.iter().find(|case| case.rule == info.id && matches!(case.expect, Expect::Fail(..)));
        let text = first.expect("every rule has a failing trace").script.text();
        if std::env::var_os("UPDATE_EXAMPLES").is_some() {
            let path = format!("{}/src/rules/examples/{}.jsonl", env!("CARGO_MANIFEST_DIR"), info.id);
            std::fs::write(&path, &text).expect("the example is written");
            continue;
        }
        assert_eq!(info.example, text, "{}: run this test with UPDATE_EXAMPLES=1", info.id);
        let (_, verdicts) = judge_text(info.example).expect("an example is a trace");
        let failed: Vec<&str> = verdicts.failed().map(|violation| violation.rule.id).collect();
        assert_eq!(failed, [info.id]);
    }
}

#[test]
fn every_rule_is_explained() {
    for info in rules() {
        let lines = info.explanation.lines().count();
        assert!((3..=8).contains(&lines), "{}: {lines} lines", info.id);
        assert!(info.explanation.lines().all(|line| line.chars().count() <= 115), "{}: a long line", info.id);
        assert!(info.sentence.ends_with('.') && !info.source.is_empty(), "{}", info.id);
        assert_eq!(rule(info.id), Some(info));
    }
}

/// A trace without RunEnd proves nothing but violations.
#[test]
fn a_truncated_trace_leaves_fail_and_unknown_only() {
    for Case { rule, name, expect, mut script } in all() {
        script.records.retain(|record| record.at.node != tracecheck::schema::Node::Run);
        let mut judge = Judge::new(&script.header);
        script.records.iter().for_each(|record| drop(judge.observe(record)));
        for (info, verdict) in judge.finish(End::Truncated).iter() {
            assert!(matches!(verdict, Verdict::Fail(_) | Verdict::Unknown(_)), "{rule}, {name}: {}", info.id);
        }
        let _ = expect;
    }
}
