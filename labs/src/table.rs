//! The table of results: one row a scenario, plain text, narrow enough for a terminal.

use scenario::line::{Listed, RunLine, RunVerdict};
use std::collections::BTreeSet;

/// How wide the table may become.
const WIDTH: usize = 100;

/// What came of one scenario over its seeds.
#[derive(Clone, Debug)]
pub struct Row {
    /// The scenario.
    pub scenario: Listed,
    /// Its runs, by seed.
    pub runs: Vec<RunLine>,
}

impl Row {
    /// How many of its runs passed.
    pub fn passed(&self) -> usize {
        self.runs.iter().filter(|run| run.verdict == RunVerdict::Pass).count()
    }

    /// The runs that did not.
    pub fn failures(&self) -> impl Iterator<Item = &RunLine> {
        self.runs.iter().filter(|run| run.verdict != RunVerdict::Pass)
    }

    fn mean(&self, of: impl Fn(&RunLine) -> u64) -> u64 {
        let sum: u128 = self.runs.iter().map(|run| u128::from(of(run))).sum();
        u64::try_from(sum / (self.runs.len().max(1) as u128)).unwrap_or(u64::MAX)
    }

    fn rules(&self) -> String {
        compress(self.runs.iter().flat_map(|run| run.rules.keys()).map(String::as_str))
    }
}

/// The table. Means are over a scenario's runs.
pub fn render(rows: &[Row]) -> String {
    let head = ["scenario", "seeds", "virtual", "RPCs", "events", "rules exercised"].map(str::to_owned);
    let cells = rows.iter().map(|row| {
        let failed = if row.passed() < row.runs.len() { "FAIL " } else { "" };
        [
            row.scenario.name.clone(),
            format!("{failed}{}/{}", row.passed(), row.runs.len()),
            format!("{:.1} s", row.mean(|run| run.virtual_ns) as f64 / 1e9),
            row.mean(|run| run.rpcs).to_string(),
            row.mean(|run| run.events).to_string(),
            row.rules(),
        ]
    });
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(cells).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let used = widths.iter().sum::<usize>() + 2 * widths.len();
    let mut out = String::new();
    for line in &lines {
        let [name, rest @ .., rules] = line;
        out.push_str(&format!("{name:<width$}", width = widths[0]));
        for (cell, width) in rest.iter().zip(&widths[1..]) {
            out.push_str(&format!("  {cell:>width$}"));
        }
        // The last column is as wide as the table may still grow, and goes on below itself.
        let below = format!("\n{}", " ".repeat(used));
        let parts = textwrap::wrap(rules, WIDTH.saturating_sub(used).max(16));
        out.push_str(format!("  {}", parts.join(&below)).trim_end());
        out.push('\n');
    }
    out
}

/// Rule ids in short: `E1`, `E2`, `E3`, `E6` become `E1–E3 E6`.
pub fn compress<'a>(ids: impl Iterator<Item = &'a str>) -> String {
    let split = |id: &'a str| {
        let digits = id.find(|c: char| c.is_ascii_digit()).unwrap_or(id.len());
        (&id[..digits], id[digits..].parse::<u32>().ok(), id)
    };
    let sorted: BTreeSet<(&str, Option<u32>, &str)> = ids.map(split).collect();
    let mut groups: Vec<Vec<(&str, Option<u32>, &str)>> = Vec::new();
    for id in sorted {
        let follows = |last: &(&str, Option<u32>, &str)| {
            last.0 == id.0 && last.1.is_some() && id.1 == last.1.map(|n| n + 1)
        };
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(follows) => group.push(id),
            _ => groups.push(vec![id]),
        }
    }
    let text = |group: &Vec<(&str, Option<u32>, &str)>| match &group[..] {
        [first, _, .., last] => format!("{}–{}", first.2, last.2),
        few => few.iter().map(|id| id.2).collect::<Vec<_>>().join(" "),
    };
    groups.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// Seeds in short: 1, 2, 3 and 7 become `1–3, 7`. They must be in order.
pub fn ranges(seeds: &[u64]) -> String {
    let runs = seeds.chunk_by(|one, next| one.checked_add(1) == Some(*next));
    let text = |run: &[u64]| match run {
        [first, _, .., last] => format!("{first}–{last}"),
        few => few.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    };
    runs.map(text).collect::<Vec<_>>().join(", ")
}

/// Two lines of totals: what was run, and how much of it the rules spoke of.
pub fn totals(rows: &[Row]) -> String {
    let runs: Vec<&RunLine> = rows.iter().flat_map(|row| &row.runs).collect();
    let failed = rows.iter().filter(|row| row.passed() < row.runs.len()).count();
    let verdict = match failed {
        0 => "all passed".to_owned(),
        1 => "1 scenario failed".to_owned(),
        failed => format!("{failed} scenarios failed"),
    };
    let seconds = runs.iter().map(|run| run.virtual_ns as f64 / 1e9).sum::<f64>();
    let rpcs: u64 = runs.iter().map(|run| run.rpcs).sum();
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let rules: BTreeSet<&String> = runs.iter().flat_map(|run| run.rules.keys()).collect();
    let met: u64 = runs.iter().flat_map(|run| run.rules.values()).sum();
    let times = if met == 1 { "1 obligation".to_owned() } else { format!("{met} obligations") };
    format!(
        "{}, {}: {verdict}. {seconds:.0} s of virtual time, {rpcs} RPCs.\n{times} of {} met.",
        plural(rows.len(), "scenario"),
        plural(runs.len(), "run"),
        plural(rules.len(), "rule")
    )
}
