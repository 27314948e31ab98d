//! A copy of the workspace in which mutants are built, one after the other.
//!
//! Owns `target/mutants/job-N`: the copy and its build output. Both stay, so that the next command builds only
//! what changed. The workspace itself is only read.
//!
//! Invariants: between two edits the copy is the workspace; what is run was built from what was edited.

use crate::edit::{self, Edit};
use labs::run::{self, Suite};
use labs::starter::{self, Files};
use labs::stop::Stop;
use labs::targets::{self, Workspace};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Where the trees stand, from the workspace's root.
pub const TREES: &str = "target/mutants";

/// One copy.
#[derive(Debug)]
pub struct Tree<'a> {
    workspace: Workspace,
    files: &'a Files,
    edited: Vec<String>,
}

/// What came of a build.
#[derive(Debug)]
pub enum Built {
    /// What can be run.
    Suites(Vec<Suite>),
    /// The compiler's words, if it does not compile.
    Refused(String),
}

/// Keeps every other command out of the trees for as long as it lives.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "an open file keeps its lock")] File);

/// Takes the trees of the workspace at `root` for this command.
pub fn lock(root: &Path) -> Result<Lock, Stop> {
    let place = root.join(TREES);
    let opened = std::fs::create_dir_all(&place).and_then(|()| File::create(place.join("lock")));
    let file = opened.map_err(|why| {
        Stop::failed(format!(
            "{} cannot be written: {why}; make room for it, or make it writable",
            place.display()
        ))
    })?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(Lock(file)),
        Err(fs4::TryLockError::WouldBlock) => {
            Err(Stop::usage(format!("another `cargo grade` works in {TREES}: wait until it is done")))
        }
        Err(fs4::TryLockError::Error(why)) => {
            Err(Stop::failed(format!("{} cannot be locked: {why}", place.display())))
        }
    }
}

impl<'a> Tree<'a> {
    /// The tree of that job, made what `files` say.
    pub fn open(root: &Path, job: usize, files: &'a Files) -> Result<Tree<'a>, Stop> {
        let base = root.join(TREES).join(format!("job-{job}"));
        // A target directory for each tree: cargo names what it builds by the path from the workspace's root, so that
        // two trees in one directory would overwrite each other's programs.
        let workspace = Workspace { root: base.join("tree"), target_directory: Some(base.join("target")) };
        starter::mirror(files, &workspace.root).map_err(Stop::failed)?;
        Ok(Tree { workspace, files, edited: Vec::new() })
    }

    /// Makes the tree the workspace with these edits, whatever it was before.
    pub fn edit(&mut self, edits: &[Edit]) -> Result<(), Stop> {
        self.restore()?;
        for (path, text) in edit::apply(edits, self.files).map_err(Stop::usage)? {
            self.edited.push(path.clone());
            self.write(&path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Makes the tree the workspace again.
    pub fn restore(&mut self) -> Result<(), Stop> {
        for path in std::mem::take(&mut self.edited) {
            if let Some(bytes) = self.files.get(&path) {
                self.write(&path, bytes)?;
            }
        }
        Ok(())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Stop> {
        let path: PathBuf = self.workspace.root.join(path);
        std::fs::write(&path, bytes)
            .map_err(|why| Stop::failed(format!("{} cannot be written: {why}", path.display())))
    }

    /// Builds the scenarios of that package as the tree is now.
    pub fn build(&self, package: &str) -> Result<Built, Stop> {
        let mut command = self.workspace.building_of([package]);
        // Nobody debugs a mutant, and its debug information would take a third of the build.
        command.env("CARGO_PROFILE_DEV_DEBUG", "false").stderr(Stdio::piped());
        let output = command.output().map_err(targets::no_cargo)?;
        if !output.status.success() {
            return Ok(Built::Refused(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
        }
        let suites = run::listed(targets::binaries(&String::from_utf8_lossy(&output.stdout)))?;
        Ok(Built::Suites(suites))
    }
}
