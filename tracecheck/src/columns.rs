//! A run as columns of text: the time, then one column a server.
//!
//! Invariants: no line is wider than asked for, down to eight characters a column; nothing is said by colour
//! alone; a row that has notes begins with `>`.

use crate::phrase::phrase;
use owo_colors::{AnsiColors, OwoColorize};
use std::collections::BTreeMap;
use tracecheck_schema::{Event, Node, Record, Stamp};

/// How columns look.
#[derive(Clone, Debug)]
pub struct ColumnOptions {
    /// Whether to colour the servers' columns, with ANSI escapes.
    pub color: bool,
    /// The width of a line, in characters.
    pub width: usize,
    /// Which nodes have columns, in this order; all that occur, if `None`. Records of other nodes are left
    /// out, except those about the run as a whole.
    pub nodes: Option<Vec<Node>>,
    /// Notes on records; their rows are marked.
    pub notes: BTreeMap<Stamp, String>,
}

impl Default for ColumnOptions {
    fn default() -> Self {
        ColumnOptions { color: false, width: 80, nodes: None, notes: BTreeMap::new() }
    }
}

/// Marker, time, and the space after them.
const MARGIN: usize = 10;
/// The narrowest column.
const NARROWEST: usize = 8;

/// Where a record is shown.
enum Place {
    Column(Node),
    /// Across all columns.
    Row,
}

fn place(record: &Record) -> Place {
    match (&record.event, record.at.node) {
        // A fault is shown where it is felt: a crash at its server, a broken link at its sender.
        (Event::Crash { server_id } | Event::Pause { server_id } | Event::Resume { server_id }, _) => {
            Place::Column((*server_id).into())
        }
        (Event::Cut { from, .. } | Event::Heal { from, .. } | Event::Lost { from, .. }, _) => {
            Place::Column((*from).into())
        }
        (_, Node::Run | Node::Net) => Place::Row,
        (_, node) => Place::Column(node),
    }
}

/// Renders records, in the order given, as columns of text.
pub fn columns(records: &[&Record], options: &ColumnOptions) -> String {
    let nodes = options.nodes.clone().unwrap_or_else(|| nodes_of(records));
    let table = Table::new(nodes, options);
    let mut out = String::new();
    if !table.nodes.is_empty() {
        table.head(&mut out);
    }
    for record in records {
        table.row(record, &mut out);
    }
    out
}

/// The nodes that have something to show, sorted: clients first, as whoever asks stands before whoever answers.
fn nodes_of(records: &[&Record]) -> Vec<Node> {
    let all = records.iter().filter_map(|record| match place(record) {
        Place::Column(node) => Some(node),
        Place::Row => None,
    });
    let mut nodes: Vec<Node> = all.collect();
    nodes.sort_unstable_by_key(|node| (!matches!(node, Node::Client(_)), *node));
    nodes.dedup();
    nodes
}

/// The layout of one table, for records that come one at a time.
pub struct Table<'a> {
    options: &'a ColumnOptions,
    nodes: Vec<Node>,
    /// The width of a column, without the space after it.
    cell: usize,
    /// Whether clients without a column have rows of their own.
    clients: bool,
}

impl<'a> Table<'a> {
    /// A table with these columns; the nodes of `options` are not used.
    pub fn new(nodes: Vec<Node>, options: &'a ColumnOptions) -> Table<'a> {
        let room = options.width.saturating_sub(MARGIN) / nodes.len().max(1);
        Table { options, cell: room.saturating_sub(1).clamp(NARROWEST, 60), nodes, clients: false }
    }

    /// The same table, which shows what clients do across all columns, after their names, where they have none:
    /// a run may have more clients than fit beside each other.
    pub fn with_clients_across(mut self) -> Table<'a> {
        self.clients = true;
        self
    }

    /// Appends the line of headings.
    pub fn head(&self, out: &mut String) {
        let mut line = format!("{:>w$} ", "seconds", w = MARGIN - 1);
        for (index, node) in self.nodes.iter().enumerate() {
            line.push_str(&self.paint(index, &format!("{:<w$}", node.to_string(), w = self.cell)));
            line.push(' ');
        }
        push_line(out, &line);
    }

    /// Appends the row of a record; nothing if its node has no column.
    pub fn row(&self, record: &Record, out: &mut String) {
        let note = self.options.notes.get(&record.at);
        let marker = if note.is_some() { '>' } else { ' ' };
        let time = format!("{marker}{:>w$} ", seconds(record.t_ns), w = MARGIN - 2);
        let mut text = phrase(record);
        let all = self.options.width.saturating_sub(MARGIN).max(NARROWEST);
        let (column, width) = match place(record) {
            Place::Row => (None, all),
            Place::Column(node) => match self.nodes.iter().position(|other| *other == node) {
                Some(column) => (Some(column), self.cell),
                None if self.clients && matches!(node, Node::Client(_)) => {
                    text.insert_str(0, &format!("{node}: "));
                    (None, all)
                }
                None => return,
            },
        };
        let indent = MARGIN + column.map_or(0, |column| column * (self.cell + 1));
        for (index, part) in wrap(&text, width).iter().enumerate() {
            let before = if index == 0 { &time } else { "" };
            let part = column.map_or_else(|| part.clone(), |column| self.paint(column, part));
            push_line(out, &format!("{before:<indent$}{part}"));
        }
        if let Some(note) = note {
            self.note(indent, note, out);
        }
    }

    /// The note stands below its cell, and may use all the room to the right of it.
    fn note(&self, indent: usize, note: &str, out: &mut String) {
        let right = self.options.width.saturating_sub(2);
        let indent = indent.min(right.saturating_sub(24)).max(MARGIN.min(right));
        for (index, part) in wrap(note, right.saturating_sub(indent).max(NARROWEST)).iter().enumerate() {
            let hook = if index == 0 { "^ " } else { "  " };
            let part = if self.options.color { part.bold().to_string() } else { part.clone() };
            push_line(out, &format!(">{:w$}{hook}{part}", "", w = indent.saturating_sub(1)));
        }
    }

    fn paint(&self, column: usize, text: &str) -> String {
        const COLORS: [AnsiColors; 6] = [
            AnsiColors::Cyan,
            AnsiColors::Yellow,
            AnsiColors::Green,
            AnsiColors::Magenta,
            AnsiColors::BrightBlue,
            AnsiColors::BrightRed,
        ];
        if self.options.color {
            text.color(COLORS[column % COLORS.len()]).to_string()
        } else {
            text.to_owned()
        }
    }
}

/// Seconds with as many decimals as seven characters allow.
fn seconds(t_ns: u64) -> String {
    let (whole, rest) = (t_ns / 1_000_000_000, t_ns % 1_000_000_000);
    if whole < 1_000 {
        format!("{whole}.{:04}", rest / 100_000)
    } else {
        format!("{whole}.{:01}", rest / 100_000_000)
    }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line.trim_end());
    out.push('\n');
}

/// Breaks a text at spaces into parts of at most `width` characters; breaks words only where they are longer.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut room = 0;
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        let fits = room > letters.len() && !lines.is_empty();
        if let Some(line) = lines.last_mut().filter(|_| fits) {
            line.push(' ');
            line.push_str(word);
            room -= letters.len() + 1;
            continue;
        }
        for part in letters.chunks(width.max(1)) {
            room = width - part.len().min(width);
            lines.push(part.iter().collect());
        }
    }
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}
