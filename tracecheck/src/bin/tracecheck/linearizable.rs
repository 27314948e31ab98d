//! `tracecheck linearizable`: whether a history is linearizable, and if not, which operations show it.

use crate::Status;
use crate::check::Format as Style;
use crate::input;
use crate::output::{Output, complain};
use serde_json::json;
use tracecheck::linear::formats::{Causality, Format, load};
use tracecheck::linear::{Budget, Explanation, Operation, Verdict, check};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The histories; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Who wrote them; guessed from the first line unless said.
    #[arg(long, value_enum)]
    format: Option<Source>,
    /// How many configurations may be looked at for each key before the verdict is unknown. A million take about a
    /// second and 100 MB.
    #[arg(long, value_name = "STEPS", default_value_t = Budget::default().steps)]
    budget: u64,
    /// One line a file.
    #[arg(short, long)]
    quiet: bool,
    /// For people, or one JSON object a file and line.
    #[arg(long, value_enum, default_value_t = Style::Human)]
    output: Style,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Source {
    /// A trace of this project.
    Raftlab,
    /// Maps of :process, :type, :f, :key and :value.
    Edn,
    /// Jepsen's log of one register.
    Jepsen,
    /// The log of a DistributedClocks tracing server.
    Tracing,
}

impl From<Source> for Format {
    fn from(source: Source) -> Format {
        match source {
            Source::Raftlab => Format::Raftlab,
            Source::Edn => Format::Edn,
            Source::Jepsen => Format::Jepsen,
            Source::Tracing => Format::Tracing,
        }
    }
}

/// What came of one file.
struct Report<'a> {
    name: &'a str,
    status: Status,
    format: Option<Format>,
    operations: usize,
    /// The verdict, or why there is none, in a sentence.
    sentence: String,
    explanation: Option<Box<Explanation>>,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Status> {
    let mut status = Status::Pass;
    for path in &args.files {
        let report = judge(path, args);
        status = status.worst(report.status);
        match args.output {
            Style::Json => out.line(&as_json(&report).to_string())?,
            Style::Human => table(&report, args.quiet, out)?,
        }
        out.flush()?;
    }
    Ok(status)
}

fn judge<'a>(path: &'a str, args: &Args) -> Report<'a> {
    let name = input::name(path);
    let mut report = Report {
        name,
        status: Status::Unreadable,
        format: None,
        operations: 0,
        sentence: String::new(),
        explanation: None,
    };
    let loaded = match input::open(path) {
        Ok(input) => load(input, args.format.map(Format::from)).map_err(|error| format!("{name}: {error}")),
        Err(problem) => Err(problem),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problem) => {
            report.sentence = problem;
            return report;
        }
    };
    (report.format, report.operations) = (Some(loaded.format), loaded.history.len());
    let budget = Budget { steps: args.budget, ..Budget::default() };
    let verdict = check(&loaded.history, budget);
    (report.status, report.sentence) = match (verdict, loaded.cut) {
        (Verdict::Violation(why), _) if !rests_on_causes(&why, loaded.causality.as_ref()) => (
            Status::Unknown,
            "in the order of its lines it is not linearizable, but the vector clocks do not bear that order out"
                .to_owned(),
        ),
        (Verdict::Violation(why), _) => {
            let sentence = why.sentence.clone();
            report.explanation = Some(why);
            (Status::Fail, sentence)
        }
        (Verdict::Unknown(why), _) => (Status::Unknown, why),
        (Verdict::Linearizable { .. }, Some(cut)) => (Status::Unknown, format!("linearizable so far, but {cut}")),
        (Verdict::Linearizable { operations, keys, by_zones }, None) => {
            let keys_word = if keys == 1 { "key" } else { "keys" };
            (
                Status::Pass,
                format!("linearizable: {operations} operations on {keys} {keys_word}, {by_zones} decided by zones"),
            )
        }
    };
    report
}

/// Whether, where vector clocks order events, they order all that a violation rests on.
fn rests_on_causes(why: &Explanation, causality: Option<&Causality>) -> bool {
    let Some(causality) = causality else { return true };
    let apart = |first: &Operation, second: &Operation| {
        first.returned.is_none_or(|returned| returned > second.invoked)
            || causality.happened_before(first.returned_at, second.invoked_at)
    };
    let all = &why.operations;
    all.iter().all(|first| all.iter().all(|second| apart(first, second)))
}

fn table(report: &Report<'_>, quiet: bool, out: &mut Output) -> anyhow::Result<()> {
    let Report { name, status, sentence, explanation, .. } = report;
    if *status == Status::Unreadable {
        complain(sentence);
    }
    if quiet || *status == Status::Unreadable {
        let why = if *status == Status::Unreadable { String::new() } else { format!(": {sentence}") };
        return out.line(&format!("{name}: {}{why}", status.word()));
    }
    out.line(&format!("{name}: {}", status.word().to_uppercase()))?;
    out.paragraph("  ", sentence)?;
    let Some(why) = explanation else { return Ok(()) };
    let those = match why.needed.iter().filter(|needed| **needed).count() {
        1 => "The operation that cannot be placed".to_owned(),
        count => format!("The {count} operations that cannot be ordered"),
    };
    let marked = if why.needed.contains(&false) { " (>)" } else { "" };
    out.line("")?;
    out.paragraph("", &format!("{those}{marked} on key {:?}; time goes from left to right:", why.key))?;
    out.text(&why.picture(out.width))?;
    out.line("")?;
    out.text(&why.nearest(out.width))
}

fn as_json(report: &Report<'_>) -> serde_json::Value {
    let operation = |operation: &Operation| {
        json!({
            "client": operation.client,
            "call": operation.call,
            "outcome": operation.outcome,
            "invoked": operation.invoked,
            "returned": operation.returned,
            "invokedLine": operation.invoked_at,
            "returnedLine": if operation.returned_at == 0 { None } else { Some(operation.returned_at) },
        })
    };
    let violation = report.explanation.as_ref().map(|why| {
        json!({
            "key": why.key,
            "operations": why.operations.iter().map(operation).collect::<Vec<_>>(),
            "needed": why.needed,
            "minimal": why.minimal,
            "order": why.order,
            "leftOut": why.left_out,
            "couldFind": why.could_find,
            "otherWrites": why.others,
        })
    });
    json!({
        "file": report.name,
        "overall": report.status.word(),
        "format": report.format.map(Format::name),
        "operations": report.operations,
        "sentence": report.sentence,
        "violation": violation,
    })
}
