//! What changes in an object, for people: noise removed, secrets hidden, as a unified diff.

use similar::TextDiff;

use super::hidden::Hidden;
use crate::yaml::{Map, Value, emit};

/// What the server writes into an object's metadata.
const METADATA: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
];
/// What controllers and kubectl write into its annotations.
const ANNOTATIONS: [&str; 2] = [
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// The object without what the server and its controllers write: status, managedFields, versions,
/// times, uid; and without maps that are empty then.
pub fn without_noise(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in METADATA {
                metadata.remove(field);
            }
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                for key in ANNOTATIONS {
                    annotations.remove(key);
                }
            }
            for field in ["annotations", "labels"] {
                if metadata
                    .get(field)
                    .and_then(Value::as_object)
                    .is_some_and(Map::is_empty)
                {
                    metadata.remove(field);
                }
            }
        }
    }
    object
}

/// Whether two objects differ in more than noise: whether [`without_noise`] of them does, copying
/// neither.
pub fn differs(before: &Value, after: &Value) -> bool {
    let texts = |before: Option<&Value>, after: Option<&Value>, noise: &[&str]| {
        let empty = Map::new();
        match (before, after) {
            (None | Some(Value::Object(_)), None | Some(Value::Object(_))) => same(
                before.and_then(Value::as_object).unwrap_or(&empty),
                after.and_then(Value::as_object).unwrap_or(&empty),
                noise,
                &|_, before, after| before == after,
            ),
            _ => before == after,
        }
    };
    let metadata = |key: &str, before: Option<&Value>, after: Option<&Value>| match key {
        "annotations" => texts(before, after, &ANNOTATIONS),
        "labels" => texts(before, after, &[]),
        _ => before == after,
    };
    let object = |key: &str, before: Option<&Value>, after: Option<&Value>| match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) if key == "metadata" => {
            same(before, after, &METADATA, &metadata)
        }
        _ => before == after,
    };
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => !same(before, after, &["status"], &object),
        _ => before != after,
    }
}

/// Whether what two maps have under a key is the same.
type Same<'a> = dyn Fn(&str, Option<&Value>, Option<&Value>) -> bool + 'a;

/// Whether two maps are the same but for some keys, by a comparison of their values.
fn same(before: &Map, after: &Map, noise: &[&str], values: &Same<'_>) -> bool {
    let new = after.keys().filter(|key| !before.contains_key(*key));
    before
        .keys()
        .chain(new)
        .filter(|key| !noise.contains(&key.as_str()))
        .all(|key| values(key, before.get(key), after.get(key)))
}

/// The difference of two objects as a unified diff of their YAML; empty when they don't differ.
/// `None` stands for no object, `context` is the number of lines around a change.
pub fn unified(
    before: Option<&Value>,
    after: Option<&Value>,
    hidden: &Hidden,
    context: usize,
) -> String {
    let (before, after) = (before.map(without_noise), after.map(without_noise));
    let (before, after) = hidden.pair(before.as_ref(), after.as_ref());
    let text = |object: Option<Value>| object.map_or(String::new(), |o| emit(&o));
    let (before, after) = (text(before), text(after));
    if before == after {
        return String::new();
    }
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    diff.unified_diff().context_radius(context).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(before: Option<&Value>, after: Option<&Value>) -> String {
        unified(before, after, &Hidden::default(), 3)
    }

    #[test]
    fn noise_is_no_difference() {
        let before = json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1",
            "uid": "u", "managedFields": [], "annotations": {}}, "data": {"k": "v"}});
        let after = json!({"kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "2",
            "generation": 3}, "data": {"k": "v"}, "status": {"x": 1}});
        assert!(!differs(&before, &after));
        assert_eq!(shown(Some(&before), Some(&after)), "");
    }

    #[test]
    fn to_differ_is_to_differ_without_noise() {
        let metadata = json!({"name": "a", "uid": "u", "labels": {"x": "1"}});
        let sides = [
            json!(null),
            json!({}),
            json!({"kind": "A"}),
            json!({"kind": "A", "status": {"x": 1}}),
            json!({"kind": "A", "metadata": null}),
            json!({"kind": "A", "metadata": {}}),
            json!({"kind": "A", "metadata": {"uid": "u", "annotations": {}, "labels": {}}}),
            json!({"kind": "A", "metadata": {"annotations": null}}),
            json!({"kind": "A", "metadata": {"annotations": {"a": "1"}}}),
            json!({"kind": "A", "metadata": {"annotations": {ANNOTATIONS[0]: "1"}}}),
            json!({"kind": "A", "metadata": {"annotations": {ANNOTATIONS[1]: "1", "a": "1"}}}),
            json!({"kind": "A", "metadata": {"labels": {ANNOTATIONS[0]: "1"}}}),
            json!({"metadata": metadata, "kind": "A"}),
            json!({"kind": "A", "metadata": metadata, "spec": {"status": 1}}),
            json!({"kind": "A", "metadata": metadata, "spec": {"status": 2}}),
        ];
        let mut different = 0;
        for before in &sides {
            for after in &sides {
                let expected = without_noise(before) != without_noise(after);
                assert_eq!(differs(before, after), expected, "{before} {after}");
                different += usize::from(expected);
            }
        }
        // Each is the same as itself, and some are as others.
        assert!((100..sides.len() * (sides.len() - 1)).contains(&different));
    }

    #[test]
    fn a_change_shows_with_its_context() {
        let before = json!({"data": {"a": "1", "b": "2"}});
        let after = json!({"data": {"a": "1", "b": "3"}});
        insta::assert_snapshot!(shown(Some(&before), Some(&after)), @r#"
        @@ -1,3 +1,3 @@
         data:
           a: "1"
        -  b: "2"
        +  b: "3"
        "#);
        assert!(shown(None, Some(&after)).contains("+data:"));
        assert!(!unified(Some(&before), Some(&after), &Hidden::default(), 0).contains("data:"));
    }

    #[test]
    fn no_value_of_a_secret_is_shown() {
        let of = |value: &str| {
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"same": "c2FtZQ==", "key": value},
                "stringData": {"plain": "open-sesame"},
                "metadata": {"annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "open-sesame"}}})
        };
        let text = shown(Some(&of("b2xk")), Some(&of("bmV3")));
        for secret in ["c2FtZQ", "b2xk", "bmV3", "open-sesame"] {
            assert!(!text.contains(secret), "{text}");
        }
        // That it changed is shown.
        assert!(
            text.contains("-  key:") && text.contains("+  key:"),
            "{text}"
        );
        assert!(!text.contains("-  same:"), "{text}");
    }
}
