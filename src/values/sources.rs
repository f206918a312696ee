//! What the user sets: values files and flags, merged in Helm's fixed order.

use super::load::{self, Layer, Source};
use super::strvals::{self, Kind};
use super::{Error, MergeKeys, Warning};
use crate::yaml::{self, Map, Value};

/// How the numbers of files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Numbers {
    /// Integers as they are written; for Tera, manifests and records.
    #[default]
    Exact,
    /// As Helm has them: a float64 each, except those of `--set`, which are integers; for Go templates.
    Helm,
}

/// A values file, read already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuesFile {
    /// The name as the user gave it; `-` for standard input.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Everything a user may set values with. The order among the kinds is Helm's and fixed: files,
/// `--set-json`, `--set`, `--set-string`, `--set-file`, `--set-literal`; within a kind it is the order
/// given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// `-f`, with overlays in their place.
    pub files: Vec<ValuesFile>,
    /// `--set-json`: `key=json,…` or a whole JSON object.
    pub json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub strings: Vec<String>,
    /// `--set-file`, the files' names replaced by what reads them.
    pub set_files: Vec<SetFile>,
    /// `--set-literal`.
    pub literals: Vec<String>,
}

/// A `--set-file` argument with the content of the files it names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetFile {
    /// The argument, `key=path,…`.
    pub argument: String,
    /// The texts of the files, by path.
    pub texts: std::collections::BTreeMap<String, String>,
}

/// The user's values, before a chart's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct UserValues {
    /// The merged map; the release record's `config`.
    pub value: Value,
    /// The sources, lowest first, for origins.
    pub(super) layers: Vec<Layer>,
    /// What the files' YAML reads otherwise than their author may have meant.
    pub warnings: Vec<Warning>,
}

impl UserValues {
    /// Values that came from elsewhere, such as an older revision's record.
    pub fn from_value(name: &str, value: Value) -> Self {
        let root = match value {
            Value::Object(_) => load::unplaced(&value),
            _ => load::empty(),
        };
        UserValues {
            value: root.to_value(),
            layers: vec![Layer {
                source: Source::File(name.to_owned()),
                prefix: Vec::new(),
                root,
            }],
            warnings: Vec::new(),
        }
    }
}

impl Sources {
    /// Whether nothing was set at all.
    pub fn is_empty(&self) -> bool {
        *self == Sources::default()
    }
}

/// Merges what the user set, in Helm's order.
///
/// # Errors
/// With the file and line, or the flag, that cannot be read.
pub fn merge_user(sources: &Sources, numbers: Numbers) -> Result<UserValues, Error> {
    merge_user_by(sources, numbers, &MergeKeys::default())
}

/// The same, with the lists that a chart's schemas give merge keys to.
///
/// # Errors
/// As [`merge_user`].
pub fn merge_user_by(
    sources: &Sources,
    numbers: Numbers,
    keys: &MergeKeys,
) -> Result<UserValues, Error> {
    let mut merged = Map::new();
    let (mut layers, mut warnings) = (Vec::new(), Vec::new());
    for file in &sources.files {
        let root = load::values_file(&file.name, &file.text, &mut warnings)?;
        if let Value::Object(map) = numbers.of_file(root.to_value()) {
            keys.merge_maps(&mut merged, map, &mut Vec::new());
        }
        layers.push(Layer {
            source: Source::File(file.name.clone()),
            prefix: Vec::new(),
            root,
        });
    }
    let mut flag = |flag: &'static str, text: &str, kind: Kind, texts: &SetFile| {
        let mut read = |path: &str| {
            let text = texts.texts.get(path);
            text.cloned().ok_or_else(|| format!("{path} was not read"))
        };
        let mut outcome = apply(text, kind, numbers, keys, &mut merged, &mut read);
        // Alone, it shows what it sets by itself.
        let mut alone = Map::new();
        if outcome.is_ok() {
            outcome = apply(text, kind, Numbers::Exact, keys, &mut alone, &mut read);
            // A path into what is only in the files stands alone as well; other outcomes are the same.
            if matches!(outcome, Err(strvals::Error::Type { .. })) {
                outcome = Ok(());
            }
        }
        layers.push(Layer {
            source: Source::Flag(flag),
            prefix: Vec::new(),
            root: load::unplaced(&Value::Object(alone)),
        });
        outcome.map_err(|cause| Error::Flag { flag, cause })
    };
    let none = SetFile::default();
    for text in &sources.json {
        flag("--set-json", text, Kind::Json, &none)?;
    }
    for text in &sources.set {
        flag("--set", text, Kind::Typed, &none)?;
    }
    for text in &sources.strings {
        flag("--set-string", text, Kind::String, &none)?;
    }
    for file in &sources.set_files {
        flag("--set-file", &file.argument, Kind::File, file)?;
    }
    for text in &sources.literals {
        flag("--set-literal", text, Kind::Literal, &none)?;
    }
    Ok(UserValues {
        value: Value::Object(merged),
        layers,
        warnings,
    })
}

fn apply(
    text: &str,
    kind: Kind,
    numbers: Numbers,
    keys: &MergeKeys,
    map: &mut Map,
    read: &mut strvals::Reader<'_>,
) -> Result<(), strvals::Error> {
    if kind == Kind::Json && text.trim().starts_with('{') {
        let object =
            serde_json::from_str(text.trim()).map_err(|e| strvals::Error::Json(e.to_string()))?;
        if let Value::Object(object) = numbers.of_file(object) {
            keys.merge_maps(map, object, &mut Vec::new());
        }
        return Ok(());
    }
    strvals::parse_into(text, kind, numbers, map, read)
}

/// The paths of the files that a `--set-file` argument names.
///
/// # Errors
/// When the argument is no assignment.
pub fn set_file_paths(argument: &str) -> Result<Vec<String>, Error> {
    let mut paths = Vec::new();
    let mut read = |path: &str| {
        paths.push(path.to_owned());
        Ok(String::new())
    };
    let outcome = strvals::parse_into(
        argument,
        Kind::File,
        Numbers::Exact,
        &mut Map::new(),
        &mut read,
    );
    match outcome {
        Ok(()) | Err(strvals::Error::Type { .. }) => Ok(paths),
        Err(cause) => Err(Error::Flag {
            flag: "--set-file",
            cause,
        }),
    }
}

impl Numbers {
    /// A value of a file or of JSON, with its numbers as this reading has them.
    pub(super) fn of_file(self, mut value: Value) -> Value {
        if self == Numbers::Helm {
            yaml::helm_numbers(&mut value);
        }
        value
    }
}
