//! Values of charts and subcharts put together beside the real helm.

use std::path::Path;

use nutkin::chart;
use nutkin::values::{self, Numbers, Sources, ValuesFile};
use nutkin::yaml::Value;
use serde_json::{Map, json};

use crate::helm;
use crate::values::{TEMPLATE, each, helm_values, shown};
use crate::yaml::{Random, compare};

/// A chart with subcharts, and what a user sets; all at random.
struct Case {
    files: Vec<(String, String)>,
    user: Vec<Value>,
    set: Vec<String>,
}

fn scalar(random: &mut Random) -> Value {
    random
        .pick(&[
            json!(1),
            json!(2.5),
            json!("s"),
            json!(""),
            json!(true),
            json!(false),
            Value::Null,
            Value::Null,
            json!([1, null, {"k": null}]),
            json!([]),
            json!({}),
        ])
        .clone()
}

fn map(random: &mut Random, keys: &[&str], depth: usize) -> Value {
    let mut map = Map::new();
    for _ in 0..1 + random.below(4) {
        let key: &&str = random.pick(keys);
        let is_chart = ["sub", "other", "al", "deep"].contains(key);
        let value = match (*key, random.below(3)) {
            // Something else than a map under a subchart's name is an error; most cases are none.
            _ if is_chart && random.below(20) > 0 => map_for(random, key, depth.max(1) - 1),
            // What switches and hands down is mostly of the right kind.
            ("enabled" | "t1" | "t2" | "on", 0 | 1) => json!(random.below(2) == 0),
            (_, 0 | 1) if depth > 0 => map_for(random, key, depth - 1),
            _ => scalar(random),
        };
        map.insert((*key).to_owned(), value);
    }
    Value::Object(map)
}

fn map_for(random: &mut Random, key: &str, depth: usize) -> Value {
    match key {
        "tags" => map(random, &["t1", "t2"], depth),
        "exports" => map(random, &["data", "more"], depth),
        "global" => map(random, &["g1", "g2", "g3"], depth),
        "sub" | "al" | "other" | "deep" => map(
            random,
            &[
                "a", "b", "m", "enabled", "global", "deep", "exports", "tags",
            ],
            depth,
        ),
        _ => map(random, &["x", "y", "z", "on"], depth),
    }
}

const TOP: &[&str] = &[
    "a", "b", "m", "global", "sub", "other", "al", "tags", "exports", "switch", "enabled",
];

fn dependency(random: &mut Random, name: &str, alias: bool) -> Value {
    let mut entry = json!({"name": name, "version": *random.pick(&["1.x", ">=1.0.0", "1.0.0", "~1.0", "9.x", "*"]), "repository": ""});
    if alias {
        entry["alias"] = json!("al");
    }
    if random.below(2) == 0 {
        entry["condition"] = json!(*random.pick(&[
            "sub.enabled",
            "other.enabled,switch.on",
            "switch.on",
            "al.enabled",
            "deep.enabled",
            "missing.path",
            "a, switch.on"
        ]));
    }
    if random.below(3) == 0 {
        entry["tags"] = json!(random.pick(&[vec!["t1"], vec!["t1", "t2"], vec!["t3"]]));
    }
    if random.below(3) == 0 {
        entry["import-values"] = random
            .pick(&[
                json!(["data"]),
                json!(["data", "more", "none"]),
                json!([{"child": "m", "parent": "imported.here"}]),
                json!([{"child": "m", "parent": "m"}]),
                json!([{"child": "exports.data", "parent": "."}, "more"]),
            ])
            .clone();
    }
    entry
}

fn case(seed: u64) -> Case {
    let random = &mut Random::new(1000 + seed);
    let mut files = Vec::new();
    let mut add = |folder: &str, name: &str, dependencies: Vec<Value>, values: Value| {
        // An empty list is another thing to helm than none, and to nobody else.
        let mut meta = json!({"apiVersion": "v2", "name": name, "version": "1.0.0"});
        if !dependencies.is_empty() {
            meta["dependencies"] = Value::Array(dependencies);
        }
        files.push((format!("{folder}/Chart.yaml"), meta.to_string()));
        files.push((format!("{folder}/values.yaml"), values.to_string()));
    };
    // A name or alias may stand once only.
    let shapes: [&[(&str, bool)]; 6] = [
        &[("sub", false), ("other", true)],
        &[("sub", true), ("other", false)],
        &[("sub", false), ("sub", true), ("other", false)],
        &[("other", false)],
        &[("sub", false), ("other", false)],
        &[],
    ];
    let shape: &&[(&str, bool)] = random.pick(&shapes);
    let dependencies = shape
        .iter()
        .map(|(name, alias)| dependency(random, name, *alias))
        .collect();
    add("chart", "chart", dependencies, map(random, TOP, 3));
    let below = if random.below(2) == 0 {
        vec![dependency(random, "deep", false)]
    } else {
        Vec::new()
    };
    add(
        "chart/charts/sub",
        "sub",
        below,
        map(
            random,
            &["a", "b", "m", "global", "deep", "exports", "enabled"],
            3,
        ),
    );
    add(
        "chart/charts/sub/charts/deep",
        "deep",
        Vec::new(),
        map(random, &["a", "m", "global", "exports"], 2),
    );
    add(
        "chart/charts/other",
        "other",
        Vec::new(),
        map(random, &["a", "b", "m", "global", "exports"], 2),
    );
    files.push((
        "chart/templates/values.yaml".to_owned(),
        TEMPLATE.to_owned(),
    ));
    let user = (0..random.below(3)).map(|_| map(random, TOP, 3)).collect();
    let sets = [
        "sub.a=null",
        "m.x=1000000",
        "global.g1=null",
        "tags.t1=true",
        "sub.enabled=true",
        "al.m.y=5",
        "a=null",
        "m=null",
        "sub.deep.a=1",
    ];
    let set = (0..random.below(3))
        .map(|_| (*random.pick(&sets)).to_owned())
        .collect();
    Case { files, user, set }
}

fn ours(home: &Path, case: &Case) -> Result<String, String> {
    let mut chart = chart::load(&home.join("chart")).map_err(|e| e.to_string())?;
    let files = case.user.iter().enumerate().map(|(i, value)| ValuesFile {
        name: format!("user{i}.yaml"),
        text: value.to_string(),
        ..ValuesFile::default()
    });
    let sources = Sources {
        files: files.collect(),
        set: case.set.clone(),
        ..Sources::default()
    };
    let user = values::merge_user(&sources, Numbers::Helm).map_err(|e| e.to_string())?;
    let resolved = values::resolve(&mut chart, &user, Numbers::Helm).map_err(|e| e.to_string())?;
    Ok(shown(&resolved.value))
}

#[test]
fn values_are_put_together_as_helm_does() {
    let seeds: Vec<u64> = (0..200).collect();
    let run = |seed: &u64| {
        let home = tempfile::tempdir().unwrap();
        let case = case(*seed);
        let files: Vec<(&str, &str)> = case
            .files
            .iter()
            .map(|(n, t)| (n.as_str(), t.as_str()))
            .collect();
        helm::write_chart(home.path(), &files);
        let mut args = Vec::new();
        for (i, value) in case.user.iter().enumerate() {
            std::fs::write(home.path().join(format!("user{i}.yaml")), value.to_string()).unwrap();
            args.extend(["-f".to_owned(), format!("user{i}.yaml")]);
        }
        for text in &case.set {
            args.extend(["--set".to_owned(), text.clone()]);
        }
        let theirs = helm_values(home.path(), &args);
        let ours = ours(home.path(), &case).unwrap_or_else(|_| "error".to_owned());
        let about = format!(
            "{:#?}\nuser: {}\nset: {:?}",
            case.files,
            json!(case.user),
            case.set
        );
        json!([about, ours, theirs]).to_string()
    };
    let (mut names, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for text in each(&seeds, run) {
        let [name, our, their]: [String; 3] = serde_json::from_str(&text).unwrap();
        names.push(name);
        ours.push(our);
        theirs.push(their);
    }
    let errors = theirs.iter().filter(|t| *t == "error").count();
    println!("coalescing: {errors} refused by both");
    compare("coalescing", &names, &ours, &theirs);
}
