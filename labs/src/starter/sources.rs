//! The files of a workspace: what git would commit or, outside of a checkout, all but the build's output.

use super::Files;
use std::path::Path;
use std::process::Command;

/// Reads every file of the workspace at `root`, by its path from there.
pub(super) fn read(root: &Path) -> Result<Files, String> {
    let paths = match in_git(root) {
        Some(paths) => paths,
        None => {
            let mut paths = Vec::new();
            walk(root, "", &mut paths).map_err(|why| format!("{} cannot be read: {why}", root.display()))?;
            paths
        }
    };
    let mut files = Files::new();
    for path in paths {
        match std::fs::read(root.join(&path)) {
            Ok(bytes) => drop(files.insert(path, bytes)),
            // Git still lists what was deleted and not committed.
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {}
            Err(why) => return Err(format!("{path} cannot be read: {why}")),
        }
    }
    Ok(files)
}

/// Tracked files and new ones that are not ignored; `None` where git cannot say.
fn in_git(root: &Path) -> Option<Vec<String>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = git.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let paths: Vec<String> = text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect();
    // In a directory that another checkout ignores, git lists nothing: that says nothing about this workspace.
    paths.iter().any(|path| path == "Cargo.toml").then_some(paths)
}

fn walk(root: &Path, below: &str, paths: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && path != "target" && name != ".git" {
            walk(root, &path, paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}
