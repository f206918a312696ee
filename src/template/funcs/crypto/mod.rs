//! Digests, passwords, ciphers, keys and certificates that templates may make.

mod aes;
mod cert;
mod der;
mod key;
mod password;
mod pem;
mod random;
#[cfg(test)]
mod tests;

pub use aes::{decrypt_aes, encrypt_aes};
pub use cert::{Certificate, Request, build_custom, certificate_authority, self_signed, signed};
pub use key::{Algorithm, PrivateKey};
pub use password::{bcrypt_hash, derive_password, htpasswd};
pub use random::{Alphabet, random_below, random_bytes, random_text, uuid_v4};

use sha2::Digest as _;

/// What went wrong, in sprig's words where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

/// SHA-1 in hexadecimal.
pub fn sha1(bytes: &[u8]) -> String {
    hex(&sha1::Sha1::digest(bytes))
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// SHA-512 in hexadecimal.
pub fn sha512(bytes: &[u8]) -> String {
    hex(&sha2::Sha512::digest(bytes))
}

/// Adler-32 (RFC 1950).
pub fn adler32(bytes: &[u8]) -> u32 {
    const PRIME: u32 = 65_521;
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % PRIME;
        (low, (high + low) % PRIME)
    });
    high << 16 | low
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
