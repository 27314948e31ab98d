//! The command line: its commands, options and help.

use crate::corpus;
use clap::{Args, Parser, Subcommand};
use labs::cli::Format;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

/// The instructor's command line.
#[derive(Debug, Parser)]
#[command(
    name = "cargo grade",
    bin_name = "cargo grade",
    version,
    about = "The instructor's side: prove that the tests catch mistakes and accept what is correct."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build every mistake of grading/mutants, run all scenarios, and show which of them see it.
    #[command(
        after_help = "Examples:\n  cargo grade mutants\n  cargo grade mutants --only 15 --seeds 100\n\nExit code 0: \
                      every mutant was killed, and named as expected; 1: not so; 2: the command cannot be carried out."
    )]
    Mutants(MutantsArguments),
    /// Build every correct alternative of grading/variants, and show that no scenario fails one.
    #[command(
        after_help = "Example:\n  cargo grade variants --seeds 100\n\nExit code 0: every variant passed; 1: not so; \
                      2: the command cannot be carried out."
    )]
    Variants(VariantsArguments),
    /// Explore every mutant that names bounds: exploration alone must find it, or see nothing different in it.
    #[command(
        after_help = "Example:\n  cargo grade explore --only 15\n\nExit code 0: it found every mistake, and no \
                            difference in what is equivalent; 1: not so; 2: the command cannot be carried out."
    )]
    Explore(ExploreArguments),
    /// Shrink the first failure of every mutant, and see that the reference passes with what was left out.
    #[command(
        after_help = "Example:\n  cargo grade shrink --only 12\n\nExit code 0: the reference passes with every plan; 1: \
                            not so; 2: the command cannot be carried out."
    )]
    Shrink(ShrinkArguments),
    /// Record the demos anew, with their mutants and with the reference; or check that they are what is played.
    Demos(DemosArguments),
    /// Write the page that says what the tests catch, from what the other commands printed; or check it.
    #[command(
        after_help = "Example:\n  cargo grade mutants --format json > target/mutants.jsonl\n  cargo grade variants \
                      --format json > target/variants.jsonl\n  cargo grade page --matrix target/mutants.jsonl \
                      --variants target/variants.jsonl\n  cargo grade page --check"
    )]
    Page(PageArguments),
}

/// What `mutants` takes.
#[derive(Debug, Args)]
pub struct MutantsArguments {
    /// Only this one: its number or its whole name. May be given several times.
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
    /// Run seeds 0 to N−1 of each scenario, until one fails.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seeds, default_value = "10")]
    pub seeds: NonZeroU64,
    /// Build and run so many at the same time [default: one a processor].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `variants` takes.
#[derive(Debug, Args)]
pub struct VariantsArguments {
    /// Only this one, by its name. May be given several times.
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
    /// Run seeds 0 to N−1 of each scenario, until one fails.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seeds, default_value = "1000")]
    pub seeds: NonZeroU64,
    /// Build and run so many at the same time [default: one a processor].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `explore` takes.
#[derive(Debug, Args)]
pub struct ExploreArguments {
    /// Only this one: its number or its whole name. May be given several times.
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
}

/// What `shrink` takes.
#[derive(Debug, Args)]
pub struct ShrinkArguments {
    /// Only this one: its number or its whole name. May be given several times.
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
    /// Only those that this package's scenarios run.
    #[arg(long, value_name = "PACKAGE")]
    pub package: Option<String>,
    /// Of the failures that are expected shrink the one with most events, not the first: a student meets any of them.
    #[arg(long)]
    pub largest: bool,
    /// Look for a failure among seeds 0 to N−1 of each scenario.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = seeds, default_value = "10")]
    pub seeds: NonZeroU64,
    /// Build and run so many at the same time [default: one a processor].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What `demos` takes.
#[derive(Debug, Args)]
pub struct DemosArguments {
    /// Write nothing: fail, if a recording is not what is played today.
    #[arg(long)]
    pub check: bool,
}

/// What `page` takes.
#[derive(Debug, Args)]
pub struct PageArguments {
    /// What `cargo grade mutants --format json` printed.
    #[arg(long, value_name = "FILE")]
    pub matrix: Option<PathBuf>,
    /// What `cargo grade variants --format json` printed.
    #[arg(long, value_name = "FILE")]
    pub variants: Option<PathBuf>,
    /// The report of `cargo labs soak`.
    #[arg(long, value_name = "FILE")]
    pub soak: Option<PathBuf>,
    /// Of whose scenarios the page is to speak.
    #[arg(long, value_name = "PACKAGE", default_value = corpus::DEFAULT)]
    pub package: String,
    /// The page [default: grading/POWER.md; of kvserver: grading/POWER-KV.md].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write nothing: see that the page speaks of this code, and run five mutants again.
    #[arg(long, conflicts_with_all = ["matrix", "variants", "soak"])]
    pub check: bool,
    /// With --check: build and run so many at the same time, each in a tree that is built first [default: 1].
    #[arg(long, short, value_name = "J", allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: Option<NonZeroUsize>,
}

fn seeds(text: &str) -> Result<NonZeroU64, String> {
    text.parse()
        .map_err(|_| "how many seeds to run is a whole number, 1 or more, such as --seeds 10".to_owned())
}

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| {
        "how many run at the same time is a whole number, 1 or more, such as --jobs 2".to_owned()
    })
}
