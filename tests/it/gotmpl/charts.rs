//! Whole charts of many styles: `nutkin template` prints what `helm template` prints.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::vectors::helm;

/// Flags that every chart is rendered with; some charts have more, a line each in CHART.flags.
const FLAGS: &[&str] = &["-n", "ns", "--set", "fromSet=7"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gotmpl/charts")
}

fn charts() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("charts");
    let entries = entries.map(|entry| entry.expect("an entry"));
    let charts = entries.filter(|entry| entry.file_type().is_ok_and(|t| t.is_dir()));
    let mut names: Vec<String> = charts
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What a program prints for a chart.
fn template(program: &Path, chart: &Path) -> String {
    let more = std::fs::read_to_string(chart.with_extension("flags")).unwrap_or_default();
    let output = Command::new(program)
        .args(["template", "rel"])
        .arg(chart)
        .args(FLAGS)
        .args(more.lines())
        .output()
        .expect("it runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", chart.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn nutkin() -> PathBuf {
    env!("CARGO_BIN_EXE_nutkin").into()
}

fn recorded(chart: &str) -> PathBuf {
    folder().join(format!("{chart}.out"))
}

#[test]
fn charts_render_as_helm_renders_them() {
    for chart in charts() {
        let helm = std::fs::read_to_string(recorded(&chart)).expect("run scripts/vectors");
        let ours = template(&nutkin(), &folder().join(&chart));
        assert!(
            ours == helm,
            "{chart}: {}",
            similar::TextDiff::from_lines(&helm, &ours).unified_diff()
        );
    }
}

/// The chart that `helm create` makes is rendered by both, with its defaults and with all that
/// its values can switch on.
#[test]
fn the_chart_of_helm_create_renders_the_same() {
    let Some(helm) = helm() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let status = Command::new(&helm.0)
        .args(["create", "made"])
        .current_dir(folder.path())
        .output();
    assert!(status.expect("it runs").status.success());
    let all = "ingress.enabled=true,autoscaling.enabled=true,httpRoute.enabled=true,\
        serviceAccount.annotations.a=b,podAnnotations.c=d,nodeSelector.e=f,\
        tolerations[0].key=g,imagePullSecrets[0].name=h,fullnameOverride=other";
    for sets in ["", all] {
        let run = |program: &Path| {
            let output = Command::new(program)
                .args(["template", "rel", "made", "--set", sets])
                .current_dir(folder.path())
                .output()
                .expect("it runs");
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        assert_eq!(run(&helm.0), run(&nutkin()), "{sets}");
    }
}

/// Records the charts again; run by `scripts/vectors`.
#[test]
#[ignore = "records; run by scripts/vectors"]
fn record_charts() {
    let helm = helm().expect("helm in PATH or where NUTKIN_HELM says");
    for chart in charts() {
        let text = template(&helm.0, &folder().join(&chart));
        std::fs::write(recorded(&chart), text).expect("written");
    }
}
