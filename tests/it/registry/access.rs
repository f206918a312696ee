//! Credentials that stay with their host, servers that fail, bounds.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::web::{Asked, Reply, Web, file};
use super::{Home, names, pack};

/// `Basic ci:s3cret`.
const BASIC: &str = "Basic Y2k6czNjcmV0";

/// A folder with one chart and its index, the archive's address made by `url`.
fn repository(home: &Home, url: &str) -> std::path::PathBuf {
    let folder = home.join("public");
    pack(&folder, "x", "1.0.0", "");
    home.nutkin(&["repo", "index", "public", "--url", url]).ok();
    folder
}

#[test]
fn credentials_stay_with_their_host() {
    let home = Home::new();
    let folder = home.join("public");
    let served = folder.clone();
    let elsewhere = Web::new(move |asked: &Asked| file(&served, &asked.path));
    let index = folder.clone();
    let other = elsewhere.url();
    let own = Web::new(move |asked: &Asked| {
        if asked.authorization.as_deref() != Some(BASIC) {
            return Reply::Status(401, vec![("WWW-Authenticate", "Basic realm=x".to_owned())]);
        }
        match asked.path.as_str() {
            "/index.yaml" => file(&index, "index.yaml"),
            path => Reply::redirect(format!("{other}{path}")),
        }
    });
    // In the index the archive is at the other host itself; below `moved`, a redirect leads there.
    for url in [elsewhere.url(), format!("{}/moved", own.url())] {
        repository(&home, &url);
        fs::create_dir_all(folder.join("moved")).unwrap();
        fs::copy(folder.join("x-1.0.0.tgz"), folder.join("moved/x-1.0.0.tgz")).unwrap();
        for pass in [false, true] {
            let before = elsewhere.seen().len();
            let _ = fs::remove_dir_all(home.join("cache"));
            let mut args = vec!["repo", "add", "own"];
            let address = own.url();
            args.extend([
                address.as_str(),
                "--username",
                "ci",
                "--password-stdin",
                "--force-update",
            ]);
            if pass {
                args.push("--pass-credentials");
            }
            home.nutkin_reads("s3cret\n", &args).ok();
            home.nutkin(&["pull", "own/x"]).ok();
            let seen = elsewhere.seen().split_off(before);
            assert_eq!(seen.len(), 1, "{seen:?}");
            let want = pass.then(|| BASIC.to_owned());
            assert_eq!(seen[0].authorization, want, "{url} {pass}");
        }
    }
    let wrong = home.nutkin(&["pull", "x", "--repo", &own.url()]);
    assert_eq!(wrong.code, 77, "{}", wrong.err);
    assert!(wrong.err.contains("401"), "{}", wrong.err);
    let flags = ["--username", "ci", "--password", "s3cret"];
    let own_url = own.url();
    let mut args = vec!["pull", "x", "--repo", &own_url];
    args.extend(flags);
    home.nutkin(&args).ok();
    let address = own_url.replace("http://", "http://ci:s3cret@");
    let shown = home.nutkin(&["pull", "nothing", "--repo", &address]);
    assert_eq!(shown.code, 66);
    assert!(!shown.err.contains("s3cret"), "{}", shown.err);
}

#[test]
fn servers_that_fail_are_asked_again() {
    let home = Home::new();
    let folder = repository(&home, "");
    let count = AtomicUsize::new(0);
    let web = Web::new(
        move |asked: &Asked| match count.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Status(503, vec![("Retry-After", "0".to_owned())]),
            1 => Reply::Cut(10),
            _ => file(&folder, &asked.path),
        },
    );
    home.nutkin(&["repo", "add", "x", &web.url()]).ok();
    assert_eq!(web.seen().len(), 3);
    let gone = Web::new(|_| Reply::Status(404, vec![]));
    let missing = home.nutkin(&["repo", "add", "y", &gone.url()]);
    assert_eq!(missing.code, 66, "{}", missing.err);
    assert_eq!(gone.seen().len(), 1);
    assert_eq!(
        home.helm(&["repo", "list", "-o", "json"])
            .ok()
            .out
            .matches("name")
            .count(),
        1
    );
}

#[test]
fn what_is_too_large_or_leads_astray_is_refused() {
    let home = Home::new();
    repository(&home, "");
    let huge = Web::new(|_| Reply::Length(1 << 40));
    let refused = home.nutkin(&["repo", "add", "huge", &huge.url()]);
    assert_eq!(refused.code, 65, "{}", refused.err);
    assert!(refused.err.contains("128 MiB"), "{}", refused.err);
    let round = Web::new(|asked: &Asked| Reply::redirect(asked.path.clone()));
    let refused = home.nutkin(&["repo", "add", "round", &round.url()]);
    assert!(refused.err.contains("redirects"), "{}", refused.err);
    assert_eq!(round.seen().len(), 11);
    for target in ["file:///etc/passwd", "ftp://127.0.0.1/x"] {
        let away = Web::new(move |_| Reply::redirect(target.to_owned()));
        let refused = home.nutkin(&["repo", "add", "away", &away.url()]);
        assert!(refused.err.contains("not HTTP"), "{}", refused.err);
    }
    let page = Web::new(|_| Reply::Body(b"<html><body>Welcome</body></html>".to_vec()));
    let refused = home.nutkin(&["repo", "add", "page", &page.url()]);
    assert_eq!(refused.code, 65, "{}", refused.err);
    let port = {
        std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port()
    };
    let nobody = home.nutkin(&["repo", "add", "nobody", &format!("http://127.0.0.1:{port}")]);
    assert_eq!(nobody.code, 69, "{}", nobody.err);
    assert!(names(&home.join("cache")).is_empty(), "nothing is kept");
}

#[test]
fn an_archive_with_another_digest_is_refused() {
    let home = Home::new();
    let folder = repository(&home, "");
    let web = Web::files(&folder);
    home.nutkin(&["repo", "add", "x", &web.url()]).ok();
    pack(&folder, "x", "1.0.0", "description: another\n");
    let refused = home.nutkin(&["pull", "x/x", "-d", "out"]);
    assert_eq!(refused.code, 65, "{}", refused.err);
    assert!(refused.err.contains("digest"), "{}", refused.err);
    assert!(!home.join("out").exists());
    // The index is made and fetched anew, and with it the digest.
    home.nutkin(&["repo", "index", "public"]).ok();
    home.nutkin(&["repo", "update"]).ok();
    home.nutkin(&["pull", "x/x", "-d", "out"]).ok();
    // Once fetched, it is there without the server.
    drop(web);
    let text = home.nutkin(&["template", "r", "x/x"]).ok().out;
    assert!(text.contains("r-x"), "{text}");
    fs::remove_dir_all(home.join("cache/content")).unwrap();
    assert_eq!(home.nutkin(&["template", "r", "x/x"]).code, 69);
}
