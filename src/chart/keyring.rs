//! Keyrings: files of OpenPGP keys, in GnuPG's older binary form or armoured.

use std::path::Path;

use pgp::armor::{BlockType, Dearmor};
use pgp::composed::{
    CleartextSignedMessage, Deserializable, SignedKeyDetails, SignedPublicKey, SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    Packet, PacketParser, PacketTrait, Signature, SignatureConfig, SignatureType, Subpacket,
    SubpacketData,
};
use pgp::types::{KeyDetails, Password, SecretParams, Tag, Timestamp};

use super::provenance::Error;

/// The largest keyring that is read.
const MAX_KEYRING: u64 = 64 * 1024 * 1024;

/// A file of keys.
#[derive(Debug, Clone)]
pub struct Keyring {
    path: String,
    keys: Vec<Key>,
}

/// A key of a keyring.
#[derive(Debug, Clone)]
pub struct Key {
    public: SignedPublicKey,
    secret: Option<SignedSecretKey>,
}

impl Keyring {
    /// Reads a keyring.
    ///
    /// # Errors
    /// When it can't be read, or holds no keys.
    pub fn read(path: &Path) -> Result<Self, Error> {
        use std::io::Read as _;
        let shown = path.display().to_string();
        let failed = |e: std::io::Error| Error::Keyring {
            path: shown.clone(),
            cause: e.to_string(),
            missing: e.kind() == std::io::ErrorKind::NotFound,
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_KEYRING).read_to_end(&mut bytes))
            .map_err(failed)?;
        Keyring::parse(&shown, &bytes)
    }

    /// Reads a keyring's content. Keys of kinds that are not known are passed over, as in Helm.
    ///
    /// # Errors
    /// When it holds no keys.
    pub fn parse(path: &str, bytes: &[u8]) -> Result<Self, Error> {
        let bad = |cause: String| Error::Keyring {
            path: path.to_owned(),
            cause,
            missing: false,
        };
        if bytes.get(8..12) == Some(b"KBXf") {
            return Err(bad(
                "is a keybox of GnuPG 2, which only GnuPG reads; export the keys: gpg --export >pubring.gpg, or gpg --export-secret-keys >secring.gpg"
                    .to_owned(),
            ));
        }
        let binary = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let packets = if binary {
            packets(bytes)
        } else {
            let mut all = Vec::new();
            for block in blocks(bytes) {
                all.extend(packets(&unarmoured(block).map_err(bad)?));
            }
            all
        };
        let keys = keys(packets);
        if keys.is_empty() {
            return Err(bad("holds no OpenPGP keys".to_owned()));
        }
        Ok(Keyring {
            path: path.to_owned(),
            keys,
        })
    }

    /// The keys.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The secret key to sign with, and its user id: that with exactly this user id, or the only one
    /// that has it as a part, or as the end of its fingerprint.
    pub(super) fn signing_key(&self, wanted: &str) -> Result<(SigningKey<'_>, String), Error> {
        let failed = |cause: String| Error::NoKey {
            path: self.path.clone(),
            cause,
        };
        let mut part = Vec::new();
        let mut exact = None;
        for key in &self.keys {
            let ids = key.user_ids();
            if ids.iter().any(|id| id == wanted) {
                exact = exact.or(Some(key));
            }
            let hex = wanted.trim_start_matches("0x").replace(' ', "");
            let by_fingerprint = hex.len() >= 8
                && hex.bytes().all(|b| b.is_ascii_hexdigit())
                && key.fingerprint().ends_with(&hex.to_uppercase());
            if ids.iter().any(|id| id.contains(wanted)) || by_fingerprint {
                part.push(key);
            }
        }
        let found = match (exact, part.as_slice()) {
            (Some(key), _) => key,
            (None, [key]) => *key,
            (None, []) => return Err(failed(format!("holds no key {wanted:?}"))),
            (None, _) => return Err(failed(format!("more than one key fits {wanted:?}"))),
        };
        let name = found.user_ids().first().cloned().unwrap_or_default();
        match &found.secret {
            Some(secret) => Ok((SigningKey { secret }, name)),
            None => Err(failed(format!(
                "the key {name:?} is a public one; a secret one signs (gpg --export-secret-keys >secring.gpg)"
            ))),
        }
    }
}

impl Key {
    /// The user ids, such as `Ada <ada@example.org>`.
    pub fn user_ids(&self) -> Vec<String> {
        let users = self.public.details.users.iter();
        users
            .map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
            .collect()
    }

    /// The fingerprint in capital hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.public.fingerprint())
    }

    /// Whether this key, or one below it, made a signature: `None` when it didn't, an error when the
    /// key or the signature doesn't count any more.
    pub(super) fn signed(&self, signature: &Signature, text: &[u8]) -> Option<Result<(), String>> {
        let by_primary = signature.verify(&self.public, text).is_ok();
        let below = self.public.public_subkeys.iter().find(|sub| {
            signature.verify(*sub, text).is_ok()
                && sub.verify_bindings(&self.public.primary_key).is_ok()
                && sub.signatures.iter().any(|s| s.key_flags().sign())
        });
        if !by_primary && below.is_none() {
            return None;
        }
        let name = self.user_ids().first().cloned().unwrap_or_default();
        if is_revoked(&self.public.details, &self.public) {
            return Some(Err(format!("the key {name:?} that signed it is revoked")));
        }
        let now = Timestamp::now();
        let own = |s: &&Signature| s.issuer_key_id().contains(&&self.public.legacy_key_id());
        let users = self.public.details.users.iter();
        let primary = newest(users.flat_map(|u| &u.signatures).filter(own))
            .or_else(|| newest(&self.public.details.direct_signatures));
        let subkey = below.and_then(|sub| newest(&sub.signatures));
        let revoked = below.is_some_and(|sub| {
            sub.signatures
                .iter()
                .filter(|s| s.typ() == Some(SignatureType::SubkeyRevocation))
                .any(|s| {
                    s.verify_subkey_binding(&self.public.primary_key, &sub.key)
                        .is_ok()
                })
        });
        if revoked {
            return Some(Err(format!(
                "the subkey of {name:?} that signed it is revoked"
            )));
        }
        let expired = primary.is_some_and(|s| expires(self.public.created_at(), s, now))
            || below
                .zip(subkey)
                .is_some_and(|(sub, s)| expires(sub.key.created_at(), s, now));
        if expired {
            return Some(Err(format!("the key {name:?} that signed it has expired")));
        }
        let over = signature.signature_expiration_time().is_some_and(|after| {
            let made = signature.created().unwrap_or(now);
            after.as_secs() > 0
                && u64::from(made.as_secs()) + u64::from(after.as_secs()) < u64::from(now.as_secs())
        });
        if over {
            return Some(Err("the signature has expired".to_owned()));
        }
        Some(Ok(()))
    }
}

/// Whether a key was revoked by itself.
fn is_revoked(details: &SignedKeyDetails, key: &SignedPublicKey) -> bool {
    details
        .revocation_signatures
        .iter()
        .any(|s| s.verify_key(&key.primary_key).is_ok())
}

fn newest<'s>(signatures: impl IntoIterator<Item = &'s Signature>) -> Option<&'s Signature> {
    signatures
        .into_iter()
        .max_by_key(|s| s.created().map(|t| t.as_secs()))
}

/// Whether a key that was made at a time has expired, by what its self-signature says.
fn expires(made: Timestamp, signature: &Signature, now: Timestamp) -> bool {
    signature.key_expiration_time().is_some_and(|after| {
        after.as_secs() > 0
            && u64::from(made.as_secs()) + u64::from(after.as_secs()) < u64::from(now.as_secs())
    })
}

/// A secret key.
pub(super) struct SigningKey<'k> {
    secret: &'k SignedSecretKey,
}

impl SigningKey<'_> {
    /// Whether it needs a passphrase.
    pub(super) fn is_locked(&self) -> bool {
        matches!(
            self.secret.primary_key.secret_params(),
            SecretParams::Encrypted(_)
        )
    }

    /// Tries a passphrase.
    pub(super) fn unlock(&self, password: &Password) -> Result<(), String> {
        match self.secret.primary_key.unlock(password, |_, _| Ok(())) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err("the passphrase is wrong".to_owned()),
        }
    }

    /// Signs a text the way Helm does: by SHA-512.
    pub(super) fn sign(
        &self,
        text: &str,
        password: &Password,
    ) -> Result<CleartextSignedMessage, pgp::errors::Error> {
        let key = &self.secret.primary_key;
        let mut config =
            SignatureConfig::v4(SignatureType::Text, key.algorithm(), HashAlgorithm::Sha512);
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now()))?,
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        ];
        config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(
            key.legacy_key_id(),
        ))?];
        CleartextSignedMessage::new(text, config, key, password)
    }
}

/// The armoured blocks of a text.
fn blocks(bytes: &[u8]) -> Vec<&[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN PGP ";
    let starts: Vec<usize> = bytes
        .windows(BEGIN.len())
        .enumerate()
        .filter(|(_, window)| *window == BEGIN)
        .map(|(at, _)| at)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| bytes.get(*start..end))
        .collect()
}

/// The bytes of an armoured block of keys.
fn unarmoured(block: &[u8]) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut reader = Dearmor::new(block);
    reader.read_header().map_err(|e| e.to_string())?;
    if !matches!(
        reader.typ,
        Some(BlockType::PublicKey | BlockType::PrivateKey)
    ) {
        return Err("an armoured block of it holds no keys".to_owned());
    }
    let mut bytes = Vec::new();
    reader
        .take(MAX_KEYRING)
        .read_to_end(&mut bytes)
        .map_err(|e| format!("an armoured block is damaged: {e}"))?;
    Ok(bytes)
}

/// The packets that can be read, without GnuPG's own notes on trust.
fn packets(bytes: &[u8]) -> Vec<Packet> {
    PacketParser::new(bytes)
        .filter_map(Result::ok)
        .filter(|p| !matches!(p.tag(), Tag::Trust | Tag::Marker | Tag::Padding))
        .collect()
}

/// The keys that packets make; those of which a part is missing are left out.
fn keys(packets: Vec<Packet>) -> Vec<Key> {
    let mut groups: Vec<(Tag, Vec<Packet>)> = Vec::new();
    for packet in packets {
        let tag = packet.tag();
        if matches!(tag, Tag::PublicKey | Tag::SecretKey) {
            groups.push((tag, vec![packet]));
        } else if let Some((_, group)) = groups.last_mut() {
            group.push(packet);
        }
    }
    let mut keys: Vec<Key> = Vec::new();
    for (tag, group) in groups {
        let packets = group.into_iter().map(Ok).peekable();
        let key = if tag == Tag::SecretKey {
            let secret = SignedSecretKey::from_packets(packets).next();
            secret.and_then(Result::ok).map(|secret| Key {
                public: secret.to_public_key(),
                secret: Some(secret),
            })
        } else {
            let public = SignedPublicKey::from_packets(packets).next();
            public.and_then(Result::ok).map(|public| Key {
                public,
                secret: None,
            })
        };
        keys.extend(key);
    }
    keys
}
