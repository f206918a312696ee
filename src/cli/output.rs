//! The one place that writes: data on stdout, progress and errors on stderr.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::error::{CommandError, Kind};
use crate::yaml;

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

    /// Writes a value in a format for programs; [`Format::Table`] has no general form and is taken
    /// as JSON.
    pub fn value(&self, value: &impl Serialize, format: Format) -> Result<(), CommandError> {
        if format != Format::Yaml {
            return self.json(value);
        }
        let value =
            serde_json::to_value(value).map_err(|e| CommandError::new(Kind::Internal, e))?;
        self.data(&format!("{}\n", yaml::emit(&value).trim_end()))
    }

    /// Writes rows with their columns aligned; the first row is the heading.
    pub fn table(&self, rows: &[Vec<String>]) -> Result<(), CommandError> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|c| {
                rows.iter()
                    .filter_map(|r| r.get(c))
                    .map(|t| t.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let mut text = String::new();
        for row in rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:<width$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
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
