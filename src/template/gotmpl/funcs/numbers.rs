//! Numbers and arithmetic.

use super::args::Args;
use super::cast::{to_float, to_int64};
use super::{Answer, FuncError};
use crate::template::funcs::crypto::random_below;
use crate::template::funcs::decimal::Decimal;
use crate::template::gotmpl::exec::Ctx;
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::value::{Elem, List, Val};

const ANY: &[Ty] = &[Ty::Any];
const PAIR: &[Ty] = &[Ty::Any, Ty::Any];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("atoi", &[Ty::Str], |_, args| {
        Ok(Val::Int(atoi(&Args(args).text(0))))
    }),
    Func::new("int64", ANY, |_, args| {
        Ok(Val::Int64(to_int64(Args(args).any(0))))
    }),
    Func::new("int", ANY, |_, args| {
        Ok(Val::Int(to_int64(Args(args).any(0))))
    }),
    Func::new("float64", ANY, |_, args| {
        Ok(Val::Float(to_float(Args(args).any(0))))
    }),
    Func::new("toDecimal", ANY, |ctx, args| {
        let text = ctx.sprint(args)?;
        Ok(Val::Int64(
            i64::from_str_radix(&text.to_str(), 8).unwrap_or(0),
        ))
    }),
    Func::new("add1", ANY, |_, args| {
        Ok(Val::Int64(to_int64(Args(args).any(0)).wrapping_add(1)))
    }),
    Func::variadic("add", &[], Ty::Any, |_, args| {
        Ok(Val::Int64(
            args.iter()
                .fold(0, |sum, arg| sum.wrapping_add(to_int64(arg))),
        ))
    }),
    Func::new("sub", PAIR, |_, args| {
        let (a, b) = pair(args);
        Ok(Val::Int64(a.wrapping_sub(b)))
    }),
    Func::new("div", PAIR, |_, args| match pair(args) {
        (_, 0) => Err("runtime error: integer divide by zero".into()),
        (a, b) => Ok(Val::Int64(a.wrapping_div(b))),
    }),
    Func::new("mod", PAIR, |_, args| match pair(args) {
        (_, 0) => Err("runtime error: integer divide by zero".into()),
        (a, b) => Ok(Val::Int64(a.wrapping_rem(b))),
    }),
    Func::variadic("mul", ANY, Ty::Any, |_, args| {
        Ok(Val::Int64(args.iter().fold(1, |product, arg| {
            product.wrapping_mul(to_int64(arg))
        })))
    }),
    Func::variadic("max", ANY, Ty::Any, largest),
    Func::variadic("biggest", ANY, Ty::Any, largest),
    Func::variadic("min", ANY, Ty::Any, |_, args| {
        Ok(Val::Int64(args.iter().map(to_int64).min().unwrap_or(0)))
    }),
    Func::variadic("maxf", ANY, Ty::Any, |_, args| Ok(extreme(args, f64::max))),
    Func::variadic("minf", ANY, Ty::Any, |_, args| Ok(extreme(args, f64::min))),
    Func::new("ceil", ANY, |_, args| {
        Ok(Val::Float(to_float(Args(args).any(0)).ceil()))
    }),
    Func::new("floor", ANY, |_, args| {
        Ok(Val::Float(to_float(Args(args).any(0)).floor()))
    }),
    Func::variadic("round", &[Ty::Any, Ty::Int], Ty::Float64, |_, args| {
        Ok(round(Args(args)))
    }),
    Func::new("add1f", ANY, |_, args| {
        decimal(Args(args).any(0), &[Val::Int(1)], |a, b| Ok(a.add(b)))
    }),
    Func::variadic("addf", &[], Ty::Any, |_, args| {
        decimal(&Val::Float(0.0), args, |a, b| Ok(a.add(b)))
    }),
    Func::variadic("subf", ANY, Ty::Any, |_, args| {
        decimal(Args(args).any(0), Args(args).from(1), |a, b| Ok(a.sub(b)))
    }),
    Func::variadic("divf", ANY, Ty::Any, |_, args| {
        decimal(Args(args).any(0), Args(args).from(1), |a, b| {
            a.div(b).map_err(|err| err.to_string().into())
        })
    }),
    Func::variadic("mulf", ANY, Ty::Any, |_, args| {
        decimal(Args(args).any(0), Args(args).from(1), |a, b| Ok(a.mul(b)))
    }),
    Func::new("until", &[Ty::Int], |ctx, args| {
        let count = Args(args).int(0);
        integers(ctx, 0, count, if count < 0 { -1 } else { 1 })
    }),
    Func::new("untilStep", &[Ty::Int, Ty::Int, Ty::Int], |ctx, args| {
        let args = Args(args);
        integers(ctx, args.int(0), args.int(1), args.int(2))
    }),
    Func::variadic("seq", &[], Ty::Int, seq),
    Func::new("randInt", &[Ty::Int, Ty::Int], |_, args| {
        let (low, high) = (Args(args).int(0), Args(args).int(1));
        match u64::try_from(high.wrapping_sub(low)) {
            Ok(width) if width > 0 => Ok(Val::Int(low.wrapping_add(random_below(width) as i64))),
            _ => Err("invalid argument to Intn".into()),
        }
    }),
];

fn pair(args: &[Val]) -> (i64, i64) {
    (to_int64(Args(args).any(0)), to_int64(Args(args).any(1)))
}

/// Go's `strconv.Atoi` with the error left aside: a number that is too large is the largest.
fn atoi(text: &str) -> i64 {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    let limit = if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    };
    text.parse().unwrap_or(limit)
}

fn largest(_: &mut Ctx<'_>, args: &[Val]) -> Answer {
    Ok(Val::Int64(args.iter().map(to_int64).max().unwrap_or(0)))
}

/// Go's `math.Max` and `math.Min` answer not-a-number as soon as there is one.
fn extreme(args: &[Val], pick: fn(f64, f64) -> f64) -> Val {
    let mut floats = args.iter().map(to_float);
    let first = floats.next().unwrap_or(0.0);
    Val::Float(floats.fold(first, |a, b| {
        let zeros = a == 0.0 && b == 0.0 && a.is_sign_negative() != b.is_sign_negative();
        match (a.is_nan() || b.is_nan(), zeros) {
            (true, _) => f64::NAN,
            (_, true) => pick(1.0, -1.0).signum() * 0.0,
            _ => pick(a, b),
        }
    }))
}

fn round(args: Args<'_>) -> Val {
    let threshold = match args.any(2) {
        Val::Float(on) => *on,
        _ => 0.5,
    };
    let power = 10f64.powf(args.int(1) as f64);
    let scaled = power * to_float(args.any(0));
    let rounded = if scaled.fract() >= threshold {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Val::Float(rounded / power)
}

fn decimal(
    first: &Val,
    rest: &[Val],
    step: fn(&Decimal, &Decimal) -> Result<Decimal, FuncError>,
) -> Answer {
    let read = |value: &Val| {
        Decimal::from_float(to_float(value)).map_err(|err| FuncError::from(err.to_string()))
    };
    let mut result = read(first)?;
    for value in rest {
        result = step(&result, &read(value)?)?;
    }
    Ok(Val::Float(result.to_float()))
}

/// Integers from `start` towards `stop`, which is not among them; none if the step leads away.
fn range(ctx: &mut Ctx<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let (from, to, by) = (i128::from(start), i128::from(stop), i128::from(step));
    let leads_away = if to < from { by >= 0 } else { by <= 0 };
    if leads_away {
        return Ok(Vec::new());
    }
    let count = ((to - from).abs() + by.abs() - 1) / by.abs();
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    ctx.charge(count.saturating_mul(size_of::<Val>()))?;
    Ok((0..count as i128).map(|i| (from + i * by) as i64).collect())
}

fn integers(ctx: &mut Ctx<'_>, start: i64, stop: i64, step: i64) -> Answer {
    let items = range(ctx, start, stop, step)?
        .into_iter()
        .map(Val::Int)
        .collect();
    Ok(Val::List(List::new(Elem::Int, items)))
}

/// The shell's `seq`.
fn seq(ctx: &mut Ctx<'_>, args: &[Val]) -> Answer {
    let number = |i| Args(args).int(i);
    let (start, step, end) = match args.len() {
        1 => (1, None, number(0)),
        2 => (number(0), None, number(1)),
        3 => (number(0), Some(number(1)), number(2)),
        _ => return Ok("".into()),
    };
    let direction = if end < start { -1 } else { 1 };
    if direction < 0 && step.is_some_and(|step| step > 0) {
        return Ok("".into());
    }
    let numbers = range(
        ctx,
        start,
        end.wrapping_add(direction),
        step.unwrap_or(direction),
    )?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(texts.join(" ").into())
}
