//! `cargo grade variants`: every correct alternative of the corpus, of which nothing may fail.

use crate::bench::{self, Bench, Course, Tried};
use crate::cli::VariantsArguments;
use crate::corpus::{self, VARIANTS, Variant};
use crate::crew;
use crate::line::{Finding, Head, Line, VariantLine, VariantVerdict};
use crate::tree::Tree;
use labs::cli::Format;
use labs::stop::Stop;
use std::fmt::Write;
use std::process::ExitCode;

/// How wide the text may be.
const WIDTH: usize = 80;

/// Runs the command.
pub fn main(arguments: &VariantsArguments) -> Result<ExitCode, Stop> {
    let course = Course::here()?;
    let all = corpus::variants(&course.files)?;
    let variants = corpus::only(all, |one| &one.id, &arguments.only, "variant")?;
    let seeds = arguments.seeds.get();
    let packages = corpus::packages(variants.iter().map(|variant| &variant.package));
    let bench = Bench::set_up(&course, arguments.jobs, variants.len(), packages, seeds, |_, _| Ok(()))?;

    let json = arguments.format == Format::Json;
    let heads = bench.heads(&course, VARIANTS, seeds)?;
    if json {
        heads.iter().for_each(|head| println!("{}", Line::Variants(head.clone()).to_json()));
    }
    let bar = crew::bar(variants.len(), "variants");
    let mut lines = Vec::new();
    let work = |tree: &mut Tree<'_>, variant: &Variant| {
        bench::attempt(tree, &variant.package, &variant.edits, seeds).map(|tried| line(variant, tried))
    };
    crew::each(bench.trees, &variants, &bench.packages, &bar, work, |line| {
        if json {
            println!("{}", Line::Variant(line.clone()).to_json());
        }
        lines.push(line);
    })?;
    if json {
        println!("{}", Line::End { count: lines.len() as u64 }.to_json());
    } else {
        print!("{}", human(&heads, &variants, &lines));
    }
    let passed = lines.iter().all(|line| line.verdict == VariantVerdict::Passed);
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What the findings add up to.
pub fn line(variant: &Variant, tried: Tried) -> VariantLine {
    let Tried { findings, runs, compiler, build_ms, run_ms } = tried;
    let verdict = match (&compiler, &findings[..]) {
        (Some(_), _) => VariantVerdict::NotBuilt,
        (None, []) => VariantVerdict::Passed,
        (None, findings) if findings.iter().any(Finding::kills) => VariantVerdict::Failed,
        (None, _) => VariantVerdict::NotJudged,
    };
    VariantLine {
        id: variant.id.clone(),
        package: variant.package.clone(),
        verdict,
        runs,
        findings,
        compiler,
        build_ms,
        run_ms,
    }
}

/// Everything that a person reads: a line a variant, then what failed, with its first report.
pub fn human(heads: &[Head], variants: &[Variant], lines: &[VariantLine]) -> String {
    let mut out = format!("{:<34} {:>7}  {:>6}  verdict\n", "variant", "runs", "wall");
    for line in lines {
        let wall = format!("{} s", (line.build_ms + line.run_ms).div_ceil(1000));
        let id: String = line.id.chars().take(34).collect();
        let _ = writeln!(out, "{id:<34} {:>7}  {wall:>6}  {}", line.runs, verdict(line));
    }
    for (variant, line) in
        variants.iter().zip(lines).filter(|(_, line)| line.verdict != VariantVerdict::Passed)
    {
        let text = format!("{}: {} {}", line.id, variant.sentence, variant.allows);
        let _ = writeln!(out, "\n{}", textwrap::fill(&text, WIDTH));
        for finding in &line.findings {
            let text = format!("{} with seed {}: {}", finding.scenario, finding.seeds - 1, finding.label());
            let _ = writeln!(out, "  {text}");
        }
        let first = line.findings.first();
        let report = first.map(|finding| finding.report.as_deref().unwrap_or(finding.sentence()));
        for text in report.iter().chain(&line.compiler.as_deref()) {
            let _ = writeln!(out, "\n{}", textwrap::indent(text.trim_end(), "  | "));
        }
    }
    out.push('\n');
    for head in heads {
        let of_package = lines.iter().filter(|line| line.package == head.package).cloned();
        let _ = writeln!(out, "{}", totals(head, &of_package.collect::<Vec<_>>()));
    }
    out
}

fn verdict(line: &VariantLine) -> String {
    let failed = line.findings.len();
    match line.verdict {
        VariantVerdict::Passed => "passed".to_owned(),
        VariantVerdict::Failed if failed == 1 => "FAILED in 1 scenario".to_owned(),
        VariantVerdict::Failed => format!("FAILED in {failed} scenarios"),
        VariantVerdict::NotJudged => "NOT JUDGED".to_owned(),
        VariantVerdict::NotBuilt => "DOES NOT COMPILE".to_owned(),
    }
}

/// How many passed, in how many runs.
pub fn totals(head: &Head, lines: &[VariantLine]) -> String {
    let passed = lines.iter().filter(|line| line.verdict == VariantVerdict::Passed).count();
    let runs: u64 = lines.iter().map(|line| line.runs).sum();
    format!(
        "{passed} of {} correct variants passed {} scenarios with up to {} seeds: {runs} runs.",
        lines.len(),
        head.scenarios.len(),
        head.seeds
    )
}
