//! Charts in a real registry, pushed by the one and pulled by the other of helm and nutkin.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::server::{Server, Setup, sign, token_key};
use super::web::{Asked, Reply, Web};
use super::{Home, names, pack};

#[test]
fn what_one_pushes_the_other_pulls() {
    let home = Home::new();
    let server = Server::start(&Setup {
        tls: true,
        users: true,
        ..Setup::default()
    });
    let (host, ca) = (server.host(), server.ca());
    let more = "description: 'a <b> & c'\nhome: https://a.example\nsources: [https://s.example]\n\
                maintainers:\n- name: A\n  email: a@a.example\n- name: B\nannotations:\n  k: v\n  \
                org.opencontainers.image.title: other\nkeywords: [x]\nkubeVersion: '>=1.20.0-0'\n";
    let plain = pack(&home.join("dist"), "orders", "1.4.0", more);
    let build = pack(&home.join("dist"), "orders", "1.5.0+build.7", "");
    // Nothing reads it here, so any text will do.
    fs::write(home.join("dist/orders-1.4.0.tgz.prov"), "signed").unwrap();

    // Whoever isn't logged in gets nowhere, and neither does who doesn't know the authority.
    let remote = format!("oci://{host}/charts");
    let path = |path: &Path| path.display().to_string();
    let refused = home.nutkin(&["push", &path(&plain), &remote, "--ca-file", &ca]);
    assert_eq!(refused.code, 77, "{}", refused.err);
    let unknown = home.nutkin(&["push", &path(&plain), &remote]);
    assert_eq!(unknown.code, 69, "{}", unknown.err);
    assert!(unknown.err.contains("certificate"), "{}", unknown.err);

    let login = [
        "registry",
        "login",
        &host,
        "-u",
        "ci",
        "--ca-file",
        &ca,
        "--password-stdin",
    ];
    let wrong = home.nutkin_reads("wrong\n", &login);
    assert_eq!(wrong.code, 77, "{}", wrong.err);
    assert!(!home.join("config/registry/config.json").exists());
    home.nutkin_reads("s3cret\n", &login).ok();
    let kept = home.read("config/registry/config.json");
    assert!(!kept.contains("s3cret"), "as Docker keeps it: {kept}");

    // One home: helm uses nutkin's login.
    for archive in [&plain, &build] {
        home.nutkin(&["push", &path(archive), &remote, "--ca-file", &ca])
            .ok();
        let by_helm = format!("oci://{host}/helm");
        home.helm(&["push", &path(archive), &by_helm, "--ca-file", &ca])
            .ok();
    }
    for tag in ["1.4.0", "1.5.0_build.7"] {
        let (own, helm) = (
            server.digest("charts/orders", tag),
            server.digest("helm/orders", tag),
        );
        assert_eq!(own, helm, "the manifests are equal, byte for byte");
    }
    for (from, into) in [("charts", "by-helm"), ("helm", "by-nutkin")] {
        let chart = format!("oci://{host}/{from}/orders");
        for version in ["1.4.0", "1.5.0+build.7"] {
            let args = [
                "pull",
                &chart,
                "--version",
                version,
                "--ca-file",
                &ca,
                "-d",
                into,
                "--prov",
            ];
            fs::create_dir_all(home.join(into)).unwrap();
            // helm's --prov fails where there is none.
            let args = if version == "1.4.0" {
                &args[..]
            } else {
                &args[..8]
            };
            let ran = if into == "by-helm" {
                home.helm(args)
            } else {
                home.nutkin(args)
            };
            ran.ok();
        }
        let names = names(&home.join(into));
        let archives: Vec<&String> = names.iter().filter(|n| n.ends_with(".tgz")).collect();
        assert_eq!(archives.len(), 2, "{names:?}");
        assert!(
            names.contains(&"orders-1.4.0.tgz.prov".to_owned()),
            "{names:?}"
        );
        let pulled = fs::read(home.join(into).join("orders-1.4.0.tgz")).unwrap();
        assert_eq!(pulled, fs::read(&plain).unwrap());
    }

    // By constraint, by digest, in the reference; and what doesn't fit.
    let chart = format!("oci://{host}/charts/orders");
    let digest = server.digest("charts/orders", "1.4.0");
    let by_digest = format!("{chart}@{digest}");
    let tagged = format!("{chart}:1.4.0");
    let both = format!("{chart}:1.5.0+build.7@{digest}");
    for (args, version) in [
        (vec![chart.as_str()], "1.5.0+build.7"),
        (vec![chart.as_str(), "--version", "~1.4"], "1.4.0"),
        (vec![chart.as_str(), "--version", "<1.5"], "1.4.0"),
        (vec![tagged.as_str()], "1.4.0"),
        (vec![by_digest.as_str()], "1.4.0"),
    ] {
        let mut all = vec!["show", "chart", "--ca-file", &ca];
        all.extend(&args);
        let own = home.nutkin(&all).ok().out;
        assert!(
            own.contains(&format!("version: {version}\n")),
            "{args:?}: {own}"
        );
        assert_eq!(own, home.helm(&all).ok().out, "{args:?}");
    }
    // The digest counts, whatever the tag says.
    let own = home
        .nutkin(&["show", "chart", &both, "--ca-file", &ca])
        .ok()
        .out;
    assert!(own.contains("version: 1.4.0\n"), "{own}");
    for (args, code, part) in [
        (vec![chart.as_str(), "--version", "9.9.9"], 66, "1.4.0"),
        (vec![chart.as_str(), "--version", "^9"], 66, "^9"),
        (vec![tagged.as_str(), "--version", "1.5.0"], 64, "1.5.0"),
        (
            vec![&format!("oci://{host}/charts/nothing")[..]],
            66,
            "nothing",
        ),
    ] {
        let mut all = vec!["pull", "--ca-file", &ca];
        all.extend(&args);
        let ran = home.nutkin(&all);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(part), "{args:?}: {}", ran.err);
    }
    // Logged out with the one is logged out with the other.
    home.helm(&["registry", "logout", &host]).ok();
    let _ = fs::remove_dir_all(home.join("cache"));
    assert_eq!(home.nutkin(&["pull", &tagged, "--ca-file", &ca]).code, 77);
    home.helm(&[
        "registry",
        "login",
        &host,
        "-u",
        "ci",
        "-p",
        "s3cret",
        "--ca-file",
        &ca,
    ])
    .ok();
    home.nutkin(&["pull", &tagged, "--ca-file", &ca, "-d", "again"])
        .ok();
    home.nutkin(&["registry", "logout", &host]).ok();
    assert_ne!(home.helm(&["pull", &tagged, "--ca-file", &ca]).code, 0);
    let direct = [
        "--username",
        "ci",
        "--password",
        "s3cret",
        "--insecure-skip-tls-verify",
    ];
    let mut args = vec!["template", "r", tagged.as_str()];
    args.extend(direct);
    assert_eq!(home.nutkin(&args).ok().out, home.helm(&args).ok().out);
}

#[test]
fn what_was_changed_in_the_registry_is_refused() {
    let home = Home::new();
    let server = Server::start(&Setup::default());
    let remote = format!("oci://{}/charts", server.host());
    let archive = pack(&home.join("dist"), "x", "1.0.0", "");
    let path = archive.display().to_string();
    let plain = "--plain-http";
    assert_eq!(home.nutkin(&["push", "dist", &remote, plain]).code, 64);
    assert_eq!(home.nutkin(&["push", &path, "https://x", plain]).code, 64);
    home.nutkin(&["push", &path, &remote, plain]).ok();
    // Pushing the same again is fine.
    home.nutkin(&["push", &path, &remote, plain]).ok();
    let chart = format!("{remote}/x");
    home.nutkin(&["pull", &chart, plain, "-d", "out"]).ok();
    let digest = sha256(&archive);
    let blob = server.blob(&digest);
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&blob, bytes).unwrap();
    // It was fetched already, and is what its digest says.
    home.nutkin(&["pull", &chart, plain, "-d", "again"]).ok();
    fs::remove_dir_all(home.join("cache")).unwrap();
    let refused = home.nutkin(&["pull", &chart, plain, "-d", "third"]);
    assert_eq!(refused.code, 65, "{}", refused.err);
    assert!(refused.err.contains("digest"), "{}", refused.err);
    assert!(!home.join("third").exists());
    let manifest = server.digest("charts/x", "1.0.0");
    fs::write(server.blob(&manifest), "{\"schemaVersion\":2}").unwrap();
    assert_ne!(
        home.nutkin(&["pull", &format!("{chart}@{manifest}"), plain])
            .code,
        0
    );
}

fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(fs::read(path).unwrap());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// A token server: who is `ci` may do what is asked for, everybody may pull.
fn tokens(keys: std::path::PathBuf) -> Web {
    Web::new(move |asked: &Asked| {
        let url = reqwest::Url::parse(&format!("http://x{}", asked.path)).expect("an address");
        let basic = asked.authorization.as_deref();
        if basic.is_some_and(|b| b != "Basic Y2k6czNjcmV0") {
            return Reply::Status(401, vec![]);
        }
        let mut access = Vec::new();
        for (key, value) in url.query_pairs() {
            if key != "scope" {
                continue;
            }
            let mut parts = value.splitn(3, ':');
            let (kind, name) = (parts.next().unwrap(), parts.next().unwrap());
            let actions: Vec<&str> = parts.next().unwrap().split(',').collect();
            let actions: Vec<&str> = actions
                .into_iter()
                .filter(|a| *a == "pull" || basic.is_some())
                .collect();
            access.push(serde_json::json!({"type": kind, "name": name, "actions": actions}));
        }
        let pem = fs::read_to_string(keys.join("token.pem")).expect("a certificate");
        let der: String = pem.lines().filter(|l| !l.starts_with("---")).collect();
        assert!(STANDARD.decode(&der).is_ok());
        let header = serde_json::json!({"typ": "JWT", "alg": "RS256", "x5c": [der]});
        let now = jiff::Timestamp::now().as_second();
        let claims = serde_json::json!({
            "iss": "tokens", "sub": "ci", "aud": "charts", "jti": "1", "iat": now, "nbf": now - 60,
            "exp": now + 300, "access": access,
        });
        let part = |v: &serde_json::Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let text = format!("{}.{}", part(&header), part(&claims));
        let token = format!("{text}.{}", URL_SAFE_NO_PAD.encode(sign(&keys, &text)));
        Reply::Body(serde_json::json!({"token": token}).to_string().into_bytes())
    })
}

#[test]
fn tokens_are_had_from_a_token_server() {
    let home = Home::new();
    let folder = tempfile::tempdir().unwrap();
    token_key(folder.path());
    let tokens = tokens(folder.path().to_owned());
    let server = Server::start_in(
        folder,
        &Setup {
            token: Some(format!("{}/token", tokens.url())),
            ..Setup::default()
        },
    );
    let host = server.host();
    let remote = format!("oci://{host}/charts");
    let archive = pack(&home.join("dist"), "x", "1.0.0", "");
    let path = archive.display().to_string();
    let plain = "--plain-http";
    let refused = home.nutkin(&["push", &path, &remote, plain]);
    assert_eq!(refused.code, 77, "{}", refused.err);
    let login = [
        "registry",
        "login",
        &host,
        "-u",
        "ci",
        "--password-stdin",
        plain,
    ];
    assert_eq!(home.nutkin_reads("wrong", &login).code, 77);
    home.nutkin_reads("s3cret", &login).ok();
    let before = tokens.seen().len();
    home.nutkin(&["push", &path, &remote, plain]).ok();
    assert_eq!(
        tokens.seen().len(),
        before + 1,
        "one token for all requests of a push"
    );
    // Everybody may pull.
    let anonymous = Home::new();
    anonymous
        .nutkin(&["pull", &format!("{remote}/x"), plain])
        .ok();
    assert!(anonymous.join("x-1.0.0.tgz").exists());
    assert_eq!(tokens.seen().last().unwrap().authorization, None);
}

#[test]
fn credential_helpers_are_asked() {
    let home = Home::new();
    let server = Server::start(&Setup {
        users: true,
        ..Setup::default()
    });
    let host = server.host();
    // A helper that keeps what it is given in a folder of its own.
    let helper = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 1\ncase $1 in\n\
        store) cat > kept; sed -i 's/.*\"Secret\":\"\\([^\"]*\\)\".*/\\1/' kept ;;\n\
        get) [ -s kept ] || { echo 'credentials not found in native keychain'; exit 1; }\n  \
        printf '{\"ServerURL\":\"x\",\"Username\":\"ci\",\"Secret\":\"%s\"}' \"$(cat kept)\" ;;\n\
        erase) rm -f kept ;;\nesac\n";
    let bin = home.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let program = bin.join("docker-credential-kept");
    fs::write(&program, helper).unwrap();
    fs::set_permissions(
        &program,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    fs::create_dir_all(home.join("config/registry")).unwrap();
    let config = format!("{{\"credHelpers\":{{\"{host}\":\"kept\"}}}}");
    fs::write(home.join("config/registry/config.json"), &config).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let run = |input: &str, args: &[&str]| home.nutkin_with(&[("PATH", &path)], input, args);
    let archive = pack(&home.join("dist"), "x", "1.0.0", "");
    let archive = archive.display().to_string();
    let push = [
        "push",
        archive.as_str(),
        &format!("oci://{host}/charts"),
        "--plain-http",
    ];
    assert_eq!(run("", &push).code, 77);
    let login = [
        "registry",
        "login",
        &host,
        "-u",
        "ci",
        "--password-stdin",
        "--plain-http",
    ];
    run("s3cret\n", &login).ok();
    assert_eq!(fs::read_to_string(bin.join("kept")).unwrap(), "s3cret");
    assert_eq!(home.read("config/registry/config.json"), config);
    run("", &push).ok();
    run("", &["registry", "logout", &host]).ok();
    assert_eq!(run("", &push).code, 77);
}
