//! The part of a record that no operation changes (chart, values, manifest), packed once for all its writings.
//!
//! A revision's record is written three times, each time with another status: pending, deployed,
//! superseded. Nearly all of it stays the same, and to pack it is the dearest thing that an operation
//! does by itself. Deflate allows what is needed to do it once: pieces that are packed apart, each up
//! to a byte's end, make one stream (RFC 1951, 3.2.4), and the checksums of pieces make that of the
//! whole. So a record is three pieces: what comes before the part, the part, what comes after. For
//! every reader it is one gzip member; where the part stands is said in the header's extra field
//! (RFC 1952, 2.3.1.1), which readers pass over.

use std::fmt;

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use serde::Serialize;

use super::codec::CodecError;
use super::record::{Chart, Hook, Info, Release};
use crate::yaml::Map;

/// gzip, deflate, with an extra field; no time, fastest or best not said, system unknown.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255];
/// The extra field's mark: ours, and three numbers of four bytes.
const MARK: [u8; 6] = [16, 0, b'N', b'K', 12, 0];
/// The end of a piece: a block that holds nothing, after which a byte begins.
const FLUSHED: [u8; 4] = [0, 0, 0xff, 0xff];
/// Where the first piece begins.
const FIRST: usize = HEADER.len() + MARK.len() + 12;

/// A record's large part, packed.
pub struct Packed {
    /// Deflated, not the end of a stream, up to a byte's end.
    bytes: Vec<u8>,
    /// Of its JSON.
    crc: Crc,
}

/// What comes before the part.
#[derive(Serialize)]
struct Head<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    info: &'a Info,
}

/// The part.
#[derive(Serialize)]
struct Body<'a> {
    chart: &'a Chart,
    #[serde(skip_serializing_if = "Map::is_empty")]
    config: &'a Map,
    #[serde(skip_serializing_if = "str::is_empty")]
    manifest: &'a str,
}

/// What comes after it.
#[derive(Serialize)]
struct Tail<'a> {
    #[serde(skip_serializing_if = "<[Hook]>::is_empty")]
    hooks: &'a [Hook],
    version: u32,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    apply_method: &'a str,
    #[serde(flatten)]
    extra: &'a Map,
}

impl Packed {
    /// Packs a record's large part.
    ///
    /// # Errors
    /// [`CodecError::Json`], which well-formed records don't give.
    pub fn of(release: &Release) -> Result<Packed, CodecError> {
        let json = body(release)?;
        let mut bytes = Vec::with_capacity(json.len() / 8);
        deflate(&json, &mut bytes, FlushCompress::Full)?;
        Ok(Packed {
            bytes,
            crc: sum(&json),
        })
    }

    /// The large part of a record that was read: its gzip and its JSON. `None` where the record was not
    /// written by [`Packed::join`], and where it would not be written again as it stands there.
    pub(super) fn found(gzip: &[u8], json: &[u8], release: &Release) -> Option<Packed> {
        let rest = gzip.strip_prefix(&HEADER)?.strip_prefix(&MARK)?;
        let (numbers, rest) = rest.split_at_checked(12)?;
        let mut numbers = numbers
            .chunks(4)
            .map(|n| Some(u32::from_le_bytes(n.try_into().ok()?) as usize));
        let mut number = || numbers.next().flatten();
        let (before, length, plain) = (number()?, number()?, number()?);
        let bytes = rest.get(before..before.checked_add(length)?)?;
        let (head, tail) = (head(release).ok()?, tail(release).ok()?);
        let json = json.strip_prefix(head.as_slice())?;
        let json = json.strip_suffix(tail.as_slice())?;
        (json.len() == plain && inflates_to(bytes, json)).then(|| Packed {
            bytes: bytes.to_vec(),
            crc: sum(json),
        })
    }

    /// The bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The whole record as a gzip member. The record must be the one that the part is of; what else it
    /// says is written as it says it now.
    ///
    /// # Errors
    /// As [`Packed::of`].
    pub fn join(&self, release: &Release) -> Result<Vec<u8>, CodecError> {
        debug_assert_eq!(
            sum(&body(release)?).sum(),
            self.crc.sum(),
            "the packed part is of another record"
        );
        let (head, tail) = (head(release)?, tail(release)?);
        let mut out = Vec::with_capacity(FIRST + self.bytes.len() + head.len() + tail.len() + 64);
        out.extend(HEADER);
        out.extend(MARK);
        out.extend([0; 12]);
        deflate(&head, &mut out, FlushCompress::Full)?;
        let before = out.len() - FIRST;
        out.extend(&self.bytes);
        deflate(&tail, &mut out, FlushCompress::Finish)?;
        let mut crc = sum(&head);
        crc.combine(&self.crc);
        crc.combine(&sum(&tail));
        out.extend(crc.sum().to_le_bytes());
        out.extend(crc.amount().to_le_bytes());
        let amount = self.crc.amount() as usize;
        let numbers = [before, self.bytes.len(), amount].map(|n| u32::try_from(n).unwrap_or(0));
        let places = out.iter_mut().skip(FIRST - 12);
        for (place, byte) in places.zip(numbers.iter().flat_map(|n| n.to_le_bytes())) {
            *place = byte;
        }
        Ok(out)
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({} bytes)", self.bytes.len())
    }
}

fn json(part: &impl Serialize) -> Result<Vec<u8>, CodecError> {
    serde_json::to_vec(part).map_err(|e| CodecError::Json(e.to_string()))
}

/// `{"name":…,"info":…,`
fn head(release: &Release) -> Result<Vec<u8>, CodecError> {
    let mut text = json(&Head {
        name: &release.name,
        info: &release.info,
    })?;
    text.pop();
    text.push(b',');
    Ok(text)
}

/// `"chart":…,"config":…,"manifest":…`
fn body(release: &Release) -> Result<Vec<u8>, CodecError> {
    let mut text = json(&Body {
        chart: &release.chart,
        config: &release.config,
        manifest: &release.manifest,
    })?;
    text.pop();
    text.remove(0);
    Ok(text)
}

/// `,"hooks":…,"version":…}`
fn tail(release: &Release) -> Result<Vec<u8>, CodecError> {
    let mut text = json(&Tail {
        hooks: &release.hooks,
        version: release.version,
        namespace: &release.namespace,
        apply_method: &release.apply_method,
        extra: &release.extra,
    })?;
    if let Some(first) = text.first_mut() {
        *first = b',';
    }
    Ok(text)
}

fn sum(bytes: &[u8]) -> Crc {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc
}

/// Deflates a piece, up to a byte's end or the stream's.
fn deflate(piece: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> Result<(), CodecError> {
    // Helm packs at the best level; the default one takes a third of the time.
    let mut deflate = Compress::new(Compression::default(), false);
    loop {
        out.reserve(1 << 10);
        let taken = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
        let rest = piece.get(taken..).unwrap_or_default();
        let status = deflate
            .compress_vec(rest, out, flush)
            .map_err(|e| CodecError::Gzip(e.to_string()))?;
        // A flush is done when there is room left, as zlib's manual says of `deflate`.
        let flushed = out.len() < out.capacity() && flush != FlushCompress::Finish;
        if status == Status::StreamEnd || flushed && deflate.total_in() == piece.len() as u64 {
            return Ok(());
        }
    }
}

/// Whether deflated bytes, by themselves and up to a byte's end, are this text.
fn inflates_to(bytes: &[u8], text: &[u8]) -> bool {
    if !bytes.ends_with(&FLUSHED) {
        return false;
    }
    let mut inflate = Decompress::new(false);
    // One more than there may be.
    let mut found = Vec::with_capacity(text.len() + 1);
    let done = inflate.decompress_vec(bytes, &mut found, FlushDecompress::Sync);
    done.is_ok() && inflate.total_in() == bytes.len() as u64 && found == text
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;
    use crate::release::Status;

    fn record(name: &str, manifest: String) -> Release {
        let mut release = Release {
            name: name.to_owned(),
            manifest,
            version: 3,
            ..Release::default()
        };
        release.info.notes = "notes".into();
        release
    }

    /// What any reader finds in a gzip, which must be one member and nothing else.
    fn unpacked(gzip: &[u8]) -> Vec<u8> {
        let mut reader = flate2::bufread::GzDecoder::new(gzip);
        let mut json = Vec::new();
        reader.read_to_end(&mut json).expect("a gzip");
        assert!(reader.into_inner().is_empty());
        json
    }

    fn check(mut release: Release) {
        let mut packed = Packed::of(&release).expect("packed");
        for status in [Status::PendingUpgrade, Status::Deployed, Status::Superseded] {
            release.info.status = status;
            let gzip = packed.join(&release).expect("a record");
            let json = unpacked(&gzip);
            assert_eq!(json, serde_json::to_vec(&release).expect("JSON"));
            packed = Packed::found(&gzip, &json, &release).expect("the part");
        }
    }

    #[test]
    fn a_record_is_the_same_however_it_is_packed() {
        check(Release::default());
        check(record("", String::new()));
        check(record("a", "kind: ConfigMap\n".repeat(10_000)));
        let mut full = record("a", "{}".into());
        full.config.insert("a".into(), 1.into());
        full.hooks.push(Hook::default());
        full.namespace = "ns".into();
        full.apply_method = "ssa".into();
        full.extra.insert("unknown".into(), "kept".into());
        check(full);
    }

    proptest! {
        #[test]
        fn any_record_is(name in "[a-z]{0,9}", manifest in ".{0,3000}", noise in prop::collection::vec(any::<u8>(), 0..9000)) {
            let mut release = record(&name, manifest);
            release.chart.schema = Some(noise);
            check(release);
        }
    }

    #[test]
    fn what_is_not_a_part_is_packed_anew() {
        let release = record("a", "kind: ConfigMap\n".repeat(100));
        let packed = Packed::of(&release).expect("packed");
        let gzip = packed.join(&release).expect("a record");
        let json = unpacked(&gzip);
        assert!(Packed::found(&gzip, &json, &release).is_some());
        // Another's gzip.
        let other = super::super::codec::pack(&json).expect("packed");
        assert!(Packed::found(&other, &json, &release).is_none());
        // Numbers that lie, and ends anywhere.
        for at in FIRST - 12..FIRST {
            let mut broken = gzip.clone();
            broken[at] ^= 1;
            assert!(Packed::found(&broken, &json, &release).is_none(), "{at}");
        }
        for end in 0..gzip.len() - 40 {
            assert!(
                Packed::found(&gzip[..end], &json, &release).is_none(),
                "{end}"
            );
        }
        // A record that is read otherwise than it is written.
        let spaced = String::from_utf8(json)
            .expect("text")
            .replace(",\"info", ", \"info");
        assert!(Packed::found(&gzip, spaced.as_bytes(), &release).is_none());
    }
}
