//! Numbers of any value by the rules of spf13/cast, which sprig uses: what can't be one is zero.

use crate::template::gotmpl::strconv::{parse_float, parse_int};
use crate::template::gotmpl::value::{DURATION, Val};

/// `cast.ToInt64`.
pub(super) fn to_int64(value: &Val) -> i64 {
    match value {
        Val::Bool(b) => i64::from(*b),
        Val::Int(n) | Val::Int64(n) => *n,
        // a duration is none of the types that cast knows
        Val::Named(ty, n) if !std::ptr::eq(*ty, &DURATION) => *n,
        Val::Uint8(n) => i64::from(*n),
        Val::Uint64(n) => *n as i64,
        Val::Float(f) => truncate(*f),
        Val::Str(text) => {
            let text = text.to_str();
            parse_int(without_zero_decimals(&text)).unwrap_or(0)
        }
        _ => 0,
    }
}

/// `cast.ToFloat64`.
pub(super) fn to_float(value: &Val) -> f64 {
    match value {
        Val::Float(f) => *f,
        Val::Uint64(n) => *n as f64,
        Val::Str(text) => match parse_float(&text.to_str()) {
            Some((float, false)) => float,
            _ => 0.0,
        },
        other => to_int64(other) as f64,
    }
}

/// Go's conversion on amd64: what doesn't fit is the smallest integer.
pub(super) fn truncate(float: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float) {
        float as i64
    } else {
        i64::MIN
    }
}

/// `12.00` without its fraction of zeros.
fn without_zero_decimals(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => text,
    }
}
