//! How a template calls a function: parameters with Go's types, a result, an error.

use super::error::ExecError;
use super::exec::Ctx;
use super::value::{Elem, Kind, MapKind, Val};

/// The type of a parameter or of a result, in Go's terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ty {
    /// `interface {}`: any value, nil too (it comes as [`Val::Nil`]).
    Any,
    /// `string`.
    Str,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint32`: only literals can be one, and come as [`Val::Uint64`].
    Uint32,
    /// `float64`.
    Float64,
    /// `[]interface {}`.
    AnyList,
    /// `[]string`.
    StrList,
    /// `map[string]interface {}`; `common.Values` is assignable to it.
    AnyMap,
    /// `map[string]string`.
    StrMap,
    /// `time.Duration`.
    Duration,
    /// A struct or a pointer to one, by Go's name of the type: `time.Time`.
    Named(&'static str),
}

impl Ty {
    /// Go's name of the type, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Ty::Any => "interface {}",
            Ty::Str => "string",
            Ty::Bool => "bool",
            Ty::Int => "int",
            Ty::Int64 => "int64",
            Ty::Uint32 => "uint32",
            Ty::Float64 => "float64",
            Ty::AnyList => "[]interface {}",
            Ty::StrList => "[]string",
            Ty::AnyMap => "map[string]interface {}",
            Ty::StrMap => "map[string]string",
            Ty::Duration => "time.Duration",
            Ty::Named(name) => name,
        }
    }

    /// Whether Go lets nil stand for it (`reflect`'s kinds that can be nil).
    pub fn can_be_nil(self) -> bool {
        match self {
            Ty::Any | Ty::AnyList | Ty::StrList | Ty::AnyMap | Ty::StrMap => true,
            Ty::Named(name) => name.starts_with('*'),
            _ => false,
        }
    }

    /// Whether Go's assignability lets the value stand for it without a conversion.
    pub fn accepts(self, value: &Val) -> bool {
        match (self, value) {
            (Ty::Any, _)
            | (Ty::Str, Val::Str(_))
            | (Ty::Bool, Val::Bool(_))
            | (Ty::Int, Val::Int(_))
            | (Ty::Int64, Val::Int64(_))
            | (Ty::Float64, Val::Float(_)) => true,
            (Ty::AnyList, Val::List(list)) => list.elem() == Elem::Any,
            // a defined type is assignable to its underlying type
            (Ty::StrList, Val::List(list)) => {
                matches!(list.elem(), Elem::Str | Elem::VersionSet)
            }
            (Ty::AnyMap, Val::Map(map)) => matches!(map.kind(), MapKind::Any | MapKind::Values),
            (Ty::StrMap, Val::Map(map)) => map.kind() == MapKind::Str,
            (Ty::Duration, value) => value.as_duration().is_some(),
            (Ty::Named(name), value) => value.type_name() == name,
            _ => false,
        }
    }

    /// The kind that a literal in an argument is read as.
    #[allow(dead_code)]
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            Ty::Str => Some(Kind::String),
            Ty::Bool => Some(Kind::Bool),
            Ty::Int => Some(Kind::Int),
            Ty::Int64 | Ty::Duration => Some(Kind::Int64),
            Ty::Uint32 => Some(Kind::Uint64),
            Ty::Float64 => Some(Kind::Float64),
            _ => None,
        }
    }
}

/// The Rust side of a function. It gets as many arguments as its [`Func`] says, each of the type
/// that its parameter names: a parameter of [`Ty::Str`] is always a [`Val::Str`]. A parameter
/// whose type can be nil may come as [`Val::Nil`] or as a nil list or map.
pub type Call = fn(&mut Ctx<'_>, &[Val]) -> Result<Val, FuncError>;

/// A function of templates, or a method (then its first argument is the receiver, and `params`
/// leaves that out).
pub struct Func {
    /// The name under which templates call it.
    pub name: &'static str,
    /// The types of the fixed parameters.
    pub params: &'static [Ty],
    /// The type of each further argument, if it takes any number.
    pub variadic: Option<Ty>,
    /// What is called.
    pub call: Call,
}

impl Func {
    /// A function with fixed parameters.
    pub const fn new(name: &'static str, params: &'static [Ty], call: Call) -> Func {
        Func {
            name,
            params,
            variadic: None,
            call,
        }
    }

    /// A function with fixed parameters and any number of further arguments of one type.
    pub const fn variadic(name: &'static str, params: &'static [Ty], rest: Ty, call: Call) -> Func {
        Func {
            name,
            params,
            variadic: Some(rest),
            call,
        }
    }
}

/// Why a function failed.
#[derive(Debug)]
pub enum FuncError {
    /// The text of Go's error; the engine puts `error calling NAME: ` and the place before it.
    Message(String),
    /// A template that the function ran failed: `include` and `tpl` keep the chain of places.
    Template {
        /// What stands before the inner error's text; empty for `include`.
        prefix: String,
        /// The inner error.
        source: Box<ExecError>,
    },
    /// A bound of ours was passed (output, memory, time, depth); nothing may catch it.
    Limit(String),
}

impl From<String> for FuncError {
    fn from(message: String) -> FuncError {
        FuncError::Message(message)
    }
}

impl From<&str> for FuncError {
    fn from(message: &str) -> FuncError {
        FuncError::Message(message.to_string())
    }
}

/// Finds a function by its name.
pub type Lookup = fn(&str) -> Option<&'static Func>;
