//! Provenance: the OpenPGP-signed `.prov` file beside a package, as Helm makes and reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, CleartextSignedMessage};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::Signature;
use pgp::types::Password;
use sha2::{Digest, Sha256};

use super::keyring::{Key, Keyring};
use crate::yaml::{self, Value};

/// The largest provenance file that is read.
pub const MAX_PROVENANCE: usize = 4 * 1024 * 1024;

/// Why a package can't be signed, or isn't what its provenance file says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The keyring cannot be read.
    #[error("keyring {path}: {cause}")]
    Keyring {
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
        /// Whether there is no such file.
        missing: bool,
    },
    /// No key of the keyring fits, or more than one.
    #[error("keyring {path}: {cause}")]
    NoKey {
        /// The file.
        path: String,
        /// What is missing.
        cause: String,
    },
    /// The key can't be unlocked. The passphrase isn't shown.
    #[error("the key {key:?} can't be unlocked: {cause}")]
    Locked {
        /// The key's user id.
        key: String,
        /// The cause.
        cause: String,
    },
    /// The signature cannot be made.
    #[error("cannot sign {file}: {cause}")]
    Sign {
        /// The package.
        file: String,
        /// The cause.
        cause: String,
    },
    /// The package has no provenance file.
    #[error("{file} has no provenance file {provenance}")]
    Unsigned {
        /// The package.
        file: String,
        /// Where the file was looked for.
        provenance: String,
    },
    /// The provenance file doesn't vouch for the package.
    #[error("{file} is not verified: {cause}")]
    NotVerified {
        /// The package.
        file: String,
        /// Why.
        cause: String,
    },
    /// The package or its provenance file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The package's file name.
    pub file: String,
    /// The user ids of the key that signed it.
    pub signed_by: Vec<String>,
    /// The key's fingerprint, in capital hexadecimal digits.
    pub fingerprint: String,
    /// The package's digest, `sha256:…`.
    pub hash: String,
}

impl std::fmt::Display for Verified {
    /// As `helm verify` prints it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for name in &self.signed_by {
            writeln!(f, "Signed by: {name}")?;
        }
        writeln!(f, "Using Key With Fingerprint: {}", self.fingerprint)?;
        writeln!(f, "Chart Hash Verified: {}", self.hash)
    }
}

/// The keyring that Helm reads when none is named: `pubring.gpg` in $GNUPGHOME or `~/.gnupg`.
pub fn default_keyring() -> PathBuf {
    let home = |name| std::env::var_os(name).filter(|v| !v.is_empty());
    match home("GNUPGHOME") {
        Some(folder) => PathBuf::from(folder).join("pubring.gpg"),
        None => PathBuf::from(home("HOME").unwrap_or_default()).join(".gnupg/pubring.gpg"),
    }
}

/// Where a package's provenance file lies: beside it, with `.prov` behind its name.
pub fn provenance_path(package: &Path) -> PathBuf {
    let mut name = package.as_os_str().to_owned();
    name.push(".prov");
    PathBuf::from(name)
}

/// Checks that a package is the one that a provenance file vouches for, and that a key of the keyring
/// signed that file. `file` is the package's name in the provenance file, such as `orders-1.0.0.tgz`.
///
/// # Errors
/// [`Error::NotVerified`] with the reason.
pub fn verify(
    file: &str,
    package: &[u8],
    provenance: &[u8],
    keyring: &Keyring,
) -> Result<Verified, Error> {
    let refused = |cause: String| Error::NotVerified {
        file: file.to_owned(),
        cause,
    };
    if provenance.len() > MAX_PROVENANCE {
        return Err(refused("the provenance file is too large".to_owned()));
    }
    let text = std::str::from_utf8(provenance)
        .map_err(|_| refused("the provenance file is not text".to_owned()))?;
    let (message, _) = CleartextSignedMessage::from_string(text)
        .map_err(|e| refused(format!("the provenance file has no signed text: {e}")))?;
    let signed = message.signed_text();
    let key = signer(message.signatures(), signed.as_bytes(), keyring).map_err(refused)?;
    let sums = sums(&signed.replace("\r\n", "\n")).map_err(refused)?;
    let hash = digest(package);
    match sums.get(file) {
        None => Err(refused(format!(
            "the provenance file says nothing of a file {file:?}"
        ))),
        Some(wanted) if *wanted != hash => Err(refused(format!(
            "its digest is {hash}, the provenance file says {wanted:?}"
        ))),
        Some(_) => Ok(Verified {
            file: file.to_owned(),
            signed_by: key.user_ids(),
            fingerprint: key.fingerprint(),
            hash,
        }),
    }
}

/// Verifies a package by the provenance file beside it.
///
/// # Errors
/// When a file cannot be read, or as [`verify`].
pub fn verify_file(package: &Path, keyring: &Keyring) -> Result<Verified, Error> {
    let beside = provenance_path(package);
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| Error::Read {
            path: path.display().to_string(),
            source,
        })
    };
    let file = package
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let bytes = read(package)?;
    if !beside.exists() {
        return Err(Error::Unsigned {
            file,
            provenance: beside.display().to_string(),
        });
    }
    verify(&file, &bytes, &read(&beside)?, keyring)
}

/// Finds the key that made one of the signatures.
fn signer<'k>(
    signatures: &[Signature],
    text: &[u8],
    keyring: &'k Keyring,
) -> Result<&'k Key, String> {
    let mut why = "none of the keyring's keys signed it".to_owned();
    for signature in signatures {
        if let Some(weak) = weak_hash(signature) {
            why = format!("it is signed by way of {weak}, which is broken");
            continue;
        }
        for key in keyring.keys() {
            match key.signed(signature, text) {
                Some(Ok(())) => return Ok(key),
                Some(Err(cause)) => why = cause,
                None => {}
            }
        }
    }
    Err(why)
}

/// The hash of a signature that nobody should trust any more.
fn weak_hash(signature: &Signature) -> Option<HashAlgorithm> {
    let hash = signature.hash_alg()?;
    let weak = [
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Ripemd160,
    ];
    weak.contains(&hash).then_some(hash)
}

/// The digests of the signed text's second part, by file.
fn sums(text: &str) -> Result<BTreeMap<String, String>, String> {
    let (_, rest) = text
        .split_once("\n...\n")
        .ok_or("the signed text lists no files")?;
    let part = rest.split("\n...\n").next().unwrap_or(rest);
    let value = yaml::parse(part).map_err(|e| format!("the signed text is not YAML: {e}"))?;
    let files = value
        .get("files")
        .and_then(Value::as_object)
        .ok_or("the signed text lists no files")?;
    Ok(files
        .iter()
        .filter_map(|(name, sum)| Some((name.clone(), sum.as_str()?.to_owned())))
        .collect())
}

fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    let hex: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    format!("sha256:{hex}")
}

/// Signs a package: the text of its provenance file. `chart_yaml` is the packed Chart.yaml
/// ([`super::chart_yaml`]), `file` the package's name, `key` the key's user id or a part of it. The
/// passphrase is asked for only where the key is locked; it gets the key's user id.
///
/// # Errors
/// When no key, or more than one, fits, or it can't be unlocked.
pub fn sign(
    file: &str,
    package: &[u8],
    chart_yaml: &str,
    keyring: &Keyring,
    key: &str,
    passphrase: impl FnOnce(&str) -> Result<String, String>,
) -> Result<String, Error> {
    let (secret, name) = keyring.signing_key(key)?;
    let password = if secret.is_locked() {
        let locked = |cause| Error::Locked {
            key: name.clone(),
            cause,
        };
        let password = Password::from(passphrase(&name).map_err(locked)?);
        secret.unlock(&password).map_err(locked)?;
        password
    } else {
        Password::empty()
    };
    let files: yaml::Map = [(file.to_owned(), Value::from(digest(package)))]
        .into_iter()
        .collect();
    let sums = Value::Object(
        [("files".to_owned(), Value::Object(files))]
            .into_iter()
            .collect(),
    );
    let text = format!("{chart_yaml}\n...\n{}", yaml::emit(&sums));
    let failed = |e: pgp::errors::Error| Error::Sign {
        file: file.to_owned(),
        cause: e.to_string(),
    };
    // As Helm: the last line's end belongs to the signed text, and another one to the frame.
    let text = format!("{}\n", text.trim_end_matches('\n'));
    let message = secret.sign(&text, &password).map_err(failed)?;
    message
        .to_armored_string(ArmorOptions::default())
        .map_err(failed)
}
