//! As much of ASN.1's DER as keys and certificates need.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;

/// A value with its tag and length.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(length) if length < 128 => out.push(length),
        _ => {
            let bytes = content.len().to_be_bytes();
            let used: Vec<u8> = bytes.iter().copied().skip_while(|b| *b == 0).collect();
            out.push(0x80 | used.len() as u8);
            out.extend(used);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A sequence of values.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, &parts.concat())
}

/// A positive integer from its big-endian bytes.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    let pad = digits.first().is_none_or(|b| *b >= 0x80);
    let content = [if pad { [0u8].as_slice() } else { &[] }, digits].concat();
    tlv(INTEGER, &content)
}

/// A bit string of whole bytes.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// Reads values one after the other.
pub(super) struct Reader<'d>(pub &'d [u8]);

impl<'d> Reader<'d> {
    /// The next value: its tag, its content, and all its bytes.
    pub(super) fn next(&mut self) -> Option<(u8, &'d [u8], &'d [u8])> {
        let data = self.0;
        let tag = *data.first()?;
        let short = *data.get(1)?;
        let (length, start) = if short < 0x80 {
            (usize::from(short), 2)
        } else {
            let count = usize::from(short & 0x7f);
            let bytes = data
                .get(2..2 + count)
                .filter(|_| (1..=4).contains(&count))?;
            (
                bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)),
                2 + count,
            )
        };
        let end = start.checked_add(length)?;
        let all = data.get(..end)?;
        self.0 = data.get(end..)?;
        Some((tag, all.get(start..)?, all))
    }

    /// The content of the next value if it has the tag.
    pub(super) fn expect(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next()
            .filter(|(found, ..)| *found == tag)
            .map(|(_, content, _)| content)
    }
}
