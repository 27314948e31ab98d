//! The words of a script's lines.

use super::parse::{Ask, Pick, Topic, Wanted};
use labrpc::schema::{Index, Role, Server, Term, Timer};
use raft::core::{Entry, Hard, Log, Saved, Snap};

/// The value of `key=value` among the words.
pub(super) fn value<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// The number of `key=number`, if there is one; nothing at all if it is no number.
pub(super) fn count(words: &[&str], key: &str) -> Option<Option<usize>> {
    value(words, key).map_or(Some(None), |number| number.parse().ok().map(Some))
}

pub(super) fn pick(words: &[&str]) -> Option<Pick> {
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
pub(super) fn pair(words: &[&str], key: &str) -> Option<(Index, Term)> {
    match value(words, key) {
        None => Some((0, 0)),
        Some(pair) => {
            let (index, term) = pair.split_once(':')?;
            Some((index.parse().ok()?, term.parse().ok()?))
        }
    }
}

pub(super) fn ask(words: &[&str]) -> Option<Ask> {
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

pub(super) fn granted(word: &str) -> Option<bool> {
    match word {
        "granted" | "accepted" => Some(true),
        "refused" => Some(false),
        _ => None,
    }
}

pub(super) fn timer(word: &str) -> Option<Timer> {
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

pub(super) fn saved(words: &[&str]) -> Option<Saved> {
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

pub(super) fn wanted(words: &[&str]) -> Option<Wanted> {
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
