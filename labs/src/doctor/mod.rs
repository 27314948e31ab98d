//! `cargo labs doctor`: what this machine has, and what that means for the labs.
//!
//! Owns the list of things that are looked at ([`Facts`]), what each means ([`lines`]) and how it is told ([`render`]).
//!
//! Invariants: what could not be found out is told as unknown, never as well. Every line that is not well says what to do.
//! What is printed depends on the facts alone.
//!
//! Never: changes anything, or builds without being told to.

mod facts;
mod flags;
mod means;
mod program;

pub use facts::{Course, Facts, Guarantee, Memory, Terminal};
pub use flags::Setting;
pub use means::lines;

use crate::cli::DoctorArguments;
use crate::stop::Stop;
use std::process::ExitCode;

/// How wide the output becomes.
const WIDTH: usize = 80;
/// Where sentences begin.
const INDENT: usize = 21;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// Nothing needs to be done.
    Ok,
    /// The labs work, but not as well as they could.
    Warn,
    /// The labs do not work before it is mended.
    Fail,
}

impl Health {
    fn word(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Warn => "warn",
            Health::Fail => "fail",
        }
    }
}

/// What is said about one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub name: &'static str,
    /// How it is.
    pub health: Health,
    /// What was found, and what it means: sentences.
    pub sentence: String,
    /// What to do about it: a sentence.
    pub remedy: Option<String>,
}

impl Line {
    fn ok(name: &'static str, sentence: impl Into<String>) -> Line {
        Line { name, health: Health::Ok, sentence: sentence.into(), remedy: None }
    }

    fn warn(name: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Line {
        Line { name, health: Health::Warn, sentence: sentence.into(), remedy: Some(remedy.into()) }
    }

    fn fail(name: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) -> Line {
        Line { health: Health::Fail, ..Line::warn(name, sentence, remedy) }
    }
}

/// Runs the command.
pub fn main(arguments: &DoctorArguments) -> Result<ExitCode, Stop> {
    let lines = lines(&Facts::gather(arguments.build));
    print!("{}", render(&lines));
    Ok(match lines.iter().map(|line| line.health).max() {
        Some(Health::Fail) => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

/// The lines as text, and a last one that sums up.
pub fn render(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        let head = format!("{:<13}{:<8}", line.name, line.health.word());
        paragraph(&mut out, &head, &line.sentence);
        if let Some(remedy) = &line.remedy {
            paragraph(&mut out, &format!("{:13}to do   ", ""), remedy);
        }
    }
    let count = |health| lines.iter().filter(|line| line.health == health).count();
    out.push_str(&format!("\n{}\n", summary(count(Health::Fail), count(Health::Warn))));
    out
}

fn summary(fails: usize, warns: usize) -> String {
    let things = |count: usize| if count == 1 { "1 thing".to_owned() } else { format!("{count} things") };
    let better = match warns {
        0 => String::new(),
        1 => " 1 thing could be better.".to_owned(),
        warns => format!(" {warns} things could be better."),
    };
    match fails {
        0 => format!("The labs run here.{better}"),
        fails => format!("The labs do not run here before {} is mended.{better}", things(fails))
            .replace("things is", "things are"),
    }
}

fn paragraph(out: &mut String, head: &str, text: &str) {
    let below = format!("\n{}", " ".repeat(INDENT));
    out.push_str(head);
    out.push_str(&textwrap::wrap(text, WIDTH - INDENT).join(&below));
    out.push('\n');
}
