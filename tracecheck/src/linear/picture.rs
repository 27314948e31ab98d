//! An explanation as a table: the operations with bars for their real time, and the nearest legal order.

use super::explain::Explanation;
use super::history::Operation;
use super::sentence::{quote, short, whose};
use crate::columns::wrap;
use crate::words::list;
use std::collections::BTreeSet;
use tracecheck_schema::KvOutcome;

/// Of more operations only those of the smallest set are shown, and the last of an order.
const ROWS: usize = 12;
/// The least room for bars.
const BARS: usize = 20;

impl Explanation {
    /// The operations as a table with bars: how their times overlap; `>` marks those of the smallest set. At most
    /// `width` characters a line.
    pub fn picture(&self, width: usize) -> String {
        let all = self.operations.len() <= ROWS;
        let rows = self.operations.iter().zip(&self.needed).filter(|(_, needed)| all || **needed);
        let (operations, needed): (Vec<&Operation>, Vec<bool>) = rows.unzip();
        let cells: Vec<[String; 4]> = operations.iter().map(|operation| cells(operation)).collect();
        let longest = |column: usize| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let sizes: Vec<usize> = (0..4).map(longest).collect();
        let spaces = sizes.iter().filter(|size| **size > 0).count() * 2 + 2;
        // What is too long is the call or the answer: they share what the others leave.
        let room = width.saturating_sub(sizes[0] + sizes[3] + spaces + BARS).max(16);
        let answer = sizes[2].min((room / 3).max(room.saturating_sub(sizes[1])));
        let call = sizes[1].min(room.saturating_sub(answer));
        let used = sizes[0] + sizes[3] + answer + call + spaces;
        let scale = Scale::new(&operations, width.saturating_sub(used).clamp(BARS, 60));
        let mut text = String::new();
        for ((operation, row), needed) in operations.iter().zip(&cells).zip(needed) {
            let mut line = String::from(if needed { "> " } else { "  " });
            for (cell, size) in row.iter().zip([sizes[0], call, answer, sizes[3]]) {
                if size > 0 {
                    line += &format!("{:<size$}  ", cut(cell, size));
                }
            }
            line += &scale.bar(operation);
            text += line.trim_end();
            text.push('\n');
        }
        text
    }

    /// The nearest legal order, a line each, and what it leaves out.
    pub fn nearest(&self, width: usize) -> String {
        let mut text = String::new();
        let mut add = |head: &str, words: &str| {
            for (index, part) in wrap(words, width.saturating_sub(head.chars().count())).iter().enumerate() {
                let blank = " ".repeat(head.chars().count());
                text += &format!("{}{part}\n", if index == 0 { head } else { &blank });
            }
        };
        let left: Vec<String> = self.left_out.iter().map(|place| whose(&self.operations[*place])).collect();
        match (&self.order[..], &left[..]) {
            ([], _) => add("", "Nothing of this can be ordered."),
            (_, [] | [_, _, _, _, ..]) => add("", "The nearest legal order has no room for the others:"),
            _ => add("", &format!("The nearest legal order leaves out {}:", list(&left))),
        }
        let hidden = self.order.len().saturating_sub(ROWS);
        if hidden > 1 {
            add("     ", &format!("({hidden} operations)"));
        }
        for (number, place) in (1..).zip(&self.order).skip(if hidden > 1 { hidden } else { 0 }) {
            let [client, call, answer, _] = cells(&self.operations[*place]);
            add(&format!("{number:>3}. "), &format!("{client} {call}: {answer}"));
        }
        let values: Vec<String> = self.could_find.iter().take(4).map(|value| quote(value)).collect();
        if let ([_], 1..=3, false) = (&left[..], self.could_find.len(), self.order.is_empty()) {
            let values = list(&values).replace(" and ", " or ");
            add("", &format!("Where it has room, it would have had to find {values}."));
        }
        if self.others > 0 {
            let others = match self.others {
                1 => "One other write on the key may have taken effect at any time: that".to_owned(),
                more => format!("{more} other writes on the key may have taken effect at any time: that"),
            };
            add("", &format!("{others} would not help."));
        }
        if !self.minimal {
            add("", "A smaller set of operations may be enough: the search for one was cut short.");
        }
        text
    }
}

/// Client, call, answer and lines.
fn cells(operation: &Operation) -> [String; 4] {
    let answer = match &operation.outcome {
        KvOutcome::Value { value } => quote(value),
        other => other.to_string(),
    };
    let lines = match (operation.invoked_at, operation.returned_at) {
        (0, _) => String::new(),
        (from, 0) => format!("line {from}"),
        (from, to) => format!("lines {from}-{to}"),
    };
    [format!("c{}", operation.client), short(&operation.call), answer, lines]
}

fn cut(text: &str, size: usize) -> String {
    if text.chars().count() <= size {
        return text.to_owned();
    }
    text.chars().take(size.saturating_sub(1)).chain(['…']).collect()
}

/// Real time as columns: every invocation and return has its own, as long as there is room.
struct Scale {
    times: Vec<u64>,
    room: usize,
}

impl Scale {
    fn new(operations: &[&Operation], room: usize) -> Scale {
        let times: BTreeSet<u64> = operations
            .iter()
            .flat_map(|operation| [Some(operation.invoked), operation.returned])
            .flatten()
            .collect();
        Scale { times: times.into_iter().collect(), room }
    }

    fn column(&self, time: u64) -> usize {
        let place = self.times.partition_point(|other| *other < time);
        let last = self.times.len().saturating_sub(1).max(1);
        // Few operations need no long bars.
        let room = self.room.min(last * 4 + 1);
        place * (room - 1) / last
    }

    fn bar(&self, operation: &Operation) -> String {
        let from = self.column(operation.invoked);
        let known = operation.outcome != (KvOutcome::Unknown {});
        let (to, end) = match operation.returned.filter(|_| known) {
            Some(returned) => (self.column(returned), '┤'),
            None => (self.column(u64::MAX).max(from + 2).min(self.room), '▶'),
        };
        let bar = "─".repeat(to.saturating_sub(from + 1));
        if to == from {
            format!("{}│", " ".repeat(from))
        } else {
            format!("{}├{bar}{end}", " ".repeat(from))
        }
    }
}
