//! The page on charts: each of its examples does what it says.

use std::fs;
use std::path::Path;

use crate::charts::{nutkin, nutkin_ok};
use crate::helm::write_chart;

/// The fenced blocks of a page: what stands behind the fence, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    found
}

/// Each example of the page on charts: values, a template, what it makes; and the commands.
#[test]
fn the_page_on_charts_tells_the_truth() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/charts.md"))
        .expect("the page");
    let home = tempfile::tempdir().expect("a folder");
    let root = home.path().join("c");
    write_chart(
        &root,
        &[(
            "Chart.yaml",
            "apiVersion: v2\nname: orders\nversion: 1.2.0\nappVersion: 2.3.0\n",
        )],
    );
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for (from, to) in [
        ("secrets/keys.txt", "keys.txt"),
        ("secrets/plain.yaml.age", "secrets.yaml.age"),
        ("secrets/all.sops.yaml", "secrets.sops.yaml"),
        ("provenance/team.sec.gpg", "secring.gpg"),
        ("provenance/team.pub.gpg", "pubring.gpg"),
    ] {
        fs::copy(recorded.join(from), home.path().join(to)).expect("copied");
    }
    let mut examples = 0;
    let mut made = None;
    for (info, text) in blocks(&page) {
        match info.split_once(' ').unwrap_or((info.as_str(), "")) {
            ("yaml", "values.yaml") => write_chart(&root, &[("values.yaml", &text)]),
            ("tera", name) if name.starts_with('_') => {
                write_chart(&root, &[(&format!("templates/{name}"), &text)]);
            }
            ("properties" | "json", name) => write_chart(&root, &[(name, &text)]),
            ("tera", _) => {
                // A fragment becomes an object by a head of its own.
                let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
                let fragment = !text.contains("apiVersion:");
                let source = if fragment {
                    format!("{head}{text}")
                } else {
                    text
                };
                write_chart(&root, &[("templates/example.yaml.tera", &source)]);
                let output = nutkin(home.path(), &["template", "shop", "c", "-n", "prod"]);
                let printed = String::from_utf8_lossy(&output.stdout).into_owned();
                let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                let body =
                    printed.replacen("---\n# Source: orders/templates/example.yaml.tera\n", "", 1);
                let body = if fragment {
                    body.replacen(head, "", 1)
                } else {
                    body
                };
                made = Some((
                    source,
                    body.trim_end().to_owned(),
                    errors.trim_end().to_owned(),
                ));
            }
            ("yaml", "") => {
                if let Some((source, body, errors)) = made.take() {
                    assert_eq!(body, text.trim_end(), "{source}\n{errors}");
                    examples += 1;
                }
            }
            ("text", "error") => {
                let (source, _, errors) = made.take().expect("a template before its error");
                assert_eq!(errors, text.trim_end(), "{source}");
                examples += 1;
            }
            ("text", "") => {}
            ("sh", "") => {
                for line in text.lines().filter(|l| !l.is_empty()) {
                    let args: Vec<&str> = line
                        .strip_prefix("nutkin ")
                        .expect("a command of ours")
                        .split(' ')
                        .collect();
                    nutkin_ok(home.path(), &args);
                    examples += 1;
                }
            }
            other => panic!("the test knows nothing of a block {other:?}"),
        }
    }
    assert!(examples >= 15, "{examples} examples");
}
