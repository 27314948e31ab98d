//! Golden transcripts: the reference's exact events for every script, reviewed as text.
//!
//! Students are not held to them: where there are none, there is nothing to compare. To accept what the
//! reference does now, run with `RAFTLAB_UPDATE_GOLDEN=1` and review the difference.

use labrpc::schema::{Record, Role};
use scenario::{Ending, Other, Run, Scenario};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use tracecheck::phrase;

/// What is run once and is no script of ours.
const OTHERS: [&str; 7] = [
    "lab2a_23_every_order",
    "lab2b_17_every_order",
    "lab2b_18_old_entries",
    "lab2c_11_crash_points",
    "lab2c_12_every_vote",
    "lab2c_13_every_write",
    "lab2d_09_every_order",
];

/// One test a script, if this tree has golden transcripts at all.
pub(crate) fn tests(scenarios: &[Scenario]) -> Vec<Other> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/labs/scripts/golden");
    let update = std::env::var_os("RAFTLAB_UPDATE_GOLDEN").is_some();
    if !folder.is_dir() && !update {
        return Vec::new();
    }
    let compare = move |name: &'static str, run: fn(u64) -> Run, file: PathBuf| {
        let run = run(0);
        let transcript = transcript(&run);
        if update {
            fs::create_dir_all(file.parent().unwrap_or(&file)).map_err(|error| error.to_string())?;
            return fs::write(&file, transcript).map_err(|error| error.to_string());
        }
        let golden = fs::read_to_string(&file)
            .map_err(|error| format!("{} cannot be read ({error}); every script has one", file.display()))?;
        if golden == transcript {
            return Ok(());
        }
        let line = golden.lines().zip(transcript.lines()).take_while(|(old, new)| old == new).count();
        Err(format!(
            "{name}: the transcript differs from {} at line {}:\n  was  {}\n  is   {}",
            file.display(),
            line + 1,
            golden.lines().nth(line).unwrap_or("(the end)"),
            transcript.lines().nth(line).unwrap_or("(the end)"),
        ))
    };
    let scripts =
        scenarios.iter().copied().filter(|scenario| !scenario.seeded && !OTHERS.contains(&scenario.name));
    scripts
        .map(|scenario| {
            let file = folder.join(format!("{}.golden", scenario.name));
            let test = move || compare(scenario.name, scenario.run, file);
            (format!("golden_{}", scenario.name.trim_start_matches("lab")), Box::new(test) as _)
        })
        .collect()
}

/// Every event of a run, a line each, with the state after it.
fn transcript(run: &Run) -> String {
    let mut out = String::new();
    let mut millisecond = 0;
    for record in &run.records {
        if record.t_ns / 1_000_000 != millisecond {
            millisecond = record.t_ns / 1_000_000;
            out.push('\n');
        }
        writeln!(out, "{}", line(record)).expect("memory takes every write");
    }
    if !matches!(run.ending, Ending::Completed) {
        writeln!(out, "ended with {:?}", run.ending).expect("memory takes every write");
    }
    out
}

fn line(record: &Record) -> String {
    let mut line = format!("{:<7} {:<34}", record.at.to_string(), phrase(record));
    if let Some(cause) = record.cause {
        write!(line, " <- {cause}").expect("memory takes every write");
    }
    if let Some(state) = record.state {
        let role = match state.role {
            Role::Follower => "follower",
            Role::PreCandidate => "pre-candidate",
            Role::Candidate => "candidate",
            Role::Leader => "leader",
        };
        let who = |who: Option<labrpc::schema::Server>| who.map_or("-".to_owned(), |who| who.to_string());
        write!(
            line,
            "  [t{} {role} vote={} leader={} log={}:{}]",
            state.term,
            who(state.voted_for),
            who(state.leader_id),
            state.last_index,
            state.last_term
        )
        .expect("memory takes every write");
    }
    line.trim_end().to_owned()
}
