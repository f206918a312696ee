//! Records as the real Helm writes them, and what becomes of them here.

use serde_json::{Value, json};

use super::*;

/// The `release` key of a Secret that Helm 4.3.1 wrote.
const HELM_4: &str = include_str!("testdata/helm-4.3.1.txt");

fn json_of(release: &Release) -> Value {
    serde_json::to_value(release).unwrap()
}

#[test]
fn a_record_of_helm_survives_a_round_trip() {
    let release = decode(HELM_4.as_bytes()).unwrap();
    assert_eq!(release.name, "one");
    assert_eq!(release.namespace, "cl-dev");
    assert_eq!(release.version, 1);
    assert_eq!(release.apply_method, SERVER_SIDE);
    assert_eq!(release.info.status, Status::Superseded);
    assert_eq!(
        release.config,
        *json!({"greeting": "hi"}).as_object().unwrap()
    );
    assert_eq!(release.chart.full_name(), "small-0.1.0");
    assert_eq!(release.hooks.len(), 1);
    assert_eq!(release.hooks[0].last_run.phase, "Succeeded");
    let template = release
        .chart
        .templates
        .iter()
        .find(|t| t.name == "templates/cm.yaml");
    assert!(String::from_utf8_lossy(&template.unwrap().data).contains("{{ .Release.Name }}"));
    // Field for field what Helm wrote, unknown ones too.
    let mut original: Value =
        serde_json::from_slice(&codec::unpack(HELM_4.as_bytes()).unwrap()).unwrap();
    // Go's null for a list without elements.
    assert_eq!(original["chart"]["files"], Value::Null);
    original["chart"]["files"] = json!([]);
    assert_eq!(json_of(&release), original);
    let again = decode(encode(&release).unwrap().as_bytes()).unwrap();
    assert_eq!(again, release);
}

#[test]
fn quirks_of_helm_3_are_read() {
    use base64::Engine as _;
    // Times that are empty or Go's zero, nulls for lists, no apply method, not gzipped.
    let record = json!({
        "name": "old", "version": 7, "namespace": "ns",
        "info": {"first_deployed": "", "last_deployed": "2021-03-04T05:06:07.8+01:00",
                 "deleted": "0001-01-01T00:00:00Z", "status": "deployed", "description": null},
        "chart": {"metadata": {"name": "c", "version": "1.0.0", "keywords": null},
                  "lock": null, "templates": null, "values": null, "schema": "", "files": null},
        "config": null, "manifest": "", "hooks": null,
    });
    let text = base64::engine::general_purpose::STANDARD.encode(record.to_string());
    let release = decode(text.as_bytes()).unwrap();
    assert_eq!(release.info.first_deployed, None);
    assert_eq!(release.info.deleted, None);
    // Written back as it was: the writer's offset stays.
    assert_eq!(
        release.info.last_deployed,
        Some(Time("2021-03-04T05:06:07.8+01:00".into()))
    );
    assert!(release.config.is_empty());
    assert_eq!(release.chart.schema, None);
    assert_eq!(release.apply_method, "");
    let written = json_of(&release);
    assert_eq!(written.pointer("/info/deleted"), None);
    assert_eq!(written.get("config"), None);
}

#[test]
fn a_record_without_chart_is_read() {
    let text = |value: Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(value.to_string())
    };
    for record in [
        json!({"name": "a", "version": 1}),
        json!({"name": "a", "version": 1, "chart": {}, "info": null}),
        json!({"name": "a", "version": 1, "chart": null}),
    ] {
        let release = decode(text(record.clone()).as_bytes()).unwrap();
        assert_eq!(release.chart.full_name(), "MISSING", "{record}");
        assert_eq!(release.info.status, Status::Unknown);
    }
}

#[test]
fn broken_records_are_refused() {
    use base64::Engine as _;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let gzip = codec::pack(b"{}").unwrap();
    let half = &gzip[..gzip.len() / 2];
    for (text, what) in [
        ("no base64!".to_owned(), "base64"),
        (base64(half), "gzip"),
        (base64(b"[1, 2]"), "JSON"),
        (base64(b"{\"version\": \"one\"}"), "JSON"),
        (base64(b""), "JSON"),
    ] {
        let error = decode(text.as_bytes()).unwrap_err();
        let fits = match what {
            "base64" => matches!(error, CodecError::Base64(_)),
            "gzip" => matches!(error, CodecError::Gzip(_)),
            _ => matches!(error, CodecError::Json(_)),
        };
        assert!(fits, "{text}: {error}");
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    use base64::Engine as _;
    let bomb = codec::pack(&vec![b' '; usize::try_from(MAX_JSON).unwrap() + 1]).unwrap();
    assert!(bomb.len() < MAX_DATA);
    let text = base64::engine::general_purpose::STANDARD.encode(bomb);
    assert_eq!(decode(text.as_bytes()).unwrap_err(), CodecError::TooLarge);
}

#[test]
fn the_words_of_statuses_are_helms() {
    for word in [
        "unknown",
        "deployed",
        "uninstalled",
        "superseded",
        "failed",
        "uninstalling",
        "pending-install",
        "pending-upgrade",
        "pending-rollback",
    ] {
        assert_eq!(Status::parse(word).as_str(), word);
        assert_eq!(
            serde_json::to_value(Status::parse(word)).unwrap(),
            json!(word)
        );
        assert_eq!(
            Status::parse(word).is_pending(),
            word.starts_with("pending-")
        );
    }
    assert_eq!(Status::parse("odd"), Status::Unknown);
}

#[test]
fn names_are_dns_subdomains_of_53_characters() {
    for fine in ["a", "orders", "a-b.c", "1", &"a".repeat(53)] {
        assert_eq!(validate_name(fine), Ok(()), "{fine}");
    }
    assert_eq!(validate_name(""), Err(NameError::Empty));
    let long = "a".repeat(54);
    assert_eq!(validate_name(&long), Err(NameError::TooLong(long.clone())));
    for bad in [
        "A", "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "ä", "a/b", "a.-b",
    ] {
        assert_eq!(
            validate_name(bad),
            Err(NameError::Invalid(bad.into())),
            "{bad}"
        );
    }
}

/// Revisions from a word each: d(eployed), s(uperseded), f(ailed), p(ending).
fn revisions(states: &str) -> Vec<Revision> {
    states
        .chars()
        .zip(1..)
        .map(|(state, version)| Revision {
            version,
            status: match state {
                'd' => Status::Deployed,
                's' => Status::Superseded,
                'f' => Status::Failed,
                _ => Status::PendingUpgrade,
            },
        })
        .collect()
}

#[test]
fn pruning_keeps_the_newest_deployed_revision() {
    for (states, max, gone) in [
        ("sssd", 10, vec![]),
        ("sssd", 4, vec![]),
        ("sssd", 0, vec![]),
        ("sssd", 2, vec![1, 2]),
        ("sdff", 2, vec![1, 3]),
        ("dfff", 1, vec![2, 3, 4]),
        ("ffff", 1, vec![1, 2, 3]),
        ("ddf", 1, vec![1, 3]),
        ("sssp", 1, vec![1, 2, 3]),
    ] {
        assert_eq!(to_prune(&revisions(states), max), gone, "{states} to {max}");
        let mut shuffled = revisions(states);
        shuffled.reverse();
        assert_eq!(
            to_prune(&shuffled, max),
            gone,
            "{states} to {max}, reversed"
        );
    }
}

/// Bytes that don't compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

fn split(release: &Release) -> parts::Split {
    parts::split(release, &Packed::of(release).unwrap()).unwrap()
}

#[test]
fn what_does_not_fit_moves_to_further_secrets_or_is_refused() {
    let mut release = decode(HELM_4.as_bytes()).unwrap();
    assert!(split(&release).parts.is_empty());
    release.chart.files.push(File {
        name: "crds/large.yaml".into(),
        data: noise(3 << 20),
        ..File::default()
    });
    let split = split(&release);
    assert!(split.parts.len() >= 3, "{}", split.parts.len());
    assert!(split.parts.iter().all(|p| p.len() <= MAX_DATA));
    assert!(split.main.len() <= MAX_DATA);
    // The main Secret is a whole record for Helm.
    let main = decode(split.main.as_bytes()).unwrap();
    assert_eq!(main.manifest, release.manifest);
    assert_eq!(main.chart.metadata, release.chart.metadata);
    assert_eq!(main.chart.values, release.chart.values);
    assert!(main.chart.files.is_empty());
    // A manifest has nowhere to go.
    release.manifest = noise(2 << 20).iter().map(|b| format!("{b:02x}")).collect();
    assert!(matches!(
        Store::check(&release).map(drop),
        Err(StoreError::TooLarge { .. })
    ));
}

#[test]
fn helms_own_labels_are_not_the_users() {
    let mut release = decode(HELM_4.as_bytes()).unwrap();
    release.labels.insert("team".into(), "x".into());
    assert_eq!(Store::check(&release).map(drop), Ok(()));
    release.labels.insert("owner".into(), "me".into());
    assert_eq!(
        Store::check(&release).map(drop),
        Err(StoreError::SystemLabel("owner".into()))
    );
}
