//! Steps by tables: reasons, fields, causes, totals, and nothing secret.

use serde_json::json;

use super::*;

fn seen<'a>(reference: &'a ObjectRef, change: Change) -> Seen<'a> {
    Seen {
        reference,
        change,
        recorded: None,
        live: None,
        wanted: None,
        after: None,
        causes: &[],
        conflicts: &[],
        unverified: None,
        refused: None,
        ends: false,
        release: ("r", "ns"),
    }
}

fn map(value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value}})
}

#[test]
fn each_change_has_its_reason() {
    let reference = ObjectRef::new("v1", "ConfigMap", Some("ns"), "a");
    let (one, two) = (map("1"), map("2"));
    let mut others = map("1");
    ownership::stamp(&mut others, "other", "ns");
    let mut kept = map("1");
    kept["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    let data =
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}});
    let cause = [Cause {
        field: "data".into(),
        message: "field is immutable when `immutable` is set".into(),
    }];
    let base = |change| seen(&reference, change);
    let table = [
        (
            Seen {
                wanted: Some(&one),
                ..base(Change::Create)
            },
            "it is not there yet",
        ),
        (
            Seen {
                wanted: Some(&one),
                recorded: Some(&one),
                ..base(Change::Create)
            },
            "it went missing",
        ),
        (
            Seen {
                live: Some(&one),
                recorded: Some(&one),
                wanted: Some(&two),
                after: Some(&two),
                ..base(Change::Update)
            },
            "data.k changes",
        ),
        (
            Seen {
                live: Some(&two),
                recorded: Some(&one),
                wanted: Some(&one),
                after: Some(&one),
                ..base(Change::Update)
            },
            "changed on the cluster since it was applied: data.k",
        ),
        (
            Seen {
                live: Some(&one),
                wanted: Some(&two),
                after: Some(&two),
                causes: &cause,
                ..base(Change::Recreate)
            },
            "data can't be changed in place",
        ),
        (
            Seen {
                live: Some(&others),
                wanted: Some(&one),
                after: Some(&one),
                ..base(Change::Adopt)
            },
            "it is there and belongs to release ns/other",
        ),
        (
            Seen {
                live: Some(&one),
                wanted: Some(&one),
                after: Some(&one),
                ..base(Change::Adopt)
            },
            "it is there and belongs to no release",
        ),
        (
            Seen {
                live: Some(&one),
                recorded: Some(&one),
                ..base(Change::Delete)
            },
            "it left the manifest",
        ),
        (
            Seen {
                live: Some(&one),
                ends: true,
                ..base(Change::Delete)
            },
            "the release ends",
        ),
        (
            Seen {
                live: Some(&kept),
                ..base(Change::Keep)
            },
            "helm.sh/resource-policy keeps it",
        ),
        (
            Seen {
                live: Some(&others),
                ..base(Change::Keep)
            },
            "it belongs to release ns/other now",
        ),
        (
            Seen {
                live: Some(&data),
                ..base(Change::Keep)
            },
            "it holds data; --delete-data ConfigMap/a deletes it",
        ),
        (
            Seen {
                live: Some(&one),
                ..base(Change::Nothing)
            },
            "",
        ),
    ];
    let hidden = Hidden::default();
    let showing = Showing {
        hidden: &hidden,
        values: &[],
        context: 3,
    };
    for (seen, reason) in table {
        let step = object_step(&seen, &showing);
        assert_eq!(step.reason, reason, "{seen:?}");
        let shows = !matches!(seen.change, Change::Keep | Change::Nothing)
            && sides(&seen).0 != sides(&seen).1;
        assert_eq!(!step.diff.is_empty(), shows, "{seen:?}: {}", step.diff);
        assert_eq!(step.to_string(), "ConfigMap/a");
    }
}

#[test]
fn the_value_that_causes_a_change_is_named() {
    let change = |path: &str, was: &str, is: &str, place: Option<&str>| ValueChange {
        path: path.into(),
        before: Some(was.into()),
        after: Some(is.into()),
        set_by: place.map(str::to_owned),
        texts: (was.into(), is.into()),
    };
    let values = [
        change("image.tag", "1.20", "2.3", Some("values/prod.yaml:4")),
        change("unrelated", "x", "y", None),
        change("slots", "2", "4", None),
    ];
    let before = json!({"image": "flink:1.20", "conf": "a: 1\nslots: 2\n", "other": "q"});
    let after = json!({"image": "flink:2.3", "conf": "a: 1\nslots: 4\n", "other": "z"});
    let found = caused_by(&fields::differences(&before, &after), &values);
    assert_eq!(found, ["image.tag (values/prod.yaml:4)", "slots"]);
}

#[test]
fn nothing_secret_is_in_a_step() {
    let reference = ObjectRef::new("v1", "Secret", Some("ns"), "a");
    let secret = |value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "stringData": {"password": value}})
    };
    let (live, after) = (secret("old-password"), secret("new-password"));
    let cause = [Cause {
        field: "data".into(),
        message: "Invalid value: \"marked-text\"".into(),
    }];
    let seen = Seen {
        live: Some(&live),
        wanted: Some(&after),
        after: Some(&after),
        causes: &cause,
        refused: Some("rejected: marked-text"),
        ..seen(&reference, Change::Update)
    };
    let hidden = Hidden::new(["marked-text".to_owned()]);
    let step = object_step(
        &seen,
        &Showing {
            hidden: &hidden,
            values: &[],
            context: 3,
        },
    );
    let json = serde_json::to_string(&step).unwrap();
    for secret in ["old-password", "new-password", "marked-text"] {
        assert!(!json.contains(secret), "{json}");
    }
    assert!(
        json.contains("(hidden, before)") && json.contains("stringData.password"),
        "{json}"
    );
}

#[test]
fn totals_count_each() {
    let reference = ObjectRef::new("v1", "ConfigMap", Some("ns"), "a");
    let (one, hidden) = (map("1"), Hidden::default());
    let showing = Showing {
        hidden: &hidden,
        values: &[],
        context: 3,
    };
    let step = |change| {
        object_step(
            &Seen {
                live: Some(&one),
                wanted: Some(&one),
                ..seen(&reference, change)
            },
            &showing,
        )
    };
    let job = |change| JobStep {
        workload: "w".into(),
        namespace: "ns".into(),
        mode: "standalone application".into(),
        change,
        reasons: Vec::new(),
        state: None,
        job_ids: Vec::new(),
    };
    let mut plan = Plan {
        objects: [
            Change::Create,
            Change::Nothing,
            Change::Recreate,
            Change::Keep,
        ]
        .map(step)
        .to_vec(),
        jobs: [
            JobChange::RestartedWithSavepoint,
            JobChange::Untouched,
            JobChange::Refused,
        ]
        .map(job)
        .to_vec(),
        ..Plan::default()
    };
    plan.count();
    assert_eq!(
        plan.totals.to_string(),
        "objects: 1 to create, 1 to recreate, 1 kept, 1 unchanged; jobs: 1 restarted, 1 untouched; 1 refused"
    );
    assert!(plan.has_changes());
    let mut none = Plan {
        objects: vec![step(Change::Nothing), step(Change::Keep)],
        ..Plan::default()
    };
    none.count();
    assert!(!none.has_changes());
    assert_eq!(
        none.totals.to_string(),
        "objects: 1 kept, 1 unchanged; jobs: none"
    );
}
