//! Lists, defaults and choices.

use std::borrow::Cow;

use super::args::{Args, strings_of, strval};
use super::cast::to_int64;
use super::equal::equal;
use super::{Answer, FuncError, NIL};
use crate::template::gotmpl::exec::Ctx;
use crate::template::gotmpl::func::{Call, Func, Ty};
use crate::template::gotmpl::value::{Elem, List, Val};

const ANY: &[Ty] = &[Ty::Any];
const PAIR: &[Ty] = &[Ty::Any, Ty::Any];
const CHUNK: &[Ty] = &[Ty::Int, Ty::Any];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::variadic("list", &[], Ty::Any, list),
    Func::variadic("tuple", &[], Ty::Any, list),
    Func::new("push", PAIR, PUSH),
    Func::new("mustPush", PAIR, PUSH),
    Func::new("append", PAIR, PUSH),
    Func::new("mustAppend", PAIR, PUSH),
    Func::new("prepend", PAIR, PREPEND),
    Func::new("mustPrepend", PAIR, PREPEND),
    Func::new("first", ANY, FIRST),
    Func::new("mustFirst", ANY, FIRST),
    Func::new("last", ANY, LAST),
    Func::new("mustLast", ANY, LAST),
    Func::new("rest", ANY, REST),
    Func::new("mustRest", ANY, REST),
    Func::new("initial", ANY, INITIAL),
    Func::new("mustInitial", ANY, INITIAL),
    Func::new("reverse", ANY, REVERSE),
    Func::new("mustReverse", ANY, REVERSE),
    Func::new("compact", ANY, COMPACT),
    Func::new("mustCompact", ANY, COMPACT),
    Func::new("uniq", ANY, UNIQ),
    Func::new("mustUniq", ANY, UNIQ),
    Func::variadic("without", ANY, Ty::Any, WITHOUT),
    Func::variadic("mustWithout", ANY, Ty::Any, WITHOUT),
    Func::new("has", PAIR, HAS),
    Func::new("mustHas", PAIR, HAS),
    Func::variadic("slice", ANY, Ty::Any, SLICE),
    Func::variadic("mustSlice", ANY, Ty::Any, SLICE),
    Func::new("chunk", CHUNK, chunk),
    Func::new("mustChunk", CHUNK, chunk),
    Func::variadic("concat", &[], Ty::Any, concat),
    Func::new("sortAlpha", ANY, sort_alpha),
    Func::variadic("default", ANY, Ty::Any, |_, args| {
        let given = args.get(1).filter(|given| given.truth());
        Ok(given.unwrap_or(Args(args).any(0)).clone())
    }),
    Func::new("empty", ANY, |_, args| {
        Ok((!Args(args).any(0).truth()).into())
    }),
    Func::variadic("coalesce", &[], Ty::Any, |_, args| {
        Ok(args
            .iter()
            .find(|arg| arg.truth())
            .cloned()
            .unwrap_or_default())
    }),
    Func::variadic("all", &[], Ty::Any, |_, args| {
        Ok(args.iter().all(Val::truth).into())
    }),
    Func::variadic("any", &[], Ty::Any, |_, args| {
        Ok(args.iter().any(Val::truth).into())
    }),
    Func::new("ternary", &[Ty::Any, Ty::Any, Ty::Bool], |_, args| {
        let index = if Args(args).any(2).truth() { 0 } else { 1 };
        Ok(Args(args).any(index).clone())
    }),
];

const PUSH: Call = |ctx, args| {
    let mut items = items(args, 0, "Cannot push on type")?.into_owned();
    items.push(Args(args).any(1).clone());
    made(ctx, items)
};

const PREPEND: Call = |ctx, args| {
    let items = items(args, 0, "Cannot prepend on type")?;
    made(
        ctx,
        [std::slice::from_ref(Args(args).any(1)), &items].concat(),
    )
};

const FIRST: Call = |_, args| {
    let items = items(args, 0, "Cannot find first on type")?;
    Ok(items.first().cloned().unwrap_or_default())
};

const LAST: Call = |_, args| {
    let items = items(args, 0, "Cannot find last on type")?;
    Ok(items.last().cloned().unwrap_or_default())
};

const REST: Call = |ctx, args| {
    let items = items(args, 0, "Cannot find rest on type")?;
    match items.split_first() {
        Some((_, rest)) => made(ctx, rest.to_vec()),
        None => Ok(Val::List(List::nil(Elem::Any))),
    }
};

const INITIAL: Call = |ctx, args| {
    let items = items(args, 0, "Cannot find initial on type")?;
    match items.split_last() {
        Some((_, rest)) => made(ctx, rest.to_vec()),
        None => Ok(Val::List(List::nil(Elem::Any))),
    }
};

const REVERSE: Call = |ctx, args| {
    let items = items(args, 0, "Cannot find reverse on type")?;
    made(ctx, items.iter().rev().cloned().collect())
};

const COMPACT: Call = |ctx, args| {
    let items = items(args, 0, "Cannot compact on type")?;
    made(
        ctx,
        items.iter().filter(|item| item.truth()).cloned().collect(),
    )
};

const UNIQ: Call = |ctx, args| {
    let mut kept: Vec<Val> = Vec::new();
    for item in items(args, 0, "Cannot find uniq on type")?.iter() {
        if !kept.iter().any(|k| equal(item, k)) {
            kept.push(item.clone());
        }
    }
    made(ctx, kept)
};

const WITHOUT: Call = |ctx, args| {
    let items = items(args, 0, "Cannot find without on type")?;
    let omitted = |item: &Val| Args(args).from(1).iter().any(|omit| equal(item, omit));
    made(
        ctx,
        items
            .iter()
            .filter(|item| !omitted(item))
            .cloned()
            .collect(),
    )
};

const HAS: Call = |_, args| {
    if matches!(Args(args).any(1), Val::Nil) {
        return Ok(false.into());
    }
    let items = items(args, 1, "Cannot find has on type")?;
    Ok(items
        .iter()
        .any(|item| equal(Args(args).any(0), item))
        .into())
};

const SLICE: Call = |_, args| {
    let items = items(args, 0, "list should be type of slice or array but")?;
    let length = items.len() as i64;
    if length == 0 {
        return Ok(Val::Nil);
    }
    let start = args.get(1).map_or(0, to_int64);
    let end = args.get(2).map_or(length, to_int64);
    if start < 0 || end < start || end > length {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    }
    let range = start as usize..end as usize;
    match Args(args).any(0) {
        Val::Bytes(bytes) => Ok(Val::Bytes(bytes.get(range).unwrap_or_default().into())),
        Val::List(list) => {
            let items = items.get(range).unwrap_or_default().to_vec();
            Ok(Val::List(List::new(list.elem(), items)))
        }
        _ => Ok(Val::Nil),
    }
};

/// The elements of a list; what is none is an error that names its kind.
fn items<'a>(args: &'a [Val], index: usize, error: &str) -> Result<Cow<'a, [Val]>, FuncError> {
    match Args(args).any(index) {
        Val::Nil => Err(NIL.into()),
        Val::List(list) => Ok(Cow::Borrowed(list.items())),
        Val::Bytes(bytes) => Ok(bytes.iter().map(|b| Val::Uint8(*b)).collect()),
        other => Err(format!("{error} {}", other.kind().name()).into()),
    }
}

/// A new list, counted.
fn made(ctx: &mut Ctx<'_>, items: Vec<Val>) -> Answer {
    ctx.charge(items.len() * size_of::<Val>())?;
    Ok(Val::list(items))
}

fn list(ctx: &mut Ctx<'_>, args: &[Val]) -> Answer {
    made(ctx, args.to_vec())
}

fn chunk(ctx: &mut Ctx<'_>, args: &[Val]) -> Answer {
    let size = Args(args).int(0);
    let items = items(args, 1, "Cannot chunk type")?;
    let chunks = match usize::try_from(size) {
        Ok(size) if size > 0 => {
            ctx.charge(items.len() * 2 * size_of::<Val>())?;
            items
                .chunks(size)
                .map(|chunk| Val::list(chunk.to_vec()))
                .collect()
        }
        // a negative size asks for a negative number of chunks, or for none
        _ if size < 0 && items.len() as i64 - 1 < -size && items.len() > 1 => Vec::new(),
        _ if size < 0 && items.len() as i64 - 1 == -size => Vec::new(),
        _ => return Err("runtime error: makeslice: len out of range".into()),
    };
    Ok(Val::List(List::new(Elem::AnyList, chunks)))
}

fn concat(ctx: &mut Ctx<'_>, args: &[Val]) -> Answer {
    let mut all = Vec::new();
    for index in 0..args.len() {
        let kind = Args(args).any(index).kind().name();
        let items = items(args, index, "").map_err(|err| match err {
            FuncError::Message(text) if text != NIL => {
                format!("Cannot concat type {kind} as list").into()
            }
            other => other,
        })?;
        all.extend_from_slice(&items);
    }
    if all.is_empty() {
        return Ok(Val::List(List::nil(Elem::Any)));
    }
    made(ctx, all)
}

fn sort_alpha(ctx: &mut Ctx<'_>, args: &[Val]) -> Answer {
    let value = Args(args).any(0);
    if !matches!(value, Val::List(_) | Val::Bytes(_)) {
        return Ok(Val::strings([strval(ctx, value)?]));
    }
    let mut texts = strings_of(ctx, value)?;
    texts.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(Val::strings(texts))
}
