//! `tracecheck check`: every file is judged as a run of its own, or all of them as one.

use crate::Status;
use crate::files::{Files, Place, split};
use crate::input;
use crate::output::{Output, complain};
use serde_json::json;
use std::collections::BTreeMap;
use tracecheck::schema::{Header, Record, Stamp};
use tracecheck::{
    ColumnOptions, Found, Offline, Overall, Verdict, Verdicts, Violation, explain_violation_with,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The traces; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Judge all files as one run, of which each process wrote one. Their headers must agree; a file that ends
    /// early (its process was killed) leaves unknown only what depends on its end.
    #[arg(long)]
    merge: bool,
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
    /// What files it is about, as in the command line.
    paths: Vec<String>,
    /// What is worth knowing about them.
    notes: Vec<String>,
    /// Why the file could not be read, or not to its end.
    problem: Option<String>,
    judged: Option<Judged>,
    status: Status,
}

impl Report {
    /// The file and the line of a place.
    fn at(&self, place: Place) -> (&str, u64) {
        let (file, line) = split(place);
        (self.paths.get(file).map_or("", |path| input::name(path)), line)
    }
}

struct Judged {
    header: Header,
    records: u64,
    verdicts: Verdicts,
    found: Vec<Found>,
    /// The witnesses, and where they stand; empty for standard input, which cannot be read twice.
    witnesses: BTreeMap<Stamp, (Place, Record)>,
}

impl Judged {
    /// The place to look at first.
    fn place(&self, violation: &Violation) -> Option<Place> {
        let found = self.found.iter().find(|found| found.violation == *violation);
        let last = violation.witnesses.last().and_then(|witness| self.witnesses.get(&witness.at));
        found.map(|found| found.line).or(last.map(|(place, _)| *place))
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Status> {
    let mut status = Status::Pass;
    let runs: Vec<&[String]> = if args.merge { vec![&args.files] } else { args.files.chunks(1).collect() };
    for paths in runs {
        let report = judge(paths, args.merge);
        status = status.worst(report.status);
        if args.format == Format::Human {
            report.notes.iter().chain(&report.problem).for_each(|sentence| complain(sentence));
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

fn open(paths: &[String], merge: bool) -> Result<(Header, Files), (String, Status)> {
    if merge { Files::merged(paths) } else { Files::one(paths.first().map_or("-", String::as_str)) }
}

fn judge(paths: &[String], merge: bool) -> Report {
    let names: Vec<&str> = paths.iter().map(|path| input::name(path)).collect();
    let path = if merge { format!("{} merged", names.join(" + ")) } else { names.join(" + ") };
    let mut report = Report {
        path,
        paths: paths.to_vec(),
        notes: vec![],
        problem: None,
        judged: None,
        status: Status::Pass,
    };
    let (header, mut files) = match open(paths, merge) {
        Ok(opened) => opened,
        Err((problem, status)) => {
            (report.problem, report.status) = (Some(problem), status);
            return report;
        }
    };
    let mut offline = if merge { Offline::merging(&header) } else { Offline::new(&header) };
    let (mut records, mut problem) = (0, None);
    while let Some(next) = files.next_record() {
        match next {
            Ok((place, record)) => offline.push(place, record),
            Err(refusal) => {
                problem = Some(refusal);
                break;
            }
        }
        records += 1;
    }
    let (verdicts, found) = offline.finish(problem.is_some());
    report.status = match (verdicts.overall(), &problem) {
        (Overall::Fail, _) => Status::Fail,
        (_, Some((_, status))) => *status,
        (Overall::Unknown, None) => Status::Unknown,
        (Overall::Pass, None) => Status::Pass,
    };
    report.notes = std::mem::take(&mut files.notes);
    report.problem = problem.map(|(sentence, _)| sentence);
    let witnesses = witnesses(paths, merge, &verdicts);
    report.judged = Some(Judged { header, records, verdicts, found, witnesses });
    report
}

/// Reads the files once more for the records that show the violations: the judge does not keep them.
fn witnesses(paths: &[String], merge: bool, verdicts: &Verdicts) -> BTreeMap<Stamp, (Place, Record)> {
    let all = verdicts.failed().flat_map(|violation| &violation.witnesses);
    let wanted: std::collections::BTreeSet<Stamp> = all.map(|witness| witness.at).collect();
    let mut found = BTreeMap::new();
    if wanted.is_empty() || paths.iter().any(|path| path == "-") {
        return found;
    }
    let Ok((_, mut files)) = open(paths, merge) else { return found };
    while let Some(Ok((place, record))) = files.next_record() {
        if wanted.contains(&record.at) {
            found.entry(record.at).or_insert((place, record));
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
        let place = judged.place(violation).map(|place| report.at(place));
        let place = place.map_or(report.path.clone(), |(path, line)| format!("{path}, line {line}"));
        out.line(&format!("\n{place}:"))?;
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
    let mut value = json!({ "file": report.path, "overall": report.status.word(), "problem": report.problem, "notes": report.notes });
    let Some(judged) = &report.judged else { return value };
    let witness = |witness: &tracecheck::Witness| {
        let place = judged.witnesses.get(&witness.at).map(|(place, _)| report.at(*place));
        let (file, line) = place.unzip();
        json!({ "at": witness.at, "file": file, "line": line, "note": witness.note })
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
            "file": judged.place(violation).map(|place| report.at(place).0),
            "line": judged.place(violation).map(|place| report.at(place).1),
            "witnesses": violation.witnesses.iter().map(witness).collect::<Vec<_>>(),
        }),
    };
    value["run"] = json!({ "name": judged.header.run.name, "seed": judged.header.run.seed });
    value["records"] = json!(judged.records);
    value["rules"] = judged.verdicts.iter().map(rule).collect();
    value
}
