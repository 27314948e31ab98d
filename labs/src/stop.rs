//! Why a command stops: a sentence for the user and the exit code.

use std::fmt;
use std::process::ExitCode;

/// The end of a command that could not do its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// 1: something failed. 2: the command was not usable as given.
    pub code: u8,
    /// What is wrong and what to do, without a prefix.
    pub sentence: String,
}

impl Stop {
    /// Something failed.
    pub fn failed(sentence: impl Into<String>) -> Stop {
        Stop { code: 1, sentence: sentence.into() }
    }

    /// The command cannot be carried out as it was given.
    pub fn usage(sentence: impl Into<String>) -> Stop {
        Stop { code: 2, sentence: sentence.into() }
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Stop {}
