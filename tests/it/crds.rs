//! CRDs of charts on a real cluster: made, upgraded, never made older, never deleted.

use std::path::{Path, PathBuf};

use nutkin::cluster::{Delete, ObjectRef};
use serde_json::Value;

use crate::cluster::Namespace;
use crate::helm::write_chart;

/// A CRD of a test's own group, deleted when the test ends.
struct Group {
    name: String,
    ns: Namespace,
}

impl Group {
    async fn new(test: &str) -> Group {
        let name = format!("{test}{}.nutkin.test", std::process::id());
        Group {
            name,
            ns: Namespace::new(test).await,
        }
    }

    fn crd_ref(&self) -> ObjectRef {
        ObjectRef::new(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            None,
            &format!("things.{}", self.name),
        )
    }

    async fn crd(&self) -> Value {
        self.ns.client.get(&self.crd_ref()).await.unwrap()
    }

    /// A CRD with versions, of which the first is stored, and the fields of their specs.
    fn manifest(&self, versions: &[(&str, &[&str])]) -> String {
        let mut text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: things.{0}\nspec:\n  group: {0}\n  scope: Namespaced\n  names:\n    kind: Thing\n    plural: things\n  versions:\n",
            self.name
        );
        for (nth, (version, fields)) in versions.iter().enumerate() {
            text.push_str(&format!(
                "  - name: {version}\n    served: true\n    storage: {}\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n            properties:\n",
                nth == 0
            ));
            for field in *fields {
                text.push_str(&format!(
                    "              {field}:\n                type: string\n"
                ));
            }
        }
        text
    }

    /// A chart with a subchart that brings the CRD, and an object of it if the kind is known.
    fn chart(&self, folder: &Path, crd: &str) -> PathBuf {
        let chart = folder.join("c");
        let thing = format!(
            "{{{{- if .Capabilities.APIVersions.Has \"{0}/v1beta1/Thing\" }}}}\napiVersion: {0}/v1beta1\nkind: Thing\nmetadata:\n  name: one\nspec:\n  a: x\n{{{{- end }}}}\n",
            self.name
        );
        write_chart(
            &chart,
            &[
                (
                    "Chart.yaml",
                    "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies:\n- name: sub\n  version: 0.1.0\n",
                ),
                ("templates/thing.yaml", &thing),
                (
                    "charts/sub/Chart.yaml",
                    "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
                ),
                ("charts/sub/crds/thing.yaml", crd),
            ],
        );
        chart
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let object = self.crd_ref();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let client = crate::cluster::connect(Default::default()).await;
                client.delete(&object, &Delete::default()).await
            })
        })
        .join();
        if !matches!(ended, Ok(Ok(_))) {
            println!("a CRD is left behind");
        }
    }
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn crds_come_first_and_are_never_made_older() {
    let group = Group::new("crds").await;
    let ns = &group.ns;
    let folder = tempfile::tempdir().unwrap();
    let first = group.manifest(&[("v1beta1", &["a"])]);
    let path = group.chart(folder.path(), &first);
    let path = path.to_str().unwrap();
    let thing = ObjectRef::new(&format!("{}/v1beta1", group.name), "Thing", None, "one");

    // Seen before anything is there: the kind counts as known, the object as unverified.
    let said = ns.run(&["install", "r", path, "--dry-run"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("kind: Thing"), "{}", said.out);
    assert!(
        said.err
            .contains("create    CustomResourceDefinition/things"),
        "{}",
        said.err
    );
    assert!(ns.client.find(&group.crd_ref()).await.unwrap().is_none());
    // Skipped, the template does without.
    let said = ns.run(&["install", "r", path, "--dry-run", "--skip-crds"]);
    assert!(!said.out.contains("kind: Thing"), "{}", said.out);

    let said = ns.run(&["install", "r", path]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(ns.client.get(&thing).await.unwrap()["spec"]["a"], "x");

    // Not upgraded unless asked for.
    let with_field = group.manifest(&[("v1beta1", &["a", "b"])]);
    group.chart(folder.path(), &with_field);
    let fields = |crd: &Value| {
        crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties")
            .and_then(Value::as_object)
            .map(|p| p.keys().cloned().collect::<Vec<_>>())
            .unwrap()
    };
    let said = ns.run(&["upgrade", "r", path]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("--crds upgrade brings it"),
        "{}",
        said.err
    );
    assert_eq!(fields(&group.crd().await), ["a"]);
    let said = ns.run(&["upgrade", "r", path, "--crds", "upgrade", "--dry-run"]);
    assert!(
        said.err
            .contains("upgrade   CustomResourceDefinition/things"),
        "{}",
        said.err
    );
    assert_eq!(fields(&group.crd().await), ["a"]);
    let said = ns.run(&["upgrade", "r", path, "--crds", "upgrade"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(fields(&group.crd().await), ["a", "b"]);
    // Once more: nothing to do.
    let said = ns.run(&["upgrade", "r", path, "--crds", "upgrade"]);
    assert!(said.out.contains("nothing to do"), "{}", said.out);

    // An older chart leaves it as it is.
    group.chart(folder.path(), &first);
    let said = ns.run(&["upgrade", "r", path, "--crds", "upgrade"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("older: it lacks v1beta1.spec.b"),
        "{}",
        said.err
    );
    assert_eq!(fields(&group.crd().await), ["a", "b"]);

    // A version that objects are stored as may not vanish.
    group.chart(folder.path(), &group.manifest(&[("v1", &["a", "b"])]));
    let said = ns.run(&["upgrade", "r", path, "--crds", "upgrade"]);
    assert_eq!(said.code, 78, "{}", said.err);
    assert!(said.err.contains("stored as v1beta1"), "{}", said.err);
    group.chart(
        folder.path(),
        &group.manifest(&[("v1", &["a", "b"]), ("v1beta1", &["a", "b"])]),
    );
    let said = ns.run(&["upgrade", "r", path, "--crds", "upgrade"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(
        group.crd().await["spec"]["versions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // The object goes with the release, the CRD stays.
    let said = ns.run(&["uninstall", "r"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(ns.client.find(&thing).await.unwrap().is_none());
    assert!(ns.client.find(&group.crd_ref()).await.unwrap().is_some());
}
