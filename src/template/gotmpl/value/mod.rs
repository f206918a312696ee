//! Values as a Go template meets them: Go's kinds, typed lists and maps, named integers, objects.
//!
//! Everything is reference counted and single-threaded: a render builds its values on its own
//! thread from plain data and gives back plain text, so an `include` copies nothing.

mod convert;
mod list;
mod map;
mod named;
mod object;
mod str;

#[cfg(test)]
mod tests;

pub use convert::{MAX_DEPTH, MarshalError};
pub use list::{Elem, List};
pub use map::{Map, MapKind};
pub use named::{DURATION, NamedType, format_duration};
pub use object::Object;
pub use str::Str;

use std::borrow::Cow;
use std::rc::Rc;

/// Go's kinds (`reflect.Kind`), as far as a template can meet them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Untyped nil.
    Invalid,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint8`, what indexing a string yields.
    Uint8,
    /// `uint64`.
    Uint64,
    /// `float64`.
    Float64,
    /// `complex128`.
    Complex128,
    /// `string`.
    String,
    /// Any slice.
    Slice,
    /// Any map.
    Map,
    /// A struct.
    Struct,
    /// A pointer to a struct.
    Ptr,
}

impl Kind {
    /// The name that Go gives the kind, which is what sprig's `kindOf` answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int64 => "int64",
            Kind::Uint8 => "uint8",
            Kind::Uint64 => "uint64",
            Kind::Float64 => "float64",
            Kind::Complex128 => "complex128",
            Kind::String => "string",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Struct => "struct",
            Kind::Ptr => "ptr",
        }
    }

    /// Whether Go calls it a signed integer.
    pub fn is_int(self) -> bool {
        matches!(self, Kind::Int | Kind::Int64)
    }

    /// Whether Go calls it an unsigned integer.
    pub fn is_uint(self) -> bool {
        matches!(self, Kind::Uint8 | Kind::Uint64)
    }
}

/// A value of a template.
#[derive(Clone, Default)]
pub enum Val {
    /// Go's nil without a type.
    #[default]
    Nil,
    /// `bool`.
    Bool(bool),
    /// `int`: literals, `len`, indexes of a range, sprig's `int`.
    Int(i64),
    /// `int64`: integers of `--set`, sprig's arithmetic.
    Int64(i64),
    /// `uint8`.
    Uint8(u8),
    /// `uint64`: for instance the parts of a semantic version.
    Uint64(u64),
    /// `float64`: every number of a values file.
    Float(f64),
    /// `complex128`: only literals make one.
    Complex(f64, f64),
    /// `string`; Go's strings are bytes, usually UTF-8.
    Str(Str),
    /// `[]byte`.
    Bytes(Rc<[u8]>),
    /// A slice of anything else.
    List(List),
    /// A map with string keys; it is shared, and `set` changes it for all who hold it.
    Map(Map),
    /// An integer with a type of its own, such as `time.Duration` or `time.Month`.
    Named(&'static NamedType, i64),
    /// A struct or a pointer to one, with fields and methods.
    Object(Rc<dyn Object>),
}

impl Val {
    /// A `string`.
    pub fn str(s: impl Into<Str>) -> Val {
        Val::Str(s.into())
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Val>) -> Val {
        Val::List(List::new(Elem::Any, items))
    }

    /// A `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Val {
        let items = items.into_iter().map(|s| Val::Str(s.into())).collect();
        Val::List(List::new(Elem::Str, items))
    }

    /// A `map[string]interface {}` of its own.
    pub fn map<K: Into<Rc<str>>>(entries: impl IntoIterator<Item = (K, Val)>) -> Val {
        Val::Map(Map::new(MapKind::Any, entries))
    }

    /// A `time.Duration` in nanoseconds.
    pub fn duration(nanoseconds: i64) -> Val {
        Val::Named(&DURATION, nanoseconds)
    }

    /// A struct or a pointer to one.
    pub fn object(object: impl Object) -> Val {
        Val::Object(Rc::new(object))
    }

    /// Go's kind of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Val::Nil => Kind::Invalid,
            Val::Bool(_) => Kind::Bool,
            Val::Int(_) => Kind::Int,
            Val::Int64(_) => Kind::Int64,
            Val::Uint8(_) => Kind::Uint8,
            Val::Uint64(_) => Kind::Uint64,
            Val::Float(_) => Kind::Float64,
            Val::Complex(..) => Kind::Complex128,
            Val::Str(_) => Kind::String,
            Val::Bytes(_) | Val::List(_) => Kind::Slice,
            Val::Map(_) => Kind::Map,
            Val::Named(ty, _) => ty.kind,
            Val::Object(object) => object.kind(),
        }
    }

    /// Go's name of the type, what `%T` and sprig's `typeOf` print.
    pub fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Val::Nil => "<nil>",
            Val::Bytes(_) => "[]uint8",
            Val::List(list) => list.elem().list_type(),
            Val::Map(map) => map.kind().type_name(),
            Val::Named(ty, _) => ty.name,
            Val::Object(object) => object.type_name(),
            simple => simple.kind().name(),
        })
    }

    /// Go's truth of templates: not the zero value, not empty; structs are always true.
    pub fn truth(&self) -> bool {
        match self {
            Val::Nil => false,
            Val::Bool(b) => *b,
            Val::Int(n) | Val::Int64(n) | Val::Named(_, n) => *n != 0,
            Val::Uint8(n) => *n != 0,
            Val::Uint64(n) => *n != 0,
            Val::Float(f) => *f != 0.0,
            Val::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Val::Str(s) => !s.is_empty(),
            Val::Bytes(b) => !b.is_empty(),
            Val::List(l) => !l.is_empty(),
            Val::Map(m) => !m.is_empty(),
            Val::Object(_) => true,
        }
    }

    /// Whether it is nil without a type, or a nil slice or map.
    pub fn is_nil(&self) -> bool {
        match self {
            Val::Nil => true,
            Val::List(list) => list.is_nil(),
            Val::Map(map) => map.is_nil(),
            _ => false,
        }
    }

    /// The string, if it is one; other kinds are not converted.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Val::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The integer of any signed kind, named ones included.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Val::Int(n) | Val::Int64(n) | Val::Named(_, n) => Some(*n),
            _ => None,
        }
    }

    /// The nanoseconds of a `time.Duration`.
    pub fn as_duration(&self) -> Option<i64> {
        match self {
            Val::Named(ty, n) if std::ptr::eq(*ty, &DURATION) => Some(*n),
            _ => None,
        }
    }

    /// The object as a concrete Rust type.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        match self {
            Val::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// What Go's `String()` or `Error()` method of the value answers, where it has one.
    pub fn stringer(&self) -> Option<String> {
        match self {
            Val::Named(ty, n) => Some((ty.string)(*n)),
            Val::Object(object) => object.string(),
            _ => None,
        }
    }
}

/// Takes nested lists and maps apart in a loop: a template can nest them deeper than the stack is.
fn dismantle(values: impl Iterator<Item = Val>) {
    let nests = |value: &Val| matches!(value, Val::List(_) | Val::Map(_));
    let mut left: Vec<Val> = values.filter(nests).collect();
    while let Some(value) = left.pop() {
        match value {
            Val::List(list) => left.extend(list.into_unshared().into_iter().filter(nests)),
            Val::Map(map) => left.extend(map.into_unshared().filter(nests)),
            _ => {}
        }
    }
}

impl From<&str> for Val {
    fn from(s: &str) -> Val {
        Val::Str(s.into())
    }
}

impl From<String> for Val {
    fn from(s: String) -> Val {
        Val::Str(s.into())
    }
}

impl From<bool> for Val {
    fn from(b: bool) -> Val {
        Val::Bool(b)
    }
}

impl std::fmt::Debug for Val {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Val::Nil => f.write_str("nil"),
            Val::Bool(b) => write!(f, "{b}"),
            Val::Int(n) | Val::Int64(n) | Val::Named(_, n) => {
                write!(f, "{}({n})", self.type_name())
            }
            Val::Uint8(n) => write!(f, "uint8({n})"),
            Val::Uint64(n) => write!(f, "uint64({n})"),
            Val::Float(n) => write!(f, "float64({n})"),
            Val::Complex(re, im) => write!(f, "complex({re}, {im})"),
            Val::Str(s) => write!(f, "{:?}", s.to_str()),
            Val::Bytes(b) => write!(f, "[]byte({b:?})"),
            Val::List(l) => write!(f, "{}{:?}", self.type_name(), l.items()),
            // not its content: a map may hold itself
            Val::Map(m) => write!(f, "{}({} keys)", self.type_name(), m.len()),
            Val::Object(o) => f.write_str(o.type_name()),
        }
    }
}
