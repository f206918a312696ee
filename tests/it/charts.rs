//! Charts beside the real helm: packing, .helmignore, show, templates that both can read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::helm::{helm, helm_ok, write_chart};

pub fn nutkin(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nutkin"))
        .args(args)
        .current_dir(folder)
        .env_remove("SOURCE_DATE_EPOCH")
        .env_remove("GITHUB_ACTIONS")
        .env_remove("HELM_NAMESPACE")
        .output()
        .expect("nutkin runs")
}

pub fn nutkin_ok(folder: &Path, args: &[&str]) -> String {
    let output = nutkin(folder, args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "nutkin {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The files of an archive: names and contents.
pub fn contents(path: &Path) -> BTreeMap<String, String> {
    let file = fs::File::open(path).expect("the package");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut found = BTreeMap::new();
    for entry in archive.entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").display().to_string();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).expect("text");
        found.insert(name, text);
    }
    found
}

pub const CHART: &str =
    "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: 1.20\ndescription: d\n";

#[test]
fn helmignore_leaves_out_what_helm_leaves_out() {
    let tree = [
        "a.txt",
        "b.log",
        ".dot",
        "docs/a.txt",
        "docs/deep/a.txt",
        "docs/deep/b.log",
        "tmp/x",
        "x[1].txt",
        "templates/a.yaml",
        "templates/.hidden.yaml",
        "templates/t.tmp",
        "crds/c.yaml",
        "ci/values.yaml",
    ];
    let rules = [
        "",
        "a.txt",
        "/a.txt",
        "*.log",
        "docs/",
        "docs",
        "docs/*",
        "docs/*.txt",
        "*/a.txt",
        "*/*/a.txt",
        "deep/",
        "/deep/",
        "docs/deep/",
        ".*",
        ".*\n",
        "?.txt",
        "[ab].*",
        "[^a].txt",
        "x\\[1\\].txt",
        "x[[]1].txt",
        "!a.txt",
        "!*.yaml",
        "!*/",
        "# a.txt\n*.log",
        "*.log\n!b.log",
        "!b.log\n*.log",
        "docs/deep",
        "templates/*.tmp",
        "*.tmp\ntmp/",
        "tmp/\n\n  a.txt  \n",
        "./a.txt",
        "docs//a.txt",
        "*",
        "/*",
        "crds/",
        "ci/",
        "\u{feff}a.txt",
        "A.TXT",
        "/",
    ];
    let home = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for (at, rule) in rules.iter().enumerate() {
        let root = home.path().join(format!("{at}/c"));
        write_chart(&root, &tree.map(|name| (name, "x: 1\n")));
        write_chart(&root, &[("Chart.yaml", CHART), (".helmignore", rule)]);
        let ours = home.path().join(format!("{at}/ours"));
        let theirs = home.path().join(format!("{at}/theirs"));
        let path = |p: &Path| p.display().to_string();
        let helm = helm(
            home.path(),
            &["package", &path(&root), "-d", &path(&theirs)],
        );
        let nutkin = nutkin(home.path(), &["package", &path(&root), "-d", &path(&ours)]);
        assert_eq!(
            helm.status.success(),
            nutkin.status.success(),
            "{rule:?}: {helm:?} {nutkin:?}"
        );
        if helm.status.success() {
            let ours = contents(&ours.join("c-1.2.3.tgz"));
            let theirs = contents(&theirs.join("c-1.2.3.tgz"));
            assert_eq!(ours, theirs, "{rule:?}");
        }
        compared += 1;
    }
    for bad in ["docs/**", "[a", "a\\"] {
        let root = home.path().join("bad/c");
        write_chart(&root, &[("Chart.yaml", CHART), (".helmignore", bad)]);
        let path = root.display().to_string();
        assert!(
            !helm(home.path(), &["package", &path]).status.success(),
            "{bad}"
        );
        let output = nutkin(home.path(), &["package", &path]);
        assert_eq!(output.status.code(), Some(65), "{bad}");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(errors.contains(".helmignore:1: "), "{errors}");
        compared += 1;
    }
    println!("compared with helm: {compared} cases of .helmignore");
}

/// Text without expressions is the same in both languages, so helm shows what is to be printed.
#[test]
fn template_prints_what_helm_prints() {
    let home = tempfile::tempdir().expect("a folder");
    let object = |kind: &str, name: &str, more: &str| {
        format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}")
    };
    let hook =
        "  annotations:\n    helm.sh/hook: pre-install,test\n    helm.sh/hook-weight: \"3\"\n";
    let many: String = [
        "Deployment",
        "Zebra",
        "Service",
        "ConfigMap",
        "Ape",
        "Secret",
        "Job",
        "Namespace",
    ]
    .iter()
    .map(|kind| format!("--- \n{}\n\n", object(kind, "x", "")))
    .collect();
    write_chart(
        &home.path().join("c"),
        &[
            ("Chart.yaml", CHART),
            ("templates/many.yaml.tera", &many),
            (
                "templates/first.yaml.tera",
                &format!("\n# note\n{}", object("Service", "s", "")),
            ),
            ("templates/hook.yaml.tera", &object("Pod", "h", hook)),
            (
                "templates/sub/hook2.yaml.tera",
                &object("Job", "h2", "  annotations: {helm.sh/hook: post-delete}\n"),
            ),
            ("templates/empty.yaml.tera", "\n   \n"),
            ("templates/_partial.tera", "kind: Never\n"),
            ("templates/NOTES.txt.tera", "notes\n"),
            ("crds/a.yaml", &object("CustomResourceDefinition", "a", "")),
            (
                "charts/sub/Chart.yaml",
                "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
            ),
            (
                "charts/sub/templates/x.yaml.tera",
                &object("ConfigMap", "sub", ""),
            ),
            (
                "charts/sub/crds/b.yaml",
                &object("CustomResourceDefinition", "b", ""),
            ),
        ],
    );
    // Helm takes NOTES.txt.tera for an object.
    let notes = home.path().join("c/templates/NOTES.txt.tera");
    let kept = fs::read_to_string(&notes).expect("notes");
    let here = home.path();
    for args in [
        &["template", "c"][..],
        &["template", "r", "c"],
        &["template", "r", "c", "--include-crds"],
        &["template", "r", "c", "--no-hooks"],
        &["template", "r", "c", "--skip-tests"],
        &["template", "r", "c", "-s", "templates/many.yaml.tera"],
        &["template", "r", "c", "-s", "templates/*.tera"],
        &[
            "template",
            "r",
            "c",
            "-s",
            "templates/sub/hook2.yaml.tera",
            "-s",
            "templates/f*",
        ],
        &["template", "r", "c", "-s", "charts/sub/templates/*"],
        &["template", "r", "c", "--include-crds", "-s", "crds/a.yaml"],
    ] {
        fs::remove_file(&notes).expect("removed");
        let theirs = helm_ok(here, args);
        fs::write(&notes, &kept).expect("written");
        assert_eq!(nutkin_ok(here, args), theirs, "{args:?}");
    }
    nutkin_ok(here, &["template", "r", "c", "--output-dir", "ours"]);
    let written =
        fs::read_to_string(here.join("ours/c/templates/first.yaml.tera")).expect("written");
    assert!(
        written.starts_with("---\n# Source: c/templates/first.yaml.tera\n# note\n"),
        "{written}"
    );
    let output = nutkin(here, &["template", "r", "c", "-s", "templates/none.yaml"]);
    assert_eq!(output.status.code(), Some(66));
}

#[test]
fn capabilities_are_those_of_helm() {
    let home = tempfile::tempdir().expect("a folder");
    let chart = |text: &str, name: &str| {
        let folder = home.path().join(name);
        let _ = fs::remove_dir_all(&folder);
        let file = if name == "tera" {
            "templates/a.yaml.tera"
        } else {
            "templates/a.yaml"
        };
        write_chart(
            &folder,
            &[
                ("Chart.yaml", "apiVersion: v2\nname: x\nversion: 1.0.0\n"),
                (file, text),
            ],
        );
    };
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n";
    chart(
        &format!(
            "{head}data:\n  v: {{{{ .Capabilities.KubeVersion.Version }}}}\n  m: {{{{ .Capabilities.KubeVersion.Minor }}}}\n  a: {{{{ toJson .Capabilities.APIVersions }}}}\n"
        ),
        "helm",
    );
    chart(
        &format!(
            "{head}data:\n  v: {{{{ capabilities.version }}}}\n  m: {{{{ capabilities.minor }}}}\n  a: {{{{ capabilities.api_versions | to_json }}}}\n"
        ),
        "tera",
    );
    let body = |text: String| text.split_once("data:").expect("data").1.to_owned();
    for more in [
        &[][..],
        &["--kube-version", "1.30"],
        &[
            "--kube-version",
            "v1.31.4-gke.9",
            "-a",
            "x/v1,y/v2",
            "-a",
            "z/v1/Z",
        ],
    ] {
        let args = |chart| [&["template", "r", chart][..], more].concat();
        let theirs = body(helm_ok(home.path(), &args("helm")));
        assert_eq!(
            body(nutkin_ok(home.path(), &args("tera"))),
            theirs,
            "{more:?}"
        );
        assert_eq!(
            body(nutkin_ok(home.path(), &args("helm"))),
            theirs,
            "{more:?}"
        );
    }
}

/// The objects of a manifest without what is hashed from text, which may differ in layout.
fn objects(manifest: &str) -> Vec<serde_json::Value> {
    let mut all = nutkin::yaml::parse_all(manifest).expect("YAML");
    all.retain(|o| !o.is_null());
    for object in &mut all {
        if let Some(sum) =
            object.pointer_mut("/spec/template/metadata/annotations/checksum~1config")
        {
            *sum = "sum".into();
        }
    }
    all
}

#[test]
fn a_new_chart_is_the_same_in_both_languages() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    nutkin_ok(here, &["create", "tera/job"]);
    nutkin_ok(here, &["create", "--gotmpl", "go/job"]);
    assert_eq!(
        nutkin(here, &["create", "tera/job"]).status.code(),
        Some(73)
    );
    assert_eq!(
        nutkin(here, &["create", "Bad_Name"]).status.code(),
        Some(65)
    );
    for set in [
        "job.parallelism=2",
        "highAvailability.enabled=false,fullnameOverride=x",
        "state.volume.kind=none,state.uri=s3://b/p/,image.tag=1.2,image.pullSecrets={a,b}",
        "state.volume.kind=hostPath,state.volume.hostPath=/d,state.volume.fixPermissions=true",
        "state.volume.kind=existingClaim,state.volume.claimName=c,job.jarConfigMap=jar,job.allowNonRestoredState=true",
        "state.volume.kind=emptyDir,serviceAccount.create=false,rbac.create=false,job.args={--a,1}",
        "jobManager.replicas=2,taskManager.cpuLimit=2,taskManager.podLabels.x=y,jobManager.env[0].name=A,jobManager.env[0].value=b",
        "flinkConfiguration.security\\.ssl\\.rest\\.enabled=true,service.annotations.a=b,taskManager.nodeSelector.disk=ssd",
    ] {
        let args = |chart| ["template", "r", chart, "-n", "ns", "--set", set];
        let tera = objects(&nutkin_ok(here, &args("tera/job")));
        assert_eq!(tera, objects(&helm_ok(here, &args("go/job"))), "{set}");
        assert_eq!(tera, objects(&nutkin_ok(here, &args("go/job"))), "{set}");
        let names: Vec<_> = tera
            .iter()
            .map(|o| (&o["kind"], &o["metadata"]["name"]))
            .collect();
        assert!(names.len() >= 5, "{names:?}");
    }
    let output = nutkin(here, &["lint", "tera/job", "--strict"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    helm_ok(here, &["lint", "go/job"]);
}

#[test]
fn lint_fails_on_errors_and_writes_what_is_asked_for() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    write_chart(
        &here.join("c"),
        &[
            ("Chart.yaml", CHART),
            ("values.yaml", "a: 1\n"),
            ("templates/a.yaml.tera", "{{ values.b }}"),
        ],
    );
    write_chart(
        &here.join("broken"),
        &[("Chart.yaml", "apiVersion: v2\nname: broken\nversion: x\n")],
    );
    let output = nutkin(here, &["lint", "c", "broken", "-o", "json"]);
    assert_eq!(output.status.code(), Some(65));
    let findings: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let has = |rule: &str, file: &str, line: u64| {
        findings
            .iter()
            .any(|f| f["rule"] == rule && f["file"] == file && f["line"] == line)
    };
    assert!(
        has("template/error", "templates/a.yaml.tera", 1),
        "{findings:?}"
    );
    assert!(
        has("values/undeclared", "templates/a.yaml.tera", 1),
        "{findings:?}"
    );
    assert!(has("values/unused", "values.yaml", 1), "{findings:?}");
    assert!(has("chart/app-version", "Chart.yaml", 4), "{findings:?}");
    assert!(has("chart/invalid", "Chart.yaml", 3), "{findings:?}");
    let log: serde_json::Value = serde_json::from_str(&String::from_utf8_lossy(
        &nutkin(here, &["lint", "c", "-o", "sarif"]).stdout,
    ))
    .expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let annotations = nutkin(here, &["lint", "c", "-o", "github"]).stdout;
    assert!(
        String::from_utf8_lossy(&annotations)
            .contains("::warning file=c/Chart.yaml,line=4,title=chart/app-version::")
    );
    // Warnings fail only when asked to.
    fs::write(here.join("c/templates/a.yaml.tera"), "{# values.a #}").expect("written");
    assert_eq!(nutkin(here, &["lint", "c"]).status.code(), Some(0));
    assert_eq!(
        nutkin(here, &["lint", "c", "--strict"]).status.code(),
        Some(65)
    );
}

#[test]
fn errors_have_their_exit_codes() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    write_chart(
        &here.join("c"),
        &[
            ("Chart.yaml", CHART),
            ("templates/a.yaml.tera", "{{ values.x }}"),
        ],
    );
    write_chart(&here.join("empty"), &[("x", "")]);
    write_chart(
        &here.join("lib"),
        &[(
            "Chart.yaml",
            "apiVersion: v2\nname: lib\nversion: 1.0.0\ntype: library\n",
        )],
    );
    for (args, code, text) in [
        (
            &["template", "c"][..],
            65,
            "c/templates/a.yaml.tera:1:4: `values.x` is not defined",
        ),
        (&["template", "nowhere"], 66, "not found"),
        (&["template", "empty"], 66, "Chart.yaml file is missing"),
        (&["template", "lib"], 65, "library chart"),
        (
            &["template", "c", "--kube-version", "new"],
            64,
            "--kube-version",
        ),
        (&["template"], 64, "NAME"),
        (
            &["show", "chart", "c/templates/a.yaml.tera"],
            65,
            "not a gzipped chart archive",
        ),
    ] {
        let output = nutkin(here, args);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        assert!(errors.contains(text), "{args:?}: {errors}");
    }
}
