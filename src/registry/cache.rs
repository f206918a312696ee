//! Downloaded charts, kept by their digest, in Helm's layout.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::index::hex;
use super::{Error, Places, files};

/// What is kept of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// The archive.
    Chart,
    /// The provenance file of the archive with that digest.
    Provenance,
}

/// The SHA-256 of bytes, in hex digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a text is a SHA-256 in lower-case hex digits: what a path may be made of.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

impl Places {
    fn content(&self, sha256: &str, content: Content) -> Option<PathBuf> {
        if !is_sha256(sha256) {
            return None;
        }
        let suffix = match content {
            Content::Chart => "chart",
            Content::Provenance => "prov",
        };
        let folder = self.content_cache.join(sha256.get(..2)?);
        Some(folder.join(format!("{sha256}.{suffix}")))
    }

    /// What is kept of the chart with that digest. An archive whose bytes are others counts as not there.
    pub(super) fn kept(&self, digest: &str, content: Content, limit: u64) -> Option<Vec<u8>> {
        let path = self.content(digest, content)?;
        let bytes = files::read(&path, limit).ok()??;
        let whole = match content {
            Content::Chart => sha256(&bytes) == digest,
            Content::Provenance => !bytes.is_empty(),
        };
        whole.then_some(bytes)
    }

    /// Keeps something of the chart with that digest.
    pub(super) fn keep(&self, digest: &str, content: Content, bytes: &[u8]) -> Result<(), Error> {
        match self.content(digest, content) {
            Some(path) => files::write(&path, bytes, false),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_digest_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            content_cache: folder.path().to_owned(),
            ..Places::from_env()
        };
        let digest = sha256(b"chart");
        let kept = |limit| places.kept(&digest, Content::Chart, limit);
        assert_eq!(kept(100), None);
        places.keep(&digest, Content::Chart, b"chart").unwrap();
        assert_eq!(kept(100).as_deref(), Some(&b"chart"[..]));
        assert_eq!(kept(3), None);
        places.keep(&digest, Content::Chart, b"other").unwrap();
        assert_eq!(kept(100), None);
        assert_eq!(places.content("../../etc/passwd", Content::Chart), None);
    }
}
