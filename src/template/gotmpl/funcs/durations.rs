//! Helm's functions of durations: anything that can be read as one, in another unit.

use super::FuncError;
use super::args::Args;
use crate::template::funcs::duration;
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::strconv::{format_float, parse_float, quote};
use crate::template::gotmpl::value::Val;

const ANY: &[Ty] = &[Ty::Any];
const PAIR: &[Ty] = &[Ty::Any, Ty::Any];
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("mustToDuration", ANY, |_, args| {
        Ok(Val::duration(read(Args(args).any(0))?))
    }),
    Func::new("durationSeconds", ANY, |_, args| {
        Ok(Val::Float(parts(args, SECOND)))
    }),
    Func::new("durationMinutes", ANY, |_, args| {
        Ok(Val::Float(parts(args, 60 * SECOND)))
    }),
    Func::new("durationHours", ANY, |_, args| {
        Ok(Val::Float(parts(args, HOUR)))
    }),
    Func::new("durationDays", ANY, |_, args| {
        Ok(Val::Float(parts(args, HOUR) / 24.0))
    }),
    Func::new("durationWeeks", ANY, |_, args| {
        Ok(Val::Float(parts(args, HOUR) / 24.0 / 7.0))
    }),
    Func::new("durationMilliseconds", ANY, |_, args| {
        Ok(Val::Int64(or_zero(args) / 1_000_000))
    }),
    Func::new("durationMicroseconds", ANY, |_, args| {
        Ok(Val::Int64(or_zero(args) / 1_000))
    }),
    Func::new("durationNanoseconds", ANY, |_, args| {
        Ok(Val::Int64(or_zero(args)))
    }),
    Func::new("durationRoundTo", PAIR, |_, args| {
        Ok(to_unit(args, duration::round))
    }),
    Func::new("durationTruncateTo", PAIR, |_, args| {
        Ok(to_unit(args, duration::truncate))
    }),
];

fn or_zero(args: &[Val]) -> i64 {
    read(Args(args).any(0)).unwrap_or(0)
}

/// Go divides whole units and the rest apart.
fn parts(args: &[Val], unit: i64) -> f64 {
    let n = or_zero(args);
    (n / unit) as f64 + (n % unit) as f64 / unit as f64
}

fn to_unit(args: &[Val], change: fn(i64, i64) -> i64) -> Val {
    let Ok(duration) = read(Args(args).any(0)) else {
        return Val::duration(0);
    };
    let unit = read(Args(args).any(1));
    Val::duration(unit.map_or(duration, |unit| change(duration, unit)))
}

/// A duration, a text of one, or a number of seconds.
fn read(value: &Val) -> Result<i64, FuncError> {
    if let Some(nanoseconds) = value.as_duration() {
        return Ok(nanoseconds);
    }
    match value {
        Val::Nil => Err("invalid duration".into()),
        Val::Str(text) => {
            let whole = text.to_str();
            let text = whole.trim();
            if text.is_empty() {
                return Err("empty duration".into());
            }
            if let Ok(nanoseconds) = duration::parse(text) {
                return Ok(nanoseconds);
            }
            match parse_float(text) {
                Some((float, false)) => seconds(float),
                _ => Err(format!("could not parse duration {}", quote(whole.as_bytes())).into()),
            }
        }
        Val::Float(float) => seconds(*float),
        Val::Int(n) | Val::Int64(n) | Val::Named(_, n) => whole(i128::from(*n)),
        Val::Uint8(n) => whole(i128::from(*n)),
        Val::Uint64(n) => whole(i128::from(*n)),
        other => Err(format!("unsupported duration type {}", other.type_name()).into()),
    }
}

fn whole(seconds: i128) -> Result<i64, FuncError> {
    let nanoseconds = i64::try_from(seconds.saturating_mul(i128::from(SECOND)));
    nanoseconds.map_err(|_| format!("duration seconds overflow: {seconds}").into())
}

fn seconds(float: f64) -> Result<i64, FuncError> {
    let shown = |float| format_float(float, b'g', None);
    if !float.is_finite() {
        return Err(format!("invalid duration seconds: {}", shown(float)).into());
    }
    if float.abs() > i64::MAX as f64 / SECOND as f64 {
        return Err(format!("duration seconds overflow: {}", shown(float)).into());
    }
    Ok(super::cast::truncate(float * SECOND as f64))
}
