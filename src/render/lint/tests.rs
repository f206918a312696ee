use super::*;
use crate::chart::File;
use crate::values::Values;
use serde_json::json;

fn chart(values: &str, schema: Option<&str>, templates: &[(&str, &str)]) -> Chart {
    let mut chart = Chart {
        values: crate::yaml::parse(values).unwrap(),
        ..Chart::default()
    };
    chart.metadata.name = "c".to_owned();
    chart.metadata.version = "1.0.0".to_owned();
    chart.metadata.description = "d".to_owned();
    chart.values_text = Some(values.to_owned());
    chart.schema = schema.map(|s| s.as_bytes().to_vec());
    chart.files = vec![File {
        name: "README.md".to_owned(),
        data: Vec::new(),
    }];
    chart.templates = templates
        .iter()
        .map(|(n, t)| File {
            name: format!("templates/{n}"),
            data: t.as_bytes().to_vec(),
        })
        .collect();
    chart.templates.push(File {
        name: "templates/NOTES.txt.tera".to_owned(),
        data: Vec::new(),
    });
    chart
}

fn check(chart: &Chart, yaml: &str) -> Vec<String> {
    let values = Values {
        value: chart.values.clone(),
        origins: Default::default(),
        secrets: crate::values::secrets(chart, &chart.values),
        notes: Vec::new(),
    };
    let input = Input {
        chart,
        folder: Some("c"),
        chart_yaml: yaml,
        values: &values,
        capabilities: &Capabilities::default(),
    };
    lint(&input)
        .iter()
        .map(|f| {
            format!(
                "{} {}:{} {}",
                f.rule,
                f.file,
                f.line.unwrap_or(0),
                f.message.lines().next().unwrap_or("")
            )
        })
        .collect()
}

#[test]
fn values_schema_and_templates_are_held_against_each_other() {
    let values = "# all\nused: 1\nunused: 2\nmap:\n  # m\n  a: 1\n  b: 2\nfree: {}\n";
    let schema = json!({
        "type": "object",
        "properties": {
            "used": {"type": "integer"},
            "unused": {"type": "string"},
            "map": {"type": "object", "properties": {"a": {}}, "additionalProperties": false},
            "free": {"type": "object"},
            "ghost": {"type": "string"},
        },
    });
    let template = "{{ values.used }}{{ values.map.a }}{{ values.free | to_json }}\n{{ values.nowhere | default(value=1) }}";
    let schema = serde_json::to_string_pretty(&schema).unwrap();
    let found = check(&chart(values, Some(&schema), &[("_a.tera", template)]), "");
    assert_eq!(
        found,
        [
            "values/against-schema values.yaml:0 map: Additional properties are not allowed ('b' was unexpected)",
            "values/against-schema values.yaml:0 unused: 2 is not of type \"string\"",
            "values/undeclared templates/_a.tera:2 nowhere is used here and declared nowhere",
            "schema/unused values.schema.json:20 nothing uses ghost",
            "values/unused values.yaml:3 no template uses unused",
            "schema/gap values.yaml:7 map.b is not in the schema",
            "values/unused values.yaml:7 no template uses map.b",
            "values/undocumented values.yaml:3 unused has no comment",
            "values/undocumented values.yaml:8 free has no comment",
        ]
    );
}

#[test]
fn schemas_reach_files_of_the_chart_and_those_of_subcharts_count_by_themselves() {
    let child = chart(
        "a: 1\n",
        Some(r#"{"properties": {"a": {"type": "string"}}}"#),
        &[],
    );
    let mut parent = chart("c: {a: 2}\nn: 2.0\nsecret: 5\n", None, &[]);
    parent.metadata.name = "p".to_owned();
    parent.dependencies = vec![child];
    let of = |chart: &Chart| -> Vec<String> {
        let found = check(chart, "").into_iter();
        found
            .filter(|f| f.contains("against-schema") || f.contains("schema/invalid"))
            .collect()
    };
    let want = "values/against-schema values.yaml:0 c.a: 2 is not of type \"string\"";
    assert_eq!(of(&parent), [want]);
    let schema = r#"{"properties": {"n": {"$ref": "defs.json#/n"},
        "secret": {"type": "string", "x-nutkin-secret": true, "description": "hush"}}}"#;
    parent.schema = Some(schema.as_bytes().to_vec());
    parent.files.push(File {
        name: "defs.json".to_owned(),
        data: br#"{"n": {"type": "integer"}}"#.to_vec(),
    });
    let hidden =
        "values/against-schema values.yaml:0 secret: (hidden) is not of type \"string\" (hush)";
    assert_eq!(of(&parent), [want, hidden]);
    parent.schema = Some(br#"{"$ref": "https://example.org/x.json"}"#.to_vec());
    assert!(
        of(&parent)[0].contains("outside the chart"),
        "{:?}",
        of(&parent)
    );
}

#[test]
fn chart_yaml_and_traps() {
    let mut chart = chart(
        "# c\na: yes\n# d\na: 010\n",
        None,
        &[("_a.tera", "{{ values.a }}")],
    );
    chart.metadata.version = "v1.0".to_owned();
    chart.metadata.app_version = "1.2".to_owned();
    chart.metadata.description.clear();
    chart
        .metadata
        .annotations
        .insert(ALLOW.to_owned(), "schema/missing, chart/readm".to_owned());
    let found = check(&chart, "name: c\nversion: v1.0\nappVersion: 1.20\n");
    let rules: Vec<&str> = found.iter().map(|f| f.split(' ').next().unwrap()).collect();
    assert_eq!(
        rules,
        [
            "chart/unknown-rule",
            "chart/version",
            "chart/app-version",
            "values/yaml-trap",
            "values/yaml-trap",
            "values/yaml-trap",
            "chart/description",
        ]
    );
    assert!(
        found[0].contains("did you mean \"chart/readme\"?"),
        "{found:?}"
    );
}

#[test]
fn removed_apis_and_broken_templates() {
    let old = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x}\n";
    assert_eq!(
        check(&chart("", None, &[("a.yaml.tera", old)]), ""),
        [
            "object/removed-api templates/a.yaml.tera:1 PodDisruptionBudget x has policy/v1beta1, which Kubernetes stopped serving in 1.25 (the chart is checked for v1.37.0); now it is policy/v1"
        ]
    );
    let endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: x}\n";
    assert_eq!(
        check(&chart("", None, &[("a.yaml.tera", endpoints)]), ""),
        [
            "object/deprecated-api templates/a.yaml.tera:1 Endpoints x has v1, deprecated since Kubernetes 1.33 (the chart is checked for v1.37.0); use EndpointSlice of discovery.k8s.io/v1"
        ]
    );
    let broken = check(
        &chart("", None, &[("a.yaml.tera", "x\n{{ chart.nam }}")]),
        "",
    );
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0].starts_with("template/error templates/a.yaml.tera:2 "),
        "{broken:?}"
    );
}

#[test]
fn reports() {
    let finding = unreadable("values.yaml", Some(3), "100% bad,\nreally");
    assert_eq!(
        github("charts/c", &finding),
        "::error file=charts/c/values.yaml,line=3,title=chart/invalid::100%25 bad,%0Areally; fix: correct the file\n"
    );
    assert_eq!(
        text(".", &finding),
        "values.yaml:3: error [chart/invalid] 100% bad,\nreally\n    fix: correct the file\n"
    );
    let odd = unreadable("a b.yaml", None, "x");
    let log = sarif(&[("c".to_owned(), finding), ("c".to_owned(), odd)]);
    // What SARIF 2.1.0 requires: section 3.13 and below.
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["tool"]["driver"]["name"], "nutkin");
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    for result in log["runs"][0]["results"].as_array().unwrap() {
        assert!(result["message"]["text"].is_string());
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.contains([' ', '\\', '#']), "{uri}");
    }
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "chart/invalid");
    assert_eq!(
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
        "c/values.yaml"
    );
    assert_eq!(
        log["runs"][0]["tool"]["driver"]["rules"]
            .as_array()
            .unwrap()
            .len(),
        RULES.len()
    );
}

#[test]
fn rules_have_names_of_their_own_and_are_documented() {
    let page = include_str!("../../../docs/lint.md");
    for (at, rule) in RULES.iter().enumerate() {
        assert!(
            !RULES[..at].iter().any(|r| r.id == rule.id),
            "{} twice",
            rule.id
        );
        assert!(
            page.contains(&format!("| `{}` |", rule.id)),
            "{} is not in docs/lint.md",
            rule.id
        );
    }
}
