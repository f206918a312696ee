//! What a template that cannot be read or fails is reported as, in both languages.

use std::fmt;

/// A place in a template, with the line as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template, with its chart's path: `chart/templates/x.yaml.tera`.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// How many columns are to blame; at least 1.
    pub width: usize,
    /// The line's text.
    pub source_line: String,
}

/// An error of a template: where, what, by which way it got there, and what to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The template that was rendered.
    pub file: String,
    /// Where it went wrong, innermost first, then each call and include on the way.
    pub places: Vec<Place>,
    /// What is wrong.
    pub message: String,
    /// What to try, a line each.
    pub hints: Vec<String>,
}

impl Error {
    /// An error about a file as a whole.
    pub fn new(file: impl Into<String>, message: impl fmt::Display) -> Self {
        Error {
            file: file.into(),
            places: Vec::new(),
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    /// The same with one more line on what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.places.first() {
            Some(place) => write!(
                f,
                "{}:{}:{}: {}",
                place.file, place.line, place.column, self.message
            )?,
            None => write!(f, "{}: {}", self.file, self.message)?,
        }
        for (at, place) in self.places.iter().enumerate() {
            if at > 0 {
                write!(
                    f,
                    "\n  called from {}:{}:{}",
                    place.file, place.line, place.column
                )?;
            }
            let number = place.line.to_string();
            let pad = " ".repeat(number.len());
            // A tab before the mark stays a tab, so that the mark stands below its column.
            let indent: String = place
                .source_line
                .chars()
                .take(place.column.saturating_sub(1))
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            write!(
                f,
                "\n  {number} | {}\n  {pad} | {indent}{}",
                place.source_line,
                "^".repeat(place.width.max(1))
            )?;
        }
        for hint in &self.hints {
            write!(f, "\n  {hint}")?;
        }
        Ok(())
    }
}
