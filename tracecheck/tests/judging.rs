//! The judge's interface, and what it makes of broken input.

use crate::builder::{Script, s};
use crate::builder_kv::{done, op, put};
use crate::cases::all;
use tracecheck::schema::{Kind, Node};
use tracecheck::{End, Judge, Overall, Verdict, judge_text, rules};

#[test]
fn rules_can_be_chosen() {
    let script = Script::started(3).end();
    let judge = Judge::with_rules(&script.header, &["E3", "T1"]).expect("both exist");
    let verdicts = judge.finish(End::Complete);
    assert_eq!(
        verdicts.iter().map(|(info, _)| info.id).collect::<Vec<_>>(),
        ["T1", "E3"],
        "in catalogue order"
    );
    let error = Judge::with_rules(&script.header, &["E3", "E33"]).err().expect("there is no E33");
    assert_eq!(error.to_string(), "no rule is called `E33`; did you mean E3?");
    let error = Judge::with_rules(&script.header, &["nonsense"]).err().expect("there is no such rule");
    assert_eq!(error.to_string(), "no rule is called `nonsense`; `tracecheck rules` lists them all");
    let all_but_one = Judge::new(&script.header).without("E3").without("no such rule").finish(End::Complete);
    assert_eq!(all_but_one.iter().count(), rules().len() - 1);
}

#[test]
fn fail_beats_unknown_beats_pass() {
    let mut script = Script::started(3);
    script.election(1, 2, 1);
    let overall = |script: &Script| judge_text(&script.text()).expect("a script is a trace").1.overall();
    assert_eq!(overall(&script), Overall::Unknown, "no RunEnd");
    assert_eq!(overall(&script.clone().end()), Overall::Pass);
    assert_eq!(overall(&script.clone().stopped()), Overall::Pass);
    script.elected(1, 1);
    assert_eq!(overall(&script), Overall::Fail);
}

/// A rule that failed keeps its first violation, and the others go on.
#[test]
fn the_first_violation_of_each_rule_is_kept() {
    let mut script = Script::started(3);
    script.election(1, 2, 1);
    script.elected(1, 1);
    script.elected(1, 1);
    script.timeout(3);
    script.timeout(3);
    let mut judge = Judge::new(&script.header);
    let found: Vec<String> = script
        .records
        .iter()
        .filter_map(|record| judge.observe(record))
        .map(|one| one.rule.id.to_owned())
        .collect();
    assert_eq!(found, ["E6", "S3"]);
    let verdicts = judge.finish(End::Stopped);
    assert_eq!(verdicts.failed().map(|one| one.rule.id).collect::<Vec<_>>(), ["S3", "E6"]);
}

/// A judge that sees every record as it happens has every cause in time.
#[test]
fn online_a_missing_cause_fails_at_once() {
    let mut script = Script::started(3);
    let message = script.send(1, Kind::AppendReply, 2, 0);
    let recv = script.recv(2, message);
    script.remove(message);
    let mut judge = Judge::new(&script.header);
    let found: Vec<_> = script.records.iter().filter_map(|record| judge.observe(record)).collect();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].rule.id, found[0].witnesses[0].at), ("T2", recv));
}

/// A gap makes every rule but T1 unknown: nobody knows what is in it.
#[test]
fn a_gap_leaves_nothing_certain() {
    let mut script = Script::started(3);
    script.skip(s(3), 1);
    script.election(1, 2, 1);
    script.heartbeat(1, 3, 1);
    let (_, verdicts) = judge_text(&script.end().text()).expect("a script is a trace");
    for (info, verdict) in verdicts.iter() {
        match info.id {
            "T1" => assert!(matches!(verdict, Verdict::Fail(_))),
            _ => assert!(matches!(verdict, Verdict::Unknown(_)), "{} {verdict:?}", info.id),
        }
    }
}

/// Whatever is done to the bytes of a trace, the outcome is verdicts or an error.
#[test]
fn no_input_makes_it_panic() {
    let mut state = 7_u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below.max(1)
    };
    let pieces =
        ["18446744073709551615", "0", "4294967295", "\"s255\"", "null", "-1", "{", "}", "\n", "é", "[]"];
    for case in all() {
        let text = case.script.text();
        for _ in 0..60 {
            let mut broken: Vec<char> = text.chars().collect();
            for _ in 0..=random(3) {
                let at = random(broken.len());
                match random(4) {
                    0 if broken.is_empty() => {}
                    0 => drop(broken.remove(at)),
                    1 => broken.truncate(at + 1),
                    // A number, usually: this is what makes traces that read well and mean nonsense.
                    2 => {
                        let digit = (at..broken.len()).find(|index| broken[*index].is_ascii_digit());
                        let Some(digit) = digit else { continue };
                        broken.splice(digit..=digit, pieces[random(3)].chars());
                    }
                    _ => drop(broken.splice(at..at, pieces[random(pieces.len())].chars())),
                }
            }
            let broken: String = broken.into_iter().collect();
            if let Ok((_, verdicts)) = judge_text(&broken) {
                let _ = verdicts.overall();
            }
        }
    }
}

/// Records that a judge is fed by hand may have any stamps.
#[test]
fn no_stamp_makes_it_panic() {
    let script = Script::started(3);
    let numbers = [0, 1, 2, u64::MAX - 1, u64::MAX];
    let mut judge = Judge::new(&script.header);
    for inc in [0, 1, 2, u32::MAX] {
        for seq in numbers {
            for node in
                [Node::Run, Node::Net, s(1).into(), s(0).into(), s(255).into(), Node::Client(u32::MAX)]
            {
                let mut record = script.records[0].clone();
                (record.at.node, record.at.inc, record.at.seq) = (node, inc, seq);
                judge.observe(&record);
            }
        }
    }
    assert_eq!(judge.finish(End::Complete).overall(), Overall::Fail);
}

/// A server that comes back applies a long log in one step, before its service executes any of it.
#[test]
fn a_long_log_is_applied_at_once() {
    let mut script = Script::coordinated();
    let (last, call) = (1_500, put("x", "a"));
    (2..=last).for_each(|index| {
        script.apply(1, index, index);
    });
    for index in 2..=last {
        script.invoke(op(1, index), call.clone());
        script.executes(1, (index, index), op(1, index), &call, done());
    }
    let k5 = |script: &Script| {
        let mut judge = Judge::with_rules(&script.header, &["K5"]).expect("it exists");
        script.records.iter().for_each(|record| drop(judge.observe(record)));
        judge.finish(End::Complete).get("K5").cloned()
    };
    assert_eq!(k5(&script), Some(Verdict::Pass(last - 1)));
    script.apply(1, last + 1, 7);
    script.apply(1, last + 2, 8);
    script.invoke(op(1, last + 1), call.clone());
    script.executes(1, (last + 2, 8), op(1, last + 1), &call, done());
    assert!(matches!(k5(&script), Some(Verdict::Fail(_))), "what is left out after that is seen");
}
