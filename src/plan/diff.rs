//! What changes in an object, for people: noise removed, secrets hidden, as a unified diff.

use similar::TextDiff;

use super::hidden::Hidden;
use crate::yaml::{Map, Value, emit};

/// The object without what the server and its controllers write: status, managedFields, versions,
/// times, uid; and without maps that are empty then.
pub fn without_noise(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in [
                "managedFields",
                "resourceVersion",
                "generation",
                "uid",
                "creationTimestamp",
                "selfLink",
            ] {
                metadata.remove(field);
            }
            if let Some(annotations) = metadata
                .get_mut("annotations")
                .and_then(Value::as_object_mut)
            {
                annotations.remove("deployment.kubernetes.io/revision");
                annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
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

/// Whether two objects differ in more than noise.
pub fn differs(before: &Value, after: &Value) -> bool {
    without_noise(before) != without_noise(after)
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
