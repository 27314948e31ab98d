//! Edits of source files: a text that stands in a file exactly once, and what stands there instead.
//!
//! Never: guesses. An edit that does not fit exactly is an error that names it.

use labs::starter::Files;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, from the workspace's root, with `/`.
    pub file: String,
    /// What stands there, exactly once.
    pub old: String,
    /// What stands there instead.
    pub new: String,
}

/// The edited files, whole, by their paths. Edits of one file apply one after the other.
///
/// # Errors
/// The first edit that does not apply, as a sentence that begins with its number.
pub fn apply(edits: &[Edit], files: &Files) -> Result<BTreeMap<String, String>, String> {
    let mut edited: BTreeMap<String, String> = BTreeMap::new();
    for (number, Edit { file, old, new }) in (1..).zip(edits) {
        let text = match edited.remove(file) {
            Some(text) => text,
            None => {
                let bytes = files.get(file).ok_or_else(|| {
                    format!("edit {number} is of {file}, and there is no such file: name another")
                })?;
                String::from_utf8(bytes.clone()).map_err(|_| format!("edit {number}: {file} is no text"))?
            }
        };
        let again = match text.matches(old.as_str()).count() {
            _ if old.is_empty() => {
                return Err(format!(
                    "edit {number} has an empty `old`: copy the text to replace from {file}"
                ));
            }
            _ if old == new => return Err(format!("edit {number} changes nothing: `new` is what `old` is")),
            1 => text.replacen(old.as_str(), new, 1),
            0 => {
                return Err(format!(
                    "edit {number} does not apply: its `old` stands nowhere in {file} any more; copy it anew from there"
                ));
            }
            times => {
                return Err(format!(
                    "edit {number} does not apply: its `old` stands {times} times in {file}; take more lines into it, \
                     so that it stands there once"
                ));
            }
        };
        edited.insert(file.clone(), again);
    }
    Ok(edited)
}
