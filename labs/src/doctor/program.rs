//! The test program that the last build left, and what it says about itself.
//!
//! Never: builds. What is there may be older than the code.

use crate::targets::{Binary, Workspace};
use scenario::line::{GuaranteeLine, Line};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

/// Where every test target with scenarios begins, in its package.
const MAIN: &str = "tests/labs/main.rs";

/// Where builds go.
pub(super) fn target_directory(workspace: &Workspace) -> Option<PathBuf> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).stderr(Stdio::null());
    let metadata: Value = serde_json::from_slice(&command.output().ok()?.stdout).ok()?;
    metadata["target_directory"].as_str().map(PathBuf::from)
}

/// The test programs that were built of this workspace, newest first.
pub(super) fn built(workspace: &Workspace, target: &Path) -> Vec<Binary> {
    let Ok(entries) = std::fs::read_dir(target.join("debug").join("deps")) else { return Vec::new() };
    let mut found: Vec<(SystemTime, PathBuf, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let listed = entry.path();
            let name = listed.file_name()?.to_str()?;
            if !name.starts_with("labs-") || listed.extension().is_none_or(|ending| ending != "d") {
                return None;
            }
            // Cargo's list of what a program was made of, next to the program.
            let package = package(&std::fs::read_to_string(&listed).ok()?)?;
            let program = listed.with_extension(std::env::consts::EXE_EXTENSION);
            let written = program.metadata().ok()?.modified().ok()?;
            Some((written, program, workspace.root.join(package)))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, program, package)| Binary::at(program, package)).collect()
}

/// The package whose scenarios a program has that was made of these sources, from the workspace's root.
pub(super) fn package(listed: &str) -> Option<String> {
    let slashes = listed.replace('\\', "/");
    let main = slashes.split_whitespace().find(|word| word.ends_with(MAIN) && !word.ends_with(':'))?;
    Some(main.strip_suffix(MAIN)?.trim_end_matches('/').to_owned())
}

/// What a test program says that it guarantees; `None` if it does not know the question.
pub(super) fn guarantee(binary: &Binary) -> Option<GuaranteeLine> {
    let output = binary.command("guarantee").stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().find_map(|line| match serde_json::from_str(line) {
        Ok(Line::Guarantee(line)) => Some(line),
        _ => None,
    })
}
