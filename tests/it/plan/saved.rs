//! Saved plans: done exactly, or refused with what moved.

use super::{Place, map, mode};

fn chart(place: &Place) -> String {
    place.chart(
        "one",
        &[
            ("values.yaml", "k: one\n"),
            ("templates/a.yaml", &map("a", "k: \"{{ .Values.k }}\"")),
            ("templates/b.yaml", &map("b", "k: v")),
        ],
    )
}

fn data(place: &Place, name: &str) -> String {
    place.kubectl(&["get", "configmap", name, "-o", "jsonpath={.data.k}"])
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn a_saved_plan_is_done_exactly_or_refused_with_what_moved() {
    let place = Place::new("saved").await;
    let chart = chart(&place);
    // From the first revision on.
    place
        .nutkin(&["plan", "install", "r", &chart, "--out", "i.plan"])
        .ends(0)
        .says("nutkin apply i.plan");
    assert_eq!(mode(&place.path("i.plan")), 0o600);
    place
        .nutkin(&["apply", "i.plan"])
        .ends(0)
        .says("STATUS: deployed");
    assert_eq!(data(&place, "a"), "one");
    place
        .nutkin(&["apply", "i.plan"])
        .ends(80)
        .says("now it is at revision 1 (deployed)");

    let plan = |value: &str, file: &str| {
        let set = format!("k={value}");
        place
            .nutkin(&["plan", "upgrade", "r", &chart, "--set", &set, "--out", file])
            .ends(0);
    };
    // What doesn't touch the planned difference is no obstacle, and the plan is what was shown: the
    // chart may be another by then.
    plan("two", "p");
    place.kubectl(&["label", "configmap", "a", "by=hand"]);
    place.chart("one", &[("templates/z.yaml", &map("z", "k: v"))]);
    place.nutkin(&["apply", "p"]).ends(0).says("REVISION: 2");
    assert_eq!(data(&place, "a"), "two");
    let chart = self::chart(&place);
    let plan = |value: &str, file: &str| {
        let set = format!("k={value}");
        place
            .nutkin(&["plan", "upgrade", "r", &chart, "--set", &set, "--out", file])
            .ends(0);
    };

    // Another revision.
    plan("three", "p");
    place
        .nutkin(&["upgrade", "r", &chart, "--set", "k=x"])
        .ends(0);
    place
        .nutkin(&["apply", "p"])
        .ends(80)
        .says("was at revision 2 (deployed), now it is at revision 3");
    assert_eq!(data(&place, "a"), "x");

    // The field that it changes was changed.
    plan("three", "p");
    place.kubectl(&[
        "patch",
        "configmap",
        "a",
        "--type=merge",
        "-p",
        "{\"data\":{\"k\":\"theirs\"}}",
    ]);
    place.nutkin(&["apply", "p"]).ends(80).says("ConfigMap/a");
    assert_eq!(data(&place, "a"), "theirs");
    place
        .nutkin(&["upgrade", "r", &chart, "--set", "k=x", "--force-conflicts"])
        .ends(0);

    // An object vanished, or was made anew.
    plan("three", "p");
    place.kubectl(&["delete", "configmap", "b"]);
    place
        .nutkin(&["apply", "p"])
        .ends(80)
        .says("ConfigMap/b is gone");
    place.kubectl(&["create", "configmap", "b", "--from-literal=k=v"]);
    place
        .nutkin(&["apply", "p"])
        .ends(80)
        .says("ConfigMap/b was deleted and made anew");
    place.kubectl(&["delete", "configmap", "b"]);
    place
        .nutkin(&["upgrade", "r", &chart, "--set", "k=x"])
        .ends(0);

    // Helm went on in between.
    plan("three", "p");
    place.ns.helm(&["upgrade", "r", &chart, "--set", "k=helm"]);
    place.nutkin(&["apply", "p"]).ends(80).says("revision");
    assert_eq!(data(&place, "a"), "helm");

    // Another cluster, another form, another thing.
    plan("three", "p");
    let text = std::fs::read_to_string(place.path("p")).unwrap();
    let mut saved: serde_json::Value = serde_json::from_str(&text).unwrap();
    saved["cluster"]["uid"] = "another".into();
    std::fs::write(place.path("q"), saved.to_string()).unwrap();
    place
        .nutkin(&["apply", "q"])
        .ends(80)
        .says("the plan is for the cluster");
    saved["form"] = 99.into();
    std::fs::write(place.path("q"), saved.to_string()).unwrap();
    place
        .nutkin(&["apply", "q"])
        .ends(65)
        .says("make the plan again");
    std::fs::write(place.path("q"), "k: v").unwrap();
    place.nutkin(&["apply", "q"]).ends(65).says("no plan");
    place.nutkin(&["apply", "none"]).ends(66);

    // Rollback and uninstall are saved as well.
    place
        .nutkin(&["plan", "rollback", "r", "1", "--out", "p"])
        .ends(0);
    place.nutkin(&["apply", "p"]).ends(0);
    assert_eq!(data(&place, "a"), "one");
    place
        .nutkin(&["plan", "uninstall", "r", "--out", "p"])
        .ends(0);
    place.nutkin(&["apply", "p"]).ends(0).says("uninstalled");
    place.nutkin(&["status", "r"]).ends(66);
    // And what is refused is not saved.
    place.kubectl(&["create", "configmap", "a", "--from-literal=k=v"]);
    place
        .nutkin(&["plan", "install", "r", &chart, "--out", "refused"])
        .ends(73);
    assert!(!place.path("refused").exists());
}

#[tokio::test]
#[ignore = "needs a cluster"]
async fn an_encrypted_plan_is_read_by_its_recipient_alone() {
    use age::secrecy::ExposeSecret as _;
    let place = Place::new("sealed").await;
    let chart = chart(&place);
    let identity = age::x25519::Identity::generate();
    std::fs::write(place.path("key"), identity.to_string().expose_secret()).unwrap();
    let other = age::x25519::Identity::generate();
    std::fs::write(place.path("other"), other.to_string().expose_secret()).unwrap();
    let recipient = identity.to_public().to_string();
    place
        .nutkin(&[
            "plan",
            "install",
            "r",
            &chart,
            "--set",
            "k=open-sesame",
            "--out",
            "p",
            "--recipient",
            &recipient,
        ])
        .ends(0);
    let sealed = std::fs::read(place.path("p")).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    assert!(!String::from_utf8_lossy(&sealed).contains("open-sesame"));
    assert_eq!(mode(&place.path("p")), 0o600);
    place
        .nutkin(&["apply", "p"])
        .ends(65)
        .says("--age-identity");
    place
        .nutkin(&["apply", "p", "--age-identity", "other"])
        .ends(65);
    place
        .nutkin(&["apply", "p", "--age-identity", "key"])
        .ends(0);
    assert_eq!(data(&place, "a"), "open-sesame");
    place
        .nutkin(&[
            "plan",
            "install",
            "x",
            &chart,
            "--out",
            "p",
            "--recipient",
            "age1x",
        ])
        .ends(64);
}
