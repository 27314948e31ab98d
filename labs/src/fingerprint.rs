//! Fingerprints: of everything that decides a run (the code under test, the scenarios, the judge and the simulation), and
//! of its subjects alone (the code under test and the scenarios).
//!
//! Invariants: what no compiler reads leaves it as it is: comments, documentation, layout; in scripts and lists,
//! lines that begin with `#`. Anything else changes it. Cargo.lock is left out, because most of it is no part of a
//! run.

use crate::starter::Files;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use xxhash_rust::xxh3::Xxh3;

/// Where the code stands that decides what a run does and what is said of it.
const CODE: [&str; 11] = [
    "kvclient/src/",
    "kvserver/src/",
    "kvserver/tests/labs/",
    "labrpc/src/",
    "labrpc/sim/src/",
    "labrpc/tokio/src/",
    "labs/scenario/src/",
    "raft/src/",
    "raft/tests/labs/",
    "tracecheck/src/",
    "tracecheck/schema/src/",
];
/// What stands there and takes no part in a simulated run.
const OTHERS: [&str; 3] = ["labrpc/src/real", "labrpc/src/tcp", "tracecheck/src/bin/"];

/// The fingerprint of the code among these files, in hexadecimal.
///
/// # Errors
/// A source file that is no Rust, as a sentence.
pub fn code(files: &Files) -> Result<String, String> {
    of(files, |path| {
        CODE.iter().any(|folder| path.starts_with(folder))
            && !OTHERS.iter().any(|other| path.starts_with(other))
    })
}

/// Where what a schedule speaks of stands: the scenarios, their harness and the simulation.
const KIT: [&str; 5] =
    ["kvserver/tests/labs/", "labrpc/src/", "labrpc/sim/src/", "labs/scenario/src/", "raft/tests/labs/"];

/// The fingerprint of the kit among these files: what students do not write, and what gives a schedule its meaning.
///
/// # Errors
/// A source file that is no Rust, as a sentence.
pub fn kit(files: &Files) -> Result<String, String> {
    of(files, |path| {
        KIT.iter().any(|folder| path.starts_with(folder))
            && !OTHERS.iter().any(|other| path.starts_with(other))
    })
}

/// What a package's scenarios test besides the package itself.
const BENEATH: [(&str, &[&str]); 1] = [("kvserver", &["kvclient/src/", "raft/src/"])];

/// The packages among these files that have scenarios, in order.
pub fn packages(files: &Files) -> Vec<String> {
    let package = |path: &String| path.strip_suffix("/tests/labs/main.rs").map(str::to_owned);
    files.keys().filter_map(package).collect()
}

/// The fingerprint of what these packages' scenarios test, and of the scenarios: all that a result about them must
/// agree with. The judge, the simulation and the harness are left out: they may improve without making a result old.
///
/// # Errors
/// A source file that is no Rust, as a sentence.
pub fn subjects(files: &Files, packages: &[&str]) -> Result<String, String> {
    let own = |path: &str| {
        let inside = |package: &&str| path.strip_prefix(*package)?.strip_prefix('/');
        let mut inside = packages.iter().filter_map(inside);
        inside.any(|rest| rest.starts_with("src/") || rest.starts_with("tests/labs/"))
    };
    let beneath = |path: &str| {
        let tested = BENEATH.iter().filter(|(package, _)| packages.contains(package));
        tested.flat_map(|(_, folders)| *folders).any(|folder| path.starts_with(folder))
    };
    of(files, |path| own(path) || beneath(path))
}

/// The fingerprint of those files that are wanted. Only Rust, scripts and lists (`.rs`, `.script`, `.toml`) count.
pub fn of(files: &Files, wanted: impl Fn(&str) -> bool) -> Result<String, String> {
    let mut hash = Xxh3::new();
    for (path, bytes) in files.iter().filter(|(path, _)| wanted(path)) {
        let text = String::from_utf8_lossy(bytes);
        let normal = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("rs") => tokens(&text).map_err(|why| format!("{path} is no Rust: {why}"))?,
            Some("script" | "toml") => lines(&text),
            _ => continue,
        };
        for part in [path.as_bytes(), normal.as_bytes()] {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    Ok(format!("{:032x}", hash.digest128()))
}

/// The source as its tokens, without documentation.
pub fn tokens(source: &str) -> Result<String, String> {
    let stream: TokenStream = source.parse().map_err(|why: proc_macro2::LexError| why.to_string())?;
    let mut out = String::new();
    write(stream, &mut out);
    Ok(out)
}

fn write(stream: TokenStream, out: &mut String) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut rest = &trees[..];
    while let Some((tree, after)) = rest.split_first() {
        rest = after;
        if let Some(after) = documentation(tree, after) {
            rest = after;
            continue;
        }
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                out.push_str(open);
                write(group.stream(), out);
                out.push_str(close);
            }
            other => out.push_str(&other.to_string()),
        }
        out.push('\n');
    }
}

/// What follows, if a doc comment begins here. To the compiler one is `#[doc = "…"]` or `#![doc = "…"]`.
fn documentation<'a>(tree: &TokenTree, after: &'a [TokenTree]) -> Option<&'a [TokenTree]> {
    let sign =
        |tree: &TokenTree, sign: char| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign);
    if !sign(tree, '#') {
        return None;
    }
    let after = match after.split_first() {
        Some((inner, after)) if sign(inner, '!') => after,
        _ => after,
    };
    let (TokenTree::Group(group), after) = after.split_first()? else { return None };
    let mut inside = group.stream().into_iter();
    let doc = matches!(inside.next(), Some(TokenTree::Ident(name)) if name == "doc");
    let text = inside.next().is_some_and(|tree| sign(&tree, '='));
    (doc && text && group.delimiter() == Delimiter::Bracket).then_some(after)
}

/// The text without lines that only comment, and without blank ones.
pub fn lines(text: &str) -> String {
    let counts = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    text.lines().filter(counts).map(|line| format!("{}\n", line.trim_end())).collect()
}
