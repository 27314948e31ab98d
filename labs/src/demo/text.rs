//! A demo as pages of text: what is shown between one press of a key and the next.
//!
//! Invariants: at most 80 columns; nothing is said by colour alone; what is wrong is said in the judge's words
//! alone.

use super::beliefs::Beliefs;
use super::recording::{Broken, Recording};
use super::story::{Line, Scene, Story};
use owo_colors::OwoColorize;
use std::ops::Range;
use textwrap::{Options, WordSplitter};
use tracecheck::columns::Table;
use tracecheck::schema::{Event, Node, Record, Stamp};
use tracecheck::{ColumnOptions, Overall, Verdict};

const WIDTH: usize = 80;
/// What a table's marker, time and space take; here a line of the script takes the place of a time.
const TIME: usize = 10;
/// The marker and the indentation of what stands below a line.
const INDENT: usize = 4;

/// A story with both of its recordings.
pub struct Demo<'a> {
    /// Its name, which is also its script's.
    pub name: &'a str,
    /// What is shown.
    pub story: &'a Story,
    /// The wrong implementation, up to where the judge stopped it.
    pub wrong: &'a Recording,
    /// Where that was.
    pub broken: &'a Broken,
    /// The right implementation, to the end.
    pub right: &'a Recording,
    /// Whether to colour, with ANSI escapes.
    pub color: bool,
}

impl Demo<'_> {
    /// All pages, in order.
    pub fn pages(&self) -> Vec<String> {
        let mut pages = vec![self.title()];
        self.wrong_run(&mut pages);
        pages.push(self.violation());
        self.right_run(&mut pages);
        pages.push(self.end());
        pages
    }

    fn title(&self) -> String {
        let mut out =
            format!("{}\n{}\n\n", self.bold(&self.story.title), "=".repeat(self.story.title.chars().count()));
        out.push_str("Two implementations play the same script: first a wrong one, then the right one.\n\n");
        out.push_str(&labelled("wrong", &self.story.wrong));
        let rule = tracecheck::rule(&self.story.rule);
        out.push_str(&labelled(
            "rule",
            &rule.map_or(String::new(), |rule| format!("{}: {}", rule.id, rule.sentence)),
        ));
        out.push_str(&format!("\n{}\n", filled(&self.notation())));
        out
    }

    /// How to read what follows: only what occurs in it.
    fn notation(&self) -> String {
        let mut text = "The numbered lines are the script: each lets one thing happen. Below it, in a column for each \
                        server, stands what the servers did. \u{2190} and \u{2192} are messages that arrive and leave, \
                        t3 is term 3. Below each scene stands what every server believes then"
            .to_owned();
        let any = |of: fn(&Event) -> bool| self.right.lines.iter().flatten().any(|record| of(&record.event));
        if any(|event| matches!(event, Event::LogWrite { from, .. } if *from > 0)) {
            text.push_str("; log 1 3 is a log with an entry of term 1 and one of term 3");
        }
        if any(|event| matches!(event, Event::SnapshotWrite { .. })) {
            text.push_str(", and log [2] 1 has a snapshot of two entries before an entry of term 1");
        }
        format!("{text}.")
    }

    /// The scenes of the wrong implementation, the last only as far as it came.
    fn wrong_run(&self, pages: &mut Vec<String>) {
        let mut beliefs = Beliefs::new(&self.wrong.header);
        let mut run = Run { demo: self, recording: self.wrong, beliefs: &mut beliefs, name: "wrong" };
        run.start();
        for (number, lines, scene) in scenes(self.story) {
            let lines = lines.start..lines.end.min(self.broken.line + 1);
            if lines.start > self.broken.line {
                break;
            }
            pages.push(run.scene(number, lines, scene));
        }
    }

    /// The judge's words, with the records that prove it, and what would have come of it.
    fn violation(&self) -> String {
        let violation = &self.broken.violation;
        let rule = format!(" rule {} is broken ", violation.rule.id);
        let mut out = format!("{}\n\n", self.alarm(&format!("{:=^WIDTH$}", rule)));
        let find = |at: Stamp| self.wrong.lines.iter().flatten().find(|record| record.at == at);
        let options = ColumnOptions { color: self.color, width: WIDTH, ..ColumnOptions::default() };
        out.push_str(&tracecheck::explain_violation_with(violation, find, &options));
        out.push_str(&format!("\n{}\n", filled(&self.story.harm)));
        out
    }

    /// The scenes of the right implementation, from where it does anything else.
    fn right_run(&self, pages: &mut Vec<String>) {
        let mut beliefs = Beliefs::new(&self.right.header);
        let mut run = Run { demo: self, recording: self.right, beliefs: &mut beliefs, name: "right" };
        run.start();
        let parts =
            self.wrong.lines.iter().zip(&self.right.lines).take_while(|(one, two)| one == two).count();
        let texts: Vec<&str> = self.story.lines().map(|line| line.text.as_str()).collect();
        let mut out = format!("{}\n\n", self.heading("the right implementation, the same script"));
        let same = parts.saturating_sub(1);
        let line = texts.get(same).copied().unwrap_or_default();
        out.push_str(&filled(&match same {
            0 => "It differs from the first line on.".to_owned(),
            same => format!(
                "Its first {same} lines bring the same events as before, one for one. It differs first at line {}: {line}",
                same + 1
            ),
        }));
        pages.push(format!("{out}\n"));
        for (number, lines, scene) in scenes(self.story) {
            if lines.end <= parts {
                run.skip(lines);
            } else {
                pages.push(run.scene(number, lines, scene));
            }
        }
    }

    /// Both at the line at which the rule broke: what the server did there, and what it believes then.
    fn contrast(&self) -> String {
        let Some(server) = self.culprit() else { return String::new() };
        let mut out = format!("\n{}\n", self.bold("    Both at this line:"));
        for (name, recording) in [("wrong", self.wrong), ("right", self.right)] {
            let mut beliefs = Beliefs::new(&recording.header);
            recording
                .lines
                .iter()
                .take(self.broken.line + 1)
                .flatten()
                .for_each(|record| beliefs.take(record));
            let line = recording.lines.get(self.broken.line).map_or(&[][..], Vec::as_slice);
            let own = shown(line).filter(|record| record.at.node == server);
            let did: Vec<String> = own.map(tracecheck::phrase).collect();
            let believes = server.server().map_or(String::new(), |server| beliefs.of(server));
            let text = format!("{}. Now {server} is {believes}.", did.join("; "));
            out.push_str(&indented("    ", &format!("{name}   "), &text));
        }
        out
    }

    /// The node at whose record the rule broke.
    fn culprit(&self) -> Option<Node> {
        Some(self.wrong.lines.get(self.broken.line)?.last()?.at.node)
    }

    fn end(&self) -> String {
        let Demo { story, wrong, broken, right, .. } = self;
        let mut out = format!("{}\n\n", self.heading("what told them apart"));
        let id = &story.rule;
        let stopped = format!(
            "broke {} at line {}, after {} events",
            broken.violation.rule.id,
            broken.line,
            wrong.events()
        );
        out.push_str(&labelled("wrong", &stopped));
        let met: u64 = right.verdicts.iter().filter_map(|(_, verdict)| obligations(verdict)).sum();
        let rules = right.verdicts.iter().filter(|(_, verdict)| obligations(verdict).is_some()).count();
        let times = match right.verdicts.get(id).and_then(obligations) {
            Some(1) => "once".to_owned(),
            Some(times) => format!("{times} times"),
            None => "never exercised".to_owned(),
        };
        let kept = format!(
            "kept {id} ({times}) and every other rule to the end: {met} obligations of {rules} rules in {} events",
            right.events()
        );
        out.push_str(&labelled("right", &kept));
        out.push('\n');
        out.push_str(&labelled("read", &story.paper));
        out.push_str(&labelled("the rule", &format!("cargo tracecheck explain {id}")));
        out.push_str(&labelled("in the lab", &format!("cargo labs run {}", story.lab)));
        out.push_str(&labelled("your code", &format!("cargo labs play labs/demos/{}.script", self.name)));
        out
    }

    fn heading(&self, text: &str) -> String {
        self.bold(&format!("{:-<WIDTH$}", format!("-- {text} ")))
    }

    fn bold(&self, text: &str) -> String {
        if self.color { text.bold().to_string() } else { text.to_owned() }
    }

    fn alarm(&self, text: &str) -> String {
        if self.color { text.red().bold().to_string() } else { text.to_owned() }
    }
}

/// How often a rule was exercised and held, if it was.
fn obligations(verdict: &Verdict) -> Option<u64> {
    match verdict {
        Verdict::Pass(met) => Some(*met),
        _ => None,
    }
}

/// Whether a recording is of a run in which everything held.
pub(super) fn passed(recording: &Recording) -> bool {
    recording.broken.is_none() && recording.verdicts.overall() == Overall::Pass
}

/// Each scene with its number from 1 and its lines, of which 0 is the start.
fn scenes(story: &Story) -> impl Iterator<Item = (usize, Range<usize>, &Scene)> {
    let mut next = 1;
    story.scenes.iter().enumerate().map(move |(number, scene)| {
        let first = next;
        next += scene.lines.len();
        (number + 1, first..next, scene)
    })
}

/// One implementation at play.
struct Run<'a> {
    demo: &'a Demo<'a>,
    recording: &'a Recording,
    beliefs: &'a mut Beliefs,
    name: &'static str,
}

impl Run<'_> {
    /// What the servers find when they start.
    fn start(&mut self) {
        self.skip(0..1);
    }

    /// Lines that are not shown.
    fn skip(&mut self, lines: Range<usize>) {
        let records = self.recording.lines.get(lines).into_iter().flatten().flatten();
        records.for_each(|record| self.beliefs.take(record));
    }

    /// A scene: its narration, its lines with what they caused, and what everybody believes then.
    fn scene(&mut self, number: usize, lines: Range<usize>, scene: &Scene) -> String {
        let demo = self.demo;
        let title = format!("{}, scene {number} of {}", self.name, demo.story.scenes.len());
        let mut out = format!("{}\n\n", demo.heading(&title));
        if !scene.told.is_empty() {
            out.push_str(&format!("{}\n\n", filled(&scene.told)));
        }
        let nodes: Vec<Node> = self.recording.header.servers.iter().map(|server| (*server).into()).collect();
        let options =
            ColumnOptions { color: demo.color, width: WIDTH - INDENT + TIME, ..ColumnOptions::default() };
        let table = Table::new(nodes, &options);
        if !lines.is_empty() {
            let mut head = String::new();
            table.head(&mut head);
            out.push_str(&narrow(&head));
        }
        let end = lines.end;
        for (at, line) in lines.zip(&scene.lines) {
            let records = self.recording.lines.get(at).map_or(&[][..], Vec::as_slice);
            out.push_str(&format!("{at:>2}  {}\n", demo.bold(&line.text)));
            self.line(line, records, &table, &mut out);
            if self.name == "right" && at == demo.broken.line {
                out.push_str(&demo.contrast());
                out.push_str(if at + 1 < end { "\n" } else { "" });
            }
        }
        if !scene.lines.is_empty() {
            out.push('\n');
        }
        for line in self.beliefs.lines() {
            out.push_str(&format!("    {line}\n"));
        }
        out
    }

    fn line(&mut self, line: &Line, records: &[Record], table: &Table<'_>, out: &mut String) {
        let mut rows = String::new();
        shown(records).for_each(|record| table.row(record, &mut rows));
        records.iter().for_each(|record| self.beliefs.take(record));
        out.push_str(&narrow(&rows));
        match (line.verb(), &line.why) {
            ("expect", Some(why)) => out.push_str(&indented("    ", "so it is: ", why)),
            ("expect", None) => out.push_str("    so it is\n"),
            ("drop", _) => out.push_str("    the message is lost\n"),
            _ if rows.is_empty() => out.push_str("    nothing follows\n"),
            _ => {}
        }
    }
}

/// The records that a reader wants to see: no news of the test's own, and no message twice.
fn shown(records: &[Record]) -> impl Iterator<Item = &Record> {
    let told = |send: &Record| {
        let Event::Send { kind, to, .. } = send.event else { return false };
        records.iter().filter(|record| record.at.node == send.at.node).any(|record| match &record.event {
            Event::AppendEntry { to: other, .. } => kind.to_string() == "AppendRequest" && *other == to,
            Event::VoteRequest { .. } => kind.to_string() == "VoteRequest",
            Event::PreVoteRequest { .. } => kind.to_string() == "PreVoteRequest",
            _ => false,
        })
    };
    records.iter().filter(move |record| {
        !matches!(record.event, Event::ServerJoining { .. } | Event::ServerJoined { .. }) && !told(record)
    })
}

/// The rows of a table without their times: the line of the script above them says when it is.
fn narrow(rows: &str) -> String {
    let line = |line: &str| {
        let marker = if line.starts_with('>') { '>' } else { ' ' };
        let rest: String = line.chars().skip(TIME).collect();
        format!("{marker}{:w$}{rest}\n", "", w = INDENT - 1)
    };
    rows.lines().map(line).collect()
}

fn filled(text: &str) -> String {
    textwrap::fill(text, Options::new(WIDTH).word_splitter(WordSplitter::NoHyphenation))
}

/// A paragraph under an indentation, with a label on its first line.
fn indented(indent: &str, label: &str, text: &str) -> String {
    let first = format!("{indent}{label}");
    let rest = " ".repeat(first.chars().count());
    let options = Options::new(WIDTH).initial_indent(&first).subsequent_indent(&rest);
    format!("{}\n", textwrap::fill(text, options.word_splitter(WordSplitter::NoHyphenation)))
}

/// A labelled paragraph.
fn labelled(label: &str, text: &str) -> String {
    indented("  ", &format!("{label:<12}"), text)
}
