//! Semantic versions and constraints on them.

use std::any::Any;

use super::args::Args;
use super::{Answer, FuncError};
use crate::template::funcs::semver::{Constraint, Version};
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::strconv::quote;
use crate::template::gotmpl::value::{Kind, MarshalError, Object, Val};
use crate::yaml::Value;

const POINTER: &str = "*semver.Version";
const OTHER: &[Ty] = &[Ty::Named(POINTER)];

/// Masterminds' bounds on what is read.
const MAX_VERSION: usize = 256;
const MAX_CONSTRAINT: usize = 512;
const MAX_GROUPS: usize = 32;

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("semver", &[Ty::Str], |_, args| {
        let version = parse(&Args(args).text(0))?;
        Ok(Val::object(Semver {
            version,
            pointer: true,
        }))
    }),
    Func::new("semverCompare", &[Ty::Str, Ty::Str], |_, args| {
        let constraint = constraint(&Args(args).text(0))?;
        Ok(constraint.matches(&parse(&Args(args).text(1))?).into())
    }),
];

fn parse(text: &str) -> Result<Version, FuncError> {
    if text.len() > MAX_VERSION {
        let message = format!("version string is too long (max {MAX_VERSION} bytes)");
        return Err(message.into());
    }
    Version::parse(text).map_err(|_| why_not(text).into())
}

/// Which of Masterminds' errors a text is that is no version.
fn why_not(text: &str) -> String {
    let rest = text.strip_prefix('v').unwrap_or(text);
    let numbers = rest.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = numbers.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let tail = rest.get(numbers.len()..).unwrap_or_default();
    let identifiers = tail.get(1..).unwrap_or_default().split(['.', '+']);
    let allowed =
        |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let shaped = tail.is_empty() || identifiers.clone().all(allowed);
    if parts.len() > 3 || !parts.iter().all(digits) || !shaped {
        return "invalid semantic version".to_owned();
    }
    if let Some(part) = parts.iter().find(|part| part.parse::<u64>().is_err()) {
        let part = quote(part.as_bytes());
        return format!(
            "error parsing version segment: strconv.ParseUint: parsing {part}: value out of range"
        );
    }
    "version segment starts with 0".to_owned()
}

fn constraint(text: &str) -> Result<Constraint, FuncError> {
    if text.len() > MAX_CONSTRAINT {
        let message = format!("constraint string is too long (max {MAX_CONSTRAINT} bytes)");
        return Err(message.into());
    }
    if text.split("||").count() > MAX_GROUPS {
        return Err(format!("too many constraint groups (max {MAX_GROUPS})").into());
    }
    Constraint::parse(text).map_err(|_| {
        let bad = text
            .split("||")
            .find(|part| Constraint::parse(part).is_err());
        format!(
            "improper constraint: {}",
            quote(bad.unwrap_or(text).as_bytes())
        )
        .into()
    })
}

/// A version: what `semver` yields is a pointer, what `IncMajor` and its kin yield is not.
struct Semver {
    version: Version,
    pointer: bool,
}

impl Object for Semver {
    fn type_name(&self) -> &'static str {
        if self.pointer {
            POINTER
        } else {
            "semver.Version"
        }
    }

    fn kind(&self) -> Kind {
        if self.pointer {
            Kind::Ptr
        } else {
            Kind::Struct
        }
    }

    fn field(&self, _name: &str) -> Option<Val> {
        None
    }

    fn fields(&self) -> Vec<(&'static str, Val)> {
        let version = &self.version;
        vec![
            ("major", Val::Uint64(version.major)),
            ("minor", Val::Uint64(version.minor)),
            ("patch", Val::Uint64(version.patch)),
            ("pre", version.pre.as_str().into()),
            ("metadata", version.build.as_str().into()),
            ("original", version.original().into()),
        ]
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        METHODS.iter().find(|func| func.name == name)
    }

    fn string(&self) -> Option<String> {
        Some(self.version.to_string())
    }

    fn json(&self) -> Result<Value, MarshalError> {
        Ok(Value::String(self.version.to_string()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

static METHODS: &[Func] = &[
    Func::new("Major", &[], |_, args| this(args, |v| Val::Uint64(v.major))),
    Func::new("Minor", &[], |_, args| this(args, |v| Val::Uint64(v.minor))),
    Func::new("Patch", &[], |_, args| this(args, |v| Val::Uint64(v.patch))),
    Func::new("Prerelease", &[], |_, args| {
        this(args, |v| v.pre.as_str().into())
    }),
    Func::new("Metadata", &[], |_, args| {
        this(args, |v| v.build.as_str().into())
    }),
    Func::new("Original", &[], |_, args| {
        this(args, |v| v.original().into())
    }),
    Func::new("String", &[], |_, args| {
        this(args, |v| v.to_string().into())
    }),
    Func::new("IncMajor", &[], |_, args| {
        next(args, |v| (v.major.checked_add(1), Some(0), Some(0)))
    }),
    Func::new("IncMinor", &[], |_, args| {
        next(args, |v| (Some(v.major), v.minor.checked_add(1), Some(0)))
    }),
    Func::new("IncPatch", &[], |_, args| {
        next(args, |v| {
            // a prerelease comes before its release
            let patch = if v.pre.is_empty() {
                v.patch.checked_add(1)
            } else {
                Some(v.patch)
            };
            (Some(v.major), Some(v.minor), patch)
        })
    }),
    Func::new("Compare", OTHER, |_, args| {
        both(args, |a, b| Val::Int(a.cmp(b) as i64))
    }),
    Func::new("Equal", OTHER, |_, args| both(args, |a, b| (a == b).into())),
    Func::new("LessThan", OTHER, |_, args| {
        both(args, |a, b| (a < b).into())
    }),
    Func::new("LessThanEqual", OTHER, |_, args| {
        both(args, |a, b| (a <= b).into())
    }),
    Func::new("GreaterThan", OTHER, |_, args| {
        both(args, |a, b| (a > b).into())
    }),
    Func::new("GreaterThanEqual", OTHER, |_, args| {
        both(args, |a, b| (a >= b).into())
    }),
];

fn version(args: &[Val], index: usize) -> Result<&Version, FuncError> {
    let found = args.get(index).and_then(Val::downcast::<Semver>);
    found
        .map(|semver| &semver.version)
        .ok_or_else(|| super::NIL.into())
}

fn this(args: &[Val], read: fn(&Version) -> Val) -> Answer {
    version(args, 0).map(read)
}

fn both(args: &[Val], compare: fn(&Version, &Version) -> Val) -> Answer {
    Ok(compare(version(args, 0)?, version(args, 1)?))
}

type Numbers = (Option<u64>, Option<u64>, Option<u64>);

fn next(args: &[Val], numbers: fn(&Version) -> Numbers) -> Answer {
    let old = version(args, 0)?;
    let (Some(major), Some(minor), Some(patch)) = numbers(old) else {
        return Err("version increment would overflow uint64".into());
    };
    let prefix = if old.original().starts_with('v') {
        "v"
    } else {
        ""
    };
    let version = parse(&format!("{prefix}{major}.{minor}.{patch}"))?;
    Ok(Val::object(Semver {
        version,
        pointer: false,
    }))
}
