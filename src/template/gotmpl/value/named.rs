//! Integers with a type of their own: `time.Duration`, `time.Month`, `time.Weekday`.

use super::Kind;
use crate::template::gotmpl::func::Func;

/// A Go type whose kind is an integer and which has a `String` method.
pub struct NamedType {
    /// Go's name, for instance `time.Duration`.
    pub name: &'static str,
    /// `Kind::Int` or `Kind::Int64`.
    pub kind: Kind,
    /// The `String` method.
    pub string: fn(i64) -> String,
    /// Finds a method; its first argument is the receiver.
    pub method: fn(&str) -> Option<&'static Func>,
}

/// `time.Duration`, in nanoseconds.
pub static DURATION: NamedType = NamedType {
    name: "time.Duration",
    kind: Kind::Int64,
    string: format_duration,
    method: crate::template::gotmpl::methods::duration,
};

/// Prints a duration in nanoseconds as Go's `time.Duration.String`: `1h15m30.5s`, `1.5ms`, `0s`.
pub fn format_duration(nanoseconds: i64) -> String {
    let total = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    if total == 0 {
        return "0s".to_string();
    }
    if total < 1_000_000_000 {
        let (unit, name) = match total {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", decimal(total, unit));
    }
    let (hours, minutes) = (total / 3_600_000_000_000, total / 60_000_000_000);
    let seconds = decimal(total % 60_000_000_000, 1_000_000_000);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{}m{seconds}s", minutes % 60),
    }
}

/// `n / unit` with as many decimals as are not zero; `unit` is a power of ten.
fn decimal(n: u64, unit: u64) -> String {
    let (whole, rest) = (n / unit, n % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let rest = format!("{rest:0width$}");
    format!("{whole}.{}", rest.trim_end_matches('0'))
}
