//! Arguments as the Rust types that their parameters promise, and texts of any value.

use std::borrow::Cow;

use super::FuncError;
use crate::template::gotmpl::exec::Ctx;
use crate::template::gotmpl::value::{Map, MapKind, Str, Val};

const NIL: &Val = &Val::Nil;

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(super) struct Args<'a>(pub(super) &'a [Val]);

impl<'a> Args<'a> {
    /// Any argument; nil if there is none.
    pub(super) fn any(self, index: usize) -> &'a Val {
        self.0.get(index).unwrap_or(NIL)
    }

    /// A `string` as bytes.
    pub(super) fn bytes(self, index: usize) -> &'a [u8] {
        self.any(index).as_str().map_or(&[], Str::as_bytes)
    }

    /// A `string` as text, U+FFFD for what is not UTF-8.
    pub(super) fn text(self, index: usize) -> Cow<'a, str> {
        self.any(index)
            .as_str()
            .map_or(Cow::Borrowed(""), Str::to_str)
    }

    /// An `int`.
    pub(super) fn int(self, index: usize) -> i64 {
        self.any(index).as_int().unwrap_or(0)
    }

    /// A `map[string]interface {}`; a nil one for nil.
    pub(super) fn map(self, index: usize) -> Map {
        match self.any(index) {
            Val::Map(map) => map.clone(),
            _ => Map::nil(MapKind::Any),
        }
    }

    /// The arguments from an index on.
    pub(super) fn from(self, index: usize) -> &'a [Val] {
        self.0.get(index..).unwrap_or(&[])
    }
}

/// Go's reflection has nothing to say of nil.
///
/// # Errors
/// Its words, if the first argument is nil.
pub(super) fn not_nil(args: &[Val]) -> Result<(), FuncError> {
    match args.first() {
        None | Some(Val::Nil) => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Some(_) => Ok(()),
    }
}

/// sprig's text of a value: strings and bytes as they are, what has a text of its own by that, the
/// rest as `%v`.
pub(super) fn strval(ctx: &mut Ctx<'_>, value: &Val) -> Result<Str, FuncError> {
    match value {
        Val::Str(text) => Ok(text.clone()),
        Val::Bytes(bytes) => Ok(Str::from_bytes(bytes.to_vec())),
        other => match other.stringer() {
            Some(text) => Ok(text.into()),
            None => ctx.sprint(std::slice::from_ref(other)),
        },
    }
}

/// sprig's `toStrings`: the texts of a list's elements without nil, or of the value alone.
pub(super) fn strings_of(ctx: &mut Ctx<'_>, value: &Val) -> Result<Vec<Str>, FuncError> {
    let items = match value {
        Val::Nil => return Ok(Vec::new()),
        Val::List(list) => list.items(),
        Val::Bytes(bytes) => {
            return Ok(bytes.iter().map(|b| Str::from(b.to_string())).collect());
        }
        other => std::slice::from_ref(other),
    };
    let items = items.iter().filter(|item| !matches!(item, Val::Nil));
    items.map(|item| strval(ctx, item)).collect()
}
