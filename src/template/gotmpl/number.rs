//! Numbers and characters in templates, read as Go's untyped constants.

use super::lex::Token;
use super::node::Number;
use super::strconv::{parse_float, parse_int, parse_uint, quote, unquote_char};

/// Reads the literal of a token.
///
/// # Errors
/// Go's words for a malformed or too large number.
pub fn parse_number(text: &str, token: Token) -> Result<Number, String> {
    let mut number = Number {
        text: text.into(),
        ..Number::default()
    };
    match token {
        Token::CharConstant => {
            let inner = text.get(1..).unwrap_or("");
            let (unit, tail) = unquote_char(inner, '\'').ok_or("invalid syntax")?;
            if tail != "'" {
                return Err(format!("malformed character constant: {text}"));
            }
            let code = unit.code();
            number.int = Some(code);
            number.uint = u64::try_from(code).ok();
            number.float = Some(code as f64);
            return Ok(number);
        }
        Token::Complex => {
            // the sign between the parts is the last one that belongs to no exponent
            let split = text.char_indices().skip(1).filter(|&(index, c)| {
                let before = text.as_bytes().get(index.wrapping_sub(1));
                let exponent = matches!(before, Some(b'e' | b'E' | b'p' | b'P'));
                matches!(c, '+' | '-') && !exponent
            });
            let (real, imaginary) = split
                .last()
                .map_or((text, ""), |(index, _)| text.split_at(index));
            let part = |part: &str| {
                let part = part.strip_prefix('+').unwrap_or(part);
                let message = || {
                    format!(
                        "strconv.ParseFloat: parsing {}: invalid syntax",
                        quote(part.as_bytes())
                    )
                };
                parse_float(part).map(|(f, _)| f).ok_or_else(message)
            };
            number.complex = Some((part(real)?, part(imaginary.trim_end_matches('i'))?));
            simplify(&mut number);
            return Ok(number);
        }
        _ => {}
    }
    if let Some(digits) = text.strip_suffix('i')
        && let Some((imaginary, false)) = parse_float(digits)
    {
        number.complex = Some((0.0, imaginary));
        simplify(&mut number);
        return Ok(number);
    }
    number.uint = parse_uint(text);
    number.int = parse_int(text);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some((float, false)) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text.as_bytes())));
        }
        number.float = Some(float);
        whole(&mut number, float);
    }
    if number.int.is_none() && number.uint.is_none() && number.float.is_none() {
        return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
    }
    Ok(number)
}

/// The integers that a float is equal to.
fn whole(number: &mut Number, float: f64) {
    // the casts saturate; at the upper bound Go's would overflow and the comparison fail
    if float as i64 as f64 == float && float < 9_223_372_036_854_775_808.0 {
        number.int = Some(float as i64);
    }
    if float as u64 as f64 == float && float < 18_446_744_073_709_551_616.0 {
        number.uint = Some(float as u64);
    }
}

/// A complex number without an imaginary part is also a float, perhaps an integer.
fn simplify(number: &mut Number) {
    if let Some((real, 0.0)) = number.complex {
        number.float = Some(real);
        whole(number, real);
    }
}
