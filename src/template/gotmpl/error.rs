//! Errors of parsing and execution, in the words of Go and the shape of Helm 4.

use super::parse::Source;

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
    /// The texts of the errors that this one wraps, outermost first; Helm prints one place each.
    pub causes: Vec<String>,
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
            source: line.lines().next().unwrap_or("").to_string(),
        }
    }
}
