//! The real host: its clock, its tasks, and where its records go.

use labrpc::real::{FileDisk, HostOptions, RealHost, run};
use labrpc::schema::{Event, Header, Line, Node, RunId, SCHEMA, Server, Stamp, read_line};
use labrpc::{Host, JsonLines};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;
use tempfile::TempDir;

const ME: Server = Server(3);

fn host(folder: &TempDir, options: HostOptions) -> Rc<RealHost> {
    let disk = FileDisk::open(folder.path()).expect("nobody else has it");
    RealHost::new(ME.into(), disk, options).expect("the system has randomness")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn the_clock_begins_where_the_run_is_and_sleeps_end_in_time() {
    let folder = folder();
    let elapsed = Duration::from_secs(1000);
    let slept = run(async {
        let host = host(&folder, HostOptions { elapsed, seed: None });
        let begin = host.now();
        host.sleep_until(Duration::ZERO).await;
        host.sleep_until(begin + Duration::from_millis(20)).await;
        assert!(begin >= elapsed);
        host.now() - begin
    });
    assert!(slept.expect("a runtime") >= Duration::from_millis(20));
}

#[test]
fn draws_depend_on_the_seed_and_are_others_without_one() {
    let folder = folder();
    let draw = |seed| {
        let host = host(&folder, HostOptions { seed, ..HostOptions::default() });
        assert_eq!(host.draw(7..=7), 7);
        assert!((0..1000).all(|_| (3..=5).contains(&host.draw(3..=5))));
        host.draw(0..=u64::MAX)
    };
    assert_eq!(draw(Some(1)), draw(Some(1)));
    assert_ne!(draw(Some(1)), draw(Some(2)));
    assert_ne!(draw(None), draw(None));
}

/// Sets a flag when it is dropped.
struct Dropped(Rc<Cell<bool>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.set(true);
    }
}

/// A task that waits for ever, and whether it is gone.
fn wait_on(host: &RealHost) -> Rc<Cell<bool>> {
    let gone: Rc<Cell<bool>> = Rc::default();
    let guard = Dropped(gone.clone());
    host.spawn(Box::pin(async move {
        let _guard = guard;
        pending().await
    }));
    gone
}

async fn until(gone: &Cell<bool>) {
    while !gone.get() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_task_that_panics_ends_the_incarnation() {
    let folder = folder();
    let over = run(async {
        let host = host(&folder, HostOptions::default());
        let other = wait_on(&host);
        host.spawn(Box::pin(async { panic!("the disk failed") }));
        assert_eq!(host.ended().await.as_deref(), Some("the disk failed"));
        until(&other).await;
        let last = host.recorder().last();
        host.recorder().record(Event::ServerStart { server_id: ME }, None, None);
        assert_eq!(host.recorder().last(), last, "nothing is recorded any more");
        let late = wait_on(&host);
        until(&late).await;
    });
    over.expect("a runtime");
}

#[test]
fn an_ended_incarnation_drops_its_tasks_and_says_that_it_was_told_to() {
    let folder = folder();
    let over = run(async {
        let host = host(&folder, HostOptions::default());
        let task = wait_on(&host);
        tokio::task::yield_now().await;
        assert!(!task.get());
        host.end();
        assert_eq!(host.ended().await, None);
        until(&task).await;
    });
    over.expect("a runtime");
}

#[test]
fn records_are_in_the_file_as_soon_as_they_are_made_and_carry_the_incarnation() {
    let folder = folder();
    let path = folder.path().join("trace.jsonl");
    drop(host(&folder, HostOptions::default()));
    let header = Header {
        schema: SCHEMA,
        run: RunId { name: "a run".to_owned(), seed: 1 },
        kit: "0.1.0".to_owned(),
        servers: vec![ME],
        voters: vec![ME],
        scripted: Vec::new(),
        durability: labrpc::schema::Durability::Real,
    };
    let file = std::fs::File::create(&path).expect("it can be written");
    let lines = JsonLines::new(file, &header).expect("it can be written");
    lines.listen(|| {
        let host = host(&folder, HostOptions::default());
        for seq in 1..=100 {
            host.recorder().record(Event::ServerStart { server_id: ME }, None, None);
            let text = std::fs::read_to_string(&path).expect("it is there");
            let last = text.lines().last().map(|line| read_line(line, false));
            let Some(Ok(Line::Record(record))) = last else { panic!("{last:?}") };
            assert_eq!(record.at, Stamp { node: Node::Server(ME), inc: 2, seq });
        }
    });
    lines.finish().expect("all was written");
}
