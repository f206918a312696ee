//! What changed between two sets of values, each change with what set it.

use super::walk::MASK;
use super::{Place, Values, dotted};
use crate::yaml::Value;

/// A value that is another than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The path, as people write it.
    pub path: String,
    /// What it was; `None` where there was none. Secrets are masked.
    pub old: Option<Value>,
    /// What it is; `None` where there is none. Secrets are masked.
    pub new: Option<Value>,
    /// What set the new one.
    pub origin: Option<Place>,
}

/// The values that differ from older ones, in the order of the new ones; those that are gone come last
/// in their map. A list that differs is one change.
pub fn changes(old: &Value, new: &Values) -> Vec<Change> {
    let mut found = Vec::new();
    compare(
        Some(old),
        Some(&new.value),
        new,
        &mut Vec::new(),
        &mut found,
    );
    found
}

fn compare(
    old: Option<&Value>,
    new: Option<&Value>,
    values: &Values,
    path: &mut Vec<String>,
    found: &mut Vec<Change>,
) {
    match (old, new) {
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            for key in after.keys().chain(gone) {
                path.push(key.clone());
                compare(before.get(key), after.get(key), values, path, found);
                path.pop();
            }
        }
        (None, Some(Value::Object(after))) if !after.is_empty() => {
            for (key, value) in after {
                path.push(key.clone());
                compare(None, Some(value), values, path, found);
                path.pop();
            }
        }
        (Some(a), Some(b)) if super::origins::same(a, b) => {}
        (None | Some(Value::Null), None | Some(Value::Null)) => {}
        (old, new) => {
            let shown = |value: Option<&Value>| {
                let mut value = value?.clone();
                if values.secrets.hide(path) {
                    value = Value::from(MASK);
                } else if values.secrets.touch(path) {
                    values.secrets.mask_below(path, &mut value);
                }
                Some(value)
            };
            found.push(Change {
                path: dotted(path),
                old: shown(old),
                new: shown(new),
                origin: new.and_then(|value| values.origins.place_of(path, value)),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Chart;
    use crate::values::{Numbers, Sources, ValuesFile, merge_user, resolve};
    use serde_json::json;

    #[test]
    fn each_change_names_what_set_it() {
        let mut chart = Chart {
            values: json!({"image": {"tag": "1", "name": "f"}, "list": [1, 2], "gone": 1}),
            values_text: Some("image: {tag: '1', name: f}\nlist: [1, 2]\ngone: 1\n".to_owned()),
            schema: Some(br#"{"properties":{"password":{"x-nutkin-secret":true}}}"#.to_vec()),
            ..Chart::default()
        };
        chart.metadata.name = "c".to_owned();
        let sources = Sources {
            files: vec![ValuesFile {
                name: "prod.yaml".to_owned(),
                text: "image:\n  tag: '2'\npassword: new-secret\ngone: null\n".to_owned(),
                ..ValuesFile::default()
            }],
            set: vec!["list={1}".to_owned()],
            ..Sources::default()
        };
        let user = merge_user(&sources, Numbers::Exact).unwrap();
        let new = resolve(&mut chart, &user, Numbers::Exact).unwrap();
        let old = json!({"image": {"tag": "1", "name": "f"}, "list": [1, 2], "gone": 1, "password": "old-secret"});
        let lines: Vec<String> = changes(&old, &new)
            .iter()
            .map(|c| {
                let shown =
                    |v: &Option<Value>| v.as_ref().map(Value::to_string).unwrap_or_default();
                let place = c
                    .origin
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                format!(
                    "{}: {} -> {} ({place})",
                    c.path,
                    shown(&c.old),
                    shown(&c.new)
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "image.tag: \"1\" -> \"2\" (prod.yaml:2)",
                "list: [1,2] -> [1] (--set list)",
                "password: \"(hidden)\" -> \"(hidden)\" (prod.yaml:3)",
                "gone: 1 ->  ()",
            ]
        );
    }
}
