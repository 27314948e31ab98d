//! The few events of a report: which ones, drawn as columns, with the witnesses marked.

use crate::Run;
use crate::report::{Focus, WIDTH};
use std::collections::{BTreeMap, BTreeSet};
use tracecheck::{ColumnOptions, Witness, columns};
use tracecheck_schema::{Event, Node, Record, Stamp};

/// How many rows of context stand beside the witnesses.
const CONTEXT: usize = 6;
/// How many rows a run that ended without a witness shows.
const LAST: usize = 8;

/// How many rows of what the witnesses' servers tried stand beside witnesses that only say how it ended.
const TURNS: usize = 8;
/// How long before the end such a row may lie, in virtual nanoseconds: several election timeouts.
const RECENT_NS: u64 = 2_000_000_000;

/// How far the report indents the rows.
const INDENT: usize = 2;

/// A time of the run as people read it.
pub(crate) fn time(t_ns: u64) -> String {
    format!("{:.3} s", t_ns as f64 / 1e9)
}

/// The rows; empty if there is nothing to show.
pub(crate) fn render(run: &Run, focus: &Focus) -> String {
    let (chosen, witnesses) = match focus {
        Focus::Nothing => return String::new(),
        Focus::Witnesses(witnesses) if !witnesses.is_empty() => {
            (around(&run.records, witnesses), &witnesses[..])
        }
        Focus::Turns(witnesses) if !witnesses.is_empty() => {
            let turns = turns(run, witnesses);
            (turns.unwrap_or_else(|| around(&run.records, witnesses)), &witnesses[..])
        }
        Focus::Witnesses(_) | Focus::Turns(_) => (last(&run.records, None), &[][..]),
        Focus::Before(node) => (last(&run.records, *node), &[][..]),
    };
    draw(run, &chosen, witnesses)
}

/// The witnesses, the sends that caused them, and what their nodes saw just before.
fn around(records: &[Record], witnesses: &[Witness]) -> BTreeSet<usize> {
    let shown = places(records, witnesses.iter().map(|witness| witness.at));
    if shown.is_empty() {
        return last(records, None);
    }
    let causes = shown.values().filter_map(|place| records[*place].cause);
    let mut chosen: BTreeSet<usize> = places(records, causes).values().copied().collect();
    chosen.extend(shown.values());
    // The last witness completes the story, so what led to it matters most.
    let each = (CONTEXT / shown.len()).max(1);
    let mut room = CONTEXT;
    for place in shown.values().copied().collect::<BTreeSet<_>>().into_iter().rev() {
        let node = records[place].at.node;
        let before = (0..place).rev().filter(|place| records[*place].at.node == node).take(each.min(room));
        let fresh: Vec<usize> = before.filter(|place| !chosen.contains(place)).collect();
        room -= fresh.len();
        chosen.extend(fresh);
    }
    chosen
}

/// The witnesses and what their servers tried of late; nothing if they tried nothing. The last thing that a
/// server recorded is mostly a heartbeat, and what stands before it are more of them: they explain nothing.
fn turns(run: &Run, witnesses: &[Witness]) -> Option<BTreeSet<usize>> {
    let records = &run.records;
    let shown: BTreeSet<usize> =
        places(records, witnesses.iter().map(|witness| witness.at)).into_values().collect();
    let nodes: BTreeSet<Node> = shown.iter().map(|place| records[*place].at.node).collect();
    let since = run.virtual_ns.saturating_sub(RECENT_NS);
    let recent = (0..records.len()).rev().take_while(|place| records[*place].t_ns >= since);
    let tried = recent.filter(|place| nodes.contains(&records[*place].at.node) && turn(&records[*place]));
    let mut chosen: BTreeSet<usize> = tried.take(TURNS).collect();
    if chosen.is_empty() {
        return None;
    }
    // What is left of the room is for the messages that the last witnesses answer to.
    let causes = shown.iter().rev().filter_map(|place| records[*place].cause).take(TURNS - chosen.len());
    chosen.extend(places(records, causes).values());
    chosen.extend(shown);
    Some(chosen)
}

/// Whether a server's role changes here, or is about to.
fn turn(record: &Record) -> bool {
    matches!(
        record.event,
        Event::CoordFail { .. }
            | Event::PreVoteRequest { .. }
            | Event::Proposal { .. }
            | Event::CoordElected { .. }
            | Event::CoordStepDown { .. }
    )
}

/// The last events, of that node only if one is named, with the sends that caused them.
fn last(records: &[Record], node: Option<Node>) -> BTreeSet<usize> {
    let told = |place: &usize| {
        let record = &records[*place];
        !matches!(record.event, Event::RunEnd { .. }) && node.is_none_or(|node| record.at.node == node)
    };
    let mut chosen: BTreeSet<usize> = (0..records.len()).rev().filter(told).take(LAST).collect();
    if node.is_some() {
        let causes = chosen.iter().filter_map(|place| records[*place].cause);
        let sends = places(records, causes);
        chosen.extend(sends.values());
    }
    chosen
}

/// Where the records of those stamps stand.
fn places(records: &[Record], stamps: impl Iterator<Item = Stamp>) -> BTreeMap<Stamp, usize> {
    let wanted: BTreeSet<Stamp> = stamps.collect();
    let found = records.iter().enumerate().filter(|(_, record)| wanted.contains(&record.at));
    found.map(|(place, record)| (record.at, place)).collect()
}

fn draw(run: &Run, chosen: &BTreeSet<usize>, witnesses: &[Witness]) -> String {
    let records: Vec<&Record> = chosen.iter().map(|place| &run.records[*place]).collect();
    let mut notes: BTreeMap<Stamp, String> = BTreeMap::new();
    for Witness { at, note } in witnesses {
        let text = notes.entry(*at).or_default();
        let separator = if text.is_empty() { "" } else { "; " };
        text.push_str(&format!("{separator}{note}"));
    }
    let options = ColumnOptions { width: WIDTH - INDENT, notes, ..ColumnOptions::default() };
    let mut out = if records.is_empty() { String::new() } else { columns(&records, &options) };
    // A witness that the run's records lack is still named.
    for Witness { at, note } in
        witnesses.iter().filter(|one| records.iter().all(|record| record.at != one.at))
    {
        out.push_str(&format!("{at}: {note}\n"));
    }
    out
}
