//! Helm's structs for Chart.yaml, locks and indexes, filled as Go fills them: by way of JSON, names of fields
//! in any case, null as nothing, and numbers and booleans as texts where a text is wanted.

use crate::yaml::{Map, Value, format_g32, from_json_of_float};

/// A field's name and what it holds.
pub(super) type Field = (&'static str, Kind);

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    Flag,
    Texts,
    /// A map of texts.
    Notes,
    /// A list of structs.
    Items(&'static [Field]),
    /// Anything, as JSON has it.
    Free,
}

const MAINTAINER: &[Field] = &[
    ("name", Kind::Text),
    ("email", Kind::Text),
    ("url", Kind::Text),
];

const DEPENDENCY: &[Field] = &[
    ("name", Kind::Text),
    ("version", Kind::Text),
    ("repository", Kind::Text),
    ("condition", Kind::Text),
    ("tags", Kind::Texts),
    ("enabled", Kind::Flag),
    ("import-values", Kind::Free),
    ("alias", Kind::Text),
];

/// Chart.yaml, requirements.yaml and an entry of an index.
pub(super) const METADATA: &[Field] = &[
    ("name", Kind::Text),
    ("home", Kind::Text),
    ("sources", Kind::Texts),
    ("version", Kind::Text),
    ("description", Kind::Text),
    ("keywords", Kind::Texts),
    ("maintainers", Kind::Items(MAINTAINER)),
    ("icon", Kind::Text),
    ("apiVersion", Kind::Text),
    ("condition", Kind::Text),
    ("tags", Kind::Text),
    ("appVersion", Kind::Text),
    ("deprecated", Kind::Flag),
    ("annotations", Kind::Notes),
    ("kubeVersion", Kind::Text),
    ("dependencies", Kind::Items(DEPENDENCY)),
    ("type", Kind::Text),
];

/// Chart.lock and requirements.lock.
pub(super) const LOCK: &[Field] = &[
    ("generated", Kind::Text),
    ("digest", Kind::Text),
    ("dependencies", Kind::Items(DEPENDENCY)),
];

/// The fields that a map has, under their own names; what is of the wrong kind stays as it is. The text must
/// have been read by [`crate::yaml::parse_with_floats`].
pub(super) fn read(map: Map, fields: &[Field]) -> Map {
    let mut entries: Vec<(String, Value)> = map.into_iter().collect();
    // Helm's way through JSON sorts them, and the last of several that mean one field counts.
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut read = Map::new();
    for (key, value) in entries {
        let exact = fields.iter().find(|(name, _)| *name == key);
        let field = exact.or_else(|| {
            fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&key))
        });
        let Some((name, kind)) = field else { continue };
        let value = match (value, kind) {
            (Value::Null, Kind::Text | Kind::Flag) => continue,
            (value, Kind::Text) => text(value),
            (Value::Array(items), Kind::Texts) => items.into_iter().map(item).collect(),
            (Value::Object(notes), Kind::Notes) => notes
                .into_iter()
                .map(|(key, note)| (key, item(note)))
                .collect(),
            (Value::Array(items), Kind::Items(fields)) => items
                .into_iter()
                .map(|item| match item {
                    Value::Object(map) => Value::Object(self::read(map, fields)),
                    other => other,
                })
                .collect(),
            (value, Kind::Free) => free(value),
            (value, _) => value,
        };
        read.insert((*name).to_owned(), value);
    }
    read
}

/// Fills the fields again from another file: what it has counts, lists item by item, as Go decodes JSON into
/// what is there already.
pub(super) fn read_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                match below.get_mut(&key) {
                    Some(old) => read_over(old, value),
                    None => {
                        below.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(below), Value::Array(above)) => {
            below.truncate(above.len());
            for (at, value) in above.into_iter().enumerate() {
                match below.get_mut(at) {
                    Some(old) => read_over(old, value),
                    None => below.push(value),
                }
            }
        }
        (below, above) => *below = above,
    }
}

/// A text; of a float its shortest form as a float32, as sigs.k8s.io/yaml makes it: `appVersion: 1.20` is `1.2`.
pub(super) fn text(value: Value) -> Value {
    match value {
        Value::Bool(b) => Value::String(b.to_string()),
        Value::Number(n) => Value::String(match n.as_f64() {
            Some(f) if n.is_f64() => format_g32(f),
            _ => n.to_string(),
        }),
        other => other,
    }
}

/// A text in a list or map, where null is the empty one.
fn item(value: Value) -> Value {
    match value {
        Value::Null => Value::String(String::new()),
        other => text(other),
    }
}

fn free(value: Value) -> Value {
    match value {
        Value::Number(n) => match n.as_f64() {
            Some(f) if n.is_f64() => from_json_of_float(f),
            _ => Value::Number(n),
        },
        Value::Array(items) => items.into_iter().map(free).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, free(v))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse_with_floats;
    use serde_json::json;

    fn metadata(text: &str) -> Value {
        let Value::Object(map) = parse_with_floats(text).unwrap() else {
            panic!("a map");
        };
        Value::Object(read(map, METADATA))
    }

    #[test]
    fn texts_are_made_as_go_makes_them() {
        let cases = [
            ("1.0", json!("1")),
            ("1e3", json!("1000")),
            ("1e6", json!("1e+06")),
            ("1000000", json!("1000000")),
            ("123456789.0", json!("1.2345679e+08")),
            ("0x10", json!("16")),
            ("true", json!("true")),
            ("'1e6'", json!("1e6")),
        ];
        for (written, want) in cases {
            let read = metadata(&format!("appVersion: {written}\nkeywords: [{written}]"));
            assert_eq!(read["appVersion"], want, "{written}");
            assert_eq!(read["keywords"][0], want, "{written}");
        }
    }

    #[test]
    fn null_is_nothing_and_names_have_any_case() {
        assert_eq!(
            metadata(
                "NAME: c\nVersion: 1\nversion:\ndescription:\nkeywords: [~]\nannotations: {a: ~}\nunknown: 1\n\
                 dependencies: [{Name: d, import-values: [{child: 1e7}]}]\n"
            ),
            json!({"name": "c", "version": "1", "keywords": [""], "annotations": {"a": ""},
                "dependencies": [{"name": "d", "import-values": [{"child": 10_000_000}]}]})
        );
    }

    #[test]
    fn another_file_fills_what_it_has() {
        let mut below = metadata("name: c\ndependencies: [{name: a, alias: x}, {name: b}]");
        read_over(
            &mut below,
            metadata("dependencies: [{name: d, version: 2}]"),
        );
        assert_eq!(
            below,
            json!({"name": "c", "dependencies": [{"name": "d", "alias": "x", "version": "2"}]})
        );
    }
}
