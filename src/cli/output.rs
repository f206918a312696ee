//! The one place that writes: data on stdout, progress and errors on stderr.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::RwLock;

use serde::Serialize;

use super::error::{CommandError, Kind};
use crate::values::Redactor;
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

/// Writes results to stdout and the rest to stderr; what is secret is masked in both.
#[derive(Clone, Copy)]
pub struct Output {
    /// Whether stderr is a terminal, so that progress may be redrawn in place.
    pub interactive: bool,
    /// What is secret; one for the process, known once the values are.
    hidden: &'static RwLock<Redactor>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("interactive", &self.interactive)
            .finish_non_exhaustive()
    }
}

impl Output {
    /// Looks at the process's own streams.
    pub fn new() -> Self {
        Output {
            interactive: io::stderr().is_terminal()
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
            hidden: Box::leak(Box::default()),
        }
    }

    /// The same without anything redrawn in place.
    #[must_use]
    pub fn plain(self) -> Self {
        Output {
            interactive: false,
            ..self
        }
    }

    /// From here on these texts are masked, besides those before.
    pub fn hide(&self, more: Redactor) {
        if let Ok(mut hidden) = self.hidden.write() {
            hidden.extend(more);
        }
    }

    /// The text as it may be shown.
    pub fn masked(&self, text: &str) -> String {
        match self.hidden.read() {
            Ok(hidden) => hidden.redact(text).into_owned(),
            // A writer panicked: better nothing than a secret.
            Err(_) => String::new(),
        }
    }

    /// Writes text to stdout, secrets masked. A closed pipe ends the writing without an error.
    pub fn data(&self, text: &str) -> Result<(), CommandError> {
        self.product(&self.masked(text))
    }

    /// Writes text to stdout as it is: what other programs apply, such as a rendered manifest.
    pub fn product(&self, text: &str) -> Result<(), CommandError> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::new(
                Kind::Failed,
                format_args!("cannot write to stdout: {e}"),
            )),
            _ => Ok(()),
        }
    }

    /// Writes text with colours in it, which are taken out where stdout is no terminal or NO_COLOR is
    /// set (CLICOLOR_FORCE keeps them).
    pub fn styled(&self, text: &str) -> Result<(), CommandError> {
        if anstream::AutoStream::choice(&io::stdout()) == anstream::ColorChoice::Never {
            self.data(&anstream::adapter::strip_str(text).to_string())
        } else {
            self.data(text)
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

    /// Writes a value as JSON or YAML; for a table the text that `table` makes.
    pub fn formatted(
        &self,
        format: Format,
        value: &impl Serialize,
        table: impl FnOnce() -> String,
    ) -> Result<(), CommandError> {
        match format {
            Format::Table => self.data(&table()),
            _ => self.value(value, format),
        }
    }

    /// Writes rows with their columns aligned; the first row is the heading.
    pub fn table(&self, rows: &[Vec<String>]) -> Result<(), CommandError> {
        self.data(&columns(&[], rows))
    }

    /// Writes a line to stderr.
    pub fn note(&self, text: &str) {
        // A closed stderr must not end the work.
        let text = self.masked(text);
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

/// Rows below headers in columns two spaces apart, as Kubernetes' tools print them; no header line
/// when there are no headers.
pub fn columns(headers: &[&str], rows: &[Vec<String>]) -> String {
    use comfy_table::{ContentArrangement, Table, presets::NOTHING};
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if !headers.is_empty() {
        table.set_header(headers.to_vec());
    }
    for row in rows {
        table.add_row(row.clone());
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

impl Default for Output {
    fn default() -> Self {
        Self::new()
    }
}
