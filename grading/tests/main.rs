//! `cargo grade` tested from outside. Nothing here builds a mutant: `cargo grade page --check` does, in the gate.

mod cli;
mod corpus;
mod matrix;
mod page;

use grading::corpus::Mutant;
use grading::edit::Edit;
use grading::line::{Finding, Head, MutantLine, MutantVerdict, Seen};
use scenario::line::{Cause, CauseKind};

fn edit() -> Edit {
    Edit { file: "raft/src/core/election.rs".to_owned(), old: "yes".to_owned(), new: "no".to_owned() }
}

fn mutant(id: &str, expect: &[&str]) -> Mutant {
    Mutant {
        id: id.to_owned(),
        package: "raft".to_owned(),
        sentence: "A server votes again in a term in which it has voted.".to_owned(),
        paper: "§5.2".to_owned(),
        expect: expect.iter().map(|name| (*name).to_owned()).collect(),
        equivalent: expect.is_empty().then(|| "Nothing reads it.".to_owned()),
        kit: false,
        explore: None,
        edits: vec![edit()],
    }
}

fn head() -> Head {
    let names = ["lab2a_01_first_leader", "lab2a_02_votes_once", "lab2b_01_agree", "lab2b_05_figure8"];
    Head {
        package: "raft".to_owned(),
        code: "c0de".to_owned(),
        corpus: "feed".to_owned(),
        seeds: 10,
        scenarios: names.map(str::to_owned).to_vec(),
    }
}

fn rule(scenario: &str, seeds: u64, rule: &str) -> Finding {
    let sentence = format!("{rule} was broken.");
    let cause = Cause { kind: CauseKind::Rule, rule: Some(rule.to_owned()), sentence };
    Finding { scenario: scenario.to_owned(), seeds, seen: Seen::Failed(cause), report: None }
}

fn expectation(scenario: &str, seeds: u64) -> Finding {
    let sentence = "Nobody was elected for 5 s.".to_owned();
    let cause = Cause { kind: CauseKind::Expectation, rule: None, sentence };
    Finding { scenario: scenario.to_owned(), seeds, seen: Seen::Failed(cause), report: None }
}

fn line(id: &str, verdict: MutantVerdict, findings: Vec<Finding>) -> MutantLine {
    MutantLine {
        id: id.to_owned(),
        package: "raft".to_owned(),
        verdict,
        seeds: findings.iter().filter(|finding| finding.kills()).map(|finding| finding.seeds).min(),
        expect: vec!["E3".to_owned()],
        as_expected: true,
        equivalent: false,
        findings,
        compiler: None,
        build_ms: 1_400,
        run_ms: 2_000,
    }
}
