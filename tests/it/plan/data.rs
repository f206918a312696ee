//! What holds data stays when it leaves the manifest or its release ends, and the plan says so; it goes
//! where it is named.

use nutkin::cluster::{ObjectRef, uid};
use serde_json::Value;

use super::{Place, changes, map, step};
use crate::cluster::connect;
use crate::cluster::operator::Kinds;

const DEPLOYMENT: &str = "apiVersion: flink.apache.org/v1beta1
kind: FlinkDeployment
metadata:
  name: orders
spec:
  image: flink:2.0
  flinkVersion: v2_0
  serviceAccount: flink
  jobManager:
    resource: {memory: 1024m, cpu: 1}
  taskManager:
    resource: {memory: 1024m, cpu: 1}
  job:
    jarURI: local:///opt/flink/orders.jar
    parallelism: 2
    upgradeMode: savepoint
    state: running
";

const SESSION_JOB: &str = "apiVersion: flink.apache.org/v1beta1
kind: FlinkSessionJob
metadata:
  name: totals
spec:
  deploymentName: session
  job:
    jarURI: https://example.org/totals.jar
    parallelism: 1
    upgradeMode: savepoint
    state: running
";

const SNAPSHOT: &str = "apiVersion: flink.apache.org/v1beta1
kind: FlinkStateSnapshot
metadata:
  name: nightly
spec:
  jobReference: {kind: FlinkDeployment, name: orders}
  savepoint: {disposeOnDelete: true}
";

const CLAIM: &str = "apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: folder
spec:
  storageClassName: none
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: \"{{ .Values.size }}\"}}
";

/// The objects of the test that hold data.
const DATA: [(&str, &str, &str); 4] = [
    ("flink.apache.org/v1beta1", "FlinkDeployment", "orders"),
    ("flink.apache.org/v1beta1", "FlinkSessionJob", "totals"),
    ("flink.apache.org/v1beta1", "FlinkStateSnapshot", "nightly"),
    ("v1", "PersistentVolumeClaim", "folder"),
];

async fn live(place: &Place, (version, kind, name): (&str, &str, &str)) -> Option<Value> {
    let object = ObjectRef::new(version, kind, Some(&place.ns.name), name);
    place.ns.client.find(&object).await.unwrap()
}

async fn uids(place: &Place) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for object in DATA {
        let found = live(place, object).await;
        all.push(found.as_ref().and_then(uid).map(str::to_owned));
    }
    all
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn data_stays_unless_it_is_named() {
    let _kinds = Kinds::new(&connect(Default::default()).await).await;
    let place = Place::new("data").await;
    let with = place.chart(
        "with",
        &[
            ("values.yaml", "size: 1Gi\n"),
            ("templates/deployment.yaml", DEPLOYMENT),
            ("templates/job.yaml", SESSION_JOB),
            ("templates/snapshot.yaml", SNAPSHOT),
            ("templates/claim.yaml", CLAIM),
            ("templates/map.yaml", &map("plain", "k: v")),
        ],
    );
    let without = place.chart("without", &[("templates/map.yaml", &map("other", "k: v"))]);
    place.nutkin(&["install", "r", &with]).ends(0);
    let made = uids(&place).await;
    assert!(made.iter().all(Option::is_some), "{made:?}");

    // The plan says that they stay, why, and how they would go.
    let plan = place
        .nutkin(&["plan", "upgrade", "r", &without, "-o", "json"])
        .ends(0)
        .json();
    for (_, kind, name) in DATA {
        let step = step(&plan, kind, name);
        assert_eq!(step["change"], "keep", "{step}");
        let reason = format!("it holds data; --delete-data {kind}/{name} deletes it");
        assert_eq!(step["reason"], reason.as_str(), "{step}");
    }
    assert!(changes(&plan).contains(&("ConfigMap/plain".into(), "delete".into())));
    let offline = ["plan", "upgrade", "r", &without, "--offline", "-o", "json"];
    let offline = place.nutkin(&offline).ends(0).json();
    assert_eq!(
        step(&offline, "FlinkDeployment", "orders")["change"],
        "keep"
    );

    // They do; what holds none goes.
    place
        .nutkin(&["upgrade", "r", &without])
        .ends(0)
        .says("keep      FlinkDeployment/orders: it holds data");
    assert_eq!(uids(&place).await, made);
    assert!(live(&place, ("v1", "ConfigMap", "plain")).await.is_none());
    // Back in the manifest they are the release's again, the same ones.
    let plan = place
        .nutkin(&["plan", "upgrade", "r", &with, "-o", "json"])
        .ends(0)
        .json();
    for (_, kind, name) in DATA {
        assert_eq!(step(&plan, kind, name)["change"], "nothing", "{plan}");
    }
    place.nutkin(&["rollback", "r", "1"]).ends(0);
    assert_eq!(uids(&place).await, made);

    // A field that can't be changed: an error, unless the object is named.
    let smaller = ["plan", "upgrade", "r", &with, "--set", "size=2Gi"];
    place
        .nutkin(&smaller)
        .ends(65)
        .says("PersistentVolumeClaim/folder");
    let named = ["--delete-data", "PersistentVolumeClaim/folder"];
    let said = place.nutkin(&[&smaller[..], &named, &["-o", "json"]].concat());
    let plan = said.ends(0).json();
    let claim = step(&plan, "PersistentVolumeClaim", "folder");
    assert_eq!(claim["change"], "recreate", "{claim}");

    // Named, one goes; the others stay.
    let named = ["--delete-data", "FlinkDeployment/orders"];
    place
        .nutkin(&[&["upgrade", "r", &without][..], &named].concat())
        .ends(0);
    let left = uids(&place).await;
    assert_eq!(left[0], None);
    assert_eq!(left[1..], made[1..]);

    // The end of a release is no end of its data either.
    place.nutkin(&["rollback", "r", "1"]).ends(0);
    let named = ["--delete-data", "FlinkSessionJob/totals"];
    place
        .nutkin(&[&["uninstall", "r"][..], &named].concat())
        .ends(0)
        .says("kept: PersistentVolumeClaim/folder: it holds data");
    let left = uids(&place).await;
    assert!(left[0].is_some() && left[1].is_none(), "{left:?}");
    assert_eq!(left[2..], made[2..]);
    place
        .nutkin(&["install", "r", &with, "--delete-data", "orders"])
        .ends(64)
        .says("KIND/NAME");
}
