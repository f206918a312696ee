//! Classes of characters and escapes of single ones.

use super::Error;
use super::translate::push_literal;

const MISSING: &str = "missing closing ]";
const RANGE: &str = "invalid character class range";
const ESCAPE: &str = "invalid escape sequence";

/// A class in brackets at the start of the text: its translation, and its length.
pub(super) fn bracketed(text: &str) -> Result<(String, usize), Error> {
    let missing = || Error::new(MISSING, text);
    let mut out = String::from("[");
    let mut rest = text.get(1..).unwrap_or_default();
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut first = true;
    loop {
        let c = rest.chars().next().ok_or_else(missing)?;
        if c == ']' && !first {
            out.push(']');
            return Ok((out, text.len() - rest.len() + 1));
        }
        // Perl allows - at the ends only; Go's Perl flags allow it anywhere
        first = false;
        if let Some((class, length)) = posix(rest)? {
            out.push_str(&class);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        if let Some((class, length)) = shorthand(rest)? {
            out.push_str(&format!("[{class}]"));
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        let start = rest;
        let (low, length) = single(rest, text)?;
        rest = rest.get(length..).unwrap_or_default();
        let mut high = low;
        let ranged = rest
            .strip_prefix('-')
            .filter(|after| !after.starts_with(']'));
        if let Some(after) = ranged.filter(|after| !after.is_empty()) {
            let (end, length) = single(after, text)?;
            rest = after.get(length..).unwrap_or_default();
            high = end;
            if high < low {
                let fragment = start.get(..start.len() - rest.len()).unwrap_or(start);
                return Err(Error::new(RANGE, fragment));
            }
        }
        push_literal(&mut out, low);
        if high != low {
            out.push('-');
            push_literal(&mut out, high);
        }
    }
}

/// One character of a class.
fn single(text: &str, class: &str) -> Result<(char, usize), Error> {
    match text.chars().next() {
        None => Err(Error::new(MISSING, class)),
        Some('\\') => escaped(text),
        Some(c) => Ok((c, c.len_utf8())),
    }
}

/// `[:alpha:]` or `[:^alpha:]`.
fn posix(text: &str) -> Result<Option<(String, usize)>, Error> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    let Some((name, _)) = text
        .strip_prefix("[:")
        .and_then(|after| after.split_once(":]"))
    else {
        return Ok(None);
    };
    let length = name.len() + 4;
    let written = text.get(..length).unwrap_or(text);
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(Error::new(RANGE, written));
    }
    Ok(Some((written.to_owned(), length)))
}

/// `\d`, `\pL`, `\p{Greek}` and their kin: what to write within brackets, and the length.
pub(super) fn shorthand(text: &str) -> Result<Option<(String, usize)>, Error> {
    let Some(after) = text.strip_prefix('\\') else {
        return Ok(None);
    };
    let class = match after.chars().next() {
        Some('d') => "0-9",
        Some('D') => "^0-9",
        Some('s') => "\\t\\n\\x0c\\r\\x20",
        Some('S') => "^\\t\\n\\x0c\\r\\x20",
        Some('w') => "0-9A-Za-z_",
        Some('W') => "^0-9A-Za-z_",
        Some(sign @ ('p' | 'P')) => return unicode(text, sign).map(Some),
        _ => return Ok(None),
    };
    Ok(Some((class.to_owned(), 2)))
}

fn unicode(text: &str, sign: char) -> Result<(String, usize), Error> {
    let after = text.get(2..).unwrap_or_default();
    let Some(first) = after.chars().next() else {
        return Err(Error::new(ESCAPE, text));
    };
    let (name, length) = if first == '{' {
        match after.get(1..).and_then(|after| after.split_once('}')) {
            Some((name, _)) => (name, name.len() + 4),
            None => return Err(Error::new(RANGE, text)),
        }
    } else {
        let length = first.len_utf8();
        (after.get(..length).unwrap_or(after), length + 2)
    };
    let written = text.get(..length).unwrap_or(text);
    let (inverted, name) = name
        .strip_prefix('^')
        .map_or((false, name), |name| (true, name));
    let negative = (sign == 'P') != inverted;
    let class = format!("\\{}{{{name}}}", if negative { 'P' } else { 'p' });
    let known = if name == "Any" {
        true
    } else {
        regex::Regex::new(&class).is_ok()
    };
    // the crate takes names in any case, Go as they are
    let capital = name.starts_with(|c: char| c.is_ascii_uppercase());
    if !known || !capital {
        return Err(Error::new(RANGE, written));
    }
    Ok((class, length))
}

/// The character that an escape stands for, and the length of the escape.
pub(super) fn escaped(text: &str) -> Result<(char, usize), Error> {
    let after = text.get(1..).unwrap_or_default();
    let Some(c) = after.chars().next() else {
        return Err(Error::new("trailing backslash at end of expression", ""));
    };
    let invalid = || {
        let fragment = text.get(..1 + c.len_utf8()).unwrap_or(text);
        Error::new(ESCAPE, fragment)
    };
    let named = match c {
        'a' => Some('\u{7}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    };
    if let Some(c) = named {
        return Ok((c, 2));
    }
    match c {
        '0'..='7' => {
            let most = 3;
            let octal = |b: &u8| matches!(b, b'0'..=b'7');
            let digits = after.bytes().take(most).take_while(|b| octal(b)).count();
            // one digit that is not zero would be a reference to a group
            if c != '0' && digits == 1 {
                return Err(invalid());
            }
            let value = after
                .get(..digits)
                .and_then(|d| u32::from_str_radix(d, 8).ok());
            let value = value.and_then(char::from_u32).ok_or_else(invalid)?;
            Ok((value, digits + 1))
        }
        'x' => {
            let hex = after.get(1..).unwrap_or_default();
            let (digits, length) = match hex.strip_prefix('{') {
                Some(braced) => {
                    let (digits, _) = braced
                        .split_once('}')
                        .ok_or_else(|| Error::new(ESCAPE, text))?;
                    (digits, digits.len() + 4)
                }
                None => (hex.get(..2).ok_or_else(|| Error::new(ESCAPE, text))?, 4),
            };
            let fragment = || Error::new(ESCAPE, text.get(..length).unwrap_or(text));
            let value = u32::from_str_radix(digits, 16)
                .ok()
                .filter(|_| !digits.starts_with('+'));
            Ok((value.and_then(char::from_u32).ok_or_else(fragment)?, length))
        }
        _ => Err(invalid()),
    }
}
