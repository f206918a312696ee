//! Merging of maps as dario.cat/mergo does it, with its peculiarities: what is empty counts as not
//! there, and maps that are only in the source become shared.

use super::FuncError;
use crate::template::gotmpl::value::{MAX_DEPTH, Map, MapKind, Val};

/// Merges a map into another in place. Without `overwrite` only what is missing or empty in the
/// target is taken, with it all of the source.
///
/// # Errors
/// A limit, for maps that hold themselves.
pub(super) fn merge(target: &Map, source: &Map, overwrite: bool) -> Result<(), FuncError> {
    into(target, source, overwrite, 0)
}

fn into(target: &Map, source: &Map, overwrite: bool, depth: usize) -> Result<(), FuncError> {
    if depth > MAX_DEPTH {
        return Err(FuncError::Limit(
            "a merged map is nested too deep, or holds itself".into(),
        ));
    }
    for (key, value) in source.entries() {
        let held = target.get(&key);
        if value.is_nil() && matches!(value, Val::Nil) {
            if overwrite {
                put(target, &key, Val::Nil)?;
            }
            continue;
        }
        match (&held, &value) {
            (Some(Val::Map(inner)), Val::Map(value)) => into(inner, value, overwrite, depth + 1)?,
            (_, Val::List(_) | Val::Bytes(_)) if overwrite => put(target, &key, value.clone())?,
            _ => {}
        }
        let kept = held.as_ref().is_some_and(|held| match (held, &value) {
            _ if !held.truth() => false,
            (_, Val::List(_) | Val::Bytes(_)) => true,
            (Val::Map(_), Val::Map(_)) => true,
            _ => !overwrite,
        });
        if !kept {
            put(target, &key, value)?;
        }
    }
    Ok(())
}

fn put(target: &Map, key: &str, value: Val) -> Result<(), FuncError> {
    let fits = target.kind() != MapKind::Str || matches!(value, Val::Str(_));
    if !fits {
        let got = value.type_name();
        let message = format!(
            "reflect.Value.SetMapIndex: value of type {got} is not assignable to type string"
        );
        return Err(message.into());
    }
    if target.insert(key, value) {
        Ok(())
    } else {
        Err("assignment to entry in nil map".into())
    }
}
