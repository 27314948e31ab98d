//! Scripts as text: one step a line.

use super::words::{ask, count, granted, pair, pick, saved, timer, value, wanted};
use labrpc::schema::{Index, Role, Server, Term, Timer};
use raft::core::Saved;
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
    /// Every message under way there now is delivered, or lost.
    DeliverAll(Pick),
    DropAll(Pick),
    /// Everything between two real servers is delivered, until one of them is as wanted or nothing is under way.
    Exchange {
        between: (Server, Server),
        until: Option<(Server, Wanted)>,
        why: String,
    },
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
            Step::Exchange { between: (one, two), .. } => (Some(*one), Some(*two)),
            Step::Deliver(link)
            | Step::DeliverAll(link)
            | Step::Repeat(link)
            | Step::Drop(link)
            | Step::DropAll(link)
            | Step::Fail(link) => (Some(link.from), Some(link.to)),
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
            "deliver" if rest.last() == Some(&"all") => Step::DeliverAll(pick(&rest[..rest.len() - 1])?),
            "drop" if rest.last() == Some(&"all") => Step::DropAll(pick(&rest[..rest.len() - 1])?),
            "deliver" => Step::Deliver(pick(rest)?),
            "repeat" => Step::Repeat(pick(rest)?),
            "drop" => Step::Drop(pick(rest)?),
            "fail" => Step::Fail(pick(rest)?),
            "settle" => Step::Settle,
            "exchange" => exchange(rest, why)?,
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

fn exchange(words: &[&str], why: String) -> Option<Step> {
    let between = (words.first()?.parse().ok()?, words.get(1)?.parse().ok()?);
    let until = match words.get(2) {
        None => None,
        Some(&"until") => Some((words.get(3)?.parse().ok()?, wanted(words.get(4..)?)?)),
        Some(_) => return None,
    };
    Some(Step::Exchange { between, until, why })
}
