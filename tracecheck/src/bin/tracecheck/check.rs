//! `tracecheck check`: every file is judged as a run of its own.

use crate::Status;
use crate::input;
use crate::output::{Output, complain};
use serde_json::json;
use std::collections::BTreeMap;
use tracecheck::read::Reader;
use tracecheck::schema::{Header, Record, Stamp};
use tracecheck::{
    ColumnOptions, Found, Offline, Overall, Verdict, Verdicts, Violation, explain_violation_with,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The traces; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// One line a file.
    #[arg(short, long)]
    quiet: bool,
    /// For people, or one JSON object a file and line.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table.
    Human,
    /// One JSON object a line.
    Json,
}

/// What came of one file.
struct Report {
    path: String,
    /// Why the file could not be read, or not to its end.
    problem: Option<String>,
    judged: Option<Judged>,
    status: Status,
}

struct Judged {
    header: Header,
    records: u64,
    verdicts: Verdicts,
    found: Vec<Found>,
    /// The witnesses, with their lines; empty for standard input, which cannot be read twice.
    witnesses: BTreeMap<Stamp, (u64, Record)>,
}

impl Judged {
    /// The line to look at first.
    fn line(&self, violation: &Violation) -> Option<u64> {
        let found = self.found.iter().find(|found| found.violation == *violation);
        let last = violation.witnesses.last().and_then(|witness| self.witnesses.get(&witness.at));
        found.map(|found| found.line).or(last.map(|(line, _)| *line))
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Status> {
    let mut status = Status::Pass;
    for path in &args.files {
        let report = judge(path);
        status = status.worst(report.status);
        if let Some(problem) = report.problem.as_ref().filter(|_| args.format == Format::Human) {
            complain(problem);
        }
        match args.format {
            Format::Json => out.line(&as_json(&report).to_string())?,
            Format::Human if args.quiet => summary(&report, out)?,
            Format::Human => table(&report, out)?,
        }
        out.flush()?;
    }
    Ok(status)
}

fn judge(path: &str) -> Report {
    let name = input::name(path);
    let unread = |problem: String, status: Status| Report {
        path: name.to_owned(),
        problem: Some(problem),
        judged: None,
        status,
    };
    let input = match input::open(path) {
        Ok(input) => input,
        Err(problem) => return unread(problem, Status::Unreadable),
    };
    let (header, mut reader) = match Reader::open(input) {
        Ok(opened) => opened,
        Err(error) if error.is_cut() => return unread(format!("{name}: {error}"), Status::Unknown),
        Err(error) => return unread(format!("{name}: {error}"), Status::Unreadable),
    };
    let mut offline = Offline::new(&header);
    let (mut records, mut problem) = (0, None);
    while let Some(next) = reader.next_record() {
        match next {
            Ok((line, record)) => offline.push(line, record),
            Err(error) => {
                problem = Some(error);
                break;
            }
        }
        records += 1;
    }
    let (verdicts, found) = offline.finish(problem.is_some());
    let status = match (verdicts.overall(), &problem) {
        (Overall::Fail, _) => Status::Fail,
        (_, Some(error)) if !error.is_cut() => Status::Unreadable,
        (Overall::Unknown, _) | (_, Some(_)) => Status::Unknown,
        (Overall::Pass, None) => Status::Pass,
    };
    let witnesses = if path == "-" { BTreeMap::new() } else { witnesses(path, &verdicts) };
    let judged = Some(Judged { header, records, verdicts, found, witnesses });
    Report { path: name.to_owned(), problem: problem.map(|error| format!("{name}: {error}")), judged, status }
}

/// Reads the file once more for the records that show the violations: the judge does not keep them.
fn witnesses(path: &str, verdicts: &Verdicts) -> BTreeMap<Stamp, (u64, Record)> {
    let all = verdicts.failed().flat_map(|violation| &violation.witnesses);
    let wanted: std::collections::BTreeSet<Stamp> = all.map(|witness| witness.at).collect();
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return found;
    }
    let Some((_, mut reader)) = input::open(path).ok().and_then(|input| Reader::open(input).ok()) else {
        return found;
    };
    while let Some(Ok((line, record))) = reader.next_record() {
        if wanted.contains(&record.at) {
            found.entry(record.at).or_insert((line, record));
        }
        if found.len() == wanted.len() {
            break;
        }
    }
    found
}

/// One line a file.
fn summary(report: &Report, out: &mut Output) -> anyhow::Result<()> {
    let first = report.judged.as_ref().and_then(|judged| judged.verdicts.failed().next());
    let why = match (first, &report.judged) {
        (Some(violation), _) => format!(": {violation}"),
        (None, Some(judged)) => judged
            .verdicts
            .iter()
            .find_map(|(info, verdict)| match verdict {
                Verdict::Unknown(why) => Some(format!(": {}: {why}", info.id)),
                _ => None,
            })
            .unwrap_or_default(),
        (None, None) => String::new(),
    };
    out.line(&format!("{}: {}{why}", report.path, report.status.word()))
}

fn table(report: &Report, out: &mut Output) -> anyhow::Result<()> {
    let Some(judged) = &report.judged else {
        return out.line(&format!("{}: {}", report.path, report.status.word()));
    };
    let Header { run, servers, .. } = &judged.header;
    out.line(&format!("{}: {}", report.path, report.status.word().to_uppercase()))?;
    out.line(&format!(
        "  run {}, seed {}, {} servers, {} records",
        run.name,
        run.seed,
        servers.len(),
        judged.records
    ))?;
    for (info, verdict) in judged.verdicts.iter() {
        let (number, text) = match verdict {
            Verdict::Pass(met) => (met.to_string(), info.sentence),
            Verdict::Vacuous => ("0".to_owned(), info.sentence),
            Verdict::Fail(violation) => ("-".to_owned(), violation.sentence.as_str()),
            Verdict::Unknown(why) => ("?".to_owned(), why.as_str()),
        };
        let head = format!("  {:<4}{:<9}{number:>8}  ", info.id, verdict.word());
        if let Verdict::Fail(_) = verdict {
            out.paragraph(&head, text)?;
        } else {
            let room = out.width.saturating_sub(head.chars().count());
            out.line(&format!("{head}{}", shorten(text, room)))?;
        }
    }
    for violation in judged.verdicts.failed() {
        let place = judged.line(violation).map_or(String::new(), |line| format!(", line {line}"));
        out.line(&format!("\n{}{place}:", report.path))?;
        let options = ColumnOptions { color: out.color, width: out.width, ..ColumnOptions::default() };
        let lookup = |at: Stamp| judged.witnesses.get(&at).map(|(_, record)| record);
        out.text(&explain_violation_with(violation, lookup, &options))?;
    }
    Ok(())
}

/// Cuts a text to `room` characters.
fn shorten(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn as_json(report: &Report) -> serde_json::Value {
    let mut value =
        json!({ "file": report.path, "overall": report.status.word(), "problem": report.problem });
    let Some(judged) = &report.judged else { return value };
    let witness = |witness: &tracecheck::Witness| {
        let line = judged.witnesses.get(&witness.at).map(|(line, _)| line);
        json!({ "at": witness.at, "line": line, "note": witness.note })
    };
    let rule = |(info, verdict): (&tracecheck::RuleInfo, &Verdict)| match verdict {
        Verdict::Pass(met) => json!({ "rule": info.id, "verdict": "pass", "obligations": met }),
        Verdict::Vacuous => json!({ "rule": info.id, "verdict": "vacuous", "obligations": 0 }),
        Verdict::Unknown(why) => json!({ "rule": info.id, "verdict": "unknown", "sentence": why }),
        Verdict::Fail(violation) => json!({
            "rule": info.id,
            "verdict": "fail",
            "sentence": violation.sentence,
            "expected": violation.expected,
            "line": judged.line(violation),
            "witnesses": violation.witnesses.iter().map(witness).collect::<Vec<_>>(),
        }),
    };
    value["run"] = json!({ "name": judged.header.run.name, "seed": judged.header.run.seed });
    value["records"] = json!(judged.records);
    value["rules"] = judged.verdicts.iter().map(rule).collect();
    value
}
