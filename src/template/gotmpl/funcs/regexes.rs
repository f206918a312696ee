//! Regular expressions.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::FuncError;
use super::args::Args;
use crate::template::funcs::regexp::{Regexp, quote_meta};
use crate::template::gotmpl::func::{Call, Func, Ty};
use crate::template::gotmpl::strconv::{can_backquote, quote};
use crate::template::gotmpl::value::{Elem, List, Val};

const TWO: &[Ty] = &[Ty::Str, Ty::Str];
const THREE: &[Ty] = &[Ty::Str, Ty::Str, Ty::Str];
const COUNTED: &[Ty] = &[Ty::Str, Ty::Str, Ty::Int];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("regexMatch", TWO, |_, args| {
        let found = compiled(args, true).is_ok_and(|re| re.is_match(&Args(args).text(1)));
        Ok(found.into())
    }),
    Func::new("mustRegexMatch", TWO, |_, args| {
        Ok(compiled(args, true)?.is_match(&Args(args).text(1)).into())
    }),
    Func::new("regexFind", TWO, |ctx, args| FIND[0](ctx, args)),
    Func::new("mustRegexFind", TWO, |ctx, args| FIND[1](ctx, args)),
    Func::new("regexFindAll", COUNTED, |ctx, args| FIND_ALL[0](ctx, args)),
    Func::new("mustRegexFindAll", COUNTED, |ctx, args| {
        FIND_ALL[1](ctx, args)
    }),
    Func::new("regexReplaceAll", THREE, |ctx, args| REPLACE[0](ctx, args)),
    Func::new("mustRegexReplaceAll", THREE, |ctx, args| {
        REPLACE[1](ctx, args)
    }),
    Func::new("regexReplaceAllLiteral", THREE, |ctx, args| {
        LITERAL[0](ctx, args)
    }),
    Func::new("mustRegexReplaceAllLiteral", THREE, |ctx, args| {
        LITERAL[1](ctx, args)
    }),
    Func::new("regexSplit", COUNTED, |ctx, args| SPLIT[0](ctx, args)),
    Func::new("mustRegexSplit", COUNTED, |ctx, args| SPLIT[1](ctx, args)),
    Func::new("regexQuoteMeta", &[Ty::Str], |_, args| {
        Ok(quote_meta(&Args(args).text(0)).into())
    }),
];

/// The function that panics on a bad expression, and the one that returns the error: the texts
/// differ.
macro_rules! both {
    ($body:expr) => {
        [
            |ctx, args| $body(ctx, args, compiled(args, false)?),
            |ctx, args| $body(ctx, args, compiled(args, true)?),
        ]
    };
}

type Body =
    fn(&mut crate::template::gotmpl::exec::Ctx<'_>, &[Val], Rc<Regexp>) -> Result<Val, FuncError>;

const FIND_BODY: Body = |_, args, re| Ok(re.find(&Args(args).text(1)).unwrap_or("").into());
const FIND: [Call; 2] = both!(FIND_BODY);

const FIND_ALL_BODY: Body = |ctx, args, re| {
    let text = Args(args).text(1);
    let found = re.find_all(&text, Args(args).int(2));
    ctx.charge(found.len() * 64)?;
    Ok(match found.is_empty() {
        true => Val::List(List::nil(Elem::Str)),
        false => Val::strings(found),
    })
};
const FIND_ALL: [Call; 2] = both!(FIND_ALL_BODY);

const REPLACE_BODY: Body = |ctx, args, re| {
    let (text, template) = (Args(args).text(1), Args(args).text(2));
    let replaced = re.replace_all(&text, &template);
    ctx.charge(replaced.len())?;
    Ok(Val::Str(replaced.into()))
};
const REPLACE: [Call; 2] = both!(REPLACE_BODY);

const LITERAL_BODY: Body = |ctx, args, re| {
    let (text, by) = (Args(args).text(1), Args(args).text(2));
    let replaced = re.replace_all_literal(&text, &by);
    ctx.charge(replaced.len())?;
    Ok(Val::Str(replaced.into()))
};
const LITERAL: [Call; 2] = both!(LITERAL_BODY);

const SPLIT_BODY: Body = |ctx, args, re| {
    let (text, limit) = (Args(args).text(1), Args(args).int(2));
    if limit == 0 {
        return Ok(Val::List(List::nil(Elem::Str)));
    }
    let pieces = re.split(&text, limit);
    ctx.charge(pieces.len() * 64)?;
    Ok(Val::strings(pieces))
};
const SPLIT: [Call; 2] = both!(SPLIT_BODY);

/// How many compiled expressions are kept.
const KEPT: usize = 64;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Rc<Regexp>>> = RefCell::new(HashMap::new());
}

/// The compiled first argument, kept for the next call.
fn compiled(args: &[Val], must: bool) -> Result<Rc<Regexp>, FuncError> {
    let expression = Args(args).text(0);
    let kept = COMPILED.with_borrow(|kept| kept.get(&*expression).cloned());
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let regexp = Regexp::new(&expression).map_err(|err| {
        if must {
            return err.to_string();
        }
        let bytes = expression.as_bytes();
        let quoted = if can_backquote(bytes) {
            format!("`{expression}`")
        } else {
            quote(bytes)
        };
        format!("regexp: Compile({quoted}): {err}")
    })?;
    let regexp = Rc::new(regexp);
    COMPILED.with_borrow_mut(|kept| {
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(expression.into_owned(), regexp.clone());
    });
    Ok(regexp)
}
