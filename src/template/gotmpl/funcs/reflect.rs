//! Types and kinds, as Go names them.

use super::args::Args;
use super::equal::equal;
use crate::template::gotmpl::func::{Func, Ty};

const NAMED: &[Ty] = &[Ty::Str, Ty::Any];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("typeOf", &[Ty::Any], |_, args| {
        Ok(Args(args).any(0).type_name().into_owned().into())
    }),
    Func::new("typeIs", NAMED, |_, args| {
        Ok((Args(args).text(0) == Args(args).any(1).type_name()).into())
    }),
    Func::new("typeIsLike", NAMED, |_, args| {
        let (wanted, found) = (Args(args).text(0), Args(args).any(1).type_name());
        Ok((wanted == found || found.strip_prefix('*') == Some(&wanted)).into())
    }),
    Func::new("kindOf", &[Ty::Any], |_, args| {
        Ok(Args(args).any(0).kind().name().into())
    }),
    Func::new("kindIs", NAMED, |_, args| {
        Ok((Args(args).text(0) == Args(args).any(1).kind().name()).into())
    }),
    Func::new("deepEqual", &[Ty::Any, Ty::Any], |_, args| {
        Ok(equal(Args(args).any(0), Args(args).any(1)).into())
    }),
];
