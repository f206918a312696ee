//! Hostile templates: each ends with an error that says which bound was passed, and soon.

use std::time::{Duration, Instant};

use nutkin::template::gotmpl::exec::{Limits, Options};

use super::vectors::ours_with;

/// The error of a template; `seconds` bound its time: many where another bound is meant, for the machine
/// may be busy.
fn limited(template: &str, seconds: u64) -> String {
    let options = Options {
        limits: Limits {
            memory: 64 << 20,
            time: Duration::from_secs(seconds),
        },
        ..Options::default()
    };
    let start = Instant::now();
    let outcome = ours_with(template, 0, &options);
    // far above the bound
    assert!(start.elapsed() < Duration::from_secs(120), "{template}");
    outcome.expect_err(template)
}

#[test]
fn recursion_ends() {
    for template in [
        r#"{{ define "CASE" }}{{ include "CASE" . }}{{ end }}{{ include "CASE" . }}"#,
        r#"{{ define "CASE" }}{{ template "CASE" . }}{{ end }}{{ template "CASE" . }}"#,
        r#"{{ define "CASE" }}{{ tpl "{{ include \"CASE\" . }}" . }}{{ end }}{{ include "CASE" . }}"#,
        r#"{{ $t := "{{ tpl .t . }}" }}{{ tpl $t (dict "t" $t "Template" .Template) }}"#,
    ] {
        let error = limited(template, 60);
        assert!(
            error.contains("nested") || error.contains("depth") || error.contains("deep"),
            "{error}"
        );
    }
}

#[test]
fn output_and_values_are_bounded() {
    for template in [
        r#"{{ range until 100000 }}{{ repeat 10000 "x" }}{{ end }}"#,
        r#"{{ repeat 1000000000 "x" }}"#,
        r#"{{ $s := "x" }}{{ range until 60 }}{{ $s = print $s $s }}{{ end }}"#,
        r#"{{ $l := list 1 }}{{ range until 60 }}{{ $l = concat $l $l }}{{ end }}"#,
        r#"{{ until 1000000000 }}"#,
        r#"{{ untilStep 0 9223372036854775807 1 }}"#,
        r#"{{ seq 1 1000000000 }}"#,
        r#"{{ indent 1000000000 "x" }}"#,
        r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toYaml $d }}{{ $d }}"#,
        r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toJson $d }}{{ deepCopy $d }}"#,
        r#"{{ $a := "x" }}{{ range until 30 }}{{ $a = replace "x" "xxxxxxxxxx" $a }}{{ end }}"#,
        r#"{{ $d := dict "k" "v" }}{{ range until 40 }}{{ $d = dict "a" $d "b" $d }}{{ end }}{{ toYaml $d }}"#,
    ] {
        let error = limited(template, 60);
        assert!(
            error.contains("MiB") || error.contains("large") || error.contains("holds itself"),
            "{template}: {error}"
        );
    }
}

#[test]
fn time_is_bounded() {
    for template in [
        r#"{{ range 1000000000 }}{{ if false }}x{{ end }}{{ end }}"#,
        r#"{{ range 100000 }}{{ range 100000 }}{{ $x := 1 }}{{ end }}{{ end }}"#,
    ] {
        let error = limited(template, 3);
        assert!(error.contains(" s"), "{template}: {error}");
    }
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, close) in [("(", ")"), ("{{ if 1 }}", "{{ end }}")] {
        let (open, close) = (open.repeat(200_000), close.repeat(200_000));
        let inner = if open.starts_with('(') {
            format!("{{{{ {open}1{close} }}}}")
        } else {
            format!("{open}{close}")
        };
        // either it is read, as in Go, or refused; it doesn't end the process
        if let Err(error) = ours_with(&inner, 0, &Options::default()) {
            assert!(
                ["deep", "nested", "depth"]
                    .iter()
                    .any(|word| error.contains(word)),
                "{error}"
            );
        }
    }
}
