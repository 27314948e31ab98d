//! The report of a soak for a person: failures first, then what was run. At most 80 columns.

use super::report::{Failing, Report};
use crate::table;
use textwrap::{Options, WordSplitter};

/// The most seeds, or rows of seeds, that are shown of one cause.
const RANGES: usize = 60;

/// The report.
pub fn human(report: &Report, file: &str) -> String {
    let mut out = String::new();
    for failing in &report.failures {
        failure(&mut out, failing);
    }
    let verdict = match (report.failed, report.runs) {
        (_, 0) => "nothing was run".to_owned(),
        (0, _) => "all passed".to_owned(),
        (failed, _) => format!("{} FAILED", grouped(failed)),
    };
    let scenarios = report.scenarios.len();
    let noun = if scenarios == 1 { "scenario" } else { "scenarios" };
    out.push_str(&format!("{} runs of {scenarios} {noun}: {verdict}.\n\n", grouped(report.runs)));
    row(&mut out, "seeds", &seeds(report));
    row(&mut out, "virtual time", &duration(report.virtual_ns as f64 / 1e9));
    row(&mut out, "events", &grouped(report.events));
    row(&mut out, "RPCs", &format!("{}, with {} bytes", grouped(report.rpcs), grouped(report.bytes)));
    let cpu = report.cpu_ms.map_or("unknown".to_owned(), |cpu| duration(cpu as f64 / 1e3));
    row(&mut out, "took", &format!("{}; of processors' time {cpu}", duration(report.wall_ms as f64 / 1e3)));
    obligations(&mut out, report);
    out.push('\n');
    row(&mut out, "build", &report.fingerprint);
    // A path is copied as a whole, and never wrapped.
    out.push_str(&format!("  {:<14}{file}\n", "report"));
    out
}

fn failure(out: &mut String, failing: &Failing) {
    let failures = &failing.failures;
    let times = if failures.seeds.len() == 1 { "seed" } else { "seeds" };
    out.push_str(&format!("{}\n", failures.report.trim_end()));
    let options = Options::new(80).initial_indent("  like this   ").subsequent_indent("              ");
    let ranges = table::ranges(&failures.seeds);
    // Where very many fail, the first show what is to be seen.
    let ranges = match ranges.match_indices(", ").nth(RANGES) {
        Some((end, _)) => format!("{} …; all of them are in the report's file", &ranges[..end]),
        None => ranges,
    };
    let text = format!("{} {times}: {ranges}", grouped(failures.seeds.len() as u64));
    let options = options.word_splitter(WordSplitter::NoHyphenation);
    out.push_str(&format!("{}\n", textwrap::fill(&text, options)));
    // The report of a function that is not written yet is a single line.
    if !failures.report.contains(&failing.replay) {
        out.push_str(&format!("  replay      {}\n", failing.replay));
    }
    out.push('\n');
}

fn seeds(report: &Report) -> String {
    let scripts = report.scenarios.iter().filter(|one| !one.seeded).count();
    match report.seeds {
        0 => "none; these are scripts, which no seed changes".to_owned(),
        1 => format!("{} of each scenario", report.from),
        seeds => {
            let once = match scripts {
                0 => String::new(),
                1 => "; 1 script, which no seed changes, once".to_owned(),
                scripts => format!("; {scripts} scripts, which no seed changes, once"),
            };
            format!("{} to {} of each scenario{once}", grouped(report.from), grouped(report.from + seeds - 1))
        }
    }
}

/// Every rule with its count, in columns; those that nothing triggered in a line of their own.
fn obligations(out: &mut String, report: &Report) {
    let met: Vec<_> = report.obligations.iter().filter(|one| one.met > 0).collect();
    let never = report.obligations.iter().filter(|one| one.met == 0).map(|one| one.rule.as_str());
    let all: u64 = met.iter().map(|one| one.met).sum();
    row(out, "obligations", &format!("{} of {} rules met", grouped(all), met.len()));
    let width = met.iter().map(|one| grouped(one.met).len()).max().unwrap_or(0);
    let cells: Vec<String> =
        met.iter().map(|one| format!("{:<4}{:>width$}", one.rule, grouped(one.met))).collect();
    let columns = ((80 - 16 + 3) / (width + 4 + 3)).max(1);
    let lines = cells.len().div_ceil(columns);
    for line in 0..lines {
        // Down the columns, as lists of names are read.
        let cells: Vec<&str> = cells.iter().skip(line).step_by(lines.max(1)).map(String::as_str).collect();
        out.push_str(&format!("{:16}{}\n", "", cells.join("   ")));
    }
    let never = table::compress(never);
    let never = if never.is_empty() { "no rule".to_owned() } else { never };
    row(out, "not exercised", &never);
}

fn row(out: &mut String, label: &str, text: &str) {
    let first = format!("  {label:<14}");
    let options = Options::new(80).initial_indent(&first).subsequent_indent("                ");
    out.push_str(&format!("{}\n", textwrap::fill(text, options.word_splitter(WordSplitter::NoHyphenation))));
}

/// A number with a comma at every thousand.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A span of time in the two units that a person would use.
pub(super) fn duration(seconds: f64) -> String {
    const UNITS: [(&str, u64); 5] =
        [("year", 365 * 86_400), ("day", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    let first = UNITS.iter().position(|(_, size)| whole >= *size).unwrap_or(UNITS.len() - 1);
    let mut rest = whole;
    let mut parts = Vec::new();
    for (name, size) in UNITS.iter().skip(first).take(2) {
        let count = rest / size;
        rest %= size;
        let plural = if ["year", "day"].contains(name) && count != 1 { "s" } else { "" };
        if count > 0 {
            parts.push(format!("{count} {name}{plural}"));
        }
    }
    parts.join(" ")
}
