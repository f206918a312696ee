//! Applying, ownership, migration, and what the server's refusals become.

use nutkin::cluster::{Apply, DryRun, Error, Lists, ObjectRef, Options, Owner, ownership};
use serde_json::{Value, json};

use super::{Namespace, config_map, connect, sleeper};
use crate::helm::write_chart;

const FORCE: Apply = Apply {
    force: true,
    dry_run: false,
};

#[tokio::test]
#[ignore = "needs a cluster"]
async fn objects_are_applied_read_and_deleted() {
    let ns = Namespace::new("apply").await;
    let client = &ns.client;
    let object = ObjectRef::new("v1", "ConfigMap", None, "a");
    let dry = Apply {
        dry_run: true,
        ..Apply::default()
    };
    let after = client
        .apply(&config_map("a", json!({"k": "1"})), dry)
        .await
        .unwrap();
    assert_eq!(after["data"]["k"], "1");
    assert_eq!(client.find(&object).await.unwrap(), None);
    let made = client
        .apply(
            &config_map("a", json!({"k": "1", "gone": "x"})),
            Apply::default(),
        )
        .await
        .unwrap();
    assert_eq!(made["metadata"]["namespace"], ns.name.as_str());
    assert_eq!(made["metadata"]["managedFields"][0]["manager"], "helm");
    assert_eq!(made["metadata"]["managedFields"][0]["operation"], "Apply");
    // A field that leaves goes.
    let after = client
        .apply(&config_map("a", json!({"k": "2"})), Apply::default())
        .await
        .unwrap();
    assert_eq!(after["data"], json!({"k": "2"}));
    let all = client
        .find_all(
            &[
                object.clone(),
                ObjectRef::new("v1", "ConfigMap", None, "none"),
            ],
            Lists::default(),
        )
        .await
        .unwrap();
    assert!(all[0].is_some() && all[1].is_none());
    // The uid of an object that vanished is not created anew.
    let mut bound = config_map("a", json!({"k": "3"}));
    bound["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000".into();
    let error = client.apply(&bound, Apply::default()).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
    assert!(client.delete(&object, &Default::default()).await.unwrap());
    assert!(!client.delete(&object, &Default::default()).await.unwrap());
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn what_was_listed_is_not_asked_for_again() {
    let ns = Namespace::new("listed").await;
    let client = &ns.client;
    let names = ["a", "b", "c", "d"];
    for name in names {
        let object = config_map(name, json!({"k": "1"}));
        client.apply(&object, Apply::default()).await.unwrap();
    }
    let references = names.map(|name| ObjectRef::new("v1", "ConfigMap", None, name));
    let listed = client.list_all(&references).await.unwrap();
    let gone = &references[1];
    assert!(client.delete(gone, &Default::default()).await.unwrap());
    // A single one of a kind is read from the list as well.
    let before = client.find_all(&references[1..2], listed).await.unwrap();
    assert_eq!(before[0].as_ref().unwrap()["data"]["k"], "1");
    let now = client.find_all(&references, Lists::default()).await;
    let found: Vec<bool> = now.unwrap().iter().map(Option::is_some).collect();
    assert_eq!(found, [true, false, true, true]);
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn refusals_are_told_apart() {
    let ns = Namespace::new("refusals").await;
    let client = &ns.client;
    // A field of another manager.
    let kubectl = json!({"data": {"k": "theirs"}});
    client
        .apply(&config_map("a", json!({"k": "1"})), FORCE)
        .await
        .unwrap();
    let object = ObjectRef::new("v1", "ConfigMap", None, "a");
    let other = client.merge_patch(&object, None, &kubectl).await.unwrap();
    assert_eq!(other["data"]["k"], "theirs");
    let error = client
        .apply(&config_map("a", json!({"k": "2"})), Apply::default())
        .await;
    // The patch was ours by name, but an update, which is another owner.
    match error {
        Err(Error::Conflict { fields, .. }) => {
            assert_eq!(fields[0].field, ".data.k");
            assert!(fields[0].manager.contains("helm"), "{fields:?}");
        }
        other => panic!("{other:?}"),
    }
    let mut bad = sleeper("d", Some(1));
    bad["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
    match client.apply(&bad, Apply::default()).await {
        Err(Error::Invalid { causes, .. }) => {
            assert!(
                causes.iter().any(|c| c.field.contains("template")),
                "{causes:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    let mut typo = sleeper("d", Some(1));
    typo["spec"]["replica"] = json!(1);
    let error = client.apply(&typo, Apply::default()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Invalid { message, .. } if message.contains("replica")),
        "{error:?}"
    );
    let mut elsewhere = config_map("a", json!({}));
    elsewhere["metadata"]["namespace"] = "no-such-namespace".into();
    let error = client
        .apply(&elsewhere, Apply::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::NoNamespace { namespace, .. } if namespace == "no-such-namespace"),
        "{error:?}"
    );
    let unknown =
        json!({"apiVersion": "example.org/v1", "kind": "Nothing", "metadata": {"name": "a"}});
    let error = client.apply(&unknown, Apply::default()).await.unwrap_err();
    assert!(
        matches!(&error, Error::NoKind { kind, .. } if kind == "Nothing"),
        "{error:?}"
    );
    let old =
        json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}});
    let error = client.apply(&old, Apply::default()).await.unwrap_err();
    assert!(matches!(error, Error::NoKind { .. }), "{error:?}");
    let error = client
        .create(&config_map("a", json!({})), false)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
    let mut stale = client.get(&object).await.unwrap();
    stale["metadata"]["resourceVersion"] = "1".into();
    let error = client.replace(&stale).await.unwrap_err();
    assert!(matches!(error, Error::Stale { .. }), "{error:?}");
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn the_way_to_the_cluster_fails_in_its_own_words() {
    let with = |options: Options| async move {
        let client = connect(options).await;
        let object = ObjectRef::new("v1", "ConfigMap", Some("default"), "kube-root-ca.crt");
        client.get(&object).await.unwrap_err()
    };
    let error = with(Options {
        as_user: Some("nobody-at-all".into()),
        ..Options::default()
    })
    .await;
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    let error = with(Options {
        token: Some("wrong".into()),
        ..Options::default()
    })
    .await;
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    let error = with(Options {
        server: Some("https://127.0.0.1:1".into()),
        ..Options::default()
    })
    .await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn an_object_of_another_is_told_by_its_owner() {
    let ns = Namespace::new("owner").await;
    let mut mine = config_map("a", json!({"k": "1"}));
    ownership::stamp(&mut mine, "one", &ns.name);
    let live = ns.client.apply(&mine, Apply::default()).await.unwrap();
    let object = ObjectRef::of(&live).unwrap();
    assert_eq!(ownership::check(&object, &live, "one", &ns.name), Ok(()));
    let other = ownership::check(&object, &live, "two", &ns.name).unwrap_err();
    assert!(
        matches!(&other, Error::Taken { owner: Owner::Release { name, .. }, .. } if name == "one"),
        "{other:?}"
    );
    let plain = ns
        .client
        .apply(&config_map("b", json!({})), Apply::default())
        .await
        .unwrap();
    let error = ownership::check(&ObjectRef::of(&plain).unwrap(), &plain, "one", &ns.name);
    assert!(
        matches!(
            error,
            Err(Error::Taken {
                owner: Owner::Nobody,
                ..
            })
        ),
        "{error:?}"
    );
}

/// A release that Helm applied client-side: fields that leave the manifest must go, fields of
/// others must stay.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_client_side_release_is_migrated() {
    let ns = Namespace::new("migrate").await;
    let folder = tempfile::tempdir().unwrap();
    write_chart(
        folder.path(),
        &[
            ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
            (
                "templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  stay: \"1\"\n  leave: \"2\"\n",
            ),
        ],
    );
    let chart = folder.path().to_str().unwrap().to_owned();
    ns.helm(&["install", "one", &chart, "--server-side=false"]);
    let object = ObjectRef::new("v1", "ConfigMap", None, "a");
    let by_hand = Apply::default();
    // Somebody else's field, by another manager.
    let patched = ns
        .client
        .json_patch(
            &object,
            &json!([{"op": "add", "path": "/metadata/labels/theirs", "value": "x"}]),
        )
        .await
        .unwrap();
    assert_eq!(patched["metadata"]["labels"]["theirs"], "x");
    let live = ns.client.get(&object).await.unwrap();
    let managers = |live: &Value| -> Vec<(String, String)> {
        let entries = live["metadata"]["managedFields"].as_array().unwrap();
        let text = |e: &Value, f: &str| e[f].as_str().unwrap_or_default().to_owned();
        entries
            .iter()
            .map(|e| (text(e, "manager"), text(e, "operation")))
            .collect()
    };
    assert!(
        managers(&live).contains(&("helm".into(), "Update".into())),
        "{live}"
    );
    // A dry run foretells what the migration and the apply bring together.
    let mut wanted = config_map("a", json!({"stay": "1"}));
    ownership::stamp(&mut wanted, "one", &ns.name);
    match ns
        .client
        .dry_run(&wanted, Some(&live), false)
        .await
        .unwrap()
    {
        DryRun::After(after) => assert_eq!(after["data"], json!({"stay": "1"})),
        other => panic!("{other:?}"),
    }
    assert!(ns.client.migrate(&live).await.unwrap());
    let live = ns.client.get(&object).await.unwrap();
    assert_eq!(managers(&live), [("helm".to_owned(), "Apply".to_owned())]);
    assert!(!ns.client.migrate(&live).await.unwrap());
    let after = ns.client.apply(&wanted, by_hand).await.unwrap();
    assert_eq!(after["data"], json!({"stay": "1"}));
}

/// The server books scaling to another manager's entry; the next apply sets the replicas again,
/// without a conflict.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn scaling_leaves_no_conflict_behind() {
    let ns = Namespace::new("scale").await;
    let client = &ns.client;
    let object = ObjectRef::new("apps/v1", "Deployment", None, "d");
    let made = client
        .apply(&sleeper("d", Some(1)), Apply::default())
        .await
        .unwrap();
    let uid = made["metadata"]["uid"].as_str().unwrap().to_owned();
    let wrong = client
        .scale(&object, 0, Some("00000000-0000-0000-0000-000000000000"))
        .await;
    assert!(matches!(wrong, Err(Error::Stale { .. })), "{wrong:?}");
    client.scale(&object, 0, Some(&uid)).await.unwrap();
    client
        .wait_pods_gone(&ns.name, "app=d", std::time::Duration::from_secs(60))
        .await
        .unwrap();
    let live = client.get(&object).await.unwrap();
    assert_eq!(live["spec"]["replicas"], 0);
    let after = client
        .apply(&sleeper("d", Some(1)), Apply::default())
        .await
        .unwrap();
    assert_eq!(after["spec"]["replicas"], 1);
}

/// Immutable fields of many kinds, told apart from other errors by a probe.
#[tokio::test]
#[ignore = "needs a cluster"]
async fn immutable_fields_mean_recreate() {
    let ns = Namespace::new("immutable").await;
    let client = &ns.client;
    let job = |image: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
            "spec": {"suspend": true, "template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "c", "image": image}]}}}})
    };
    let selector = |app: &str| {
        let mut deployment = sleeper("a", Some(0));
        deployment["spec"]["selector"]["matchLabels"]["app"] = app.into();
        deployment["spec"]["template"]["metadata"]["labels"]["app"] = app.into();
        deployment
    };
    let frozen = |value: &str| {
        let mut map = config_map("a", json!({"k": value}));
        map["immutable"] = true.into();
        map
    };
    let secret = |kind: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "type": kind});
    let binding = |role: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "a"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}})
    };
    let service = |ip: &str| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"},
            "spec": {"clusterIP": ip, "ports": [{"port": 80}]}})
    };
    let set = |service: &str| {
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a"},
            "spec": {"replicas": 0, "serviceName": service, "selector": {"matchLabels": {"app": "s"}},
                "template": {"metadata": {"labels": {"app": "s"}},
                    "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
    };
    for (before, after) in [
        (job("a"), job("b")),
        (selector("x"), selector("y")),
        (frozen("1"), frozen("2")),
        (secret("example.org/a"), secret("example.org/b")),
        (binding("one"), binding("two")),
        (service(""), service("None")),
        (set("one"), set("two")),
    ] {
        let live = client.apply(&before, Apply::default()).await.unwrap();
        let same = client.dry_run(&before, Some(&live), false).await.unwrap();
        assert!(matches!(same, DryRun::After(_)), "{same:?}");
        let kind = &before["kind"];
        let tried = client.dry_run(&after, Some(&live), false).await;
        let Ok(DryRun::Recreate { causes, after }) = tried else {
            panic!("{kind}: {tried:?}");
        };
        assert!(!causes.is_empty(), "{kind}");
        assert_eq!(after["metadata"]["name"], "a");
    }
    // An error that a new object would have too stays one.
    let live = client.apply(&job("a"), Apply::default()).await.unwrap();
    let mut wrong = job("a");
    wrong["spec"]["template"]["spec"]["restartPolicy"] = "Sometimes".into();
    let error = client.dry_run(&wrong, Some(&live), false).await;
    assert!(matches!(error, Err(Error::Invalid { .. })), "{error:?}");
    // Data is never made anew.
    let claim = |size: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}})
    };
    let live = client.apply(&claim("2Gi"), Apply::default()).await.unwrap();
    let error = client.dry_run(&claim("1Gi"), Some(&live), false).await;
    assert!(
        matches!(error, Err(Error::Invalid { .. } | Error::Forbidden { .. })),
        "{error:?}"
    );
}
