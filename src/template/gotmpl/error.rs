//! Errors of parsing and execution, in the words of Go and the shape of Helm 4.

/// A template failed while it was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
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
