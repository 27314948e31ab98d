//! The file of a shrunk run: what a person reads in its comment, and what a replay needs.
//!
//! Invariants: a file says which format it has and which kit it is of; what a field means is a matter of both. Unknown
//! fields are refused, for they may be what matters.

use super::text;
use crate::stop::Stop;
use scenario::Plan;
use scenario::line::ShrunkLine;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;

/// The version of the format. Another number is never played.
pub const FORMAT: i64 = 1;

/// A run that can be played again, and how it failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The version of the format: [`FORMAT`].
    pub schedule: i64,
    /// The fingerprint of the scenarios and the simulation ([`crate::fingerprint::kit`]); missing where the test program
    /// was built elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<String>,
    /// The scenario.
    pub test: String,
    /// The seed.
    #[serde(serialize_with = "write_seed", deserialize_with = "read_seed")]
    pub seed: u64,
    /// What its failure has in common with all of this cause.
    pub cause: String,
    /// What happened, as one sentence.
    pub failure: String,
    /// What is left out of the run.
    #[serde(default)]
    pub plan: Plan,
}

/// TOML's numbers end before seeds do: those beyond are texts.
fn write_seed<S: Serializer>(seed: &u64, to: S) -> Result<S::Ok, S::Error> {
    match i64::try_from(*seed) {
        Ok(small) => to.serialize_i64(small),
        Err(_) => to.serialize_str(&seed.to_string()),
    }
}

fn read_seed<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Seed {
        Number(u64),
        Text(String),
    }
    let seed = match Seed::deserialize(from) {
        Ok(Seed::Number(seed)) => Some(seed),
        Ok(Seed::Text(text)) => text.parse().ok(),
        Err(_) => None,
    };
    seed.ok_or_else(|| serde::de::Error::custom("`seed` is no whole number, 0 or more"))
}

impl Schedule {
    /// That of a shrunk run.
    pub fn of(shrunk: &ShrunkLine, kit: Option<String>) -> Schedule {
        Schedule {
            schedule: FORMAT,
            kit,
            test: shrunk.scenario.clone(),
            seed: shrunk.seed,
            cause: shrunk.key.clone(),
            failure: shrunk.sentence.clone(),
            plan: shrunk.plan.clone(),
        }
    }

    /// The file's text; `path` is where it will be.
    pub fn to_toml(&self, shrunk: &ShrunkLine, path: &str) -> String {
        let data = toml_edit::ser::to_string(self).expect("texts, numbers and flags serialize");
        let comment = text::comment(shrunk, path);
        let lines = comment.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n");
        format!("{}\n{data}", lines.collect::<String>())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no schedule, or is of another format: a sentence.
    pub fn read(path: &Path) -> Result<Schedule, Stop> {
        let place = path.display();
        let text = std::fs::read_to_string(path).map_err(|why| {
            Stop::usage(format!(
                "the schedule {place} cannot be read: {why}; a replay takes a test and a seed, or a file"
            ))
        })?;
        Schedule::parse(&text).map_err(|what| Stop::usage(format!("{place} {what}")))
    }

    /// Reads a file's text. `Err` goes on after the file's name.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let table: toml_edit::DocumentMut = text.parse().map_err(|why: toml_edit::TomlError| {
            format!("is no schedule, because it is no TOML: {}", one_line(why.message()))
        })?;
        match table.get("schedule").map(|format| format.as_integer()) {
            None => {
                return Err("is no schedule of a shrunk run: it has no line such as `schedule = 1`; `cargo labs shrink` \
                            writes them"
                    .to_owned());
            }
            Some(Some(FORMAT)) => {}
            Some(_) => {
                return Err(
                    "was written by another version of raftlab: shrink the run again with `cargo labs shrink`".to_owned()
                );
            }
        }
        toml_edit::de::from_str(text).map_err(|why| {
            format!(
                "is no schedule that can be played: {}; shrink the run again, or mend that",
                one_line(why.message())
            )
        })
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
