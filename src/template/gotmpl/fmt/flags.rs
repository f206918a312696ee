//! Flags, width and precision, and what they do to booleans, numbers and strings.

use super::printer::Printer;
use crate::template::gotmpl::strconv::{
    can_backquote, format_float, is_print, quote, quote_rune, quote_rune_to_ascii, quote_to_ascii,
};

/// What stands between `%` and the verb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub width: Option<usize>,
    pub precision: Option<usize>,
    pub minus: bool,
    pub plus: bool,
    pub sharp: bool,
    pub space: bool,
    pub zero: bool,
    /// `%+v`.
    pub plus_v: bool,
    /// `%#v`.
    pub sharp_v: bool,
}

/// The number of characters; each byte that is not UTF-8 counts as one.
fn rune_count(bytes: &[u8]) -> usize {
    let chunks = bytes.utf8_chunks();
    chunks
        .map(|chunk| chunk.valid().chars().count() + chunk.invalid().len())
        .sum()
}

/// The first characters of a text.
fn first_runes(bytes: &[u8], mut count: usize) -> &[u8] {
    let mut end = 0;
    for chunk in bytes.utf8_chunks() {
        let widths = chunk.valid().chars().map(char::len_utf8);
        for width in widths.chain(chunk.invalid().iter().map(|_| 1)) {
            if count == 0 {
                return bytes.get(..end).unwrap_or(bytes);
            }
            count -= 1;
            end += width;
        }
    }
    bytes
}

impl Printer {
    fn padding(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.repeat(byte, count);
    }

    pub(super) fn pad(&mut self, bytes: &[u8]) {
        let Some(width @ 1..) = self.flags.width else {
            return self.write(bytes);
        };
        let count = width.saturating_sub(rune_count(bytes));
        if self.flags.minus {
            self.write(bytes);
            self.padding(count);
        } else {
            self.padding(count);
            self.write(bytes);
        }
    }

    /// Pads with spaces even where zeros were asked for.
    fn pad_with_spaces(&mut self, bytes: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(bytes);
        self.flags.zero = zero;
    }

    fn truncate<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        match self.flags.precision {
            Some(precision) => first_runes(bytes, precision),
            None => bytes,
        }
    }

    pub(super) fn fmt_s(&mut self, bytes: &[u8]) {
        self.pad(self.truncate(bytes));
    }

    pub(super) fn fmt_q(&mut self, bytes: &[u8]) {
        let bytes = self.truncate(bytes);
        if self.flags.sharp && can_backquote(bytes) {
            self.pad(&[b"`", bytes, b"`"].concat());
        } else if self.flags.plus {
            self.pad(quote_to_ascii(bytes).as_bytes());
        } else {
            self.pad(quote(bytes).as_bytes());
        }
    }

    /// A character; what is none becomes U+FFFD.
    pub(super) fn fmt_c(&mut self, code: u64) {
        let c = character(code);
        self.pad(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    pub(super) fn fmt_qc(&mut self, code: u64) {
        let c = character(code);
        let quoted = if self.flags.plus {
            quote_rune_to_ascii(c)
        } else {
            quote_rune(c)
        };
        self.pad(quoted.as_bytes());
    }

    pub(super) fn fmt_unicode(&mut self, code: u64) {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{code:0digits$X}");
        if self.flags.sharp
            && let Some(c) = u32::try_from(code).ok().and_then(char::from_u32)
            && is_print(c)
        {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with_spaces(text.as_bytes());
    }

    /// An integer by its magnitude and sign; `verb` matters only for `O`.
    pub(super) fn fmt_integer(&mut self, magnitude: u64, negative: bool, base: u32, verb: char) {
        let mut digits = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if verb == 'X' => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        let mut minimum = 0;
        if let Some(precision) = self.flags.precision {
            minimum = precision;
            if precision == 0 && magnitude == 0 {
                let zero = std::mem::take(&mut self.flags.zero);
                self.padding(self.flags.width.unwrap_or(0));
                self.flags.zero = zero;
                return;
            }
        } else if self.flags.zero
            && !self.flags.minus
            && let Some(width) = self.flags.width
        {
            let sign = negative || self.flags.plus || self.flags.space;
            minimum = width.saturating_sub(usize::from(sign));
        }
        if digits.len() < minimum {
            digits.insert_str(0, &"0".repeat(minimum - digits.len()));
        }
        if self.flags.sharp {
            match base {
                2 => digits.insert_str(0, "0b"),
                8 if !digits.starts_with('0') => digits.insert(0, '0'),
                16 if verb == 'X' => digits.insert_str(0, "0X"),
                16 => digits.insert_str(0, "0x"),
                _ => {}
            }
        }
        if verb == 'O' {
            digits.insert_str(0, "0o");
        }
        if negative {
            digits.insert(0, '-');
        } else if self.flags.plus {
            digits.insert(0, '+');
        } else if self.flags.space {
            digits.insert(0, ' ');
        }
        self.pad_with_spaces(digits.as_bytes());
    }

    /// The bytes in hexadecimal.
    pub(super) fn fmt_hex(&mut self, bytes: &[u8], upper: bool) {
        let Flags { sharp, space, .. } = self.flags;
        let length = bytes.len().min(self.flags.precision.unwrap_or(usize::MAX));
        let bytes = bytes.get(..length).unwrap_or(bytes);
        if bytes.is_empty() {
            return self.padding(self.flags.width.unwrap_or(0));
        }
        let prefix = if upper { "0X" } else { "0x" };
        let mut text = String::with_capacity(2 * length + 2);
        for (index, byte) in bytes.iter().enumerate() {
            if space && index > 0 {
                text.push(' ');
            }
            if sharp && (space || index == 0) {
                text.push_str(prefix);
            }
            match upper {
                true => text.push_str(&format!("{byte:02X}")),
                false => text.push_str(&format!("{byte:02x}")),
            }
        }
        self.pad(text.as_bytes());
    }

    /// A float; `precision` is what the verb has when none was written.
    pub(super) fn fmt_float(&mut self, value: f64, verb: u8, precision: Option<usize>) {
        let flags = self.flags;
        let precision = flags.precision.or(precision);
        let mut number = format_float(value, verb, precision);
        if !number.starts_with(['-', '+']) {
            number.insert(0, '+');
        }
        if flags.space && number.starts_with('+') && !flags.plus {
            number.replace_range(..1, " ");
        }
        if !value.is_finite() {
            if value.is_nan() && !flags.space && !flags.plus {
                number.remove(0);
            }
            return self.pad_with_spaces(number.as_bytes());
        }
        if flags.sharp && verb != b'b' {
            number = keep_zeros(&number, verb, precision);
        }
        if flags.plus || !number.starts_with('+') {
            let missing = flags.width.unwrap_or(0).saturating_sub(number.len());
            if flags.zero && !flags.minus && missing > 0 {
                let (sign, digits) = number.split_at(1);
                self.write(sign.as_bytes());
                self.padding(missing);
                return self.write(digits.as_bytes());
            }
            return self.pad(number.as_bytes());
        }
        self.pad(number.get(1..).unwrap_or("").as_bytes());
    }
}

fn character(code: u64) -> char {
    let c = u32::try_from(code).ok().and_then(char::from_u32);
    c.unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// What `#` does to a float: a decimal point always, and for `%g` the trailing zeros.
fn keep_zeros(number: &str, verb: u8, precision: Option<usize>) -> String {
    let mut digits = match verb {
        b'v' | b'g' | b'G' | b'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let tail_marks: &[char] = match verb {
        b'x' | b'X' => &['p', 'P'],
        _ => &['p', 'P', 'e', 'E'],
    };
    let (body, tail) = match number.find(tail_marks) {
        Some(index) => number.split_at(index),
        None => (number, ""),
    };
    let mut seen = false;
    for c in body.chars().skip(1).filter(|&c| c != '.') {
        seen |= c != '0';
        digits -= i64::from(seen);
    }
    let mut out = body.to_string();
    if !body.contains('.') {
        if body.get(1..) == Some("0") {
            digits -= 1;
        }
        out.push('.');
    }
    out.extend((0..digits.max(0)).map(|_| '0'));
    out.push_str(tail);
    out
}
