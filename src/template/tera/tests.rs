use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::chart::File;
use crate::render::Lookup;
use crate::yaml::Map;

fn file(name: &str, text: &str) -> File {
    File {
        name: name.to_owned(),
        data: text.as_bytes().to_vec(),
    }
}

fn try_render(
    templates: &[(&str, &str)],
    values: &Value,
    options: &Options,
) -> Result<String, Error> {
    let mut chart = Chart {
        values: Value::Object(Map::new()),
        ..Chart::default()
    };
    chart.metadata.name = "c".to_owned();
    chart.metadata.app_version = "2.3.0".to_owned();
    chart.templates = templates
        .iter()
        .map(|(n, t)| file(&format!("templates/{n}"), t))
        .collect();
    chart.files = vec![
        file("conf/log4j.properties", "a = 1\nb = 2\n"),
        file("conf/x.xml", "<x/>"),
        file("README.md", "# c\n"),
    ];
    let release = ReleaseOptions {
        name: "r".to_owned(),
        namespace: "ns".to_owned(),
        revision: 3,
        is_upgrade: true,
    };
    let scope = Scope {
        chart: &chart,
        path: "c",
        values,
        is_root: true,
        release: &release,
        capabilities: &Capabilities::default(),
        options,
    };
    Ok(render_chart(&scope)?
        .remove("c/templates/a.tera")
        .unwrap_or_default())
}

fn expression(text: &str) -> String {
    let values = json!({
        "count": 2.0, "big": 1000000.0, "half": 0.5, "none": null, "empty": "", "s": "it's \"x\"",
        "map": {"b": [1, {"c": "y"}], "a": "no"}, "list": ["x", "", null, "z"], "n": {"n": {"n": 7}},
    });
    try_render(&[("a.tera", text)], &values, &Options::default()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn filters_and_functions() {
    for (text, expected) in [
        (
            "{{ values.count }} {{ values.big }} {{ values.half }}",
            "2 1000000 0.5",
        ),
        (
            "{{ values.map | to_yaml }}",
            "a: \"no\"\nb:\n- 1\n- c: \"y\"",
        ),
        (
            "{{ values.map | to_yaml | nindent(n=2) }}",
            "\n  a: \"no\"\n  b:\n  - 1\n  - c: \"y\"",
        ),
        (
            "{{ values.map | to_json }}",
            "{\"a\":\"no\",\"b\":[1,{\"c\":\"y\"}]}",
        ),
        ("{{ values.map.a | to_json(pretty=true) }}", "\"no\""),
        ("{{ {\"k\": {\"v\": 1.5} } | to_toml }}", "[k]\n  v = 1.5\n"),
        (
            "{% set y = \"a: [1, yes]\" | from_yaml %}{{ y.a | to_json }}",
            "[1,true]",
        ),
        ("{% set j = '{\"a\": 1}' | from_json %}{{ j.a }}", "1"),
        (
            "{{ values.s | quote }} {{ values.s | squote }}",
            "\"it's \\\"x\\\"\" 'it''s \"x\"'",
        ),
        (
            "{{ \"flink\" | b64encode }} {{ \"Zmxpbms=\" | b64decode }}",
            "Zmxpbms= flink",
        ),
        ("{{ \"\" | sha256 | trunc(n=8) }}", "e3b0c442"),
        ("{{ \"abc-def\" | trunc(n=4) }}", "abc"),
        (
            "{{ \"a.b\" | trim_suffix(suffix=\".b\") | trim_prefix(prefix=\"x\") }}",
            "a",
        ),
        (
            "{{ values.none | default(value=1) }}{{ values.gone | default(value=2) }}{{ values.empty | default(value=3) }}",
            "12",
        ),
        ("{{ values.empty | default(value=3, boolean=true) }}", "3"),
        (
            "{{ values | dig(path=\"n.n.n\") }}{{ values | dig(path=\"map.b.1.c\") }}{{ values | dig(path=\"x.y\", default=0) }}",
            "7y0",
        ),
        (
            "{{ {\"a\": {\"b\": 1, \"c\": 2} } | merge(with={\"a\": {\"c\": 3} }) | to_json }}",
            "{\"a\":{\"b\":1,\"c\":3}}",
        ),
        (
            "{{ values.map | pick(keys=[\"a\"]) | to_json }}{{ values.map | omit(keys=[\"b\"]) | to_json }}",
            "{\"a\":\"no\"}{\"a\":\"no\"}",
        ),
        (
            "{{ values.list | compact | concat(with=[1]) | to_json }}",
            "[\"x\",\"z\",1]",
        ),
        (
            "{{ coalesce(values=[values.none, values.gone, values.empty, \"last\"]) }}",
            "last",
        ),
        (
            "{% set v = \"v2.3.0-rc1\" | semver %}{{ v.major }}.{{ v.minor }} {{ v.prerelease }}",
            "2.3 rc1",
        ),
        (
            "{{ \"1.20.5\" | semver_matches(constraint=\"~1.20 || >=2\") }}{{ \"2.0\" | semver_compare(with=\"1.20\") }}",
            "true1",
        ),
        (
            "{{ \"a1b22\" | regex_replace(pattern=\"[0-9]+\", with=\"-\") }}{{ \"a1b22\" | regex_find(pattern=\"[0-9]{2}\") }}",
            "a-b-22",
        ),
        (
            "{{ \"a1b22\" | regex_find_all(pattern=\"[0-9]+\") | to_json }}{{ \"a,b\" | regex_split(pattern=\",\") | length }}",
            "[\"1\",\"22\"]2",
        ),
        ("{{ \"x\" | regex_match(pattern=\"^[a-z]$\") }}", "true"),
        (
            "{{ \"1Gi\" | quantity_add(with=\"512Mi\") }} {{ \"2\" | quantity_sub(with=\"500m\") }} {{ \"1Gi\" | quantity_scale(by=1.5) }}",
            "1536Mi 1500m 1536Mi",
        ),
        (
            "{{ \"0.5\" | quantity }} {{ \"500m\" | quantity_cores }} {{ \"1Ki\" | quantity_units }} {{ 2 | quantity_millis }}",
            "500m 0.5 1024 2000",
        ),
        ("{{ \"1Gi\" | quantity_compare(with=\"1G\") }}", "1"),
        (
            "{{ \"1728m\" | flink_to_quantity }} {{ \"1728Mi\" | quantity_to_flink }} {{ \"1k\" | flink_memory_bytes }}",
            "1728Mi 1728m 1024",
        ),
        (
            "{{ flink_memory_limit(process_size=\"1600m\", factor=1.1) }}",
            "1760Mi",
        ),
        (
            "{{ flink_config_file(version=chart.app_version) }} {{ flink_config_key(version=\"1.19\", key=\"state.backend.type\") }}",
            "config.yaml state.backend",
        ),
        (
            "{{ flink_config(version=\"2.3.0\", settings={\"state.savepoints.dir\": \"s3://b\"}) }}",
            "execution.checkpointing.savepoint-dir: s3://b",
        ),
        (
            "{{ flink_args(version=\"2.3.0\", component=\"jobmanager\", main_class=\"a.B\", options={\"rest.port\": 1}, args=[\"--x\", 2]) | to_json }}",
            "[\"standalone-job\",\"--job-classname\",\"a.B\",\"-Drest.port=1\",\"--x\",\"2\"]",
        ),
        (
            "{{ flink_args(version=\"2.3.0\", component=\"taskmanager\") | to_json }}",
            "[\"taskmanager\"]",
        ),
        (
            "{{ capabilities_has(api=\"batch/v1\") }} {{ capabilities_has(api=\"x/v1\") }} {{ capabilities.version }}",
            "true false v1.37.0",
        ),
        (
            "{{ files_get(path=\"README.md\") }}{{ files_lines(path=\"conf/log4j.properties\") | length }}",
            "# c\n2",
        ),
        (
            "{{ files_as_config(pattern=\"conf/*\") }}",
            "log4j.properties: |\n  a = 1\n  b = 2\nx.xml: <x/>",
        ),
        (
            "{{ files_as_secrets(pattern=\"conf/*.xml\") }}",
            "x.xml: PHgvPg==",
        ),
        (
            "{% for name, text in files_glob(pattern=\"**.xml\") %}{{ name }}={{ text }}{% endfor %}",
            "conf/x.xml=<x/>",
        ),
        (
            "{{ release.name }} {{ release.revision }} {{ release.is_upgrade }} {{ template.name }} {{ template.base_path }}",
            "r 3 true c/templates/a.tera c/templates",
        ),
        (
            "{{ lookup(api_version=\"v1\", kind=\"Secret\", name=\"x\") | length }}",
            "0",
        ),
    ] {
        assert_eq!(expression(text), expected, "{text}");
    }
}

fn failure(text: &str) -> String {
    let values = json!({"replicas": 2, "image": {"tag": "x", "repository": "flink"}, "name": null});
    let helpers =
        "{% component labels(@values) -%}\nb: {{ values.image.tga }}\n{%- endcomponent labels %}";
    let templates = [("a.tera", text), ("_h.tera", helpers)];
    try_render(&templates, &values, &Options::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn errors_say_where_why_and_what_else() {
    insta::assert_snapshot!(failure("kind: {{ values.replcas }}"), @r"
    c/templates/a.tera:1:10: `values.replcas` is not defined
      1 | kind: {{ values.replcas }}
        |          ^^^^^^^^^^^^^^
      did you mean `values.replicas`?
      set replcas in values.yaml, with -f or with --set replcas=…, or give it a default: | default(value=…)
    ");
    insta::assert_snapshot!(failure("a: {{ values.image.tga | quote }}"), @r"
    c/templates/a.tera:1:7: `values.image.tga` is not defined
      1 | a: {{ values.image.tga | quote }}
        |       ^^^^^^^^^^^^^^^^
      did you mean `values.image.tag`?
      set image.tga in values.yaml, with -f or with --set image.tga=…, or give it a default: | default(value=…)
    ");
    insta::assert_snapshot!(failure("x\n\ta: {{ <labels /> }}"), @r"
    c/templates/_h.tera:2:7: `values.image.tga` is not defined
      2 | b: {{ values.image.tga }}
        |       ^^^^^^^^^^^^^^^^
      called from c/templates/a.tera:2:8
      2 | 	a: {{ <labels /> }}
        | 	      ^
      did you mean `values.image.tag`?
      set image.tga in values.yaml, with -f or with --set image.tga=…, or give it a default: | default(value=…)
    ");
    insta::assert_snapshot!(failure("{{ Values.x }}"), @r"
    c/templates/a.tera:1:4: `Values.x` is not defined
      1 | {{ Values.x }}
        |    ^^^^^^^^
      did you mean `values`?
    ");
    insta::assert_snapshot!(failure("{{ values.image | toYaml }}"), @r"
    c/templates/a.tera:1:19: Unknown filter `toYaml`
      1 | {{ values.image | toYaml }}
        |                   ^^^^^^
      did you mean `to_yaml`?
    ");
    insta::assert_snapshot!(failure("{{ nindent(n=2) }}{{ <lables /> }}"), @r"
    c/templates/a.tera:1:4: Unknown function `nindent`
      1 | {{ nindent(n=2) }}{{ <lables /> }}
        |    ^^^^^^^
      `nindent` is a filter: {{ value | nindent }}
    ");
    insta::assert_snapshot!(failure("{{ <lables /> }}"), @r"
    c/templates/a.tera:1:4: Unknown component `lables`
      1 | {{ <lables /> }}
        |    ^^^^^^
      did you mean `labels`?
    ");
    insta::assert_snapshot!(failure("{{ chart.appVersion }}"), @r"
    c/templates/a.tera:1:4: `chart.appVersion` is not defined
      1 | {{ chart.appVersion }}
        |    ^^^^^^^^^^^^^^^^
      did you mean `chart.app_version`?
    ");
    insta::assert_snapshot!(failure("{% for x in values.list %}{% endfor %}"), @r"
    c/templates/a.tera:1:13: `values.list` is not defined
      1 | {% for x in values.list %}{% endfor %}
        |             ^^^^^^^^^^^
      values has: replicas, image, name
      set list in values.yaml, with -f or with --set list=…, or give it a default: | default(value=…)
    ");
    insta::assert_snapshot!(failure("{{ values.name | required(message=\"name must be set\") }}"), @r#"
    c/templates/a.tera:1:18: name must be set
      1 | {{ values.name | required(message="name must be set") }}
        |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(failure("{{ fail(message=\"this is undefined\") }}"), @r#"
    c/templates/a.tera:1:4: this is undefined
      1 | {{ fail(message="this is undefined") }}
        |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(failure("{{ files_get(path=\"README.mb\") }}"), @r#"
    c/templates/a.tera:1:4: the chart has no file "README.mb"; did you mean "README.md"?
      1 | {{ files_get(path="README.mb") }}
        |    ^^^^^^^^^^^^^^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(failure("{% include \"_q.tera\" %}"), @r#"
    c/templates/a.tera:1:12: Unknown template `_q.tera`
      1 | {% include "_q.tera" %}
        |            ^^^^^^^
      did you mean `_h.tera`?
    "#);
    insta::assert_snapshot!(failure("{% if values.replicas %}\na: 1\n"), @r"
    c/templates/a.tera:3:1: Unexpected end of input
      3 | 
        | ^
    ");
}

#[test]
fn what_is_random_needs_a_flag() {
    let text = "{{ random_alphanumeric(length=40) }} {{ now() }}";
    let error = try_render(&[("a.tera", text)], &Value::Null, &Options::default()).unwrap_err();
    assert!(error.message.contains("--allow-random"), "{error}");
    let options = Options {
        allow_random: true,
        ..Options::default()
    };
    let once = try_render(&[("a.tera", text)], &Value::Null, &options).unwrap();
    let twice = try_render(&[("a.tera", text)], &Value::Null, &options).unwrap();
    assert_ne!(once, twice);
    let word = once.split(' ').next().unwrap();
    assert!(
        word.len() == 40 && word.chars().all(|c| c.is_ascii_alphanumeric()),
        "{word}"
    );
}

#[test]
fn a_generated_secret_is_kept() {
    let text = "{{ lookup_or_generate(name=\"db\", key=\"password\", length=24) }}";
    let ask = |lookup: Option<Arc<Lookup>>| {
        let options = Options {
            lookup,
            ..Options::default()
        };
        try_render(&[("a.tera", text)], &Value::Null, &options)
    };
    let error = ask(None).unwrap_err();
    assert!(error.message.contains("needs a cluster"), "{error}");
    let absent: Arc<Lookup> = Arc::new(|_, _, _, _| Ok(None));
    let first = ask(Some(absent)).unwrap();
    assert_eq!(first.len(), 24);
    let live: Arc<Lookup> = Arc::new(|api, kind, namespace, name| {
        assert_eq!((api, kind, namespace, name), ("v1", "Secret", "ns", "db"));
        Ok(Some(json!({"data": {"password": "a2VwdA=="}})))
    });
    assert_eq!(ask(Some(live)).unwrap(), "kept");
    let failing: Arc<Lookup> = Arc::new(|_, _, _, _| Err("forbidden".to_owned()));
    assert!(
        ask(Some(failing))
            .unwrap_err()
            .message
            .contains("forbidden")
    );
}

#[test]
fn an_endless_output_ends() {
    let line = "x".repeat(1 << 16);
    let text = &format!("{{% for i in range(end=100000) %}}{line}{{% endfor %}}");
    let error = try_render(&[("a.tera", text)], &Value::Null, &Options::default()).unwrap_err();
    assert!(error.message.contains("64 MiB"), "{error}");
}
