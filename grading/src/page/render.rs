//! The page as text. Nothing in it depends on how long anything took.

use super::inputs::{Matrix, Trials};
use super::{Prints, written};
use crate::corpus::{Mutant, Variant};
use crate::line::{MutantLine, MutantVerdict, VariantVerdict};
use crate::{matrix, variants};
use labs::soak::Report;
use std::fmt::Write;

/// What the page is made from.
#[derive(Clone, Debug)]
pub struct Material {
    /// What it all speaks of.
    pub prints: Prints,
    /// The mutants.
    pub mutants: Vec<Mutant>,
    /// What came of them, in the same order.
    pub matrix: Matrix,
    /// The variants, and what came of them, in the same order.
    pub variants: Option<(Vec<Variant>, Trials)>,
    /// What the reference came to over many seeds.
    pub soak: Option<Report>,
}

const INTRODUCTION: &str = "\
How do we know that the graded tests find mistakes? By making them: each of these mistakes was planted in the
reference, alone, and the scenarios of the labs were run against it, exactly as a student runs them. And how do we
know that they accept what is correct? By handing in correct code that is unlike the reference.

Made by `cargo grade page`; `cargo grade page --check` says whether it still holds. Not written by hand.
";

/// The page.
pub fn render(material: &Material) -> String {
    let Material { prints, mutants, matrix, variants, soak } = material;
    let mut out =
        format!("# What the tests catch\n\n{}\n\n{INTRODUCTION}\n", written::prints(prints, &matrix.head));
    let parts = parts(&matrix.head);
    let _ = writeln!(out, "It speaks of the scenarios of `{}`: {parts}.\n", prints.package);
    out.push_str(&kills(mutants, matrix));
    out.push_str("\n## What the tests accept\n\n");
    match variants {
        Some((variants, trials)) => out.push_str(&accepted(variants, trials)),
        None => out.push_str("Not part of this page: no results of `cargo grade variants` were given.\n"),
    }
    out.push_str("\n## The reference over many seeds\n\n");
    match soak {
        Some(soak) => out.push_str(&soaked(soak)),
        None => out.push_str("Not part of this page: no report of `cargo labs soak` was given.\n"),
    }
    out
}

/// The parts of labs that the scenarios belong to.
fn parts(head: &crate::line::Head) -> String {
    let mut parts: Vec<&str> = head.scenarios.iter().filter_map(|name| name.split('_').next()).collect();
    parts.dedup();
    parts.join(", ")
}

fn kills(mutants: &[Mutant], Matrix { head, lines }: &Matrix) -> String {
    let mut out = format!("## Mistakes\n\n{}\n", matrix::totals(head, lines));
    let odd: Vec<&MutantLine> = lines.iter().filter(|line| !line.is_fine()).collect();
    for line in &odd {
        let what = match line.verdict {
            MutantVerdict::Survived => "survives",
            MutantVerdict::Killed if line.equivalent => "was argued to be equivalent, and is not",
            MutantVerdict::Killed => "is killed, but not named as expected",
            MutantVerdict::NotJudged => "was not judged",
            MutantVerdict::NotBuilt => "does not compile",
        };
        let _ = writeln!(out, "\n**{} {what}.**", line.id);
    }
    let _ = write!(out, "\n```text\n{}\n{}\n```\n\n", matrix::matrix(head, lines), matrix::LEGEND);
    out.push_str(
        "`seeds` is how many seeds it took until some scenario failed; `named by` is the rule that was broken, or \
         `scenario` where an\nexpectation of the scenario itself was not met, with the number of scenarios in which it \
         was so.\n\n",
    );
    out.push_str(written::HEAD);
    for (mutant, line) in mutants.iter().zip(lines) {
        let row = written::Row::of(line);
        let expected = match &mutant.equivalent {
            Some(why) => format!("equivalent: {why}"),
            None => mutant.expect.join(" or "),
        };
        let kit = if mutant.kit { " (In the kit.)" } else { "" };
        let cells = [&expected, &format!("{}{kit}", mutant.sentence), &mutant.paper];
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "{} {} |", row.cells(), cells.join(" | "));
    }
    out
}

fn accepted(variants: &[Variant], Trials { head, lines }: &Trials) -> String {
    let mut out = format!("{}\n\n", variants::totals(head, lines));
    out.push_str("| variant | runs | verdict | what it does differently | why that is correct |\n|---|---|---|---|---|\n");
    for (variant, line) in variants.iter().zip(lines) {
        let verdict = match line.verdict {
            VariantVerdict::Passed => "passed".to_owned(),
            VariantVerdict::Failed => {
                let failed = line.findings.iter().filter(|finding| finding.kills());
                let named: Vec<String> =
                    failed.map(|finding| format!("{} ({})", finding.scenario, finding.label())).collect();
                format!("**failed**: {}", named.join(", "))
            }
            VariantVerdict::NotJudged => "**not judged**".to_owned(),
            VariantVerdict::NotBuilt => "**does not compile**".to_owned(),
        };
        let cells = [&line.id, &line.runs.to_string(), &verdict, &variant.sentence, &variant.allows];
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

fn soaked(soak: &Report) -> String {
    let days = soak.virtual_ns as f64 / 1e9 / 86_400.0;
    let verdict = match soak.failed {
        0 => "all passed".to_owned(),
        failed => format!("**{failed} failed**"),
    };
    let labs = if soak.labs.is_empty() { "all labs".to_owned() } else { soak.labs.join(" and ") };
    let mut out = format!(
        "{} runs of {labs}, seeds {} to {}: {verdict}. {days:.1} days of virtual time, {} events, {} RPCs.\n",
        soak.runs,
        soak.from,
        soak.from.saturating_add(soak.seeds).saturating_sub(1),
        soak.events,
        soak.rpcs
    );
    for failing in &soak.failures {
        let _ = writeln!(out, "\nFailed: `{}`", failing.replay);
    }
    out.push_str("\n| rule | obligations met |\n|---|---:|\n");
    for one in &soak.obligations {
        let met = if one.met == 0 { "never exercised".to_owned() } else { one.met.to_string() };
        let _ = writeln!(out, "| {} | {met} |", one.rule);
    }
    out
}
