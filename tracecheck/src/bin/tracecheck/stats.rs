//! `tracecheck stats`: what happened in a run, in numbers.

use crate::Status;
use crate::check::Format;
use crate::input;
use crate::output::{Output, complain};
use serde_json::json;
use tracecheck::read::Reader;
use tracecheck::schema::{Action, Node, Record};
use tracecheck::sequence::Sequencer;
use tracecheck::stats::{Gap, Operations, Reign, Stats};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The traces; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// For people, or one JSON object a file and line.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// How many leaders a table lists; JSON has all.
const LEADERS: usize = 12;

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Status> {
    let mut status = Status::Pass;
    for path in &args.files {
        let name = input::name(path);
        let (stats, problem, outcome) = count(path);
        status = status.worst(outcome);
        if let Some(problem) = problem.as_ref().filter(|_| args.format == Format::Human) {
            complain(problem);
        }
        match (args.format, stats) {
            (Format::Json, stats) => {
                let numbers = stats.as_ref().map(as_json);
                let value = json!({ "file": name, "problem": problem, "stats": numbers });
                out.line(&value.to_string())?;
            }
            (Format::Human, Some(stats)) => table(name, &stats, out)?,
            (Format::Human, None) => {}
        }
        out.flush()?;
    }
    Ok(status)
}

/// The numbers of a file, as far as it can be read; and why not further.
fn count(path: &str) -> (Option<Stats>, Option<String>, Status) {
    let name = input::name(path);
    let input = match input::open(path) {
        Ok(input) => input,
        Err(problem) => return (None, Some(problem), Status::Unreadable),
    };
    let status = |cut: bool| if cut { Status::Unknown } else { Status::Unreadable };
    let (header, mut reader) = match Reader::open(input) {
        Ok(opened) => opened,
        Err(error) => return (None, Some(format!("{name}: {error}")), status(error.is_cut())),
    };
    let mut stats = Stats::new(header);
    let mut sequencer = Sequencer::new();
    let mut problem = None;
    while let Some(next) = reader.next_record() {
        match next {
            Ok((_, record)) => sequencer.push((), record, |(), record: Record| stats.observe(&record)),
            Err(error) => {
                problem = Some(error);
                break;
            }
        }
    }
    sequencer.finish(|(), record| stats.observe(&record));
    let outcome = problem.as_ref().map_or(Status::Pass, |error| status(error.is_cut()));
    (Some(stats), problem.map(|error| format!("{name}: {error}")), outcome)
}

fn seconds(ns: u64) -> String {
    format!("{}.{:03} s", ns / 1_000_000_000, ns / 1_000_000 % 1_000)
}

fn gap((from, to): Gap) -> String {
    format!("{} (from {} to {})", seconds(to.saturating_sub(from)), seconds(from), seconds(to))
}

fn table(name: &str, stats: &Stats, out: &mut Output) -> anyhow::Result<()> {
    let header = &stats.header;
    out.paragraph("", &format!("{name}: run {}, seed {}", header.run.name, header.run.seed))?;
    let ended = if stats.ended { "" } else { "; the trace has no RunEnd" };
    let size = format!(
        "{} records in {} of {} servers{ended}",
        stats.records,
        seconds(stats.end_ns),
        header.servers.len()
    );
    out.paragraph("  ", &size)?;
    out.line("")?;
    let wins = stats.leaders.len();
    let of = |action: Action| stats.count_of(action);
    let applied =
        stats.applied.iter().map(|(server, (index, count))| format!("{server} up to {index} ({count})"));
    let rows = [
        ("terms", format!("up to {}", stats.highest_term)),
        ("elections", format!("{} attempts, {wins} wins", stats.attempts)),
        ("commits", format!("{} entries, up to index {}", stats.commits, stats.committed)),
        ("applied", applied.collect::<Vec<_>>().join(", ")),
        (
            "snapshots",
            format!("{} taken, {} installed", of(Action::SnapshotTaken), of(Action::SnapshotInstalled)),
        ),
        ("crashes", of(Action::Crash).to_string()),
        ("no leader", format!("longest for {}", gap(stats.leaderless()))),
        ("no commit", format!("longest for {}", gap(stats.commitless()))),
    ];
    for (what, text) in rows {
        let text = if text.is_empty() { "nothing" } else { &text };
        out.paragraph(&format!("  {what:<11}"), text)?;
    }
    clients(stats, out)?;
    leaders(stats, out)?;
    messages(stats, out)?;
    let by_node: Vec<String> = stats.nodes.iter().map(|(node, count)| format!("{node} {count}")).collect();
    out.line("")?;
    out.paragraph("  by node    ", &by_node.join(", "))?;
    let mut actions: Vec<_> = stats.actions.iter().collect();
    actions.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let by_action: Vec<String> = actions.iter().map(|(name, count)| format!("{name} {count}")).collect();
    out.paragraph("  by event   ", &by_action.join(", "))
}

/// What clients asked for; nothing for a run without clients.
fn clients(stats: &Stats, out: &mut Output) -> anyhow::Result<()> {
    let Operations { invoked, answered, failed, unknown } = stats.operations;
    let of = |action: Action| stats.count_of(action);
    let count = stats.nodes.keys().filter(|node| matches!(node, Node::Client(_))).count();
    if count == 0 {
        return Ok(());
    }
    let clients = if count == 1 { "1 client".to_owned() } else { format!("{count} clients") };
    let text = format!("{invoked} by {clients}: {answered} answered, {failed} failed, {unknown} unknown");
    out.paragraph("  operations ", &text)?;
    let text = format!("{} entries, {} reads confirmed", of(Action::Executed), of(Action::ReadPoint));
    out.paragraph("  executed   ", &text)
}

fn leaders(stats: &Stats, out: &mut Output) -> anyhow::Result<()> {
    if stats.leaders.is_empty() {
        return Ok(());
    }
    out.line("\n  leader     term        from       until")?;
    for Reign { server, term, from_ns, until_ns } in stats.leaders.iter().take(LEADERS) {
        let until = until_ns.map_or("the end".to_owned(), seconds);
        out.line(&format!("  {:<7}{term:>8}{:>12}{until:>12}", server.to_string(), seconds(*from_ns)))?;
    }
    match stats.leaders.len() {
        shown if shown > LEADERS => out.line(&format!("  and {} more", shown - LEADERS)),
        _ => Ok(()),
    }
}

fn messages(stats: &Stats, out: &mut Output) -> anyhow::Result<()> {
    if stats.messages.is_empty() && stats.kv_messages.is_empty() && stats.lost_unknown == 0 {
        return Ok(());
    }
    out.line("\n  message               sent   handled      lost")?;
    for (kind, traffic) in &stats.messages {
        let kind = kind.to_string();
        out.line(&format!("  {kind:<16}{:>10}{:>10}{:>10}", traffic.sent, traffic.handled, traffic.lost))?;
    }
    for (kind, traffic) in &stats.kv_messages {
        let kind = format!("{kind:?}");
        out.line(&format!("  {kind:<16}{:>10}{:>10}", traffic.sent, traffic.handled))?;
    }
    if stats.lost_unknown > 0 {
        out.line(&format!("  {:<16}{:>10}{:>10}{:>10}", "of no known kind", "", "", stats.lost_unknown))?;
    }
    Ok(())
}

fn as_json(stats: &Stats) -> serde_json::Value {
    let gap = |(from, to): Gap| json!({ "fromNs": from, "toNs": to });
    let reign = |reign: &Reign| {
        let Reign { server, term, from_ns, until_ns } = reign;
        json!({ "server": server, "term": term, "fromNs": from_ns, "untilNs": until_ns })
    };
    let applied = stats
        .applied
        .iter()
        .map(|(server, (index, count))| (server.to_string(), json!({ "index": index, "operations": count })));
    let messages = stats.messages.iter().map(|(kind, traffic)| {
        let value = json!({ "sent": traffic.sent, "handled": traffic.handled, "lost": traffic.lost });
        (kind.to_string(), value)
    });
    let kv_messages = stats.kv_messages.iter().map(|(kind, traffic)| {
        (format!("{kind:?}"), json!({ "sent": traffic.sent, "handled": traffic.handled }))
    });
    let Operations { invoked, answered, failed, unknown } = stats.operations;
    let nodes = stats.nodes.iter().map(|(node, count)| (node.to_string(), json!(count)));
    json!({
        "run": { "name": stats.header.run.name, "seed": stats.header.run.seed },
        "records": stats.records,
        "endNs": stats.end_ns,
        "ended": stats.ended,
        "events": stats.actions,
        "nodes": nodes.collect::<serde_json::Map<_, _>>(),
        "highestTerm": stats.highest_term,
        "elections": { "attempts": stats.attempts, "wins": stats.leaders.len() },
        "leaders": stats.leaders.iter().map(reign).collect::<Vec<_>>(),
        "commits": stats.commits,
        "committed": stats.committed,
        "applied": applied.collect::<serde_json::Map<_, _>>(),
        "snapshots": {
            "taken": stats.count_of(Action::SnapshotTaken),
            "installed": stats.count_of(Action::SnapshotInstalled),
        },
        "crashes": stats.count_of(Action::Crash),
        "leaderless": gap(stats.leaderless()),
        "commitless": gap(stats.commitless()),
        "operations": { "invoked": invoked, "answered": answered, "failed": failed, "unknown": unknown },
        "kvMessages": kv_messages.collect::<serde_json::Map<_, _>>(),
        "messages": messages.collect::<serde_json::Map<_, _>>(),
        "lostOfNoKnownKind": stats.lost_unknown,
    })
}
