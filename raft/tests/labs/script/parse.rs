//! Scripts as text: one step a line.

use labrpc::schema::{Index, Role, Server, Term, Timer};
use raft::core::{Entry, Hard, Log, Saved, Snap};
use std::collections::BTreeMap;

/// Which message on a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) from: Server,
    pub(crate) to: Server,
    pub(crate) topic: Option<Topic>,
    /// Which of those that match, from the oldest: 0 is the oldest.
    pub(crate) place: usize,
}

/// What a message is about, whether it asks or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    PreVote,
    Vote,
    /// AppendEntries of any kind.
    Append,
    /// AppendEntries without entries, that speaks of none.
    Heartbeat,
    /// Any other AppendEntries.
    Entries,
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
    /// A timer that its last step set, anew or again.
    pub(crate) armed: Option<Timer>,
    /// The terms of the entries after the snapshot.
    pub(crate) log: Option<Vec<Term>>,
    pub(crate) commit: Option<Index>,
    pub(crate) snapshot: Option<Index>,
}

/// What a played server asks.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) link: Pick,
    pub(crate) term: Term,
    /// Of a candidate: its last entry. Of a snapshot: the last that it covers.
    pub(crate) last: (Index, Term),
    /// Of AppendEntries: the entry before the new ones, the new ones' terms, the commit index.
    pub(crate) prev: (Index, Term),
    pub(crate) entries: Vec<Term>,
    pub(crate) commit: Index,
    /// Of InstallSnapshot: the chunk, where it stands, whether it is the last.
    pub(crate) data: String,
    pub(crate) offset: u64,
    pub(crate) done: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Timeout(Server, Timer),
    Deliver(Pick),
    Repeat(Pick),
    Drop(Pick),
    /// The caller gives up the call that the message is part of; the message stays under way.
    Fail(Pick),
    Settle,
    Ask(Ask),
    Propose(Server, String),
    Snapshot(Server, Index, String),
    /// So many of the writes that are not durable become so; all, if nobody says.
    Sync(Server, Option<usize>),
    /// So many of them survive; a random number, if nobody says.
    Crash(Server, Option<usize>),
    Restart(Server),
    ExpectNothing {
        link: Pick,
        why: String,
    },
    Answer {
        link: Pick,
        granted: bool,
        term: Option<Term>,
    },
    ExpectServer {
        server: Server,
        wanted: Wanted,
        why: String,
    },
    ExpectAnswer {
        link: Pick,
        granted: bool,
        term: Option<Term>,
        why: String,
    },
    ExpectRequest {
        link: Pick,
        last: (Index, Term),
        why: String,
    },
}

impl Step {
    /// Whom it names.
    fn names(&self) -> impl Iterator<Item = Server> {
        let (one, two) = match self {
            Step::Settle => (None, None),
            Step::Timeout(server, _)
            | Step::Propose(server, _)
            | Step::Snapshot(server, ..)
            | Step::Sync(server, _)
            | Step::Crash(server, _)
            | Step::Restart(server)
            | Step::ExpectServer { server, .. } => (Some(*server), None),
            Step::Deliver(link) | Step::Repeat(link) | Step::Drop(link) | Step::Fail(link) => {
                (Some(link.from), Some(link.to))
            }
            Step::Ask(Ask { link, .. })
            | Step::ExpectNothing { link, .. }
            | Step::Answer { link, .. }
            | Step::ExpectAnswer { link, .. }
            | Step::ExpectRequest { link, .. } => (Some(link.from), Some(link.to)),
        };
        one.into_iter().chain(two)
    }
}

/// A whole script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) servers: Vec<Server>,
    pub(crate) real: Vec<Server>,
    pub(crate) disks: BTreeMap<Server, Saved>,
    /// Whether there is a log; whether durability is real; the most entries in a message.
    pub(crate) replicate: bool,
    pub(crate) durable: bool,
    pub(crate) max_entries: usize,
    /// The most bytes of a snapshot in a message.
    pub(crate) max_chunk: usize,
    /// Whether the properties of Figure 3 are checked after every step.
    pub(crate) invariants: bool,
    /// Up to where everything was committed before the script begins; only the properties ask.
    pub(crate) committed: Index,
    /// Each step with its text.
    pub(crate) steps: Vec<(String, Step)>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that cannot be read, or who is missing.
    pub(crate) fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script {
            servers: vec![],
            real: vec![],
            disks: BTreeMap::new(),
            replicate: false,
            durable: false,
            max_entries: 256,
            max_chunk: 512,
            invariants: false,
            committed: 0,
            steps: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if !line.is_empty() && script.line(line).is_none() {
                return Err(format!("line {} cannot be read: {line}", number + 1));
            }
        }
        script.check()?;
        Ok(script)
    }

    /// Whether everybody that is named takes part.
    fn check(&self) -> Result<(), String> {
        if self.servers.is_empty() {
            return Err("no line says who takes part: begin with `servers s1 s2 s3`".to_owned());
        }
        if self.servers != (1..=self.servers.len() as u8).map(Server).collect::<Vec<_>>() {
            return Err("servers are called s1, s2, s3 … without a gap".to_owned());
        }
        let real = self.real.iter().chain(self.disks.keys()).find(|server| !self.servers.contains(server));
        real.map_or(Ok(()), |stranger| Err(format!("{stranger} is none of the servers")))?;
        let stranger =
            self.steps.iter().find(|(_, step)| step.names().any(|name| !self.servers.contains(&name)));
        stranger
            .map_or(Ok(()), |(text, _)| Err(format!("`{text}` names somebody who is none of the servers")))
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
            "fail" => Step::Fail(pick(rest)?),
            "settle" => Step::Settle,
            "replicate" => {
                self.replicate = true;
                return Some(());
            }
            "durable" => {
                self.durable = true;
                return Some(());
            }
            "invariants" => {
                self.invariants = true;
                return Some(());
            }
            "committed" => {
                self.committed = rest.first()?.parse().ok()?;
                return Some(());
            }
            "max_entries" => {
                self.max_entries = rest.first()?.parse().ok().filter(|entries| *entries > 0)?;
                return Some(());
            }
            "max_chunk" => {
                self.max_chunk = rest.first()?.parse().ok().filter(|chunk| *chunk > 0)?;
                return Some(());
            }
            "propose" => Step::Propose(rest.first()?.parse().ok()?, (*rest.get(1)?).to_owned()),
            "snapshot" => Step::Snapshot(
                rest.first()?.parse().ok()?,
                rest.get(1)?.parse().ok()?,
                (*rest.get(2)?).to_owned(),
            ),
            "sync" => Step::Sync(rest.first()?.parse().ok()?, count(rest, "writes")?),
            "crash" => Step::Crash(rest.first()?.parse().ok()?, count(rest, "keep")?),
            "restart" => Step::Restart(rest.first()?.parse().ok()?),
            "ask" => Step::Ask(ask(rest)?),
            "answer" => Step::Answer {
                link: pick(rest.get(..2)?)?,
                granted: granted(rest.get(2)?)?,
                term: match value(rest, "term") {
                    None => None,
                    Some(term) => Some(term.parse().ok()?),
                },
            },
            "expect" if *rest.first()? == "nothing" => {
                Step::ExpectNothing { link: pick(rest.get(1..)?)?, why }
            }
            "expect" if *rest.first()? == "request" => {
                Step::ExpectRequest { link: pick(rest.get(1..3)?)?, last: pair(rest, "log")?, why }
            }
            "expect" if rest.first()?.contains("->") => Step::ExpectAnswer {
                link: pick(rest.get(..1)?)?,
                granted: granted(rest.get(1)?)?,
                term: value(rest, "term").map_or(Some(None), |term| term.parse().ok().map(Some))?,
                why,
            },
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

/// The number of `key=number`, if there is one; nothing at all if it is no number.
fn count(words: &[&str], key: &str) -> Option<Option<usize>> {
    value(words, key).map_or(Some(None), |number| number.parse().ok().map(Some))
}

fn pick(words: &[&str]) -> Option<Pick> {
    let (from, to) = words.first()?.split_once("->")?;
    let topic = match words.get(1) {
        None => None,
        Some(&"prevote") => Some(Topic::PreVote),
        Some(&"vote") => Some(Topic::Vote),
        Some(&"append") => Some(Topic::Append),
        Some(&"heartbeat") => Some(Topic::Heartbeat),
        Some(&"entries") => Some(Topic::Entries),
        Some(&"install") => Some(Topic::Install),
        Some(_) => return None,
    };
    let place = match words.get(2).map(|word| word.parse::<usize>()) {
        Some(Ok(ordinal)) => ordinal.checked_sub(1)?,
        Some(Err(_)) | None => 0,
    };
    Some(Pick { from: from.parse().ok()?, to: to.parse().ok()?, topic, place })
}

/// "index:term" of a key, or (0, 0) without it.
fn pair(words: &[&str], key: &str) -> Option<(Index, Term)> {
    match value(words, key) {
        None => Some((0, 0)),
        Some(pair) => {
            let (index, term) = pair.split_once(':')?;
            Some((index.parse().ok()?, term.parse().ok()?))
        }
    }
}

fn ask(words: &[&str]) -> Option<Ask> {
    let number = |key| value(words, key).map_or(Some(0), |number| number.parse().ok());
    Some(Ask {
        link: pick(words.get(..2)?)?,
        term: value(words, "term")?.parse().ok()?,
        last: pair(words, "log")?,
        prev: pair(words, "prev")?,
        entries: terms(value(words, "entries").unwrap_or(""))?,
        commit: number("commit")?,
        data: value(words, "data").unwrap_or("").to_owned(),
        offset: number("offset")?,
        done: words.contains(&"done"),
    })
}

/// Terms of entries: "1,1,2", or nothing.
fn terms(text: &str) -> Option<Vec<Term>> {
    text.split(',').filter(|term| !term.is_empty()).map(|term| term.parse().ok()).collect()
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
    let terms = terms(value(words, "log").unwrap_or(""))?;
    let entries = terms.into_iter().zip(1..).map(|(term, index)| entry(term, index)).collect();
    let vote = value(words, "vote").map_or(Some(None), server_or_none)?;
    let term = value(words, "term").map_or(Ok(0), str::parse).ok()?;
    let mut log = Log::of(entries);
    let snap = match count(words, "snapshot")? {
        None => None,
        Some(index) => {
            let index = index as Index;
            let term = log.term_at(index).filter(|_| index > 0)?;
            log.compact((index, term));
            Some(Snap { index, term, data: format!("upto{index}").into_bytes() })
        }
    };
    Some(Saved { hard: Hard { term, vote }, snap, log })
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
            "log" => wanted.log = Some(terms(value)?),
            "commit" => wanted.commit = Some(value.parse().ok()?),
            "snapshot" => wanted.snapshot = Some(value.parse().ok()?),
            "armed" => wanted.armed = Some(timer(value)?),
            "timer" => wanted.timer = Some(timer(value)?),
            _ => return None,
        }
    }
    Some(wanted)
}

/// The entry that a script means by a term at an index: the same wherever it stands so.
pub(crate) fn entry(term: Term, index: Index) -> Entry {
    Entry { term, command: Some(format!("t{term} i{index}").into_bytes()) }
}
