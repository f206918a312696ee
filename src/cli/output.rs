//! The one place that writes: data on stdout, progress and errors on stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::error::{CommandError, Kind};

/// The shape of what a reading command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and people.
    Yaml,
}

/// Writes results to stdout and the rest to stderr.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Whether stderr is a terminal, so that progress may be redrawn in place.
    pub interactive: bool,
}

impl Output {
    /// Looks at the process's own streams.
    pub fn new() -> Self {
        Output {
            interactive: io::stderr().is_terminal(),
        }
    }

    /// Writes text to stdout as it is. A closed pipe ends the writing without an error.
    pub fn data(&self, text: &str) -> Result<(), CommandError> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::new(
                Kind::Failed,
                format_args!("cannot write to stdout: {e}"),
            )),
            _ => Ok(()),
        }
    }

    /// Writes a value as JSON, one line, as Helm does.
    pub fn json(&self, value: &impl Serialize) -> Result<(), CommandError> {
        let mut text =
            serde_json::to_string(value).map_err(|e| CommandError::new(Kind::Internal, e))?;
        text.push('\n');
        self.data(&text)
    }

    /// Writes a line to stderr.
    pub fn note(&self, text: &str) {
        // A closed stderr must not end the work.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}
