//! What must hold for any input; the fuzz targets and the ordinary tests call the same.
#![allow(dead_code, clippy::expect_used)]

use std::borrow::Cow;
use std::io::Write as _;
use std::time::{Duration, Instant};

use nutkin::chart::{self, provenance};
use nutkin::registry::search::{Term, search};
use nutkin::registry::{Index, Wanted};
use nutkin::template::funcs::semver::Constraint;
use nutkin::template::gotmpl::engine::{Chart, Input, Release, render};
use nutkin::template::gotmpl::exec::{Limits, Options};
use nutkin::values::{self, Identities, MergeKeys, Numbers, Sources, ValuesFile};
use nutkin::yaml::{self, Value};

/// Any text is read or refused; what is read can be written, and reads back as the same.
pub fn yaml(text: &str) {
    let _ = yaml::split_documents(text);
    let _ = values::parse_file("fuzz.yaml", text);
    let Ok(documents) = yaml::parse_all(text) else {
        return;
    };
    for mut value in documents {
        let written = yaml::emit(&value);
        let _ = yaml::to_yaml(&value);
        let _ = yaml::emit_pretty(&value);
        if !changes_on_the_way(&value) {
            assert_eq!(yaml::parse(&written).as_ref(), Ok(&value), "{written}");
        }
        yaml::helm_numbers(&mut value);
        let _ = yaml::go_json(&value);
    }
}

/// Go writes a key `<<` so that it reads as a merge, and U+0085, U+2028 and U+2029 as breaks of lines; a
/// key of more than 1024 characters can't be read back; -0 becomes 0.
fn changes_on_the_way(value: &Value) -> bool {
    let odd = |s: &str| s.contains(['\u{85}', '\u{2028}', '\u{2029}']);
    match value {
        Value::String(s) => odd(s),
        Value::Number(n) => n.as_f64() == Some(0.0),
        Value::Array(items) => items.iter().any(changes_on_the_way),
        Value::Object(map) => map
            .iter()
            .any(|(k, v)| k == "<<" || odd(k) || k.len() > 250 || changes_on_the_way(v)),
        _ => false,
    }
}

/// Any text is an index or refused; each version that is read of it is one that the whole text has.
pub fn index(text: &str) {
    let Ok(index) = Index::new("fuzz", text.to_owned()) else {
        return;
    };
    let whole = yaml::parse(text).ok();
    for name in index.names() {
        for version in index.versions(name) {
            let Some(whole) = &whole else { continue };
            let listed = &whole["entries"][name];
            let listed = listed
                .as_array()
                .unwrap_or_else(|| panic!("{listed} for {name:?} in {text:?}"));
            let known = |v: &Value| match &v["version"] {
                Value::String(text) => *text == version.metadata.version,
                other => format!("{other}") == version.metadata.version,
            };
            assert!(listed.iter().any(known), "{:?}", version.metadata.version);
        }
        let wanted = Wanted::new("", true).expect("a constraint");
        let _ = index.get(name, &wanted);
    }
    let all = [("fuzz".to_owned(), index)];
    let fits = Constraint::parse("*").expect("a constraint");
    let _ = search(&all, &Term::Text("a".to_owned()), &fits, false);
}

/// Any text is an assignment or refused, in each of the grammars.
pub fn set(text: &str) {
    let one = || vec![text.to_owned()];
    let none = Sources::default;
    let all = [
        Sources {
            set: one(),
            ..none()
        },
        Sources {
            strings: one(),
            ..none()
        },
        Sources {
            json: one(),
            ..none()
        },
        Sources {
            literals: one(),
            ..none()
        },
        Sources {
            set: vec!["a.b[1].c=1".to_owned(), text.to_owned()],
            ..none()
        },
    ];
    for sources in &all {
        for numbers in [Numbers::Exact, Numbers::Helm] {
            if let Ok(user) = values::merge_user_by(sources, numbers, &MergeKeys::default()) {
                assert!(user.value.is_object());
            }
        }
    }
    let _ = values::set_file_paths(text);
}

/// Any text is a template that renders or fails, within its bounds; it never crashes the engine.
pub fn gotmpl(text: &str) {
    let mut values = yaml::parse(include_str!("../gotmpl/values.yaml")).expect("values");
    yaml::helm_numbers(&mut values);
    let input = Input {
        chart: Chart {
            name: "vec",
            templates: vec![
                (
                    "templates/_h.tpl",
                    include_str!("../gotmpl/_helpers.tpl").into(),
                ),
                ("templates/case.yaml", Cow::Borrowed(text)),
            ],
            ..Chart::default()
        },
        values: Cow::Owned(values),
        release: Release::default(),
        kube_version: "v1.37.0",
        api_versions: &[],
    };
    let options = Options {
        limits: Limits {
            memory: 32 << 20,
            time: Duration::from_secs(2),
        },
        ..Options::default()
    };
    let start = Instant::now();
    if let Err(error) = render(&input, &options) {
        assert!(!error.helm.contains("this is a bug"), "{text:?}: {error}");
        // it can be printed
        let _ = error.to_string();
    }
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "too slow: {text:?}"
    );
}

/// Any bytes are a chart or refused, as they are and as the inside of an archive; what was loaded can be
/// packed, and loads as the same.
pub fn archive(bytes: &[u8]) {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let wrapped = gzip.write_all(bytes).and_then(|()| gzip.finish());
    for bytes in [Ok(bytes.to_vec()), wrapped].into_iter().flatten() {
        let Ok(chart) = chart::load_archive("fuzz.tgz", &bytes) else {
            continue;
        };
        let Ok(packed) = chart::package(&chart, 0) else {
            continue;
        };
        let mut again = chart::load_archive("again.tgz", &packed).expect("a package loads");
        let mut metadata = chart.metadata.clone();
        // As in Helm, a package of a v1 chart has only the dependencies of its requirements.yaml.
        if metadata.api_version == "v1" {
            metadata.dependencies.clear();
            again.metadata.dependencies.clear();
        }
        assert_eq!(again.metadata, metadata);
        assert_eq!(again.values, chart.values);
        assert_eq!(chart::package(&again, 0).expect("packs"), packed);
    }
}

/// Any bytes are a keyring, a signed text or a file of age or SOPS, or refused.
pub fn sealed(bytes: &[u8]) {
    let ring = |bytes: &[u8]| chart::Keyring::parse("fuzz.gpg", bytes);
    if let Ok(own) = ring(bytes) {
        let _ = provenance::verify("c-1.2.3.tgz", b"", PROVENANCE, &own);
    }
    let team = ring(TEAM).expect("a keyring");
    let found = provenance::verify("c-1.2.3.tgz", b"", bytes, &team);
    assert!(found.is_err(), "{found:?}");
    let identities = || {
        let mut identities = Identities::default();
        identities.add(KEYS).expect("identities");
        Ok::<_, values::Error>(identities)
    };
    let _ = ValuesFile::open("fuzz.yaml", bytes.to_vec(), identities);
}

const TEAM: &[u8] = include_bytes!("../provenance/subkey.pub.gpg");
const PROVENANCE: &[u8] = include_bytes!("../provenance/subkey.prov");
const KEYS: &str = include_str!("../secrets/keys.txt");
