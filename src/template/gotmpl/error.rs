//! Errors of parsing and execution, in the words of Go and the shape of Helm 4.

use super::parse::Source;
use super::report::Part;

/// A text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template: {template}:{line}: {message}")]
pub struct ParseError {
    /// The name of the text.
    pub template: String,
    /// The line, from 1.
    pub line: usize,
    /// Go's words.
    pub message: String,
}

/// A template failed while it was executed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecError {
    /// Go's whole text: `template: NAME:LINE:COL: executing "NAME" at <NODE>: CAUSE`.
    pub text: String,
    /// The errors that this one wraps, outermost first, as far as Helm prints them: one place each. `None` for
    /// one that is no template's.
    pub causes: Vec<Option<Part>>,
    /// Where it happened, innermost first.
    pub places: Vec<Place>,
    /// Whether a bound of ours was passed, rather than a rule of the language broken.
    pub limit: bool,
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template file, or `gotpl` for a text given to `tpl`.
    pub template: String,
    /// From 1.
    pub line: usize,
    /// From 0, in bytes, as Go counts.
    pub column: usize,
    /// The line of source.
    pub source: String,
}

/// The part of a line that may be shown; lines may be long, and places many.
fn beginning(line: &str) -> &str {
    let end = line
        .char_indices()
        .nth(400)
        .map_or(line.len(), |(at, _)| at);
    line.get(..end).unwrap_or(line)
}

impl Place {
    /// The place of a byte of a text.
    pub(super) fn new(source: &Source, pos: usize) -> Place {
        let before = source.text.get(..pos).unwrap_or(&source.text);
        let start = before.rfind('\n').map_or(0, |index| index + 1);
        let line = source.text.get(start..).unwrap_or("");
        Place {
            template: source.name.to_string(),
            line: 1 + before.matches('\n').count(),
            column: pos - start,
            source: beginning(line.lines().next().unwrap_or("")).to_string(),
        }
    }
}
