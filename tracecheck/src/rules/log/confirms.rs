//! What a follower confirms, it has (L2).

use crate::context::{At, Context, Handled};
use crate::rules::{Rule, RuleInfo, Tally, Wants};
use crate::verdict::Witness;
use tracecheck_schema::{Action, Event, Record};

/// A confirmation is true.
pub(crate) const L2: RuleInfo = RuleInfo {
    id: "L2",
    lab: "2B",
    sentence: "AppendConfirm(m): m is at most the last index of the request that it answers, and the log here has \
               the leader's entry m.",
    source: "Raft Figure 2, AppendEntries RPC, Receiver implementation 2 to 4; Figure 3 (Log Matching)",
    explanation: "\
\"I have your log up to m\" is what a leader counts when it commits. It must be true for the request that is
answered, not for whatever the follower's log happens to hold beyond it: those entries may be another leader's.
Equal at m is equal up to m: Log Matching (L5) says so, and the check of prevLogTerm is what keeps it true.
The usual mistakes: to answer with one's own last index instead of prevLogIndex + entries; to skip the check of
prevLogTerm in a heartbeat; to confirm what was not appended.",
    example: include_str!("../examples/L2.jsonl"),
    wants: Wants::Only(&[Action::AppendConfirm]),
    make: || Box::new(Confirms),
};

struct Confirms;

impl Rule for Confirms {
    fn observe(&mut self, cx: &Context, record: &Record, tally: &mut Tally) {
        let Some(server) = cx.judged(record) else { return };
        let Event::AppendConfirm { to, match_index: matched, .. } = record.event else { return };
        if matched == 0 {
            return;
        }
        let request = match cx.handled(server) {
            Some((from, Handled::Request(request))) if from == to => request,
            // A server that the test plays need not record what it sends.
            _ if !cx.is_judged(to) => return,
            Some((_, Handled::Forgotten)) => {
                return tally.unknown(|| {
                    format!("the request that {} answers is too old to be remembered", record.at)
                });
            }
            _ => return tally.unknown(|| format!("the request that {} answers is missing", record.at)),
        };
        let (last, theirs) = (request.last(), request.term_at(matched));
        let own = cx.log(server).map_or(At::Beyond, |log| log.at(matched));
        let end = cx.log(server).map_or(0, |log| log.last());
        let wrong = match (theirs, own) {
            _ if matched > last => format!("but the request it answered ended at {last}"),
            (_, At::Beyond) => format!("but its own log ended at {end}"),
            (Some(theirs), At::Entry(slot)) if slot.term != theirs => format!(
                "but its entry {matched} is of term {}, and that of {to} is of term {theirs}",
                slot.term
            ),
            (_, At::Unknown) => {
                return tally
                    .unknown(|| format!("the trace does not say what {server} has at index {matched}"));
            }
            _ => return tally.met(),
        };
        if let Some(hole) = cx.hole_in(server) {
            return tally.unknown(|| format!("records are missing ({hole}), perhaps a write of {server}"));
        }
        let witnesses = vec![
            Witness::new(request.at, format!("the request: up to {last}")),
            Witness::new(record.at, format!("confirms up to {matched}")),
        ];
        let expected = if matched > last {
            format!("{server} should have confirmed up to {last} at most.")
        } else {
            format!("{server} should have confirmed no more than it has of the log of {to}.")
        };
        tally.fail(format!("{server} confirmed up to {matched}, {wrong}."), witnesses, expected);
    }
}
