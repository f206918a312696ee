//! Records that are larger than a Secret: templates, files and schema move to further Secrets of ours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::codec;
use super::packed::Packed;
use super::record::{File, Release};
use super::store::{MAX_DATA, Result, Secret, StoreError};
use crate::cluster::{self, Client, Delete, ObjectRef, Query};

/// Room left in each part for what isn't its data.
const PART: usize = MAX_DATA - (16 << 10);

/// A record as it goes into Secrets.
pub(super) struct Split {
    /// The main Secret's `release`.
    pub(super) main: String,
    /// The bytes of the further Secrets, in order; none when the main one holds everything.
    pub(super) parts: Vec<Vec<u8>>,
}

/// What moves out of the main Secret.
#[derive(Serialize, Deserialize, Default)]
struct Moved {
    templates: Vec<File>,
    files: Vec<File>,
    #[serde(default)]
    schema: Option<String>,
}

/// Encodes a record of which the large part is packed, in one piece where it fits.
///
/// # Errors
/// [`StoreError::TooLarge`] when it doesn't fit without templates, files and schema either.
pub(super) fn split(release: &Release, packed: &Packed) -> Result<Split> {
    let unreadable = |cause| unreadable(release, cause);
    let in_one = |main| Split {
        main,
        parts: Vec::new(),
    };
    if packed.len() < MAX_DATA {
        let whole = BASE64.encode(packed.join(release).map_err(unreadable)?);
        if whole.len() <= MAX_DATA {
            return Ok(in_one(whole));
        }
    }
    let whole = codec::encode(release).map_err(unreadable)?;
    if whole.len() <= MAX_DATA {
        return Ok(in_one(whole));
    }
    let mut main = release.clone();
    let moved = Moved {
        templates: std::mem::take(&mut main.chart.templates),
        files: std::mem::take(&mut main.chart.files),
        schema: main.chart.schema.take().map(|s| BASE64.encode(s)),
    };
    let main = codec::encode(&main).map_err(unreadable)?;
    if main.len() > MAX_DATA {
        return Err(StoreError::TooLarge {
            name: release.name.clone(),
            size: main.len(),
        });
    }
    let json = serde_json::to_vec(&moved)
        .map_err(|e| unreadable(codec::CodecError::Json(e.to_string())))?;
    let packed = codec::pack(&json).map_err(unreadable)?;
    Ok(Split {
        main,
        parts: packed.chunks(PART).map(<[u8]>::to_vec).collect(),
    })
}

/// Packs a record's large part.
pub(super) fn pack(release: &Release) -> Result<Packed> {
    Packed::of(release).map_err(|cause| unreadable(release, cause))
}

fn unreadable(release: &Release, cause: codec::CodecError) -> StoreError {
    StoreError::Unreadable {
        secret: super::secret_name(&release.name, release.version),
        cause,
    }
}

/// What binds parts to their record: Helm rewrites a record's status, never its manifest.
fn digest(release: &Release) -> String {
    let hash = Sha256::digest(release.manifest.as_bytes());
    hash.iter().take(16).map(|b| format!("{b:02x}")).collect()
}

fn part_name(name: &str, revision: u32, n: usize) -> String {
    format!("nutkin.v1.{name}.parts.v{revision}-{n}")
}

/// Writes the parts; those that are there with the same digest stay.
pub(super) async fn write(
    client: &Client,
    namespace: &str,
    release: &Release,
    parts: &[Vec<u8>],
) -> Result<()> {
    if parts.is_empty() {
        return Ok(());
    }
    let digest = digest(release);
    for (n, part) in parts.iter().enumerate() {
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": part_name(&release.name, release.version, n),
                "namespace": namespace,
                "labels": {
                    "nutkin.dev/kind": "parts",
                    "nutkin.dev/release": release.name,
                    "nutkin.dev/revision": release.version.to_string(),
                    "nutkin.dev/part": format!("{n}-of-{}", parts.len()),
                    "nutkin.dev/digest": digest,
                },
            },
            "type": "nutkin.dev/parts",
            "data": { "part": BASE64.encode(part) },
        });
        match client.create(&secret, false).await {
            // Left by an operation that was broken off, or already written with this record.
            Err(cluster::Error::Exists { .. }) => client.replace(&secret).await?,
            other => other?,
        };
    }
    Ok(())
}

/// Deletes the parts of those revisions of a release that are `gone`.
pub(super) async fn collect(
    client: &Client,
    namespace: &str,
    name: &str,
    gone: impl Fn(u32) -> bool,
) -> Result<()> {
    let query = Query {
        labels: Some(format!("nutkin.dev/kind=parts,nutkin.dev/release={name}")),
        metadata_only: true,
        ..Query::default()
    };
    let mut parts: Vec<Secret> = Vec::new();
    client
        .list_pages("v1", "Secret", Some(namespace), &query, |page| {
            parts.extend::<Vec<Secret>>(page);
        })
        .await?;
    for part in parts {
        let revision = part.metadata.label("nutkin.dev/revision").parse();
        if revision.is_ok_and(&gone) {
            let object = ObjectRef::new("v1", "Secret", Some(namespace), &part.metadata.name);
            client.delete(&object, &Delete::default()).await?;
        }
    }
    Ok(())
}

/// Puts templates, files and schema back into a record that lacks them, where parts of it exist.
pub(super) async fn read(client: &Client, namespace: &str, release: &mut Release) -> Result<()> {
    let chart = &release.chart;
    if !chart.templates.is_empty() || !chart.files.is_empty() || chart.schema.is_some() {
        return Ok(());
    }
    let query = Query {
        labels: Some(format!(
            "nutkin.dev/kind=parts,nutkin.dev/release={},nutkin.dev/revision={},nutkin.dev/digest={}",
            release.name,
            release.version,
            digest(release)
        )),
        ..Query::default()
    };
    let mut secrets: Vec<Secret> = Vec::new();
    client
        .list_pages("v1", "Secret", Some(namespace), &query, |page| {
            secrets.extend::<Vec<Secret>>(page);
        })
        .await?;
    if secrets.is_empty() {
        return Ok(());
    }
    let unreadable = |cause| StoreError::Unreadable {
        secret: part_name(&release.name, release.version, 0),
        cause,
    };
    let mut numbered: Vec<(usize, &Secret)> = secrets
        .iter()
        .filter_map(|s| {
            let (n, of) = s.metadata.label("nutkin.dev/part").split_once("-of-")?;
            (of.parse() == Ok(secrets.len())).then_some((n.parse().ok()?, s))
        })
        .collect();
    numbered.sort_by_key(|(n, _)| *n);
    if numbered.len() != secrets.len() {
        return Err(unreadable(codec::CodecError::Json(
            "parts of it are missing".into(),
        )));
    }
    let mut packed = Vec::new();
    for (_, secret) in numbered {
        let data = secret.data.get("part").map_or("", String::as_str);
        packed.extend(
            BASE64
                .decode(data)
                .map_err(|e| unreadable(codec::CodecError::Base64(e.to_string())))?,
        );
    }
    let json = codec::gunzip(&packed).map_err(unreadable)?;
    let moved: Moved = serde_json::from_slice(&json)
        .map_err(|e| unreadable(codec::CodecError::Json(e.to_string())))?;
    let schema = moved
        .schema
        .map(|s| BASE64.decode(s))
        .transpose()
        .map_err(|e| unreadable(codec::CodecError::Base64(e.to_string())))?;
    release.chart.templates = moved.templates;
    release.chart.files = moved.files;
    release.chart.schema = schema;
    Ok(())
}
