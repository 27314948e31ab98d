//! `tracecheck rules` and `tracecheck explain`.

use crate::Status;
use crate::output::{Output, complain};
use std::collections::{BTreeMap, BTreeSet};
use tracecheck::read::Reader;
use tracecheck::schema::{Node, Record, Stamp};
use tracecheck::{ColumnOptions, UnknownRule, Verdict, Violation, columns, judge_text, rules};

pub(crate) fn list(out: &mut Output) -> anyhow::Result<Status> {
    for info in rules() {
        out.paragraph(&format!("{:<4} lab {:<3} ", info.id, info.lab), info.sentence)?;
    }
    Ok(Status::Pass)
}

pub(crate) fn run(id: &str, out: &mut Output) -> anyhow::Result<Status> {
    let Some(info) = tracecheck::rule(&id.to_ascii_uppercase()) else {
        complain(&UnknownRule { id: id.to_owned() }.to_string());
        return Ok(Status::Unreadable);
    };
    out.line(&format!("{} (from lab {})\n", info.id, info.lab))?;
    out.paragraph("", info.sentence)?;
    out.paragraph("Source: ", info.source)?;
    out.line("")?;
    out.paragraph("", info.explanation)?;
    out.line("\nA run that breaks it:\n")?;
    let (_, verdicts) = judge_text(info.example)?;
    let violation = match verdicts.get(info.id) {
        Some(Verdict::Fail(violation)) => violation,
        other => anyhow::bail!("the example of {} should violate it, but the judge says {other:?}", info.id),
    };
    out.text(&example(info.example, violation, out)?)?;
    out.line("")?;
    out.paragraph("The judge says: ", &violation.to_string())?;
    if let Some(expected) = &violation.expected {
        out.paragraph("What would have been right: ", expected)?;
    }
    Ok(Status::Pass)
}

fn example(text: &str, violation: &Violation, out: &Output) -> anyhow::Result<String> {
    let (header, mut reader) = Reader::open(text.as_bytes())?;
    let mut records: Vec<Record> = Vec::new();
    while let Some(next) = reader.next_record() {
        records.push(next?.1);
    }
    let notes: BTreeMap<Stamp, String> =
        violation.witnesses.iter().map(|witness| (witness.at, witness.note.clone())).collect();
    let clients = records.iter().map(|record| record.at.node).filter(|node| matches!(node, Node::Client(_)));
    let mut nodes: Vec<Node> = clients.collect::<BTreeSet<_>>().into_iter().collect();
    nodes.extend(header.servers.iter().map(|server| Node::from(*server)));
    let options = ColumnOptions { color: out.color, width: out.width, nodes: Some(nodes), notes };
    Ok(columns(&records.iter().collect::<Vec<_>>(), &options))
}
