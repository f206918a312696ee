//! Helm's encoding of a record: base64 of gzip of JSON, in the Secret's `release` key.

use std::borrow::Cow;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::packed::Packed;
use super::record::Release;

/// The largest record that is decoded, in bytes of JSON: a Secret holds 1 MiB, and honest manifests
/// compress by ten to thirty.
pub const MAX_JSON: u64 = 64 << 20;

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b, 0x08];

/// Why a record can't be written or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not base64.
    #[error("not base64: {0}")]
    Base64(String),
    /// A broken gzip stream.
    #[error("broken gzip stream: {0}")]
    Gzip(String),
    /// More than [`MAX_JSON`] bytes of JSON.
    #[error("more than {} MiB when unpacked", MAX_JSON >> 20)]
    TooLarge,
    /// Not the JSON of a release.
    #[error("not a release: {0}")]
    Json(String),
}

/// Encodes a record as Helm does, at its level; the Secret's own base64 is not part of it. Where room is
/// not short, [`Packed::join`] is quicker.
///
/// # Errors
/// [`CodecError::Json`], which well-formed records don't give.
pub fn encode(release: &Release) -> Result<String, CodecError> {
    let json = serde_json::to_vec(release).map_err(|e| CodecError::Json(e.to_string()))?;
    Ok(BASE64.encode(pack(&json)?))
}

/// Decodes a record, gzipped or not (Helm 2 and early 3 wrote some that are not).
///
/// # Errors
/// What is wrong with it. Nothing larger than [`MAX_JSON`] is unpacked.
pub fn decode(text: &[u8]) -> Result<Release, CodecError> {
    read(&gunzip(&unbase64(text)?)?)
}

/// As [`decode`], with the record's large part as it is packed, where it is so by us: for who is going to
/// write the record again.
pub(super) fn decode_packed(text: &[u8]) -> Result<(Release, Option<Packed>), CodecError> {
    let bytes = unbase64(text)?;
    let json = gunzip(&bytes)?;
    let release = read(&json)?;
    let packed = Packed::found(&bytes, &json, &release);
    Ok((release, packed))
}

fn read(json: &[u8]) -> Result<Release, CodecError> {
    serde_json::from_slice(json).map_err(|e| CodecError::Json(e.to_string()))
}

/// gzip at Helm's level.
pub(super) fn pack(json: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder
        .write_all(json)
        .and_then(|()| encoder.finish())
        .map_err(|e| CodecError::Gzip(e.to_string()))
}

/// Takes off base64 and gzip.
pub(super) fn unpack(text: &[u8]) -> Result<Vec<u8>, CodecError> {
    Ok(gunzip(&unbase64(text)?)?.into_owned())
}

fn unbase64(text: &[u8]) -> Result<Vec<u8>, CodecError> {
    BASE64
        .decode(text.trim_ascii())
        .map_err(|e| CodecError::Base64(e.to_string()))
}

/// Takes off gzip where there is one.
pub(super) fn gunzip(bytes: &[u8]) -> Result<Cow<'_, [u8]>, CodecError> {
    if !bytes.starts_with(GZIP_MAGIC) {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut json = Vec::new();
    let read = flate2::read::GzDecoder::new(bytes)
        .take(MAX_JSON + 1)
        .read_to_end(&mut json)
        .map_err(|e| CodecError::Gzip(e.to_string()))?;
    if read as u64 > MAX_JSON {
        return Err(CodecError::TooLarge);
    }
    Ok(Cow::Owned(json))
}
