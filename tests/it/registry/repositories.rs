//! Chart repositories: the files shared with helm, indexes, searches.

use std::fs;

use serde_json::Value;

use super::web::Web;
use super::{Home, names, pack};

/// A repository with charts in many versions.
fn public(home: &Home) -> Web {
    let folder = home.join("public");
    for (name, version, more) in [
        (
            "flink",
            "1.0.0",
            "description: Runs Flink jobs\nkeywords: [stream, batch]\n",
        ),
        (
            "flink",
            "1.2.0",
            "description: Runs Flink jobs\nappVersion: 2.0.0\n",
        ),
        (
            "flink",
            "1.10.0",
            "description: Runs Flink jobs well\nappVersion: \"2.3\"\n",
        ),
        ("flink", "2.0.0-rc.1", "description: The next one\n"),
        ("flink", "1.10.0-beta", ""),
        ("kafka", "0.1.0", "description: A log that Flink reads\n"),
        ("kafka", "0.2.0", "description: A log\nkeywords: [flink]\n"),
        (
            "old",
            "0.9.0",
            "deprecated: true\ndescription: 'Kept: for *nobody*, &c.'\n",
        ),
        ("pre", "0.1.0-alpha.1", "description: Only prereleases\n"),
        (
            "meta",
            "1.0.0+build.5",
            "description: \"quotes \\\" and \\\\ and ümlauts\"\n",
        ),
    ] {
        pack(&folder, name, version, more);
    }
    home.helm(&["repo", "index", "public"]).ok();
    Web::files(&folder)
}

#[test]
fn helm_and_nutkin_share_their_files() {
    let (own, other) = (Home::new(), Home::new());
    let web = public(&own);
    let flags = [
        "--username",
        "ci",
        "--password",
        "s3cret",
        "--pass-credentials",
    ];
    for (home, by_helm) in [(&own, false), (&other, true)] {
        for (name, flags) in [("plain", &[][..]), ("secret", &flags[..])] {
            let url = web.url();
            let mut args = vec!["repo", "add", name, &url];
            args.extend(flags);
            let ran = if by_helm {
                home.helm(&args)
            } else {
                home.nutkin(&args)
            };
            assert_eq!(
                ran.ok().out,
                format!("{name:?} has been added to your repositories\n")
            );
        }
    }
    let config = "config/repositories.yaml";
    assert_eq!(own.read(config), other.read(config));
    let cached = "cache/repository/plain-index.yaml";
    assert_eq!(own.read(cached), other.read(cached));
    let listed = |home: &Home| {
        let text = home.read("cache/repository/plain-charts.txt");
        let mut names: Vec<String> = text.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    assert_eq!(listed(&own), listed(&other));
    let json = ["repo", "list", "-o", "json"];
    assert_eq!(own.nutkin(&json).ok().out, other.helm(&json).ok().out);
    assert_eq!(own.helm(&json).ok().out, other.nutkin(&json).ok().out);
    own.helm(&["pull", "plain/flink"]).ok();
    other.nutkin(&["pull", "plain/flink"]).ok();
    assert_eq!(
        fs::read(own.join("flink-1.10.0.tgz")).unwrap(),
        fs::read(other.join("flink-1.10.0.tgz")).unwrap()
    );
    // The same again changes nothing; another address under the name needs a flag.
    let url = web.url();
    let again = own.nutkin(&["repo", "add", "plain", &url]).ok();
    assert!(again.out.contains("skipping"), "{}", again.out);
    let slash = format!("{url}/");
    assert_eq!(own.nutkin(&["repo", "add", "plain", &slash]).code, 73);
    own.nutkin(&["repo", "add", "plain", &slash, "--force-update"])
        .ok();
    assert!(own.helm(&["repo", "list"]).ok().out.contains(&slash));
    for name in ["a/b", "", "..", "@x"] {
        assert_eq!(own.nutkin(&["repo", "add", name, &url]).code, 64, "{name}");
    }
    own.nutkin(&["repo", "remove", "plain", "secret"]).ok();
    other.helm(&["repo", "remove", "plain", "secret"]).ok();
    assert_eq!(own.read(config), other.read(config));
    assert_eq!(
        names(&own.join("cache/repository")),
        names(&other.join("cache/repository"))
    );
    assert_eq!(own.nutkin(&["repo", "update"]).code, 66);
}

#[test]
fn searches_find_what_helm_finds() {
    let home = Home::new();
    let web = public(&home);
    home.helm(&["repo", "add", "stable", &web.url()]).ok();
    home.nutkin(&["repo", "add", "copy", &web.url()]).ok();
    let words = [
        vec![],
        vec!["flink"],
        vec!["FLINK"],
        vec!["jobs"],
        vec!["stable/flink"],
        vec!["copy"],
        vec!["a", "log"],
        vec!["stream batch"],
        vec!["ümlauts"],
        vec!["\" and \\"],
        vec!["*nobody*"],
        vec!["nothing like it"],
        vec!["-r", "^fl"],
        vec!["-r", "log that .* reads"],
        vec!["-r", "stable/(kafka|old)"],
        vec!["-r", "Flink"],
    ];
    let flags = [
        vec![],
        vec!["--devel"],
        vec!["--versions"],
        vec!["-l", "--devel"],
        vec!["--version", "^1.0"],
        vec!["--version", ">=0.1.0-0 <2"],
        vec!["-l", "--version", "~0.1 || 1.10.x"],
    ];
    let mut compared = 0;
    for words in &words {
        for flags in &flags {
            let mut args = vec!["search", "repo", "-o", "json"];
            args.extend(words.iter().chain(flags).copied());
            let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
            let (own, helm) = (home.nutkin(&args).ok().out, home.helm(&args).ok().out);
            assert_eq!(json(&own), json(&helm), "{args:?}");
            compared += 1;
        }
    }
    println!("compared with helm: {compared} cases of search");
    let none = ["search", "repo", "nothing", "--fail-on-no-result"];
    assert_eq!(home.nutkin(&none).code, 66);
    assert_eq!(
        home.nutkin(&["search", "repo", "--version", "x.y.z.w"])
            .code,
        64
    );
    let table = home
        .nutkin(&["search", "repo", "stable/flink", "--max-col-width", "12"])
        .ok();
    assert!(table.out.contains("Runs Flin..."), "{}", table.out);
}

/// The entries of an index, without the times.
fn entries(text: &str) -> Value {
    let mut value = nutkin::yaml::parse(text).expect("YAML");
    let entries = value["entries"].as_object_mut().expect("entries");
    for versions in entries.values_mut() {
        for version in versions.as_array_mut().expect("a list") {
            version.as_object_mut().expect("a map").remove("created");
        }
    }
    value.as_object_mut().expect("a map").remove("generated");
    value
}

#[test]
fn indexes_are_those_of_helm() {
    let home = Home::new();
    let _web = public(&home);
    pack(&home.join("public/sub"), "deep", "1.0.0", "type: library\n");
    pack(&home.join("public/sub/sub"), "deeper", "1.0.0", "");
    fs::write(home.join("public/broken-1.0.0.tgz"), "no archive").unwrap();
    pack(
        &home.join("new"),
        "flink",
        "1.2.0",
        "description: built anew\n",
    );
    pack(&home.join("new"), "flink", "3.0.0", "");
    let mut compared = 0;
    for flags in [
        vec![],
        vec!["--url", "https://charts.example.com/a"],
        vec!["--url", "https://charts.example.com/a/?x=y"],
        vec!["--url", "sub/folder"],
        vec!["--json", "--url", "https://charts.example.com"],
    ] {
        let mut written = Vec::new();
        for by_helm in [true, false] {
            let mut args = vec!["repo", "index", "public"];
            args.extend(&flags);
            let ran = if by_helm {
                home.helm(&args)
            } else {
                home.nutkin(&args)
            };
            ran.ok();
            written.push(home.read("public/index.yaml"));
        }
        assert_eq!(entries(&written[0]), entries(&written[1]), "{flags:?}");
        compared += 1;
    }
    let mut merged = Vec::new();
    for by_helm in [true, false] {
        let args = [
            "repo",
            "index",
            "new",
            "--merge",
            "public/index.yaml",
            "--url",
            "http://x",
        ];
        let ran = if by_helm {
            home.helm(&args)
        } else {
            home.nutkin(&args)
        };
        ran.ok();
        merged.push(home.read("new/index.yaml"));
    }
    assert_eq!(entries(&merged[0]), entries(&merged[1]));
    assert!(merged[1].contains("built anew"));
    println!("compared with helm: {} cases of indexes", compared + 1);
    home.nutkin(&["repo", "index", "new", "--merge", "new/none.yaml"])
        .ok();
    assert!(home.read("new/none.yaml").contains("entries: {}"));
}

#[test]
fn a_chart_by_each_of_its_names() {
    let home = Home::new();
    let web = public(&home);
    home.nutkin(&["repo", "add", "stable", &web.url()]).ok();
    let url = web.url();
    let address = format!("{url}/flink-1.2.0.tgz");
    for (args, version) in [
        (vec!["stable/flink"], "1.10.0"),
        (vec!["stable/flink", "--version", "~1.2"], "1.2.0"),
        (vec!["stable/flink", "--devel"], "2.0.0-rc.1"),
        (vec!["flink", "--repo", &url, "--version", "1.0.0"], "1.0.0"),
        (vec![address.as_str()], "1.2.0"),
        (vec!["public/flink-1.0.0.tgz"], "1.0.0"),
    ] {
        let with = |command: &[&str]| {
            let mut all = command.to_vec();
            all.extend(&args);
            (home.nutkin(&all), home.helm(&all))
        };
        let (own, helm) = with(&["show", "chart"]);
        assert_eq!(own.ok().out, helm.ok().out, "{args:?}");
        let (own, helm) = with(&["template", "r"]);
        let own = own.ok().out;
        assert_eq!(own, helm.ok().out, "{args:?}");
        assert!(own.contains(&format!("version: {version}")), "{own}");
        let mut lint = vec!["lint", "-o", "json"];
        lint.extend(&args);
        home.nutkin(&lint).ok();
        let mut pull = vec!["pull", "-d", "out", "--untar"];
        pull.extend(&args);
        if !args[0].starts_with("public/") {
            home.nutkin(&pull).ok();
            assert!(home.read("out/flink/Chart.yaml").contains(version));
            // What is there already is not touched.
            assert_eq!(home.nutkin(&pull).code, 73);
            fs::remove_dir_all(home.join("out")).unwrap();
        }
    }
    for (args, code, part) in [
        (vec!["stable/flnk"], 66, "flink"),
        (vec!["stable/flink", "--version", "^9"], 66, "^9"),
        (vec!["stabel/flink"], 66, "stable/flink"),
        (vec!["stable/pre"], 66, "prereleases"),
        (vec!["flink"], 66, "not found"),
        (vec!["flink", "--repo", "ftp://x"], 64, "ftp"),
        (
            vec!["stable/flink", "--version", "no version"],
            64,
            "constraint",
        ),
    ] {
        let mut all = vec!["show", "chart"];
        all.extend(&args);
        let ran = home.nutkin(&all);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(part), "{args:?}: {}", ran.err);
    }
}

/// A starter makes the same chart with both, but for the archives of its subcharts, whose content is compared.
#[test]
fn starters_make_the_charts_that_helm_makes() {
    let home = Home::new();
    let starter = home.join("data/starters/job");
    super::write_chart(
        &starter,
        &super::chart_yaml("job", "3.0.0", "appVersion: 9\n"),
    );
    for (name, text) in [
        ("values.yaml", "# of <CHARTNAME>\nname: <CHARTNAME>\n"),
        ("values.schema.json", "{\"title\": \"<CHARTNAME>\"}\n"),
        ("README.md", "<CHARTNAME> stays\n"),
        (
            "templates/_helpers.tpl",
            "{{ define \"<CHARTNAME>.a\" }}<CHARTNAME>{{ end }}\n",
        ),
        ("templates/NOTES.txt", "<CHARTNAME>\n"),
        ("crds/a.yaml", "kind: <CHARTNAME>\n"),
        (
            "charts/sub/Chart.yaml",
            "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        ),
        ("charts/sub/templates/a.yaml", "kind: <CHARTNAME>\n"),
        (".helmignore", "left-out\n"),
        ("left-out", "x\n"),
    ] {
        let path = starter.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let path = starter.display().to_string();
    for (at, starter) in ["job", &path].into_iter().enumerate() {
        let (own, helm) = (format!("own{at}"), format!("helm{at}"));
        for folder in [&own, &helm] {
            fs::create_dir(home.join(folder)).unwrap();
        }
        home.nutkin(&["create", &format!("{own}/orders"), "--starter", starter])
            .ok();
        home.helm(&["create", &format!("{helm}/orders"), "-p", starter])
            .ok();
        let all = |folder: &str| {
            let mut found = std::collections::BTreeMap::new();
            let mut folders = vec![home.join(folder)];
            while let Some(folder) = folders.pop() {
                for name in names(&folder) {
                    let path = folder.join(name);
                    if path.is_dir() {
                        folders.push(path);
                        continue;
                    }
                    let name = path
                        .strip_prefix(home.path())
                        .unwrap()
                        .display()
                        .to_string();
                    let name = name.split_once('/').unwrap().1.to_owned();
                    let text = if name.ends_with(".tgz") {
                        format!("{:?}", crate::charts::contents(&path))
                    } else {
                        fs::read_to_string(&path).unwrap()
                    };
                    found.insert(name, text);
                }
            }
            found
        };
        assert_eq!(all(&own), all(&helm));
    }
    let missing = home.nutkin(&["create", "x", "--starter", "nothing"]);
    assert_eq!(missing.code, 66, "{}", missing.err);
}
