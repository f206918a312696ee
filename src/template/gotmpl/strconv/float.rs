//! Floating point numbers as Go reads and writes them.

/// The digits of a number: 0.d₁d₂d₃… × 10^point, without trailing zeros.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

/// More decimals than any float64 has; what is asked for beyond is zeros.
const ALL_DECIMALS: usize = 1100;

/// Go's `strconv.FormatFloat(value, verb, precision, 64)`; without a precision, the shortest text
/// that reads back as the same number. Verbs: `e E f g G b x X`.
pub fn format_float(value: f64, verb: u8, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_string();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let value = value.abs();
    let text = match (verb, precision) {
        (b'b', _) => binary(value),
        (b'x' | b'X', precision) => hexadecimal(value, verb == b'X', precision),
        (b'f', Some(precision)) => fixed(value, precision),
        (b'f', None) => {
            let digits = Digits::shortest(value);
            let decimals = (digits.digits.len() as i32 - digits.point).max(0) as usize;
            digits.plain(decimals)
        }
        (b'e' | b'E', Some(precision)) => {
            Digits::rounded(value, precision.saturating_add(1)).scientific(precision, verb)
        }
        (b'e' | b'E', None) => {
            let digits = Digits::shortest(value);
            let decimals = digits.digits.len().saturating_sub(1);
            digits.scientific(decimals, verb)
        }
        (_, precision) => general(value, verb, precision),
    };
    format!("{sign}{text}")
}

/// `%g`: plain for exponents from -4 to the precision (6 for the shortest text), else scientific.
fn general(value: f64, verb: u8, precision: Option<usize>) -> String {
    let digits = match precision {
        None => Digits::shortest(value),
        Some(precision) => Digits::rounded(value, precision.max(1)),
    };
    let count = digits.digits.len();
    let mut precision_left = precision.map_or(count, |p| p.max(1));
    let mut limit = precision_left as i64;
    if precision_left > count && count as i64 >= i64::from(digits.point) {
        limit = count as i64;
    }
    if precision.is_none() {
        limit = 6;
    }
    let exponent = i64::from(digits.point) - 1;
    if exponent < -4 || exponent >= limit {
        let decimals = precision_left.min(count).saturating_sub(1);
        let verb = if verb == b'G' { b'E' } else { b'e' };
        return digits.scientific(decimals, verb);
    }
    if precision_left as i64 > i64::from(digits.point) {
        precision_left = count;
    }
    let decimals = (precision_left as i64 - i64::from(digits.point)).max(0) as usize;
    digits.plain(decimals)
}

impl Digits {
    fn shortest(value: f64) -> Digits {
        Digits::parse(&format!("{value:e}"), value)
    }

    /// Rounded to so many significant digits, half to even.
    fn rounded(value: f64, count: usize) -> Digits {
        let decimals = count.saturating_sub(1).min(ALL_DECIMALS);
        Digits::parse(&format!("{value:.decimals$e}"), value)
    }

    fn parse(text: &str, value: f64) -> Digits {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let point = if value == 0.0 {
            0
        } else {
            exponent.parse::<i32>().unwrap_or(0) + 1
        };
        Digits { digits, point }
    }

    fn digit(&self, index: i64) -> char {
        let digit = usize::try_from(index).ok().and_then(|i| self.digits.get(i));
        digit.map_or('0', |&d| d as char)
    }

    fn plain(&self, decimals: usize) -> String {
        let point = i64::from(self.point);
        let mut out = String::new();
        if point > 0 {
            out.extend((0..point).map(|i| self.digit(i)));
        } else {
            out.push('0');
        }
        if decimals > 0 {
            out.push('.');
            out.extend((0..decimals as i64).map(|i| self.digit(point + i)));
        }
        out
    }

    fn scientific(&self, decimals: usize, verb: u8) -> String {
        let mut out = String::new();
        out.push(self.digit(0));
        if decimals > 0 {
            out.push('.');
            out.extend((1..=decimals as i64).map(|i| self.digit(i)));
        }
        let exponent = if self.digits.is_empty() {
            0
        } else {
            self.point - 1
        };
        let sign = if exponent < 0 { '-' } else { '+' };
        out.push(verb as char);
        out.push(sign);
        out.push_str(&format!("{:02}", exponent.unsigned_abs()));
        out
    }
}

fn fixed(value: f64, precision: usize) -> String {
    let decimals = precision.min(ALL_DECIMALS);
    let mut out = format!("{value:.decimals$}");
    out.extend(std::iter::repeat_n('0', precision - decimals));
    out
}

/// Mantissa and binary exponent: value = mantissa × 2^(exponent - 52).
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    match exponent {
        0 => (mantissa, -1022),
        _ => (mantissa | (1 << 52), exponent - 1023),
    }
}

fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    format!("{mantissa}p{:+}", exponent - 52)
}

fn hexadecimal(value: f64, upper: bool, precision: Option<usize>) -> String {
    const TOP: u64 = 1 << 60;
    let (mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    }
    let mut mantissa = mantissa << 8;
    while mantissa != 0 && mantissa & TOP == 0 {
        mantissa <<= 1;
        exponent -= 1;
    }
    if let Some(precision @ 0..15) = precision {
        let shift = precision as u32 * 4;
        let extra = (mantissa << shift) & (TOP - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > TOP / 2 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (TOP << 1) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut out = format!("0x{}", (mantissa >> 60) & 1);
    let mut fraction = mantissa & (TOP - 1);
    let mut push_digit = |out: &mut String| {
        out.push_str(&format!("{:x}", fraction >> 56));
        fraction = (fraction << 4) & (TOP - 1);
        fraction
    };
    match precision {
        None if mantissa & (TOP - 1) != 0 => {
            out.push('.');
            while push_digit(&mut out) != 0 {}
        }
        Some(precision) if precision > 0 => {
            out.push('.');
            for _ in 0..precision {
                push_digit(&mut out);
            }
        }
        _ => {}
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    out.push_str(&format!("p{sign}{:02}", exponent.unsigned_abs()));
    if upper { out.to_uppercase() } else { out }
}

/// Go's `strconv.ParseFloat(text, 64)`: decimal and hexadecimal, underscores only where Go's
/// literals have them, infinities and NaN by name. `None` for what is no number; numbers too
/// large are infinite, with the flag set.
pub fn parse_float(text: &str) -> Option<(f64, bool)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), "inf" | "infinity") {
        let infinity = if negative {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        };
        return Some((infinity, false));
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some((f64::NAN, false));
    }
    if unsigned.contains('_') && !underscores_ok(text.as_bytes()) {
        return None;
    }
    let clean = lower.replace('_', "");
    let value = match clean.strip_prefix("0x") {
        Some(hex) => parse_hexadecimal(hex)?,
        None => {
            let valid = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-');
            // Rust also reads names of infinities and a second sign
            if !clean.bytes().all(valid) || clean.starts_with(['+', '-']) {
                return None;
            }
            clean.parse::<f64>().ok()?
        }
    };
    Some((if negative { -value } else { value }, value.is_infinite()))
}

fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let sign_free = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if sign_free.is_empty() || !sign_free.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent
        .parse::<i64>()
        .unwrap_or(if exponent.starts_with('-') {
            -100_000
        } else {
            100_000
        });
    // 16 digits hold all bits of a float64 and a sticky one
    let (mut bits, mut scale) = (0u128, 0i64);
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = digit.to_digit(16)?;
        let after_point = index >= whole.len();
        if bits >> 100 == 0 {
            bits = bits << 4 | u128::from(digit);
            scale -= if after_point { 4 } else { 0 };
        } else {
            bits |= u128::from(digit != 0);
            scale += if after_point { 0 } else { 4 };
        }
    }
    if bits == 0 {
        return Some(0.0);
    }
    let power = exponent.clamp(-100_000, 100_000) + scale;
    // round once, at the precision that the result has (subnormal numbers have less)
    let length = 128 - i64::from(bits.leading_zeros());
    let lowest = (power + length - 53).max(-1074);
    let shift = lowest - power;
    if shift > 127 {
        return Some(0.0);
    }
    let (mut kept, mut exponent) = (bits, power);
    if shift > 0 {
        let rest = bits & ((1 << shift) - 1);
        let half = 1u128 << (shift - 1);
        kept = bits >> shift;
        if rest > half || (rest == half && kept & 1 == 1) {
            kept += 1;
        }
        exponent = lowest;
    }
    let mut value = kept as f64;
    while exponent > 0 && value.is_finite() {
        let step = exponent.min(1000);
        value *= 2f64.powi(step as i32);
        exponent -= step;
    }
    while exponent < 0 && value != 0.0 {
        let step = (-exponent).min(1000);
        value /= 2f64.powi(step as i32);
        exponent += step;
    }
    Some(value)
}

/// Whether underscores stand only between digits, or between a base prefix and a digit.
pub(super) fn underscores_ok(text: &[u8]) -> bool {
    let text = match text {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    let (digits, mut after_digit) = match text {
        [b'0', b'b' | b'B' | b'o' | b'O' | b'x' | b'X', rest @ ..] => (rest, true),
        all => (all, false),
    };
    let hex = matches!(text, [b'0', b'x' | b'X', ..]);
    let mut after_underscore = false;
    for byte in digits {
        let digit = byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
        if (*byte == b'_' && !after_digit) || (after_underscore && !digit) {
            return false;
        }
        after_underscore = *byte == b'_';
        after_digit = digit;
    }
    !after_underscore
}
