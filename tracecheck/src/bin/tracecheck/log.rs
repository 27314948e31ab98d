//! `tracecheck log`: a trace as columns, causes before effects.

use crate::Status;
use crate::input;
use crate::output::{Output, complain};
use std::collections::{BTreeMap, BTreeSet};
use tracecheck::ColumnOptions;
use tracecheck::columns::Table;
use tracecheck::read::Reader;
use tracecheck::schema::{Event, Index, Kind, Node, Record, Server, Term};
use tracecheck::sequence::Sequencer;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The trace; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: String,
    /// Only these nodes, such as `s1,s2`.
    #[arg(long, value_delimiter = ',', value_name = "NODES")]
    node: Vec<Node>,
    /// Only these traces.
    #[arg(long, value_delimiter = ',', value_name = "TRACES",
          value_parser = ["strace", "ctrace", "etrace", "ltrace", "ktrace", "ntrace"])]
    trace: Vec<String>,
    /// From this second on.
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    from: Option<u64>,
    /// Up to this second.
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    to: Option<u64>,
    /// Also what only keeps a leader alive: AppendEntries without entries, and its messages.
    #[arg(long)]
    all: bool,
}

fn nanoseconds(text: &str) -> Result<u64, String> {
    match text.parse::<f64>() {
        // The cast saturates, which is what a time beyond all records should do.
        Ok(seconds) if seconds >= 0.0 && seconds.is_finite() => Ok((seconds * 1e9) as u64),
        _ => Err("seconds since the run began, such as 1.5".to_owned()),
    }
}

/// Which records are shown.
struct Filter<'a> {
    args: &'a Args,
    nodes: BTreeSet<Node>,
    /// The last confirmation of each server: a heartbeat repeats it.
    confirmed: BTreeMap<Node, (Server, Term, Index)>,
    hidden: u64,
}

impl Filter<'_> {
    fn shows(&mut self, record: &Record) -> bool {
        let Args { trace, from, to, all, .. } = self.args;
        let selected =
            trace.is_empty() || trace.iter().any(|name| name == record.event.action().trace().name());
        let in_time = from.is_none_or(|from| record.t_ns >= from) && to.is_none_or(|to| record.t_ns <= to);
        let involved = match &record.event {
            Event::Cut { from, to } | Event::Heal { from, to } | Event::Lost { from, to, .. } => {
                self.has(*from) && self.has(*to)
            }
            _ => true,
        };
        if !(selected && in_time && involved) {
            return false;
        }
        if *all || !self.is_heartbeat(record) {
            return true;
        }
        self.hidden += 1;
        false
    }

    fn has(&self, server: Server) -> bool {
        self.args.node.is_empty() || self.nodes.contains(&server.into())
    }

    /// What a leader and its followers repeat while nothing happens.
    fn is_heartbeat(&mut self, record: &Record) -> bool {
        match &record.event {
            Event::Send { kind, .. } | Event::Recv { kind, .. } => {
                matches!(kind, Kind::AppendRequest | Kind::AppendReply)
            }
            Event::Lost { kind, .. } => matches!(kind, Some(Kind::AppendRequest | Kind::AppendReply)),
            Event::AppendEntry { entries, .. } => entries.is_empty(),
            Event::AppendConfirm { to, term, match_index } => {
                let this = (*to, *term, *match_index);
                self.confirmed.insert(record.at.node, this) == Some(this)
            }
            _ => false,
        }
    }
}

pub(crate) fn run(args: &Args, out: &mut Output) -> anyhow::Result<Status> {
    let name = input::name(&args.file);
    let input = input::open(&args.file).map_err(anyhow::Error::msg)?;
    let (header, mut reader) = match Reader::open(input) {
        Ok(opened) => opened,
        Err(error) => {
            complain(&format!("{name}: {error}"));
            return Ok(if error.is_cut() { Status::Unknown } else { Status::Unreadable });
        }
    };
    let servers = header.servers.iter().map(|server| Node::from(*server)).collect();
    let nodes: Vec<Node> = if args.node.is_empty() { servers } else { args.node.clone() };
    let options = ColumnOptions { color: out.color, width: out.width, ..ColumnOptions::default() };
    let mut filter =
        Filter { args, nodes: nodes.iter().copied().collect(), confirmed: BTreeMap::new(), hidden: 0 };
    let table = Table::new(nodes, &options);
    let table = if args.node.is_empty() { table.with_clients_across() } else { table };
    let mut text = String::new();
    table.head(&mut text);
    let mut show = |record: &Record, text: &mut String| {
        if filter.shows(record) {
            table.row(record, text);
        }
    };
    let mut sequencer = Sequencer::new();
    let mut status = Status::Pass;
    while let Some(next) = reader.next_record() {
        match next {
            Ok((_, record)) => sequencer.push((), record, |(), record| show(&record, &mut text)),
            Err(error) => {
                complain(&format!("{name}: {error}"));
                status = if error.is_cut() { Status::Unknown } else { Status::Unreadable };
                break;
            }
        }
        out.text(&text)?;
        text.clear();
        if out.is_closed() {
            return Ok(status);
        }
    }
    sequencer.finish(|(), record| show(&record, &mut text));
    out.text(&text)?;
    if filter.hidden > 0 {
        out.line(&format!("({} records of heartbeats are not shown; --all shows them)", filter.hidden))?;
    }
    Ok(status)
}
