//! The table and what stands below it.

use labs::run::human;
use labs::table::{Row, compress, ranges};
use scenario::line::{Listed, RunLine, RunVerdict};

fn row(name: &str, runs: &[(u64, RunVerdict)], rules: &[&str], report: &str) -> Row {
    let run = |(seed, verdict): &(u64, RunVerdict)| RunLine {
        scenario: name.to_owned(),
        seed: *seed,
        verdict: *verdict,
        virtual_ns: 2_040_000_000 + seed * 10_000_000,
        rpcs: 86 + seed,
        bytes: 900,
        events: 529,
        rules: rules.iter().map(|id| ((*id).to_owned(), 3)).collect(),
        hash: None,
        cause: None,
        key: None,
        report: (*verdict != RunVerdict::Pass).then(|| report.to_owned()),
        trace: None,
        wall_us: None,
    };
    let scenario = Listed {
        name: name.to_owned(),
        part: "lab2a".to_owned(),
        sentence: "A leader is elected.".to_owned(),
        source: "§5.2".to_owned(),
        points: 10,
        rules: vec![],
        seeded: true,
    };
    Row { scenario, runs: runs.iter().map(run).collect() }
}

#[test]
fn a_table_with_failures() {
    use RunVerdict::{Fail, NotReproducible, Pass};
    let many = [
        "E1", "E2", "E3", "E4", "E6", "E8", "E10", "S1", "S2", "S3", "T1", "L1", "L3", "L5", "D1", "C1", "C2",
    ];
    let rows = [
        row("lab2a_01_first_leader", &[(0, Pass), (1, Pass)], &["E1", "E2", "E3", "E6"], ""),
        row(
            "lab2a_05_deaf",
            &[(0, Pass), (1, Fail), (2, NotReproducible)],
            &many,
            "lab2a_05_deaf, seed 1, failed\n\n  broke\n",
        ),
        row(
            "lab2a_06_stub",
            &[(0, Fail), (1, Fail)],
            &[],
            "not implemented: lab2a: vote: vote once (election.rs:3)",
        ),
        row("lab2a_07_too", &[(0, Fail)], &[], "not implemented: lab2a: vote: vote once (election.rs:3)"),
    ];
    let expected = "\
scenario                  seeds  virtual  RPCs  events  rules exercised
lab2a_01_first_leader       2/2    2.0 s    86     529  E1–E3 E6
lab2a_05_deaf          FAIL 1/3    2.0 s    87     529  C1 C2 D1 E1–E4 E6 E8 E10 L1 L3 L5 S1–S3 T1
lab2a_06_stub          FAIL 0/2    2.0 s    86     529
lab2a_07_too           FAIL 0/1    2.0 s    86     529

lab2a_05_deaf, seed 1, failed

  broke
  also failed with seed 2

not implemented: lab2a: vote: vote once (election.rs:3)
  stops lab2a_06_stub, lab2a_07_too

4 scenarios, 8 runs: 3 scenarios failed. 16 s of virtual time, 693 RPCs.
177 obligations of 17 rules met.
";
    assert_eq!(human(&rows), expected);
}

#[test]
fn a_long_list_of_rules_goes_on_below() {
    let many: Vec<String> = (1..60).step_by(2).map(|number| format!("E{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let out = human(&[row("lab2a_17_lossy_network", &[(0, RunVerdict::Pass)], &many, "")]);
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(out.contains("E1 E3 E5") && out.contains(" E59\n"), "{out}");
    assert!(out.ends_with("\n1 scenario, 1 run: all passed. 2 s of virtual time, 86 RPCs.\n90 obligations of 30 rules met.\n"), "{out}");
}

#[test]
fn seeds_in_short() {
    assert_eq!(
        ranges(&[1, 2, 3, 5, 7, 8, 20, 21, 22, u64::MAX]),
        "1–3, 5, 7, 8, 20–22, 18446744073709551615"
    );
    assert_eq!(ranges(&[]), "");
    let all: Vec<(u64, RunVerdict)> = (0..50).map(|seed| (seed, RunVerdict::Fail)).collect();
    let out = human(&[row("lab2a_05_deaf", &all, &[], "failed\n\n  broke")]);
    assert!(out.contains("\n  also failed with seeds 1–49\n"), "{out}");
    let odd: Vec<(u64, RunVerdict)> = (0..50).map(|seed| (seed * 2, RunVerdict::Fail)).collect();
    let out = human(&[row("lab2a_05_deaf", &odd, &[], "failed\n\n  broke")]);
    assert!(out.lines().all(|line| line.chars().count() <= 80) && out.contains("\n    "), "{out}");
}

#[test]
fn rule_ids_in_short() {
    let short = |ids: &[&str]| compress(ids.iter().copied());
    assert_eq!(short(&["E10", "E2", "E1", "E3", "L1", "L2"]), "E1–E3 E10 L1 L2");
    assert_eq!(short(&["E1", "E1", "any", "C1"]), "C1 E1 any");
    assert_eq!(short(&[]), "");
}
