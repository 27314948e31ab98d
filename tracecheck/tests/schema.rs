//! Lines of the schema: written and read back they are equal.

use crate::builder::{FRESH, Script, s};
use std::collections::BTreeSet;
use tracecheck::schema::{
    Action, EntryId, Event, Kind, KvCall, KvKind, KvOutcome, Line, Node, Op, Record, RejectReason, Stamp,
    Timer, read_line, state_digest, write_record,
};

/// One event of every action.
fn every_event() -> Vec<Event> {
    let (server_id, candidate_server_id, term) = (s(1), s(2), 3);
    let entries = vec![EntryId(1, 2, u64::MAX), EntryId(2, 2, 0)];
    let mut events = service_events();
    events.extend([
        Event::ServerStart { server_id },
        Event::ServerJoining { server_id },
        Event::ServerJoined { server_id },
        Event::CoordFail { server_id },
        Event::TimerFired { timer: Timer::Quorum },
        Event::PreVoteRequest { server_id, term },
        Event::PreVoteConfirm { server_id, candidate_server_id, term },
        Event::PreVoteReject { server_id, candidate_server_id, term, reason: Some(RejectReason::LiveLeader) },
        Event::Proposal { server_id, term },
        Event::VoteRequest { server_id, term },
        Event::VoteConfirm { server_id, candidate_server_id, term },
        Event::VoteReject { server_id, candidate_server_id, term, reason: None },
        Event::ProposalAccepted { server_id, term },
        Event::ProposalRejected { server_id, term },
        Event::CoordElected { server_id, term },
        Event::CoordStepDown { server_id, term },
        Event::AppendEntry {
            to: s(2),
            term,
            prev_index: 0,
            prev_term: 0,
            entries: entries.clone(),
            leader_commit: 0,
        },
        Event::AppendConfirm { to: s(2), term, match_index: 2 },
        Event::AppendReject { to: s(2), term },
        Event::LogWrite { term, voted_for: Some(s(2)), from: 1, entries },
        Event::CoordStepDown { server_id, term },
        Event::Restored { term, voted_for: None, snap_index: 4, snap_term: 2, entries: vec![] },
        Event::CoordCommit { term, index: 5, entry_term: 2, operation: 7 },
        Event::ServerCommit { term, index: 5, entry_term: 2, operation: 7 },
        Event::Apply { index: 5, operation: u64::MAX },
        Event::SnapshotTaken { index: 5, term, digest: 1 },
        Event::SnapshotInstalled { index: 5, term, digest: 1 },
        Event::SnapshotWrite { index: 5, term, digest: 1 },
        Event::LogCompact { upto: 5 },
        Event::Durable { term, voted_for: None, last_index: 2, last_term: 2, snap_index: 0 },
        Event::Send { kind: Kind::VoteReply, to: s(2), term, votes_for: Some(s(2)), match_index: Some(1) },
        Event::Recv {
            kind: Kind::AppendRequest,
            from: s(2),
            term,
            armed: vec![Timer::Election, Timer::Quorum],
        },
        Event::Lost { kind: None, from: s(1), to: s(2), why: "a \"cut\" link\n".to_owned() },
        Event::Cut { from: s(1), to: s(2) },
        Event::Heal { from: s(1), to: s(2) },
        Event::Pause { server_id },
        Event::Resume { server_id },
        Event::Crash { server_id },
        Event::RunEnd { records: u64::MAX, completed: true },
    ]);
    events
}

/// The same of clients and the service, with every call, every outcome and every kind of message.
fn service_events() -> Vec<Event> {
    let (server_id, op) = (s(1), Op { client_id: 100_000, op_id: 1_000_000 });
    let absurd = Op { client_id: u32::MAX, op_id: u64::MAX };
    let long = || "a \"long\" value\n, in which much is said ".repeat(9);
    let key = || "κλειδί".to_owned();
    let calls = [
        KvCall::Get { key: key() },
        KvCall::Put { key: long(), value: long() },
        KvCall::Append { key: key(), value: String::new() },
        KvCall::Cas { key: key(), from: long(), to: long() },
        KvCall::Delete { key: key() },
    ];
    let outcomes = [
        KvOutcome::Done {},
        KvOutcome::Value { value: long() },
        KvOutcome::Swapped { swapped: true },
        KvOutcome::Failed {},
        KvOutcome::Unknown {},
    ];
    let mut events = vec![
        Event::ServerFail { server_id },
        Event::SystemReady {},
        Event::ReadPoint { id: u64::MAX, index: 5 },
        Event::KvslibStart { client_id: 1 },
        Event::KvslibStop { client_id: 1 },
        Event::Unavailable { server_id },
        Event::Available { server_id },
        Event::PutRecvd { op },
        Event::PutRecvd { op: absurd },
        Event::PutFwd { op, to: s(2) },
        Event::PutFwdRecvd { op, from: s(2) },
        Event::GetRecvd { op },
        Event::GetFwd { op, to: s(2) },
        Event::GetFwdRecvd { op, from: s(2) },
        Event::StateRestored { index: 5, digest: u64::MAX },
        Event::Told { from: s(2), joined: true, coord_term: Some(3) },
        Event::Told { from: s(2), joined: false, coord_term: None },
    ];
    for (call, outcome) in calls.into_iter().zip(outcomes) {
        events.push(Event::Invoke { op, call: Box::new(call.clone()) });
        events.push(Event::Return { op, outcome: outcome.clone() });
        events.push(Event::PutResult { op, outcome: outcome.clone() });
        events.push(Event::GetResult { op, outcome: outcome.clone() });
        events.push(Event::Executed { index: 5, operation: 7, op, call: Box::new(call), outcome });
    }
    for kind in [KvKind::Request, KvKind::Reply, KvKind::Forward, KvKind::ForwardReply] {
        events.push(Event::KvSend { kind, to: s(2).into(), op });
        events.push(Event::KvRecv { kind, from: Node::Client(7), op });
    }
    events
}

#[test]
fn every_action_survives_its_line() {
    let events = every_event();
    let seen: BTreeSet<Action> = events.iter().map(Event::action).collect();
    assert_eq!(seen.len(), Action::ALL.len(), "an action is missing here");
    for event in events {
        for full in [false, true] {
            let at = Stamp { node: Node::Client(7), inc: 2, seq: 9 };
            let record = Record {
                at,
                t_ns: 5,
                event: event.clone(),
                state: full.then_some(FRESH),
                cause: full.then_some(Stamp { node: Node::Net, inc: 1, seq: 1 }),
                clock: full.then(|| vec![(Node::Run, 1), (s(9).into(), 2), (s(10).into(), 3)]),
            };
            let mut line = Vec::new();
            write_record(&record, &mut line);
            let text = String::from_utf8(line.clone()).expect("a line is text");
            assert_eq!(text.matches('\n').count(), 1, "one line");
            assert_eq!(read_line(&text, false), Ok(Line::Record(record.clone())));
            let phrase = tracecheck::phrase(&record);
            assert!(!phrase.is_empty() && phrase.chars().count() <= 60, "{phrase}");
        }
    }
}

#[test]
fn a_header_survives_its_line() {
    for script in [Script::of(3), Script::of(5).real().scripted(2)] {
        let text = script.text();
        assert_eq!(read_line(&text, true), Ok(Line::Header(script.header)));
    }
}

/// The digest of a state names its keys and values, and where one ends and the next begins.
#[test]
fn a_digest_of_what_keys_hold() {
    let digest = |pairs: &[(&str, &str)]| {
        state_digest(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    };
    assert_eq!(digest(&[]), 0x2d06_8005_38d3_94c2, "xxh3 of nothing");
    assert_eq!(digest(&[("x", "a"), ("y", "")]), digest(&[("x", "a")]), "an empty value is none");
    let all = [
        digest(&[]),
        digest(&[("x", "a")]),
        digest(&[("xa", "a")]),
        digest(&[("x", "aa")]),
        digest(&[("x", "a"), ("y", "b")]),
        digest(&[("x", "b"), ("y", "a")]),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    // The bytes themselves are part of the contract.
    let bytes = [&1u64.to_le_bytes()[..], b"x", &2u64.to_le_bytes()[..], b"ab"].concat();
    assert_eq!(digest(&[("x", "ab")]), xxhash_rust::xxh3::xxh3_64(&bytes));
}
