//! Trace files: typed records through `tracing` into JSON lines, losslessly.
//!
//! A record travels as `&dyn Error`, the one typed value that `tracing` carries, and this layer takes it
//! back out. Unlike log appenders nothing is queued or dropped: a line is in the writer's hands when the
//! event returns, and the first failed write is kept and reported by [`JsonLines::finish`].

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tracecheck_schema::{Header, Record, write_header, write_record};
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

const TARGET: &str = "raftlab::trace";

fn is_record(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.target() == TARGET
}

/// Sends a record through `tracing` to whichever layer listens.
pub fn emit(record: &Record) {
    let record: &(dyn Error + 'static) = record;
    tracing::trace!(target: TARGET, record);
}

/// A `tracing` layer that writes every record as one JSON line.
pub struct JsonLines<W> {
    state: Arc<Mutex<State<W>>>,
}

struct State<W> {
    writer: W,
    line: Vec<u8>,
    failed: Option<io::Error>,
}

impl<W: Write + Send + 'static> JsonLines<W> {
    /// Writes the header at once, records as they come.
    pub fn new(mut writer: W, header: &Header) -> io::Result<Self> {
        let mut line = Vec::with_capacity(512);
        write_header(header, &mut line);
        writer.write_all(&line)?;
        Ok(JsonLines { state: Arc::new(Mutex::new(State { writer, line, failed: None })) })
    }

    /// Another handle on the same file: one goes to `tracing`, one stays with whoever finishes it.
    pub fn handle(&self) -> Self {
        JsonLines { state: self.state.clone() }
    }

    /// Another handle, as the layer to give to `tracing`. It asks for records only, so that nobody else's
    /// events and spans are built for it, and other layers beside it get theirs.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S, W>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    {
        self.handle().with_filter(filter_fn(is_record))
    }

    /// Runs `f` with this layer as the thread's only listener, so that what `f` [`emit`]s is written.
    pub fn listen<T>(&self, f: impl FnOnce() -> T) -> T {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(self.layer()), f)
    }

    /// Flushes, and tells of the first record that could not be written, if there was one.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.failed.take() {
            Some(error) => Err(error),
            None => state.writer.flush(),
        }
    }
}

impl<S, W> Layer<S> for JsonLines<W>
where
    S: tracing::Subscriber,
    W: Write + Send + 'static,
{
    // `Layer::enabled` would be the wrong place to choose: its "no" holds for every other layer too.
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if is_record(event.metadata()) {
            event.record(&mut Take(&self.state));
        }
    }
}

struct Take<'a, W>(&'a Mutex<State<W>>);

impl<W: Write> Visit for Take<'_, W> {
    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

    fn record_error(&mut self, _: &Field, value: &(dyn Error + 'static)) {
        let Some(record) = value.downcast_ref::<Record>() else { return };
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { writer, line, failed } = &mut *state;
        line.clear();
        write_record(record, line);
        if failed.is_none() {
            *failed = writer.write_all(line).err();
        }
    }
}
