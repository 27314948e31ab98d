//! `cargo grade demos`: the recordings of `cargo labs demo`, made by really playing each story with its mutant and with
//! the reference; or the proof that those in the tree are such recordings.

use crate::bench::Course;
use crate::cli::DemosArguments;
use crate::corpus::{self, DEFAULT};
use crate::crew;
use crate::tree::{self, Built, Tree};
use labs::demo::{STORIES, Story};
use labs::run::Suite;
use labs::stop::Stop;
use std::path::Path;
use std::process::ExitCode;

/// Where stories and recordings stand.
const DEMOS: &str = "labs/demos";

/// Runs the command.
pub fn main(arguments: &DemosArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let root = &course.workspace.root;
    let all = corpus::mutants(&course.files)?;
    let _lock = tree::lock(root)?;
    let mut trees = vec![Tree::open(root, 1, &course.files)?];
    let reference = crew::build(&trees, DEFAULT)?;
    let folder = tempfile::tempdir().map_err(|why| Stop::failed(format!("no temporary directory: {why}")))?;
    let mut stale = Vec::new();
    for files in &STORIES {
        let script = root.join(DEMOS).join(format!("{}.script", files.name));
        let mut record = |suites: &[Suite], side: &str| {
            let file = format!("{}.{side}.jsonl", files.name);
            let made = recording(suites, &script, &folder.path().join(&file))?;
            let kept = root.join(DEMOS).join(&file);
            if std::fs::read(&kept).ok().as_ref() != Some(&made) {
                stale.push(format!("{DEMOS}/{file}"));
                if !arguments.check {
                    let failed = |why| Stop::failed(format!("{} cannot be written: {why}", kept.display()));
                    std::fs::write(&kept, made).map_err(failed)?;
                }
            }
            Ok(())
        };
        record(&reference, "right")?;
        let story = Story::parse(files.script).map_err(Stop::failed)?;
        let mutant = all.iter().find(|mutant| mutant.id == story.mutant).ok_or_else(|| {
            Stop::usage(format!(
                "the demo {} names the mutant {}, and there is none",
                files.name, story.mutant
            ))
        })?;
        let [tree] = &mut trees[..] else { unreachable!("one tree was opened") };
        tree.edit(&mutant.edits)?;
        let built = tree.build(DEFAULT);
        tree.restore()?;
        let Built::Suites(wrong) = built? else {
            return Err(Stop::failed(format!("{} does not compile: nothing was recorded", mutant.id)));
        };
        record(&wrong, "wrong")?;
        // The tree is the reference again, and its program has to be, before the next story is played.
        tree.build(DEFAULT)?;
    }
    Ok(told(&stale, arguments.check))
}

fn told(stale: &[String], check: bool) -> ExitCode {
    match (stale, check) {
        ([], _) => println!("{} stories: every recording is what is played today.", STORIES.len()),
        (stale, false) => println!("recorded anew: {}", stale.join(", ")),
        (stale, true) => {
            eprintln!(
                "error: {} is not what is played today: record it anew with `cargo grade demos`, and look at the demo",
                stale.join(", ")
            );
            return ExitCode::from(1);
        }
    }
    ExitCode::SUCCESS
}

/// The trace of the script, played by the program of these suites.
fn recording(suites: &[Suite], script: &Path, trace: &Path) -> Result<Vec<u8>, Stop> {
    for suite in suites {
        if suite.binary.presets()?.is_empty() {
            continue;
        }
        suite.binary.play(script, Some(trace))?;
        return std::fs::read(trace).map_err(|why| Stop::failed(format!("no trace was written: {why}")));
    }
    Err(Stop::usage("no crate of this workspace plays scripts"))
}
