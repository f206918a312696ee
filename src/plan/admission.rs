//! Whether a cluster's own rules of admission may have a word about plain objects. Pure.

use super::foresee::RBAC;
use crate::yaml::Value;

/// The groups and plural names of the kinds that [`super::foresee::plain`] foresees.
const PLAIN: [(&str, &[&str]); 2] = [
    (
        "",
        &["configmaps", "secrets", "serviceaccounts", "services"],
    ),
    (RBAC, &["roles", "rolebindings"]),
];

/// Whether a webhook configuration (`webhooks[].rules`) or an admission policy
/// (`spec.matchConstraints.resourceRules`) may change or refuse the making or changing of a plain object.
/// Selectors and conditions are not looked at: what may be meant counts as meant.
pub fn may_judge_plain(rules_of: &Value) -> bool {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned();
    let rules: Option<Vec<Value>> = match rules_of.get("webhooks") {
        Some(webhooks) => webhooks.as_array().map(|all| {
            all.iter()
                .flat_map(|w| list(w.get("rules")).unwrap_or_default())
                .collect()
        }),
        None => match rules_of.pointer("/spec/matchConstraints") {
            Some(constraints) => Some(list(constraints.get("resourceRules")).unwrap_or_default()),
            None if rules_of.get("spec").is_some() => None,
            // A webhook configuration without webhooks.
            None => Some(Vec::new()),
        },
    };
    // What can't be read may mean anything.
    rules.is_none_or(|rules| rules.iter().any(meets_plain))
}

fn meets_plain(rule: &Value) -> bool {
    let any = |field: &str, wanted: &[&str]| {
        rule.get(field).and_then(Value::as_array).is_none_or(|all| {
            all.iter()
                .filter_map(Value::as_str)
                .any(|word| word == "*" || wanted.contains(&word))
        })
    };
    any("operations", &["CREATE", "UPDATE"])
        && PLAIN.iter().any(|(group, resources)| {
            any("apiGroups", &[group])
                && (any("resources", resources) || any("resources", &["*/*"]))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(groups: &[&str], resources: &[&str], operations: &[&str]) -> Value {
        json!({"apiGroups": groups, "apiVersions": ["v1"], "resources": resources, "operations": operations})
    }

    #[test]
    fn what_may_meet_a_plain_object() {
        for (rule, meets) in [
            (rule(&[""], &["configmaps"], &["CREATE"]), true),
            (rule(&["*"], &["*"], &["*"]), true),
            (rule(&["", "apps"], &["*/*"], &["UPDATE", "DELETE"]), true),
            (rule(&[""], &["secrets", "pods"], &["*"]), true),
            (rule(&[""], &["pods", "pods/*"], &["*"]), false),
            (rule(&["cert-manager.io"], &["*"], &["*"]), false),
            (rule(&[RBAC], &["rolebindings"], &["UPDATE"]), true),
            (rule(&[RBAC], &["clusterroles"], &["*"]), false),
            (rule(&[RBAC], &["secrets"], &["*"]), false),
            (rule(&[""], &["services"], &["DELETE"]), false),
            // Of subresources only.
            (rule(&[""], &["services/status"], &["UPDATE"]), false),
            // A field that is missing is no bound.
            (json!({"resources": ["configmaps"]}), true),
        ] {
            let webhook =
                json!({"metadata": {"name": "w"}, "webhooks": [{"name": "a"}, {"rules": [rule]}]});
            assert_eq!(may_judge_plain(&webhook), meets, "{webhook}");
            let policy = json!({"spec": {"matchConstraints": {"resourceRules": [rule]}}});
            assert_eq!(may_judge_plain(&policy), meets, "{policy}");
        }
    }

    #[test]
    fn what_has_no_rules() {
        assert!(!may_judge_plain(&json!({"metadata": {"name": "empty"}})));
        assert!(!may_judge_plain(&json!({"webhooks": []})));
        assert!(!may_judge_plain(&json!({"spec": {"matchConstraints": {}}})));
        // A policy of a form that isn't known.
        assert!(may_judge_plain(&json!({"spec": {"rules": []}})));
        assert!(may_judge_plain(&json!({"webhooks": {}})));
    }
}
