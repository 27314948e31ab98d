//! The workspace's manifest and aliases without the crates that are not handed out.

use super::Files;
use std::collections::BTreeSet;
use toml_edit::{DocumentMut, Item, Value};

const MANIFEST: &str = "Cargo.toml";
const CONFIG: &str = ".cargo/config.toml";

/// Drops members, path dependencies and aliases whose crates are missing in `files`. `all` has them.
pub(super) fn trim(files: &mut Files, all: &Files) -> Result<(), String> {
    let mut manifest =
        document(files, MANIFEST)?.ok_or_else(|| format!("the workspace has no {MANIFEST}"))?;
    let there = |directory: &str| files.contains_key(&format!("{directory}/{MANIFEST}"));
    let mut gone = BTreeSet::new();
    for list in ["members", "default-members"] {
        let Some(members) = manifest["workspace"].get_mut(list).and_then(Item::as_array_mut) else {
            continue;
        };
        members.retain(|member| {
            let directory = member.as_str().unwrap_or_default();
            // A pattern such as `crates/*` names whatever is there.
            let stays = directory.contains('*') || there(directory);
            if !stays {
                gone.insert(directory.to_owned());
            }
            stays
        });
    }
    if let Some(dependencies) = manifest["workspace"].get_mut("dependencies").and_then(Item::as_table_mut) {
        dependencies.retain(|_, dependency| {
            let path = dependency.get("path").and_then(Item::as_str);
            path.is_none_or(there)
        });
    }
    let mut packages = BTreeSet::new();
    for directory in gone {
        let manifest = document(all, &format!("{directory}/{MANIFEST}"))?;
        packages.extend(
            manifest.and_then(|manifest| Some(manifest.get("package")?.get("name")?.as_str()?.to_owned())),
        );
    }
    let config = document(files, CONFIG)?.map(|mut config| {
        if let Some(aliases) = config.get_mut("alias").and_then(Item::as_table_mut) {
            aliases.retain(|_, alias| !words(alias).iter().any(|word| packages.contains(word)));
        }
        config
    });
    files.insert(MANIFEST.to_owned(), manifest.to_string().into_bytes());
    files.extend(config.map(|config| (CONFIG.to_owned(), config.to_string().into_bytes())));
    Ok(())
}

fn document(files: &Files, path: &str) -> Result<Option<DocumentMut>, String> {
    let Some(bytes) = files.get(path) else { return Ok(None) };
    let parsed = String::from_utf8_lossy(bytes).parse();
    parsed.map(Some).map_err(|why| format!("{path} cannot be read: {why}"))
}

/// The words of an alias, which is one text or a list.
fn words(alias: &Item) -> Vec<String> {
    let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match alias.as_value() {
        Some(Value::String(text)) => split(text.value()),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).flat_map(split).collect(),
        _ => Vec::new(),
    }
}
