//! Durations in nanoseconds: Go's reading, rounding, and sprig's shortening of them.

const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The largest magnitude, which only a negative duration can have.
const LIMIT: u64 = 1 << 63;

/// Why a text is no duration, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No number, too large, or empty.
    #[error("time: invalid duration {0}")]
    Invalid(String),
    /// A number without a unit.
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    /// A unit that Go doesn't know (days, for instance).
    #[error("time: unknown unit {1} in duration {0}")]
    UnknownUnit(String, String),
}

/// Reads `1h30m`, `-1.5s`, `300ms` as Go's `time.ParseDuration`.
///
/// # Errors
/// In Go's words, the text quoted as Go's `time` quotes it.
pub fn parse(text: &str) -> Result<i64, Error> {
    let invalid = || Error::Invalid(quote(text));
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let number = match whole {
            "" => 0,
            whole => whole
                .parse::<u64>()
                .ok()
                .filter(|n| *n <= LIMIT)
                .ok_or_else(invalid)?,
        };
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (name, after) = after.split_at_checked(end).unwrap_or((after, ""));
        if name.is_empty() {
            return Err(Error::MissingUnit(quote(text)));
        }
        let unit = UNITS
            .iter()
            .find(|(unit, _)| *unit == name)
            .map(|(_, size)| *size);
        let unit = unit.ok_or_else(|| Error::UnknownUnit(quote(text), quote(name)))?;
        let size = number
            .checked_mul(unit)
            .filter(|n| *n <= LIMIT)
            .ok_or_else(invalid)?;
        let size = size + fraction_of(fraction, unit);
        total = total
            .checked_add(size)
            .filter(|n| *n <= LIMIT)
            .ok_or_else(invalid)?;
        rest = after;
    }
    match (negative, i64::try_from(total)) {
        (false, Ok(total)) => Ok(total),
        (false, Err(_)) => Err(invalid()),
        (true, _) => Ok((total as i64).wrapping_neg()),
    }
}

fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Go computes the part after the point in floating point, from as many digits as an int64 holds.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value = 0u64;
    let mut scale = 1f64;
    for digit in digits.bytes() {
        let next = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(digit - b'0')));
        match next.filter(|v| value <= (LIMIT - 1) / 10 && *v <= LIMIT) {
            Some(next) => value = next,
            None => break,
        }
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

/// Quotes as the `time` package does: bytes that are not printable ASCII as `\x..`.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            ' '..='\u{7f}' => out.push(c),
            _ => {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// The nearest multiple of `unit`, halves away from zero: Go's `Duration.Round`.
pub fn round(duration: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return duration;
    }
    let rest = (duration % unit).unsigned_abs();
    let down = rest.wrapping_add(rest) < unit.unsigned_abs();
    let truncated = duration - duration % unit;
    match (down, duration < 0) {
        (true, _) => truncated,
        (false, true) => truncated.saturating_sub(unit),
        (false, false) => truncated.saturating_add(unit),
    }
}

/// Towards zero to a multiple of `unit`: Go's `Duration.Truncate`.
pub fn truncate(duration: i64, unit: i64) -> i64 {
    if unit <= 0 {
        duration
    } else {
        duration - duration % unit
    }
}

/// The largest unit that fits, as sprig's `durationRound`: `2h`, `3d`, `4mo`, `1y`.
pub fn largest_unit(duration: i64) -> String {
    const HOUR: u64 = 3_600_000_000_000;
    let size = duration.unsigned_abs();
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
    ];
    let fit = units.iter().find(|(unit, _)| size > *unit);
    fit.map_or_else(
        || "0s".to_owned(),
        |(unit, name)| format!("{}{name}", size / unit),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_rounds() {
        assert_eq!(parse("1h30m"), Ok(5_400_000_000_000));
        assert_eq!(parse("-1.5s"), Ok(-1_500_000_000));
        assert_eq!(parse("-9223372036854775808ns"), Ok(i64::MIN));
        assert_eq!(parse("+0"), Ok(0));
        assert_eq!(parse("1.s"), Ok(1_000_000_000));
        assert_eq!(
            parse("1").unwrap_err().to_string(),
            "time: missing unit in duration \"1\""
        );
        assert_eq!(
            parse("1d").unwrap_err().to_string(),
            "time: unknown unit \"d\" in duration \"1d\""
        );
        assert!(parse("9223372036854775808ns").is_err());
        assert_eq!(round(5_400, 3_600), 7_200);
        assert_eq!(round(-5_400, 3_600), -7_200);
        assert_eq!(truncate(-5_400, 3_600), -3_600);
        assert_eq!(largest_unit(3_600_000_000_001), "1h");
        assert_eq!(largest_unit(3_600_000_000_000), "60m");
    }
}
