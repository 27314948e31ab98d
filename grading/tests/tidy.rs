//! The tidy test: what the project promises of its own sources, and no compiler checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of more lines is several topics.
const LONGEST_FILE: usize = 450;
/// More lines of code than that beside `unsafe` nobody checks by reading.
const LONGEST_UNSAFE: usize = 300;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("grading stands in the workspace").to_owned()
}

/// Every file of the project, with its path from the root: what git would commit, or, outside a checkout,
/// everything but build output.
fn files() -> Vec<(String, PathBuf)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output();
    let mut names: Vec<String> = match listed {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
        }
        _ => walk(&root(), &root()),
    };
    names.sort();
    let files = names.into_iter().map(|name| (name.clone(), root().join(name)));
    let files: Vec<_> = files.filter(|(_, path)| path.is_file()).collect();
    assert!(files.len() > 50, "the tidy test found almost no files to look at");
    files
}

fn walk(folder: &Path, root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("the workspace can be read").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with(".git") {
                names.extend(walk(&path, root));
            }
        } else if let Ok(name) = path.strip_prefix(root) {
            names.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    names
}

fn texts(suffix: &str) -> Vec<(String, String)> {
    let wanted = files().into_iter().filter(|(name, _)| name.ends_with(suffix));
    wanted.map(|(name, path)| (name, fs::read_to_string(path).expect("sources are UTF-8"))).collect()
}

/// Fails with all complaints at once.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_source_file_says_what_it_is_and_is_one_topic() {
    let mut complaints = Vec::new();
    for (name, text) in texts(".rs") {
        if !text.trim_start().starts_with("//!") {
            complaints.push(format!("{name} does not begin with a //! line that says what it is"));
        }
        if text.lines().count() > LONGEST_FILE {
            complaints.push(format!("{name} has more than {LONGEST_FILE} lines"));
        }
    }
    none(complaints);
}

#[test]
fn nothing_is_left_half_done_or_names_a_machine() {
    // Put together here, so that this file does not accuse itself.
    let banned = [
        ["todo", "!("],
        ["unimplemented", "!("],
        ["dbg", "!("],
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/wo", "rk/"],
    ];
    let mut complaints = Vec::new();
    for (name, path) in files() {
        let Ok(text) = fs::read_to_string(path) else { continue };
        for (number, line) in text.lines().enumerate() {
            for word in banned.map(|parts| parts.concat()) {
                if line.contains(&word) {
                    complaints.push(format!("{name}:{}: `{word}`", number + 1));
                }
            }
        }
    }
    none(complaints);
}

#[test]
fn the_core_is_pure_and_simulated_code_iterates_in_order() {
    let mut complaints = Vec::new();
    let mut ban = |name: &str, text: &str, words: &[&str]| {
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            for word in words.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("{name}:{}: `{word}` has no place here", number + 1));
            }
        }
    };
    let sources = texts(".rs");
    assert!(sources.iter().any(|(name, _)| name == "raft/src/core/election.rs"));
    for (name, text) in &sources {
        if name.starts_with("raft/src/core/") {
            ban(
                name,
                text,
                &["tokio", "std::fs", "std::time", "rand::", "async ", "tracing", "std::net", "thread"],
            );
        }
        if name.starts_with("raft/src/") || name.starts_with("labrpc/sim/src/") {
            ban(name, text, &["HashMap", "HashSet", "Instant::now", "SystemTime"]);
        }
    }
    none(complaints);
}

/// Who may build on whom, apart from tests: ARCHITECTURE.md, "Invariants".
#[test]
fn crates_depend_downwards_only() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("cargo tells in JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let members: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let allowed = BTreeMap::from([
        ("tracecheck-schema", vec![]),
        ("tracecheck", vec!["tracecheck-schema"]),
        ("labrpc", vec!["tracecheck-schema"]),
        ("labrpc-sim", vec!["labrpc", "labrpc-interpose", "raftlab-tokio"]),
        ("labrpc-interpose", vec![]),
        ("raftlab-tokio", vec![]),
        ("raft", vec!["labrpc"]),
        ("kvclient", vec!["labrpc", "raftlab-tokio"]),
        ("kvserver", vec!["labrpc", "raft", "raftlab-tokio", "kvclient"]),
        ("scenario", vec!["tracecheck", "tracecheck-schema", "labrpc", "labrpc-interpose", "labrpc-sim"]),
        ("labs", vec!["scenario", "tracecheck"]),
        ("grading", vec!["labs", "scenario", "tracecheck"]),
    ]);
    assert_eq!(members, allowed.keys().copied().collect::<BTreeSet<_>>(), "a crate came or went");
    let mut complaints = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let (on, kind) = (dependency["name"].as_str().unwrap_or_default(), dependency["kind"].as_str());
            if kind != Some("dev") && members.contains(on) && !allowed[name].contains(&on) {
                complaints.push(format!("{name} must not depend on {on}"));
            }
        }
    }
    none(complaints);
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_one_alone_has_unsafe_code() {
    let mut complaints = Vec::new();
    for (name, text) in texts("Cargo.toml") {
        let own = name == "labrpc/interpose/Cargo.toml" && text.contains("unsafe_code = \"deny\"");
        if text.contains("[package]") && !text.contains("[lints]\nworkspace = true") && !own {
            complaints.push(format!("{name} does not take the workspace's lints"));
        }
    }
    let mut lines = 0;
    for (name, text) in texts(".rs").into_iter().filter(|(name, _)| name.starts_with("labrpc/interpose/src/"))
    {
        let code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let allowed = ["linux.rs", "allocator.rs"].iter().any(|file| name.ends_with(file));
        if allowed {
            lines += text.lines().filter(code).count();
        }
        let has = text.lines().filter(code).any(|line| line.contains("unsafe ") || line.contains("unsafe("));
        if has && !allowed {
            complaints.push(format!("{name} has unsafe code: linux.rs and allocator.rs alone may"));
        }
    }
    if !(1..=LONGEST_UNSAFE).contains(&lines) {
        complaints
            .push(format!("the files with unsafe code have {lines} lines, and may have {LONGEST_UNSAFE}"));
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace has a manifest");
    assert!(workspace.contains("unsafe_code = \"forbid\""));
    none(complaints);
}

#[test]
fn every_rule_of_the_judge_is_in_the_readers_table() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is an ARCHITECTURE.md");
    let line = text.lines().find(|line| line.starts_with("Rules today:")).expect("it lists the rules");
    let listed: Vec<&str> =
        line.trim_start_matches("Rules today:").trim_end_matches('.').split_whitespace().collect();
    let known: Vec<&str> = tracecheck::rules().iter().map(|rule| rule.id).collect();
    assert_eq!(listed, known);
}

#[test]
fn documents_name_only_files_and_aliases_that_exist() {
    let config = fs::read_to_string(root().join(".cargo/config.toml")).expect("there are aliases");
    let mut complaints = Vec::new();
    for (name, text) in texts(".md") {
        for (number, line) in text.lines().enumerate() {
            for alias in ["labs", "tracecheck", "grade"] {
                if line.contains(&format!("cargo {alias}")) && !config.contains(&format!("{alias} = ")) {
                    complaints.push(format!("{name}:{}: there is no alias {alias}", number + 1));
                }
            }
            for word in line.split('`').skip(1).step_by(2) {
                let is_path = word.contains('/') && !word.contains([' ', '<', '*', '…', ':', '$']);
                if is_path && !word.starts_with("target/") && !root().join(word).exists() {
                    complaints.push(format!("{name}:{}: there is no {word}", number + 1));
                }
            }
        }
    }
    none(complaints);
}

#[test]
fn every_script_has_a_golden_transcript_and_no_transcript_is_left_over() {
    let folder = root().join("raft/tests/labs/scripts");
    let count = |folder: &Path, ending: &str| {
        let entries = fs::read_dir(folder).expect("the folder of scripts can be read").flatten();
        entries.filter(|entry| entry.path().extension().is_some_and(|it| it == ending)).count()
    };
    let scripts = count(&folder, "script");
    assert!(scripts > 0);
    assert_eq!(scripts, count(&folder.join("golden"), "golden"));
}
