//! The value model, YAML as Helm reads it (1.1 scalars, last duplicate wins), and emission equal to Go's.

mod compose;
mod emit;
mod error;
mod json;
mod number;
mod order;
mod scalar;
mod spanned;
mod split;

pub use emit::{EmitError, emit, emit_pretty, to_yaml};
pub use error::{Cause, Error, Trap, Warning};
pub use json::{go_json, go_struct_json};
pub use number::{format_g, format_g32, format_json, from_json_of_float, helm_numbers};
pub use spanned::{Document as SpannedDocument, Entries, Entry, Node, Spanned};
pub use split::split_documents;

use compose::{Composer, WholeFloats};

/// A value of a values file, a manifest or a record.
///
/// One model for the whole house: Tera, the JSON Schema validator and the Kubernetes client speak
/// it natively. Maps keep the order they were written in; who needs Go's order sorts. The number
/// kinds mean what they mean in Go: an integer is an `int64` (from `--set`), a float is a `float64`
/// (Helm reads every number of a file through JSON, so integers of files are float64 there;
/// [`parse`] keeps them exact, and [`helm_numbers`] makes Helm's reading of them).
pub type Value = serde_json::Value;

/// A map of [`Value`]s, in the order of their insertion.
pub type Map = serde_json::Map<String, Value>;

/// How deep a document may be nested, aliases expanded. Go's parser allows 10,000, and no chart comes
/// near either; templates and validators recurse over values, so the bound keeps their stacks safe.
pub const MAX_DEPTH: usize = 512;

/// How many bytes may be copied for the anchors and aliases of a text.
pub const MAX_COPIED: usize = 64 << 20;

/// Reads the first document of a text as Helm (go-yaml v2 under sigs.k8s.io/yaml) does.
///
/// Scalars are YAML 1.1's, keys that are not strings become strings, the last of duplicate keys wins,
/// anchors, aliases and merge keys are expanded, times stay strings. Integers are exact; a float that
/// is whole is an integer, as it is in the JSON that Helm makes of it. An empty text is null, and
/// what follows the first document is not looked at.
///
/// # Errors
/// With the line and column of what cannot be read so.
pub fn parse(text: &str) -> Result<Value, Error> {
    Ok(parse_spanned(text)?.root.into_value())
}

/// The same, but a float that is whole stays one: for files that Helm reads into a struct with texts, where
/// `1e6` becomes the text `1e+06` and `1000000` doesn't.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_floats(text: &str) -> Result<Value, Error> {
    Ok(first(text, 1, WholeFloats::Stay)?.root.into_value())
}

/// Reads all documents of a text, each as [`parse`] does.
///
/// # Errors
/// With the line and column, counted from the start of the text, of what cannot be read.
pub fn parse_all(text: &str) -> Result<Vec<Value>, Error> {
    let text = with_line_feeds(text);
    let mut composer = Composer::new(&text, 1, WholeFloats::Integers);
    let mut documents = Vec::new();
    while let Some(document) = composer.document().map_err(|e| *e)? {
        documents.push(document.root.into_value());
    }
    Ok(documents)
}

/// Reads the first document of a text with the positions of its values, and its [`Warning`]s.
///
/// # Errors
/// As [`parse`].
pub fn parse_spanned(text: &str) -> Result<SpannedDocument, Error> {
    parse_spanned_at(text, 1)
}

/// The same for a text that begins in line `first_line` of its file.
///
/// # Errors
/// As [`parse`].
pub fn parse_spanned_at(text: &str, first_line: usize) -> Result<SpannedDocument, Error> {
    first(text, first_line, WholeFloats::Integers)
}

fn first(
    text: &str,
    first_line: usize,
    whole_floats: WholeFloats,
) -> Result<SpannedDocument, Error> {
    let text = with_line_feeds(text);
    let document = Composer::new(&text, first_line, whole_floats)
        .document()
        .map_err(|e| *e)?;
    Ok(document.unwrap_or(SpannedDocument {
        root: Spanned {
            line: first_line,
            column: 1,
            node: Node::Scalar(Value::Null),
        },
        warnings: Vec::new(),
    }))
}

/// U+0085 is a line break to YAML 1.1 and to Go's parser, and none to YAML 1.2's.
fn with_line_feeds(text: &str) -> std::borrow::Cow<'_, str> {
    if text.contains('\u{85}') {
        text.replace('\u{85}', "\n").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests;
