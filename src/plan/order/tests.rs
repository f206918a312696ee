//! Tables of orders.

use super::*;
use serde_json::json;

/// Objects as `Kind/name`, each with its annotations.
fn objects(list: &[(&str, &str, &str)]) -> Vec<(ObjectRef, Value)> {
    list.iter()
        .map(|(object, depends_on, weight)| {
            let (kind, name) = object.split_once('/').unwrap();
            let version = match kind {
                "Deployment" => "apps/v1",
                "FlinkDeployment" => "flink.apache.org/v1beta1",
                "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
                "ValidatingWebhookConfiguration" => "admissionregistration.k8s.io/v1",
                _ => "v1",
            };
            let mut annotations = serde_json::Map::new();
            for (key, text) in [(DEPENDS_ON, depends_on), (WEIGHT, weight)] {
                if !text.is_empty() {
                    annotations.insert(key.to_owned(), json!(text));
                }
            }
            (
                ObjectRef::new(version, kind, Some("ns"), name),
                json!({"metadata": {"annotations": annotations}}),
            )
        })
        .collect()
}

fn items(all: &[(ObjectRef, Value)]) -> Vec<Item<'_>> {
    all.iter().map(|(r, v)| (r, v)).collect()
}

/// The waves in words: objects by spaces, `<` before what a wave waits for.
fn shown(list: &[(&str, &str, &str)]) -> Result<Vec<String>, Error> {
    let all = objects(list);
    let waves = waves(&items(&all), &|_| false)?;
    Ok(waves
        .iter()
        .map(|w| {
            let names: Vec<String> = w.items.iter().map(|i| all[*i].0.to_string()).collect();
            let needs: Vec<String> = w
                .after
                .union(&w.needs)
                .map(|n| match n {
                    Need::Item(i) => all[*i].0.to_string(),
                    Need::Other(named) => {
                        format!("{named}@{}", named.namespace.as_deref().unwrap_or(""))
                    }
                })
                .collect();
            match needs.is_empty() {
                true => names.join(" "),
                false => format!("{} < {}", names.join(" "), needs.join(" ")),
            }
        })
        .collect())
}

#[test]
fn kinds_weights_and_needs() {
    for (list, wanted) in [
        (
            vec![
                ("Deployment/a", "", ""),
                ("Deployment/b", "", ""),
                ("ConfigMap/c", "", ""),
                ("Namespace/n", "", ""),
            ],
            vec!["Namespace/n", "ConfigMap/c", "Deployment/a Deployment/b"],
        ),
        // CRDs are awaited by what comes after them.
        (
            vec![
                ("FlinkDeployment/job", "", ""),
                ("CustomResourceDefinition/x", "", ""),
                ("ConfigMap/c", "", ""),
            ],
            vec![
                "CustomResourceDefinition/x",
                "ConfigMap/c < CustomResourceDefinition/x",
                "FlinkDeployment/job",
            ],
        ),
        // Who waits goes after all who don't.
        (
            vec![
                ("ConfigMap/late", "Deployment/operator", ""),
                ("ConfigMap/c", "", ""),
                ("Deployment/operator", "", ""),
                (
                    "FlinkDeployment/job",
                    "Deployment/operator, Service/hook",
                    "",
                ),
                ("Service/hook", "", ""),
            ],
            vec![
                "ConfigMap/c Service/hook",
                "Deployment/operator",
                "ConfigMap/late < Deployment/operator",
                "FlinkDeployment/job < Deployment/operator Service/hook",
            ],
        ),
        // What is none of ours is waited for all the same.
        (
            vec![
                ("ConfigMap/c", "Deployment/other/operator Secret/s", ""),
                ("Job/free", "", ""),
            ],
            vec![
                "Job/free",
                "ConfigMap/c < Deployment/operator@other Secret/s@ns",
            ],
        ),
        (
            vec![
                ("ConfigMap/c", "", "5"),
                ("Deployment/a", "", "-1"),
                ("ConfigMap/b", "", ""),
                ("Namespace/n", "", ""),
            ],
            vec![
                "Namespace/n",
                "Deployment/a",
                "ConfigMap/b < Deployment/a",
                "ConfigMap/c < ConfigMap/b",
            ],
        ),
    ] {
        let found = shown(&list).unwrap();
        assert_eq!(found, wanted, "{list:?}");
    }
}

#[test]
fn what_makes_no_order_is_named() {
    for (list, words) in [
        (
            vec![
                ("ConfigMap/a", "ConfigMap/b", ""),
                ("ConfigMap/b", "ConfigMap/c", ""),
                ("ConfigMap/c", "ConfigMap/b", ""),
            ],
            "ConfigMap/b → ConfigMap/c → ConfigMap/b",
        ),
        (
            vec![("ConfigMap/a", "ConfigMap/a", "")],
            "ConfigMap/a → ConfigMap/a",
        ),
        (
            vec![("ConfigMap/a", "ConfigMap/b", ""), ("ConfigMap/b", "", "3")],
            "ConfigMap/a (nutkin.dev/weight 0) needs ConfigMap/b, whose nutkin.dev/weight is higher (3)",
        ),
        (vec![("ConfigMap/a", "", "high")], "\"high\""),
        (vec![("ConfigMap/a", "operator", "")], "Kind/name"),
        (vec![("ConfigMap/a", "A/b/c/d", "")], "Kind/name"),
    ] {
        let error = shown(&list).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_binding_goes_with_its_role_where_it_may() {
    let all = objects(&[
        ("Role/r", "", ""),
        ("RoleBinding/free", "", ""),
        ("RoleBinding/bound", "", ""),
        ("RoleBinding/late", "ConfigMap/c", ""),
        ("Deployment/d", "", ""),
        ("ConfigMap/c", "", ""),
    ]);
    // What is no binding keeps its place, whatever is said of it.
    let waves = waves(&items(&all), &|at| at != 2).unwrap();
    let waves: Vec<&[usize]> = waves.iter().map(|w| w.items.as_slice()).collect();
    assert_eq!(waves, [&[0, 1, 5][..], &[2], &[4], &[3]]);
}

#[test]
fn a_long_chain_is_no_trouble() {
    let names: Vec<(String, String)> = (0..3000)
        .map(|i| (format!("ConfigMap/c{i}"), format!("ConfigMap/c{}", i + 1)))
        .collect();
    let mut list: Vec<(&str, &str, &str)> = names
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str(), ""))
        .collect();
    list.push(("ConfigMap/c3000", "", ""));
    let all = objects(&list);
    let waves = waves(&items(&all), &|_| false).unwrap();
    assert_eq!(waves.len(), 3001);
    assert_eq!(waves[0].items, [3000]);
}

#[test]
fn deletion_is_the_reverse() {
    let all = objects(&[
        ("Namespace/n", "", ""),
        ("ConfigMap/c", "", ""),
        ("Deployment/operator", "", ""),
        ("Deployment/app", "Deployment/operator", ""),
        ("FlinkDeployment/job", "", ""),
        ("ValidatingWebhookConfiguration/hook", "", ""),
        ("ConfigMap/heavy", "", "5"),
        // Makes no order: passed over.
        ("Secret/s", "Secret/s", ""),
    ]);
    let order: Vec<(Vec<String>, Vec<String>)> = removal(&items(&all))
        .iter()
        .map(|(wave, gone)| {
            let names = |list: &[usize]| list.iter().map(|i| all[*i].0.name.clone()).collect();
            (names(wave), names(gone))
        })
        .collect();
    let words = |list: &[&str]| -> Vec<String> { list.iter().map(|s| (*s).to_owned()).collect() };
    assert_eq!(
        order,
        [
            (words(&["heavy"]), vec![]),
            (words(&["hook"]), vec![]),
            (words(&["job"]), words(&["job"])),
            (words(&["app"]), words(&["app"])),
            (words(&["operator"]), vec![]),
            (words(&["c"]), vec![]),
            (words(&["s"]), vec![]),
            (words(&["n"]), vec![]),
        ]
    );
}
