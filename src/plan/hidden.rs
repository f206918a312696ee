//! Hiding what is secret in what is shown: the values of Secrets, and what the chart marks as secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::yaml::Value;

/// What stands in the place of something secret.
const MARK: &str = "(hidden)";
/// Texts of fewer bytes are hidden only where they are all that stands there: `1` is in many places.
const SHORT: usize = 4;

/// Secret texts, and each form in which they may show up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    /// The form, and what stands in its place; the longest first.
    forms: Vec<(String, String)>,
}

impl Hidden {
    /// Hides texts. Each has a number in its mark, so that a change from one to another shows.
    pub fn new(texts: impl IntoIterator<Item = String>) -> Hidden {
        let mut texts: Vec<String> = texts.into_iter().filter(|t| !t.trim().is_empty()).collect();
        let mut seen = std::collections::HashSet::new();
        texts.retain(|t| seen.insert(t.clone()));
        let mut forms = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let mark = format!("(hidden {})", number + 1);
            let mut add = |form: String| forms.push((form, mark.clone()));
            let quoted = Value::from(text.as_str()).to_string();
            add(quoted.trim_matches('"').to_owned());
            add(BASE64.encode(text));
            // A text of several lines is indented where a template puts it.
            for line in text.lines().filter(|l| l.trim().len() >= 2 * SHORT) {
                add(line.trim().to_owned());
            }
            add(text.clone());
        }
        forms.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        forms.dedup_by(|a, b| a.0 == b.0);
        Hidden { forms }
    }

    /// A text without what is secret in it.
    pub fn text(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for (form, mark) in &self.forms {
            if shown == *form || (form.len() >= SHORT && shown.contains(form.as_str())) {
                shown = shown.replace(form.as_str(), mark);
            }
        }
        shown
    }

    /// A value without what is secret in it.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => Value::Array(items.iter().map(|v| self.value(v)).collect()),
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(key, v)| (key.clone(), self.value(v)))
                    .collect(),
            ),
            Value::Number(number) => {
                let text = number.to_string();
                let shown = self.text(&text);
                if shown == text {
                    value.clone()
                } else {
                    Value::String(shown)
                }
            }
            other => other.clone(),
        }
    }

    /// An object before and after a change, without what is secret in them. A Secret's values say
    /// only whether they change.
    pub fn pair(
        &self,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        // Secrets first: two of their values that differ only in what is hidden must not look alike.
        let hide = |object: &Value, other: Option<&Value>, word: &str| {
            let mut object = object.clone();
            hide_secret(&mut object, other, word);
            self.value(&object)
        };
        (
            before.map(|o| hide(o, after, "before")),
            after.map(|o| hide(o, before, "after")),
        )
    }
}

/// Whether an object is a Secret.
pub fn is_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("Secret")
        && object.get("apiVersion").and_then(Value::as_str) == Some("v1")
}

/// The object with the values of a Secret hidden; other kinds are unchanged.
pub fn without_secrets(object: &Value) -> Value {
    let mut object = object.clone();
    hide_secret(&mut object, None, "");
    object
}

/// Marks the values of a Secret: all alike, and with a word those that differ from the other's.
fn hide_secret(object: &mut Value, other: Option<&Value>, word: &str) {
    if !is_secret(object) {
        return;
    }
    // What kubectl remembers of a Secret holds its values too.
    if let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    for field in ["data", "stringData"] {
        if let Some(data) = object.get_mut(field).and_then(Value::as_object_mut) {
            for (key, value) in data.iter_mut() {
                let theirs = other.and_then(|o| o.get(field)?.get(key));
                *value = Value::String(match theirs {
                    Some(theirs) if theirs != value => format!("(hidden, {word})"),
                    _ => MARK.to_owned(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_hidden_in_each_form() {
        let hidden = Hidden::new([
            "open-sesame".to_owned(),
            "a\"b/c\"d".to_owned(),
            "x1".to_owned(),
            "-----BEGIN KEY-----\nMIIEowIBAAKCAQEA\n-----END KEY-----".to_owned(),
        ]);
        for (text, shown) in [
            ("password=open-sesame;", "password=(hidden 1);"),
            ("b3Blbi1zZXNhbWU=", "(hidden 1)"),
            (r#"{"p": "a\"b/c\"d"}"#, r#"{"p": "(hidden 2)"}"#),
            ("x1", "(hidden 3)"),
            ("index x12", "index x12"),
            ("  MIIEowIBAAKCAQEA\n", "  (hidden 4)\n"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(hidden.text(text), shown);
        }
        assert_eq!(
            hidden.value(&json!({"a": ["open-sesame", 1]})),
            json!({"a": ["(hidden 1)", 1]})
        );
        assert_eq!(
            Hidden::new(["4711".to_owned()]).value(&json!(4711)),
            json!("(hidden 1)")
        );
    }

    #[test]
    fn a_change_from_one_secret_to_another_shows() {
        let hidden = Hidden::new(["old-secret".to_owned(), "new-secret".to_owned()]);
        let of = |text: &str| json!({"kind": "ConfigMap", "data": {"k": text}});
        let (before, after) = hidden.pair(Some(&of("old-secret")), Some(&of("new-secret")));
        assert_ne!(before, after);
    }

    #[test]
    fn of_a_secret_only_that_it_changes_is_shown() {
        let of = |key: &str| {
            json!({"apiVersion": "v1", "kind": "Secret",
                "data": {"same": "c2FtZQ==", "key": key}, "stringData": {"plain": "open"},
                "metadata": {"annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "open"}}})
        };
        let hidden = Hidden::new(["b2xk".to_owned(), "bmV3".to_owned()]);
        let (before, after) = hidden.pair(Some(&of("b2xk")), Some(&of("bmV3")));
        let (before, after) = (before.unwrap(), after.unwrap());
        assert_eq!(
            before["data"],
            json!({"same": "(hidden)", "key": "(hidden, before)"})
        );
        assert_eq!(
            after["data"],
            json!({"same": "(hidden)", "key": "(hidden, after)"})
        );
        assert_eq!(after["stringData"]["plain"], "(hidden)");
        let (_, made) = hidden.pair(None, Some(&of("bmV3")));
        assert_eq!(made.unwrap()["data"]["key"], "(hidden)");
        assert!(!without_secrets(&of("b2xk")).to_string().contains("open\""));
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "open"}});
        assert_eq!(without_secrets(&map), map);
    }
}
