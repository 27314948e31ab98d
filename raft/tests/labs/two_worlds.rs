//! The same Raft in the other world: three processes with real disks over TCP, one of them killed.
//!
//! Nothing here is judged by the time that it took: a deadline is far beyond what any machine needs, and to reach
//! it is a failure that says what was waited for.

use labrpc::schema::{Event, Header, Node, Record, Stamp};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::net::TcpSocket;
use tracecheck::read::Reader;
use tracecheck::{Offline, Verdict};

/// Reaching it means that something hangs.
const HANG: Duration = Duration::from_secs(60);
/// How often a server is asked for its state, where nothing else says that it changed.
const PAUSE: Duration = Duration::from_millis(50);
const SERVERS: usize = 3;
const QUORUM: usize = 2;

type Done<T = ()> = Result<T, String>;

/// A hundred commands, the leader's death, a hundred more, and its return.
pub(crate) fn three_processes_over_tcp() -> Done {
    let mut cluster = Cluster::start()?;
    let result = story(&mut cluster);
    result.map_err(|what| cluster.explain(&what))
}

fn story(cluster: &mut Cluster) -> Done {
    let expected: Vec<String> = (1..=200).map(|number| format!("command {number}")).collect();
    expected[..100].iter().try_for_each(|command| cluster.commit(command))?;
    let victim = cluster.leader()?;
    cluster.kill(victim)?;
    let before = std::mem::take(&mut cluster.nodes[victim].applied);
    expected[100..].iter().try_for_each(|command| cluster.commit(command))?;
    cluster.run(victim)?;
    cluster.wait("all three servers have applied 200 commands", |cluster| {
        cluster.nodes.iter().all(|node| node.applied.len() >= expected.len()).then_some(())
    })?;
    cluster.stop()?;
    for (number, node) in cluster.nodes.iter().enumerate() {
        let commands: Vec<&str> = node.applied.iter().map(|(_, text)| text.as_str()).collect();
        if commands != expected || node.applied != cluster.nodes[0].applied {
            return Err(format!("s{} applied other commands, or others in order: {commands:?}", number + 1));
        }
    }
    if !cluster.nodes[victim].applied.starts_with(&before) {
        return Err(format!("s{} applied before it was killed what it did not apply after", victim + 1));
    }
    let killed = Node::Server(labrpc::schema::Server(victim as u8 + 1));
    judge(cluster.folder(), killed)
}

/// One server: what it said in its present incarnation.
struct Server {
    address: SocketAddr,
    process: Option<(Child, ChildStdin)>,
    told_to_stop: bool,
    starts: u32,
    applied: Vec<(u64, String)>,
    answers: VecDeque<String>,
}

/// A line that a server wrote, with its number and its start.
type Said = (usize, u32, String);

struct Cluster {
    folder: Option<tempfile::TempDir>,
    program: PathBuf,
    started: u128,
    nodes: Vec<Server>,
    said: Receiver<Said>,
    say: Sender<Said>,
    /// Keeps the ports from others: bound, but not listening.
    _ports: Vec<TcpSocket>,
}

impl Cluster {
    fn start() -> Done<Cluster> {
        let text = |error: std::io::Error| error.to_string();
        let (mut nodes, mut ports) = (Vec::new(), Vec::new());
        for _ in 0..SERVERS {
            let socket = TcpSocket::new_v4().map_err(text)?;
            socket.set_reuseaddr(true).map_err(text)?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(text)?;
            let address = socket.local_addr().map_err(text)?;
            let (applied, answers) = (Vec::new(), VecDeque::new());
            nodes.push(Server { address, process: None, told_to_stop: false, starts: 0, applied, answers });
            ports.push(socket);
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
        let (say, said) = channel();
        let folder = Some(tempfile::tempdir().map_err(text)?);
        let (program, started) = (program()?, since_1970.as_nanos());
        let mut cluster = Cluster { folder, program, started, nodes, said, say, _ports: ports };
        (0..SERVERS).try_for_each(|number| cluster.run(number))?;
        Ok(cluster)
    }

    fn folder(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("."), |folder| folder.path())
    }

    /// Starts a server from its files.
    fn run(&mut self, number: usize) -> Done {
        let name = |number: usize| format!("s{}", number + 1);
        let text = |error: std::io::Error| format!("{}: {error}", self.program.display());
        let me = name(number);
        let errors = File::options().create(true).append(true).open(self.folder().join(format!("{me}.err")));
        let mut command = Command::new(&self.program);
        command.args(["--me", &me, "--run", "two_worlds", "--started", &self.started.to_string()]);
        command.args(["--listen", &self.nodes[number].address.to_string()]);
        command.arg("--data").arg(self.folder().join(format!("{me}.data")));
        command.arg("--trace").arg(self.folder().join(&me));
        for peer in (0..SERVERS).filter(|peer| *peer != number) {
            command.args(["--peer", &format!("{}={}", name(peer), self.nodes[peer].address)]);
        }
        command
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors.map_err(text)?);
        let mut child = command.spawn().map_err(text)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err("no pipes".to_owned()) };
        let node = &mut self.nodes[number];
        node.process = Some((child, input));
        node.starts += 1;
        let (say, start) = (self.say.clone(), node.starts);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if say.send((number, start, line)).is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// As `kill -9`.
    fn kill(&mut self, number: usize) -> Done {
        let Some((mut child, _)) = self.nodes[number].process.take() else { return Ok(()) };
        child.kill().and_then(|()| child.wait()).map_err(|error| error.to_string())?;
        // What it said until then is in the pipe; what is still said of this start is not heard.
        self.drain(PAUSE);
        self.nodes[number].answers.clear();
        self.nodes[number].starts += 1;
        Ok(())
    }

    /// Takes in what was said, and what comes within `patience`.
    fn drain(&mut self, patience: Duration) {
        let mut next = self.said.recv_timeout(patience);
        while let Ok((number, start, line)) = next {
            let node = &mut self.nodes[number];
            if node.starts == start {
                let applied = line.strip_prefix("applied ").and_then(|rest| rest.split_once(' '));
                match applied.and_then(|(index, text)| Some((index.parse().ok()?, text.to_owned()))) {
                    Some(applied) => node.applied.push(applied),
                    None => node.answers.push_back(line),
                }
            }
            next = self.said.recv_timeout(Duration::ZERO);
        }
    }

    fn wait<T>(&mut self, what: &str, mut until: impl FnMut(&mut Self) -> Option<T>) -> Done<T> {
        let deadline = Instant::now() + HANG;
        loop {
            if let Some(found) = until(self) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(format!("waited {} s until {what}", HANG.as_secs()));
            }
            self.drain(PAUSE);
            self.all_live().map_err(|died| format!("waited until {what}, but {died}"))?;
        }
    }

    /// Whether nobody ended who was not told to.
    fn all_live(&mut self) -> Done {
        let processes = self.nodes.iter_mut().map(|node| (node.told_to_stop, &mut node.process));
        for (number, (told_to_stop, process)) in processes.enumerate() {
            let Some((child, _)) = process.as_mut().filter(|_| !told_to_stop) else { continue };
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("s{} ended by itself ({status})", number + 1));
            }
        }
        Ok(())
    }

    /// Gives a running server a command, and waits for the answer.
    fn ask(&mut self, number: usize, command: &str) -> Done<String> {
        let Some((_, input)) = &mut self.nodes[number].process else {
            return Err(format!("s{} does not run", number + 1));
        };
        writeln!(input, "{command}").map_err(|error| format!("s{} is gone: {error}", number + 1))?;
        let what = format!("s{} answers `{command}`", number + 1);
        self.wait(&what, |cluster| cluster.nodes[number].answers.pop_front())
    }

    fn running(&self) -> Vec<usize> {
        (0..SERVERS).filter(|number| self.nodes[*number].process.is_some()).collect()
    }

    /// A running server's role and commit index.
    fn state(&mut self, number: usize) -> Done<(String, u64)> {
        let answer = self.ask(number, "state")?;
        let words: Vec<&str> = answer.split(' ').collect();
        match words[..] {
            ["state", _, role, _, commit] if commit.parse::<u64>().is_ok() => {
                Ok((role.to_owned(), commit.parse().unwrap_or(0)))
            }
            _ => Err(format!("s{} answered `state` with `{answer}`", number + 1)),
        }
    }

    /// Who leads, or will soon.
    fn leader(&mut self) -> Done<usize> {
        let deadline = Instant::now() + HANG;
        while Instant::now() < deadline {
            for number in self.running() {
                if self.state(number)?.0 == "leader" {
                    return Ok(number);
                }
            }
            self.drain(PAUSE);
        }
        Err(format!("waited {} s until somebody leads", HANG.as_secs()))
    }

    /// Has a command applied by a quorum, once.
    fn commit(&mut self, text: &str) -> Done {
        let deadline = Instant::now() + HANG;
        while Instant::now() < deadline {
            let leader = self.leader()?;
            let answer = self.ask(leader, &format!("propose {text}"))?;
            let index = answer.strip_prefix("ok ").and_then(|rest| rest.split(' ').next()?.parse().ok());
            if let Some(index) = index
                && self.applied(index, text, deadline)?
            {
                return Ok(());
            }
        }
        Err(format!("waited {} s until `{text}` is committed", HANG.as_secs()))
    }

    /// Whether a quorum applies the command there. If not, another entry stands in its place, because its leader
    /// was deposed.
    fn applied(&mut self, index: u64, text: &str, deadline: Instant) -> Done<bool> {
        let has = |node: &Server| node.applied.iter().rev().any(|(at, it)| *at == index && it == text);
        while Instant::now() < deadline {
            let long = Instant::now() + 10 * PAUSE;
            while Instant::now() < long {
                if self.nodes.iter().filter(|node| has(node)).count() >= QUORUM {
                    return Ok(true);
                }
                self.drain(PAUSE);
            }
            for number in self.running() {
                // Whoever knows so much to be committed has said what it applied before it answers.
                if self.state(number)?.1 >= index && !has(&self.nodes[number]) {
                    return Ok(false);
                }
            }
        }
        Err(format!("waited {} s until a quorum has applied `{text}` at {index}", HANG.as_secs()))
    }

    /// Ends all servers as they should end.
    fn stop(&mut self) -> Done {
        for number in self.running() {
            self.nodes[number].told_to_stop = true;
            let input = self.nodes[number].process.as_mut().map(|(_, input)| input);
            let told = input.map_or(Ok(()), |input| writeln!(input, "stop"));
            told.map_err(|error| format!("s{} is gone: {error}", number + 1))?;
        }
        for number in 0..SERVERS {
            let what = format!("s{} ends after `stop`", number + 1);
            let status = self.wait(&what, |cluster| match &mut cluster.nodes[number].process {
                Some((child, _)) => child.try_wait().transpose(),
                None => None,
            })?;
            match status {
                Ok(status) if status.success() => {}
                other => return Err(format!("s{} did not end well: {other:?}", number + 1)),
            }
        }
        Ok(())
    }

    /// Keeps the files of a failure, and says where, and what the servers complained of.
    fn explain(&mut self, what: &str) -> String {
        let mut text = what.to_owned();
        for number in 1..=SERVERS {
            let errors = std::fs::read_to_string(self.folder().join(format!("s{number}.err")));
            for line in errors.iter().flat_map(|errors| errors.lines()) {
                text.push_str(&format!("\n  s{number}: {line}"));
            }
        }
        if let Some(folder) = self.folder.take() {
            text.push_str(&format!("\n  traces and disks are kept in {}", folder.keep().display()));
        }
        text
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (child, _) in self.nodes.iter_mut().filter_map(|node| node.process.as_mut()) {
            // One that ended already cannot be killed, and that is well.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The example of this package. `cargo test` builds it, but `cargo test NAME` does not: it may be missing, or older
/// than its sources.
fn program() -> Done<PathBuf> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let profile = exe.parent().and_then(Path::parent).ok_or("the test binary stands nowhere")?;
    let program = profile.join("examples").join(format!("raft-node{}", std::env::consts::EXE_SUFFIX));
    let build = "build it by `cargo build -p raft --example raft-node`";
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let Some(built) = changed(&program) else {
        return Err(format!("{} is missing: {build}", program.display()));
    };
    // What cargo notes beside it: `PROGRAM: SOURCE SOURCE …`.
    let sources =
        std::fs::read_to_string(program.with_extension("d")).unwrap_or_default().replace("\\ ", "\0");
    for source in sources.split_whitespace().skip(1).map(|source| source.replace('\0', " ")) {
        if changed(Path::new(&source)).is_none_or(|changed| changed > built) {
            return Err(format!("{} is older than {source}: {build}", program.display()));
        }
    }
    Ok(program)
}

/// Reads a process's trace. Only that of a killed one may be cut off.
fn read(path: &Path, may_be_cut: bool) -> Done<(Header, Vec<Record>)> {
    let name = path.display();
    let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    let (header, mut reader) = Reader::open(BufReader::new(file)).map_err(|why| format!("{name}: {why}"))?;
    let mut records = Vec::new();
    while let Some(next) = reader.next_record() {
        match next {
            Ok((_, record)) => records.push(record),
            Err(error) if error.is_cut() && may_be_cut => break,
            Err(error) => return Err(format!("{name}: {error}")),
        }
    }
    Ok((header, records))
}

/// Judges the traces of all incarnations as one run.
fn judge(folder: &Path, killed: Node) -> Done {
    let (mut all, mut common) = (Vec::new(), None);
    for number in 1..=SERVERS {
        let is_killed = killed.to_string() == format!("s{number}");
        for incarnation in 1..=if is_killed { 2 } else { 1 } {
            let path = folder.join(format!("s{number}-{incarnation}.jsonl"));
            let (header, records) = read(&path, is_killed && incarnation == 1)?;
            all.extend(records);
            if common.get_or_insert(header.clone()) != &header {
                return Err(format!("{} has another header than its peers' traces", path.display()));
            }
        }
    }
    let header = common.ok_or("there are no traces")?;
    let t_ns = all.iter().map(|record| record.t_ns).max().unwrap_or(0);
    let at = Stamp { node: Node::Run, inc: 1, seq: 1 };
    let event = Event::RunEnd { records: all.len() as u64, completed: true };
    all.push(Record { at, t_ns, event, state: None, cause: None, clock: None });
    // Not as files that may lack their tails: a record is with the system before what it tells of is done, so that
    // a killed process leaves every one that matters.
    let mut offline = Offline::new(&header);
    for (line, record) in (1..).zip(all) {
        offline.push(line, record);
    }
    let (verdicts, _) = offline.finish(false);
    for (rule, verdict) in verdicts.iter() {
        match verdict {
            Verdict::Fail(violation) => return Err(format!("the merged traces break {violation}")),
            Verdict::Unknown(why) => return Err(format!("the merged traces leave {} open: {why}", rule.id)),
            // What this run is about must have been judged.
            Verdict::Vacuous if ["T2", "E6", "L3", "L4", "L5", "L7", "L9", "D1"].contains(&rule.id) => {
                return Err(format!("the merged traces never put {} to the test", rule.id));
            }
            Verdict::Pass(_) | Verdict::Vacuous => {}
        }
    }
    Ok(())
}
