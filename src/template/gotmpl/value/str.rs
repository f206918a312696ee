//! Go's string: bytes that are usually UTF-8 and need not be.

use std::borrow::Cow;
use std::rc::Rc;

/// A Go string. Cloning is cheap. Text that is valid UTF-8 is always held as such, so equality of
/// representations is equality of bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Str(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Utf8(Rc<str>),
    /// Only what is not UTF-8: a binary file, a string cut inside a character.
    Bytes(Rc<[u8]>),
}

impl Str {
    /// From bytes of any kind.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Str {
        match String::from_utf8(bytes.into()) {
            Ok(text) => text.into(),
            Err(err) => Str(Repr::Bytes(err.into_bytes().into())),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Utf8(text) => text.as_bytes(),
            Repr::Bytes(bytes) => bytes,
        }
    }

    /// The text, if it is UTF-8.
    pub fn as_utf8(&self) -> Option<&str> {
        match &self.0 {
            Repr::Utf8(text) => Some(text),
            Repr::Bytes(_) => None,
        }
    }

    /// The text, with U+FFFD where it is not UTF-8: what Go's `range` over a string sees.
    pub fn to_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Utf8(text) => Cow::Borrowed(text),
            Repr::Bytes(bytes) => String::from_utf8_lossy(bytes),
        }
    }

    /// The text as a shared string, for a key of a map.
    pub fn to_key(&self) -> Rc<str> {
        match &self.0 {
            Repr::Utf8(text) => text.clone(),
            Repr::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
        }
    }

    /// Length in bytes, as Go's `len`.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it is `""`.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }
}

impl From<&str> for Str {
    fn from(s: &str) -> Str {
        Str(Repr::Utf8(s.into()))
    }
}

impl From<String> for Str {
    fn from(s: String) -> Str {
        Str(Repr::Utf8(s.into()))
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(s: Cow<'_, str>) -> Str {
        Str(Repr::Utf8(s.into()))
    }
}

impl From<Rc<str>> for Str {
    fn from(s: Rc<str>) -> Str {
        Str(Repr::Utf8(s))
    }
}

impl std::fmt::Debug for Str {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_str())
    }
}
