//! What the facts mean.
//!
//! Invariants: a function of the facts. What is unknown is no reason to fail.

use super::{Course, Facts, Guarantee, Line, flags};
use std::path::Path;

const GIB: u64 = 1 << 30;
/// A first build and a soak of everything need less than this.
const MEMORY: u64 = 2 * GIB;
/// What a build of the workspace with all its tests takes on disk, twice over.
const DISK: u64 = 4 * GIB;
/// Less than one build takes.
const NO_DISK: u64 = GIB / 2;
/// Reports are no wider.
const COLUMNS: u16 = 80;

/// What there is to say, in the order in which it is worth mending.
pub fn lines(facts: &Facts) -> Vec<Line> {
    let mut lines = vec![rust(facts), course(&facts.course), cores(facts.cores), memory(facts), disk(facts)];
    lines.extend(build(facts));
    lines.extend([git(facts.git.as_deref()), terminal(facts), guarantee(&facts.guarantee)]);
    lines
}

/// The numbers in a version: `rustc 1.88.0 (…)` has 1 and 88.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let version = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut parts = version.split(['.', '-']).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

fn rust(facts: &Facts) -> Line {
    let needed = facts.needed.as_deref();
    let since = needed.map_or(String::new(), |needed| format!("; the course needs {needed} or later"));
    for (name, said) in [("rustc", &facts.rustc), ("cargo", &facts.cargo)] {
        let remedy = "install Rust with https://rustup.rs, and open a new terminal";
        let Some(said) = said else {
            return Line::fail(
                "rust",
                format!("There is no {name} in the PATH{since}."),
                format!("{remedy}."),
            );
        };
        let (Some(has), Some(needs)) = (numbers(said), needed.and_then(numbers)) else {
            let sentence = format!("{said}: whether that is new enough is unknown{since}.");
            return Line::warn("rust", sentence, "if the code does not compile: `rustup update`.");
        };
        if has < needs {
            let sentence = format!("{said} is too old{since}.");
            return Line::fail("rust", sentence, format!("`rustup update`; without rustup, {remedy}."));
        }
    }
    let short = |said: &Option<String>| {
        let words: Vec<&str> = said.as_deref().unwrap_or_default().split_whitespace().take(2).collect();
        words.join(" ")
    };
    Line::ok("rust", format!("{} and {}{since}.", short(&facts.rustc), short(&facts.cargo)))
}

fn course(course: &Course) -> Line {
    match course {
        Course::Parts(parts) => Line::ok("course", format!("You are in a course with {}.", parts.join(", "))),
        Course::Broken(why) => {
            let remedy = "mend that, or take the file anew from what you were given.";
            Line::fail("course", format!("This cannot be used as a course: {why}."), remedy)
        }
        Course::Other => {
            let sentence = "This is a Rust workspace, but no course: it has no labs/student-files.toml.";
            Line::fail("course", sentence, "change into the course's directory.")
        }
        Course::Nowhere => {
            let sentence = "There is no Cargo.toml here or above, so nothing can be built.";
            Line::fail("course", sentence, "change into the course's directory.")
        }
    }
}

fn cores(cores: Option<usize>) -> Line {
    match cores {
        None => Line::warn(
            "processors",
            "How many there are is unknown, so runs follow one another.",
            "say how many to use: `cargo labs run --jobs 4`.",
        ),
        Some(1) => Line::warn(
            "processors",
            "There is one. Everything works, and takes its time: a first build some minutes.",
            "nothing; with more processors it is quicker, and all results are the same.",
        ),
        Some(cores) => Line::ok("processors", format!("{cores} run as many seeds at the same time.")),
    }
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / GIB as f64)
}

fn memory(facts: &Facts) -> Line {
    let Some(memory) = facts.memory else {
        return Line::warn(
            "memory",
            "How much there is is unknown.",
            "see that about 2 GiB are free before the first build.",
        );
    };
    let sentence = format!("{} of {} can be used", gib(memory.available), gib(memory.total));
    if memory.available >= MEMORY {
        return Line::ok("memory", format!("{sentence}."));
    }
    Line::warn(
        "memory",
        format!("{sentence}: a first build may be stopped by the system or become very slow."),
        "close other programs, or build with `cargo build -j 1`.",
    )
}

fn disk(facts: &Facts) -> Line {
    let Some((folder, free)) = &facts.disk else {
        return Line::warn(
            "disk",
            "How much is free where builds go is unknown.",
            "see that about 4 GiB are free.",
        );
    };
    let sentence = format!("{} are free where builds go, {}", gib(*free), folder.display());
    if *free >= DISK {
        return Line::ok("disk", format!("{sentence}."));
    }
    let remedy = "free some space (`cargo clean` in other projects), or name another disk's directory in the environment \
                  variable CARGO_TARGET_DIR.";
    if *free < NO_DISK {
        return Line::fail("disk", format!("{sentence}: a build does not fit."), remedy);
    }
    Line::warn("disk", format!("{sentence}: with everything built it becomes full."), remedy)
}

/// One line, or one for each setting that does harm.
fn build(facts: &Facts) -> Vec<Line> {
    let place = |file: Option<&Path>| match file {
        Some(file) => format!("in {}", file.display()),
        None => "in the environment".to_owned(),
    };
    let mut lines = Vec::new();
    for setting in &facts.settings {
        let Some((fatal, harm)) = flags::harm(setting) else { continue };
        let place = place(setting.file.as_deref());
        let sentence = format!("{} is `{}` {place}, {harm}.", setting.name, setting.value);
        let remedy = match &setting.file {
            Some(_) => format!("take {} out of that file.", setting.name),
            None => format!("unset {} for the labs.", setting.name),
        };
        let line = if fatal { Line::fail } else { Line::warn };
        lines.push(line("build", sentence, remedy));
    }
    if lines.is_empty() {
        let names: Vec<&str> = facts.settings.iter().map(|setting| setting.name.as_str()).collect();
        let sentence = match &names[..] {
            [] => "Nothing changes it from outside.".to_owned(),
            names => format!("{} change it from outside, but no result.", names.join(", ")),
        };
        lines.push(Line::ok("build", sentence));
    }
    lines
}

fn git(git: Option<&str>) -> Line {
    match git {
        Some(version) => Line::ok("git", format!("{version}.")),
        None => Line::warn(
            "git",
            "There is no git in the PATH. The labs run without; your work has no history then.",
            "install it: https://git-scm.com.",
        ),
    }
}

fn terminal(facts: &Facts) -> Line {
    let Some(terminal) = facts.terminal else {
        return Line::ok("terminal", "Output goes to none: it has no colours, and nothing waits for a key.");
    };
    let colors = if terminal.colors { "with colours" } else { "without colours" };
    match terminal.columns {
        Some(columns) if columns < COLUMNS => Line::warn(
            "terminal",
            format!("It has {columns} columns, {colors}. Reports need {COLUMNS}, and their lines break."),
            format!("make the window {COLUMNS} columns wide, or its letters smaller."),
        ),
        Some(columns) => Line::ok("terminal", format!("It has {columns} columns, {colors}.")),
        None => {
            Line::ok("terminal", format!("Its width is unknown, {colors}; reports need {COLUMNS} columns."))
        }
    }
}

fn guarantee(guarantee: &Guarantee) -> Line {
    let build = "run cargo labs doctor --build.";
    let line = match guarantee {
        Guarantee::NotBuilt => {
            return Line::warn("guarantee", "unknown: the test program is not built yet.", build);
        }
        Guarantee::NotBuildable => {
            let sentence = "unknown: the test program cannot be built.";
            return Line::warn("guarantee", sentence, "mend the errors above, then run it again.");
        }
        Guarantee::Silent { fresh: true } => {
            let sentence =
                "unknown: the test program does not say. A run that its seed does not decide is reported.";
            return Line::warn(
                "guarantee",
                sentence,
                "use no clock, thread or hash map's order in your code.",
            );
        }
        Guarantee::Silent { fresh: false } => {
            let sentence = "unknown: the test program that is built does not say; it may be an old one.";
            return Line::warn("guarantee", sentence, build);
        }
        Guarantee::Known(line) => line,
    };
    if line.protected {
        return Line::ok("guarantee", line.sentence.clone());
    }
    let guarded = [
        ("the clock", line.clock),
        ("randomness", line.randomness),
        ("the order of hash maps", line.hash_order),
        ("threads", line.threads),
    ];
    let open: Vec<&str> = guarded.iter().filter(|(_, guarded)| !guarded).map(|(name, _)| *name).collect();
    let remedy = match &open[..] {
        [] => "what is reported as not reproducible comes from outside of the simulation.".to_owned(),
        open => format!("use none of these in your code here: {}.", open.join(", ")),
    };
    Line::warn("guarantee", line.sentence.clone(), remedy)
}
