//! Why a task gave no result.

use std::any::Any;
use std::fmt;
use std::io;

/// A task was aborted or dropped, or (in the real world alone) panicked.
pub struct JoinError(Cause);

enum Cause {
    Real(real::task::JoinError),
    Cancelled,
}

impl JoinError {
    pub(super) const CANCELLED: JoinError = JoinError(Cause::Cancelled);

    pub(super) fn real(error: real::task::JoinError) -> JoinError {
        JoinError(Cause::Real(error))
    }

    /// Whether the task was aborted, or dropped with its node.
    pub fn is_cancelled(&self) -> bool {
        match &self.0 {
            Cause::Real(error) => error.is_cancelled(),
            Cause::Cancelled => true,
        }
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        !self.is_cancelled()
    }

    /// What the task panicked with.
    ///
    /// # Panics
    /// The task did not panic.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        self.try_into_panic().expect("`JoinError` reason is not a panic.")
    }

    /// What the task panicked with.
    ///
    /// # Errors
    /// The task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.0 {
            Cause::Real(error) => error.try_into_panic().map_err(JoinError::real),
            Cause::Cancelled => Err(self),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Real(error) => error.fmt(f),
            Cause::Cancelled => f.write_str("task was cancelled"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Real(error) => error.fmt(f),
            Cause::Cancelled => f.write_str("JoinError::Cancelled"),
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    fn from(error: JoinError) -> io::Error {
        io::Error::other(error.to_string())
    }
}
