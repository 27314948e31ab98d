//! `cargo labs starter`: this workspace with stubs in place of the solution.
//!
//! Invariants: what is no region is copied byte for byte, except the manifest (which drops what is not
//! copied), the README, and two lines in each file with stubs that keep the compiler quiet about them. The
//! instructor's side, the documents that speak of it, and the expected outputs of golden tests never leave.

mod manifest;
mod sources;

use crate::cli::StarterArguments;
use crate::cut::{self, Region};
use crate::stop::Stop;
use crate::student_files::{self, Part, StudentFiles};
use crate::targets::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{ExitCode, Stdio};

/// Files by their path from the workspace's root, with `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What only instructors have.
const INSTRUCTORS: [&str; 3] = ["grading/", ".ci/", ".github/"];
/// They speak of what students lack: the gate, the proofs, the solution.
const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// What stands above the stubs of a file.
const QUIET: &str = "\
// Stubs use little of what is there. Delete these two lines once the last of them is written.
#![allow(dead_code, unused_imports, unused_mut, unused_variables)]
";

/// Runs the command.
pub fn main(arguments: &StarterArguments) -> Result<ExitCode, Stop> {
    let out = &arguments.out;
    empty(out)?;
    let workspace = original()?;
    let files = generate(&workspace.root, arguments.solved.as_deref()).map_err(Stop::usage)?;
    write(&files, out).map_err(Stop::failed)?;
    // The lock file still lists what only the instructor's side needs; cargo tidies it by itself, offline. If it
    // cannot, the first build will.
    let here = Workspace { root: out.clone(), target_directory: None };
    let mut tidy = here.cargo();
    tidy.args(["metadata", "--offline", "--format-version", "1"]).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = tidy.status();
    println!("The starter is in {}: {} files. Its README.md says how to begin.", out.display(), files.len());
    Ok(ExitCode::SUCCESS)
}

/// The workspace around the current directory, if it is one that starters are made of.
pub fn original() -> Result<Workspace, Stop> {
    let workspace = Workspace::here()?;
    if !workspace.root.join(INSTRUCTORS[0]).is_dir() {
        return Err(Stop::usage(
            "this tree is a starter already: stubs are cut from the course's own tree, which has a grading directory",
        ));
    }
    Ok(workspace)
}

/// Refuses a directory that holds anything.
fn empty(directory: &Path) -> Result<(), Stop> {
    let entries = std::fs::read_dir(directory).map(|mut entries| entries.next().is_some());
    let sentence = match entries {
        Ok(false) => return Ok(()),
        Ok(true) => "is not empty, and nothing in it is overwritten".to_owned(),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(why) => format!("cannot be used: {why}"),
    };
    Err(Stop::usage(format!("{} {sentence}; name an empty or a new directory", directory.display())))
}

/// The starter of the workspace at `root`. The regions of all parts up to `solved` keep their bodies: that
/// puts the solution back, part by part.
pub fn generate(root: &Path, solved: Option<&str>) -> Result<Files, String> {
    let list = StudentFiles::load(root)?;
    let solved = solved.map(|lab| list.position(lab)).transpose()?;
    let all = sources::read(root)?;
    let regions = regions(&all, &list).map_err(|wrong| wrong.join("\n       "))?;
    let mut files: Files = all.iter().filter(|(path, _)| goes_out(path)).map(clone).collect();
    let mut loud = BTreeSet::new();
    for (path, regions) in &regions {
        let Some(text) = files.get(path).and_then(|bytes| std::str::from_utf8(bytes).ok()) else { continue };
        // Regions of parts that the list does not know were refused above.
        let open = |region: &&Region| {
            list.position(&region.lab).is_ok_and(|part| solved.is_none_or(|last| part > last))
        };
        let open: Vec<&Region> = regions.iter().filter(open).collect();
        if open.is_empty() {
            continue;
        }
        let text = cut::cut(text, open);
        files.insert(path.clone(), text.into_bytes());
        loud.insert(path.clone());
        loud.extend(crate_root(path).filter(|path| files.contains_key(path)));
    }
    for path in loud {
        if let Some(text) = files.get_mut(&path) {
            *text = quiet(&String::from_utf8_lossy(text)).into_bytes();
        }
    }
    manifest::trim(&mut files, &all)?;
    let owned: Vec<String> = list.parts.iter().map(owned).collect();
    let readme = include_str!("README.md").replace("@FILES@", &owned.join("\n"));
    files.insert("README.md".to_owned(), readme.into_bytes());
    Ok(files)
}

/// A part's files as a line of the README: a student must not begin with the last part's.
fn owned(part: &Part) -> String {
    let files: Vec<String> = part.files.iter().map(|file| format!("`{file}`")).collect();
    let number = part.lab.strip_prefix("lab").unwrap_or(&part.lab).to_uppercase();
    format!("- Lab {number}: {}", files.join(", "))
}

fn clone((path, bytes): (&String, &Vec<u8>)) -> (String, Vec<u8>) {
    (path.clone(), bytes.clone())
}

/// Whether students get this file.
fn goes_out(path: &str) -> bool {
    let instructors = INSTRUCTORS.iter().any(|directory| path.starts_with(directory));
    let expected = path.contains("/tests/") && path.ends_with(".golden");
    !instructors && !DOCUMENTS.contains(&path) && !expected
}

/// Everything that is wrong with the markers of the workspace at `root`, one sentence each.
pub fn wrong_markers(root: &Path) -> Result<Vec<String>, String> {
    let (all, list) = (sources::read(root)?, StudentFiles::load(root)?);
    Ok(regions(&all, &list).err().unwrap_or_default())
}

/// The regions of every file that has some; or everything that is wrong with markers and list.
fn regions(all: &Files, list: &StudentFiles) -> Result<BTreeMap<String, Vec<Region>>, Vec<String>> {
    let (mut found, mut wrong) = (BTreeMap::new(), Vec::new());
    for (path, bytes) in all.iter().filter(|(path, _)| path.ends_with(".rs")) {
        match cut::regions(&String::from_utf8_lossy(bytes)) {
            Ok(regions) if regions.is_empty() => {}
            Ok(regions) => {
                for Region { lab, line, .. } in regions.iter().filter(|region| !list.owns(&region.lab, path))
                {
                    let list = student_files::PATH;
                    wrong.push(format!(
                        "{path}:{line}: a region of {lab} stands here, but {list} does not list this file for {lab}: \
                         list it, or move the function"
                    ));
                }
                found.insert(path.clone(), regions);
            }
            Err(error) => wrong.push(format!("{path}:{}: {}", error.line, error.sentence)),
        }
    }
    for part in &list.parts {
        for file in &part.files {
            let list = student_files::PATH;
            let has =
                found.get(file).is_some_and(|regions| regions.iter().any(|region| region.lab == part.lab));
            if !all.contains_key(file) {
                wrong.push(format!("{list}: {file} is listed for {}, but there is no such file", part.lab));
            } else if !has && !wrong.iter().any(|sentence| sentence.starts_with(&format!("{file}:"))) {
                wrong.push(format!(
                    "{file}: it is listed for {} in {list}, but has no region of {}",
                    part.lab, part.lab
                ));
            }
        }
    }
    if wrong.is_empty() { Ok(found) } else { Err(wrong) }
}

/// The root of the crate that the file belongs to: what only stubs would use may stand anywhere in it.
fn crate_root(path: &str) -> Option<String> {
    let (package, _) = path.split_once("/src/")?;
    Some(format!("{package}/src/lib.rs"))
}

/// The file with its compiler warnings about stubs switched off, below its own documentation.
fn quiet(text: &str) -> String {
    let documentation: usize =
        text.split_inclusive('\n').take_while(|line| line.starts_with("//!")).map(str::len).sum();
    let (head, rest) = text.split_at(documentation);
    // The lines share the blank line that follows the documentation: whoever deletes them is left with one, as
    // rustfmt wants it, and none where nothing stands above them.
    let after = if head.is_empty() || rest.starts_with('\n') { "" } else { "\n" };
    format!("{head}{QUIET}{after}{rest}")
}

/// Every file of the workspace at `root`: what git would commit or, outside of a checkout, all but the build's
/// output.
pub fn sources(root: &Path) -> Result<Files, String> {
    sources::read(root)
}

/// Makes `directory` hold exactly these files, its build output aside. What is there already with the same bytes
/// is left alone, so that nothing of it is built again.
pub fn mirror(files: &Files, directory: &Path) -> Result<(), String> {
    remove_others(directory, directory, files)
        .map_err(|why| format!("{} cannot be tidied: {why}. Delete it and try again", directory.display()))?;
    write(files, directory)
}

/// Deletes what an earlier mirror left and these files lack.
fn remove_others(root: &Path, directory: &Path, files: &Files) -> std::io::Result<()> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let relative: Vec<_> =
            path.strip_prefix(root).unwrap_or(&path).iter().map(|part| part.to_string_lossy()).collect();
        if path.is_dir() {
            remove_others(root, &path, files)?;
        } else if !files.contains_key(&relative.join("/")) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Writes the files below `directory`. A file that is already there with the same bytes is left alone.
pub fn write(files: &Files, directory: &Path) -> Result<(), String> {
    for (path, bytes) in files {
        let target = directory.join(path);
        if std::fs::read(&target).is_ok_and(|there| there == *bytes) {
            continue;
        }
        let parent = target.parent().unwrap_or(directory);
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(&target, bytes));
        written.map_err(|why| format!("{} cannot be written: {why}", target.display()))?;
    }
    Ok(())
}
