//! Go's own functions of templates: comparison, logic, indexing, length, printing, escaping.

use std::cmp::Ordering;

use super::exec::Typed;
use super::fmt;
use super::func::FuncError;
use super::strconv::is_print;
use super::value::{Elem, Kind, Str, Val};

/// A function of Go's text/template. (Its `slice` is missing: sprig's takes its place.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // each is the function of its name
pub enum Builtin {
    And,
    Call,
    Eq,
    Ge,
    Gt,
    Html,
    Index,
    Js,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Urlquery,
}

impl Builtin {
    /// Their names.
    pub const NAMES: [&'static str; 18] = [
        "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt", "ne", "not",
        "or", "print", "printf", "println", "urlquery",
    ];

    /// The function of a name.
    pub fn find(name: &str) -> Option<Builtin> {
        Some(match name {
            "and" => Builtin::And,
            "call" => Builtin::Call,
            "eq" => Builtin::Eq,
            "ge" => Builtin::Ge,
            "gt" => Builtin::Gt,
            "html" => Builtin::Html,
            "index" => Builtin::Index,
            "js" => Builtin::Js,
            "le" => Builtin::Le,
            "len" => Builtin::Len,
            "lt" => Builtin::Lt,
            "ne" => Builtin::Ne,
            "not" => Builtin::Not,
            "or" => Builtin::Or,
            "print" => Builtin::Print,
            "printf" => Builtin::Printf,
            "println" => Builtin::Println,
            "urlquery" => Builtin::Urlquery,
            _ => return None,
        })
    }

    /// The number of fixed parameters, and whether any number may follow.
    pub(super) fn arity(self) -> (usize, bool) {
        match self {
            Builtin::Len | Builtin::Not => (1, false),
            Builtin::Ge | Builtin::Gt | Builtin::Le | Builtin::Lt | Builtin::Ne => (2, false),
            Builtin::Html | Builtin::Js | Builtin::Urlquery => (0, true),
            Builtin::Print | Builtin::Println => (0, true),
            _ => (1, true),
        }
    }
}

type Answer = Result<Typed, String>;

/// Go's message when a method of reflection meets no value at all.
const NO_TYPE: &str = "reflect: call of reflect.Value.Type on zero Value";

/// The functions that print nothing; `None` for those that do.
pub(super) fn simple(builtin: Builtin, args: &[Typed]) -> Option<Answer> {
    let (first, rest) = args.split_first()?;
    let truth = |result: Result<bool, String>| Some(result.map(|b| Typed::new(Val::Bool(b))));
    let second = || rest.first().map(|arg| &arg.val);
    match builtin {
        Builtin::Eq => truth(equal_any(&first.val, rest)),
        Builtin::Ne => truth(equal(&first.val, second()?).map(|equal| !equal)),
        Builtin::Lt => truth(less(&first.val, second()?)),
        Builtin::Le => truth(less_or_equal(&first.val, second()?)),
        Builtin::Gt => truth(less_or_equal(&first.val, second()?).map(|le| !le)),
        Builtin::Ge => truth(less(&first.val, second()?).map(|lt| !lt)),
        Builtin::Not => truth(Ok(!first.val.truth())),
        Builtin::Len => Some(length(first)),
        Builtin::Index => Some(index(first, rest)),
        _ => None,
    }
}

/// Go's kinds as comparison sees them.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Basic {
    Other,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Val) -> Basic {
    match value.kind() {
        Kind::Bool => Basic::Bool,
        Kind::Int | Kind::Int64 => Basic::Int,
        Kind::Uint8 | Kind::Uint64 => Basic::Uint,
        Kind::Float64 => Basic::Float,
        Kind::Complex128 => Basic::Complex,
        Kind::String => Basic::String,
        _ => Basic::Other,
    }
}

/// An integer of any kind.
fn integer(value: &Val) -> i128 {
    match value {
        Val::Uint8(n) => (*n).into(),
        Val::Uint64(n) => (*n).into(),
        other => other.as_int().unwrap_or(0).into(),
    }
}

fn equal_any(first: &Val, rest: &[Typed]) -> Result<bool, String> {
    if rest.is_empty() {
        return Err("missing argument for comparison".to_string());
    }
    for arg in rest {
        if equal(first, &arg.val)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Val, b: &Val) -> Result<bool, String> {
    let (ka, kb) = (basic(a), basic(b));
    if ka != kb {
        let integers = matches!(
            (ka, kb),
            (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int)
        );
        if integers {
            return Ok(integer(a) == integer(b));
        }
        if matches!(a, Val::Nil) || matches!(b, Val::Nil) {
            return Ok(false);
        }
        return Err(incompatible(a, b));
    }
    match (a, b) {
        (Val::Bool(a), Val::Bool(b)) => Ok(a == b),
        (Val::Float(a), Val::Float(b)) => Ok(a == b),
        (Val::Complex(ar, ai), Val::Complex(br, bi)) => Ok(ar == br && ai == bi),
        (Val::Str(a), Val::Str(b)) => Ok(a == b),
        _ if ka != Basic::Other => Ok(integer(a) == integer(b)),
        _ => {
            let nils = matches!(a, Val::Nil) || matches!(b, Val::Nil);
            if a.kind() != b.kind() && !nils {
                return Err(format!(
                    "non-comparable types {}: {}, {}: {}",
                    show(a, "%s"),
                    a.type_name(),
                    b.type_name(),
                    show(b, "%v")
                ));
            }
            if a.is_nil() || b.is_nil() {
                return Ok(a.is_nil() == b.is_nil());
            }
            match (a, b) {
                (Val::Object(a), Val::Object(b)) => Ok(std::rc::Rc::ptr_eq(a, b) || a.equals(&**b)),
                _ => Err(format!(
                    "non-comparable type {}: {}",
                    show(b, "%s"),
                    b.type_name()
                )),
            }
        }
    }
}

fn show(value: &Val, verb: &str) -> String {
    let text = fmt::sprintf(verb.as_bytes(), std::slice::from_ref(value), 1 << 16);
    String::from_utf8_lossy(&text.unwrap_or_default()).into_owned()
}

fn incompatible(a: &Val, b: &Val) -> String {
    let (a, b) = (a.type_name(), b.type_name());
    format!("incompatible types for comparison: {a} and {b}")
}

fn less(a: &Val, b: &Val) -> Result<bool, String> {
    let (ka, kb) = (basic(a), basic(b));
    let bad = || Err("invalid type for comparison".to_string());
    if ka == Basic::Other || kb == Basic::Other {
        return bad();
    }
    let integers = |kind| matches!(kind, Basic::Int | Basic::Uint);
    match (a, b) {
        _ if integers(ka) && integers(kb) => Ok(integer(a) < integer(b)),
        _ if ka != kb => Err(incompatible(a, b)),
        (Val::Float(a), Val::Float(b)) => Ok(a.partial_cmp(b) == Some(Ordering::Less)),
        (Val::Str(a), Val::Str(b)) => Ok(a.as_bytes() < b.as_bytes()),
        _ => bad(),
    }
}

fn less_or_equal(a: &Val, b: &Val) -> Result<bool, String> {
    Ok(less(a, b)? || equal(a, b)?)
}

fn length(arg: &Typed) -> Answer {
    let length = match &arg.val {
        Val::Nil if arg.any => return Err("len of nil pointer".to_string()),
        Val::Nil => return Err(NO_TYPE.to_string()),
        Val::Str(text) => text.len(),
        Val::Bytes(bytes) => bytes.len(),
        Val::List(list) => list.len(),
        Val::Map(map) => map.len(),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(Typed::new(Val::Int(length as i64)))
}

fn index(item: &Typed, indexes: &[Typed]) -> Answer {
    if matches!(item.val, Val::Nil) {
        return Err("index of untyped nil".to_string());
    }
    let mut item = item.clone();
    for index in indexes {
        item = match &item.val {
            Val::Nil => return Err("index of nil pointer".to_string()),
            Val::Map(map) => {
                let Val::Str(key) = &index.val else {
                    let got = index.val.type_name();
                    return Err(match index.val {
                        Val::Nil => "value is nil; should be of type string".to_string(),
                        _ => format!("value has type {got}; should be string"),
                    });
                };
                Typed {
                    val: map.get(&key.to_str()).unwrap_or_else(|| map.kind().zero()),
                    any: map.kind().elem_is_any(),
                }
            }
            Val::List(list) => {
                let at = position(&index.val, list.len())?;
                let val = list.items().get(at);
                let val = val.ok_or("reflect: slice index out of range")?.clone();
                let any = list.elem() == Elem::Any;
                Typed { val, any }
            }
            Val::Str(text) => {
                let at = position(&index.val, text.len())?;
                let byte = text.as_bytes().get(at);
                Typed::new(Val::Uint8(
                    *byte.ok_or("reflect: string index out of range")?,
                ))
            }
            Val::Bytes(bytes) => {
                let at = position(&index.val, bytes.len())?;
                let byte = bytes.get(at);
                Typed::new(Val::Uint8(
                    *byte.ok_or("reflect: slice index out of range")?,
                ))
            }
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// An index that is not negative and not past the end; Go lets the end itself pass here.
fn position(index: &Val, length: usize) -> Result<usize, String> {
    let kind = index.kind();
    if matches!(index, Val::Nil) {
        return Err("cannot index slice/array with nil".to_string());
    }
    if !kind.is_int() && !kind.is_uint() {
        return Err(format!(
            "cannot index slice/array with type {}",
            index.type_name()
        ));
    }
    let number = integer(index);
    match usize::try_from(number) {
        Ok(number) if number <= length => Ok(number),
        _ => Err(format!("index out of range: {number}")),
    }
}

/// Go's `call`; no value that a template of Helm can hold is a function.
pub(super) fn call(args: &[Typed], callee: Option<&str>) -> Result<Typed, FuncError> {
    let value = args.first().map(|arg| &arg.val);
    match value {
        None | Some(Val::Nil) => Err("call of nil".into()),
        Some(value) => {
            let type_name = value.type_name();
            let callee = callee.map_or_else(|| format!("<{type_name} Value>"), str::to_string);
            Err(format!("non-function {callee} of type {type_name}").into())
        }
    }
}

/// `html`, `js` and `urlquery`.
pub(super) fn escape(builtin: Builtin, text: &Str) -> Str {
    match builtin {
        Builtin::Html => html(text.as_bytes()),
        Builtin::Js => js(text.as_bytes()),
        _ => query(text.as_bytes()),
    }
}

fn html(bytes: &[u8]) -> Str {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    Str::from_bytes(out)
}

fn js(bytes: &[u8]) -> Str {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '\'' => out.push_str("\\'"),
                '"' => out.push_str("\\\""),
                '<' => out.push_str("\\u003C"),
                '>' => out.push_str("\\u003E"),
                '&' => out.push_str("\\u0026"),
                '=' => out.push_str("\\u003D"),
                c if c < ' ' => out.push_str(&format!("\\u00{:02X}", c as u32)),
                c if !c.is_ascii() && !is_print(c) => {
                    out.push_str(&format!("\\u{:04X}", c as u32));
                }
                c => out.push(c),
            }
        }
        // U+FFFD is printable: Go copies the byte
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
    out.into()
}

fn query(bytes: &[u8]) -> Str {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(byte as char);
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out.into()
}
