//! A violation for a person: the sentence, the rule, the witnesses as columns, and what would have been right.

use crate::columns::{ColumnOptions, columns, wrap};
use crate::verdict::Violation;
use owo_colors::OwoColorize;
use std::fmt::Write;
use tracecheck_schema::{Record, Stamp};

/// Explains a violation on at most 80 columns, without colour. `records` finds a record by its stamp; a witness
/// that it does not find is named without its row.
pub fn explain_violation<'a>(v: &Violation, records: impl Fn(Stamp) -> Option<&'a Record>) -> String {
    explain_violation_with(v, records, &ColumnOptions::default())
}

/// Explains a violation with the colours and width of `options`; its nodes and notes are not used.
pub fn explain_violation_with<'a>(
    v: &Violation,
    records: impl Fn(Stamp) -> Option<&'a Record>,
    options: &ColumnOptions,
) -> String {
    let mut out = String::new();
    let mut paragraph = |head: &str, text: &str| {
        let width = options.width.saturating_sub(head.chars().count() + 1).max(20);
        for (index, line) in wrap(text, width).iter().enumerate() {
            let lead = if index == 0 { head.to_owned() } else { " ".repeat(head.chars().count()) };
            let lead = if options.color { lead.bold().to_string() } else { lead };
            let _ = writeln!(out, "{lead} {line}");
        }
    };
    paragraph(v.rule.id, &v.sentence);
    paragraph("  rule:    ", v.rule.sentence);
    paragraph("  source:  ", v.rule.source);
    if let Some(expected) = &v.expected {
        paragraph("  expected:", expected);
    }
    let found: Vec<&Record> = v.witnesses.iter().filter_map(|witness| records(witness.at)).collect();
    if !found.is_empty() {
        let notes = v.witnesses.iter().map(|witness| (witness.at, witness.note.clone())).collect();
        out.push('\n');
        out.push_str(&columns(&found, &ColumnOptions { nodes: None, notes, ..options.clone() }));
    }
    for witness in v.witnesses.iter().filter(|witness| records(witness.at).is_none()) {
        let _ = writeln!(out, "  {}: {}", witness.at, witness.note);
    }
    out
}
