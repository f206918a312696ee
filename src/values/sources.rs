//! What the user sets: values files and flags, merged in Helm's fixed order.

use super::load::{self, Layer, Source};
use super::strvals::{self, Kind};
use super::{Error, Identities, MergeKeys, Warning, age, sops};
use crate::yaml::{self, Map, Node, Spanned, Value};

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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValuesFile {
    /// The name as the user gave it; `-` for standard input.
    pub name: String,
    /// The text, decrypted.
    pub text: String,
    /// How it was encrypted.
    pub sealed: Sealed,
}

/// How a values file was encrypted, and so what of it is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Sealed {
    /// Not at all.
    #[default]
    No,
    /// With age: all of it.
    Whole,
    /// With SOPS: the values at these paths; the part `sops` is none of the values.
    Parts(Vec<Vec<String>>),
}

impl ValuesFile {
    /// Takes the bytes of a values file, and decrypts those of age or SOPS. `identities` is asked only
    /// for those; the decrypted text is kept in memory alone.
    ///
    /// # Errors
    /// With the file, and the line where there is one. Errors of `identities` come through.
    pub fn open<E: From<Error>>(
        name: &str,
        bytes: Vec<u8>,
        identities: impl FnOnce() -> Result<Identities, E>,
    ) -> Result<Self, E> {
        let file = || name.to_owned();
        let sealed = |cause: String| Error::Sealed {
            file: file(),
            cause,
        };
        if age::is_age(&bytes) {
            let text = age::open(&bytes, &identities()?).map_err(|e| sealed(e.to_string()))?;
            return Ok(ValuesFile {
                name: file(),
                text: file_text(name, text)?,
                sealed: Sealed::Whole,
            });
        }
        let text = file_text(name, bytes)?;
        if !sops::is_sops(&text) {
            return Ok(ValuesFile {
                name: file(),
                text,
                sealed: Sealed::No,
            });
        }
        let opened = sops::open(&text, &identities()?).map_err(|e| sealed(e.to_string()))?;
        Ok(ValuesFile {
            name: file(),
            text: opened.text,
            sealed: Sealed::Parts(opened.secrets),
        })
    }

    /// Takes what SOPS needs itself out of the values, and adds the paths of what is secret.
    fn unseal(&self, root: &mut Spanned, secrets: &mut Vec<Vec<String>>) {
        match &self.sealed {
            Sealed::No => {}
            Sealed::Whole => leaf_paths(root, &mut Vec::new(), secrets),
            Sealed::Parts(paths) => {
                if let Node::Map(entries) = &mut root.node {
                    entries.shift_remove(sops::METADATA);
                }
                secrets.extend(paths.iter().cloned());
            }
        }
    }
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
    /// The paths of what came encrypted.
    pub(super) secrets: Vec<Vec<String>>,
}

/// The text of a file's bytes.
///
/// # Errors
/// With the line that is not UTF-8.
pub fn file_text(name: &str, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|e| {
        let good = e.utf8_error().valid_up_to();
        let before = e.as_bytes().get(..good).unwrap_or_default();
        Error::NotText {
            file: name.to_owned(),
            line: 1 + before.iter().filter(|b| **b == b'\n').count(),
        }
    })
}

/// The paths of all that is no map.
fn leaf_paths(node: &Spanned, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    match &node.node {
        Node::Map(entries) => {
            for (key, entry) in entries {
                path.push(key.clone());
                leaf_paths(&entry.value, path, found);
                path.pop();
            }
        }
        _ => found.push(path.clone()),
    }
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
                root: load::Root::Read(root),
            }],
            warnings: Vec::new(),
            secrets: Vec::new(),
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
    let (mut layers, mut warnings, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
    for file in &sources.files {
        let mut root = load::values_file(&file.name, &file.text, &mut warnings)?;
        file.unseal(&mut root, &mut secrets);
        if let Value::Object(map) = numbers.of_file(root.to_value()) {
            keys.merge_maps(&mut merged, map, &mut Vec::new());
        }
        layers.push(Layer {
            source: Source::File(file.name.clone()),
            prefix: Vec::new(),
            root: load::Root::Read(root),
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
            root: load::Root::Read(load::unplaced(&Value::Object(alone))),
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
        secrets,
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
