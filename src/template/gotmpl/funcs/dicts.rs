//! Maps.

use super::args::{Args, not_nil, strval};
use super::{Answer, equal, merge};
use crate::template::gotmpl::exec::Ctx;
use crate::template::gotmpl::func::{Call, Func, FuncError, Ty};
use crate::template::gotmpl::value::{Map, MapKind, Val};

const MAP: &[Ty] = &[Ty::AnyMap];
const KEYED: &[Ty] = &[Ty::AnyMap, Ty::Str];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::variadic("dict", &[], Ty::Any, dict),
    Func::new("get", KEYED, |_, args| {
        let found = Args(args).map(0).get(&Args(args).text(1));
        Ok(found.unwrap_or_else(|| "".into()))
    }),
    Func::new("set", &[Ty::AnyMap, Ty::Str, Ty::Any], |ctx, args| {
        ctx.charge(size_of::<Val>())?;
        let map = Args(args).map(0);
        let set = map.insert(Args(args).text(1), Args(args).any(2).clone());
        if set {
            Ok(plain(map))
        } else {
            Err("assignment to entry in nil map".into())
        }
    }),
    Func::new("unset", KEYED, |_, args| {
        let map = Args(args).map(0);
        map.remove(&Args(args).text(1));
        Ok(plain(map))
    }),
    Func::new("hasKey", KEYED, |_, args| {
        Ok(Args(args).map(0).contains(&Args(args).text(1)).into())
    }),
    Func::variadic("pluck", &[Ty::Str], Ty::AnyMap, |_, args| {
        let key = Args(args).text(0);
        let maps = (1..args.len()).map(|i| Args(args).map(i));
        Ok(Val::list(maps.filter_map(|map| map.get(&key)).collect()))
    }),
    Func::variadic("keys", &[], Ty::AnyMap, |_, args| {
        let keys = (0..args.len()).flat_map(|i| Args(args).map(i).keys());
        Ok(Val::strings(keys))
    }),
    Func::new("values", MAP, |_, args| {
        let entries = Args(args).map(0).entries();
        Ok(Val::list(
            entries.into_iter().map(|(_, value)| value).collect(),
        ))
    }),
    Func::variadic("pick", MAP, Ty::Str, |_, args| {
        let map = Args(args).map(0);
        let keys = (1..args.len()).map(|i| Args(args).text(i).into_owned());
        let entries = keys.filter_map(|key| map.get(&key).map(|value| (key, value)));
        Ok(Val::map(entries))
    }),
    Func::variadic("omit", MAP, Ty::Str, |_, args| {
        let keys: Vec<_> = (1..args.len()).map(|i| Args(args).text(i)).collect();
        let entries = Args(args).map(0).entries().into_iter();
        Ok(Val::map(
            entries.filter(|(key, _)| !keys.iter().any(|k| **k == **key)),
        ))
    }),
    Func::variadic("merge", MAP, Ty::AnyMap, |_, args| merged(args, false)),
    Func::variadic("mustMerge", MAP, Ty::AnyMap, |_, args| merged(args, false)),
    Func::variadic("mergeOverwrite", MAP, Ty::AnyMap, |_, args| {
        merged(args, true)
    }),
    Func::variadic("mustMergeOverwrite", MAP, Ty::AnyMap, |_, args| {
        merged(args, true)
    }),
    Func::new("deepCopy", &[Ty::Any], DEEP_COPY),
    Func::new("mustDeepCopy", &[Ty::Any], DEEP_COPY),
    Func::variadic("dig", &[], Ty::Any, |_, args| dig(args)),
];

const DEEP_COPY: Call = |_, args| {
    not_nil(args)?;
    equal::copy(Args(args).any(0))
};

/// A map as the type of the result says; `common.Values` is given back as what it is.
fn plain(map: Map) -> Val {
    Val::Map(map.with_kind(MapKind::Any))
}

fn dict(ctx: &mut Ctx<'_>, args: &[Val]) -> Answer {
    let map = Map::new::<&str>(MapKind::Any, []);
    for pair in args.chunks(2) {
        let key = strval(ctx, Args(pair).any(0))?;
        let value = pair.get(1).cloned().unwrap_or_else(|| "".into());
        let _ = map.insert(key.to_key(), value);
    }
    ctx.charge(size_of_val(args))?;
    Ok(Val::Map(map))
}

fn merged(args: &[Val], overwrite: bool) -> Answer {
    let mut target = Args(args).map(0);
    for source in (1..args.len()).map(|i| Args(args).map(i)) {
        if target.is_nil() && !source.is_nil() {
            target = Map::new::<&str>(MapKind::Any, []);
        }
        merge::merge(&target, &source, overwrite)?;
    }
    Ok(plain(target))
}

fn dig(args: &[Val]) -> Answer {
    let not = |value: &Val, wanted: &str| {
        let got = match value {
            Val::Nil => "nil".into(),
            other => other.type_name(),
        };
        FuncError::from(format!(
            "interface conversion: interface {{}} is {got}, not {wanted}"
        ))
    };
    let as_map = |value: &Val| match value {
        Val::Map(map) if map.kind() == MapKind::Any => Ok(map.clone()),
        other => Err(not(other, "map[string]interface {}")),
    };
    let [keys @ .., default, dict] = args else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut map = as_map(dict)?;
    let keys = keys
        .iter()
        .map(|key| key.as_str().ok_or_else(|| not(key, "string")));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let last = keys.len() - 1;
    for (i, key) in keys.into_iter().enumerate() {
        match map.get(&key.to_str()) {
            None => return Ok(default.clone()),
            Some(found) if i == last => return Ok(found),
            Some(found) => map = as_map(&found)?,
        }
    }
    Ok(default.clone())
}
