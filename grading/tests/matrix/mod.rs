//! What a person reads of a kill matrix, from made-up results.

use crate::{expectation, head, line, mutant, rule};
use grading::bench::Tried;
use grading::line::{Finding, Head, MutantLine, MutantVerdict, Seen};
use grading::{matrix, mutants};

fn tried(findings: Vec<Finding>) -> Tried {
    Tried { findings, runs: 40, compiler: None, build_ms: 1, run_ms: 1 }
}

fn seen(scenario: &str, seen: Seen) -> Finding {
    Finding { scenario: scenario.to_owned(), seeds: 1, seen, report: None }
}

#[test]
fn the_whole_text() {
    let names = [mutant("01-votes-twice", &["E3"]), mutant("02-a-very-long-name-of-a-mutant", &["E3"])];
    let lines = [
        line(
            "01-votes-twice",
            MutantVerdict::Killed,
            vec![
                rule("lab2a_02_votes_once", 1, "E3"),
                rule("lab2b_01_agree", 10, "E3"),
                expectation("lab2b_05_figure8", 2),
            ],
        ),
        line("02-a-very-long-name-of-a-mutant", MutantVerdict::Survived, vec![]),
    ];
    let expected = "\
\u{20}                   2a 2b
                    00 00
                    12 15
01 votes-twice      ·1 +2
02 a-very-long-name ·· ··

A digit: so many seeds until the scenario failed; + more than nine; · it passed
with all of them; ? it gave no verdict.

mutant                     seeds   wall  named by (scenarios)
01-votes-twice                 1    4 s  E3 (2), scenario (1)
02-a-very-long-name-of-a-m     –    4 s  SURVIVED; expected E3

02-a-very-long-name-of-a-mutant: A server votes again in a term in which it has
voted. (§5.2) No scenario sees it. E3 should.

1 of 2 mutants killed by 4 scenarios, after 1 of 10 seeds in the median. 1
survived. 6 s of work, 2 s of it building.
";
    assert_eq!(matrix::human(&[head()], &names, &lines), expected);
}

#[test]
fn too_many_scenarios_go_into_blocks_of_whole_parts() {
    let part =
        |part: &str, count| (1..=count).map(move |n| format!("lab{part}_{n:02}_x")).collect::<Vec<_>>();
    let scenarios = [part("2a", 30), part("2b", 28), part("2c", 3)].concat();
    let text =
        matrix::matrix(&Head { scenarios, ..head() }, &[line("01-x", MutantVerdict::Survived, vec![])]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(text.matches("01 x").count(), 2, "two blocks:\n{text}");
    let second = text.split_once("\n\n").map(|(_, second)| second.trim_start().starts_with("2c\n"));
    assert_eq!(second, Some(true), "no part is torn:\n{text}");
}

#[test]
fn what_findings_add_up_to() {
    let verdict = |expect: &[&str], findings| {
        let line = mutants::line(&mutant("01-x", expect), tried(findings));
        (line.verdict, line.seeds, line.as_expected, line.is_fine())
    };
    use MutantVerdict::{Killed, NotJudged, Survived};
    let e3 = || rule("lab2a_02_votes_once", 3, "E3");
    assert_eq!(
        verdict(&["E3"], vec![rule("lab2a_01_first_leader", 5, "E4"), e3()]),
        (Killed, Some(3), true, true)
    );
    assert_eq!(verdict(&["E4", "lab2a_02_votes_once"], vec![e3()]), (Killed, Some(3), true, true));
    assert_eq!(verdict(&["E4"], vec![e3()]), (Killed, Some(3), false, false), "named by another rule");
    assert_eq!(verdict(&["E3"], vec![]), (Survived, None, false, false));
    assert_eq!(verdict(&[], vec![]), (Survived, None, true, true), "equivalent");
    assert_eq!(verdict(&[], vec![e3()]), (Killed, Some(3), false, false), "said to be equivalent");

    // Neither silence nor a fault of the kit is a kill.
    let silent = seen("lab2a_01_first_leader", Seen::NotJudged("no verdict within 60 s".to_owned()));
    assert_eq!(verdict(&["E3"], vec![silent.clone()]), (NotJudged, None, false, false));
    assert_eq!(verdict(&[], vec![silent.clone()]), (NotJudged, None, false, false), "nor a survival");
    assert_eq!(verdict(&["E3"], vec![silent, e3()]), (Killed, Some(3), true, true));
    let mut kit = e3();
    let Seen::Failed(cause) = &mut kit.seen else { unreachable!("it was made so") };
    cause.kind = scenario::line::CauseKind::Kit;
    assert_eq!(verdict(&["lab2a_02_votes_once"], vec![kit]), (NotJudged, None, false, false));
    let died = seen("lab2a_01_first_leader", Seen::Died("the test program died".to_owned()));
    assert_eq!(verdict(&["lab2a_01_first_leader"], vec![died]), (Killed, Some(1), true, true));
}

#[test]
fn what_does_not_compile_is_no_kill() {
    let broken = Tried { compiler: Some("error: no such field".to_owned()), ..tried(vec![]) };
    let line = mutants::line(&mutant("01-x", &["E3"]), broken);
    assert!(line.verdict == MutantVerdict::NotBuilt && !line.is_fine());
    let text = matrix::human(&[head()], &[mutant("01-x", &["E3"])], &[line]);
    assert!(text.contains("DOES NOT COMPILE") && text.contains("  | error: no such field"), "{text}");
    assert!(text.contains("0 of 1 mutants killed by 4 scenarios. 1 not compiled."), "{text}");
}

#[test]
fn each_package_has_a_matrix_of_its_own() {
    let other = |mut one: MutantLine| {
        one.package = "kvserver".to_owned();
        one
    };
    let lines = [
        line("01-votes-twice", MutantVerdict::Killed, vec![rule("lab2a_02_votes_once", 1, "E3")]),
        other(line("34-twice", MutantVerdict::Killed, vec![rule("lab1_04_lost_reply", 2, "K5")])),
    ];
    let scenarios = vec!["lab1_04_lost_reply".to_owned()];
    let heads = [head(), Head { package: "kvserver".to_owned(), scenarios, ..head() }];
    let names = [mutant("01-votes-twice", &["E3"]), mutant("34-twice", &["K5"])];
    let text = matrix::human(&heads, &names, &lines);
    assert!(text.contains("1 of 1 mutants killed by 4 scenarios"), "{text}");
    assert!(text.contains("1 of 1 mutants killed by 1 scenarios"), "{text}");
    assert_eq!(text.matches("34 twice").count(), 1, "{text}");
}
