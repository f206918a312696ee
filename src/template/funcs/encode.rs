//! Base64 and base32 as Go's `encoding` packages write and read them, with Go's error positions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A text that is not in the encoding; the position counts bytes, as Go counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not base64 (Go's `base64.CorruptInputError`).
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// Not base32 (Go's `base32.CorruptInputError`); line ends are not counted.
    #[error("illegal base32 data at input byte {0}")]
    Base32(usize),
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 as Go does: line ends anywhere, padding required, bits after the last
/// byte ignored.
///
/// # Errors
/// With the position of the first byte that Go complains of.
pub fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Error> {
    let mut input = text
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, b)| !line_end(*b));
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut group: Vec<u8> = Vec::with_capacity(4);
    // where the last byte that was read ends: the end of the text once it is exhausted
    while let Some((at, byte)) = input.next() {
        if let Some(bits) = digit(BASE64, byte) {
            group.push(bits);
            if group.len() == 4 {
                unpack(&group, 6, &mut out);
                group.clear();
            }
            continue;
        }
        if byte != b'=' || group.len() < 2 {
            return Err(Error::Base64(at));
        }
        if group.len() == 2 {
            match input.next() {
                Some((_, b'=')) => {}
                // Go has skipped the line ends and names the byte before the wrong one
                Some((wrong, _)) => return Err(Error::Base64(wrong - 1)),
                None => return Err(Error::Base64(text.len())),
            }
        }
        if let Some((garbage, _)) = input.next() {
            return Err(Error::Base64(garbage));
        }
        unpack(&group, 6, &mut out);
        return Ok(out);
    }
    match group.len() {
        0 => Ok(out),
        held => Err(Error::Base64(text.len() - held)),
    }
}

/// Standard base32 with padding.
pub fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let mut bits = 0u64;
        for i in 0..5 {
            bits = bits << 8 | u64::from(chunk.get(i).copied().unwrap_or(0));
        }
        let digits = (chunk.len() * 8).div_ceil(5);
        for i in 0..8 {
            let value = (bits >> (35 - 5 * i)) & 31;
            let digit = BASE32.get(value as usize).copied().unwrap_or(b'A');
            out.push(if i < digits { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Reads standard base32 as Go does: line ends anywhere, padding required.
///
/// # Errors
/// With the position of the first byte that Go complains of.
pub fn decode_base32(text: &[u8]) -> Result<Vec<u8>, Error> {
    let text: Vec<u8> = text.iter().copied().filter(|b| !line_end(*b)).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    for (start, group) in text.chunks(8).enumerate().map(|(i, group)| (i * 8, group)) {
        let digits: Vec<u8> = group.iter().map_while(|b| digit(BASE32, *b)).collect();
        let Some(stop) = group.get(digits.len()) else {
            if group.len() == 8 {
                unpack(&digits, 5, &mut out);
                continue;
            }
            // the text ended without padding; Go names the start of the group
            return Err(Error::Base32(start));
        };
        let last_group = start + 8 >= text.len();
        if *stop != b'=' || digits.len() < 2 || !last_group {
            return Err(Error::Base32(start + digits.len()));
        }
        if group.len() < 8 {
            return Err(Error::Base32(text.len()));
        }
        let padding = group.get(digits.len() + 1..).unwrap_or_default();
        if let Some(wrong) = padding.iter().position(|b| *b != b'=') {
            return Err(Error::Base32(start + digits.len() + wrong));
        }
        if matches!(digits.len(), 3 | 6) {
            return Err(Error::Base32(start + digits.len()));
        }
        unpack(&digits, 5, &mut out);
    }
    Ok(out)
}

fn line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

fn digit(alphabet: &[u8], byte: u8) -> Option<u8> {
    alphabet
        .iter()
        .position(|b| *b == byte)
        .and_then(|at| u8::try_from(at).ok())
}

/// The whole bytes that a group of digits of `width` bits holds.
fn unpack(digits: &[u8], width: usize, out: &mut Vec<u8>) {
    let bits = digits
        .iter()
        .fold(0u64, |bits, digit| bits << width | u64::from(*digit));
    let held = digits.len() * width;
    for i in 1..=held / 8 {
        out.push((bits >> (held - 8 * i)) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for text in [
            "",
            "f",
            "fo",
            "foo",
            "foob",
            "fooba",
            "foobar",
            "\u{0}\u{ff}",
        ] {
            let bytes = text.as_bytes();
            assert_eq!(decode_base64(base64(bytes).as_bytes()).unwrap(), bytes);
            assert_eq!(decode_base32(base32(bytes).as_bytes()).unwrap(), bytes);
        }
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI======");
        assert_eq!(decode_base64(b"Zm9v\nYmFy\r\n").unwrap(), b"foobar");
    }

    #[test]
    fn errors_name_the_byte() {
        let at = |text: &str| decode_base64(text.as_bytes()).unwrap_err();
        assert_eq!(at("a"), Error::Base64(0));
        assert_eq!(at("Zm9vY"), Error::Base64(4));
        assert_eq!(at("Zm9v!"), Error::Base64(4));
        assert_eq!(at("Zg="), Error::Base64(3));
        assert_eq!(at("Zg=a"), Error::Base64(2));
        assert_eq!(at("Zg==a"), Error::Base64(4));
        assert_eq!(decode_base32(b"MZXW6").unwrap_err(), Error::Base32(0));
        assert_eq!(decode_base32(b"mzxw6===").unwrap_err(), Error::Base32(0));
    }
}
