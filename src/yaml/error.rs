//! What is wrong with a YAML text, and what is right but treacherous.

use std::fmt;

/// A text that cannot be read as YAML the way Helm reads it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}{}", shown(source_line))]
pub struct Error {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1; in characters.
    pub column: usize,
    /// The line as it was written, at most 200 characters of it.
    pub source_line: String,
    /// What is wrong with it.
    pub cause: Cause,
}

fn shown(line: &str) -> String {
    if line.trim().is_empty() {
        String::new()
    } else {
        format!("\n  | {line}")
    }
}

/// The causes of an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The scanner or the parser gave up.
    #[error("{0}")]
    Syntax(String),
    /// A tag that the scalar's text does not fit, such as `!!int abc`.
    #[error("cannot decode {found} `{text}` as a {wanted}")]
    Tag {
        /// The short tag of what the text is.
        found: &'static str,
        /// The scalar.
        text: String,
        /// The short tag that was asked for.
        wanted: String,
    },
    /// A list, a map, null or an integer above an int64 as a key; JSON has no place for them.
    #[error("a {0} cannot be the key of a map")]
    Key(&'static str),
    /// An infinity or not-a-number; JSON has no place for them.
    #[error("`{0}` is not a number that JSON can hold")]
    NotFinite(String),
    /// `<<` with something that is not a map or a list of maps.
    #[error("map merge requires a map or a list of maps as the value")]
    Merge,
    /// An anchor that stands for a value which contains it.
    #[error("an anchor's value contains itself")]
    Cycle,
    /// More was expanded from aliases than any honest file needs; go-yaml's own rule.
    #[error("the document contains excessive aliasing")]
    Aliases,
    /// Anchors within anchors, or aliases of long texts, repeat more than [`super::MAX_COPIED`].
    #[error("anchors and aliases repeat more than {} MiB", super::MAX_COPIED >> 20)]
    Copies,
    /// Nested deeper than [`super::MAX_DEPTH`].
    #[error("nested deeper than {} levels", super::MAX_DEPTH)]
    Depth,
    /// `!!binary` with text that is not base64.
    #[error("!!binary value contains invalid base64 data")]
    Binary,
}

/// Something that is read as Helm reads it, and perhaps not as its author meant it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What it is.
    pub trap: Trap,
}

/// The kinds of [`Warning`]s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trap {
    /// A key stands twice in one map; the last one counts.
    Duplicate {
        /// The key.
        key: String,
        /// The line of the one that does not count.
        first_line: usize,
    },
    /// `yes`, `no`, `on`, `off`, `y`, `n` without quotes as a key.
    BooleanKey {
        /// As written.
        text: String,
        /// As read.
        read: bool,
    },
    /// The same as a value.
    BooleanValue {
        /// As written.
        text: String,
        /// As read.
        read: bool,
    },
    /// A leading zero makes a number octal.
    Octal {
        /// As written.
        text: String,
        /// As read.
        read: String,
    },
    /// `1_000` is a number.
    Underscore {
        /// As written.
        text: String,
        /// As read.
        read: String,
    },
    /// `1:30` is 90 to other YAML 1.1 readers, and a string to Helm.
    Base60 {
        /// As written.
        text: String,
    },
    /// Above 2^53 an integer loses digits in Go templates, where it is a float64.
    LargeInteger {
        /// As written.
        text: String,
        /// As a float64.
        read: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.trap {
            Trap::Duplicate { key, first_line } => write!(
                f,
                "line {line}: the key {key:?} stands in line {first_line} too; this one counts"
            ),
            Trap::BooleanKey { text, read } => write!(
                f,
                "line {line}: the key {text} is read as the boolean {read}, so the key is {:?}; quote it",
                read.to_string()
            ),
            Trap::BooleanValue { text, read } => write!(
                f,
                "line {line}: {text} is read as the boolean {read}; write {read}, or quote it"
            ),
            Trap::Octal { text, read } => write!(
                f,
                "line {line}: {text} has a leading zero and is read as {read}; quote it, or write the decimal number"
            ),
            Trap::Underscore { text, read } => {
                write!(
                    f,
                    "line {line}: {text} is read as the number {read}; quote it, or drop the underscore"
                )
            }
            Trap::Base60 { text } => write!(
                f,
                "line {line}: {text} is a string here and a number in base 60 to other YAML 1.1 readers; quote it"
            ),
            Trap::LargeInteger { text, read } => write!(
                f,
                "line {line}: {text} is above 2^53 and becomes {read} in Go templates; quote it"
            ),
        }
    }
}
