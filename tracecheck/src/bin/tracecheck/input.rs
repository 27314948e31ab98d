//! Opens what the command line names: a file, or `-` for standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};

/// What people call the input.
pub(crate) fn name(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

/// Opens the input, or says in one sentence why not.
pub(crate) fn open(path: &str) -> Result<Box<dyn BufRead>, String> {
    if path == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let is_directory = std::fs::metadata(path).is_ok_and(|found| found.is_dir());
    if is_directory {
        return Err(format!("{path}: this is a directory; name the traces in it, such as {path}/*.jsonl"));
    }
    match File::open(path) {
        Ok(file) => Ok(Box::new(BufReader::with_capacity(1 << 16, file))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("{path}: there is no such file; is the path right, and was the run recorded?"))
        }
        Err(error) => Err(format!("{path}: this file cannot be opened: {error}")),
    }
}
