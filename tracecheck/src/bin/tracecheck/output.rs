//! Where output goes: a closed pipe is no error, it only means that nobody reads on.

use crate::Color;
use anyhow::Context;
use std::io::{self, BufWriter, ErrorKind, Write};
use tracecheck::columns::wrap;

/// Standard output, with or without colours.
pub(crate) struct Output {
    inner: BufWriter<io::Stdout>,
    /// Whether the reader went away, as `head` does.
    closed: bool,
    pub(crate) color: bool,
    /// How wide lines may be.
    pub(crate) width: usize,
}

impl Output {
    pub(crate) fn new(color: Color) -> Output {
        let color = match color {
            Color::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        let width = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(80);
        Output { inner: BufWriter::new(io::stdout()), closed: false, color, width: width.clamp(40, 400) }
    }

    pub(crate) fn text(&mut self, text: &str) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        let written = self.inner.write_all(text.as_bytes());
        self.tolerate(written)
    }

    pub(crate) fn line(&mut self, text: &str) -> anyhow::Result<()> {
        self.text(text.trim_end_matches(' '))?;
        self.text("\n")
    }

    /// A text broken at the width, after a head on its first line.
    pub(crate) fn paragraph(&mut self, head: &str, text: &str) -> anyhow::Result<()> {
        let indent = head.chars().count();
        for (index, part) in wrap(text, self.width.saturating_sub(indent).max(20)).iter().enumerate() {
            let head = if index == 0 { head } else { "" };
            self.line(&format!("{head:<indent$}{part}"))?;
        }
        Ok(())
    }

    /// Whether anybody still reads.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.inner.flush();
        self.tolerate(flushed)
    }

    fn tolerate(&mut self, outcome: io::Result<()>) -> anyhow::Result<()> {
        match outcome {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other.context("the output cannot be written"),
        }
    }
}

/// One sentence on standard error. If even that is closed, there is nobody to tell.
pub(crate) fn complain(sentence: &str) {
    let _ = writeln!(anstream::stderr(), "tracecheck: {sentence}");
}
