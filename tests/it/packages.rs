//! Packages: the same as helm's, and the same bytes every time.

use std::fs;
use std::process::Command;

use crate::charts::{CHART, contents, nutkin, nutkin_ok};
use crate::helm::{helm_ok, write_chart};

#[test]
fn packages_go_back_and_forth() {
    let home = tempfile::tempdir().expect("a folder");
    let root = home.path().join("c");
    write_chart(
        &root,
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: 1.20\nkeywords: [b, a]\nmaintainers:\n- name: M\n  email: m@x\nannotations:\n  k: 7\n  z: \"on\"\ndependencies:\n- name: sub\n  version: ^1\n  repository: \"\"\n  alias: other\n  condition: sub.enabled\n",
            ),
            ("values.yaml", "# c\na: 1\n"),
            ("values.schema.json", "{}\n"),
            ("README.md", "# c\n"),
            ("LICENSE", "l\n"),
            ("crds/x.yaml", "kind: X\n"),
            ("crds/y.yaml", "---\nkind: Y\n"),
            (
                "templates/a.yaml.tera",
                "kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n",
            ),
            (
                "charts/sub/Chart.yaml",
                "apiVersion: v1\nname: sub\nversion: 1.0.0\n",
            ),
            ("charts/sub/values.yaml", "b: 1\n"),
            ("charts/sub/requirements.yaml", "dependencies: []\n"),
        ],
    );
    let here = home.path();
    nutkin_ok(here, &["package", "c", "-d", "ours"]);
    nutkin_ok(here, &["package", "./c/", "-d", "again"]);
    helm_ok(here, &["package", "c", "-d", "theirs"]);
    let package = |folder: &str| here.join(folder).join("c-1.2.3.tgz");
    assert_eq!(contents(&package("ours")), contents(&package("theirs")));
    assert_eq!(
        fs::read(package("ours")).expect("bytes"),
        fs::read(package("again")).expect("bytes")
    );
    for part in ["all", "chart", "values", "readme", "crds"] {
        let from_folder = helm_ok(here, &["show", part, "c"]);
        for source in ["c", "ours/c-1.2.3.tgz", "theirs/c-1.2.3.tgz"] {
            assert_eq!(
                nutkin_ok(here, &["show", part, source]),
                from_folder,
                "{part} of {source}"
            );
        }
        assert_eq!(
            helm_ok(here, &["show", part, "ours/c-1.2.3.tgz"]),
            from_folder,
            "{part}"
        );
    }
    let named = [
        "package",
        "c",
        "--version",
        "2.0.0-rc.1",
        "--app-version",
        "9",
        "-d",
        "named",
    ];
    nutkin_ok(here, &named);
    helm_ok(
        here,
        &[
            "package",
            "c",
            "--version",
            "2.0.0-rc.1",
            "--app-version",
            "9",
            "-d",
            "theirs",
        ],
    );
    let name = "c-2.0.0-rc.1.tgz";
    assert_eq!(
        contents(&here.join("named").join(name)),
        contents(&here.join("theirs").join(name))
    );
    // A package is whole.
    fs::remove_dir_all(root.join("charts")).expect("removed");
    let output = nutkin(here, &["package", "c"]);
    assert_eq!(output.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing in charts/: sub"));
}

/// The bytes depend on the chart alone: not on the files' times, rights and order, nor on the folder.
#[test]
fn packages_are_reproducible() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    let files = [
        ("Chart.yaml", CHART),
        ("values.yaml", "a: 1\n"),
        ("templates/b.yaml.tera", ""),
        ("templates/a.yaml.tera", ""),
        (
            "charts/z/Chart.yaml",
            "apiVersion: v2\nname: z\nversion: 1.0.0\n",
        ),
        (
            "charts/y/Chart.yaml",
            "apiVersion: v2\nname: y\nversion: 1.0.0\n",
        ),
    ];
    write_chart(&here.join("one/c"), &files);
    let mut backwards = files;
    backwards.reverse();
    write_chart(&here.join("two/c"), &backwards);
    let odd = here.join("two/c/values.yaml");
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_234_567_890);
    fs::File::options()
        .write(true)
        .open(&odd)
        .and_then(|file| file.set_modified(time))
        .expect("a time");
    let mut rights = fs::metadata(&odd).expect("rights").permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o600);
    fs::set_permissions(&odd, rights).expect("rights");
    let package = |folder: &str, epoch: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nutkin"));
        command
            .args(["package", "c", "-d", "out"])
            .current_dir(here.join(folder));
        match epoch {
            Some(epoch) => command.env("SOURCE_DATE_EPOCH", epoch),
            None => command.env_remove("SOURCE_DATE_EPOCH"),
        };
        assert!(command.output().expect("nutkin runs").status.success());
        fs::read(here.join(folder).join("out/c-1.2.3.tgz")).expect("a package")
    };
    assert_eq!(package("one", None), package("two", None));
    let dated = package("one", Some("1700000000"));
    assert_eq!(dated, package("two", Some("1700000000")));
    assert_ne!(dated, package("one", None));
    let gzip = flate2::read::GzDecoder::new(dated.as_slice());
    let mut archive = tar::Archive::new(gzip);
    for entry in archive.entries().expect("entries") {
        let entry = entry.expect("an entry");
        assert_eq!(entry.header().mtime().expect("a time"), 1_700_000_000);
        assert_eq!(entry.header().mode().expect("rights"), 0o644);
    }
}
