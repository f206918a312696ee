//! Random texts from the system's generator.

use rand::RngExt as _;

/// Which characters a random text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Letters and digits.
    AlphaNumeric,
    /// Letters.
    Alpha,
    /// Printable ASCII, the space included.
    Ascii,
    /// Digits.
    Numeric,
}

/// A text of so many characters.
pub fn random_text(alphabet: Alphabet, count: usize) -> String {
    let fits = |c: &char| match alphabet {
        Alphabet::AlphaNumeric => c.is_ascii_alphanumeric(),
        Alphabet::Alpha => c.is_ascii_alphabetic(),
        Alphabet::Ascii => true,
        Alphabet::Numeric => c.is_ascii_digit(),
    };
    let letters: Vec<char> = (' '..='~').filter(fits).collect();
    let mut rng = rand::rng();
    let pick = |_| letters.get(rng.random_range(0..letters.len())).copied();
    (0..count).filter_map(pick).collect()
}

/// So many random bytes.
pub fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rand::rng().fill(bytes.as_mut_slice());
    bytes
}

/// A number from zero and below the bound, which is at least one.
pub fn random_below(bound: u64) -> u64 {
    rand::rng().random_range(0..bound.max(1))
}

/// A random UUID (RFC 9562, version 4).
pub fn uuid_v4() -> String {
    let mut bytes: [u8; 16] = rand::rng().random();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = super::hex(&bytes);
    let cuts = [0..8, 8..12, 12..16, 16..20, 20..32];
    cuts.map(|cut| digits.get(cut).unwrap_or_default().to_owned())
        .join("-")
}
