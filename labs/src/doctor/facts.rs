//! What is looked at.
//!
//! Invariants: whatever cannot be found out is `None`. Nothing is written.

use super::flags::{self, Setting};
use super::program;
use crate::stop::Stop;
use crate::student_files::{self, StudentFiles};
use crate::targets::Workspace;
use scenario::line::GuaranteeLine;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml_edit::{DocumentMut, Item};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What `rustc --version` says.
    pub rustc: Option<String>,
    /// What `cargo --version` says.
    pub cargo: Option<String>,
    /// The oldest version that the workspace allows.
    pub needed: Option<String>,
    /// How many processors may be used.
    pub cores: Option<usize>,
    /// The machine's memory.
    pub memory: Option<Memory>,
    /// Where builds go, and the bytes that are free there.
    pub disk: Option<(PathBuf, u64)>,
    /// What changes builds from outside.
    pub settings: Vec<Setting>,
    /// What `git --version` says.
    pub git: Option<String>,
    /// What the current directory is.
    pub course: Course,
    /// Where output goes; `None` if that is no terminal.
    pub terminal: Option<Terminal>,
    /// What the test program guarantees.
    pub guarantee: Guarantee,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// All that this process may use.
    pub total: u64,
    /// What can be had without swapping.
    pub available: u64,
}

/// What the current directory is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Course {
    /// In a course with these parts.
    Parts(Vec<String>),
    /// In a course that has this wrong, or where cargo does not say what this is.
    Broken(String),
    /// In a workspace that is none.
    Other,
    /// In none.
    #[default]
    Nowhere,
}

/// A terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// How many characters fit into a line, if it says so.
    pub columns: Option<u16>,
    /// Whether colours are shown.
    pub colors: bool,
}

/// What the test program guarantees about its runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Guarantee {
    /// It is not built.
    #[default]
    NotBuilt,
    /// It was to be built, and that failed.
    NotBuildable,
    /// It is built, and does not say.
    Silent {
        /// It was built just now, so it is as new as the code.
        fresh: bool,
    },
    /// It says this.
    Known(GuaranteeLine),
}

impl Facts {
    /// Looks at this machine. With `build` the test program is built, so that it can say what it guarantees.
    pub fn gather(build: bool) -> Facts {
        let here = Workspace::here();
        let root = here.as_ref().ok().map(|workspace| workspace.root.as_path());
        let tool = |variable: &str, name: &str| {
            version(std::env::var_os(variable).as_deref().unwrap_or_else(|| name.as_ref()))
        };
        let directory = here.as_ref().ok().and_then(program::target_directory);
        let disk = directory.clone().and_then(|directory| {
            // It may not be there yet: then it is made on the disk of what is.
            let there = directory.ancestors().find(|folder| folder.is_dir())?;
            let free = fs4::available_space(there).ok()?;
            Some((directory, free))
        });
        let terminal = std::io::stdout().is_terminal().then(|| Terminal {
            columns: console::Term::stdout().size_checked().map(|(_, columns)| columns),
            colors: anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        });
        Facts {
            rustc: tool("RUSTC", "rustc"),
            cargo: tool("CARGO", "cargo"),
            needed: root.and_then(needed),
            cores: std::thread::available_parallelism().ok().map(usize::from),
            memory: memory(),
            disk,
            settings: flags::settings(root.unwrap_or_else(|| Path::new(".")), |name| {
                std::env::var(name).ok()
            }),
            git: version("git".as_ref()),
            course: course(&here),
            terminal,
            guarantee: match (&here, &directory) {
                (Ok(here), Some(directory)) => guarantee(here, directory, build),
                _ => Guarantee::NotBuilt,
            },
        }
    }
}

/// The first line of what a program says about its version.
fn version(program: &std::ffi::OsStr) -> Option<String> {
    let output =
        Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn needed(root: &Path) -> Option<String> {
    let manifest: DocumentMut = std::fs::read_to_string(root.join("Cargo.toml")).ok()?.parse().ok()?;
    let package = manifest.get("workspace")?.get("package")?;
    package.get("rust-version").and_then(Item::as_str).map(str::to_owned)
}

fn course(here: &Result<Workspace, Stop>) -> Course {
    let root = match here {
        Ok(workspace) => &workspace.root,
        // The command could not be carried out as given: there is no workspace.
        Err(stop) if stop.code == 2 => return Course::Nowhere,
        Err(stop) => return Course::Broken(stop.sentence.clone()),
    };
    if !root.join(student_files::PATH).is_file() {
        return Course::Other;
    }
    match StudentFiles::load(root) {
        Ok(list) => Course::Parts(list.parts.into_iter().map(|part| part.lab).collect()),
        Err(why) => Course::Broken(why),
    }
}

/// In a container, no more than it may use.
#[cfg(not(windows))]
fn memory() -> Option<Memory> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    let total = system.total_memory().min(limit);
    (total > 0).then(|| Memory { total, available: system.available_memory().min(total) })
}

/// The crate that would know takes longer to build there than all else that this command needs.
#[cfg(windows)]
fn memory() -> Option<Memory> {
    None
}

fn guarantee(workspace: &Workspace, target: &Path, build: bool) -> Guarantee {
    let binaries = if build { workspace.build().ok() } else { Some(program::built(workspace, target)) };
    let Some(binaries) = binaries else { return Guarantee::NotBuildable };
    if binaries.is_empty() {
        return Guarantee::NotBuilt;
    }
    // All of them stand on the same simulation: the first that says something speaks for it.
    let said = binaries.iter().find_map(program::guarantee);
    said.map_or(Guarantee::Silent { fresh: build }, Guarantee::Known)
}
