//! The printer: verbs against kinds of values, and the format strings of Sprintf.

use super::TooLarge;
use super::flags::Flags;
use crate::template::gotmpl::value::{Elem, Kind, List, MAX_DEPTH, MapKind, Val};

/// Writes formatted values to a buffer of bounded size.
pub(super) struct Printer {
    buffer: Vec<u8>,
    limit: usize,
    too_large: bool,
    pub(super) flags: Flags,
    /// While an error is printed, `String` methods are not asked.
    erroring: bool,
}

/// The largest width or precision, as in Go.
const MAX_WIDTH: i64 = 1_000_000;

impl Printer {
    pub(super) fn new(limit: usize) -> Printer {
        Printer {
            buffer: Vec::new(),
            limit,
            too_large: false,
            flags: Flags::default(),
            erroring: false,
        }
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, TooLarge> {
        if self.too_large {
            Err(TooLarge)
        } else {
            Ok(self.buffer)
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > self.limit {
            self.too_large = true;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    pub(super) fn repeat(&mut self, byte: u8, count: usize) {
        if self.buffer.len() + count > self.limit {
            self.too_large = true;
        } else {
            self.buffer.resize(self.buffer.len() + count, byte);
        }
    }

    fn write_char(&mut self, c: char) {
        self.write(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// `%!verb(type=value)`.
    fn bad_verb(&mut self, value: &Val, verb: char) {
        self.write(b"%!");
        self.write_char(verb);
        self.write(b"(");
        match value {
            Val::Nil => self.write(b"<nil>"),
            value => {
                let erroring = std::mem::replace(&mut self.erroring, true);
                self.write(value.type_name().as_bytes());
                self.write(b"=");
                self.print_arg(value, 'v');
                self.erroring = erroring;
            }
        }
        self.write(b")");
    }

    /// Prints an operand.
    pub(super) fn print_arg(&mut self, value: &Val, verb: char) {
        match (value, verb) {
            (Val::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Val::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.fmt_s(value.type_name().as_bytes()),
            (_, 'p') => self.pointer(value, 'p'),
            _ => self.print_value(value, verb, 0),
        }
    }

    /// Whether the value has a `String` method that the verb asks for, and printed itself by it.
    fn by_method(&mut self, value: &Val, verb: char) -> bool {
        if self.erroring || self.flags.sharp_v || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return false;
        }
        let Some(text) = value.stringer() else {
            return false;
        };
        self.string(value, text.as_bytes(), verb);
        true
    }

    fn print_value(&mut self, value: &Val, verb: char, depth: usize) {
        if depth > MAX_DEPTH || self.too_large {
            self.too_large = true;
            return;
        }
        if self.by_method(value, verb) {
            return;
        }
        let composite = matches!(value, Val::List(_) | Val::Map(_) | Val::Object(_));
        if verb == 'w' && composite && !self.erroring {
            return self.bad_verb(value, verb);
        }
        match value {
            Val::Nil if self.flags.sharp_v => self.write(b"interface {}(nil)"),
            Val::Nil => self.write(b"<nil>"),
            Val::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Val::Int(n) | Val::Int64(n) | Val::Named(_, n) => {
                self.integer(value, n.unsigned_abs(), *n < 0, true, verb);
            }
            Val::Uint8(n) => self.integer(value, (*n).into(), false, false, verb),
            Val::Uint64(n) => self.integer(value, *n, false, false, verb),
            Val::Float(f) => self.float(value, *f, verb),
            Val::Complex(re, im) => self.complex(value, *re, *im, verb),
            Val::Str(s) => self.string(value, s.as_bytes(), verb),
            Val::Bytes(bytes) => self.bytes(bytes, verb, depth),
            Val::List(list) => self.list(list, verb, depth),
            Val::Map(map) => self.map(map, verb, depth),
            Val::Object(object) => match object.kind() {
                Kind::Ptr if depth > 0 => self.pointer(value, verb),
                kind => {
                    if kind == Kind::Ptr {
                        self.write(b"&");
                    }
                    self.structure(object.type_name(), &object.fields(), verb, depth);
                }
            },
        }
    }

    fn integer(&mut self, value: &Val, magnitude: u64, negative: bool, signed: bool, verb: char) {
        let code = if negative { u64::MAX } else { magnitude };
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.fmt_integer(magnitude, false, 16, 'v');
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.fmt_integer(magnitude, negative, 10, verb),
            'b' => self.fmt_integer(magnitude, negative, 2, verb),
            'o' | 'O' => self.fmt_integer(magnitude, negative, 8, verb),
            'x' | 'X' => self.fmt_integer(magnitude, negative, 16, verb),
            'c' => self.fmt_c(code),
            'q' => self.fmt_qc(code),
            // Go prints the bits of a negative number
            'U' if negative => self.fmt_unicode(magnitude.wrapping_neg()),
            'U' => self.fmt_unicode(magnitude),
            _ => self.bad_verb(value, verb),
        }
    }

    fn float(&mut self, value: &Val, float: f64, verb: char) {
        match verb {
            'v' => self.fmt_float(float, b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => self.fmt_float(float, verb as u8, None),
            'f' | 'e' | 'E' => self.fmt_float(float, verb as u8, Some(6)),
            'F' => self.fmt_float(float, b'f', Some(6)),
            _ => self.bad_verb(value, verb),
        }
    }

    fn complex(&mut self, value: &Val, re: f64, im: f64, verb: char) {
        if !matches!(
            verb,
            'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E'
        ) {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.write(b"(");
        self.float(value, re, verb);
        self.flags.plus = true;
        self.float(value, im, verb);
        self.write(b"i)");
        self.flags.plus = plus;
    }

    /// `value` is what a bad verb is told about.
    fn string(&mut self, value: &Val, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.fmt_q(text),
            'v' | 's' => self.fmt_s(text),
            'x' | 'X' => self.fmt_hex(text, verb == 'X'),
            'q' => self.fmt_q(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, depth: usize) {
        match verb {
            's' => return self.fmt_s(bytes),
            'x' | 'X' => return self.fmt_hex(bytes, verb == 'X'),
            'q' => return self.fmt_q(bytes),
            _ => {}
        }
        let type_name = match (depth, verb) {
            (0, 'v' | 'd') => "[]byte",
            _ => "[]uint8",
        };
        let items = bytes.iter().map(|&b| Val::Uint8(b)).collect();
        let list = List::new(Elem::Any, items);
        self.elements(type_name, list.items(), verb, depth);
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) {
        if self.flags.sharp_v && list.is_nil() {
            self.write(list.elem().list_type().as_bytes());
            return self.write(b"(nil)");
        }
        self.elements(list.elem().list_type(), list.items(), verb, depth);
    }

    fn elements(&mut self, type_name: &str, items: &[Val], verb: char, depth: usize) {
        let (open, between, close) = self.marks(type_name, "[");
        self.write(open.as_bytes());
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.write(between);
            }
            self.print_value(item, verb, depth + 1);
        }
        self.write(close);
    }

    fn map(&mut self, map: &crate::template::gotmpl::value::Map, verb: char, depth: usize) {
        let type_name = map.kind().type_name();
        if self.flags.sharp_v && map.is_nil() {
            self.write(type_name.as_bytes());
            return self.write(b"(nil)");
        }
        let (open, between, close) = self.marks(type_name, "map[");
        self.write(open.as_bytes());
        for (index, (key, value)) in map.entries().into_iter().enumerate() {
            if index > 0 {
                self.write(between);
            }
            self.print_value(&Val::Str(key.into()), verb, depth + 1);
            self.write(b":");
            match (&value, map.kind()) {
                (Val::Nil, MapKind::Str) => {}
                _ => self.print_value(&value, verb, depth + 1),
            }
        }
        self.write(close);
    }

    fn structure(&mut self, name: &str, fields: &[(&str, Val)], verb: char, depth: usize) {
        let name = name.strip_prefix('*').unwrap_or(name);
        let (open, between, close) = match self.flags.sharp_v {
            true => (format!("{name}{{"), &b", "[..], &b"}"[..]),
            false => ("{".to_string(), &b" "[..], &b"}"[..]),
        };
        self.write(open.as_bytes());
        for (index, (field, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.write(between);
            }
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(field.as_bytes());
                self.write(b":");
            }
            self.print_value(value, verb, depth + 1);
        }
        self.write(close);
    }

    /// What stands around and between elements.
    fn marks(&self, type_name: &str, open: &str) -> (String, &'static [u8], &'static [u8]) {
        match self.flags.sharp_v {
            true => (format!("{type_name}{{"), b", ", b"}"),
            false => (open.to_string(), b" ", b"]"),
        }
    }

    /// An address: Go prints where the thing is, which no chart can depend on.
    fn pointer(&mut self, value: &Val, verb: char) {
        match value {
            Val::Bytes(_) | Val::List(_) | Val::Map(_) => {}
            Val::Object(object) if object.kind() == Kind::Ptr => {}
            _ => return self.bad_verb(value, verb),
        }
        let address = 0xc0_0000_0000;
        match verb {
            'v' | 'p' => {
                let sharp = self.flags.sharp;
                self.flags.sharp = !sharp;
                self.fmt_integer(address, false, 16, 'v');
                self.flags.sharp = sharp;
            }
            'b' | 'o' | 'd' | 'x' | 'X' => {
                self.integer(&Val::Uint64(address), address, false, false, verb);
            }
            _ => self.bad_verb(value, verb),
        }
    }

    /// Sprintf.
    pub(super) fn printf(&mut self, format: &[u8], args: &[Val]) {
        let mut cursor = Cursor {
            format,
            pos: 0,
            arg: 0,
            reordered: false,
            good_index: true,
        };
        while cursor.pos < format.len() && !self.too_large {
            let start = cursor.pos;
            while cursor.byte().is_some_and(|b| b != b'%') {
                cursor.pos += 1;
            }
            self.write(format.get(start..cursor.pos).unwrap_or(&[]));
            if cursor.pos >= format.len() {
                break;
            }
            cursor.pos += 1;
            if !self.directive(&mut cursor, args) {
                break;
            }
        }
        if !cursor.reordered && cursor.arg < args.len() {
            self.flags = Flags::default();
            self.write(b"%!(EXTRA ");
            for (index, arg) in args.iter().skip(cursor.arg).enumerate() {
                if index > 0 {
                    self.write(b", ");
                }
                if !matches!(arg, Val::Nil) {
                    self.write(arg.type_name().as_bytes());
                    self.write(b"=");
                }
                self.print_arg(arg, 'v');
            }
            self.write(b")");
        }
    }

    /// One directive, after its `%`; false when the format ended in it.
    fn directive(&mut self, cursor: &mut Cursor<'_>, args: &[Val]) -> bool {
        self.flags = Flags::default();
        cursor.good_index = true;
        while let Some(byte) = cursor.byte() {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            cursor.pos += 1;
        }
        let mut after_index = cursor.index(args.len());
        if cursor.byte() == Some(b'*') {
            cursor.pos += 1;
            match cursor.int_arg(args) {
                Some(width) => {
                    self.flags.width = Some(width.unsigned_abs() as usize);
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                }
                None => self.write(b"%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            self.flags.width = cursor.number();
            if after_index && self.flags.width.is_some() {
                cursor.good_index = false;
            }
        }
        if cursor.byte() == Some(b'.') && cursor.pos + 1 < cursor.format.len() {
            cursor.pos += 1;
            if after_index {
                cursor.good_index = false;
            }
            after_index = cursor.index(args.len());
            if cursor.byte() == Some(b'*') {
                cursor.pos += 1;
                let precision = cursor.int_arg(args).filter(|&p| p >= 0);
                self.flags.precision = precision.map(|p| p.unsigned_abs() as usize);
                if precision.is_none() {
                    self.write(b"%!(BADPREC)");
                }
                after_index = false;
            } else {
                self.flags.precision = Some(cursor.number().unwrap_or(0));
            }
        }
        if !after_index {
            cursor.index(args.len());
        }
        let Some((verb, width)) = cursor.verb() else {
            self.write(b"%!(NOVERB)");
            return false;
        };
        cursor.pos += width;
        let arg = args.get(cursor.arg);
        match arg {
            _ if verb == '%' => self.write(b"%"),
            _ if !cursor.good_index => {
                self.write(b"%!");
                self.write_char(verb);
                self.write(b"(BADINDEX)");
            }
            None => {
                self.write(b"%!");
                self.write_char(verb);
                self.write(b"(MISSING)");
            }
            Some(arg) => {
                if matches!(verb, 'v' | 'w') {
                    self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                    self.flags.plus_v = std::mem::take(&mut self.flags.plus);
                }
                self.print_arg(arg, verb);
                cursor.arg += 1;
            }
        }
        true
    }
}

/// Where Sprintf stands in its format and its arguments.
struct Cursor<'f> {
    format: &'f [u8],
    pos: usize,
    arg: usize,
    /// Whether the format chose arguments by index.
    reordered: bool,
    /// Whether the last index was one.
    good_index: bool,
}

impl Cursor<'_> {
    fn byte(&self) -> Option<u8> {
        self.format.get(self.pos).copied()
    }

    /// Digits; a number too large counts as none, and ends the format, as in Go.
    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            let value = number.unwrap_or(0);
            if value > MAX_WIDTH as usize {
                self.pos = self.format.len();
                return None;
            }
            number = Some(value * 10 + usize::from(digit - b'0'));
            self.pos += 1;
        }
        number
    }

    /// `[n]`: the next argument is the n-th. Whether there was one that parsed.
    fn index(&mut self, args: usize) -> bool {
        if self.byte() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = self.format.get(self.pos..).unwrap_or(&[]);
        let Some(end) = rest
            .iter()
            .position(|&b| b == b']')
            .filter(|_| rest.len() >= 3)
        else {
            self.good_index = false;
            self.pos += 1;
            return false;
        };
        self.pos += end + 1;
        let digits = rest.get(1..end).unwrap_or(&[]);
        let number = std::str::from_utf8(digits).ok();
        let number = number.filter(|s| s.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = number.and_then(|s| s.parse::<usize>().ok()) else {
            self.good_index = false;
            return false;
        };
        match number.checked_sub(1) {
            Some(index) if index < args => self.arg = index,
            _ => self.good_index = false,
        }
        true
    }

    /// The argument as a width or a precision; it is used up if there is one.
    fn int_arg(&mut self, args: &[Val]) -> Option<i64> {
        let arg = args.get(self.arg)?;
        self.arg += 1;
        let number = match arg {
            Val::Uint8(n) => i64::from(*n),
            Val::Uint64(n) => i64::try_from(*n).ok()?,
            other => other.as_int()?,
        };
        (number.abs() <= MAX_WIDTH).then_some(number)
    }

    /// The verb and its length in bytes; a byte that is not UTF-8 is U+FFFD.
    fn verb(&self) -> Option<(char, usize)> {
        let rest = self
            .format
            .get(self.pos..)
            .filter(|rest| !rest.is_empty())?;
        let chunk = rest.utf8_chunks().next()?;
        let c = chunk.valid().chars().next();
        Some(c.map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())))
    }
}
