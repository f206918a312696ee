//! Whom a fetch trusts: authorities of one's own, certificates of clients, signatures of archives; beside helm.

use std::fs;
use std::path::Path;

use super::server::certificates;
use super::web::Web;
use super::{Home, chart_yaml, names, pack, write_chart};
use crate::provenance::keys;

/// A home with the certificates of an authority, and a repository's folder with the chart `x`.
fn with_certificates() -> Home {
    let home = Home::new();
    certificates(home.path());
    pack(&home.join("public"), "x", "1.0.0", "");
    home.helm(&["repo", "index", "public"]).ok();
    home
}

#[test]
fn authorities_and_certificates_of_clients() {
    let home = with_certificates();
    let open = Web::files_by_tls(&home.join("public"), home.path(), false);
    let closed = Web::files_by_tls(&home.join("public"), home.path(), true);
    let ca = &["--ca-file", "ca.pem"][..];
    let client = &["--cert-file", "server.pem", "--key-file", "server.key"][..];
    let insecure = &["--insecure-skip-tls-verify"][..];
    let cases = [
        (&open, vec![], false),
        (&open, ca.to_vec(), true),
        (&open, insecure.to_vec(), true),
        (&open, [ca, client].concat(), true),
        (&closed, ca.to_vec(), false),
        (&closed, insecure.to_vec(), false),
        (&closed, client.to_vec(), false),
        (&closed, [ca, client].concat(), true),
        (&closed, [insecure, client].concat(), true),
    ];
    let mut compared = 0;
    for (web, flags, fits) in cases {
        let url = web.url();
        // Asked by its address, and as a repository that keeps what it was added with.
        let direct = [&["pull", "x", "--repo", &url, "-d", "got"][..], &flags].concat();
        let added = [&["repo", "add", "own", &url, "--force-update"][..], &flags].concat();
        // Helm keeps that a server goes unchecked, but asks for the flag again.
        let unchecked = if flags.contains(&insecure[0]) {
            insecure
        } else {
            &[]
        };
        let named = [&["pull", "own/x", "-d", "got"], unchecked].concat();
        for commands in [vec![direct], vec![added, named]] {
            for by_helm in [true, false] {
                let _ = fs::remove_dir_all(home.join("got"));
                fs::create_dir_all(home.join("got")).unwrap();
                let _ = fs::remove_dir_all(home.join("cache"));
                let mut worked = true;
                for args in &commands {
                    let ran = if by_helm {
                        home.helm(args)
                    } else {
                        home.nutkin(args)
                    };
                    worked &= ran.code == 0;
                    if !by_helm && !fits && ran.code != 0 {
                        let hint = ran.err.contains("--ca-file") || ran.err.contains("--cert-file");
                        assert!(hint, "{args:?}: {}", ran.err);
                    }
                    if !worked {
                        break;
                    }
                }
                assert_eq!(worked, fits, "helm {by_helm}: {commands:?}");
                assert_eq!(
                    names(&home.join("got")).len(),
                    usize::from(fits),
                    "{commands:?}"
                );
                compared += 1;
            }
            let _ = home.nutkin(&["repo", "remove", "own"]);
        }
    }
    println!("compared with helm: {} fetches by TLS", compared / 2);
    let wrong = home.nutkin(&[
        "pull",
        "x",
        "--repo",
        &open.url(),
        "--ca-file",
        "server.key",
    ]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.err.contains("server.key"), "{}", wrong.err);
}

/// Signs an archive of the folder `public` by helm, with a key of the tests.
fn sign(home: &Home, name: &str) {
    let folder = home.join("charts").join(name);
    write_chart(&folder, &chart_yaml(name, "1.0.0", ""));
    let ring = keys("team.sec.gpg");
    fs::write(home.join("pass"), "\n").unwrap();
    let chart = folder.display().to_string();
    let args = [
        "package",
        &chart,
        "-d",
        "public",
        "--sign",
        "--key",
        "release@example.org",
    ];
    let args = [
        &args[..],
        &["--keyring", &ring, "--passphrase-file", "pass"],
    ]
    .concat();
    home.helm(&args).ok();
}

#[test]
fn archives_that_must_be_signed() {
    let home = Home::new();
    let public = home.join("public");
    for name in ["good", "changed", "foreign"] {
        sign(&home, name);
    }
    pack(&public, "bare", "1.0.0", "");
    // Another archive with the signature of the first, and a signature that a key out of the ring made.
    fs::write(home.join("charts/changed/values.yaml"), "key: other\n").unwrap();
    let chart = home.join("charts/changed").display().to_string();
    home.helm(&["package", &chart, "-d", "again"]).ok();
    fs::copy(
        home.join("again/changed-1.0.0.tgz"),
        public.join("changed-1.0.0.tgz"),
    )
    .unwrap();
    home.helm(&["repo", "index", "public"]).ok();
    let web = Web::files(&public);
    home.nutkin(&["repo", "add", "own", &web.url()]).ok();
    let (team, locked) = (keys("team.pub.gpg"), keys("locked.pub.gpg"));
    let cases = [
        ("good", &team, true),
        ("bare", &team, false),
        ("changed", &team, false),
        ("foreign", &locked, false),
    ];
    let mut compared = 0;
    for (name, keyring, fits) in cases {
        let chart = home.join(&format!("of-{name}"));
        let wants = format!(
            "dependencies:\n- name: {name}\n  version: 1.0.0\n  repository: {}\n",
            web.url()
        );
        write_chart(&chart, &chart_yaml("parent", "0.1.0", &wants));
        let chart = chart.display().to_string();
        let reference = format!("own/{name}");
        let verify = ["--verify", "--keyring", keyring.as_str()];
        let pull = [&["pull", &reference, "-d", "got"][..], &verify].concat();
        let template = [&["template", "r", &reference][..], &verify].concat();
        let update = [&["dependency", "update", &chart][..], &verify].concat();
        for args in [pull, template, update] {
            for by_helm in [true, false] {
                let _ = fs::remove_dir_all(home.join("got"));
                fs::create_dir_all(home.join("got")).unwrap();
                let _ = fs::remove_dir_all(home.join("cache/content"));
                let _ = fs::remove_dir_all(Path::new(&chart).join("charts"));
                let ran = if by_helm {
                    home.helm(&args)
                } else {
                    home.nutkin(&args)
                };
                assert_eq!(ran.code == 0, fits, "helm {by_helm}: {args:?}: {}", ran.err);
                if by_helm {
                    compared += 1;
                    continue;
                }
                if !fits {
                    assert!(ran.err.contains(name), "{args:?}: {}", ran.err);
                    // Nothing of it is kept.
                    assert!(names(&home.join("got")).is_empty());
                    assert!(names(&Path::new(&chart).join("charts")).is_empty());
                }
            }
        }
    }
    println!("compared with helm: {compared} fetches of signed archives");
}
