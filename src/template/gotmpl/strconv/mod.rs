//! Go's `strconv`: numbers, quoting and unquoting, to the byte.

mod float;
mod quote;

#[cfg(test)]
mod tests;

pub use float::{format_float, parse_float};
pub use quote::{
    can_backquote, is_print, quote, quote_rune, quote_rune_to_ascii, quote_to_ascii, unquote,
    unquote_char,
};

/// Go's `strconv.ParseUint(text, 0, 64)`: prefixes `0x`, `0o`, `0b`, `0`, underscores between
/// digits. `None` for what is no number and for what does not fit.
pub fn parse_uint(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (base, digits) = match bytes {
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest),
        [] => return None,
        all => (10, all),
    };
    let mut value: u64 = 0;
    let mut underscores = false;
    for &byte in digits {
        if byte == b'_' {
            underscores = true;
            continue;
        }
        let digit = (byte as char).to_digit(base)?;
        value = value.checked_mul(base.into())?.checked_add(digit.into())?;
    }
    (!underscores || float::underscores_ok(bytes)).then_some(value)
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'+' => (false, text.get(1..)?),
        b'-' => (true, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits)?;
    if negative {
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}
