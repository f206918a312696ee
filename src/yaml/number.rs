//! Numbers as Go writes them, and the two ways of reading them.

use super::Value;

/// The digits and the decimal exponent of the shortest text that reads back as the float.
fn shortest(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let digits = mantissa.chars().filter(char::is_ascii_digit).collect();
    (digits, exponent.parse().unwrap_or(0))
}

/// Go's `%e` with at least `width` digits of exponent.
fn exponential(negative: bool, digits: &str, exponent: i32, width: usize) -> String {
    let (head, tail) = digits.split_at(1);
    let sign = if negative { "-" } else { "" };
    let point = if tail.is_empty() { "" } else { "." };
    let direction = if exponent < 0 { '-' } else { '+' };
    let size = exponent.unsigned_abs();
    format!("{sign}{head}{point}{tail}e{direction}{size:0width$}")
}

/// Go's `strconv.FormatFloat(f, 'g', -1, 64)`: exponents below 1e-4 and from 1e6 on.
pub fn format_g(f: f64) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (digits, exponent) = shortest(&format!("{f:e}"));
    if !(-4..6).contains(&exponent) {
        exponential(f.is_sign_negative(), &digits, exponent, 2)
    } else {
        format!("{f}")
    }
}

/// Go's `strconv.FormatFloat(f, 'g', -1, 32)`: what sigs.k8s.io/yaml makes of a float where a text is wanted.
pub fn format_g32(f: f64) -> String {
    let narrow = f as f32;
    if narrow.is_nan() || narrow.is_infinite() {
        return format_g(f64::from(narrow));
    }
    let (digits, exponent) = shortest(&format!("{narrow:e}"));
    if !(-4..6).contains(&exponent) {
        exponential(narrow.is_sign_negative(), &digits, exponent, 2)
    } else {
        format!("{narrow}")
    }
}

/// The same of a float that is a key; infinities and not-a-number are YAML's.
pub(super) fn key(f: f64) -> String {
    match format_g32(f).as_str() {
        "NaN" => ".nan".to_owned(),
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        text => text.to_owned(),
    }
}

/// A float as Go's encoding/json writes it: exponents only below 1e-6 and from 1e21 on.
/// Not for infinities and not-a-number, which JSON has not.
pub fn format_json(f: f64) -> String {
    let size = f.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let (digits, exponent) = shortest(&format!("{f:e}"));
        // 1e-09 is cleaned up to 1e-9, 1e+21 has two digits anyhow.
        exponential(f.is_sign_negative(), &digits, exponent, 1)
    } else {
        format!("{f}")
    }
}

/// The number that JSON's text for a float reads as: 1.0 and 1e3 are the integers 1 and 1000. The text
/// has as many digits as tell the float from others, and then zeros.
pub fn from_json_of_float(f: f64) -> Value {
    if f.fract() == 0.0 && !(f == 0.0 && f.is_sign_negative()) {
        let text = format_json(f);
        if let Ok(whole) = text.parse::<i64>() {
            return Value::from(whole);
        }
        if let Ok(whole) = text.parse::<u64>() {
            return Value::from(whole);
        }
    }
    Value::from(f)
}

/// Turns every number into a float64, as Helm has it for values that come from files.
///
/// [`super::parse`] reads integers exactly, which Tera and manifests want. Helm decodes its files by
/// way of JSON into `map[string]any`, where every number is a float64: `1000000` prints as `1e+06`
/// in a Go template, and integers above 2^53 lose digits. Values of `--set` stay integers.
pub fn helm_numbers(value: &mut Value) {
    match value {
        Value::Number(n) if !n.is_f64() => {
            if let Some(f) = n.as_f64() {
                *value = Value::from(f);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(helm_numbers),
        Value::Object(map) => map.values_mut().for_each(helm_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_texts_and_keys_as_in_go() {
        let cases = [
            (1.0, "1"),
            (7_244_500.0, "7.2445e+06"),
            (123_456_789.0, "1.2345679e+08"),
            (1.123456789, "1.1234568"),
            (-0.0, "-0"),
        ];
        for (f, text) in cases {
            assert_eq!(format_g32(f), text);
            assert_eq!(key(f), text);
        }
        assert_eq!(format_g32(1e39), "+Inf");
        assert_eq!(key(1e39), ".inf");
        assert_eq!(key(f64::NEG_INFINITY), "-.inf");
        assert_eq!(key(f64::NAN), ".nan");
    }

    #[test]
    fn floats_print_as_in_go() {
        let cases = [
            (1e6, "1e+06", "1000000"),
            (123456789.0, "1.23456789e+08", "123456789"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (1e-7, "1e-07", "1e-7"),
            (1e21, "1e+21", "1e+21"),
            (-1.5, "-1.5", "-1.5"),
            (-0.0, "-0", "-0"),
            (100000.0, "100000", "100000"),
            (
                1.7976931348623157e308,
                "1.7976931348623157e+308",
                "1.7976931348623157e+308",
            ),
            (5e-324, "5e-324", "5e-324"),
        ];
        for (f, g, json) in cases {
            assert_eq!(format_g(f), g);
            assert_eq!(format_json(f), json);
        }
    }
}
