//! Secret values: files that age encrypted, files in the format of SOPS, and what is never printed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nutkin::values::{self, Error, Identities, Sealed, ValuesFile};

use crate::helm::write_chart;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/secrets")
}

fn identities(file: &str) -> Identities {
    let mut identities = Identities::default();
    let text = fs::read_to_string(folder().join(file)).expect("identities");
    identities.add(&text).expect("identities");
    identities
}

fn open(name: &str, bytes: Vec<u8>, keys: &str) -> Result<ValuesFile, Error> {
    ValuesFile::open(name, bytes, || Ok::<_, Error>(identities(keys)))
}

fn read(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).expect("a recorded file")
}

/// Every file in the format of SOPS, with what was encrypted.
fn recorded() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).expect("the folder") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("UTF-8");
        let out = folder().join(name.replace(".sops", ".out"));
        if name.contains(".sops.") && out.exists() {
            found.push((name, fs::read_to_string(out).expect("text")));
        }
    }
    found.sort();
    found
}

#[test]
fn files_of_sops_are_read_as_sops_reads_them() {
    let recorded = recorded();
    assert!(recorded.len() >= 8, "{} files", recorded.len());
    for (name, want) in &recorded {
        let sealed = read(name);
        let lines = String::from_utf8(sealed.clone())
            .expect("UTF-8")
            .lines()
            .count();
        let file = open(name, sealed, "keys.txt").unwrap_or_else(|e| panic!("{e}"));
        let Sealed::Parts(secrets) = &file.sealed else {
            panic!("{name}: not taken for a file of sops");
        };
        assert!(!secrets.is_empty(), "{name}");
        // Lines stay where they were.
        assert_eq!(file.text.lines().count(), lines, "{name}");
        let mut found = values::parse_file(name, &file.text).expect("YAML");
        found.as_object_mut().expect("a map").shift_remove("sops");
        let want = values::parse_file(name, want).expect("YAML");
        assert_eq!(found, want, "{name}");
    }
    println!(
        "{} files in the format of SOPS compared with what was encrypted",
        recorded.len()
    );
}

#[test]
fn files_of_age_are_read() {
    let plain = String::from_utf8(read("plain.yaml")).expect("UTF-8");
    for name in ["plain.yaml.age", "plain.yaml.asc"] {
        let file = open(name, read(name), "keys.txt").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(file.text, plain);
        assert_eq!(file.sealed, Sealed::Whole);
    }
    let mut damaged = read("plain.yaml.age");
    *damaged.last_mut().expect("bytes") ^= 1;
    for (name, bytes, want) in [
        (
            "stranger.yaml.age",
            read("stranger.yaml.age"),
            "none of your identities",
        ),
        ("damaged.age", damaged, "damaged"),
        ("cut.age", read("plain.yaml.age")[..150].to_vec(), "damaged"),
    ] {
        let error = open(name, bytes, "keys.txt").expect_err(name).to_string();
        assert!(error.starts_with(name) && error.contains(want), "{error}");
    }
    // An ordinary file asks for no identities.
    let never = || -> Result<Identities, Error> { panic!("asked for identities") };
    assert!(ValuesFile::open("a", b"a: 1\n".to_vec(), never).is_ok());
}

#[test]
fn a_file_of_sops_that_was_changed_is_refused() {
    let text = String::from_utf8(read("all.sops.yaml")).expect("UTF-8");
    let value = |key: &str| {
        let line = text
            .lines()
            .find(|l| l.trim_start().starts_with(key))
            .expect("a line");
        line.split_once(": ").expect("a value").1.to_owned()
    };
    let (user, password) = (value("user:"), value("password:"));
    let line = |key: &str| {
        let found = text.lines().find(|l| l.trim_start().starts_with(key));
        format!("{}\n", found.expect("a line"))
    };
    let regex = String::from_utf8(read("encrypted-regex.sops.yaml")).expect("UTF-8");
    let only = String::from_utf8(read("only-encrypted.sops.yaml")).expect("UTF-8");
    let cases = [
        (
            "values swapped",
            text.replace(&user, "\u{1}")
                .replace(&password, &user)
                .replace('\u{1}', &password),
            "can't be decrypted",
        ),
        (
            "a value taken away",
            text.replace(&line("user:"), ""),
            "MAC",
        ),
        (
            "a value in clear",
            text.replace(&user, "mallory"),
            "is not encrypted",
        ),
        ("the MAC taken away", text.replace(&line("mac:"), ""), "mac"),
        (
            "the time changed",
            text.replace("lastmodified: \"2", "lastmodified: \"3"),
            "MAC",
        ),
        (
            "clear text changed",
            regex.replace("negative: -7", "negative: -8"),
            "MAC",
        ),
        (
            "an encrypted value in clear",
            only.replace(
                &only
                    .lines()
                    .find(|l| l.trim_start().starts_with("user:"))
                    .unwrap()
                    .trim()
                    .replace("user: ", ""),
                "x",
            ),
            "is not encrypted",
        ),
        (
            "a list for the key",
            text.replace("enc: |", "enc:\n          - |"),
            "damaged",
        ),
    ];
    for (name, changed, want) in cases {
        assert_ne!(changed, text, "{name}");
        let error = open("x.yaml", changed.into_bytes(), "keys.txt")
            .expect_err(name)
            .to_string();
        assert!(error.contains(want), "{name}: {error}");
        assert!(!error.contains("p@ss"), "{error}");
    }
    let error = open("x.yaml", read("stranger.sops.yaml"), "keys.txt").expect_err("a stranger's");
    assert!(
        error.to_string().contains("its recipients: age1"),
        "{error}"
    );
    // What is not covered by the MAC may be changed, and only that.
    let free = only.replace("negative: -7", "negative: -8");
    assert!(open("x.yaml", free.into_bytes(), "keys.txt").is_ok());
}

/// Runs nutkin where HOME and TMPDIR are a folder that can be searched afterwards.
fn nutkin(home: &Path, args: &[&str], keys: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nutkin"));
    command.args(args).current_dir(home);
    for name in [
        "HOME",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    ] {
        command.env(name, home);
    }
    for name in [
        "SOPS_AGE_KEY",
        "SOPS_AGE_KEY_FILE",
        "GITHUB_ACTIONS",
        "HELM_NAMESPACE",
    ] {
        command.env_remove(name);
    }
    if let Some(keys) = keys {
        command.env("SOPS_AGE_KEY_FILE", folder().join(keys));
    }
    command.output().expect("nutkin runs")
}

fn both(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.0.0\ndescription: d\n";
const PASSWORD: &str = "p@ss: \"wörd\" #1";

#[test]
fn encrypted_values_reach_the_manifest_and_no_file() {
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    write_chart(
        &here.join("c"),
        &[
            ("Chart.yaml", CHART),
            ("values.yaml", "db:\n  password: default-password\n"),
            (
                "templates/s.yaml.tera",
                "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  p: {{ values.db.password | b64encode }}\n",
            ),
        ],
    );
    for name in [
        "all.sops.yaml",
        "all.sops.json",
        "plain.yaml.age",
        "plain.yaml.asc",
    ] {
        fs::copy(folder().join(name), here.join(name)).expect("copied");
    }
    let encoded = STANDARD.encode(PASSWORD);
    for file in ["all.sops.yaml", "plain.yaml.age", "plain.yaml.asc"] {
        let template = nutkin(here, &["template", "c", "-f", file], Some("keys.txt"));
        assert!(
            both(&template).contains(&encoded),
            "{file}: {}",
            both(&template)
        );
        let shown = both(&nutkin(
            here,
            &["values", "explain", "c", "-f", file],
            Some("keys.txt"),
        ));
        assert!(
            !shown.contains("p@ss") && shown.contains("(hidden)"),
            "{shown}"
        );
        let row = shown
            .lines()
            .find(|l| l.starts_with("db.password"))
            .expect("a row");
        assert!(row.contains(file), "{row}");
        // Its line is the file's.
        let line = if file.ends_with("json") { "" } else { ":4" };
        assert!(row.contains(&format!("{file}{line}")), "{row}");
        // Without a key it says so, and with the flag it is read.
        let refused = nutkin(here, &["template", "c", "-f", file], None);
        assert_eq!(refused.status.code(), Some(65), "{}", both(&refused));
        assert!(
            both(&refused).contains("--age-identity"),
            "{}",
            both(&refused)
        );
        let keys = folder().join("keys.txt").display().to_string();
        let flag = nutkin(
            here,
            &["template", "c", "-f", file, "--age-identity", &keys],
            None,
        );
        assert!(both(&flag).contains(&encoded), "{}", both(&flag));
    }
    // SOPS' usual place.
    fs::create_dir_all(here.join("sops/age")).expect("a folder");
    fs::copy(folder().join("keys.txt"), here.join("sops/age/keys.txt")).expect("copied");
    let usual = nutkin(here, &["template", "c", "-f", "all.sops.yaml"], None);
    assert!(both(&usual).contains(&encoded), "{}", both(&usual));
    let mut left = vec![here.to_owned()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(
                fs::read_dir(&path)
                    .expect("entries")
                    .map(|e| e.expect("an entry").path()),
            );
        } else {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("bytes")).into_owned();
            assert!(!text.contains("p@ss"), "{} is decrypted", path.display());
        }
    }
}

#[test]
fn marked_values_are_in_no_output() {
    let secret = "tOpSecret-9\"quote";
    let home = tempfile::tempdir().expect("a folder");
    let here = home.path();
    let schema = r#"{"type":"object","additionalProperties":false,"properties":{
        "password":{"type":"string","maxLength":40,"x-nutkin-secret":true,"description":"of the database"},
        "mode":{"type":"string"},"users":{"type":"array","items":{"type":"object","properties":{"key":{"type":"string","x-nutkin-secret":true}}}},
        "sub":{"type":"object"},"global":{"type":"object"}}}"#;
    let sub_schema =
        r#"{"properties":{"token":{"x-nutkin-secret":true,"type":"string","pattern":"^[a-z]+$"}}}"#;
    let template = r#"apiVersion: v1
kind: {{ "Secret" if values.mode == "secret" else "ConfigMap" }}
metadata:
  name: s
{%- if values.mode == "fail" %}
{{ fail(message="cannot use " ~ values.password) }}
{%- elif values.mode == "yaml" %}
bad: [{{ values.password }}
{%- elif values.mode == "kind" %}
---
data: {{ values.password | quote }}
{%- else %}
data:
  plain: {{ values.password | quote }}
  encoded: {{ ("user:" ~ values.password ~ "@db") | b64encode }}
{%- endif %}
"#;
    write_chart(
        &here.join("c"),
        &[
            ("Chart.yaml", CHART),
            (
                "values.yaml",
                "password: ''\nmode: show\nusers: []\nsub: {}\n",
            ),
            ("values.schema.json", schema),
            ("templates/s.yaml.tera", template),
            (
                "charts/sub/Chart.yaml",
                "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
            ),
            ("charts/sub/values.yaml", "token: abc\n"),
            ("charts/sub/values.schema.json", sub_schema),
        ],
    );
    fs::write(
        here.join("p.yaml"),
        format!("password: '{secret}'\nusers:\n- key: '{secret}'\n"),
    )
    .expect("written");
    let literal = format!("password={secret}");
    let long = format!("password={}", secret.repeat(4));
    let token = format!("sub.token={secret}");
    let f = ["-f", "p.yaml"];
    let cases: Vec<Vec<&str>> = vec![
        vec!["values", "explain", "c"],
        vec!["values", "explain", "password", "c"],
        vec!["values", "explain", "c", "-o", "json"],
        vec!["values", "explain", "c", "-o", "yaml"],
        vec!["template", "c", "--hide-secret"],
        vec!["template", "c", "--hide-secret", "--set", "mode=secret"],
        vec!["template", "c", "--set", "mode=fail"],
        vec!["template", "c", "--set", "mode=yaml"],
        vec!["template", "c", "--set", "mode=kind"],
        vec!["lint", "c", "--set", "mode=fail"],
        vec!["lint", "c", "--set", "mode=yaml", "-o", "json"],
        vec!["lint", "c", "--set", "mode=yaml", "-o", "sarif"],
        vec!["lint", "c", "--set", "mode=yaml", "-o", "github"],
    ];
    let mut compared = 0;
    for case in &cases {
        for how in [&f[..], &["--set-literal", &literal]] {
            let shown = both(&nutkin(here, &[case.as_slice(), how].concat(), None));
            let coded = STANDARD.encode(format!("user:{secret}@db"));
            for form in [secret, "tOpSecret", &STANDARD.encode(secret), &coded] {
                assert!(!shown.contains(form), "{case:?} shows {form}: {shown}");
            }
            compared += 1;
        }
    }
    for (flag, want) in [(&long, "of the database"), (&token, "sub.token")] {
        for command in [
            &["template", "c"][..],
            &["lint", "c"],
            &["lint", "c", "-o", "sarif"],
        ] {
            let output = nutkin(here, &[command, &["--set-literal", flag]].concat(), None);
            let shown = both(&output);
            assert_eq!(output.status.code(), Some(65), "{shown}");
            assert!(
                shown.contains(want) && !shown.contains("tOpSecret"),
                "{shown}"
            );
            compared += 1;
        }
    }
    // The manifest itself is what others apply: whole.
    let whole = both(&nutkin(here, &["template", "c", "-f", "p.yaml"], None));
    assert!(whole.contains("tOpSecret"), "{whole}");
    println!("{compared} outputs searched for secrets");
}
