//! Texts.

use memchr::memmem;

use super::args::{Args, strings_of, strval};
use super::{Answer, FuncError};
use crate::template::funcs::crypto::{Alphabet, random_below, random_text};
use crate::template::funcs::{words, wrap};
use crate::template::gotmpl::exec::Ctx;
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::strconv::quote;
use crate::template::gotmpl::value::{Map, MapKind, Str, Val};

const ONE: &[Ty] = &[Ty::Str];
const TWO: &[Ty] = &[Ty::Str, Ty::Str];
const NUMBERED: &[Ty] = &[Ty::Int, Ty::Str];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("hello", &[], |_, _| Ok("Hello!".into())),
    Func::new("abbrev", NUMBERED, |_, args| Ok(abbrev(Args(args)))),
    Func::new("abbrevboth", &[Ty::Int, Ty::Int, Ty::Str], |_, args| {
        Ok(abbrevboth(Args(args)))
    }),
    Func::new("trunc", NUMBERED, |_, args| Ok(trunc(Args(args)))),
    Func::new("substr", &[Ty::Int, Ty::Int, Ty::Str], |_, args| {
        substr(Args(args))
    }),
    Func::new("trim", ONE, |_, args| Ok(Args(args).text(0).trim().into())),
    Func::new("upper", ONE, |_, args| mapped(args, words::upper)),
    Func::new("lower", ONE, |_, args| mapped(args, words::lower)),
    Func::new("title", ONE, |_, args| text(args, words::title)),
    Func::new("untitle", ONE, |_, args| text(args, words::untitle)),
    Func::new("swapcase", ONE, |_, args| text(args, words::swapcase)),
    Func::new("camelcase", ONE, |_, args| text(args, words::pascal_case)),
    Func::new("snakecase", ONE, |_, args| {
        text(args, |t| words::connect_words(t, '_'))
    }),
    Func::new("kebabcase", ONE, |_, args| {
        text(args, |t| words::connect_words(t, '-'))
    }),
    Func::new("initials", ONE, |_, args| {
        Ok(words::initials(Args(args).bytes(0)).into())
    }),
    Func::new("nospace", ONE, |_, args| {
        bytes(words::nospace(Args(args).bytes(0)))
    }),
    Func::new("shuffle", ONE, |_, args| Ok(shuffle(&Args(args).text(0)))),
    Func::new("wrap", NUMBERED, |ctx, args| {
        wrapped(ctx, Args(args), b"", 1, false)
    }),
    Func::new("wrapWith", &[Ty::Int, Ty::Str, Ty::Str], |ctx, args| {
        wrapped(ctx, Args(args), Args(args).bytes(1), 2, true)
    }),
    Func::new("repeat", NUMBERED, |ctx, args| {
        bytes(repeat(ctx, Args(args).bytes(1), Args(args).int(0))?)
    }),
    Func::new("trimall", TWO, |_, args| trim_all(args)),
    Func::new("trimAll", TWO, |_, args| trim_all(args)),
    Func::new("trimSuffix", TWO, |_, args| {
        let text = Args(args).bytes(1);
        bytes(text.strip_suffix(Args(args).bytes(0)).unwrap_or(text))
    }),
    Func::new("trimPrefix", TWO, |_, args| {
        let text = Args(args).bytes(1);
        bytes(text.strip_prefix(Args(args).bytes(0)).unwrap_or(text))
    }),
    Func::new("contains", TWO, |_, args| {
        Ok(memmem::find(Args(args).bytes(1), Args(args).bytes(0))
            .is_some()
            .into())
    }),
    Func::new("hasPrefix", TWO, |_, args| {
        Ok(Args(args).bytes(1).starts_with(Args(args).bytes(0)).into())
    }),
    Func::new("hasSuffix", TWO, |_, args| {
        Ok(Args(args).bytes(1).ends_with(Args(args).bytes(0)).into())
    }),
    Func::variadic("quote", &[], Ty::Any, |ctx, args| {
        joined(ctx, args, |ctx, arg| {
            Ok(quote(strval(ctx, arg)?.as_bytes()).into_bytes())
        })
    }),
    Func::variadic("squote", &[], Ty::Any, |ctx, args| {
        joined(ctx, args, |ctx, arg| {
            let text = ctx.sprint(std::slice::from_ref(arg))?;
            Ok([b"'", text.as_bytes(), b"'"].concat())
        })
    }),
    Func::variadic("cat", &[], Ty::Any, |ctx, args| {
        joined(ctx, args, |ctx, arg| {
            Ok(ctx.sprint(std::slice::from_ref(arg))?.as_bytes().to_vec())
        })
    }),
    Func::new("indent", NUMBERED, |ctx, args| indent(ctx, Args(args), b"")),
    Func::new("nindent", NUMBERED, |ctx, args| {
        indent(ctx, Args(args), b"\n")
    }),
    Func::new("replace", &[Ty::Str, Ty::Str, Ty::Str], |ctx, args| {
        replace(ctx, Args(args))
    }),
    Func::new("plural", &[Ty::Str, Ty::Str, Ty::Int], |_, args| {
        let index = if Args(args).int(2) == 1 { 0 } else { 1 };
        Ok(Args(args).any(index).clone())
    }),
    Func::new("toString", &[Ty::Any], |ctx, args| {
        strval(ctx, Args(args).any(0)).map(Val::Str)
    }),
    Func::new("toStrings", &[Ty::Any], |ctx, args| {
        strings_of(ctx, Args(args).any(0)).map(Val::strings)
    }),
    Func::new("join", &[Ty::Str, Ty::Any], |ctx, args| {
        let texts = strings_of(ctx, Args(args).any(1))?;
        let separator = Args(args).bytes(0);
        let size: usize = texts.iter().map(|t| t.len() + separator.len()).sum();
        ctx.charge(size)?;
        let texts: Vec<&[u8]> = texts.iter().map(Str::as_bytes).collect();
        bytes(texts.join(separator))
    }),
    Func::new("split", TWO, |ctx, args| {
        let parts = split(ctx, Args(args).bytes(1), Args(args).bytes(0), -1)?;
        Ok(numbered(parts))
    }),
    Func::new("splitn", &[Ty::Str, Ty::Int, Ty::Str], |ctx, args| {
        let limit = Args(args).int(1);
        Ok(numbered(split(
            ctx,
            Args(args).bytes(2),
            Args(args).bytes(0),
            limit,
        )?))
    }),
    Func::new("splitList", TWO, |ctx, args| {
        let parts = split(ctx, Args(args).bytes(1), Args(args).bytes(0), -1)?;
        Ok(Val::strings(parts.into_iter().map(Str::from_bytes)))
    }),
    Func::new("randAlphaNum", &[Ty::Int], |ctx, args| {
        random(ctx, args, Alphabet::AlphaNumeric)
    }),
    Func::new("randAlpha", &[Ty::Int], |ctx, args| {
        random(ctx, args, Alphabet::Alpha)
    }),
    Func::new("randAscii", &[Ty::Int], |ctx, args| {
        random(ctx, args, Alphabet::Ascii)
    }),
    Func::new("randNumeric", &[Ty::Int], |ctx, args| {
        random(ctx, args, Alphabet::Numeric)
    }),
];

fn bytes(bytes: impl Into<Vec<u8>>) -> Answer {
    Ok(Val::Str(Str::from_bytes(bytes)))
}

fn text(args: &[Val], change: impl Fn(&str) -> String) -> Answer {
    Ok(change(&Args(args).text(0)).into())
}

fn mapped(args: &[Val], map: fn(char) -> char) -> Answer {
    Ok(Args(args)
        .text(0)
        .chars()
        .map(map)
        .collect::<String>()
        .into())
}

fn abbrev(args: Args<'_>) -> Val {
    match usize::try_from(args.int(0)) {
        Ok(width) if width >= 4 => {
            Val::Str(Str::from_bytes(wrap::abbreviate(args.bytes(1), 0, width)))
        }
        _ => args.any(1).clone(),
    }
}

fn abbrevboth(args: Args<'_>) -> Val {
    let (left, right) = (args.int(0), args.int(1));
    match usize::try_from(right) {
        Ok(width) if width >= 4 && !(left > 0 && width < 7) => Val::Str(Str::from_bytes(
            wrap::abbreviate(args.bytes(2), left, width),
        )),
        _ => args.any(2).clone(),
    }
}

fn trunc(args: Args<'_>) -> Val {
    let (count, text) = (args.int(0), args.bytes(1));
    let magnitude = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let cut = match text.len().checked_sub(magnitude) {
        Some(start) if start > 0 && count < 0 => text.get(start..),
        Some(left) if left > 0 => text.get(..magnitude),
        _ => None,
    };
    cut.map_or_else(|| args.any(1).clone(), |cut| Val::Str(Str::from_bytes(cut)))
}

/// Go's bounds checks, in Go's words.
fn substr(args: Args<'_>) -> Answer {
    let (start, end, text) = (args.int(0), args.int(1), args.bytes(2));
    let length = text.len() as i64;
    let out = |range: String| {
        FuncError::from(format!("runtime error: slice bounds out of range {range}"))
    };
    let (start, end) = if start < 0 {
        if end < 0 {
            return Err(out(format!("[:{end}]")));
        }
        if end > length {
            return Err(out(format!("[:{end}] with length {length}")));
        }
        (0, end)
    } else if end < 0 || end > length {
        if start > length {
            return Err(out(format!("[{start}:{length}]")));
        }
        (start, length)
    } else if start > end {
        return Err(out(format!("[{start}:{end}]")));
    } else {
        (start, end)
    };
    bytes(text.get(start as usize..end as usize).unwrap_or_default())
}

fn shuffle(text: &str) -> Val {
    let mut chars: Vec<char> = text.chars().collect();
    for i in (1..chars.len()).rev() {
        chars.swap(i, random_below(i as u64 + 1) as usize);
    }
    chars.into_iter().collect::<String>().into()
}

fn wrapped(ctx: &mut Ctx<'_>, args: Args<'_>, newline: &[u8], at: usize, cut: bool) -> Answer {
    let text = args.bytes(at);
    let width = usize::try_from(args.int(0)).unwrap_or(1).max(1);
    ctx.charge(
        text.len()
            .saturating_add((text.len() / width).saturating_mul(newline.len())),
    )?;
    bytes(wrap::wrap(text, width, newline, cut))
}

fn repeat(ctx: &mut Ctx<'_>, text: &[u8], count: i64) -> Result<Vec<u8>, FuncError> {
    let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count")?;
    ctx.charge(text.len().saturating_mul(count))?;
    Ok(text.repeat(count))
}

fn trim_all(args: &[Val]) -> Answer {
    let (cutset, text) = (Args(args).text(0), Args(args).text(1));
    Ok(text.trim_matches(|c| cutset.contains(c)).into())
}

/// The texts of all arguments that are not nil, with spaces between them.
fn joined(
    ctx: &mut Ctx<'_>,
    args: &[Val],
    show: fn(&mut Ctx<'_>, &Val) -> Result<Vec<u8>, FuncError>,
) -> Answer {
    let args = args.iter().filter(|arg| !matches!(arg, Val::Nil));
    let texts = args
        .map(|arg| show(ctx, arg))
        .collect::<Result<Vec<_>, _>>()?;
    bytes(texts.join(b" ".as_slice()))
}

fn indent(ctx: &mut Ctx<'_>, args: Args<'_>, before: &[u8]) -> Answer {
    let text = args.bytes(1);
    let pad = repeat(ctx, b" ", args.int(0))?;
    let lines = memchr::memchr_iter(b'\n', text).count();
    let size = text.len() + (lines + 1).saturating_mul(pad.len());
    ctx.charge(size)?;
    let mut out = Vec::with_capacity(size + 1);
    out.extend_from_slice(before);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text)
        .map(|at| at + 1)
        .chain([text.len()])
    {
        out.extend_from_slice(&pad);
        out.extend_from_slice(text.get(start..end).unwrap_or_default());
        start = end;
    }
    bytes(out)
}

fn replace(ctx: &mut Ctx<'_>, args: Args<'_>) -> Answer {
    let (old, new, text) = (args.bytes(0), args.bytes(1), args.bytes(2));
    if old.is_empty() {
        let text = args.text(2);
        ctx.charge((text.len() + 1).saturating_mul(new.len() + 1))?;
        return Ok(text.replace("", &args.text(1)).into());
    }
    let parts = split(ctx, text, old, -1)?;
    let size: usize = parts
        .iter()
        .map(|part| part.len().saturating_add(new.len()))
        .sum();
    ctx.charge(size)?;
    bytes(parts.join(new))
}

/// Go's `strings.SplitN`: at most `limit` pieces, all if it is negative; without a separator the
/// characters.
fn split(
    ctx: &mut Ctx<'_>,
    text: &[u8],
    separator: &[u8],
    limit: i64,
) -> Result<Vec<Vec<u8>>, FuncError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts: Vec<Vec<u8>> = Vec::new();
    if limit == 0 || (separator.is_empty() && text.is_empty()) {
        return Ok(parts);
    }
    let mut rest = text;
    while parts.len() + 1 < limit {
        let (end, skip) = if separator.is_empty() {
            let first = rest.utf8_chunks().next();
            let first = first
                .and_then(|c| c.valid().chars().next())
                .map_or(1, char::len_utf8);
            if first >= rest.len() {
                break;
            }
            (first, 0)
        } else {
            match memmem::find(rest, separator) {
                Some(at) => (at, separator.len()),
                None => break,
            }
        };
        ctx.charge(64)?;
        parts.push(rest.get(..end).unwrap_or_default().to_vec());
        rest = rest.get(end + skip..).unwrap_or_default();
    }
    parts.push(rest.to_vec());
    Ok(parts)
}

/// `_0`, `_1` and so on.
fn numbered(parts: Vec<Vec<u8>>) -> Val {
    let parts = parts.into_iter().enumerate();
    let entries = parts.map(|(i, part)| (format!("_{i}"), Val::Str(Str::from_bytes(part))));
    Val::Map(Map::new(MapKind::Str, entries))
}

fn random(ctx: &mut Ctx<'_>, args: &[Val], alphabet: Alphabet) -> Answer {
    let count = usize::try_from(Args(args).int(0)).unwrap_or(0);
    ctx.charge(count)?;
    Ok(random_text(alphabet, count).into())
}
