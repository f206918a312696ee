//! Go's quoted strings and characters, written and read.

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols, and the ASCII space.
pub fn is_print(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\0'..='\u{7f}' => false,
        _ => {
            // Rust escapes what is not printable; marks are escaped only at the start of a text
            let mut text = String::from("a");
            text.push(c);
            text.escape_debug().count() == 2
        }
    }
}

/// Go's `strconv.Quote`, for bytes that need not be UTF-8.
pub fn quote(bytes: &[u8]) -> String {
    quote_with(bytes, '"', false)
}

/// Go's `strconv.QuoteToASCII`.
pub fn quote_to_ascii(bytes: &[u8]) -> String {
    quote_with(bytes, '"', true)
}

/// Go's `strconv.QuoteRune`; what is no character becomes U+FFFD.
pub fn quote_rune(c: char) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'', false);
    out.push('\'');
    out
}

/// Go's `strconv.QuoteRuneToASCII`.
pub fn quote_rune_to_ascii(c: char) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'', true);
    out.push('\'');
    out
}

fn quote_with(bytes: &[u8], mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(mark);
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(c) = rest.chars().next() {
            let as_it_is = |byte: &u8| {
                matches!(byte, b' '..=b'~') && *byte != b'\\' && char::from(*byte) != mark
            };
            let plain = rest.bytes().take_while(as_it_is).count();
            let (before, after) = rest.split_at(if plain > 0 { plain } else { c.len_utf8() });
            match plain {
                0 => push_escaped(&mut out, c, mark, ascii),
                _ => out.push_str(before),
            }
            rest = after;
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push(mark);
    out
}

fn push_escaped(out: &mut String, c: char, mark: char, ascii: bool) {
    match c {
        c if c == mark || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        c if is_print(c) && (!ascii || c.is_ascii()) => out.push(c),
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => out.push_str(&format!("\\x{:02x}", c as u32)),
        c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04x}", c as u32)),
        c => out.push_str(&format!("\\U{:08x}", c as u32)),
    }
}

/// Go's `strconv.CanBackquote`: no control character but the tab, no backquote, valid UTF-8.
pub fn can_backquote(bytes: &[u8]) -> bool {
    let hidden = |c: char| (c < ' ' && c != '\t') || matches!(c, '`' | '\x7f' | '\u{feff}');
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(hidden))
}

/// Go's `strconv.Unquote` for a literal with its quotes; `None` where Go says `invalid syntax`.
pub fn unquote(literal: &str) -> Option<Vec<u8>> {
    let inner = literal.get(1..literal.len().checked_sub(1)?)?;
    match (literal.chars().next()?, literal.chars().next_back()?) {
        ('`', '`') if literal.len() >= 2 && !inner.contains('`') => {
            Some(inner.bytes().filter(|&b| b != b'\r').collect())
        }
        ('"', '"') if literal.len() >= 2 => {
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            loop {
                let special = |byte| matches!(byte, b'"' | b'\n' | b'\\');
                let plain = rest.bytes().position(special).unwrap_or(rest.len());
                let (text, after) = rest.split_at_checked(plain)?;
                out.extend_from_slice(text.as_bytes());
                rest = after;
                if rest.is_empty() {
                    break;
                }
                if rest.starts_with(['"', '\n']) {
                    return None;
                }
                let (unit, after) = unquote_char(rest, '"')?;
                match unit {
                    Unit::Byte(byte) => out.push(byte),
                    Unit::Char(c) => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
                }
                rest = after;
            }
            Some(out)
        }
        _ => None,
    }
}

/// What an escape or a character of a literal stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// One byte, from `\x` or an octal escape.
    Byte(u8),
    /// A character.
    Char(char),
}

impl Unit {
    /// The value of a character constant.
    pub fn code(self) -> i64 {
        match self {
            Unit::Byte(byte) => byte.into(),
            Unit::Char(c) => i64::from(u32::from(c)),
        }
    }
}

/// Go's `strconv.UnquoteChar`: the first character or escape of a literal between `mark`s, and
/// the text after it. `None` where Go says `invalid syntax`.
pub fn unquote_char(text: &str, mark: char) -> Option<(Unit, &str)> {
    let mut chars = text.chars();
    match chars.next()? {
        c if c == mark => return None,
        '\\' => {}
        c => return Some((Unit::Char(c), chars.as_str())),
    }
    let escape = chars.next()?;
    let rest = chars.as_str();
    let simple = |c: char| Some((Unit::Char(c), rest));
    let number = |digits: &str, radix: u32| {
        let valid = digits.chars().all(|c| c.is_digit(radix));
        valid
            .then(|| u32::from_str_radix(digits, radix).ok())
            .flatten()
    };
    match escape {
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\\' => simple('\\'),
        '\'' | '"' if escape == mark => simple(escape),
        'x' => {
            let byte = number(rest.get(..2)?, 16)?;
            Some((Unit::Byte(u8::try_from(byte).ok()?), rest.get(2..)?))
        }
        'u' | 'U' => {
            let length = if escape == 'u' { 4 } else { 8 };
            let code = number(rest.get(..length)?, 16)?;
            Some((Unit::Char(char::from_u32(code)?), rest.get(length..)?))
        }
        '0'..='7' => {
            let digits = text.get(1..4)?;
            let byte = u8::try_from(number(digits, 8)?).ok()?;
            Some((Unit::Byte(byte), text.get(4..)?))
        }
        _ => None,
    }
}
