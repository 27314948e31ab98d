//! Settings outside of the workspace's manifest that change how it is built.
//!
//! Invariants: cargo's order holds: of the flags, `CARGO_ENCODED_RUSTFLAGS` hides `RUSTFLAGS`, and both hide the files.

use std::path::{Path, PathBuf};
use toml_edit::{DocumentMut, Item};

/// A setting that cargo takes from outside of the workspace's manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its name, such as `RUSTFLAGS` or `build.rustflags`.
    pub name: String,
    /// Its value, words apart by spaces.
    pub value: String,
    /// The file that it stands in; none for the environment.
    pub file: Option<PathBuf>,
}

/// What is set for builds in `root`, by the environment and by cargo's files.
pub(super) fn settings(root: &Path, environment: impl Fn(&str) -> Option<String>) -> Vec<Setting> {
    let variable = |name: &str| {
        let value = environment(name)?.replace('\u{1f}', " ");
        let value = value.trim().to_owned();
        (!value.is_empty()).then(|| Setting { name: name.to_owned(), value, file: None })
    };
    let mut found: Vec<Setting> =
        ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS"].into_iter().filter_map(variable).take(1).collect();
    let flags_are_set = !found.is_empty();
    found.extend(["CARGO_BUILD_TARGET", "CARGO_PROFILE_DEV_OPT_LEVEL"].into_iter().filter_map(variable));
    let home = environment("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let folders = root.ancestors().map(|folder| folder.join(".cargo")).chain(home);
    let mut seen = std::collections::BTreeSet::new();
    for folder in folders.filter(|folder| seen.insert(folder.clone())) {
        // Cargo reads the one without an ending first, where both are there.
        let files = ["config", "config.toml"].map(|name| folder.join(name));
        let Some(file) = files.into_iter().find(|file| file.is_file()) else { continue };
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let in_file = written(&text).into_iter();
        let counts = |(name, _): &(String, String)| !(flags_are_set && name.ends_with("rustflags"));
        found.extend(in_file.filter(counts).map(|(name, value)| Setting {
            name,
            value,
            file: Some(file.clone()),
        }));
    }
    found
}

/// The settings that a configuration file of cargo's has and that change a build; none of what cannot be read, for
/// cargo itself says that.
fn written(text: &str) -> Vec<(String, String)> {
    let Ok(file) = text.parse::<DocumentMut>() else { return Vec::new() };
    let mut found = Vec::new();
    let mut take = |name: String, item: Option<&Item>| {
        found.extend(item.and_then(words).filter(|value| !value.is_empty()).map(|value| (name, value)));
    };
    let build = file.get("build");
    for key in ["rustflags", "target"] {
        take(format!("build.{key}"), build.and_then(|build| build.get(key)));
    }
    let targets = file.get("target").and_then(Item::as_table_like);
    for (name, target) in targets.into_iter().flat_map(|targets| targets.iter()) {
        take(format!("target.{name}.rustflags"), target.get("rustflags"));
    }
    let profile = file.get("profile").and_then(|profile| profile.get("dev"));
    take("profile.dev.opt-level".to_owned(), profile.and_then(|dev| dev.get("opt-level")));
    found
}

/// A value as words: a text, a number, or a list of texts.
fn words(item: &Item) -> Option<String> {
    if let Some(text) = item.as_str() {
        return Some(text.trim().to_owned());
    }
    if let Some(number) = item.as_integer() {
        return Some(number.to_string());
    }
    let list: Vec<&str> = item.as_array()?.iter().filter_map(|value| value.as_str()).collect();
    Some(list.join(" "))
}

/// What a setting does to the labs, and how bad that is; `None` if it does nothing to them.
pub(super) fn harm(setting: &Setting) -> Option<(bool, &'static str)> {
    let words: Vec<&str> = setting.value.split_whitespace().collect();
    // `-C panic=abort`, `-Cpanic=abort` and `--codegen panic=abort` are the same.
    let has = |wanted: &str| words.iter().any(|word| word.trim_start_matches("-C") == wanted);
    let begins = |wanted: &str| words.iter().any(|word| word.trim_start_matches("-C").starts_with(wanted));
    let off = |name: &str| ["off", "no", "n", "false"].iter().any(|no| has(&format!("{name}={no}")));
    if setting.name.ends_with("OPT_LEVEL") || setting.name.ends_with("opt-level") {
        return (setting.value == "0").then_some((false, "so simulations take about eight times as long"));
    }
    if setting.name.to_lowercase().ends_with("target") {
        return Some((false, "so everything is built for that system, whose programs may not run here"));
    }
    if has("panic=abort") {
        return Some((true, "so a panic in your code would end all runs at once, without a report"));
    }
    if off("debug-assertions") || off("overflow-checks") {
        return Some((false, "so overflows and broken assertions in your code go unnoticed"));
    }
    if begins("opt-level=0") {
        return Some((false, "so simulations take about eight times as long"));
    }
    let denies =
        words.windows(2).any(|pair| matches!(pair, ["-D" | "--deny" | "-F" | "--forbid", "warnings"]));
    if denies || words.iter().any(|word| ["-Dwarnings", "-Fwarnings", "--deny=warnings"].contains(word)) {
        return Some((false, "so any warning about your code keeps it from being built"));
    }
    None
}
