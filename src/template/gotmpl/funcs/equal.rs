//! Equality and copies of values with all that they hold.

use super::FuncError;
use crate::template::gotmpl::value::{List, MAX_DEPTH, Map, Val};

/// Go's `reflect.DeepEqual`: types count, an `int` never equals an `int64`.
pub(super) fn equal(a: &Val, b: &Val) -> bool {
    equal_to(a, b, 0)
}

fn equal_to(a: &Val, b: &Val, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    let next = depth + 1;
    match (a, b) {
        (Val::Nil, Val::Nil) => true,
        (Val::Bool(a), Val::Bool(b)) => a == b,
        (Val::Int(a), Val::Int(b)) | (Val::Int64(a), Val::Int64(b)) => a == b,
        (Val::Uint8(a), Val::Uint8(b)) => a == b,
        (Val::Uint64(a), Val::Uint64(b)) => a == b,
        (Val::Float(a), Val::Float(b)) => a == b,
        (Val::Complex(ar, ai), Val::Complex(br, bi)) => ar == br && ai == bi,
        (Val::Str(a), Val::Str(b)) => a == b,
        (Val::Bytes(a), Val::Bytes(b)) => a == b,
        (Val::Named(a, x), Val::Named(b, y)) => std::ptr::eq(*a, *b) && x == y,
        (Val::List(a), Val::List(b)) => {
            let alike = a.elem() == b.elem() && a.is_nil() == b.is_nil() && a.len() == b.len();
            let mut pairs = a.items().iter().zip(b.items());
            alike && pairs.all(|(a, b)| equal_to(a, b, next))
        }
        (Val::Map(a), Val::Map(b)) => {
            let alike = a.kind() == b.kind() && a.is_nil() == b.is_nil() && a.len() == b.len();
            let same = |(key, value): (std::rc::Rc<str>, Val)| {
                b.get(&key)
                    .is_some_and(|other| equal_to(&value, &other, next))
            };
            alike && (a.same(b) || a.entries().into_iter().all(same))
        }
        (Val::Object(a), Val::Object(b)) => {
            if std::rc::Rc::ptr_eq(a, b) {
                return true;
            }
            let (x, y) = (a.fields(), b.fields());
            let fields = !x.is_empty() && x.len() == y.len();
            let mut pairs = x.iter().zip(&y);
            let same = fields && pairs.all(|((_, a), (_, b))| equal_to(a, b, next));
            a.type_name() == b.type_name() && (same || a.equals(&**b))
        }
        _ => false,
    }
}

/// A copy that shares no list and no map.
///
/// # Errors
/// A limit, for a value that holds itself.
pub(super) fn copy(value: &Val) -> Result<Val, FuncError> {
    copy_of(value, 0)
}

fn copy_of(value: &Val, depth: usize) -> Result<Val, FuncError> {
    if depth > MAX_DEPTH {
        return Err(FuncError::Limit(
            "a copied value is nested too deep, or holds itself".into(),
        ));
    }
    Ok(match value {
        Val::List(list) if !list.is_nil() => {
            let items = list.items().iter().map(|item| copy_of(item, depth + 1));
            Val::List(List::new(list.elem(), items.collect::<Result<_, _>>()?))
        }
        Val::Map(map) if !map.is_nil() => {
            let entries = map.entries().into_iter();
            let entries = entries.map(|(key, value)| Ok((key, copy_of(&value, depth + 1)?)));
            Val::Map(Map::new(
                map.kind(),
                entries.collect::<Result<Vec<_>, FuncError>>()?,
            ))
        }
        other => other.clone(),
    })
}
