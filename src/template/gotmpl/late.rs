//! Helm's functions that need the render they are called from: include, tpl, required, fail, lookup.

use super::exec::Ctx;
use super::func::{Func, FuncError, Ty};
use super::report::marked;
use super::value::{Str, Val};

/// The function of a name.
pub fn find(name: &str) -> Option<&'static Func> {
    FUNCTIONS.iter().find(|func| func.name == name)
}

/// All of them.
pub static FUNCTIONS: &[Func] = &[
    Func::new("include", &[Ty::Str, Ty::Any], |ctx, args| {
        let name = text(args);
        ctx.include(&name.to_str(), second(args)).map(Val::Str)
    }),
    Func::new("tpl", &[Ty::Str, Ty::Any], |ctx, args| {
        ctx.tpl(&text(args), second(args)).map(Val::Str)
    }),
    Func::new("required", &[Ty::Str, Ty::Any], required),
    Func::new("fail", &[Ty::Str], |ctx, args| failed(ctx, &text(args))),
    Func::new("lookup", &[Ty::Str, Ty::Str, Ty::Str, Ty::Str], lookup),
];

fn text(args: &[Val]) -> Str {
    args.first()
        .and_then(Val::as_str)
        .cloned()
        .unwrap_or_else(|| "".into())
}

fn second(args: &[Val]) -> Val {
    args.get(1).cloned().unwrap_or_default()
}

fn required(ctx: &mut Ctx<'_>, args: &[Val]) -> Result<Val, FuncError> {
    match second(args) {
        Val::Nil => failed(ctx, &text(args)),
        Val::Str(value) if value.is_empty() => failed(ctx, &text(args)),
        value => Ok(value),
    }
}

/// Fails with a message that Helm shows alone; while linting it is only noted.
fn failed(ctx: &mut Ctx<'_>, message: &Str) -> Result<Val, FuncError> {
    if ctx.options().lint {
        ctx.warn(message.to_str().into_owned());
        return Ok("".into());
    }
    Err(FuncError::Message(marked(&message.to_str())))
}

fn lookup(ctx: &mut Ctx<'_>, args: &[Val]) -> Result<Val, FuncError> {
    let options = ctx.options();
    let empty = || Val::map::<&str>([]);
    let Some(hook) = options.lookup.as_ref().filter(|_| !options.lint) else {
        return Ok(empty());
    };
    let arg = |index: usize| args.get(index).and_then(Val::as_str).map(Str::to_str);
    let arg = |index: usize| arg(index).unwrap_or_default();
    match hook(&arg(0), &arg(1), &arg(2), &arg(3))? {
        crate::yaml::Value::Null => Ok(empty()),
        found => Ok(Val::from_yaml(&found)),
    }
}
