//! Dependencies beside the real helm: which versions are chosen, the lock, charts/.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::server::{Server, Setup};
use super::web::Web;
use super::{Home, chart_yaml, names, pack, write_chart};

const VERSIONS: [&str; 11] = [
    "0.1.0",
    "0.1.5",
    "0.2.0",
    "1.0.0",
    "1.2.3",
    "1.2.4-beta.1",
    "1.10.0",
    "2.0.0-rc.1",
    "2.0.0",
    "2.0.1+build.1",
    "3.0.0-alpha",
];

/// A repository with one chart in many versions, and others.
fn public(home: &Home) -> Web {
    let folder = home.join("public");
    for name in ["a", "b"] {
        for version in VERSIONS {
            pack(&folder, name, version, "");
        }
    }
    home.helm(&["repo", "index", "public"]).ok();
    Web::files(&folder)
}

/// A lock without the time it was made.
fn lock(folder: &Path, name: &str) -> Option<Value> {
    let text = fs::read_to_string(folder.join(name)).ok()?;
    let mut value = nutkin::yaml::parse(&text).expect("YAML");
    let generated = value.as_object_mut()?.remove("generated");
    assert!(generated.is_some_and(|g| g.as_str().is_some_and(|g| g.starts_with("20"))));
    Some(value)
}

/// Runs the same with helm and with nutkin on two copies of a chart; whether it succeeded with both, which
/// then have the same lock and the same archives.
fn both(home: &Home, chart: &str, args: &[&str]) -> bool {
    let mut outcomes = Vec::new();
    for by_helm in [true, false] {
        let copy = home.join(if by_helm { "copy-helm" } else { "copy-nutkin" });
        let _ = fs::remove_dir_all(&copy);
        copy_folder(&home.join(chart), &copy);
        let mut all = args.to_vec();
        let path = copy.display().to_string();
        all.push(&path);
        let ran = if by_helm {
            home.helm(&all)
        } else {
            home.nutkin(&all)
        };
        outcomes.push((ran.code == 0, copy, ran));
    }
    let [(helm_ok, helm, helm_ran), (own_ok, own, own_ran)] =
        outcomes.try_into().ok().expect("two");
    assert_eq!(
        own_ok, helm_ok,
        "{chart}: helm says {}{}\nnutkin says {}{}",
        helm_ran.out, helm_ran.err, own_ran.out, own_ran.err
    );
    if own_ok {
        for file in ["Chart.lock", "requirements.lock"] {
            assert_eq!(lock(&own, file), lock(&helm, file), "{chart}");
        }
        assert_eq!(
            names(&own.join("charts")),
            names(&helm.join("charts")),
            "{chart}"
        );
    }
    own_ok
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Chart.yaml's lines for dependencies.
fn wants(list: &[(&str, &str, &str, &str)]) -> String {
    let mut text = "dependencies:\n".to_owned();
    for (name, version, repository, more) in list {
        text += &format!(
            "- name: {name}\n  version: {version:?}\n  repository: {repository:?}\n{more}"
        );
    }
    text
}

#[test]
fn the_versions_that_helm_chooses() {
    let home = Home::new();
    let web = public(&home);
    home.helm(&["repo", "add", "stable", &web.url()]).ok();
    let constraints = [
        "1.2.3",
        "v1.2.3",
        "=1.2.3",
        "1.2",
        "1",
        "*",
        "",
        "x",
        ">=1",
        ">=1.0.0 <2.0.0",
        ">1.2.3",
        "<1.0.0",
        "<=0.1.5",
        "!=2.0.1",
        "!=2.0.x",
        "~1.2",
        "~1.2.3",
        "~1",
        "^1.2",
        "^0.1",
        "^0.1.2",
        "^0",
        "1.x",
        "1.2.x",
        "0.1 - 1.2",
        "1.2.3 - 2.0.0",
        ">=1.2.4-0",
        "~1.2.4-beta",
        "^2.0.0-rc",
        "2.0.0-rc.1",
        ">=3.0.0-0",
        "1 || 2",
        "~0.1 || ^1.2",
        ">= 1.0, < 1.5",
        "2.0.1",
        "2.0.1+build.1",
        "9.9.9",
        ">5",
        "^3",
        "no version",
        "1.2.3.4",
        ">1 <",
        "=>1.0.0",
        "~>0.1.0",
    ];
    let (mut compared, mut fitting) = (0, 0);
    for (at, constraint) in constraints.iter().enumerate() {
        let name = format!("c{at}");
        // An address, a name with @ and one with alias: in turns.
        let (url, alias, address) = ("@stable", "alias:stable", web.url());
        let repository = [address.as_str(), url, alias][at % 3];
        let more = [
            "",
            "  alias: other\n",
            "  condition: a.enabled\n  tags: [x, 'y<z']\n",
        ][at % 3];
        let list = [("a", *constraint, repository, more)];
        write_chart(
            &home.join(&name),
            &chart_yaml(&name, "1.0.0", &wants(&list)),
        );
        fitting += usize::from(both(
            &home,
            &name,
            &["dependency", "update", "--skip-refresh"],
        ));
        compared += 1;
    }
    println!(
        "compared with helm: {compared} cases of constraints, {fitting} of them with a version"
    );
    assert!(fitting > 25, "{fitting}");
}

#[test]
fn locks_go_from_one_to_the_other() {
    let home = Home::new();
    let web = public(&home);
    let server = Server::start(&Setup::default());
    let registry = format!("oci://{}/charts", server.host());
    for version in ["1.0.0", "1.1.0", "2.0.0"] {
        let archive = pack(&home.join("dist"), "o", version, "")
            .display()
            .to_string();
        home.nutkin(&["push", &archive, &registry, "--plain-http"])
            .ok();
    }
    home.helm(&["repo", "add", "stable", &web.url()]).ok();
    write_chart(&home.join("near"), &chart_yaml("near", "0.3.0", ""));
    let imports = "  import-values:\n  - data\n  - {parent: z, child: a}\n";
    let url = web.url();
    let slash = format!("{url}/");
    let lists = [
        vec![
            ("a", "^1", url.as_str(), ""),
            ("b", ">=0.1 <1", slash.as_str(), imports),
        ],
        vec![
            ("a", "^1", "@stable", ""),
            ("a", "^2", "@stable", "  alias: second\n"),
        ],
        vec![
            ("near", ">=0.1", "file://../near", ""),
            ("a", "1.2.3", "alias:stable", ""),
        ],
        vec![
            ("o", "^1", registry.as_str(), ""),
            ("o", "2.0.0", registry.as_str(), "  alias: p\n"),
        ],
        vec![
            ("inner", "*", "", ""),
            ("a", "~1.2", "@stable", "  tags: [t]\n"),
        ],
        vec![("near", "^9", "file://../near", "")],
        vec![("near", "*", "file://../nothing", "")],
        vec![("o", "^7", registry.as_str(), "")],
        vec![("a", "*", "@nobody", "")],
        vec![("a", "*", "stable", "")],
        vec![("nothing", "*", "@stable", "")],
        vec![("inner", "^7", "", "")],
    ];
    let mut compared = 0;
    for v1 in [false, true] {
        for (at, list) in lists.iter().enumerate() {
            let name = format!("c{at}{v1}");
            let folder = home.join(&name);
            let wanted = wants(list);
            if v1 {
                write_chart(
                    &folder,
                    &format!("apiVersion: v1\nname: {name}\nversion: 1.0.0\n"),
                );
                fs::write(folder.join("requirements.yaml"), &wanted).unwrap();
            } else {
                write_chart(&folder, &chart_yaml(&name, "1.0.0", &wanted));
            }
            if list.iter().any(|(name, ..)| *name == "inner") {
                write_chart(
                    &folder.join("charts/inner"),
                    &chart_yaml("inner", "1.0.0", ""),
                );
            }
            // Old archives go, others' folders stay.
            if at == 0 {
                pack(&folder.join("charts"), "a", "0.1.0", "");
                pack(&folder.join("charts"), "unknown", "0.1.0", "");
                write_chart(
                    &folder.join("charts/stays"),
                    &chart_yaml("stays", "1.0.0", ""),
                );
            }
            let done = both(&home, &name, &["dependency", "update", "--plain-http"]);
            compared += 1;
            assert_eq!(done, at < 5, "{list:?}");
            if !done {
                continue;
            }
            let archives = names(&home.join("copy-nutkin/charts"));
            for (locked, builds_by_helm) in [("copy-helm", false), ("copy-nutkin", true)] {
                let folder = home.join(locked);
                for file in names(&folder.join("charts")) {
                    if file.ends_with(".tgz") {
                        fs::remove_file(folder.join("charts").join(file)).unwrap();
                    }
                }
                let args = ["dependency", "build", locked, "--plain-http"];
                let ran = if builds_by_helm {
                    home.helm(&args)
                } else {
                    home.nutkin(&args)
                };
                ran.ok();
                assert_eq!(names(&folder.join("charts")), archives);
                let args = ["template", "r", locked];
                assert_eq!(home.nutkin(&args).ok().out, home.helm(&args).ok().out);
                let args = ["dependency", "list", locked];
                let words = |text: &str| -> Vec<String> {
                    text.lines()
                        .filter(|l| !l.is_empty() && !l.starts_with("WARNING"))
                        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
                        .collect()
                };
                let (own, helm) = (home.nutkin(&args).ok().out, home.helm(&args).ok().out);
                assert_eq!(words(&own), words(&helm));
                compared += 1;
            }
            // A lock that doesn't belong to what is wanted is refused by both.
            let file = if v1 {
                "requirements.yaml"
            } else {
                "Chart.yaml"
            };
            let changed = home.read(&format!("copy-nutkin/{file}")).replacen(
                "version: \"",
                "version: \" ",
                1,
            );
            let changed = changed.replacen("name: ", "name: x", if v1 { 1 } else { 0 });
            let changed = changed.replacen("repository: ", "tags: [added]\n  repository: ", 1);
            for copy in ["copy-helm", "copy-nutkin"] {
                fs::write(home.join(copy).join(file), &changed).unwrap();
            }
            let refused = home.nutkin(&["dependency", "build", "copy-nutkin", "--plain-http"]);
            assert_ne!(refused.code, 0);
            assert_ne!(
                home.helm(&["dependency", "build", "copy-helm", "--plain-http"])
                    .code,
                0
            );
            compared += 1;
        }
    }
    println!("compared with helm: {compared} cases of dependency update, build and list");
}

#[test]
fn nothing_changes_before_all_is_there() {
    let home = Home::new();
    let web = public(&home);
    let url = web.url();
    fs::remove_file(home.join("public/b-2.0.0.tgz")).unwrap();
    let list = [
        ("a", "^2", url.as_str(), ""),
        ("b", "2.0.0", url.as_str(), ""),
    ];
    write_chart(&home.join("c"), &chart_yaml("c", "1.0.0", &wants(&list)));
    pack(&home.join("c/charts"), "a", "0.1.0", "");
    let failed = home.nutkin(&["dependency", "update", "c"]);
    assert_eq!(failed.code, 66, "{}", failed.err);
    assert_eq!(names(&home.join("c/charts")), ["a-0.1.0.tgz"]);
    assert!(!home.join("c/Chart.lock").exists());
    pack(&home.join("public"), "b", "2.0.0", "");
    // Commands that render want all charts, and fetch them if told so.
    let missing = home.nutkin(&["template", "r", "c"]);
    assert_eq!(missing.code, 65, "{}", missing.err);
    assert!(missing.err.contains("dependency build"), "{}", missing.err);
    let text = home
        .nutkin(&["template", "r", "c", "--dependency-update"])
        .ok()
        .out;
    assert!(text.contains("r-b"), "{text}");
    assert_eq!(
        names(&home.join("c/charts")),
        ["a-2.0.1+build.1.tgz", "b-2.0.0.tgz"]
    );
    // Again: nothing to write, not even the lock.
    let before = fs::metadata(home.join("c/Chart.lock"))
        .unwrap()
        .modified()
        .unwrap();
    home.nutkin(&["dependency", "update", "c"]).ok();
    let after = fs::metadata(home.join("c/Chart.lock"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after);
    // A server that is gone: what is kept is enough.
    drop(web);
    fs::remove_dir_all(home.join("c/charts")).unwrap();
    let kept = home.nutkin(&["dependency", "build", "c"]).ok();
    assert!(kept.err.contains("Warning"), "{}", kept.err);
    fs::remove_dir_all(home.join("c/charts")).unwrap();
    home.nutkin(&["package", "-u", "c"]).ok();
    assert!(home.join("c-1.0.0.tgz").exists());
    // The lock is no way to write elsewhere.
    fs::remove_file(home.join("c/Chart.lock")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", home.join("c/Chart.lock")).unwrap();
    assert_ne!(
        home.nutkin(&["dependency", "update", "c", "--skip-refresh"])
            .code,
        0
    );
}
