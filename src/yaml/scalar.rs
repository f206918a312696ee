//! What a plain scalar means: YAML 1.1 as Helm's parser (go-yaml v2) reads it.

/// What the text of a scalar resolves to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    /// `~`, `null`, nothing.
    Null,
    /// `yes`, `off`, `True` …
    Bool(bool),
    /// A whole number that fits an `int64`.
    Int(i64),
    /// A whole number that fits only a `uint64`.
    Uint(u64),
    /// A number with a point or an exponent, an infinity or not-a-number.
    Float(f64),
    /// `2024-01-01`: stays a string, but is quoted when written.
    Timestamp,
    /// `<<`.
    Merge,
    /// Anything else.
    Text,
}

/// Reads a plain scalar that has no tag.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'<' if text == "<<" => Scalar::Merge,
        b'.' => match text {
            ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
            _ => float(text).map_or(Scalar::Text, Scalar::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

fn number(text: &str) -> Scalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let plain: std::borrow::Cow<'_, str> = if text.contains('_') {
        text.replace('_', "").into()
    } else {
        text.into()
    };
    if let Some(whole) = integer(&plain) {
        return whole;
    }
    float(&plain).map_or(Scalar::Text, Scalar::Float)
}

/// Go's `ParseInt` and `ParseUint` with base 0: a leading zero is octal, 0x, 0o and 0b are prefixes.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, signed, digits) = match text.as_bytes().first()? {
        b'-' => (true, true, &text[1..]),
        b'+' => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // from_str_radix takes a sign, which here would be a second one.
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        let whole = 0i64.checked_sub_unsigned(size)?;
        return Some(Scalar::Int(whole));
    }
    match i64::try_from(size) {
        Ok(whole) => Some(Scalar::Int(whole)),
        Err(_) if !signed => Some(Scalar::Uint(size)),
        Err(_) => None,
    }
}

/// A decimal number with a point or an exponent; too large a one is none, as in Go.
fn float(text: &str) -> Option<f64> {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, part) = match mantissa.find('.') {
        Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
        None => (mantissa, ""),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if exponent.is_empty() || !digits(exponent) {
            return None;
        }
    }
    text.parse().ok().filter(|f: &f64| f.is_finite())
}

/// Whether go-yaml takes the text for a time: a date, or a date and a time of day.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    let mut rest = Digits(&text[5..]);
    let year: u32 = text[..4].parse().unwrap_or(0);
    let Some(month) = rest.number(2) else {
        return false;
    };
    if !rest.skip('-') {
        return false;
    }
    let Some(day) = rest.number(2) else {
        return false;
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    if !(1..=days).contains(&day) {
        return false;
    }
    if rest.0.is_empty() {
        return true;
    }
    let zoned = match rest.0.as_bytes()[0] {
        b'T' | b't' => true,
        b' ' => false,
        _ => return false,
    };
    rest.0 = &rest.0[1..];
    // Go's 15 takes one or two digits of the hour.
    let clock = rest.number(2).is_some_and(|h| h < 24)
        && rest.skip(':')
        && rest.number(2).is_some_and(|m| m < 60)
        && rest.skip(':')
        && rest.number(2).is_some_and(|s| s < 60)
        && rest.fraction();
    if !clock {
        return false;
    }
    if !zoned {
        return rest.0.is_empty();
    }
    rest.zone()
}

/// What is left of a time while it is read.
struct Digits<'a>(&'a str);

impl Digits<'_> {
    /// One to `most` digits.
    fn number(&mut self, most: usize) -> Option<u32> {
        let len = self
            .0
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        let number = self.0[..len].parse().ok()?;
        self.0 = &self.0[len..];
        Some(number)
    }

    fn skip(&mut self, c: char) -> bool {
        match self.0.strip_prefix(c) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Nothing, or a point or comma and digits. `true` unless the sign stands without digits.
    fn fraction(&mut self) -> bool {
        let Some(rest) = self.0.strip_prefix(['.', ',']) else {
            return true;
        };
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        self.0 = &rest[len..];
        len > 0
    }

    fn zone(&mut self) -> bool {
        if self.0 == "Z" {
            return true;
        }
        let b = self.0.as_bytes();
        matches!(b, [b'+' | b'-', h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|d| d.is_ascii_digit())
                && (*h1 - b'0') * 10 + (*h2 - b'0') <= 24
                && (*m1 - b'0') * 10 + (*m2 - b'0') <= 60)
    }
}

/// Whether YAML 1.1 would read the text in base 60, such as `1:30`. Go-yaml reads it as a string,
/// but quotes it when it writes.
pub(super) fn is_base60(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let Some(colon) = rest.find(':') else {
        return false;
    };
    let head = &rest.as_bytes()[..colon];
    if !head.iter().all(|b| b.is_ascii_digit() || *b == b'_') {
        return false;
    }
    let (groups, tail) = match rest[colon + 1..].split_once('.') {
        Some((groups, tail)) => (groups, tail),
        None => (&rest[colon + 1..], ""),
    };
    tail.bytes().all(|b| b.is_ascii_digit() || b == b'_')
        && groups.split(':').all(|g| match g.as_bytes() {
            [d] => d.is_ascii_digit(),
            [t, d] => (b'0'..=b'5').contains(t) && d.is_ascii_digit(),
            _ => false,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_go() {
        let cases = [
            ("1", Scalar::Int(1)),
            ("+1", Scalar::Int(1)),
            ("-0", Scalar::Int(0)),
            ("010", Scalar::Int(8)),
            ("-010", Scalar::Int(-8)),
            ("08", Scalar::Float(8.0)),
            ("0o17", Scalar::Int(15)),
            ("0x1F", Scalar::Int(31)),
            ("0b101", Scalar::Int(5)),
            ("1_000", Scalar::Int(1000)),
            ("9223372036854775808", Scalar::Uint(1 << 63)),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            (
                "18446744073709551616",
                Scalar::Float(18446744073709551616.0),
            ),
            ("1e3", Scalar::Float(1000.0)),
            ("1.", Scalar::Float(1.0)),
            (".5", Scalar::Float(0.5)),
            ("1e999", Scalar::Text),
            ("_1", Scalar::Text),
            ("0x", Scalar::Text),
            ("+-1", Scalar::Text),
            ("1:30", Scalar::Text),
            ("-", Scalar::Text),
            (".", Scalar::Text),
            ("2024-01-01", Scalar::Timestamp),
            ("2024-1-1T1:2:3Z", Scalar::Timestamp),
            ("2024-01-01 10:00:00", Scalar::Timestamp),
            ("2024-02-30", Scalar::Text),
            ("2024-01-01T10:00:00", Scalar::Text),
        ];
        for (text, want) in cases {
            assert_eq!(resolve(text), want, "{text}");
        }
    }

    #[test]
    fn base_60_is_recognised() {
        for text in ["1:30", "190:20:30", "-1:5", "1:30.5"] {
            assert!(is_base60(text), "{text}");
        }
        for text in ["1:60", "a:1", "1:", "1:300", ":30"] {
            assert!(!is_base60(text), "{text}");
        }
    }
}
