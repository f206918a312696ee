//! Methods of values that the engine itself brings: durations, `.Files`, version sets.

use super::func::{Func, FuncError};
use super::value::Val;

/// The methods of `time.Duration`.
pub fn duration(name: &str) -> Option<&'static Func> {
    DURATION.iter().find(|func| func.name == name)
}

static DURATION: &[Func] = &[
    Func::new("Hours", &[], |_, args| float(args, 3_600_000_000_000)),
    Func::new("Minutes", &[], |_, args| float(args, 60_000_000_000)),
    Func::new("Seconds", &[], |_, args| float(args, 1_000_000_000)),
    Func::new("Milliseconds", &[], |_, args| whole(args, 1_000_000)),
    Func::new("Microseconds", &[], |_, args| whole(args, 1_000)),
    Func::new("Nanoseconds", &[], |_, args| whole(args, 1)),
    Func::new("Abs", &[], |_, args| {
        Ok(Val::duration(nanoseconds(args).saturating_abs()))
    }),
    Func::new("String", &[], |_, args| {
        Ok(super::value::format_duration(nanoseconds(args)).into())
    }),
];

fn nanoseconds(args: &[Val]) -> i64 {
    args.first().and_then(Val::as_duration).unwrap_or(0)
}

/// Go divides whole units and the rest apart, so that large durations keep their precision.
fn float(args: &[Val], unit: i64) -> Result<Val, FuncError> {
    let n = nanoseconds(args);
    Ok(Val::Float(
        (n / unit) as f64 + (n % unit) as f64 / unit as f64,
    ))
}

fn whole(args: &[Val], unit: i64) -> Result<Val, FuncError> {
    Ok(Val::Int64(nanoseconds(args) / unit))
}
