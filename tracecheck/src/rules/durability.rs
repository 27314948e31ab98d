//! Nothing leaves before it is on the disk (D1).

use super::{Rule, RuleInfo, Tally, Wants};
use crate::context::{Context, OnDisk};
use crate::verdict::Witness;
use crate::words::{message, someone};
use tracecheck_schema::{Action, Event, Kind, Record, Server};

/// No message speaks of what is not on the disk.
pub(crate) const D1: RuleInfo = RuleInfo {
    id: "D1",
    lab: "2C",
    sentence: "No reply and no vote request leaves before the term, vote and entries it speaks of are on the disk; \
               AppendEntries needs only its term there.",
    source: "Raft Figure 2 (persistent state, updated on stable storage before responding to RPCs); \
             thesis §10.2.1 (a leader may write in parallel)",
    explanation: "\
A reply is a promise: this is my term, this is my vote, these entries I have. Whoever receives it builds on it.
If the server crashes before its disk has it, it wakes up without its promise: it votes a second time in the
same term, or a committed entry is no longer on a majority.
So the write comes first, then the sync, then the message. A leader's AppendEntries promises nothing about its
own log and may leave at once, but a leader counts itself only when its own write has ended.
The usual mistake is to hand out the reply before, or without, the write. A disk that is long enough is not
enough: its entries must be the confirmed ones, not those that they replaced.",
    example: include_str!("examples/D1.jsonl"),
    wants: Wants::Only(&[Action::Send]),
    make: || Box::new(Promises),
};

struct Promises;

/// What a disk lacks of what a message says: the rest of a sentence, and what would have been enough.
fn lacks(cx: &Context, server: Server, record: &Record, disk: &OnDisk) -> Option<(String, String)> {
    let Event::Send { kind, term, votes_for, match_index, .. } = record.event else { return None };
    // A pre-vote promises nothing, and a granted one may name the term that it is about, which the voter does not enter;
    // nor does a later term of the voter's tell, since the answer may leave long after it was given.
    if disk.term < term && kind != Kind::PreVoteReply {
        let text = format!("sent {} of term {term} while its disk said term {}", message(kind), disk.term);
        return Some((text, format!("term {term}")));
    }
    // A vote of a term that the disk has left behind can never be given again, and entries that were
    // acknowledged in it may already have been replaced: the disk says enough.
    if disk.term != term {
        return None;
    }
    let vote = votes_for.or((kind == Kind::VoteRequest).then_some(server));
    if let Some(candidate) = vote.filter(|candidate| disk.voted_for != Some(*candidate)) {
        let on_disk = match disk.voted_for {
            None => "that vote was on its disk".to_owned(),
            other => format!("that vote was on its disk, which said {}", someone(other)),
        };
        let text = if kind == Kind::VoteRequest {
            format!("asked for votes in term {term} before its own vote was on its disk")
        } else {
            format!("promised its vote to {candidate} in term {term} before {on_disk}")
        };
        return Some((text, format!("the vote for {candidate} in term {term}")));
    }
    let matched = match_index.filter(|_| kind.is_reply())?;
    let enough = format!("entry {matched}");
    if disk.last_index < matched {
        let text =
            format!("confirmed entries up to {matched} while its disk had them up to {}", disk.last_index);
        return Some((text, enough));
    }
    // The disk is long enough. Its entry must also be the confirmed one, not one that it replaced.
    let replica = cx.replica(server).filter(|replica| replica.is_known())?;
    let (confirmed, _) = replica.leaving?;
    let held = replica.durable().log.term_at(matched).filter(|held| *held != confirmed)?;
    let text =
        format!("confirmed entries up to {matched} while entry {matched} on its disk was of term {held}");
    Some((text, format!("{enough} of term {confirmed}")))
}

impl Rule for Promises {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Event::Send { kind, to, .. } = record.event else { return };
        if !cx.real_disks || kind == Kind::PreVoteRequest {
            return;
        }
        let Some(server) = cx.judged(record) else { return };
        let Some(disk) = cx.server(server).and_then(|view| view.disk) else {
            return tally.unknown(|| format!("nothing says what {server} had on its disk when it started"));
        };
        let Some((text, enough)) = lacks(cx, server, record, &disk) else { return tally.met() };
        if let Some(hole) = cx.hole_in(server) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps a Durable"));
        }
        let sentence = format!("{server} {text}.");
        let witnesses = vec![
            Witness::new(disk.at, "the last that its disk held for certain"),
            Witness::new(record.at, format!("the message leaves, to {to}")),
        ];
        let expected = format!("{server} should have held the message back until a sync covered {enough}.");
        tally.fail(sentence, witnesses, expected);
    }
}
