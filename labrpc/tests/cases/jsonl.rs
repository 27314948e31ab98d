//! Trace files lose nothing, or say so.

use super::echo::stamp;
use labrpc::schema::{
    Durability, EntryId, Event, Header, Kind, Line, Node, Record, Role, RunId, SCHEMA, Server, State, Timer,
    read_line,
};
use labrpc::{JsonLines, emit};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry;

/// A file in memory that is full after so many bytes.
#[derive(Clone)]
struct File {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: usize,
}

impl File {
    fn with_room(room: usize) -> Self {
        File { bytes: Arc::default(), room }
    }

    fn lines(&self) -> Vec<Line> {
        let bytes = self.bytes.lock().expect("no test panics inside");
        let text = std::str::from_utf8(&bytes).expect("JSON is UTF-8");
        assert!(text.ends_with('\n'));
        text.lines()
            .enumerate()
            .map(|(number, line)| read_line(line, number == 0).expect("a line of the schema"))
            .collect()
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.bytes.lock().expect("no test panics inside");
        if written.len() + bytes.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header() -> Header {
    Header {
        schema: SCHEMA,
        run: RunId { name: "a \"run\"".to_owned(), seed: u64::MAX },
        kit: "0.1.0".to_owned(),
        servers: vec![Server(1), Server(2)],
        voters: vec![Server(1)],
        scripted: Vec::new(),
        durability: Durability::Real,
    }
}

fn records(count: u64) -> Vec<Record> {
    let node = Node::Server(Server(1));
    (1..=count)
        .map(|seq| {
            let event = match seq % 3 {
                0 => Event::ServerStart { server_id: Server(1) },
                1 => Event::Recv {
                    kind: Kind::VoteReply,
                    from: Server(2),
                    term: seq,
                    armed: vec![Timer::Quorum],
                },
                _ => Event::AppendEntry {
                    to: Server(2),
                    term: 1,
                    prev_index: seq,
                    prev_term: 1,
                    entries: vec![EntryId(seq + 1, 1, u64::MAX)],
                    leader_commit: 0,
                },
            };
            let state = (seq % 2 == 0).then_some(State {
                term: 1,
                role: Role::Leader,
                voted_for: Some(Server(1)),
                leader_id: None,
                commit_index: 0,
                last_index: seq,
                last_term: 1,
            });
            let cause = (seq % 5 == 0).then(|| stamp(Node::Client(1), seq));
            let clock = (seq % 7 == 0).then(|| vec![(node, seq)]);
            Record { at: stamp(node, seq), t_ns: seq * 1000, event, state, cause, clock }
        })
        .collect()
}

#[test]
fn what_is_emitted_is_what_is_read_back() {
    let records = records(5000);
    let file = File::with_room(usize::MAX);
    let json = JsonLines::new(file.clone(), &header()).expect("room for the header");
    tracing::subscriber::with_default(registry().with(json.layer()), || {
        for record in &records {
            emit(record);
            tracing::error!("no record, no line");
        }
    });
    json.finish().expect("room for all");
    let expected = std::iter::once(Line::Header(header())).chain(records.into_iter().map(Line::Record));
    assert!(file.lines().into_iter().eq(expected));
}

#[test]
fn the_first_record_that_did_not_fit_is_reported_at_the_end() {
    let file = File::with_room(2000);
    let json = JsonLines::new(file.clone(), &header()).expect("room for the header");
    let records = records(100);
    tracing::subscriber::with_default(registry().with(json.layer()), || records.iter().for_each(emit));
    assert_eq!(json.finish().expect_err("the file is full").kind(), io::ErrorKind::StorageFull);
    // Nothing is written after the gap.
    let kept = file.lines().len() - 1;
    assert!(0 < kept && kept < records.len());
    let expected = std::iter::once(Line::Header(header())).chain(records.into_iter().map(Line::Record));
    assert!(file.lines().into_iter().eq(expected.take(kept + 1)));
}

#[test]
fn a_header_that_does_not_fit_is_reported_at_once() {
    assert!(JsonLines::new(File::with_room(10), &header()).is_err());
}

/// Counts the events that reach it.
#[derive(Clone, Default)]
struct Count(Arc<Mutex<u32>>);

impl<S: tracing::Subscriber> Layer<S> for Count {
    fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
        *self.0.lock().expect("no test panics inside") += 1;
    }
}

#[test]
fn other_layers_get_their_events_whichever_way_the_trace_is_added() {
    let file = File::with_room(usize::MAX);
    let json = JsonLines::new(file.clone(), &header()).expect("room for the header");
    let count = Count::default();
    tracing::subscriber::with_default(registry().with(count.clone()).with(json.layer()), || {
        tracing::info!("for the operator");
    });
    tracing::subscriber::with_default(registry().with(count.clone()).with(json.handle()), || {
        tracing::info!("for the operator");
    });
    assert_eq!(*count.0.lock().expect("no test panics inside"), 2);
    assert_eq!(file.lines(), [Line::Header(header())]);
}
