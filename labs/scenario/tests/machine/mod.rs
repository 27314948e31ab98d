//! The machine mode: what `cargo labs` and the grader read.

use crate::{directory, fake, text};
use scenario::line::{CauseKind, Line, Listed, RunVerdict};
use std::path::Path;

pub(crate) const TESTS: &[(&str, crate::Test)] = &[
    ("machine::lists_the_scenarios", lists_the_scenarios),
    ("machine::results_do_not_depend_on_the_threads", results_do_not_depend_on_the_threads),
    ("machine::ranges_of_seeds", ranges_of_seeds),
    ("machine::verdicts", verdicts),
    ("machine::causes", causes),
    ("machine::seeds_after_the_first_failure_are_left_out", seeds_after_the_first_failure_are_left_out),
    ("machine::only_the_first_seed_runs_twice", only_the_first_seed_runs_twice),
    ("machine::traces_of_passing_runs_on_request", traces_of_passing_runs_on_request),
    ("machine::the_judge_names_a_planted_violation", the_judge_names_a_planted_violation),
    ("machine::scenarios_may_print", scenarios_may_print),
    ("machine::wrong_arguments_are_one_sentence", wrong_arguments_are_one_sentence),
];

fn lines(arguments: &[&str], traces: &Path) -> Vec<Line> {
    let out = fake(&[&["--raftlab"], arguments].concat(), &[], traces);
    assert!(out.status.success(), "{}", text(&out.stderr));
    text(&out.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of the machine mode"))
        .collect()
}

fn lists_the_scenarios() -> Result<(), String> {
    let traces = directory();
    let out = fake(&["--raftlab", "list"], &[], traces.path());
    let listed: Result<Vec<Listed>, _> = text(&out.stdout).lines().map(serde_json::from_str).collect();
    let listed = listed.map_err(|why| why.to_string())?;
    let expected: Vec<Listed> = crate::fake::scenarios().iter().map(Listed::from).collect();
    assert_eq!(listed, expected);
    Ok(())
}

fn results_do_not_depend_on_the_threads() -> Result<(), String> {
    let traces = directory();
    let names = "lab2a_05_panics,lab2a_01_first_leader,lab2a_02_two_leaders,lab2a_09_script";
    let run = |jobs| lines(&["run", "--names", names, "--seeds", "20", "--jobs", jobs], traces.path());
    let (one, many) = (run("1"), run("5"));
    assert_eq!(one, many);
    assert_eq!(one.len(), 62, "20 seeds of three, one of the script, the end");
    let hash = |line: &Line| match line {
        Line::Run(line) => line.hash.clone(),
        _ => None,
    };
    assert_ne!(hash(&one[0]), hash(&one[1]), "another seed is another run");
    Ok(())
}

/// The second half of the seeds is what a run of all of them says of it.
fn ranges_of_seeds() -> Result<(), String> {
    let traces = directory();
    let run = |options: &[&str]| {
        let names = ["run", "--names", "lab2a_01_first_leader,lab2a_09_script"];
        lines(&[&names[..], options].concat(), traces.path())
    };
    let of = |lines: Vec<Line>| -> Vec<_> {
        let runs = lines.into_iter().filter_map(|line| match line {
            Line::Run(run) => Some((run.scenario, run.seed, run.hash)),
            _ => None,
        });
        runs.collect()
    };
    let (all, part) = (of(run(&["--seeds", "20"])), of(run(&["--seed-range", "10..20"])));
    assert_eq!(part[..10], all[10..20]);
    assert_eq!(part[10..], all[20..], "a script runs once, with seed 0");
    let bare = of(run(&["--seed-range", "10..20", "--no-hash"]));
    let named = |all: &[(String, u64, Option<String>)]| -> Vec<_> {
        all.iter().map(|(name, seed, _)| (name.clone(), *seed)).collect()
    };
    assert_eq!(named(&bare), named(&part));
    assert!(part.iter().all(|run| run.2.is_some()) && bare.iter().all(|run| run.2.is_none()));
    Ok(())
}

fn verdicts() -> Result<(), String> {
    let traces = directory();
    let verdict = |name| match &lines(&["run", "--names", name, "--seed", "4"], traces.path())[..] {
        [Line::Run(line), Line::End { runs: 1 }] => {
            (line.verdict, line.report.is_some(), line.trace.is_some())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(verdict("lab2a_01_first_leader"), (RunVerdict::Pass, false, false));
    assert_eq!(verdict("lab2a_02_two_leaders"), (RunVerdict::Fail, true, true));
    assert_eq!(verdict("lab2a_04_stub"), (RunVerdict::Fail, true, false));
    assert_eq!(verdict("lab2a_06_kit"), (RunVerdict::Fail, true, false));
    assert_eq!(verdict("lab2a_07_unsteady"), (RunVerdict::NotReproducible, true, true));
    assert_eq!(verdict("lab2b_03_passes_unsteadily"), (RunVerdict::NotReproducible, true, true));
    Ok(())
}

/// Programs need no scraping of reports.
fn causes() -> Result<(), String> {
    let traces = directory();
    let cause = |name| match &lines(&["run", "--names", name, "--seed", "4"], traces.path())[..] {
        [Line::Run(line), Line::End { runs: 1 }] => line.cause.clone(),
        other => panic!("{other:?}"),
    };
    let kind = |name| {
        let cause = cause(name).expect("it does not pass");
        assert!(!cause.sentence.is_empty(), "{name}");
        (cause.kind, cause.rule)
    };
    assert_eq!(cause("lab2a_01_first_leader"), None);
    assert_eq!(kind("lab2a_02_two_leaders"), (CauseKind::Rule, Some("E6".to_owned())));
    assert_eq!(kind("lab2a_03_stays_leader"), (CauseKind::Expectation, None));
    assert_eq!(kind("lab2a_04_stub"), (CauseKind::NotImplemented, None));
    assert_eq!(kind("lab2a_05_panics"), (CauseKind::Panic, None));
    assert_eq!(kind("lab2a_06_kit"), (CauseKind::Kit, None));
    assert_eq!(kind("lab2a_08_vacuous"), (CauseKind::Missed, Some("E10".to_owned())));
    assert_eq!(kind("lab2b_01_deadlock"), (CauseKind::Deadlock, None));
    assert_eq!(kind("lab2b_03_passes_unsteadily"), (CauseKind::NotReproducible, None));
    let sentence = cause("lab2a_03_stays_leader").map(|cause| cause.sentence);
    assert_eq!(sentence.as_deref(), Some("s1 led term 1 for 0.2 s only"));
    Ok(())
}

/// Whatever the number of threads, and without a trace on the disk.
fn seeds_after_the_first_failure_are_left_out() -> Result<(), String> {
    let traces = directory();
    let names = "lab2a_02_two_leaders,lab2a_01_first_leader";
    let run = |jobs| {
        let arguments =
            ["run", "--names", names, "--seeds", "9", "--until-failure", "--no-traces", "--jobs", jobs];
        lines(&arguments, traces.path())
    };
    let (one, many) = (run("1"), run("7"));
    assert_eq!(one, many);
    let seeds = |name: &str| {
        let of = |line: &Line| matches!(line, Line::Run(line) if line.scenario == name);
        one.iter().filter(|line| of(line)).count()
    };
    assert_eq!(
        (seeds("lab2a_02_two_leaders"), seeds("lab2a_01_first_leader")),
        (4, 9),
        "it fails from seed 3 on"
    );
    assert_eq!(one.last(), Some(&Line::End { runs: 13 }));
    assert_eq!(std::fs::read_dir(traces.path()).map(Iterator::count).unwrap_or(0), 0);
    Ok(())
}

/// Twice as many runs would take twice as long.
fn only_the_first_seed_runs_twice() -> Result<(), String> {
    let traces = directory();
    let lines = lines(&["run", "--names", "lab2b_03_passes_unsteadily", "--seeds", "4"], traces.path());
    let verdicts = lines.iter().filter_map(|line| match line {
        Line::Run(line) => Some(line.verdict),
        _ => None,
    });
    use RunVerdict::{NotReproducible, Pass};
    assert_eq!(verdicts.collect::<Vec<_>>(), [NotReproducible, Pass, Pass, Pass]);
    Ok(())
}

fn traces_of_passing_runs_on_request() -> Result<(), String> {
    let (traces, wanted) = (directory(), directory());
    let path = wanted.path().display().to_string();
    let name = "lab2a_01_first_leader";
    lines(&["run", "--names", name, "--seeds", "3", "--trace-dir", &path], traces.path());
    let count = |directory: &Path| std::fs::read_dir(directory).map(Iterator::count).unwrap_or(0);
    assert_eq!((count(traces.path()), count(wanted.path())), (0, 3));
    let file = wanted.path().join("one.jsonl");
    let path = file.display().to_string();
    lines(&["run", "--names", name, "--seed", "7", "--trace-file", &path], traces.path());
    let header = std::fs::read_to_string(file).map_err(|why| why.to_string())?;
    assert!(header.contains("\"seed\":7"), "{header}");
    Ok(())
}

fn the_judge_names_a_planted_violation() -> Result<(), String> {
    let traces = directory();
    let planted = match &lines(&["plant"], traces.path())[..] {
        [Line::Planted(planted)] => planted.clone(),
        other => return Err(format!("{other:?}")),
    };
    let said = "s2 was made coordinator of term 1 too, right after s1 was elected in it";
    assert_eq!((planted.rule.as_str(), planted.planted.as_str()), ("E6", said));
    assert!(planted.report.contains("E6") && !planted.report.contains("replay"), "{}", planted.report);
    Ok(())
}

/// Their output shares the stream; ours ends the line.
fn scenarios_may_print() -> Result<(), String> {
    let traces = directory();
    let out = fake(&["--raftlab", "run", "--names", "lab2b_02_prints", "--jobs", "3"], &[], traces.path());
    let out = text(&out.stdout);
    assert!(out.contains("seed 9\n") && out.contains("half a line, "), "{out}");
    let ours = out.lines().filter_map(|line| line.find("{\"type\":\"").map(|at| &line[at..]));
    let ours: Result<Vec<Line>, _> = ours.map(serde_json::from_str).collect();
    assert_eq!(ours.map_err(|why| why.to_string())?.len(), 11, "{out}");
    Ok(())
}

fn wrong_arguments_are_one_sentence() -> Result<(), String> {
    let traces = directory();
    let cases: [(&[&str], &str); 7] = [
        (
            &["--raftlab"],
            "error: after --raftlab comes list, guarantee, plant, run, shrink, play, bounds or explore\n",
        ),
        (&["--raftlab", "run", "--jobs", "0"], "error: --jobs must be 1 or more\n"),
        (&["--raftlab", "run", "--seeds", "many"], "error: --seeds `many` is no whole number\n"),
        (&["--raftlab", "run", "--seed"], "error: --seed needs a value\n"),
        (
            &["--raftlab", "run", "--seed-range", "9..9"],
            "error: --seed-range `9..9` is no range of seeds, such as 20..30\n",
        ),
        (&["--raftlab", "run", "--names", "lab9"], "error: no scenario is called lab9\n"),
        (
            &["--raftlab", "run", "--trace-file", "x"],
            "error: --trace-file takes the trace of one run: give one name and one seed\n",
        ),
    ];
    for (arguments, sentence) in cases {
        let out = fake(arguments, &[], traces.path());
        assert_eq!((out.status.code(), text(&out.stderr)), (Some(2), sentence.to_owned()));
    }
    Ok(())
}
