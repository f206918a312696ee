//! What a release may be called.

/// The longest release name: Helm keeps ten of a Service name's 63 characters for suffixes.
pub const MAX_NAME: usize = 53;

/// Why a name can't be a release's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No name.
    #[error("a release needs a name")]
    Empty,
    /// Longer than [`MAX_NAME`].
    #[error("the release name {0:?} has more than {MAX_NAME} characters")]
    TooLong(String),
    /// Not a DNS subdomain.
    #[error(
        "the release name {0:?} is invalid: lower-case letters, digits, '-' and '.', \
         each part starting and ending with a letter or digit"
    )]
    Invalid(String),
}

/// Checks a release name as Helm 4 does (`ValidateReleaseName`).
///
/// # Errors
/// What is wrong with it.
pub fn validate_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME {
        return Err(NameError::TooLong(name.to_owned()));
    }
    let part_ok = |part: &str| {
        let bytes = part.as_bytes();
        let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        bytes.first().is_some_and(alphanumeric)
            && bytes.last().is_some_and(alphanumeric)
            && bytes.iter().all(|b| alphanumeric(b) || *b == b'-')
    };
    if name.split('.').all(part_ok) {
        Ok(())
    } else {
        Err(NameError::Invalid(name.to_owned()))
    }
}
