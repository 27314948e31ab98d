//! The test binaries with the scenarios: how they are found, built and driven.
//!
//! Every crate whose test target is called `labs` takes part. The binary is the one that `cargo test`
//! runs, so nothing can pass here and fail there.

use crate::stop::Stop;
use scenario::line::{Line, Listed, RunLine};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// The name of the test targets that hold scenarios.
const TARGET: &str = "labs";

/// A workspace as cargo sees it.
#[derive(Debug)]
pub struct Workspace {
    /// Its root directory.
    pub root: PathBuf,
    /// Where builds go, if not where cargo would put them.
    pub target_directory: Option<PathBuf>,
}

/// A built test binary.
#[derive(Debug)]
pub struct Binary {
    path: PathBuf,
    /// The package's directory: what `cargo test` would run it in.
    directory: PathBuf,
}

/// What one call of a binary runs.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whole names.
    pub names: Vec<String>,
    /// Which seeds.
    pub seeds: Seeds,
    /// How many at the same time.
    pub jobs: usize,
    /// Where traces go.
    pub traces: Traces,
}

/// Which seeds are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// So many, from 0 on.
    UpTo(u64),
    /// So many, from 0 on, but of no scenario any after its first failing one.
    UntilFailure(u64),
    /// This one.
    Only(u64),
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traces {
    /// Nowhere, and their hashes are not told either: who asks only counts.
    Never,
    /// Those of failing runs, where the binary puts them by itself.
    Failing {
        /// Whether every run's hash is told: to work them out costs a sixth of the time.
        hashes: bool,
    },
    /// All, below this directory.
    All(PathBuf),
    /// The only one, to this file.
    File(PathBuf),
}

/// How a call of a binary came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything that was asked for was run.
    All,
    /// The program died. The sentence says so.
    Died(String),
    /// No result came for as long as the caller would wait, and the program was stopped.
    Silent,
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

impl Workspace {
    /// The workspace around the current directory.
    pub fn here() -> Result<Workspace, Stop> {
        let mut command = cargo();
        command.args(["locate-project", "--workspace", "--message-format", "plain"]);
        let output = command.output().map_err(no_cargo)?;
        let manifest = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        if let (true, Some(root)) = (output.status.success(), manifest.parent()) {
            return Ok(Workspace { root: root.to_owned(), target_directory: None });
        }
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains("could not find `Cargo.toml`") {
            return Err(Stop::usage(
                "there is no Cargo.toml here or above: change into the course's directory first",
            ));
        }
        eprint!("{said}");
        Err(unreadable())
    }

    /// A cargo command in this workspace.
    pub fn cargo(&self) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root);
        if let Some(directory) = &self.target_directory {
            command.env("CARGO_TARGET_DIR", directory);
        }
        command
    }

    /// The cargo command that builds every test binary with scenarios, and announces them as JSON messages on
    /// standard output.
    pub fn building(&self) -> Result<Command, Stop> {
        let packages = self.packages()?;
        if packages.is_empty() {
            return Err(Stop::usage(
                "no crate of this workspace has a test target called `labs`: there is nothing to run",
            ));
        }
        Ok(self.building_of(packages.iter().map(String::as_str)))
    }

    /// The same for the test binaries of these packages alone.
    pub fn building_of<'a>(&self, packages: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = self.cargo();
        command.args(["test", "--no-run", "--test", TARGET, "--message-format=json-render-diagnostics"]);
        command.args(packages.into_iter().flat_map(|name| ["--package", name])).stdin(Stdio::null());
        command
    }

    /// Builds every test binary with scenarios. Cargo's own messages go to standard error.
    pub fn build(&self) -> Result<Vec<Binary>, Stop> {
        self.built(self.building()?)
    }

    /// The same with optimisation.
    pub fn build_released(&self) -> Result<Vec<Binary>, Stop> {
        let mut command = self.building()?;
        command.arg("--release");
        self.built(command)
    }

    fn built(&self, mut command: Command) -> Result<Vec<Binary>, Stop> {
        let output = command.stderr(Stdio::inherit()).output().map_err(no_cargo)?;
        if !output.status.success() {
            return Err(Stop::failed(
                "the code does not compile, so nothing was run: mend the errors above first",
            ));
        }
        Ok(binaries(&String::from_utf8_lossy(&output.stdout)))
    }

    /// The packages that have a test target with scenarios.
    fn packages(&self) -> Result<Vec<String>, Stop> {
        let mut command = self.cargo();
        command.args(["metadata", "--no-deps", "--format-version", "1"]).stderr(Stdio::inherit());
        let output = command.output().map_err(no_cargo)?;
        let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|_| unreadable())?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let with_scenarios = packages.filter(|package| {
            let mut targets = package["targets"].as_array().into_iter().flatten();
            targets.any(|target| target["name"] == TARGET && target["kind"][0] == "test")
        });
        let mut names: Vec<String> =
            with_scenarios.filter_map(|package| package["name"].as_str()).map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }
}

/// Cargo could not be started.
pub fn no_cargo(why: std::io::Error) -> Stop {
    Stop::failed(format!("cargo could not be started: {why}. Is Rust installed, and cargo in the PATH?"))
}

fn unreadable() -> Stop {
    Stop::failed("cargo cannot read this workspace: mend the error above first")
}

/// The lines of a stream, read by a thread of their own, so that whoever waits for one can give up.
fn lines(stream: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = stream.into_iter().flat_map(|stream| BufReader::new(stream).lines());
        for line in lines.map_while(Result::ok) {
            // Nobody listens any more: the program was given up.
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The sentence about a test program that died while it served `request`, after it told the result `last`.
pub fn death(request: &Request, last: Option<String>, status: impl std::fmt::Display) -> String {
    let when = match (&request.names[..], request.seeds, last) {
        ([name], Seeds::Only(seed), _) => format!("in {name} with seed {seed}"),
        (_, _, None) => "before its first result".to_owned(),
        (_, _, Some(last)) if request.jobs == 1 => format!("right after {last}"),
        (_, _, Some(last)) => format!("some time after {last}"),
    };
    // With one at a time it is known already, and `replay` takes no such option.
    let advice = if request.jobs == 1 { "" } else { ". Find the scenario with --jobs 1" };
    format!(
        "the test program died ({status}) {when}: a stack overflow, an abort or an exit in the code ends all runs at \
         once{advice}"
    )
}

/// The binaries that cargo's JSON messages announce, in the order of their packages.
pub fn binaries(messages: &str) -> Vec<Binary> {
    let mut binaries: Vec<Binary> = messages.lines().filter_map(binary).collect();
    binaries.sort_by(|one, two| one.directory.cmp(&two.directory));
    binaries
}

/// The binary that this message of cargo announces, if it does.
fn binary(line: &str) -> Option<Binary> {
    let message: Value = serde_json::from_str(line).ok()?;
    let ours = message["reason"] == "compiler-artifact"
        && message["target"]["name"] == TARGET
        && message["target"]["kind"][0] == "test";
    let path = PathBuf::from(message["executable"].as_str().filter(|_| ours)?);
    let directory = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    Some(Binary { path, directory })
}

impl Binary {
    /// The test program at `path`, to be run in `directory`.
    pub fn at(path: PathBuf, directory: PathBuf) -> Binary {
        Binary { path, directory }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A copy of it at `path`, which no later build replaces.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn copied(&self, path: &Path) -> Result<Binary, Stop> {
        let part = path.with_extension("part");
        // A program that was left there may still run: it is replaced, not overwritten.
        let copied = std::fs::copy(&self.path, &part).and_then(|_| std::fs::rename(&part, path));
        copied.map_err(|why| {
            Stop::failed(format!("the test program {} cannot be read: {why}", self.path.display()))
        })?;
        Ok(Binary::at(path.to_owned(), self.directory.clone()))
    }

    /// The directory of its build, which holds what scenarios leave behind too.
    pub(crate) fn target(&self) -> &Path {
        let deps = self.path.ancestors().find(|path| path.file_name().is_some_and(|name| name == "deps"));
        deps.and_then(|deps| deps.parent()?.parent()).unwrap_or(Path::new("target"))
    }

    /// What it can run.
    pub fn list(&self) -> Result<Vec<Listed>, Stop> {
        let output = self.command("list").output().map_err(|why| self.not_started(&why))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let listed: Result<Vec<Listed>, _> = text.lines().map(serde_json::from_str).collect();
        match listed {
            Ok(listed) if output.status.success() => Ok(listed),
            _ => Err(self.strange("list its scenarios", output.status)),
        }
    }

    /// Runs what is asked for and hands on each result as it comes.
    pub fn run(&self, request: &Request, result: impl FnMut(RunLine)) -> Result<(), Stop> {
        match self.run_within(request, None, result)? {
            Ended::All | Ended::Silent => Ok(()),
            Ended::Died(sentence) => Err(Stop::failed(sentence)),
        }
    }

    /// Runs what is asked for and hands on each result as it comes. With a `patience`, the program is stopped
    /// once that much real time passes between one result and the next, and what it prints besides is not shown.
    pub fn run_within(
        &self,
        request: &Request,
        patience: Option<Duration>,
        mut result: impl FnMut(RunLine),
    ) -> Result<Ended, Stop> {
        let mut command = self.command("run");
        if patience.is_some() {
            command.stderr(Stdio::null());
        }
        command.args(["--names", &request.names.join(","), "--jobs", &request.jobs.to_string()]);
        match request.seeds {
            Seeds::UpTo(count) => command.args(["--seeds", &count.to_string()]),
            Seeds::UntilFailure(count) => command.args(["--until-failure", "--seeds", &count.to_string()]),
            Seeds::Only(seed) => command.args(["--seed", &seed.to_string()]),
        };
        match &request.traces {
            Traces::Failing { hashes: true } => {}
            Traces::Failing { hashes: false } => drop(command.arg("--no-hash")),
            Traces::Never => drop(command.args(["--no-traces", "--no-hash"])),
            Traces::All(directory) => drop(command.arg("--trace-dir").arg(directory)),
            Traces::File(path) => drop(command.arg("--trace-file").arg(path)),
        }
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|why| self.not_started(&why))?;
        let (mut ended, mut last) = (false, None);
        let lines = lines(child.stdout.take());
        loop {
            let line = match patience {
                None => lines.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(patience) => lines.recv_timeout(patience),
            };
            let line = match line {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    // Whether it was still there to be stopped makes no difference.
                    let _ = child.kill();
                    let _ = child.wait();
                    return Ok(Ended::Silent);
                }
            };
            // A student's print! shares the stream, perhaps even the line: what is not ours is theirs to see.
            let ours = line.rfind("{\"type\":\"").unwrap_or(line.len());
            let (theirs, ours) = line.split_at(ours);
            let parsed = serde_json::from_str(ours);
            let theirs = if parsed.is_ok() { theirs } else { line.as_str() };
            if !theirs.is_empty() && patience.is_none() {
                eprintln!("{theirs}");
            }
            match parsed {
                Ok(Line::Run(line)) => {
                    last = Some(format!("{} with seed {}", line.scenario, line.seed));
                    result(line);
                }
                Ok(Line::End { .. }) => ended = true,
                Ok(_) | Err(_) => {}
            }
        }
        let status = child.wait().map_err(|why| self.not_started(&why))?;
        Ok(if ended { Ended::All } else { Ended::Died(death(request, last, status)) })
    }

    /// Runs a command and hands on each line of the protocol that it prints.
    pub(crate) fn lines(&self, mut command: Command, mut line: impl FnMut(Line)) -> Result<ExitStatus, Stop> {
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(|why| self.not_started(&why))?;
        for text in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).split(b'\n')) {
            let Ok(text) = text else { break };
            let text = String::from_utf8_lossy(&text);
            // What a student's code prints shares the stream, perhaps even the line.
            let ours = text.rfind("{\"type\":\"").map_or("", |at| &text[at..]);
            if let Ok(parsed) = serde_json::from_str(ours) {
                line(parsed);
            }
        }
        child.wait().map_err(|why| self.not_started(&why))
    }

    pub(crate) fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.directory).env("CARGO_MANIFEST_DIR", &self.directory);
        command.args(["--raftlab", what]).stdin(Stdio::null()).stderr(Stdio::inherit());
        command
    }

    pub(crate) fn not_started(&self, why: &std::io::Error) -> Stop {
        Stop::failed(format!("the test program {} could not be started: {why}", self.path.display()))
    }

    pub(crate) fn strange(&self, task: &str, status: ExitStatus) -> Stop {
        Stop::failed(format!("the test program {} could not {task} ({status})", self.path.display()))
    }
}
