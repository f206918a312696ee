//! Dates and times.

use super::args::Args;
use super::time::{self, DateTime};
use super::{Answer, FuncError};
use crate::template::funcs::duration;
use crate::template::funcs::gotime::{Time, Zone};
use crate::template::gotmpl::func::{Call, Func, Ty};
use crate::template::gotmpl::value::{Str, Val, format_duration};

const TIME: Ty = Ty::Named(time::TYPE);
const MODIFY: &[Ty] = &[Ty::Str, TIME];
const IN_ZONE: &[Ty] = &[Ty::Str, Ty::Any, Ty::Str];

pub(super) static FUNCTIONS: &[Func] = &[
    Func::new("now", &[], |_, _| Ok(time::value(Time::now()))),
    Func::new("date", &[Ty::Str, Ty::Any], |_, args| {
        formatted(Args(args).bytes(0), Args(args).any(1), "Local")
    }),
    Func::new("dateInZone", IN_ZONE, DATE_IN_ZONE),
    Func::new("date_in_zone", IN_ZONE, DATE_IN_ZONE),
    Func::new("htmlDate", &[Ty::Any], |_, args| {
        formatted(b"2006-01-02", Args(args).any(0), "Local")
    }),
    Func::new("htmlDateInZone", &[Ty::Any, Ty::Str], |_, args| {
        formatted(b"2006-01-02", Args(args).any(0), &Args(args).text(1))
    }),
    Func::new("dateModify", MODIFY, MODIFIED),
    Func::new("date_modify", MODIFY, MODIFIED),
    Func::new("mustDateModify", MODIFY, MUST_MODIFIED),
    Func::new("must_date_modify", MODIFY, MUST_MODIFIED),
    Func::new("toDate", &[Ty::Str, Ty::Str], |_, args| {
        let time = Time::parse(&Args(args).text(0), &Args(args).text(1));
        Ok(time::value(time.unwrap_or_else(|_| Time::zero())))
    }),
    Func::new("mustToDate", &[Ty::Str, Ty::Str], |_, args| {
        let time = Time::parse(&Args(args).text(0), &Args(args).text(1));
        Ok(time::value(
            time.map_err(|err| FuncError::from(err.to_string()))?,
        ))
    }),
    Func::new("unixEpoch", &[TIME], |_, args| {
        Ok(time_of(args, 0)?.unix.to_string().into())
    }),
    Func::new("ago", &[Ty::Any], |_, args| {
        let since = Time::now().since(&instant(Args(args).any(0)));
        Ok(format_duration(duration::round(since, 1_000_000_000)).into())
    }),
    Func::new("duration", &[Ty::Any], |_, args| {
        let seconds = match Args(args).any(0) {
            Val::Int64(n) => *n,
            Val::Str(text) => whole(&text.to_str()),
            _ => 0,
        };
        Ok(format_duration(seconds.wrapping_mul(1_000_000_000)).into())
    }),
    Func::new("durationRound", &[Ty::Any], |_, args| {
        let nanoseconds = match Args(args).any(0) {
            Val::Int64(n) => *n,
            Val::Str(text) => duration::parse(&text.to_str()).unwrap_or(0),
            other => match other.downcast::<DateTime>() {
                Some(time) => Time::now().since(&time.0),
                None => 0,
            },
        };
        Ok(duration::largest_unit(nanoseconds).into())
    }),
];

const DATE_IN_ZONE: Call =
    |_, args| formatted(Args(args).bytes(0), Args(args).any(1), &Args(args).text(2));

const MODIFIED: Call = |_, args| {
    let time = time_of(args, 1)?;
    let by = duration::parse(&Args(args).text(0)).unwrap_or(0);
    Ok(time::value(time.add(by)))
};

const MUST_MODIFIED: Call = |_, args| {
    let time = time_of(args, 1)?;
    let by = duration::parse(&Args(args).text(0)).map_err(|err| err.to_string())?;
    Ok(time::value(time.add(by)))
};

fn time_of(args: &[Val], index: usize) -> Result<&Time, FuncError> {
    let time = args.get(index).and_then(Val::downcast::<DateTime>);
    time.map(|time| &time.0).ok_or_else(|| super::NIL.into())
}

/// A time, or a Unix time; the present for anything else.
fn instant(value: &Val) -> Time {
    match value {
        Val::Int(unix) | Val::Int64(unix) => Time::from_unix(*unix, 0),
        other => other
            .downcast::<DateTime>()
            .map_or_else(Time::now, |time| time.0.clone()),
    }
}

fn formatted(layout: &[u8], value: &Val, zone: &str) -> Answer {
    let zone = Zone::load(zone).unwrap_or(Zone::Utc);
    let text = instant(value).in_zone(zone).format(layout);
    Ok(Val::Str(Str::from_bytes(text)))
}

/// Go's `strconv.ParseInt` in base ten, the error left aside: too large is the largest.
fn whole(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') {
        i64::MIN
    } else {
        i64::MAX
    })
}
