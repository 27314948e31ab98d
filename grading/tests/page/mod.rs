//! The page: made from results of this very code and corpus, and read again.

use crate::{expectation, head, line, mutant, rule};
use grading::corpus::{Mutant, Variant};
use grading::line::{Head, Line, MutantLine, MutantVerdict, VariantLine, VariantVerdict};
use grading::page::{self, Material, Matrix, Prints, Row, check};
use std::path::Path;

fn prints() -> Prints {
    Prints {
        package: "raft".to_owned(),
        code: "c0de".to_owned(),
        mutants: "feed".to_owned(),
        variants: "beef".to_owned(),
    }
}

fn mutants() -> Vec<Mutant> {
    vec![mutant("01-votes-twice", &["E3"]), mutant("02-nobody|sees", &["E7"]), mutant("03-same", &[])]
}

fn lines() -> Vec<MutantLine> {
    let killed = vec![rule("lab2a_02_votes_once", 2, "E3"), expectation("lab2b_05_figure8", 4)];
    vec![
        line("01-votes-twice", MutantVerdict::Killed, killed),
        MutantLine { as_expected: false, ..line("02-nobody|sees", MutantVerdict::Survived, vec![]) },
        MutantLine { equivalent: true, ..line("03-same", MutantVerdict::Survived, vec![]) },
    ]
}

fn variant() -> Variant {
    Variant {
        id: "no-hint".to_owned(),
        package: "raft".to_owned(),
        sentence: "A refusal has no hint.".to_owned(),
        allows: "§5.3: the hint is an optimisation.".to_owned(),
        edits: vec![crate::edit()],
    }
}

fn tried() -> VariantLine {
    VariantLine {
        id: "no-hint".to_owned(),
        package: "raft".to_owned(),
        verdict: VariantVerdict::Failed,
        runs: 31_000,
        findings: vec![expectation("lab2b_13_backup", 3)],
        compiler: None,
        build_ms: 1,
        run_ms: 1,
    }
}

fn json(lines: impl IntoIterator<Item = Line>) -> String {
    lines.into_iter().map(|line| line.to_json() + "\n").collect()
}

fn printed(head: Head) -> String {
    let mutants = lines().into_iter().map(Line::Mutant);
    json(std::iter::once(Line::Matrix(head)).chain(mutants).chain([Line::End { count: 3 }]))
}

fn read(text: &str) -> Result<Matrix, String> {
    page::matrix(Path::new("m.jsonl"), text, &prints(), &mutants()).map_err(|stop| {
        assert_eq!(stop.code, 2, "{stop}");
        stop.sentence
    })
}

fn material() -> Material {
    let matrix = Matrix { head: head(), lines: lines() };
    Material { prints: prints(), mutants: mutants(), matrix, variants: None, soak: None }
}

#[test]
fn what_was_printed_is_read() {
    assert_eq!(read(&printed(head())), Ok(Matrix { head: head(), lines: lines() }));
}

#[test]
fn what_is_of_another_package_is_left_out() {
    let other = Head { package: "kvserver".to_owned(), code: "0ther".to_owned(), ..head() };
    let mut twice = line("34-twice", MutantVerdict::Killed, vec![rule("lab1_04_lost_reply", 2, "K5")]);
    twice.package = "kvserver".to_owned();
    let both = json(
        [Line::Matrix(other), Line::Matrix(head()), Line::Mutant(twice)]
            .into_iter()
            .chain(lines().into_iter().map(Line::Mutant))
            .chain([Line::End { count: 4 }]),
    );
    assert_eq!(read(&both), Ok(Matrix { head: head(), lines: lines() }));
}

#[test]
fn results_of_something_else_are_refused() {
    let whole = printed(head());
    let without = |part: &str| {
        whole.lines().filter(|line| !line.contains(part)).fold(String::new(), |a, b| a + b + "\n")
    };
    let anew = "make it anew";
    for (text, sentence) in [
        (
            printed(Head { code: "0ld".to_owned(), ..head() }),
            "m.jsonl speaks of other code than the workspace has",
        ),
        (
            printed(Head { corpus: "0ld".to_owned(), ..head() }),
            "m.jsonl speaks of other mutants than the workspace",
        ),
        (
            whole.replace("\"package\":\"raft\"", "\"package\":\"kvserver\""),
            "it says nothing of the package raft",
        ),
        (without("\"type\":\"end\""), "its end is missing: it was interrupted"),
        (without("02-nobody"), "line 4 is out of place"),
        (
            without("02-nobody").replace("\"count\":3", "\"count\":2"),
            "02-nobody|sees is missing: run it without --only",
        ),
        (without("\"type\":\"matrix\""), "line 1 is out of place"),
        (format!("{whole}{whole}"), "line 6 is out of place"),
        (String::new(), "its end is missing"),
        ("nonsense".to_owned(), "m.jsonl is not what `cargo grade mutants --format json` writes (line 1: "),
    ] {
        let said = read(&text).expect_err(sentence);
        assert!(said.contains(sentence) && said.contains(anew), "{sentence}\n{said}");
    }
}

#[test]
fn results_of_variants_and_soaks_are_held_to_the_same() {
    let head = Head { corpus: "beef".to_owned(), ..head() };
    let text = json([Line::Variants(head.clone()), Line::Variant(tried()), Line::End { count: 1 }]);
    let read = |text: &str| page::trials(Path::new("v.jsonl"), text, &prints(), &[variant()]);
    assert_eq!(read(&text).map(|trials| trials.lines), Ok(vec![tried()]));
    let stop = read(&text.replace("beef", "dead")).expect_err("another corpus");
    assert!(stop.sentence.starts_with("v.jsonl speaks of other variants"), "{stop}");

    let soak = |code: &str, name: &str| {
        let text = format!(
            "{{\"soak_report\":1,\"kit\":\"0\",\"fingerprint\":\"f\",{code}\"labs\":[],\"from\":0,\"seeds\":10,\
             \"runs\":9,\"failed\":0,\"events\":8,\"virtual_ns\":86400000000000,\"rpcs\":7,\"bytes\":6,\"wall_ms\":5,\
             \"obligations\":[{{\"rule\":\"E1\",\"met\":6}},{{\"rule\":\"K1\",\"met\":0}}],\"failures\":[],\
             \"scenarios\":[{{\"name\":\"{name}\",\"seeded\":true,\"runs\":9,\"failed\":0,\"events\":8,\
             \"virtual_ns\":9,\"rpcs\":7}}]}}"
        );
        page::soak(Path::new("s.json"), &text, &prints(), &["lab2a_01".to_owned()])
    };
    let good = soak("\"subjects\":{\"raft\":\"c0de\"},", "lab2a_01").expect("of this code");
    let text = page::render(&Material { soak: Some(good), ..material() });
    assert!(
        text.contains("9 runs of all labs, seeds 0 to 9: all passed. 1.0 days of virtual time"),
        "{text}"
    );
    assert!(text.contains("| E1 | 6 |\n| K1 | never exercised |"), "{text}");
    for (code, labs, sentence) in [
        ("\"subjects\":{\"raft\":\"0ld\"},", "lab2a_01", "s.json speaks of other code"),
        ("\"subjects\":{\"raft\":\"c0de\"},", "lab2a_02", "it is of some scenarios only"),
        ("\"code\":\"c0de\",", "lab2a_01", "it does not say of which code it speaks"),
        ("\"code\":", "lab2a_01", "s.json is not what `cargo labs soak --format json` writes"),
    ] {
        let stop = soak(code, labs).expect_err(sentence);
        assert!(stop.sentence.contains(sentence), "{stop}");
    }
}

#[test]
fn the_page_hides_nothing_and_is_read_again() {
    let head = Head { corpus: "beef".to_owned(), ..head() };
    let trials = page::Trials { head, lines: vec![tried()] };
    let text = page::render(&Material { variants: Some((vec![variant()], trials)), ..material() });
    for part in [
        "1 of 2 mutants killed by 4 scenarios, after 2 of 10 seeds in the median. 1 survived. 1 argued to be equivalent.",
        "\n**02-nobody|sees survives.**\n",
        "01 votes-twice      ·2 ·4\n",
        "| 01-votes-twice | 2 | E3 (1), scenario (1) | E3 | A server votes again in",
        "| – | nobody | equivalent: Nothing reads it. |",
        "0 of 1 correct variants passed 4 scenarios with up to 10 seeds: 31000 runs.",
        "| no-hint | 31000 | **failed**: lab2b_13_backup (scenario) | A refusal has no hint. |",
        "no report of `cargo labs soak` was given",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let written = page::read(&text).expect("a page");
    assert_eq!((written.prints.clone(), written.seeds), (prints(), 10));
    assert_eq!(written.rows[0], Row::of(&lines()[0]));
    assert_eq!(written.rows.len(), 3);
    assert_eq!(page::read("# Something else\n"), None);
}

#[test]
fn a_page_of_other_code_is_stale() {
    let written = page::read(&page::render(&material())).expect("a page");
    assert!(check::fresh("POWER.md", &written, &prints()).is_ok());
    for (prints, what) in [
        (Prints { code: "new".to_owned(), ..prints() }, "code"),
        (Prints { mutants: "new".to_owned(), ..prints() }, "mutants"),
        (Prints { variants: "new".to_owned(), ..prints() }, "variants"),
    ] {
        let stop = check::fresh("POWER.md", &written, &prints).expect_err(what);
        let begin = format!("POWER.md speaks of other {what} than the workspace has (");
        assert!(stop.code == 1 && stop.sentence.starts_with(&begin), "{stop}");
    }
}

#[test]
fn a_mutant_that_fares_otherwise_is_told() {
    let written = page::read(&page::render(&material())).expect("a page");
    assert!(check::agrees("POWER.md", &written, &Row::of(&lines()[0])).is_ok());
    let other = line("01-votes-twice", MutantVerdict::Killed, vec![rule("lab2a_02_votes_once", 3, "E3")]);
    let stop = check::agrees("POWER.md", &written, &Row::of(&other)).expect_err("another result");
    assert_eq!(
        stop.sentence,
        "POWER.md says that 01-votes-twice is named by E3 (1), scenario (1) after 2 seeds, and now it is E3 (1) after 3: \
         find out why, and make the page anew with `cargo grade page`"
    );
    let stop =
        check::agrees("POWER.md", &written, &Row::of(&line("77-new", MutantVerdict::Survived, vec![])));
    assert!(stop.is_err_and(|stop| stop.sentence.starts_with("POWER.md does not speak of 77-new")));
}

#[test]
fn five_are_run_again_and_other_ones_with_other_code() {
    let all: Vec<Mutant> = (10..60).map(|number| mutant(&format!("{number}-x"), &["E3"])).collect();
    let chosen = |code: &str| {
        let prints = Prints { code: code.to_owned(), ..prints() };
        check::choose(all.clone(), &prints).into_iter().map(|mutant| mutant.id).collect::<Vec<_>>()
    };
    assert_eq!(chosen("a").len(), 5);
    assert_eq!(chosen("a"), chosen("a"));
    assert_ne!(chosen("a"), chosen("b"));
}
