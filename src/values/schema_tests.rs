//! Violations, secrets and references of schemas.

use serde_json::json;

use super::*;
use crate::chart::File;
use crate::values::{Numbers, Sources, Values, ValuesFile, merge_user, resolve};

fn chart(name: &str, values: &str, schema: Value) -> Chart {
    let mut chart = Chart {
        values: crate::yaml::parse(values).unwrap(),
        values_text: Some(values.to_owned()),
        schema: Some(schema.to_string().into_bytes()),
        ..Chart::default()
    };
    chart.metadata.name = name.to_owned();
    chart
}

fn resolved(chart: &mut Chart, file: &str, set: &str) -> Values {
    let sources = Sources {
        files: vec![ValuesFile {
            name: "prod.yaml".to_owned(),
            text: file.to_owned(),
            ..ValuesFile::default()
        }],
        set: vec![set.to_owned()],
        ..Sources::default()
    };
    let user = merge_user(&sources, Numbers::Exact).unwrap();
    resolve(chart, &user, Numbers::Exact).unwrap()
}

fn check(chart: &mut Chart, file: &str, set: &str) -> Vec<String> {
    let values = resolved(chart, file, set);
    match validate(chart, &values) {
        Ok(()) => Vec::new(),
        Err(Error::Violations(violations)) => violations.iter().map(ToString::to_string).collect(),
        Err(e) => vec![e.to_string()],
    }
}

#[test]
fn all_violations_name_what_set_the_value() {
    let schema = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "replicas": {"type": "integer", "minimum": 1, "description": "How many pods."},
            "image": {"$ref": "#/$defs/image"},
            "list": {"items": {"type": "string"}},
        },
        "$defs": {"image": {"properties": {"tag": {"type": "string"}}}},
    });
    let mut chart = chart("app", "replicas: 1\nlist:\n- a\n- 5\n", schema);
    assert_eq!(
        check(&mut chart, "# prod\nreplicas: 0\n", "image.tag=7"),
        [
            "\"name\" is a required property",
            "image.tag, set by --set image.tag: 7 is not of type \"string\"",
            "list[1], set by app/values.yaml:4: 5 is not of type \"string\"",
            "replicas, set by prod.yaml:2: 0 is less than the minimum of 1\n    How many pods.",
        ]
    );
    assert!(check(&mut chart, "name: x\nlist: [a]\n", "image.tag=v7").is_empty());
}

#[test]
fn subcharts_have_schemas_of_their_own() {
    let mut parent = chart(
        "parent",
        "sub: {size: big}\n",
        json!({"properties": {"sub": true}}),
    );
    parent.dependencies.push(chart(
        "sub",
        "size: 1\n",
        json!({"properties": {"size": {"type": "integer"}}}),
    ));
    assert_eq!(
        check(&mut parent, "", "x=1"),
        ["sub.size, set by parent/values.yaml:1: \"big\" is not of type \"integer\""]
    );
}

#[test]
fn references_stay_inside_the_chart() {
    let schema = json!({"properties": {"port": {"$ref": "schemas/port.json#/$defs/port"}}});
    let mut chart_with = chart("app", "port: 80\n", schema.clone());
    assert!(check(&mut chart_with, "", "x=1")[0].contains("there is no file schemas/port.json"));
    chart_with.files.push(File {
        name: "schemas/port.json".to_owned(),
        data: json!({"$defs": {"port": {"maximum": 65535}}})
            .to_string()
            .into_bytes(),
    });
    assert!(check(&mut chart_with, "", "x=1").is_empty());
    assert_eq!(check(&mut chart_with, "", "port=70000").len(), 1);
    let outside = json!({"properties": {"port": {"$ref": "https://example.com/port.json"}}});
    let mut chart_out = chart("app", "port: 80\n", outside);
    assert!(check(&mut chart_out, "", "x=1")[0].contains("outside the chart"));
    let mut no_json = chart("app", "", json!({}));
    no_json.schema = Some(b"{".to_vec());
    assert!(check(&mut no_json, "", "x=1")[0].starts_with("app/values.schema.json: "));
}

#[test]
fn secrets_are_shown_nowhere() {
    let schema = json!({"properties": {
        "password": {"type": "integer", "x-nutkin-secret": true},
        "users": {"items": {"properties": {"key": {"x-nutkin-secret": true}}, "additionalProperties": false}},
        "global": {"properties": {"token": {"x-nutkin-secret": true}}},
    }});
    let mut chart = chart("app", "", schema.clone());
    let file =
        "password: hunter2\nusers: [{key: hunter3, more: hunter4}]\nglobal: {token: hunter5}\n";
    let violations = check(&mut chart, file, "x=1").join("\n");
    assert_eq!(violations.lines().count(), 2, "{violations}");
    assert!(!violations.contains("hunter"), "{violations}");
    let mut values = resolved(&mut chart, file, "x=1").value;
    let found = crate::values::secrets(&chart, &values);
    assert!(found.hide(&["password".to_owned()]) && found.touch(&["users".to_owned()]));
    found.mask(&mut values);
    assert_eq!(
        values,
        json!({"password": "(hidden)", "users": [{"key": "(hidden)", "more": "hunter4"}],
            "global": {"token": "(hidden)"}, "x": 1})
    );
    let mut own = json!({"password": "x"});
    crate::values::mask(&mut own, &schema);
    assert_eq!(own, json!({"password": "(hidden)"}));
}

#[test]
fn circles_of_references_end() {
    let schema = json!({"$ref": "#/$defs/a", "$defs": {"a": {"properties": {"next": {"$ref": "#/$defs/a"}},
        "allOf": [{"$ref": "#"}]}}});
    let chart = chart("app", "next: {next: {next: 1}}\n", schema);
    let _ = crate::values::secrets(&chart, &chart.values);
}

#[test]
fn whole_floats_are_integers_in_every_draft() {
    for draft in [
        "http://json-schema.org/draft-04/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let schema = json!({
            "$schema": draft,
            "properties": {"n": {"type": ["string", "integer"], "enum": [15000, "many"]}},
        });
        let mut chart = chart("app", "n: 15000\n", schema);
        let user = merge_user(&Sources::default(), Numbers::Helm).unwrap();
        let values = resolve(&mut chart, &user, Numbers::Helm).unwrap();
        assert!(validate(&chart, &values).is_ok(), "{draft}");
    }
}
