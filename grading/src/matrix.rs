//! The kill matrix as text, at most 80 columns wide: mutants × scenarios, then who named each, then what is wrong.

use crate::corpus::Mutant;
use crate::line::{Finding, Head, MutantLine, MutantVerdict};
use std::fmt::Write;

/// How wide the text may be.
const WIDTH: usize = 80;
/// What a row begins with: a number, a name as far as there is room, a space.
const LABEL: usize = 19;

/// Everything that a person reads, of one package after the other.
pub fn human(heads: &[Head], mutants: &[Mutant], lines: &[MutantLine]) -> String {
    let of_package = |head: &Head| {
        let wanted = mutants.iter().zip(lines).filter(|(_, line)| line.package == head.package);
        let (mutants, lines): (Vec<_>, Vec<_>) =
            wanted.map(|(one, line)| (one.clone(), line.clone())).unzip();
        one_package(head, &mutants, &lines)
    };
    let texts: Vec<String> = heads.iter().map(of_package).collect();
    texts.join("\n")
}

fn one_package(head: &Head, mutants: &[Mutant], lines: &[MutantLine]) -> String {
    let mut out = matrix(head, lines);
    let _ = write!(out, "\n{LEGEND}\n\n{}", table(lines));
    out.push_str(&complaints(mutants, lines));
    let wall: u64 = lines.iter().map(|line| line.build_ms + line.run_ms).sum();
    let build: u64 = lines.iter().map(|line| line.build_ms).sum();
    let time = format!("{} s of work, {} s of it building.", wall / 1000, build / 1000);
    let text = format!("{} {time}", totals(head, lines));
    let _ = write!(out, "\n{}\n", textwrap::fill(&text, WIDTH));
    out
}

/// What the characters of the matrix mean.
pub const LEGEND: &str = "\
A digit: so many seeds until the scenario failed; + more than nine; · it passed
with all of them; ? it gave no verdict.";

/// The matrix itself: in as many blocks of whole parts as the width asks for.
pub fn matrix(head: &Head, lines: &[MutantLine]) -> String {
    let parts = head.scenarios.chunk_by(|one, next| split(one).0 == split(next).0);
    let mut blocks: Vec<Vec<&[String]>> = Vec::new();
    let mut used = WIDTH;
    for part in parts {
        if used + 1 + part.len() > WIDTH {
            blocks.push(Vec::new());
            used = LABEL;
        }
        used += 1 + part.len();
        blocks.last_mut().expect("one was just begun if there was none").push(part);
    }
    let blocks: Vec<String> = blocks.iter().map(|parts| block(parts, lines)).collect();
    blocks.join("\n")
}

/// A scenario's part and number: `lab2b_05_figure8` is `2b` and `05`.
fn split(name: &str) -> (&str, &str) {
    let mut words = name.split('_');
    let part = words.next().unwrap_or_default();
    (part.strip_prefix("lab").unwrap_or(part), words.next().unwrap_or_default())
}

fn block(parts: &[&[String]], lines: &[MutantLine]) -> String {
    let row = |label: &str, cell: &dyn Fn(usize, &String) -> char| {
        let cells = parts.iter().map(|part| {
            let cells: String = part.iter().enumerate().map(|(place, name)| cell(place, name)).collect();
            format!(" {cells}")
        });
        format!("{label:<LABEL$}{}", cells.collect::<String>()).trim_end().to_owned() + "\n"
    };
    let letter = |text: &str, place: usize| text.chars().nth(place).unwrap_or(' ');
    let mut out = row("", &|place, name| letter(split(name).0, place));
    out.push_str(&row("", &|_, name| letter(split(name).1, 0)));
    out.push_str(&row("", &|_, name| letter(split(name).1, 1)));
    for line in lines {
        let label: String = line.id.replacen('-', " ", 1).chars().take(LABEL).collect();
        out.push_str(&row(&label, &|_, name| cell(line, name)));
    }
    out
}

fn cell(line: &MutantLine, scenario: &str) -> char {
    match line.findings.iter().find(|finding| finding.scenario == scenario) {
        None if line.verdict == MutantVerdict::NotBuilt => '?',
        None => '·',
        Some(finding) if !finding.kills() => '?',
        Some(Finding { seeds, .. }) => {
            u32::try_from(*seeds).ok().and_then(|seeds| char::from_digit(seeds, 10)).unwrap_or('+')
        }
    }
}

/// One line a mutant: after how many seeds, who named it and in how many scenarios, who should have.
fn table(lines: &[MutantLine]) -> String {
    let mut out = format!("{:<26} {:>5}  {:>5}  named by (scenarios)\n", "mutant", "seeds", "wall");
    for line in lines {
        let seeds = line.seeds.map_or("–".to_owned(), |seeds| seeds.to_string());
        let wall = format!("{} s", (line.build_ms + line.run_ms).div_ceil(1000));
        let id: String = line.id.chars().take(26).collect();
        let head = format!("{id:<26} {seeds:>5}  {wall:>5}  ");
        let below = " ".repeat(head.chars().count());
        let options = textwrap::Options::new(WIDTH).initial_indent(&head).subsequent_indent(&below);
        let _ = writeln!(out, "{}", textwrap::fill(&verdict(line), options));
    }
    out
}

fn verdict(line: &MutantLine) -> String {
    let named: Vec<String> =
        line.named_by().into_iter().map(|(label, count)| format!("{label} ({count})")).collect();
    let named = named.join(", ");
    match line.verdict {
        MutantVerdict::Survived if line.equivalent => "equivalent, and survived".to_owned(),
        MutantVerdict::Survived => format!("SURVIVED; expected {}", line.expect.join(" or ")),
        MutantVerdict::NotJudged => "NOT JUDGED".to_owned(),
        MutantVerdict::NotBuilt => "DOES NOT COMPILE".to_owned(),
        MutantVerdict::Killed if line.equivalent => format!("{named}; WAS ARGUED TO BE EQUIVALENT"),
        MutantVerdict::Killed if !line.as_expected => {
            format!("{named}; EXPECTED {}", line.expect.join(" or "))
        }
        MutantVerdict::Killed => named,
    }
}

/// A paragraph for each mutant that is not as it should be.
fn complaints(mutants: &[Mutant], lines: &[MutantLine]) -> String {
    let mut out = String::new();
    for (mutant, line) in mutants.iter().zip(lines).filter(|(_, line)| !line.is_fine()) {
        let expected = line.expect.join(" or ");
        let what = match line.verdict {
            MutantVerdict::Survived => format!("No scenario sees it. {expected} should."),
            MutantVerdict::Killed if line.equivalent => {
                "It was argued to be equivalent to the reference, and is not.".to_owned()
            }
            MutantVerdict::Killed => format!("It fails, but not as expected: {expected} never names it."),
            MutantVerdict::NotJudged => "No scenario failed, and not every one gave a verdict.".to_owned(),
            MutantVerdict::NotBuilt => {
                "It does not compile, so it shows nothing: correct its edits.".to_owned()
            }
        };
        let text = format!("{}: {} ({}) {what}", line.id, mutant.sentence, mutant.paper);
        let _ = writeln!(out, "\n{}", textwrap::fill(&text, WIDTH));
        for finding in line.findings.iter().take(3) {
            let text = format!(
                "{} with seed {}: {}: {}",
                finding.scenario,
                finding.seeds - 1,
                finding.label(),
                finding.sentence()
            );
            let options = textwrap::Options::new(WIDTH).initial_indent("  ").subsequent_indent("    ");
            let _ = writeln!(out, "{}", textwrap::fill(&text, options));
        }
        for line in line.compiler.iter().flat_map(|said| said.lines()).take(20) {
            let _ = writeln!(out, "  | {line}");
        }
    }
    out
}

/// How many were killed, and after how many seeds, as one paragraph.
pub fn totals(head: &Head, lines: &[MutantLine]) -> String {
    let equivalent = lines.iter().filter(|line| line.equivalent).count();
    let real: Vec<&MutantLine> = lines.iter().filter(|line| !line.equivalent).collect();
    let count = |wanted: fn(&MutantLine) -> bool| real.iter().filter(|line| wanted(line)).count();
    let killed = count(|line| line.verdict == MutantVerdict::Killed);
    let mut seeds: Vec<u64> = real.iter().filter_map(|line| line.seeds).collect();
    seeds.sort_unstable();
    let median = match seeds.get(seeds.len().saturating_sub(1) / 2) {
        Some(median) => format!(", after {median} of {} seeds in the median", head.seeds),
        None => String::new(),
    };
    let mut text =
        format!("{killed} of {} mutants killed by {} scenarios{median}.", real.len(), head.scenarios.len());
    for (count, what) in [
        (count(|line| line.verdict == MutantVerdict::Survived), "survived"),
        (count(|line| line.verdict == MutantVerdict::NotJudged), "not judged"),
        (count(|line| line.verdict == MutantVerdict::NotBuilt), "not compiled"),
        (count(|line| line.verdict == MutantVerdict::Killed && !line.as_expected), "not named as expected"),
        (equivalent, "argued to be equivalent"),
    ] {
        if count > 0 {
            let _ = write!(text, " {count} {what}.");
        }
    }
    text
}
