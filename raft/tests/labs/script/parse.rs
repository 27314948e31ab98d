//! Scripts as text: one step a line. A script that cannot be read is the kit's fault and panics.

use labrpc::schema::{Index, Role, Server, Term, Timer};
use raft::core::{Entry, Hard, Log, Saved};
use std::collections::BTreeMap;

/// Which message on a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) from: Server,
    pub(crate) to: Server,
    pub(crate) topic: Option<Topic>,
}

/// What a message is about, whether it asks or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    PreVote,
    Vote,
    Append,
    Install,
}

/// What an `expect` line wants of a server. Absent: anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) role: Option<Role>,
    pub(crate) term: Option<Term>,
    pub(crate) vote: Option<Option<Server>>,
    pub(crate) leader: Option<Option<Server>>,
    pub(crate) timer: Option<Timer>,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Timeout(Server, Timer),
    Deliver(Pick),
    Repeat(Pick),
    Drop(Pick),
    Settle,
    Ask { link: Pick, term: Term, last: (Index, Term) },
    Answer { link: Pick, granted: bool, term: Option<Term> },
    ExpectServer { server: Server, wanted: Wanted, why: String },
    ExpectAnswer { link: Pick, granted: bool, why: String },
}

/// A whole script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) servers: Vec<Server>,
    pub(crate) real: Vec<Server>,
    pub(crate) disks: BTreeMap<Server, Saved>,
    /// Each step with its text.
    pub(crate) steps: Vec<(String, Step)>,
}

impl Script {
    pub(crate) fn parse(text: &str) -> Script {
        let mut script = Script { servers: vec![], real: vec![], disks: BTreeMap::new(), steps: Vec::new() };
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if !line.is_empty() && script.line(line).is_none() {
                panic!("line {} of a script cannot be read: {line}", number + 1);
            }
        }
        script
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (text, why) = line.split_once("--").unwrap_or((line, ""));
        let words: Vec<&str> = text.split_whitespace().collect();
        let why = why.trim().to_owned();
        let (verb, rest) = words.split_first()?;
        let step = match *verb {
            "servers" => {
                self.servers = rest.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
                return Some(());
            }
            "real" => {
                self.real = rest.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
                return Some(());
            }
            "disk" => {
                self.disks.insert(rest.first()?.parse().ok()?, saved(&rest[1..])?);
                return Some(());
            }
            "timeout" => {
                Step::Timeout(rest.first()?.parse().ok()?, timer(rest.get(1).unwrap_or(&"election"))?)
            }
            "deliver" => Step::Deliver(pick(rest)?),
            "repeat" => Step::Repeat(pick(rest)?),
            "drop" => Step::Drop(pick(rest)?),
            "settle" => Step::Settle,
            "ask" => Step::Ask {
                link: pick(&rest[..2])?,
                term: value(rest, "term")?.parse().ok()?,
                last: match value(rest, "log") {
                    None => (0, 0),
                    Some(log) => {
                        let (index, term) = log.split_once(':')?;
                        (index.parse().ok()?, term.parse().ok()?)
                    }
                },
            },
            "answer" => Step::Answer {
                link: pick(&rest[..2])?,
                granted: granted(rest.get(2)?)?,
                term: match value(rest, "term") {
                    None => None,
                    Some(term) => Some(term.parse().ok()?),
                },
            },
            "expect" if rest.first()?.contains("->") => {
                Step::ExpectAnswer { link: pick(&rest[..1])?, granted: granted(rest.get(1)?)?, why }
            }
            "expect" => {
                Step::ExpectServer { server: rest.first()?.parse().ok()?, wanted: wanted(&rest[1..])?, why }
            }
            _ => return None,
        };
        self.steps.push((text.trim().to_owned(), step));
        Some(())
    }
}

/// The value of `key=value` among the words.
fn value<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

fn pick(words: &[&str]) -> Option<Pick> {
    let (from, to) = words.first()?.split_once("->")?;
    let topic = match words.get(1) {
        None => None,
        Some(&"prevote") => Some(Topic::PreVote),
        Some(&"vote") => Some(Topic::Vote),
        Some(&"append") => Some(Topic::Append),
        Some(&"install") => Some(Topic::Install),
        Some(_) => return None,
    };
    Some(Pick { from: from.parse().ok()?, to: to.parse().ok()?, topic })
}

fn granted(word: &str) -> Option<bool> {
    match word {
        "granted" | "accepted" => Some(true),
        "refused" => Some(false),
        _ => None,
    }
}

fn timer(word: &str) -> Option<Timer> {
    match word {
        "election" => Some(Timer::Election),
        "heartbeat" => Some(Timer::Heartbeat),
        "quorum" => Some(Timer::Quorum),
        _ => None,
    }
}

fn server_or_none(word: &str) -> Option<Option<Server>> {
    if word == "none" { Some(None) } else { word.parse().ok().map(Some) }
}

fn saved(words: &[&str]) -> Option<Saved> {
    let entries = match value(words, "log") {
        None => Vec::new(),
        Some(terms) => terms
            .split(',')
            .map(|term| Some(Entry { term: term.parse().ok()?, command: Some(Vec::new()) }))
            .collect::<Option<_>>()?,
    };
    let vote = value(words, "vote").map_or(Some(None), server_or_none)?;
    let term = value(words, "term").map_or(Ok(0), str::parse).ok()?;
    Some(Saved { hard: Hard { term, vote }, snap: None, log: Log::of(entries) })
}

fn wanted(words: &[&str]) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    for word in words {
        let (key, value) = word.split_once('=')?;
        match key {
            "role" => {
                wanted.role = Some(match value {
                    "follower" => Role::Follower,
                    "precandidate" => Role::PreCandidate,
                    "candidate" => Role::Candidate,
                    "leader" => Role::Leader,
                    _ => return None,
                });
            }
            "term" => wanted.term = Some(value.parse().ok()?),
            "vote" => wanted.vote = Some(server_or_none(value)?),
            "leader" => wanted.leader = Some(server_or_none(value)?),
            "timer" => wanted.timer = Some(timer(value)?),
            _ => return None,
        }
    }
    Some(wanted)
}
