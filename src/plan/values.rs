//! The values that differ between two revisions, each with the place that sets it now.

use serde::{Deserialize, Serialize};

use crate::values::{MASK, Origins, Secrets, dotted, same};
use crate::yaml::Value;

/// A value that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueChange {
    /// Where it stands, for instance `image.tag`.
    pub path: String,
    /// What it was; `None` where it wasn't set. Hidden where the chart's schema marks it as secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it is now; `None` where it isn't set any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The file and line, or the flag, that sets it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set_by: Option<String>,
    /// Both as they are, to find what they cause; never shown or stored.
    #[serde(skip)]
    pub texts: (String, String),
}

/// Compares the final values of two revisions. `origins` are the new ones', where they are known.
pub fn changes(
    before: &Value,
    after: &Value,
    origins: Option<&Origins>,
    secrets: &[&Secrets],
) -> Vec<ValueChange> {
    let mut found = Vec::new();
    let seen = Seen { origins, secrets };
    seen.walk(&mut Vec::new(), Some(before), Some(after), &mut found);
    found
}

/// The texts of all values that schemas mark as secret.
pub fn secret_texts(values: &Value, secrets: &Secrets) -> Vec<String> {
    fn leaves(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.values().for_each(|v| leaves(v, found)),
            Value::Array(list) => list.iter().for_each(|v| leaves(v, found)),
            Value::Null | Value::Bool(_) => {}
            scalar => found.push(text(Some(scalar))),
        }
    }
    let mut found = Vec::new();
    secrets.each(values, &mut |value| leaves(value, &mut found));
    found
}

struct Seen<'a> {
    origins: Option<&'a Origins>,
    secrets: &'a [&'a Secrets],
}

impl Seen<'_> {
    fn walk(
        &self,
        path: &mut Vec<String>,
        before: Option<&Value>,
        after: Option<&Value>,
        found: &mut Vec<ValueChange>,
    ) {
        let mut below = |key: String, before: Option<&Value>, after: Option<&Value>| {
            path.push(key);
            self.walk(path, before, after, found);
            path.pop();
        };
        match (before, after) {
            (None, None) => return,
            (Some(a), Some(b)) if same(a, b) => return,
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                let added = b.keys().filter(|k| !a.contains_key(*k));
                for key in a.keys().chain(added) {
                    below(key.clone(), a.get(key), b.get(key));
                }
                return;
            }
            (None, Some(Value::Object(map))) if !map.is_empty() => {
                map.iter()
                    .for_each(|(k, v)| below(k.clone(), None, Some(v)));
                return;
            }
            (Some(Value::Object(map)), None) if !map.is_empty() => {
                map.iter()
                    .for_each(|(k, v)| below(k.clone(), Some(v), None));
                return;
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
                for (i, (a, b)) in a.iter().zip(b).enumerate() {
                    below(i.to_string(), Some(a), Some(b));
                }
                return;
            }
            _ => {}
        }
        let hide = self.secrets.iter().any(|s| s.touch(path));
        let shown =
            |value: Option<&Value>| value.map(|v| if hide { MASK.into() } else { v.clone() });
        let set_by = after.and_then(|after| self.origins?.place_of(path, after));
        found.push(ValueChange {
            path: dotted(path),
            before: shown(before),
            after: shown(after),
            set_by: set_by.map(|place| place.to_string()),
            texts: (text(before), text(after)),
        });
    }
}

/// A value as a template prints it.
fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_compared_leaf_by_leaf() {
        let before = json!({"a": {"x": 1, "y": [1, 2]}, "b": "old", "gone": {"z": true}, "n": 2});
        let after = json!({"a": {"x": 1, "y": [1, 3]}, "b": "new", "more": {"deep": 1}, "n": 2.0});
        let found: Vec<(String, Option<Value>, Option<Value>)> =
            changes(&before, &after, None, &[])
                .into_iter()
                .map(|c| (c.path, c.before, c.after))
                .collect();
        assert_eq!(
            found,
            [
                ("a.y[1]".into(), Some(json!(2)), Some(json!(3))),
                ("b".into(), Some(json!("old")), Some(json!("new"))),
                ("gone.z".into(), Some(json!(true)), None),
                ("more.deep".into(), None, Some(json!(1))),
            ]
        );
    }

    #[test]
    fn secrets_are_hidden_and_known() {
        let chart = crate::chart::Chart {
            schema: Some(
                json!({"properties": {"db": {"properties": {"password": {"x-nutkin-secret": true}}}}})
                    .to_string()
                    .into_bytes(),
            ),
            ..Default::default()
        };
        let of = |password: &str| json!({"db": {"password": password, "user": "u"}});
        let (before, after) = (of("one-secret"), of("two-secret"));
        let secrets = crate::values::secrets(&chart, &after);
        let found = changes(&before, &after, None, &[&secrets]);
        let json = serde_json::to_string(&found).unwrap();
        assert!(
            json.contains("db.password") && !json.contains("-secret\""),
            "{json}"
        );
        assert_eq!(secret_texts(&after, &secrets), ["two-secret"]);
    }
}
