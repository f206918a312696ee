//! Go's `fmt`: verbs, flags, and the printing of values.

use super::value::{Str, Val};

/// Go's `fmt.Sprintf`.
pub fn sprintf(_format: &str, _args: &[Val]) -> Str {
    "".into()
}

/// Go's `fmt.Sprint`: a space between two operands when neither is a string.
pub fn sprint(_args: &[Val]) -> Str {
    "".into()
}
