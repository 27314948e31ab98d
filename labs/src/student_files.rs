//! `labs/student-files.toml`: which files students own, part by part.
//!
//! Invariants of a list that was read: parts are in the order of the course and named once; every path is
//! relative, inside the workspace, and written with `/`.

use serde::Deserialize;
use std::path::{Component, Path};

/// Where the list stands, from the workspace's root.
pub const PATH: &str = "labs/student-files.toml";

/// The list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentFiles {
    /// The parts, in the order in which students reach them.
    #[serde(rename = "part")]
    pub parts: Vec<Part>,
}

/// One part of the course.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name, such as `lab2a`.
    pub lab: String,
    /// Its files, from the workspace's root.
    pub files: Vec<String>,
}

impl StudentFiles {
    /// Reads the list of the workspace at `root`.
    pub fn load(root: &Path) -> Result<StudentFiles, String> {
        let path = root.join(PATH);
        let text = std::fs::read_to_string(&path).map_err(|why| format!("{PATH} cannot be read: {why}"))?;
        StudentFiles::parse(&text)
    }

    /// Reads the list from its text.
    pub fn parse(text: &str) -> Result<StudentFiles, String> {
        let list: StudentFiles =
            toml_edit::de::from_str(text).map_err(|why| format!("{PATH}: {}", why.to_string().trim_end()))?;
        for (number, part) in list.parts.iter().enumerate() {
            if list.parts[..number].iter().any(|earlier| earlier.lab == part.lab) {
                return Err(format!("{PATH}: {} stands there twice: give each part one table", part.lab));
            }
            for file in &part.files {
                let inside = Path::new(file).components().all(|one| matches!(one, Component::Normal(_)));
                if !inside || file.contains('\\') {
                    return Err(format!(
                        "{PATH}: `{file}` must be a path below the workspace's root, with `/`"
                    ));
                }
            }
        }
        Ok(list)
    }

    /// The place of that part in the course; the error lists the parts.
    pub fn position(&self, lab: &str) -> Result<usize, String> {
        self.parts.iter().position(|part| part.lab == lab).ok_or_else(|| {
            let known: Vec<&str> = self.parts.iter().map(|part| part.lab.as_str()).collect();
            format!("no part is called `{lab}`; there are {}", known.join(", "))
        })
    }

    /// Whether that file is listed for that part.
    pub fn owns(&self, lab: &str, file: &str) -> bool {
        self.parts.iter().any(|part| part.lab == lab && part.files.iter().any(|one| one == file))
    }

    /// Every listed file, once.
    pub fn files(&self) -> std::collections::BTreeSet<&str> {
        self.parts.iter().flat_map(|part| &part.files).map(String::as_str).collect()
    }
}
