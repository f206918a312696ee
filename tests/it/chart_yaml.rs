//! Chart.yaml and requirements.yaml beside the real helm: what becomes of numbers, null, fields in another
//! case, and files of old charts.

use std::path::Path;

use crate::charts::{contents, nutkin};
use crate::helm::{helm, write_chart};

/// What both make of a chart must be the same text, or an error of both; so with its package, where there is
/// one. How many packages there were.
fn both(home: &Path, chart: &Path, what: &str) -> usize {
    let path = chart.display().to_string();
    let args = ["template", "r", &path];
    let (theirs, own) = (helm(home, &args), nutkin(home, &args));
    let errors =
        |output: &std::process::Output| String::from_utf8_lossy(&output.stderr).trim().to_owned();
    assert_eq!(
        theirs.status.success(),
        own.status.success(),
        "{what}\nhelm: {}\nnutkin: {}",
        errors(&theirs),
        errors(&own)
    );
    if theirs.status.success() {
        assert_eq!(
            String::from_utf8_lossy(&theirs.stdout),
            String::from_utf8_lossy(&own.stdout),
            "{what}"
        );
    }
    let folders = ["theirs", "ours"].map(|name| home.join(name));
    for folder in &folders {
        let _ = std::fs::remove_dir_all(folder);
    }
    let [into, own_into] = folders.each_ref().map(|f| f.display().to_string());
    let packed = helm(home, &["package", &path, "-d", &into]);
    let own = nutkin(home, &["package", &path, "-d", &own_into]);
    assert_eq!(
        packed.status.success(),
        own.status.success(),
        "{what}\nhelm: {}\nnutkin: {}",
        errors(&packed),
        errors(&own)
    );
    if !packed.status.success() {
        return 0;
    }
    let [theirs, ours] = folders.map(|folder| {
        let name = crate::registry::names(&folder).remove(0);
        (contents(&folder.join(&name)), name)
    });
    assert_eq!(theirs, ours, "{what}");
    1
}

const SHOWN: &str =
    "kind: X\nchart: {{ toJson .Chart }}\nfiles:{{ range $k, $v := .Files }} {{ $k }}{{ end }}\n";

#[test]
fn fields_are_read_as_helm_reads_them() {
    let scalars = [
        "7.2445e+06",
        "1.0",
        "1e3",
        "1E3",
        "5",
        "0x10",
        "010",
        "true",
        "no",
        "1e6",
        "1_000",
        "1000000",
        "1000000.0",
        "123456789.0",
        "1.123456789",
        "16777217.0",
        "20240101.5",
        "1e20",
        "1e39",
        "12345678901234567890",
        "-0.0",
        ".5",
        "1.",
        "1.20",
        "2024-01-01",
        "null",
        "~",
        "",
        "'1e3'",
        "'1e6'",
        "[]",
        "{}",
    ];
    let mut texts = Vec::new();
    for scalar in scalars {
        texts.push(format!("apiVersion: v2\nname: c\nversion: {scalar}\n"));
        texts.push(format!(
            "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: {scalar}\n"
        ));
        texts.push(format!(
            "apiVersion: v2\nname: c\nversion: 1.2.3\nannotations:\n  a: {scalar}\nkeywords:\n- {scalar}\n"
        ));
    }
    let rest = [
        "description:\nhome:\nicon:\ntype:\ndeprecated:\nkubeVersion:\n",
        "deprecated: \"true\"\n",
        "deprecated: 1\n",
        "AppVersion: 2\nappVersion: 1\n",
        "appversion: 2\n",
        "appVersion:\nAPPVERSION: 3\n",
        "maintainers: [{Name: x, EMAIL: 1.5, url: }]\n",
        "maintainers: [null]\n",
        "maintainers: [x]\n",
        "maintainers:\n",
        "dependencies: [null]\n",
        "dependencies: [{name: }]\n",
        "dependencies:\nsources:\nkeywords:\nannotations:\n",
        "keywords: x\n",
        "sources: [[a]]\n",
        "tags: [a]\n",
        "tags: 1.5e6\nunknown: {a: 1}\n",
        "annotations: {a: [1]}\n",
        "annotations: [a]\n",
        "condition: 1e7\n",
    ];
    texts.extend(rest.map(|more| format!("apiVersion: v2\nname: c\nversion: 1.2.3\n{more}")));
    texts.extend(
        [
            "apiVersion: v2\nname: c\nVersion: 1.2.3\n",
            "apiversion: v2\nname: c\nversion: 1.2.3\n",
            "APIVersion: v1\napiVersion: v2\nNAME: c\nversion: 1.2.3\n",
            "apiVersion: 2\nname: c\nversion: 1.2.3\n",
            "apiVersion:\nname: c\nversion: v1.2\n",
            "name: c\nversion: v1.2\n",
            "apiVersion: v2\nname: 1.5e6\nversion: 1.2.3\n",
            "apiVersion: v2\nname:\nversion: 1.2.3\n",
            "apiVersion: v2\nname: c\nversion: \"  1.2.3\"\n",
            "[]\n",
            "",
        ]
        .map(str::to_owned),
    );
    let home = tempfile::tempdir().expect("a folder");
    let chart = home.path().join("c");
    let mut packages = 0;
    for text in &texts {
        write_chart(&chart, &[("Chart.yaml", text), ("templates/a.yaml", SHOWN)]);
        packages += both(home.path(), &chart, text);
    }
    println!("compared with helm: {packages} cases of packaging");
    println!("compared with helm: {} cases of Chart.yaml", texts.len());
}

#[test]
fn requirements_of_old_charts_count_as_in_helm() {
    let charts = [
        "apiVersion: v1\nname: c\nversion: 1.2.3\n",
        "apiVersion: v2\nname: c\nversion: 1.2.3\n",
        "apiVersion: v1\nname: c\nversion: 1.2.3\ndependencies: [{name: e, version: 1.0.0, condition: e.enabled}]\n",
        "apiVersion: v2\nname: c\nversion: 1.2.3\ndependencies: [{name: e, version: 1.0.0, condition: e.enabled}]\n",
        "apiVersion: v2\nname: c\nversion: 1.2.3\ndependencies: [{name: e, alias: x, version: 1.0.0}, {name: d, \
         condition: d.enabled}]\n",
    ];
    let requirements = [
        None,
        Some(""),
        Some("dependencies:\n"),
        Some("dependencies: []\n"),
        Some("dependencies: [{name: d, version: 1.0.0, condition: d.enabled}]\n"),
        Some("Dependencies: [{Name: d, version: , Condition: d.enabled}]\n"),
        Some("dependencies: [{name: d, alias: y}, {name: e, condition: e.enabled}]\n"),
        Some("name: other\nappVersion: 1e6\n"),
        Some("dependencies: x\n"),
    ];
    let lock = "dependencies: []\ndigest: x\ngenerated: \"2024-01-01T00:00:00Z\"\n";
    let child = |name: &str| format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    let home = tempfile::tempdir().expect("a folder");
    let (mut compared, mut packages) = (0, 0);
    for chart_yaml in charts {
        for (at, requirements) in requirements.iter().enumerate() {
            let chart = home.path().join(format!("{compared}/c"));
            write_chart(
                &chart,
                &[
                    ("Chart.yaml", chart_yaml),
                    ("values.yaml", "d: {enabled: false}\ne: {enabled: false}\n"),
                    ("templates/a.yaml", SHOWN),
                    ("charts/d/Chart.yaml", &child("d")),
                    ("charts/d/templates/a.yaml", "kind: X\nname: d\n"),
                    ("charts/e/Chart.yaml", &child("e")),
                    ("charts/e/templates/a.yaml", "kind: X\nname: e\n"),
                ],
            );
            if let Some(text) = requirements {
                write_chart(&chart, &[("requirements.yaml", text)]);
            }
            if at % 2 == 1 {
                write_chart(&chart, &[("requirements.lock", lock)]);
            }
            let what = format!("{chart_yaml}requirements.yaml: {requirements:?}");
            packages += both(home.path(), &chart, &what);
            compared += 1;
        }
    }
    println!("compared with helm: {packages} cases of packaging");
    println!("compared with helm: {compared} cases of requirements.yaml");
}

#[test]
fn values_are_picked_as_helm_picks_them() {
    let home = tempfile::tempdir().expect("a folder");
    let values = "name: orders\nport: 8081\nbig: 1000000\non_: true\nnothing:\nratio: 1.5\nempty: []\n\
                  jobs:\n- {name: a, n: 1, tags: [x, y]}\n- {name: b, x: {y: z}}\n- {name: c}\n\
                  a.b: {c: dotted}\nlist: [p, q, r, s]\n";
    write_chart(
        &home.path().join("c"),
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("values.yaml", values),
        ],
    );
    let templates = [
        "{.name}",
        "no braces",
        "n={.name} p={.port}",
        "{.big} {.on_} {.nothing} {.ratio} {.empty}",
        "{$.jobs[1].x}",
        "{@.name}",
        "{.jobs}",
        "{.jobs[*].name}",
        "{.jobs[-1].name}",
        "{.jobs[0].tags[*]}",
        "{.list[1:3]}",
        "{.list[:2]}",
        "{.list[-2:]}",
        "{.list[::2]}",
        "{.list[0,2]}",
        "{.list[1:1]}",
        "{['name','port']}",
        "{['name']}",
        "{.a\\.b.c}",
        "{['a\\.b'].c}",
        "{.jobs[?(@.name==\"b\")].x.y}",
        "{.jobs[?(@.name!=\"b\")].name}",
        "{.jobs[?(@.name>\"a\")].name}",
        "{.jobs[?(@.x)].name}",
        "{..y}",
        "{..name}",
        "{\"a\\tb\"}",
        "{range .jobs[*]}{.name}{\"\\n\"}{end}.",
        "{range .list[1:1]}x{end}y",
        "{range .jobs[*]}[{range .tags[*]}{@},{end}]{end}",
        "{.missing}",
        "{.name.x}",
        "{.list[9]}",
        "{",
        "{.a",
        "{.jobs[}",
        "{.jobs[x]}",
        "{\"a}",
        "{#}",
    ];
    for template in templates {
        let args = ["show", "values", "c", "--jsonpath", template];
        let (theirs, own) = (helm(home.path(), &args), nutkin(home.path(), &args));
        assert_eq!(
            theirs.status.success(),
            own.status.success(),
            "{template}\nhelm: {theirs:?}\nnutkin: {own:?}"
        );
        assert_eq!(
            String::from_utf8_lossy(&theirs.stdout),
            String::from_utf8_lossy(&own.stdout),
            "{template}"
        );
    }
    println!(
        "compared with helm: {} cases of --jsonpath",
        templates.len()
    );
}
