//! Values files: their documents, merged, with the positions of what they set.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::{Error, Place};
use crate::yaml::{self, Entries, Entry, Node, Spanned, Value};

/// A source of values, parsed: what it sets, and where.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layer {
    /// The file, or the flag.
    pub source: Source,
    /// The path below which it stands, for instance of a subchart.
    pub prefix: Vec<String>,
    /// What it sets.
    pub root: Root,
}

/// What a layer sets, with the positions; always a map.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Root {
    /// Of the user's sources.
    Read(Spanned),
    /// Of a chart's own file, which is read again for its positions only when one is asked for: most
    /// commands never do, and it costs as much as loading the values.
    Unread {
        text: String,
        read: OnceLock<Spanned>,
    },
}

impl Root {
    /// A chart's own file, which was loaded before.
    pub(super) fn unread(text: &str) -> Root {
        Root::Unread {
            text: text.to_owned(),
            read: OnceLock::new(),
        }
    }

    pub(super) fn spanned(&self) -> &Spanned {
        match self {
            Root::Read(root) => root,
            Root::Unread { text, read } => read
                .get_or_init(|| values_file("", text, &mut Vec::new()).unwrap_or_else(|_| empty())),
        }
    }
}

/// What a layer came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    File(String),
    Flag(&'static str),
}

impl Layer {
    /// The place of a value in this layer.
    pub(super) fn place(&self, path: &[String], line: usize, column: usize) -> Place {
        match &self.source {
            Source::File(file) => Place::File {
                file: file.clone(),
                line,
                column,
            },
            Source::Flag(flag) => Place::Flag {
                flag,
                path: super::origins::dotted(path),
            },
        }
    }
}

/// Reads a values file as Helm 4 does: documents are separated by lines of `---`, which only white space
/// or a comment may follow, and later ones are merged over earlier ones.
///
/// # Errors
/// With the file's name, and the line in it.
pub(super) fn values_file(
    name: &str,
    text: &str,
    warnings: &mut Vec<super::Warning>,
) -> Result<Spanned, Error> {
    let mut merged = empty();
    // Helm's reader (apimachinery's YAMLReader) ends the last line, and a block scalar has that.
    let text = match text.is_empty() || text.ends_with('\n') {
        true => Cow::Borrowed(text),
        false => Cow::Owned(format!("{text}\n")),
    };
    for (first_line, document) in documents(name, &text)? {
        let parsed =
            yaml::parse_spanned_at(document, first_line).map_err(|cause| Error::ParseFile {
                file: name.to_owned(),
                cause: Box::new(cause),
            })?;
        warnings.extend(parsed.warnings.into_iter().map(|warning| super::Warning {
            file: name.to_owned(),
            warning,
        }));
        let line = parsed.root.line;
        match parsed.root.node {
            Node::Map(entries) => merge_entries(&mut merged, entries),
            Node::Scalar(Value::Null) => {}
            other => {
                return Err(Error::NotMap {
                    file: name.to_owned(),
                    line,
                    found: match other {
                        Node::List(_) => "list",
                        Node::Scalar(scalar) => super::strvals::kind_name(&scalar),
                        Node::Map(_) => "map",
                    },
                });
            }
        }
    }
    Ok(merged)
}

/// An empty map, as an empty file has it.
pub(super) fn empty() -> Spanned {
    Spanned {
        line: 1,
        column: 1,
        node: Node::Map(Entries::default()),
    }
}

/// The documents of a values file, each with the line it begins in.
fn documents<'t>(name: &str, text: &'t str) -> Result<Vec<(usize, &'t str)>, Error> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 1, 0);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(Error::Separator {
                    file: name.to_owned(),
                    line: number + 1,
                    found: rest.chars().take(40).collect(),
                });
            }
            if at > start {
                documents.push((start_line, &text[start..at]));
            }
            (start, start_line) = (at + line.len(), number + 2);
        }
        at += line.len();
    }
    if at > start {
        documents.push((start_line, &text[start..]));
    }
    Ok(documents)
}

/// Merges a later document over an earlier one: maps merge, all else is replaced.
pub(super) fn merge_entries(into: &mut Spanned, from: Entries) {
    let Node::Map(entries) = &mut into.node else {
        return;
    };
    for (key, entry) in from {
        match entries.get_mut(&key) {
            Some(old) if is_map(&old.value) && is_map(&entry.value) => {
                if let Node::Map(inner) = entry.value.node {
                    merge_entries(&mut old.value, inner);
                }
            }
            _ => {
                entries.insert(key, entry);
            }
        }
    }
}

fn is_map(value: &Spanned) -> bool {
    matches!(value.node, Node::Map(_))
}

/// A value without positions as a layer's tree; flags have no lines.
pub(super) fn unplaced(value: &Value) -> Spanned {
    let node = match value {
        Value::Array(items) => Node::List(items.iter().map(unplaced).collect()),
        Value::Object(map) => Node::Map(
            map.iter()
                .map(|(key, value)| {
                    let entry = Entry {
                        line: 0,
                        column: 0,
                        value: unplaced(value),
                    };
                    (key.clone(), entry)
                })
                .collect(),
        ),
        scalar => Node::Scalar(scalar.clone()),
    };
    Spanned {
        line: 0,
        column: 0,
        node,
    }
}
