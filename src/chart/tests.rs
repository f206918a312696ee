use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::*;

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// An archive of raw headers: names are not checked, as a hostile author would have it.
fn tgz(entries: &[(&str, tar::EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, link, data) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    gz(&builder.into_inner().unwrap())
}

const FILE: tar::EntryType = tar::EntryType::Regular;
const CHART: &[u8] = b"apiVersion: v2\nname: c\nversion: 1.0.0\n";

fn with(name: &str, kind: tar::EntryType, link: &str) -> Result<Chart, Error> {
    let bytes = tgz(&[("c/Chart.yaml", FILE, "", CHART), (name, kind, link, b"")]);
    load_archive("c.tgz", &bytes)
}

#[test]
fn hostile_names_and_links_are_refused() {
    for name in [
        "../x",
        "c/../../x",
        "c//etc/passwd",
        "c/C:/x",
        "x",
        "c/a/../..",
        "..\\x",
        "c\\..\\..\\x",
    ] {
        let error = with(name, FILE, "").unwrap_err();
        assert!(matches!(error, Error::Unsafe { .. }), "{name}: {error}");
        assert!(error.to_string().starts_with("c.tgz: "), "{error}");
    }
    for kind in [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Char,
        tar::EntryType::Block,
        tar::EntryType::Fifo,
    ] {
        let error = with("c/templates/x", kind, "/etc/passwd").unwrap_err();
        assert!(matches!(error, Error::Unsafe { .. }), "{kind:?}: {error}");
    }
    assert!(with("c/templates/", tar::EntryType::Directory, "").is_ok());
    assert_eq!(
        with("c\\templates\\x", FILE, "").unwrap().templates[0].name,
        "templates/x"
    );
}

#[test]
fn bombs_run_into_the_limit() {
    let zeros = vec![0u8; 1 << 20];
    let entries = [
        ("c/Chart.yaml", FILE, "", CHART),
        ("c/a", FILE, "", &zeros),
        ("c/b", FILE, "", &zeros),
    ];
    let bytes = tgz(&entries);
    assert!(bytes.len() < 1 << 16, "the archive is small");
    let unpack = |limit| archive::unpack("c.tgz", &bytes, &mut archive::Budget::of(limit, 10));
    assert_eq!(unpack(2 << 21).unwrap().len(), 3);
    let error = unpack(2 << 20).unwrap_err();
    assert_eq!(
        error.to_string(),
        "c.tgz: the unpacked chart is too large (limit 100 MiB)"
    );
    // What no file holds is bounded too: a long name is a file of its own to the reader.
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::GNULongName);
    header.set_size(64 << 20);
    header.set_path("././@LongLink").unwrap();
    header.set_cksum();
    tar.append(&header, std::io::repeat(b'a').take(64 << 20))
        .unwrap();
    let bytes = gz(&tar.into_inner().unwrap());
    let error =
        archive::unpack("c.tgz", &bytes, &mut archive::Budget::of(1 << 20, 10)).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { .. } | Error::Damaged { .. }),
        "{error}"
    );

    // A header that promises more than there is.
    let mut header = tar::Header::new_gnu();
    header.set_path("c/Chart.yaml").unwrap();
    header.set_size(1 << 40);
    header.set_cksum();
    let error = load_archive("c.tgz", &gz(header.as_bytes())).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { .. } | Error::Damaged { .. }),
        "{error}"
    );
}

#[test]
fn too_many_entries_and_too_deep_charts_are_refused() {
    let mut tar = tar::Builder::new(Vec::new());
    for i in 0..=MAX_ENTRIES {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        tar.append_data(&mut header, format!("c/f{i}"), &b""[..])
            .unwrap();
    }
    let error = load_archive("c.tgz", &gz(&tar.into_inner().unwrap())).unwrap_err();
    assert!(error.to_string().contains("too many files"), "{error}");

    let mut inner = tgz(&[("c/Chart.yaml", FILE, "", CHART)]);
    for _ in 0..=MAX_DEPTH {
        inner = tgz(&[
            ("c/Chart.yaml", FILE, "", CHART),
            ("c/charts/c.tgz", FILE, "", &inner),
        ]);
    }
    let error = load_archive("c.tgz", &inner).unwrap_err();
    assert!(error.to_string().contains("nested too deep"), "{error}");
}

#[test]
fn what_is_no_archive_is_said_so() {
    let error = load_archive("values.yaml", b"a: 1").unwrap_err();
    assert!(
        error.to_string().contains("order of the arguments"),
        "{error}"
    );
    for bytes in [
        &b"\x1f\x8b\x08"[..],
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff garbage",
    ] {
        let error = load_archive("c.tgz", bytes).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
    }
    let whole = tgz(&[("c/Chart.yaml", FILE, "", CHART)]);
    for cut in [whole.len() / 2, whole.len() - 9] {
        let error = load_archive("c.tgz", &whole[..cut]).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{cut}: {error}");
    }
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn a_folder_becomes_a_chart() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("c");
    write(
        &root,
        &[
            (
                "Chart.yaml",
                "\u{feff}name: c\nversion: 1.0.0\nappVersion: 1.20\nkeywords:\n",
            ),
            (
                "requirements.yaml",
                "dependencies:\n- name: sub\n  version: 1\n",
            ),
            ("values.yaml", "a: 1\n---\nb: 2\n"),
            ("templates/a.yaml.tera", "x"),
            ("templates/.hidden", "x"),
            ("crds/c.yaml", "x"),
            ("crds/README", "x"),
            (
                "charts/sub/Chart.yaml",
                "apiVersion: v2\nname: sub\nversion: v1\n",
            ),
            ("charts/_off/Chart.yaml", "broken: ["),
            ("charts/loose.txt", "x"),
            ("skipped/x", "x"),
            (".helmignore", "skipped/\n"),
        ],
    );
    let chart = load(&root).unwrap();
    assert_eq!(chart.metadata.api_version, "v1");
    assert_eq!(chart.metadata.app_version, "1.2");
    assert_eq!(chart.metadata.dependencies[0].version, "1");
    assert_eq!(chart.values, serde_json::json!({"a": 1, "b": 2}));
    let names = |files: &[File]| files.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&chart.templates), ["templates/a.yaml.tera"]);
    assert_eq!(names(&chart.crds), ["crds/README", "crds/c.yaml"]);
    assert_eq!(names(&chart.files), [".helmignore", "requirements.yaml"]);
    assert_eq!(chart.dependencies.len(), 1);
    assert_eq!(chart.crd_files()[0].0, "c/crds/c.yaml");

    // Through an archive it stays what it is.
    let again = load_archive("c.tgz", &package(&chart, DEFAULT_MTIME).unwrap()).unwrap();
    assert_eq!(again.metadata.app_version, "1.2");
    assert_eq!(again.values, chart.values);
    assert_eq!(again.metadata.dependencies, chart.metadata.dependencies);
    assert_eq!(names(&again.templates), names(&chart.templates));
    assert_eq!(package(&chart, 7).unwrap(), package(&chart, 7).unwrap());
}

#[cfg(unix)]
#[test]
fn links_may_lead_to_a_chart_beside_and_within_the_repository() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("charts/c");
    let chart = |name: &str| format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    write(&root, &[("Chart.yaml", &chart("c"))]);
    write(
        folder.path(),
        &[
            ("library/Chart.yaml", &chart("library")),
            ("crd/a.yaml", "kind: X"),
            ("LICENSE", "free"),
            (".git/config", "secret"),
        ],
    );
    fs::create_dir_all(root.join("charts")).unwrap();
    symlink("../../../library", root.join("charts/library")).unwrap();
    symlink("../../LICENSE", root.join("LICENSE")).unwrap();
    symlink("../../crd", root.join("crds")).unwrap();
    let loaded = load(&root).unwrap();
    assert_eq!(loaded.dependencies[0].name(), "library");
    assert_eq!((loaded.crds.len(), loaded.files.len()), (1, 1));
    symlink("../../.git/config", root.join("config")).unwrap();
    assert!(
        load(&root).is_err(),
        "what git keeps for itself is no chart's"
    );
    fs::remove_file(root.join("config")).unwrap();
    // without a repository the CRDs are just files of the machine, the other chart is still one
    fs::remove_dir_all(folder.path().join(".git")).unwrap();
    assert!(load(&root).is_err());
    fs::remove_file(root.join("crds")).unwrap();
    let loaded = load(&root).unwrap();
    assert_eq!(loaded.dependencies.len(), 1);
    assert!(loaded.files.is_empty(), "papers are left out");
}

#[cfg(unix)]
#[test]
fn links_may_not_leave_a_folder() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("c");
    write(
        &root,
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
            ("a.txt", "x"),
        ],
    );
    write(folder.path(), &[("secret", "x")]);
    symlink("a.txt", root.join("inside")).unwrap();
    assert_eq!(load(&root).unwrap().files.len(), 2);
    symlink("../secret", root.join("outside")).unwrap();
    let error = load(&root).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"outside\" is a link that leaves the chart"),
        "{error}"
    );
    fs::remove_file(root.join("outside")).unwrap();
    symlink(".", root.join("circle")).unwrap();
    let error = load(&root).unwrap_err();
    assert!(
        matches!(error, Error::Unsafe { .. } | Error::TooLarge { .. }),
        "{error}"
    );
}

#[test]
fn errors_name_file_and_line() {
    for (text, expected) in [
        (
            "apiVersion: v2\nname: c\nversion: one\n",
            "c/Chart.yaml:3: version \"one\" is not a semantic version",
        ),
        (
            "apiVersion: v2\nversion: 1.0.0\n",
            "c/Chart.yaml: name is required",
        ),
        (
            "apiVersion: v2\nname: a/b\nversion: 1.0.0\n",
            "c/Chart.yaml:2: name \"a/b\" is not allowed",
        ),
        (
            "apiVersion: v2\nname: c\nversion: 1.0.0\ntype: app\n",
            "c/Chart.yaml:4: type \"app\" must be application or library",
        ),
        (
            "apiVersion: v2\nname: c\nversion: 1.0.0\ndependencies:\n- name: a\n- name: a\n",
            "c/Chart.yaml:4: more than one dependency with name or alias \"a\"",
        ),
        (
            "apiVersion: v2\nname: c\nversion: 1.0.0\nkeywords: 7\n",
            "c/Chart.yaml:4: keywords: invalid type: integer `7`, expected a sequence",
        ),
    ] {
        let bytes = tgz(&[("c/Chart.yaml", FILE, "", text.as_bytes())]);
        assert_eq!(load_archive("c", &bytes).unwrap_err().to_string(), expected);
    }
    let bytes = tgz(&[
        ("c/Chart.yaml", FILE, "", CHART),
        ("c/values.yaml", FILE, "", b"a: 1\nb: [\n"),
    ]);
    let error = load_archive("c", &bytes).unwrap_err().to_string();
    assert!(error.contains("c/values.yaml"), "{error}");
    let bytes = tgz(&[
        ("c/Chart.yaml", FILE, "", CHART),
        ("c/values.yaml", FILE, "", b"a: 1\nb: \xff\n"),
    ]);
    assert_eq!(
        load_archive("c", &bytes).unwrap_err().to_string(),
        "c/values.yaml:2: is not UTF-8"
    );
    let error = load(Path::new("/nowhere/at/all")).unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}
