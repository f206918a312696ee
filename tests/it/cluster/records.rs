//! Records beside the real Helm: what it writes we read the same, what we write it reads.

use futures::StreamExt;
use nutkin::release::{
    self, Chart, File, Hook, Info, Release, SERVER_SIDE, Status, Store, StoreError, Time,
};
use serde_json::{Value, json};

use super::Namespace;
use crate::helm::write_chart;

/// Both programs' answers, JSON parsed.
fn compare(ns: &Namespace, args: &[&str]) {
    let theirs = ns.helm(args);
    let (ours, code) = ns.nutkin(args);
    assert_eq!(code, 0, "nutkin {args:?}: {ours}");
    if args.contains(&"json") {
        let parse = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(parse(&ours), parse(&theirs), "{args:?}");
    } else {
        assert_eq!(ours, theirs, "{args:?}");
    }
}

/// Reads what a release holds by the names of Helm's fields in Go.
const TEMPLATE: &str = "{{ with .Release }}{{ .Name }} {{ .Namespace }} {{ .Version }} {{ .Info.Status }} \
    {{ .Info.Description }} {{ .Info.Notes }} {{ .Chart.Metadata.Name }} {{ .Chart.Metadata.AppVersion }} \
    {{ .Chart.Metadata.APIVersion }} {{ .Chart.Metadata.Annotations.a }} {{ .Chart.Values.greeting }} \
    {{ .Config }} {{ .ApplyMethod }} {{ len .Manifest }} \
    {{ range .Hooks }}{{ .Name }} {{ .Kind }} {{ .Weight }} {{ .Events }} {{ .Path }}{{ end }}{{ end }}";

#[tokio::test]
#[ignore = "needs a cluster"]
async fn releases_of_helm_read_the_same() {
    let ns = Namespace::new("helmreads").await;
    let folder = tempfile::tempdir().unwrap();
    write_chart(
        folder.path(),
        &[
            (
                "Chart.yaml",
                "apiVersion: v2\nname: small\nversion: 0.1.0\nappVersion: \"1.2\"\nannotations:\n  a: b\n",
            ),
            (
                "values.yaml",
                "greeting: hello\nnumber: 1000000\nfloat: 1.5\nnested:\n  a: 1\n  b: null\n",
            ),
            ("templates/NOTES.txt", "Say {{ .Values.greeting }} <&>\n"),
            (
                "templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  a: {{ .Values.greeting | quote }}\n",
            ),
            (
                "templates/hook.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hook\n  annotations:\n    helm.sh/hook: pre-install,test\n    helm.sh/hook-weight: \"-3\"\n",
            ),
            (
                "templates/bad.yaml",
                "{{ if .Values.bad }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: Not_Valid\n{{ end }}\n",
            ),
        ],
    );
    let chart = folder.path().to_str().unwrap();
    ns.helm(&[
        "install",
        "one",
        chart,
        "--set",
        "greeting=hi",
        "-l",
        "team=x",
        "--description",
        "mine",
    ]);
    ns.helm(&["upgrade", "one", chart, "--set", "nested.a=5,big=1e3"]);
    let (_, code) = ns.helm_told(&["upgrade", "one", chart, "--set", "bad=true"]);
    assert_ne!(code, 0);
    ns.helm(&["rollback", "one", "1"]);
    ns.helm(&["install", "two", chart, "--server-side=false"]);
    ns.helm(&["install", "three", chart]);
    ns.helm(&["uninstall", "three", "--keep-history"]);
    for args in [
        &["list", "-o", "json"][..],
        &["list", "-o", "yaml"],
        &["list", "-q"],
        &["list", "-q", "-o", "json"],
        &["list", "-q", "-r"],
        &["list", "-q", "-d"],
        &["list", "-q", "-m", "1"],
        &["list", "-q", "-m", "1", "--offset", "1"],
        &["list", "-q", "--offset", "9"],
        &["list", "-q", "--filter", "^t"],
        &["list", "-q", "-l", "team=x"],
        &["list", "-q", "-l", "team!=x"],
        &["list", "-q", "-l", "status in (deployed)"],
        &["list", "--failed", "-o", "json"],
        &["list", "--uninstalled", "-o", "json"],
        &["list", "--superseded", "-o", "json"],
        &["list", "--superseded", "--deployed", "-o", "json"],
        &["list", "--pending", "-o", "json"],
        &["history", "one", "-o", "json"],
        &["history", "one", "-o", "yaml"],
        &["history", "one", "--max", "2", "-o", "json"],
        &["status", "one", "-o", "json"],
        &["status", "one", "--revision", "3", "-o", "json"],
        &["status", "three", "-o", "json"],
        &["get", "values", "one", "-o", "json"],
        &["get", "values", "one", "--revision", "2"],
        &[
            "get",
            "values",
            "one",
            "--revision",
            "2",
            "-a",
            "-o",
            "json",
        ],
        &["get", "values", "one", "-a"],
        &["get", "values", "two"],
        &["get", "values", "two", "-o", "json"],
        &["get", "manifest", "one"],
        &["get", "hooks", "one"],
        &["get", "notes", "one"],
        &["get", "all", "one"],
        &["get", "all", "one", "--template", TEMPLATE],
        &["get", "all", "one", "--qps", "200", "--burst-limit", "1"],
        &["get", "metadata", "one"],
        &["get", "metadata", "one", "-o", "json"],
        &["get", "metadata", "two", "-o", "json"],
        &["get", "metadata", "one", "--revision", "1", "-o", "json"],
    ] {
        compare(&ns, args);
    }
    let (text, code) = ns.nutkin(&["status", "none"]);
    assert_eq!(code, 66, "{text}");
    assert!(text.contains("\"none\" not found"), "{text}");
    let (text, code) = ns.nutkin(&["get", "values", "one", "--revision", "99"]);
    assert_eq!(code, 66, "{text}");
}

/// A record as an action makes it.
fn record(ns: &Namespace, name: &str, version: u32, status: Status) -> Release {
    let manifest = format!(
        "---\n# Source: c/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  v: \"{version}\"\n"
    );
    Release {
        name: name.to_owned(),
        namespace: ns.name.clone(),
        version,
        manifest,
        info: Info {
            first_deployed: Some(Time::now()),
            last_deployed: Some(Time::now()),
            status,
            description: "Install complete".into(),
            notes: "hello\n".into(),
            ..Info::default()
        },
        chart: Chart {
            metadata: serde_json::from_value(
                json!({"apiVersion": "v2", "name": "c", "version": "1.0.0", "appVersion": "2"}),
            )
            .unwrap(),
            values: json!({"a": 1}),
            templates: vec![File {
                name: "templates/a.yaml.tera".into(),
                data: b"kind: {{ x }}".to_vec(),
                ..File::default()
            }],
            ..Chart::default()
        },
        config: json!({"b": [1, 2.5, null, "x"]})
            .as_object()
            .unwrap()
            .clone(),
        hooks: vec![Hook {
            name: "h".into(),
            kind: "ConfigMap".into(),
            path: "c/templates/h.yaml".into(),
            manifest: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: h\n".into(),
            events: vec!["post-delete".into()],
            ..Hook::default()
        }],
        apply_method: SERVER_SIDE.into(),
        ..Release::default()
    }
}

async fn create(
    store: &Store,
    release: &Release,
    begun: Option<&str>,
) -> Result<release::Stored, StoreError> {
    store.create(release, Store::check(release)?, begun).await
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn helm_reads_and_rolls_back_our_records() {
    let ns = Namespace::new("ourrecords").await;
    let store = Store::new(ns.client.clone(), &ns.name);
    let mut first = record(&ns, "one", 1, Status::Deployed);
    first.labels.insert("team".into(), "x".into());
    let mut first = create(&store, &first, Some("an install")).await.unwrap();
    let again = create(&store, &first.release, None).await;
    assert!(
        matches!(again, Err(StoreError::Exists { revision: 1, .. })),
        "{again:?}"
    );
    let stale = first.clone();
    first.release.info.status = Status::Superseded;
    let first = store.update(&first).await.unwrap();
    assert_eq!(first.begun.as_deref(), Some("an install"));
    let refused = store.update(&stale).await;
    assert!(
        matches!(refused, Err(StoreError::Stale { .. })),
        "{refused:?}"
    );
    create(&store, &record(&ns, "one", 2, Status::Deployed), None)
        .await
        .unwrap();
    for args in [
        &["list", "-o", "json"][..],
        &["history", "one", "-o", "json"],
        &["status", "one", "-o", "json"],
        &["get", "values", "one", "-a", "-o", "json"],
        &["get", "all", "one"],
        &["get", "metadata", "one", "-o", "json"],
        &["get", "metadata", "one", "--revision", "1"],
    ] {
        compare(&ns, args);
    }
    ns.helm(&["rollback", "one", "1"]);
    let last = store.last("one").await.unwrap().release;
    assert_eq!(last.version, 3);
    assert_eq!(last.info.rollback_revision, 1);
    assert_eq!(last.manifest, first.release.manifest);
    assert_eq!(store.deployed("one").await.unwrap().release.version, 3);
    // Helm copied the label, and not what stands by the record.
    let third = store.last("one").await.unwrap();
    assert_eq!(third.secret_labels["team"], "x");
    assert_eq!(third.begun, None);
    let revisions = store.revisions("one").await.unwrap();
    let present = store.present("one").await.unwrap();
    assert_eq!(present.settled, revisions[..2]);
    assert_eq!(present.stored, [third]);
    assert_eq!(present.versions, store.versions("one").await.unwrap());
    let states: Vec<_> = revisions.iter().map(|r| (r.version, r.status)).collect();
    assert_eq!(
        states,
        [
            (1, Status::Superseded),
            (2, Status::Superseded),
            (3, Status::Deployed)
        ]
    );
    let gone = release::to_prune(&revisions, 1);
    assert_eq!(gone, [1, 2]);
    store.delete("one", &gone).await.unwrap();
    assert_eq!(store.history("one").await.unwrap().len(), 1);
    ns.helm(&["uninstall", "one"]);
    let gone = store.last("one").await;
    assert!(
        matches!(gone, Err(StoreError::NoRelease { .. })),
        "{gone:?}"
    );
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_record_larger_than_a_secret_stays_readable_for_helm() {
    let ns = Namespace::new("large").await;
    let store = Store::new(ns.client.clone(), &ns.name);
    let mut large = record(&ns, "one", 1, Status::Superseded);
    let mut state: u32 = 1;
    let noise = (0..2_000_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    large.chart.files.push(File {
        name: "crds/large.yaml".into(),
        data: noise.collect(),
        ..File::default()
    });
    create(&store, &large, None).await.unwrap();
    create(&store, &record(&ns, "one", 2, Status::Deployed), None)
        .await
        .unwrap();
    for args in [
        &["list", "-o", "json"][..],
        &["history", "one", "-o", "json"],
        &["get", "manifest", "one", "--revision", "1"],
        &["get", "values", "one", "-a", "--revision", "1"],
    ] {
        compare(&ns, args);
    }
    let mut read = store.get("one", 1).await.unwrap();
    assert!(read.release.chart.files.is_empty());
    store.complete(&mut read).await.unwrap();
    assert_eq!(read.release, large);
    ns.helm(&["rollback", "one", "1"]);
    assert_eq!(
        store.last("one").await.unwrap().release.manifest,
        large.manifest
    );
    store.delete("one", &[1]).await.unwrap();
    let left = ns
        .client
        .list("v1", "Secret", Some(&ns.name), &Default::default())
        .await
        .unwrap();
    assert_eq!(left.len(), 2, "parts are left behind");
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn hundreds_of_releases_are_listed_page_by_page() {
    const RELEASES: u32 = 300;
    let ns = Namespace::new("many").await;
    let store = Store::new(ns.client.clone(), &ns.name);
    let records: Vec<Release> = (0..RELEASES)
        .flat_map(|n| {
            let name = format!("r{n:03}");
            let second = match n % 10 {
                0 => Status::Superseded,
                1 => Status::Failed,
                _ => Status::Deployed,
            };
            [
                record(&ns, &name, 1, Status::Superseded),
                record(&ns, &name, 2, second),
            ]
        })
        .collect();
    let made = futures::stream::iter(records.iter().map(|r| create(&store, r, None)))
        .buffer_unordered(nutkin::cluster::PARALLEL)
        .collect::<Vec<_>>()
        .await;
    assert!(made.iter().all(Result::is_ok));
    let listing = release::list(&ns.client, Some(&ns.name), None)
        .await
        .unwrap();
    assert_eq!(listing.releases.len(), RELEASES as usize);
    assert!(listing.releases.iter().all(|r| r.revision == 2));
    assert!(listing.unreadable.is_empty());
    for args in [
        &["list", "-o", "json"][..],
        &["list", "-m", "0", "-q", "-r"],
        // Many of one second each.
        &["list", "-m", "0", "-q", "-d"],
        &["list", "-m", "0", "-q", "-d", "-r"],
        &["list", "-m", "0", "--failed", "-q"],
        &["list", "--offset", "250", "-q"],
    ] {
        compare(&ns, args);
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn the_ways_to_fail_have_their_codes() {
    let ns = Namespace::new("codes").await;
    for (args, code, words) in [
        (
            &["list", "--kube-apiserver", "https://127.0.0.1:1"][..],
            69,
            "cannot reach",
        ),
        (&["list", "--kubeconfig", "/nonexistent"], 69, "kubeconfig"),
        (
            &["list", "--context", "no-such-context"],
            69,
            "no-such-context",
        ),
        (
            &["list", "--as", "nobody-at-all"],
            77,
            "not allowed to list secrets",
        ),
        (&["history", "none"], 66, "not found"),
        (&["list", "--filter", "("], 64, "--filter"),
        (&["list", "-l", "a==b==c"], 65, "selector"),
        (&["list", "--kube-token", "wrong"], 77, "credentials"),
    ] {
        let (text, got) = ns.nutkin(args);
        assert_eq!(got, code, "{args:?}: {text}");
        assert!(text.contains(words), "{args:?}: {text}");
        assert!(!text.contains("wrong"), "a token is shown: {text}");
    }
}
