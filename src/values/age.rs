//! Files encrypted with age to the recipients that a user's identities belong to.

use std::fmt;
use std::io::Read as _;

use age::armor::ArmoredReader;
use age::x25519::Identity;
use age::{DecryptError, Decryptor};

/// The largest text that a file may hold.
const MAX_TEXT: u64 = 64 * 1024 * 1024;

/// The user's age identities (secret keys); never shown.
#[derive(Clone, Default)]
pub struct Identities(Vec<Identity>);

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} identities", self.0.len())
    }
}

impl Identities {
    /// Adds those of an identity file's text: one a line, comments begin with `#`. Several in a line,
    /// as $SOPS_AGE_KEY may have them, are separated by white space.
    ///
    /// # Errors
    /// With the line (from 1) that is none; the line itself isn't shown.
    pub fn add(&mut self, text: &str) -> Result<(), usize> {
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with('#') {
                continue;
            }
            for word in line.split_whitespace() {
                self.0.push(word.parse().map_err(|_| at + 1)?);
            }
        }
        Ok(())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Why an age file can't be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There are no identities at all.
    #[error("it is encrypted with age, and there is no identity to open it with")]
    NoIdentities,
    /// None of the identities fits.
    #[error("it is encrypted with age to others: none of your identities opens it")]
    NotForUs,
    /// It is encrypted with a passphrase.
    #[error("it is encrypted with a passphrase; encrypt it to a recipient (age -r age1…)")]
    Passphrase,
    /// It is no age file, or was changed.
    #[error("it is encrypted with age, and damaged: {0}")]
    Damaged(String),
    /// It holds more than 64 MiB.
    #[error("it holds more than {MAX_TEXT} bytes")]
    TooLarge,
}

/// Whether a file is encrypted with age, as it is or armoured.
pub fn is_age(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    bytes.starts_with(b"age-encryption.org/v1\n")
        || start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

/// Decrypts an age file, armoured or not.
///
/// # Errors
/// See [`OpenError`].
pub fn open(bytes: &[u8], identities: &Identities) -> Result<Vec<u8>, OpenError> {
    let failed = |e: DecryptError| match e {
        DecryptError::NoMatchingKeys => OpenError::NotForUs,
        other => OpenError::Damaged(other.to_string().trim_end().to_owned()),
    };
    let decryptor =
        Decryptor::new_buffered(ArmoredReader::new(bytes.trim_ascii_start())).map_err(failed)?;
    if decryptor.is_scrypt() {
        return Err(OpenError::Passphrase);
    }
    if identities.is_empty() {
        return Err(OpenError::NoIdentities);
    }
    let all = identities.0.iter().map(|i| i as &dyn age::Identity);
    let reader = decryptor.decrypt(all).map_err(failed)?;
    let mut text = Vec::new();
    reader
        .take(MAX_TEXT + 1)
        .read_to_end(&mut text)
        .map_err(|e| OpenError::Damaged(e.to_string()))?;
    if text.len() as u64 > MAX_TEXT {
        return Err(OpenError::TooLarge);
    }
    Ok(text)
}
