//! Values files encrypted by SOPS with age recipients: YAML or JSON whose values are encrypted one by
//! one, below a key `sops` that says how. Source of the rules: SOPS 3.11, `aes/cipher.go`, `sops.go`.

use std::ops::Range;

use aes_gcm::aead::consts::{U12, U32};
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use regex::Regex;
use sha2::{Digest as _, Sha512};

use super::age::{self, Identities, OpenError};
use super::sops_leaves::{Leaf, Plain, leaves, plain};
use crate::yaml::{self, Value};

/// What a MAC over encrypted values alone begins with: the SHA-256 of `sops`.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];
/// Where SOPS keeps what it needs.
pub(super) const METADATA: &str = "sops";

/// Why a file of SOPS can't be read. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The data key can't be had.
    #[error("it is encrypted with SOPS: {0}")]
    Key(String),
    /// What `sops:` says can't be used.
    #[error("its part {METADATA:?} can't be used: {0}")]
    Metadata(String),
    /// A value can't be decrypted.
    #[error("line {line}: {path} can't be decrypted: {cause}")]
    Value {
        /// The line, from 1.
        line: usize,
        /// The value's path.
        path: String,
        /// Why.
        cause: String,
    },
    /// Something that is not supported.
    #[error("line {line}: {what}")]
    Unsupported {
        /// The line, from 1.
        line: usize,
        /// What it is.
        what: String,
    },
    /// The MAC doesn't fit.
    #[error("its MAC doesn't fit: something in it was changed without sops")]
    Mac,
}

/// A file as SOPS had it before.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// The text, its lines where they were; the part `sops` is still in it.
    pub text: String,
    /// The paths of the values that were encrypted.
    pub secrets: Vec<Vec<String>>,
}

/// Whether a text may be a file of SOPS.
pub fn is_sops(text: &str) -> bool {
    let metadata = text
        .lines()
        .any(|line| line.starts_with("sops:") || line.trim_start().starts_with("\"sops\""));
    metadata && text.contains("ENC[AES256_GCM,")
}

/// Decrypts a file of SOPS and checks its MAC.
///
/// # Errors
/// See [`Error`].
pub fn open(text: &str, identities: &Identities) -> Result<Opened, Error> {
    let documents = yaml::parse_all(text).map_err(|e| Error::Metadata(e.to_string()))?;
    let metadata = documents.first().and_then(|d| d.get(METADATA));
    let metadata = metadata.ok_or_else(|| Error::Metadata("there is none".to_owned()))?;
    let rules = Rules::read(metadata)?;
    let key = data_key(metadata, identities)?;
    let is_json = text.trim_start().starts_with('{');
    let mut hash = Sha512::new();
    if rules.only_encrypted {
        hash.update(ONLY_ENCRYPTED);
    }
    let mut replaced: Vec<(Range<usize>, String)> = Vec::new();
    let mut secrets = Vec::new();
    for leaf in leaves(text).map_err(|(line, what)| Error::Unsupported { line, what })? {
        if leaf.keys.first().is_some_and(|key| key == METADATA) {
            continue;
        }
        let failed = |cause: String| Error::Value {
            line: leaf.line,
            path: super::dotted(&leaf.path),
            cause,
        };
        if rules.is_encrypted(&leaf) {
            // Nothing and an empty text stay as they are.
            if is_null(&leaf) || leaf.text.is_empty() {
                continue;
            }
            let aad = format!("{}:", leaf.keys.join(":"));
            let (bytes, kind) = decrypt(&leaf.text, &key, &aad).map_err(failed)?;
            let (for_mac, written) = value(&bytes, &kind).map_err(failed)?;
            hash.update(for_mac);
            replaced.push((leaf.span.clone(), written));
            secrets.push(leaf.path.clone());
        } else if !rules.only_encrypted {
            hash.update(clear(&leaf, is_json).map_err(failed)?);
        }
    }
    check_mac(metadata, &key, &hash.finalize())?;
    let mut opened = String::with_capacity(text.len());
    let mut at = 0;
    for (span, written) in replaced {
        opened.push_str(text.get(at..span.start).unwrap_or_default());
        opened.push_str(&written);
        at = span.end;
    }
    opened.push_str(text.get(at..).unwrap_or_default());
    Ok(Opened {
        text: opened,
        secrets,
    })
}

fn check_mac(metadata: &Value, key: &[u8], hash: &[u8]) -> Result<(), Error> {
    let text = |name: &str| {
        let found = metadata.get(name).and_then(Value::as_str);
        found.ok_or_else(|| Error::Metadata(format!("{name} is missing")))
    };
    let (mac, _) = decrypt(text("mac")?, key, text("lastmodified")?).map_err(|_| Error::Mac)?;
    let found: String = hash.iter().map(|b| format!("{b:02X}")).collect();
    if mac == found.as_bytes() {
        Ok(())
    } else {
        Err(Error::Mac)
    }
}

/// Which values are encrypted.
struct Rules {
    unencrypted_suffix: Option<String>,
    encrypted_suffix: Option<String>,
    unencrypted_regex: Option<Regex>,
    encrypted_regex: Option<Regex>,
    /// A comment decides; then an encrypted value is known by its look.
    by_comment: bool,
    only_encrypted: bool,
}

impl Rules {
    fn read(metadata: &Value) -> Result<Self, Error> {
        let text = |name: &str| {
            let found = metadata.get(name).and_then(Value::as_str);
            found.filter(|t| !t.is_empty()).map(str::to_owned)
        };
        let regex = |name: &str| {
            let compiled = text(name).map(|pattern| Regex::new(&pattern));
            compiled
                .transpose()
                .map_err(|_| Error::Metadata(format!("{name} is a pattern that can't be read")))
        };
        let mut rules = Rules {
            unencrypted_suffix: text("unencrypted_suffix"),
            encrypted_suffix: text("encrypted_suffix"),
            unencrypted_regex: regex("unencrypted_regex")?,
            encrypted_regex: regex("encrypted_regex")?,
            by_comment: text("unencrypted_comment_regex").is_some()
                || text("encrypted_comment_regex").is_some(),
            only_encrypted: metadata.get("mac_only_encrypted") == Some(&Value::Bool(true)),
        };
        let given = usize::from(rules.unencrypted_suffix.is_some())
            + usize::from(rules.encrypted_suffix.is_some())
            + usize::from(rules.unencrypted_regex.is_some())
            + usize::from(rules.encrypted_regex.is_some())
            + usize::from(rules.by_comment);
        match given {
            0 => rules.unencrypted_suffix = Some("_unencrypted".to_owned()),
            1 => {}
            _ => {
                return Err(Error::Metadata(
                    "more than one rule says what is encrypted".to_owned(),
                ));
            }
        }
        if rules.by_comment && rules.only_encrypted {
            return Err(Error::Metadata(
                "a rule by comments together with mac_only_encrypted is not supported".to_owned(),
            ));
        }
        Ok(rules)
    }

    fn is_encrypted(&self, leaf: &Leaf) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| leaf.keys.iter().any(|key| test(key));
        if self.by_comment {
            return leaf.text.starts_with("ENC[AES256_GCM,");
        }
        if let Some(suffix) = &self.unencrypted_suffix {
            return !any(&|key| key.ends_with(suffix.as_str()));
        }
        if let Some(suffix) = &self.encrypted_suffix {
            return any(&|key| key.ends_with(suffix.as_str()));
        }
        if let Some(pattern) = &self.unencrypted_regex {
            return !any(&|key| pattern.is_match(key));
        }
        match &self.encrypted_regex {
            Some(pattern) => any(&|key| pattern.is_match(key)),
            None => true,
        }
    }
}

/// The key that all values are encrypted with: opened by way of one of its age recipients.
fn data_key(metadata: &Value, identities: &Identities) -> Result<Vec<u8>, Error> {
    let groups = metadata.get("key_groups").and_then(Value::as_array);
    let several = groups.is_some_and(|groups| groups.len() > 1);
    let threshold = metadata.get("shamir_threshold").and_then(Value::as_u64);
    if several && threshold != Some(1) {
        return Err(Error::Key(
            "its key is split over several groups of keys, which is not supported".to_owned(),
        ));
    }
    let lists = std::iter::once(metadata).chain(groups.into_iter().flatten());
    let recipients: Vec<&Value> = lists
        .filter_map(|list| list.get("age")?.as_array())
        .flatten()
        .collect();
    if recipients.is_empty() {
        return Err(Error::Key(
            "none of its recipients is an age one, and only those are supported".to_owned(),
        ));
    }
    let mut why = OpenError::NotForUs;
    let mut names = Vec::new();
    for recipient in recipients {
        let name = recipient.get("recipient").and_then(Value::as_str);
        names.push(name.unwrap_or_default());
        let sealed = recipient.get("enc").and_then(Value::as_str);
        match age::open(sealed.unwrap_or_default().as_bytes(), identities) {
            Ok(key) if key.len() == 32 => return Ok(key),
            Ok(_) => why = OpenError::Damaged("the key has not 32 bytes".to_owned()),
            Err(OpenError::NotForUs) => {}
            Err(e) => why = e,
        }
    }
    let cause = match why {
        OpenError::NoIdentities => "there is no age identity to open it with".to_owned(),
        OpenError::NotForUs => "none of your age identities opens it".to_owned(),
        other => other.to_string(),
    };
    let names = names.join(", ");
    Err(Error::Key(format!("{cause} (its recipients: {names})")))
}

/// Decrypts `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`; gives the bytes and the type.
fn decrypt(text: &str, key: &[u8], aad: &str) -> Result<(Vec<u8>, String), String> {
    let parts = text
        .strip_prefix("ENC[AES256_GCM,data:")
        .and_then(|t| t.strip_suffix(']'));
    let form = || "it is not encrypted, though it has to be".to_owned();
    let (data, rest) = parts.and_then(|t| t.split_once(",iv:")).ok_or_else(form)?;
    let (iv, rest) = rest.split_once(",tag:").ok_or_else(form)?;
    let (tag, kind) = rest.split_once(",type:").ok_or_else(form)?;
    let bytes = |t: &str| BASE64.decode(t).map_err(|_| "it is damaged".to_owned());
    let (mut sealed, iv) = (bytes(data)?, bytes(iv)?);
    sealed.extend(bytes(tag)?);
    let payload = Payload {
        msg: &sealed,
        aad: aad.as_bytes(),
    };
    let damaged = || "it was changed, or moved from another place".to_owned();
    // SOPS makes nonces of 32 bytes; its first versions made some of 12.
    let opened = if iv.len() == 32 {
        let cipher = AesGcm::<Aes256, U32>::new_from_slice(key).map_err(|_| damaged())?;
        cipher.decrypt(Nonce::from_slice(&iv), payload)
    } else if iv.len() == 12 {
        let cipher = AesGcm::<Aes256, U12>::new_from_slice(key).map_err(|_| damaged())?;
        cipher.decrypt(Nonce::from_slice(&iv), payload)
    } else {
        return Err(damaged());
    };
    Ok((opened.map_err(|_| damaged())?, kind.to_owned()))
}

/// A decrypted value: its bytes for the MAC, and how YAML writes it in one line.
fn value(bytes: &[u8], kind: &str) -> Result<(Vec<u8>, String), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned());
    let bad = || format!("it is no {kind}");
    Ok(match kind {
        "str" | "bytes" | "time" => {
            let quoted = Value::from(text?).to_string();
            (bytes.to_vec(), quoted)
        }
        "int" => {
            let number: i64 = text?.parse().map_err(|_| bad())?;
            (number.to_string().into_bytes(), number.to_string())
        }
        "float" => {
            let number: f64 = text?.parse().map_err(|_| bad())?;
            let shown = float(number);
            let written = if number.is_finite() {
                shown.clone()
            } else {
                Value::from(shown.as_str()).to_string()
            };
            (shown.into_bytes(), written)
        }
        "bool" => match text? {
            "True" | "true" | "TRUE" | "t" | "T" | "1" => (b"True".to_vec(), "true".to_owned()),
            "False" | "false" | "FALSE" | "f" | "F" | "0" => {
                (b"False".to_vec(), "false".to_owned())
            }
            _ => return Err(bad()),
        },
        _ => return Err(format!("its type {kind:?} is not known")),
    })
}

/// A float as Go's `FormatFloat(f, 'f', -1, 64)` writes it.
fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        number.to_string()
    }
}

fn is_null(leaf: &Leaf) -> bool {
    leaf.is_plain && plain(&leaf.text) == Plain::Null
}

/// What a value that is not encrypted counts as in the MAC.
fn clear(leaf: &Leaf, is_json: bool) -> Result<Vec<u8>, String> {
    if !leaf.is_plain {
        return Ok(leaf.text.clone().into_bytes());
    }
    let text = match plain(&leaf.text) {
        Plain::Null => String::new(),
        Plain::Bool(true) => "True".to_owned(),
        Plain::Bool(false) => "False".to_owned(),
        Plain::Int(number) if !is_json => number.to_string(),
        Plain::Int(_) => float(
            leaf.text
                .parse()
                .map_err(|_| "it is no number".to_owned())?,
        ),
        Plain::Float(number) => float(number),
        Plain::Time(time) => time,
        Plain::Text => leaf.text.clone(),
    };
    Ok(text.into_bytes())
}
