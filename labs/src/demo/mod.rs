//! `cargo labs demo`: classic stories of Raft, played by a wrong implementation and by the right one.
//!
//! Owns the stories, in `labs/demos`: each a script with narration, and what two implementations really did when
//! they played it. Students have neither of the two, so the recordings are part of the kit.
//!
//! Invariants: where a rule breaks, and what the judge says of it, is found anew each time from the recordings.
//! A recording that is not what its story claims is refused. On anything but a terminal nothing waits.
//!
//! Never: judges by itself; prints escape codes where nobody wants them.

mod beliefs;
mod recording;
mod story;
mod text;

pub use beliefs::Beliefs;
pub use recording::{Broken, Recording};
pub use story::{Line, Scene, Story};
pub use text::Demo;

use crate::cli::DemoArguments;
use crate::stop::Stop;
use crate::suggest;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

/// A story as it lies in `labs/demos`.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// Its name.
    pub name: &'static str,
    /// The script.
    pub script: &'static str,
    /// The trace of the wrong implementation.
    pub wrong: &'static str,
    /// The trace of the right one.
    pub right: &'static str,
}

macro_rules! files {
    ($name:literal) => {
        Files {
            name: $name,
            script: include_str!(concat!("../../demos/", $name, ".script")),
            wrong: include_str!(concat!("../../demos/", $name, ".wrong.jsonl")),
            right: include_str!(concat!("../../demos/", $name, ".right.jsonl")),
        }
    };
}

/// Every story, in the order of the labs.
pub const STORIES: [Files; 4] =
    [files!("one-way-cut"), files!("figure8"), files!("lost-vote"), files!("snapshot")];

/// Runs the command.
pub fn main(arguments: &DemoArguments) -> Result<ExitCode, Stop> {
    let Some(name) = &arguments.name else { return list() };
    let Some(files) = STORIES.iter().find(|story| story.name == name) else {
        let names: Vec<String> = STORIES.iter().map(|story| story.name.to_owned()).collect();
        return Err(Stop::usage(suggest::unknown_demo(name, &names)));
    };
    let color = anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never;
    let pages = pages(files, color).map_err(Stop::failed)?;
    let pause = if arguments.no_wait || !io::stdout().is_terminal() {
        Pause::Never
    } else if let Some(millis) = arguments.auto {
        Pause::For(Duration::from_millis(millis))
    } else if io::stdin().is_terminal() {
        Pause::Key
    } else {
        Pause::Never
    };
    show(&pages, pause).map_err(|why| Stop::failed(format!("the demo cannot be shown: {why}")))?;
    Ok(ExitCode::SUCCESS)
}

/// The pages of a story.
///
/// # Errors
///
/// A file of it cannot be read, or is not what the story claims. That is a fault of the kit.
pub fn pages(files: &Files, color: bool) -> Result<Vec<String>, String> {
    let fault =
        |what: String| format!("the demo {} is out of order: {what}. This is a fault of the kit", files.name);
    let story = Story::parse(files.script).map_err(fault)?;
    let read = |trace| Recording::read(trace, &story).map_err(fault);
    let (wrong, right) = (read(files.wrong)?, read(files.right)?);
    let broken = wrong.broken.as_ref().filter(|broken| broken.violation.rule.id == story.rule);
    let broken =
        broken.ok_or_else(|| fault(format!("its wrong implementation does not break {}", story.rule)))?;
    if !text::passed(&right) {
        return Err(fault("its right implementation does not keep every rule".to_owned()));
    }
    Ok(Demo { name: files.name, story: &story, wrong: &wrong, broken, right: &right, color }.pages())
}

/// Names every story.
fn list() -> Result<ExitCode, Stop> {
    println!("Stories of Raft, each played by a wrong implementation and by the right one:\n");
    for files in &STORIES {
        let story = Story::parse(files.script).map_err(Stop::failed)?;
        println!("  {:<13}{}", files.name, story.title);
    }
    println!("\nPlay one: cargo labs demo figure8");
    Ok(ExitCode::SUCCESS)
}

/// What comes between two pages.
#[derive(Clone, Copy)]
enum Pause {
    Never,
    For(Duration),
    Key,
}

fn show(pages: &[String], pause: Pause) -> io::Result<()> {
    let mut out = io::stdout();
    for (number, page) in pages.iter().enumerate() {
        if number > 0 && !paused(pause)? {
            return Ok(());
        }
        let gap = if number > 0 { "\n" } else { "" };
        let written = out.write_all(format!("{gap}{page}").as_bytes()).and_then(|()| out.flush());
        match written {
            // Whoever closes the pipe has seen enough.
            Err(why) if why.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
    Ok(())
}

/// Waits. `false` if that was enough for the reader.
fn paused(pause: Pause) -> io::Result<bool> {
    match pause {
        Pause::Never => {}
        Pause::For(time) => std::thread::sleep(time),
        Pause::Key => {
            print!("\n[Enter goes on, q ends] ");
            io::stdout().flush()?;
            let mut typed = String::new();
            let ended = io::stdin().lock().read_line(&mut typed)? == 0;
            return Ok(!ended && !typed.trim().eq_ignore_ascii_case("q"));
        }
    }
    Ok(true)
}
