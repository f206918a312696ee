//! Paths; those of the operating system are the same, for Helm's vectors are Linux's.

use super::args::Args;
use crate::template::funcs::path;
use crate::template::gotmpl::func::{Call, Func, Ty};
use crate::template::gotmpl::value::{Str, Val};

const PATH: &[Ty] = &[Ty::Str];

const BASE: Call = |_, args| Ok(Val::Str(Str::from_bytes(path::base(Args(args).bytes(0)))));
const DIR: Call = |_, args| Ok(Val::Str(Str::from_bytes(path::dir(Args(args).bytes(0)))));
const CLEAN: Call = |_, args| Ok(Val::Str(Str::from_bytes(path::clean(Args(args).bytes(0)))));
const EXT: Call = |_, args| Ok(Val::Str(Str::from_bytes(path::ext(Args(args).bytes(0)))));
const IS_ABS: Call = |_, args| Ok(Args(args).bytes(0).starts_with(b"/").into());

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("base", PATH, BASE),
    Func::new("dir", PATH, DIR),
    Func::new("clean", PATH, CLEAN),
    Func::new("ext", PATH, EXT),
    Func::new("isAbs", PATH, IS_ABS),
    Func::new("osBase", PATH, BASE),
    Func::new("osDir", PATH, DIR),
    Func::new("osClean", PATH, CLEAN),
    Func::new("osExt", PATH, EXT),
    Func::new("osIsAbs", PATH, IS_ABS),
];
