use super::*;

const TEXT: &str = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.2.0\n    urls:\n    - a-1.2.0.tgz\n  - \
    apiVersion: v2\n    name: a\n    version: 1.10.0\n    digest: sha256:AB\n    urls: [a.tgz]\n  - name: a\n    version: \
    2.0.0-rc.1\n  - name: a\n    version: no version\n  - null\n  - name: a/b\n    version: 3.0.0\n  b: null\n";

fn index(text: &str) -> Index {
    Index::new("the index", text.to_owned()).unwrap()
}

fn wanted(version: &str) -> Wanted {
    Wanted::new(version, false).unwrap()
}

#[test]
fn the_newest_that_fits() {
    let json = serde_json::to_string(&yaml::parse(TEXT).unwrap()).unwrap();
    for index in [index(TEXT), index(&json)] {
        for (constraint, want) in [
            ("", "1.10.0"),
            ("1.2.0", "1.2.0"),
            ("~1.2", "1.2.0"),
            ("^1", "1.10.0"),
            (">0.0.0-0", "2.0.0-rc.1"),
        ] {
            let found = index.get("a", &wanted(constraint)).unwrap();
            assert_eq!(found.metadata.version, want, "{constraint}");
        }
        let version = index.get("a", &wanted("^1")).unwrap();
        assert_eq!(version.sha256().as_deref(), Some("ab"));
        assert_eq!(version.urls, ["a.tgz"]);
        assert_eq!(index.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(index.versions("a").count(), 3);
        assert_eq!(index.versions("b").count(), 0);
        let error = index.get("a", &wanted("^4")).unwrap_err().to_string();
        assert!(
            error.contains("^4") && error.contains("the index"),
            "{error}"
        );
        assert!(index.get("c", &wanted("")).unwrap_err().is_missing());
    }
}

#[test]
fn what_is_no_index() {
    for (text, part) in [
        ("", "empty"),
        ("entries: {}\n", "apiVersion"),
        ("entries:\n  a:\n  - version: 1.0.0\n", "apiVersion"),
        ("[]", "no index"),
        ("<html></html>", "no index"),
        ("apiVersion: v1\nentries: []\n", "map"),
        ("apiVersion: v1\nentries: {a: {}}\n", "list"),
        ("a: [\n", "the index:"),
    ] {
        let error = Index::new("the index", text.to_owned()).unwrap_err();
        assert!(error.to_string().contains(part), "{text}: {error}");
    }
}

#[test]
fn the_lazy_reading_is_that_of_the_parser() {
    let whole = Index {
        place: String::new(),
        text: String::new(),
        charts: Vec::new(),
        by_name: HashMap::new(),
    };
    let mut whole = whole;
    whole.set(parsed("whole", TEXT).unwrap());
    let lazy = index(TEXT);
    for name in lazy.names() {
        let (a, b): (Vec<_>, Vec<_>) = (
            lazy.versions(name).collect(),
            whole.versions(name).collect(),
        );
        assert_eq!(a, b);
    }
}
