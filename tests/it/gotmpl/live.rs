//! `template --dry-run=server`: lookup and capabilities of a real cluster, as helm has them.

use serde_json::json;

use crate::cluster::Namespace;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster"]
async fn lookup_and_capabilities_are_helms() {
    let namespace = Namespace::new("lookup").await;
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/gotmpl/live");
    for object in [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c1"}, "data": {"a": "1", "n": "5"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s1"}, "stringData": {"p": "w"}}),
    ] {
        namespace.client.create(&object, false).await.expect("made");
    }
    let args = ["template", "rel", chart, "--dry-run=server"];
    let (ours, code) = namespace.nutkin(&args);
    assert_eq!(code, 0, "{ours}");
    assert_eq!(ours, namespace.helm(&args));
    assert_eq!(
        namespace
            .nutkin(&["template", "rel", chart, "--validate"])
            .0,
        ours
    );

    // offline the same templates find nothing; what they ask of it is an error then, at the same place
    let offline = namespace.helm_told(&["template", "rel", chart]);
    let own = namespace.nutkin(&["template", "rel", chart]);
    assert!(offline.1 != 0 && own.1 != 0, "{own:?}");
    let first = |text: &str| {
        text.lines()
            .find(|l| l.contains("a.yaml:"))
            .map(str::to_owned)
    };
    assert_eq!(first(&own.0), first(&offline.0));

    // an object that belongs to nobody is in the way, for both
    let taken = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "out"}});
    namespace.client.create(&taken, false).await.expect("made");
    assert_ne!(namespace.helm_told(&args).1, 0);
    let (text, code) = namespace.nutkin(&args);
    assert!(
        code == 73 && text.contains("ConfigMap/out"),
        "{code} {text}"
    );
}
