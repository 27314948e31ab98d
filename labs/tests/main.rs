//! The command line and its parts, tested from outside.
