//! What a soak and a stress do alike: many seeds of many scenarios, kept piece by piece, of one build.
//!
//! Invariants: a run is counted once, however often the work is stopped and started; another build never continues it.
//! The programs that run are copies: what is built meanwhile changes nothing.

use super::state::{self, Identity, State};
use super::text;
use super::work::Work;
use crate::run::{self, Chosen, Suite};
use crate::stop::Stop;
use crate::targets::Binary;
use scenario::line::Listed;
use std::io;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// What the work is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To show that correct code never fails.
    Soak,
    /// To find what fails.
    Stress,
}

impl Purpose {
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Purpose::Soak => "soak",
            Purpose::Stress => "stress",
        }
    }
}

/// What was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) tests: &'a [String],
    pub(crate) from: u64,
    pub(crate) seeds: NonZeroU64,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) dir: Option<&'a Path>,
    pub(crate) fresh: bool,
}

impl Asked<'_> {
    /// Says what can be wrong with the command before minutes of building.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        self.to()?;
        match self.dir.map(absolute).transpose()? {
            Some(directory) => state::check(&directory, self.purpose),
            None => Ok(()),
        }
    }

    /// The seed after the last one.
    fn to(&self) -> Result<u64, Stop> {
        self.from.checked_add(self.seeds.get()).ok_or_else(|| {
            let (seeds, from) = (self.seeds, self.from);
            Stop::usage(format!("there are no {seeds} seeds from {from} on: the last is {}", u64::MAX))
        })
    }
}

/// Work that can go on.
pub(crate) struct Session {
    pub(crate) state: State,
    /// Each scenario with its program.
    scenarios: Vec<(usize, Listed)>,
    programs: Vec<Binary>,
    /// The directory of their build.
    pub(crate) target: PathBuf,
    from: u64,
    to: u64,
    jobs: usize,
    stops_at_death: bool,
}

impl Session {
    /// Opens the progress of these programs, and copies them.
    pub(crate) fn open(asked: &Asked<'_>, suites: &[Suite]) -> Result<Session, Stop> {
        let chosen = run::choose(suites, asked.tests)?;
        let identity = Identity::of(asked.purpose, bytes(suites)?, asked.from);
        let directory = match asked.dir {
            Some(directory) => absolute(directory)?,
            None => default_directory(suites, &identity, asked.purpose),
        };
        let state = State::open(&directory, identity, asked.fresh)?;
        let programs = copies(&chosen, &state)?;
        let scenarios = chosen.iter().enumerate();
        let scenarios = scenarios
            .flat_map(|(program, chosen)| chosen.scenarios.iter().map(move |one| (program, one.clone())));
        Ok(Session {
            state,
            scenarios: scenarios.collect(),
            programs,
            target: target(suites).to_owned(),
            from: asked.from,
            to: asked.to()?,
            jobs: asked.jobs.map_or_else(run::processors, NonZeroUsize::get),
            stops_at_death: asked.purpose == Purpose::Soak,
        })
    }

    /// The scenarios, in the order of the programs.
    pub(crate) fn listed(&self) -> Vec<&Listed> {
        self.scenarios.iter().map(|(_, listed)| listed).collect()
    }

    /// The program with the scenario of that name.
    pub(crate) fn program(&self, name: &str) -> Option<&Binary> {
        let (program, _) = self.scenarios.iter().find(|(_, listed)| listed.name == name)?;
        self.programs.get(*program)
    }

    /// Runs what is left.
    pub(crate) fn run(&mut self) -> Result<(), Stop> {
        let Session { state, scenarios, programs, from, to, jobs, stops_at_death, .. } = self;
        let scenarios = scenarios.iter().map(|(program, listed)| (&programs[*program], listed)).collect();
        let (from, to, jobs, stops_at_death) = (*from, *to, *jobs, *stops_at_death);
        let work = Work { scenarios, from, to, jobs, stops_at_death };
        announce(&work, state);
        if work.done(state) < work.runs() {
            // What an earlier one reported is no longer all there is.
            remove(&state.report())?;
            work.run(state)?;
        }
        Ok(())
    }

    /// Removes the copied programs.
    pub(crate) fn close(self) -> Result<(), Stop> {
        self.programs.iter().try_for_each(|program| remove(program.path()))
    }
}

/// Says what is about to happen, on standard error: the report alone is on standard output.
fn announce(work: &Work<'_>, state: &State) {
    let (runs, done) = (work.runs(), work.done(state));
    let (all, some) = (text::grouped(runs), text::grouped(done));
    match done {
        0 => eprintln!("{all} runs. Ctrl-C stops them; the same command goes on from there."),
        done if done >= runs => eprintln!("All {all} runs were made already; --fresh makes them again."),
        _ => eprintln!("Going on after {some} of {all} runs; --fresh would start over."),
    }
    eprintln!("Progress: {}", crate::shrink::shown(state.directory()));
}

/// The hash of the programs' bytes: another build has another one.
fn bytes(suites: &[Suite]) -> Result<String, Stop> {
    let mut hash = Xxh3::new();
    for suite in suites {
        let path = suite.binary.path();
        let bytes = std::fs::read(path).map_err(|why| unreadable(path, &why))?;
        hash.update(&bytes);
    }
    Ok(format!("{:032x}", hash.digest128()))
}

fn unreadable(path: &Path, why: &io::Error) -> Stop {
    Stop::failed(format!("the test program {} cannot be read: {why}", path.display()))
}

/// Copies of the programs: what is built while they run must not change what the results are of.
fn copies(chosen: &[Chosen<'_>], state: &State) -> Result<Vec<Binary>, Stop> {
    let copy = |(number, chosen): (usize, &Chosen<'_>)| {
        chosen.suite.binary.copied(&state.directory().join(format!("{}{number}", state::PROGRAM)))
    };
    chosen.iter().enumerate().map(copy).collect()
}

/// Beside the traces of failing tests, under a name that no other build shares.
fn default_directory(suites: &[Suite], identity: &Identity, purpose: Purpose) -> PathBuf {
    let from = if identity.from == 0 { String::new() } else { format!("-from-{}", identity.from) };
    let name = format!("{}{from}", &identity.fingerprint[..16]);
    target(suites).join("raftlab").join(purpose.noun()).join(name)
}

fn target(suites: &[Suite]) -> &Path {
    suites.first().map_or(Path::new("target"), |suite| suite.binary.target())
}

fn remove(path: &Path) -> Result<(), Stop> {
    match std::fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => {
            Err(Stop::failed(format!("{} cannot be removed: {why}", path.display())))
        }
        _ => Ok(()),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Stop> {
    std::path::absolute(path)
        .map_err(|why| Stop::usage(format!("{} is no usable path: {why}", path.display())))
}
