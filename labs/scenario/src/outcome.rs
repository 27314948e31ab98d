//! From a run to a verdict with its report: what counts as a pass, and the second look at a failure or at a
//! scenario's first seed.

use crate::line::{Cause, CauseKind, RunVerdict};
use crate::report::{Failure, Focus, Sight};
use crate::run::Dead;
use crate::{Ending, Run, Scenario, judge, key, planned, run, twice};
use std::path::PathBuf;

/// What came of one scenario with one seed.
pub(crate) struct Outcome {
    pub(crate) verdict: RunVerdict,
    /// Missing only where the kit itself panicked.
    pub(crate) run: Option<Run>,
    /// Why it did not pass.
    pub(crate) cause: Option<Cause>,
    /// What it shares with all failures of its cause.
    pub(crate) key: Option<String>,
    /// What a student reads; empty for a pass.
    pub(crate) report: String,
    /// The trace file, if one was written.
    pub(crate) trace: Option<PathBuf>,
}

/// Where traces are written.
#[derive(Clone, Debug)]
pub(crate) enum Traces {
    /// None.
    Never,
    /// Those of failing runs, below this directory.
    Failing(PathBuf),
    /// Every one, below this directory.
    All(PathBuf),
    /// The only one, to this file.
    File(PathBuf),
}

/// Whether a run that passes is run again, to see that the seed decides it. One that fails always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Once,
    Twice,
}

/// Runs the scenario with that seed and judges it.
pub(crate) fn of(scenario: &Scenario, seed: u64, look: Look, traces: &Traces) -> Outcome {
    let run = match run::once(scenario, seed) {
        Ok(run) => run,
        Err(dead) => return lost(scenario, seed, dead),
    };
    // A stub is no bug: one line says all, and neither a second run nor a trace would say more.
    if let Ending::NotImplemented { what, place } = &run.ending {
        let report = format!("not implemented: {} ({place})", what.trim_end_matches('.'));
        let cause = Some(Cause { kind: CauseKind::NotImplemented, rule: None, sentence: what.clone() });
        let key = Some(what.clone());
        return Outcome { verdict: RunVerdict::Fail, run: Some(run), cause, key, report, trace: None };
    }
    if let Some(failure) = judge::failure(scenario, &run) {
        // Code that never comes back does not come back the second time either, and each time costs a thread.
        let stuck = failure.kind == CauseKind::Stuck;
        let difference = (!stuck).then(|| twice::difference(scenario, seed, &run)).flatten();
        return failed(scenario, seed, traces, run, &failure, difference);
    }
    if look == Look::Twice
        && let Some(difference) = twice::difference(scenario, seed, &run)
    {
        return failed(scenario, seed, traces, run, &unsteady(), Some(difference));
    }
    passed(scenario, seed, run, traces)
}

/// What is said where no run is left to be judged.
fn lost(scenario: &Scenario, seed: u64, dead: Dead) -> Outcome {
    let report = crate::report::lost(scenario, seed, &dead);
    let (verdict, kind, sentence) = match dead {
        Dead::Kit(sentence) => (RunVerdict::Fail, CauseKind::Kit, sentence),
        Dead::Stuck(sentence) => (RunVerdict::Fail, CauseKind::Stuck, sentence),
        Dead::Silent(sentence) => (RunVerdict::NotJudged, CauseKind::NotJudged, sentence),
    };
    let key = Some(key::alike(&sentence));
    let cause = Some(Cause { kind, rule: None, sentence });
    Outcome { verdict, run: None, cause, key, report, trace: None }
}

fn passed(scenario: &Scenario, seed: u64, run: Run, traces: &Traces) -> Outcome {
    let passed = |run, trace| {
        let report = String::new();
        Outcome { verdict: RunVerdict::Pass, run: Some(run), cause: None, key: None, report, trace }
    };
    if matches!(traces, Traces::Failing(_) | Traces::Never) {
        return passed(run, None);
    }
    match write(traces, scenario, seed, &run) {
        Some(Err(report)) => {
            // The run is fine, but whoever asked for its trace would miss it: better to say so than to pass.
            let cause = Some(Cause { kind: CauseKind::Trace, rule: None, sentence: report.clone() });
            let key = Some("its trace could not be written".to_owned());
            Outcome { verdict: RunVerdict::Fail, run: Some(run), cause, key, report, trace: None }
        }
        written => passed(run, written.and_then(Result::ok)),
    }
}

/// Judges a run that was made already, and can be seen again by `command`.
pub(crate) fn played(scenario: &Scenario, run: Run, command: &str, traces: &Traces) -> Outcome {
    match judge::failure(scenario, &run) {
        Some(failure) => {
            let written = write(traces, scenario, 0, &run);
            finish(scenario, 0, run, &failure, None, written, Some(command))
        }
        None => passed(scenario, 0, run, traces),
    }
}

/// Why a run that passed does not count, if another one with its seed differs.
fn unsteady() -> Failure {
    Failure {
        kind: CauseKind::NotReproducible,
        lines: vec![
            ("happened", "The run passed, but it cannot be repeated, and so shows little.".to_owned()),
            ("should", "Equal seeds give equal runs: only then can a failure be replayed.".to_owned()),
        ],
        focus: Focus::Nothing,
        rule: None,
        passed: true,
    }
}

fn failed(
    scenario: &Scenario,
    seed: u64,
    traces: &Traces,
    run: Run,
    failure: &Failure,
    difference: Option<String>,
) -> Outcome {
    let written = write(traces, scenario, seed, &run);
    finish(scenario, seed, run, failure, difference, written, planned::again().as_deref())
}

/// The outcome of a failed run whose trace was `written`; `command` shows it again, if a replay does not.
fn finish(
    scenario: &Scenario,
    seed: u64,
    run: Run,
    failure: &Failure,
    difference: Option<String>,
    written: Option<Result<PathBuf, String>>,
    command: Option<&str>,
) -> Outcome {
    let verdict = if difference.is_some() { RunVerdict::NotReproducible } else { RunVerdict::Fail };
    let sight = Sight {
        scenario,
        seed,
        run: &run,
        difference: difference.as_ref(),
        command,
        trace: written
            .as_ref()
            .map(|path| path.as_ref().map(|path| run::display_path(path)).map_err(Clone::clone)),
    };
    let report = crate::report::render(&sight, failure);
    let sentence = failure.lines.first().map(|(_, sentence)| sentence.clone()).unwrap_or_default();
    let cause = Some(Cause { kind: failure.kind, rule: failure.rule.map(str::to_owned), sentence });
    let (key, trace) = (Some(key::of(failure)), written.and_then(Result::ok));
    Outcome { verdict, cause, key, report, trace, run: Some(run) }
}

/// Writes the run's trace, if it is to be written, and says where it is.
fn write(traces: &Traces, scenario: &Scenario, seed: u64, run: &Run) -> Option<Result<PathBuf, String>> {
    let path = match traces {
        Traces::Never => return None,
        Traces::Failing(directory) | Traces::All(directory) => {
            // That of the whole run stays.
            let part = if planned::current().is_default() { "" } else { "-shrunk" };
            directory.join(format!("{}-{seed}{part}.jsonl", scenario.name))
        }
        Traces::File(path) => path.clone(),
    };
    Some(match run::write_trace(&path, run) {
        Ok(()) => Ok(path),
        Err(why) => Err(format!(
            "The trace could not be written to {}: {why}. Choose another directory with RAFTLAB_TRACE_DIR \
             or --trace-dir.",
            path.display()
        )),
    })
}
