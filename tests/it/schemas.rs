//! Schemas of values beside the real helm: what one refuses, the other refuses.

use std::collections::BTreeSet;

use nutkin::chart;
use nutkin::values::{self, Numbers, SchemaError, UserValues};
use nutkin::yaml::Value;

use crate::helm::{helm, write_chart};
use crate::yaml::compare;

/// Schemas, each with values for it. Both stand below `v`; a text that begins with `$` is a whole schema.
#[rustfmt::skip]
const CASES: &[(&str, &[&str])] = &[
    (r#"{"type":"string"}"#, &["text", "'1'", "1", "true", "null", "[]", "{}", "1.5", "''"]),
    (r#"{"type":"integer"}"#, &["1", "1.0", "1.5", "-3", "1e3", "123456789012345678", "'1'", "true"]),
    (r#"{"type":"number"}"#, &["1", "1.5", "'1.5'", "0x10", "1_000", "010"]),
    (r#"{"type":"boolean"}"#, &["true", "yes", "'yes'", "on", "1"]),
    (r#"{"type":"null"}"#, &["null", "~", "''", "0"]),
    (r#"{"type":"array"}"#, &["[]", "[1]", "{}", "x"]),
    (r#"{"type":"object"}"#, &["{}", "{a: 1}", "[]"]),
    (r#"{"type":["string","null"]}"#, &["x", "null", "1"]),
    (r#"{"enum":["a",1,null,{"x":1}]}"#, &["a", "1", "1.0", "null", "{x: 1}", "{x: 2}", "b"]),
    (r#"{"const":1}"#, &["1", "1.0", "'1'", "true"]),
    (r#"{"minimum":1,"maximum":3}"#, &["0", "1", "2", "3", "4", "'9'"]),
    (r#"{"exclusiveMinimum":1,"exclusiveMaximum":3}"#, &["1", "1.1", "3", "2.999"]),
    (r#"{"multipleOf":0.1}"#, &["0.3", "0.35", "1", "4.2"]),
    (r#"{"multipleOf":3}"#, &["9", "10", "0", "-3", "1e9"]),
    (r#"{"minLength":2,"maxLength":3}"#, &["a", "ab", "abc", "abcd", "éé", "日本語", "😀", "😀😀😀😀", "12"]),
    (r#"{"pattern":"^[a-z]+$"}"#, &["abc", "aBc", "a1", "1", "''"]),
    (r#"{"pattern":"b"}"#, &["abc", "xyz"]),
    (r#"{"pattern":"^\\d{3}-\\w+$"}"#, &["123-abc", "12-abc", "123-é"]),
    (r#"{"pattern":"^\\p{L}+$"}"#, &["abc", "日本", "a1"]),
    (r#"{"minItems":1,"maxItems":2}"#, &["[]", "[1]", "[1, 2]", "[1, 2, 3]", "x"]),
    (r#"{"uniqueItems":true}"#, &["[1, 2]", "[1, 1]", "[1, 1.0]", "[{a: 1}, {a: 1}]", "[1, '1']", "[true, 1]"]),
    (r#"{"items":{"type":"string"}}"#, &["[a, b]", "[a, 1]", "[]", "x"]),
    (r#"{"prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}"#, &["[a, 1]", "[a]", "[1, a]", "[a, 1, 2]"]),
    (r#"{"contains":{"const":1}}"#, &["[1]", "[0, 1]", "[]", "[2]"]),
    (r#"{"contains":{"const":1},"minContains":2,"maxContains":3}"#, &["[1]", "[1, 1]", "[1, 1, 1, 1]"]),
    (r#"{"contains":{"const":1},"minContains":0}"#, &["[]", "[2]"]),
    (r#"{"required":["a"]}"#, &["{a: 1}", "{a: null}", "{b: 1}", "{}", "x"]),
    (r#"{"minProperties":1,"maxProperties":2}"#, &["{}", "{a: 1}", "{a: 1, b: 2, c: 3}"]),
    (r#"{"properties":{"a":{"type":"string"}},"additionalProperties":false}"#, &["{a: x}", "{a: 1}", "{b: x}", "{}"]),
    (r#"{"additionalProperties":{"type":"integer"}}"#, &["{a: 1}", "{a: x}"]),
    (r#"{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}"#, &["{x-a: y}", "{x-a: 1}", "{y: 1}"]),
    (r#"{"propertyNames":{"pattern":"^[a-z]+$"}}"#, &["{abc: 1}", "{ABC: 1}", "{yes: 1}", "{1: 1}"]),
    (r#"{"dependentRequired":{"a":["b"]}}"#, &["{a: 1}", "{a: 1, b: 2}", "{b: 2}"]),
    (r#"{"dependentSchemas":{"a":{"required":["c"]}}}"#, &["{a: 1}", "{a: 1, c: 2}", "{}"]),
    (r#"{"allOf":[{"type":"string"},{"minLength":2}]}"#, &["ab", "a", "1"]),
    (r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#, &["a", "1", "1.5", "null"]),
    (r#"{"oneOf":[{"type":"integer"},{"minimum":5}]}"#, &["3", "5.5", "6", "x"]),
    (r#"{"not":{"type":"string"}}"#, &["1", "x", "null"]),
    (r#"{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":5}}"#, &["ab", "a", "6", "4", "null"]),
    (r#"{"if":{"properties":{"k":{"const":"a"}}},"then":{"required":["x"]}}"#, &["{k: a}", "{k: a, x: 1}", "{k: b}", "{}"]),
    (r#"{"properties":{"a":true},"unevaluatedProperties":false}"#, &["{a: 1}", "{b: 1}"]),
    (r#"{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}"#, &["{a: 1}", "{a: 1, b: 1}"]),
    (r#"{"prefixItems":[true],"unevaluatedItems":false}"#, &["[1]", "[1, 2]"]),
    ("true", &["1", "null"]),
    ("false", &["1", "null"]),
    ("{}", &["1", "{a: [b]}"]),
    (r#"{"format":"email"}"#, &["a@b.c", "nonsense"]),
    (r#"{"format":"ipv4"}"#, &["1.2.3.4", "1.2.3"]),
    (r#"{"format":"uri"}"#, &["http://a/b", "'::'"]),
    (r#"{"format":"nonsense"}"#, &["x"]),
    (r#"{"contentEncoding":"base64"}"#, &["YQ==", "'%%%'"]),
    (r#"{"default":5,"description":"d","title":"t","examples":[1],"deprecated":true,"$comment":"c"}"#, &["x"]),
    (r#"{"x-nutkin-secret":true,"x-nutkin-merge-key":"name","type":"string"}"#, &["x", "1"]),
    (r##"${"$defs":{"port":{"type":"integer","maximum":65535}},"properties":{"v":{"$ref":"#/$defs/port"}}}"##, &["80", "70000", "x"]),
    (r##"${"definitions":{"p":{"type":"integer"}},"properties":{"v":{"$ref":"#/definitions/p"}}}"##, &["80", "x"]),
    (r##"${"$defs":{"p":{"$anchor":"port","type":"integer"}},"properties":{"v":{"$ref":"#port"}}}"##, &["80", "x"]),
    (r##"${"$defs":{"t":{"type":"object","properties":{"next":{"$ref":"#/$defs/t"},"n":{"type":"integer"}}}},"properties":{"v":{"$ref":"#/$defs/t"}}}"##, &["{n: 1, next: {n: 2}}", "{next: {next: {n: x}}}"]),
    (r##"${"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"type":"string"}},"properties":{"v":{"$ref":"#/$defs/a","minLength":2}}}"##, &["ab", "a", "1"]),
    (r##"${"$id":"https://example.org/v.json","$defs":{"p":{"$id":"p.json","type":"integer"}},"properties":{"v":{"$ref":"p.json"}}}"##, &["80", "x"]),
    (r#"${"$schema":"http://json-schema.org/draft-04/schema#","properties":{"v":{"minimum":1,"exclusiveMinimum":true}}}"#, &["1", "2"]),
    (r#"${"$schema":"http://json-schema.org/draft-06/schema#","properties":{"v":{"exclusiveMinimum":1,"contains":{"const":2}}}}"#, &["1", "2", "[1]", "[2]"]),
    (r#"${"$schema":"http://json-schema.org/draft-07/schema#","properties":{"v":{"items":[{"type":"string"}],"additionalItems":false}}}"#, &["[a]", "[1]", "[a, 1]"]),
    (r#"${"$schema":"http://json-schema.org/draft-07/schema#","properties":{"v":{"format":"ipv4"}}}"#, &["1.2.3.4", "1.2.3", "x"]),
    (r#"${"$schema":"http://json-schema.org/draft-07/schema#","properties":{"v":{"format":"email"}}}"#, &["a@b.c", "x"]),
    (r#"${"$schema":"http://json-schema.org/draft-07/schema#","properties":{"v":{"format":"date-time"}}}"#, &["2024-01-02T03:04:05Z", "2024-13-02T03:04:05Z", "x"]),
    (r##"${"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"p":{"type":"integer"}},"properties":{"v":{"$ref":"#/definitions/p","maximum":1}}}"##, &["5", "x"]),
    (r#"${"$schema":"https://json-schema.org/draft/2019-09/schema","properties":{"v":{"items":[{"type":"string"}],"additionalItems":false}}}"#, &["[a]", "[1]", "[a, 1]"]),
    (r##"${"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"properties":{"v":{"$recursiveRef":"#"}}}"##, &["{v: {v: {}}}"]),
    (r#"${"$schema":"https://json-schema.org/draft/2020-12/schema","properties":{"v":{"format":"ipv4"}}}"#, &["1.2.3.4", "x"]),
    (r##"${"$schema":"https://json-schema.org/draft/2020-12/schema","$dynamicAnchor":"n","properties":{"v":{"$dynamicRef":"#n"}}}"##, &["{v: {}}"]),
    (r#"${"type":"object","required":["w"]}"#, &["1"]),
    (r#"${"type":"object","additionalProperties":false,"properties":{"v":{},"global":{}}}"#, &["1"]),
    (r#"${"type":"object","additionalProperties":false,"properties":{"v":{}}}"#, &["1"]),
    (r#"${"type":"array"}"#, &["1"]),
];

/// The charts that a message of helm blames.
fn blamed(errors: &str) -> BTreeSet<String> {
    let names = errors.lines().filter_map(|line| line.strip_suffix(':'));
    names
        .filter(|name| name.starts_with('c'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn schemas_refuse_what_helm_refuses() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("umbrella");
    write_chart(
        &root,
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n",
            ),
            (
                "templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
            ),
        ],
    );
    let mut names = Vec::new();
    for (schema, all) in CASES {
        for value in *all {
            let name = format!("c{:03}", names.len());
            let schema = match schema.strip_prefix('$') {
                Some(whole) => whole.to_owned(),
                None => format!("{{\"properties\":{{\"v\":{schema}}}}}"),
            };
            write_chart(
                &root.join("charts").join(&name),
                &[
                    (
                        "Chart.yaml",
                        &format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n"),
                    ),
                    ("values.yaml", &format!("v: {value}\n")),
                    ("values.schema.json", &schema),
                ],
            );
            names.push(format!("{schema} with {value}"));
        }
    }
    let output = helm(home.path(), &["template", "umbrella"]);
    let theirs = blamed(&String::from_utf8_lossy(&output.stderr));
    assert!(theirs.len() > 50, "{output:?}");
    let mut loaded = chart::load(&root).unwrap();
    let none = UserValues::from_value("none", Value::Null);
    let resolved = values::resolve(&mut loaded, &none, Numbers::Helm).unwrap();
    let ours: BTreeSet<String> = match values::validate(&loaded, &resolved) {
        Err(SchemaError::Violations(all)) => all
            .iter()
            .filter_map(|v| v.chart.rsplit('/').next().map(str::to_owned))
            .collect(),
        other => panic!("{other:?}"),
    };
    let verdicts = |found: &BTreeSet<String>| -> Vec<String> {
        (0..names.len())
            .map(|at| found.contains(&format!("c{at:03}")).to_string())
            .collect()
    };
    compare("schemas", &names, &verdicts(&ours), &verdicts(&theirs));
}
