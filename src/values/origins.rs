//! Where each final value came from: which file and line, or which flag, and what it replaced.

use std::fmt;

use super::load::Layer;
use super::merge_keys::{ByKey, MergeKeys};
use crate::yaml::{Node, Spanned, Value};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a values file, the user's or a chart's.
    File {
        /// The file as the user gave it, or `chart/values.yaml`.
        file: String,
        /// The line, from 1; 0 where the text is not known.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// On the command line. The value itself isn't kept: it may be a secret.
    Flag {
        /// For instance `--set`.
        flag: &'static str,
        /// The path it sets.
        path: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { file, line: 0, .. } => write!(f, "{file}"),
            Place::File { file, line, .. } => write!(f, "{file}:{line}"),
            Place::Flag { flag, path } => write!(f, "{flag} {path}"),
        }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Where.
    pub place: Place,
    /// What stands there.
    pub value: Value,
}

/// The origin of a final value.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// What set it.
    pub set_by: Origin,
    /// What that replaced, the latest first.
    pub replaced: Vec<Origin>,
}

/// The origins of all final values.
///
/// They are not tracked through the merging: the sources keep their positions, and a path is looked up
/// in them from the highest to the lowest. The first that holds the final value is what set it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origins {
    /// The lowest first: subcharts' defaults, charts' defaults, then what the user set.
    pub(super) layers: Vec<Layer>,
    /// The paths of subcharts, for the globals that are handed down to them.
    pub(super) charts: Vec<Vec<String>>,
    /// Imported values: the parent's path and the child's.
    pub(super) imports: Vec<(Vec<String>, Vec<String>)>,
    /// The lists whose items are found by a key.
    pub(super) keys: MergeKeys,
    /// The final values, where there are such lists.
    pub(super) root: Value,
}

impl Origins {
    /// What set the value at a path, an element for each key or index. `None` where no source holds
    /// it: for maps and lists that several sources made together, and for what charts make up.
    pub fn get(&self, path: &[String], value: &Value) -> Option<History> {
        let mut found = self.candidates(path).into_iter();
        let set_by = found.find(|origin| same(&origin.value, value))?;
        Some(History {
            set_by,
            replaced: found.collect(),
        })
    }

    /// The place of what set a value; of a value that several sources made, the highest that took part.
    pub fn place_of(&self, path: &[String], value: &Value) -> Option<Place> {
        let history = self.get(path, value).map(|history| history.set_by);
        let origin = history.or_else(|| self.candidates(path).into_iter().next());
        origin.map(|origin| origin.place)
    }

    /// What stands at a path in the sources, the highest first, whether or not it won.
    pub fn candidates(&self, path: &[String]) -> Vec<Origin> {
        let mut found = Vec::new();
        let aliases = self.aliases(&self.keys.named(&self.root, path));
        for layer in self.layers.iter().rev() {
            for alias in &aliases {
                let Some(below) = alias.strip_prefix(layer.prefix.as_slice()) else {
                    continue;
                };
                if let Some((value, line, column)) = lookup(layer.root.spanned(), below) {
                    found.push(Origin {
                        place: layer.place(path, line, column),
                        value: value.to_value(),
                    });
                    break;
                }
            }
        }
        found
    }

    /// The paths in which a value may stand: globals come down from the charts above, imported values
    /// up from below.
    fn aliases(&self, path: &[String]) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        for chart in &self.charts {
            match path.strip_prefix(chart.as_slice()) {
                Some(below) if below.first().is_some_and(|key| key == "global") => {
                    for depth in 0..chart.len() {
                        paths.push([&chart[..depth], below].concat());
                    }
                }
                _ => {}
            }
        }
        paths.push(path.to_vec());
        for (parent, child) in &self.imports {
            if let Some(below) = path.strip_prefix(parent.as_slice()) {
                paths.push([child, below].concat());
            }
        }
        paths
    }
}

/// The value at a path of a tree, with the line and column of its key (or of an item, itself).
fn lookup<'t>(root: &'t Spanned, path: &[String]) -> Option<(&'t Spanned, usize, usize)> {
    let mut at = (root, root.line, root.column);
    for key in path {
        at = match &at.0.node {
            Node::Map(entries) => {
                let entry = entries.get(key)?;
                (&entry.value, entry.line, entry.column)
            }
            Node::List(items) => {
                let item = match ByKey::parse(key) {
                    Some((key, name)) => items.iter().find(|item| has(item, key, name))?,
                    None => items.get(key.parse::<usize>().ok()?)?,
                };
                (item, item.line, item.column)
            }
            Node::Scalar(_) => return None,
        };
    }
    Some(at)
}

/// Whether an item of a list has a key with a value, given as JSON.
fn has(item: &Spanned, key: &str, name: &str) -> bool {
    let Node::Map(entries) = &item.node else {
        return false;
    };
    let found = entries
        .get(key)
        .map(|entry| entry.value.to_value().to_string());
    found.as_deref() == Some(name)
}

/// Whether two values are equal, an integer and its float64 being the same.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// A path as people write it; keys with dots are quoted.
pub fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        if !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) {
            text.push_str(&format!("[{key}]"));
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        if key.is_empty() || key.contains(['.', '[', ']', '"']) {
            text.push_str(&format!("{key:?}"));
        } else {
            text.push_str(key);
        }
    }
    text
}
