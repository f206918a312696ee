//! No secret is in anything that plan, diff and drift print.

use super::{Place, Said};

#[tokio::test]
#[ignore = "needs a cluster"]
async fn no_secret_is_printed() {
    let place = Place::new("masked").await;
    let chart = place.chart(
        "one",
        &[
            ("values.yaml", "db:\n  password: first-secret-1\nplain: x\n"),
            (
                "values.schema.json",
                "{\"properties\": {\"db\": {\"properties\": {\"password\": {\"x-nutkin-secret\": true}}}}}",
            ),
            (
                "templates/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  url: \"postgres://u:{{ .Values.db.password }}@h\"\n  same: never-changes-5\n",
            ),
            (
                "templates/map.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  conf: |\n    password={{ .Values.db.password }}\n    plain={{ .Values.plain }}\n  encoded: {{ .Values.db.password | b64enc }}\n",
            ),
        ],
    );
    // In base64 too, as the live objects have them.
    let secrets = [
        "first-secret-1",
        "Zmlyc3Qtc2VjcmV0LTE",
        "second-secret-2",
        "c2Vjb25kLXNlY3JldC0y",
        "never-changes-5",
        "bmV2ZXItY2hhbmdlcy01",
        "cG9zdGdyZXM6Ly91O",
    ];
    let check = |what: &[&str], code: i32| -> Said {
        let said = place.nutkin(what).ends(code);
        for secret in secrets {
            assert!(
                !said.out.contains(secret) && !said.err.contains(secret),
                "{secret} in {what:?}:\n{}\n{}",
                said.out,
                said.err
            );
        }
        said
    };
    let mut compared = 0;
    for shape in ["table", "json", "yaml", "markdown"] {
        check(&["plan", "install", "r", &chart, "-o", shape], 0);
        compared += 1;
    }
    place.nutkin(&["install", "r", &chart]).ends(0);
    std::fs::write(
        place.path("new.yaml"),
        "db: {password: second-secret-2}\nplain: z\n",
    )
    .unwrap();
    let upgrade = ["upgrade", "r", &chart, "-f", "new.yaml"];
    for shape in ["table", "json", "yaml", "markdown"] {
        for command in [&["plan"][..], &["diff"]] {
            let said = check(&[command, &upgrade, &["-o", shape, "-C", "50"]].concat(), 0);
            // That something changes is told, and where.
            assert!(said.out.contains("(hidden"), "{}", said.out);
            check(
                &[command, &upgrade, &["-o", shape, "--offline"]].concat(),
                0,
            );
            compared += 2;
        }
    }
    let said = check(&[&["plan"][..], &upgrade].concat(), 0);
    assert!(
        said.out.contains("db.password: (hidden) → (hidden)"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("-    plain=x") && said.out.contains("+    plain=z"),
        "{}",
        said.out
    );
    place.nutkin(&upgrade).ends(0);
    check(&["diff", "revision", "r", "1", "2"], 0);
    check(&["diff", "rollback", "r", "1"], 0);
    check(&["plan", "rollback", "r", "1", "-o", "json"], 0);
    check(&["plan", "uninstall", "r"], 0);
    place.kubectl(&[
        "patch",
        "secret",
        "s",
        "--type=merge",
        "-p",
        "{\"stringData\":{\"url\":\"changed-by-hand\"}}",
    ]);
    for shape in ["table", "json", "yaml", "markdown"] {
        let said = check(&["drift", "r", "-o", shape], 0);
        assert!(
            !said.out.contains("changed-by-hand") && said.out.contains("(hidden"),
            "{}",
            said.out
        );
        compared += 1;
    }
    println!("{} outputs without a secret", compared + 5);
}
