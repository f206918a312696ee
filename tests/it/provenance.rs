//! Signed packages beside the real helm: each verifies what the other signed, and refuses the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::helm::{helm, helm_ok, write_chart};

const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.2.3\nappVersion: '1.20'\ndescription: \"a: b\"\nkeywords: [x, y]\n";

/// The path of a keyring of the tests.
pub fn keys(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/provenance");
    folder.join(name).display().to_string()
}

fn nutkin(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nutkin"))
        .args(args)
        .current_dir(folder)
        .env("HOME", folder)
        .env_remove("GNUPGHOME")
        .env_remove("SOURCE_DATE_EPOCH")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("nutkin runs")
}

fn nutkin_ok(folder: &Path, args: &[&str]) -> String {
    let output = nutkin(folder, args);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "nutkin {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A folder with a chart and a file with the passphrase of the locked key.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    write_chart(
        &home.path().join("c"),
        &[
            ("Chart.yaml", CHART),
            ("values.yaml", "a: 1\n"),
            (
                "templates/a.yaml.tera",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
            ),
        ],
    );
    fs::write(home.path().join("pass"), "correct horse\nnot this line\n").expect("written");
    home
}

#[test]
fn each_verifies_what_the_other_signed() {
    let home = home();
    let here = home.path();
    // Keyring to sign with, key, and the keyrings to verify with; helm reads no armoured ones.
    let cases = [
        (
            "team.sec.gpg",
            "release@example.org",
            &["team.pub.gpg", "ring.pub.gpg"][..],
        ),
        (
            "team.sec.gpg",
            "Ed Other <ed@example.org>",
            &["team.pub.gpg"],
        ),
        ("locked.sec.gpg", "Locked", &["locked.pub.gpg"]),
    ];
    let mut compared = 0;
    for (at, (secret, key, public)) in cases.iter().enumerate() {
        let (ours, theirs) = (format!("ours{at}"), format!("theirs{at}"));
        let secret = keys(secret);
        let args = ["package", "c", "--sign", "--key", key, "--keyring", &secret];
        let args = [&args[..], &["--passphrase-file", "pass", "-d"]].concat();
        nutkin_ok(here, &[&args[..], &[&ours]].concat());
        helm_ok(here, &[&args[..], &[&theirs]].concat());
        let read = |folder: &str| {
            let text = fs::read_to_string(here.join(folder).join("c-1.2.3.tgz.prov"));
            text.expect("a provenance file")
        };
        // The signed texts are the same but for the digest.
        let signed = |text: &str| {
            let (text, _) = text.split_once("-----BEGIN PGP SIGNATURE").expect("signed");
            let lines = text.lines().filter(|line| !line.contains("sha256:"));
            lines.map(|line| format!("{line}\n")).collect::<String>()
        };
        assert_eq!(signed(&read(&ours)), signed(&read(&theirs)));
        for folder in [&ours, &theirs] {
            let package = format!("{folder}/c-1.2.3.tgz");
            for public in *public {
                let public = keys(public);
                let args = ["verify", &package, "--keyring", &public];
                let shown = helm_ok(here, &args);
                assert_eq!(nutkin_ok(here, &args), shown, "{args:?}");
                compared += 1;
            }
        }
    }
    println!("compared with helm: {compared} cases of verification");
    // Armoured keyrings, the default keyring, a fingerprint as the key.
    let package = "ours0/c-1.2.3.tgz";
    let armoured = keys("team.pub.asc");
    let shown = nutkin_ok(here, &["verify", package, "--keyring", &armoured]);
    assert!(
        shown.contains("Signed by: Release Team <release@example.org>"),
        "{shown}"
    );
    fs::create_dir(here.join(".gnupg")).expect("a folder");
    fs::copy(keys("team.pub.gpg"), here.join(".gnupg/pubring.gpg")).expect("copied");
    assert_eq!(nutkin_ok(here, &["verify", package]), shown);
    let fingerprint = shown
        .lines()
        .find_map(|l| l.strip_prefix("Using Key With Fingerprint: "))
        .expect("a fingerprint");
    let secret = keys("team.sec.asc");
    let args = [
        "package",
        "c",
        "-d",
        "by-print",
        "--sign",
        "--keyring",
        &secret,
    ];
    nutkin_ok(here, &[&args[..], &["--key", fingerprint]].concat());
    helm_ok(
        here,
        &[
            "verify",
            "by-print/c-1.2.3.tgz",
            "--keyring",
            &keys("team.pub.gpg"),
        ],
    );
    let json = nutkin_ok(here, &["verify", package, "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["fingerprint"], fingerprint);
}

#[test]
fn what_was_changed_or_signed_by_others_is_refused() {
    let home = home();
    let here = home.path();
    let secret = keys("team.sec.gpg");
    helm_ok(
        here,
        &[
            "package",
            "c",
            "--sign",
            "--key",
            "release",
            "--keyring",
            &secret,
        ],
    );
    let package = here.join("c-1.2.3.tgz");
    let prov = here.join("c-1.2.3.tgz.prov");
    let (bytes, text) = (
        fs::read(&package).unwrap(),
        fs::read_to_string(&prov).unwrap(),
    );
    let public = keys("team.pub.gpg");
    let subkey = fs::read_to_string(keys("subkey.prov")).unwrap();
    let other_hash = {
        let at = text.find("sha256:").unwrap() + 7;
        let digit = if text.as_bytes()[at] == b'0' {
            "1"
        } else {
            "0"
        };
        format!("{}{digit}{}", &text[..at], &text[at + 1..])
    };
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    type Case<'a> = (&'a str, Vec<u8>, Option<String>, String, &'a str);
    let case = |name, bytes: &[u8], text: &str, keyring: &str, want| -> Case<'_> {
        (
            name,
            bytes.to_vec(),
            Some(text.to_owned()),
            keyring.to_owned(),
            want,
        )
    };
    let cut = &text[..text.len() / 2];
    let cases: Vec<Case> = vec![
        case("package changed", &changed, &text, &public, "its digest is"),
        case(
            "digest changed",
            &bytes,
            &other_hash,
            &public,
            "none of the keyring's keys",
        ),
        case(
            "name changed",
            &bytes,
            &text.replace("name: c\n", "name: d\n"),
            &public,
            "none of the keyring's keys",
        ),
        case(
            "line added",
            &bytes,
            &text.replace("name: c\n", "name: c\nx: y\n"),
            &public,
            "none of the keyring's keys",
        ),
        case(
            "file renamed",
            &bytes,
            &text.replace("c-1.2.3.tgz", "d-1.2.3.tgz"),
            &public,
            "none of the keyring's keys",
        ),
        case("cut", &bytes, cut, &public, "no signed text"),
        case("empty", &bytes, "", &public, "no signed text"),
        case(
            "no signature",
            &bytes,
            "name: c\n\n...\nfiles:\n  c-1.2.3.tgz: x\n",
            &public,
            "no signed text",
        ),
        case(
            "another's key",
            &bytes,
            &text,
            &keys("stranger.pub.gpg"),
            "none of the keyring's keys",
        ),
        case(
            "by a subkey, for another package",
            &bytes,
            &subkey,
            &keys("subkey.pub.gpg"),
            "its digest is",
        ),
        case(
            "no keyring",
            &bytes,
            &text,
            "missing.gpg",
            "keyring missing.gpg",
        ),
        case(
            "keyring of nothing",
            &bytes,
            &text,
            "pass",
            "holds no OpenPGP keys",
        ),
        (
            "unsigned",
            bytes.clone(),
            None,
            public.clone(),
            "has no provenance file",
        ),
    ];
    let mut compared = 0;
    for (name, bytes, text, keyring, want) in &cases {
        fs::write(&package, bytes).unwrap();
        match text {
            Some(text) => fs::write(&prov, text).unwrap(),
            None => fs::remove_file(&prov).unwrap(),
        }
        let args = ["verify", "c-1.2.3.tgz", "--keyring", keyring];
        let theirs = helm(here, &args);
        assert!(!theirs.status.success(), "{name}: {theirs:?}");
        let ours = nutkin(here, &args);
        assert!(
            matches!(ours.status.code(), Some(65 | 66)),
            "{name}: {ours:?}"
        );
        let errors = String::from_utf8_lossy(&ours.stderr).into_owned();
        assert!(errors.contains(want), "{name}: {errors}");
        assert!(ours.stdout.is_empty(), "{name}");
        compared += 1;
    }
    println!("compared with helm: {compared} cases of refused signatures");
}

#[test]
fn keys_that_count_no_more_are_refused() {
    let home = home();
    let here = home.path();
    for (name, key, want) in [
        ("expired", "old@example.org", "has expired"),
        ("revoked", "lost@example.org", "is revoked"),
    ] {
        let secret = keys(&format!("{name}.sec.gpg"));
        nutkin_ok(
            here,
            &[
                "package",
                "c",
                "-d",
                name,
                "--sign",
                "--key",
                key,
                "--keyring",
                &secret,
            ],
        );
        let package = format!("{name}/c-1.2.3.tgz");
        let public = keys(&format!("{name}.pub.gpg"));
        let args = ["verify", &package, "--keyring", &public];
        assert!(!helm(here, &args).status.success(), "{name}");
        let ours = nutkin(here, &args);
        assert_eq!(ours.status.code(), Some(65), "{name}: {ours:?}");
        let errors = String::from_utf8_lossy(&ours.stderr).into_owned();
        assert!(errors.contains(want), "{errors}");
    }
}

#[test]
fn signing_says_what_it_lacks_and_writes_nothing() {
    let home = home();
    let here = home.path();
    fs::write(here.join("wrong"), "battery staple\n").unwrap();
    let (team, locked, public) = (
        keys("team.sec.gpg"),
        keys("locked.sec.gpg"),
        keys("team.pub.gpg"),
    );
    let cases: [(&[&str], i32, &str); 6] = [
        (
            &["--key", "nobody", "--keyring", &team],
            66,
            "holds no key \"nobody\"",
        ),
        (
            &["--key", "example.org", "--keyring", &team],
            66,
            "more than one key fits",
        ),
        (
            &["--key", "release", "--keyring", &public],
            66,
            "is a public one",
        ),
        (
            &[
                "--key",
                "Locked",
                "--keyring",
                &locked,
                "--passphrase-file",
                "wrong",
            ],
            65,
            "the passphrase is wrong",
        ),
        (
            &["--key", "Locked", "--keyring", &locked],
            64,
            "there is no terminal to ask on",
        ),
        (
            &[
                "--key",
                "Locked",
                "--keyring",
                &locked,
                "--passphrase-file",
                "none",
            ],
            66,
            "cannot read none",
        ),
    ];
    for (args, code, want) in cases {
        let output = nutkin(here, &[&["package", "c", "--sign"], args].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {errors}");
        assert!(errors.contains(want), "{args:?}: {errors}");
        assert!(!errors.contains("battery"), "{errors}");
        let left: Vec<PathBuf> = ["c-1.2.3.tgz", "c-1.2.3.tgz.prov"]
            .map(|n| here.join(n))
            .into();
        assert!(left.iter().all(|path| !path.exists()), "{args:?}");
    }
}
