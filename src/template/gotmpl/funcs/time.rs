//! `time.Time`, `time.Month`, `time.Weekday` and their methods, as templates see them.

use std::any::Any;

use super::args::Args;
use super::{Answer, FuncError};
use crate::template::funcs::gotime::{MONTHS, Time, WEEKDAYS, Zone};
use crate::template::gotmpl::func::{Func, Ty};
use crate::template::gotmpl::value::{Kind, MarshalError, NamedType, Object, Str, Val};
use crate::yaml::Value;

/// Go's name of the type.
pub(super) const TYPE: &str = "time.Time";
const OTHER: &[Ty] = &[Ty::Named(TYPE)];

/// A `time.Time`.
pub(super) struct DateTime(pub(super) Time);

/// The value that holds a time.
pub(super) fn value(time: Time) -> Val {
    Val::object(DateTime(time))
}

impl Object for DateTime {
    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        METHODS.iter().find(|func| func.name == name)
    }

    fn string(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn json(&self) -> Result<Value, MarshalError> {
        let year = self.0.parts().year;
        if !(0..10_000).contains(&year) {
            return Err("json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range [0,9999]".to_owned().into());
        }
        let text = self.0.format(b"2006-01-02T15:04:05.999999999Z07:00");
        Ok(Value::String(String::from_utf8_lossy(&text).into_owned()))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<DateTime>()
            .is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `time.Month`, from 1.
static MONTH: NamedType = NamedType {
    name: "time.Month",
    kind: Kind::Int,
    string: |n| name(&MONTHS, n - 1, n, "Month"),
    method: |name| (name == "String").then_some(&MONTH_STRING),
};

/// `time.Weekday`, 0 being Sunday.
static WEEKDAY: NamedType = NamedType {
    name: "time.Weekday",
    kind: Kind::Int,
    string: |n| name(&WEEKDAYS, n, n, "Weekday"),
    method: |name| (name == "String").then_some(&WEEKDAY_STRING),
};

static MONTH_STRING: Func = Func::new("String", &[], |_, args| {
    Ok((MONTH.string)(Args(args).int(0)).into())
});
static WEEKDAY_STRING: Func = Func::new("String", &[], |_, args| {
    Ok((WEEKDAY.string)(Args(args).int(0)).into())
});

fn name(names: &[&str], index: i64, number: i64, kind: &str) -> String {
    let name = usize::try_from(index)
        .ok()
        .and_then(|index| names.get(index));
    name.map_or_else(|| format!("%!{kind}({number})"), |name| (*name).to_owned())
}

static METHODS: &[Func] = &[
    Func::new("Year", &[], |_, args| {
        this(args, |t| Val::Int(t.parts().year))
    }),
    Func::new("Month", &[], |_, args| {
        this(args, |t| Val::Named(&MONTH, t.parts().month.into()))
    }),
    Func::new("Day", &[], |_, args| {
        this(args, |t| Val::Int(t.parts().day.into()))
    }),
    Func::new("YearDay", &[], |_, args| {
        this(args, |t| Val::Int(t.parts().year_day.into()))
    }),
    Func::new("Weekday", &[], |_, args| {
        this(args, |t| Val::Named(&WEEKDAY, t.parts().weekday.into()))
    }),
    Func::new("Hour", &[], |_, args| {
        this(args, |t| Val::Int(t.parts().hour.into()))
    }),
    Func::new("Minute", &[], |_, args| {
        this(args, |t| Val::Int(t.parts().minute.into()))
    }),
    Func::new("Second", &[], |_, args| {
        this(args, |t| Val::Int(t.parts().second.into()))
    }),
    Func::new("Nanosecond", &[], |_, args| {
        this(args, |t| Val::Int(t.nanosecond.into()))
    }),
    Func::new("Unix", &[], |_, args| this(args, |t| Val::Int64(t.unix))),
    Func::new("UnixMilli", &[], |_, args| {
        this(args, |t| Val::Int64(fine(t, 1_000)))
    }),
    Func::new("UnixMicro", &[], |_, args| {
        this(args, |t| Val::Int64(fine(t, 1_000_000)))
    }),
    Func::new("UnixNano", &[], |_, args| {
        this(args, |t| Val::Int64(fine(t, 1_000_000_000)))
    }),
    Func::new("UTC", &[], |_, args| {
        this(args, |t| value(t.in_zone(Zone::Utc)))
    }),
    Func::new("Local", &[], |_, args| {
        this(args, |t| value(t.in_zone(Zone::Local)))
    }),
    Func::new("IsZero", &[], |_, args| {
        this(args, |t| {
            (t.unix == Time::zero().unix && t.nanosecond == 0).into()
        })
    }),
    Func::new("String", &[], |_, args| {
        this(args, |t| t.to_string().into())
    }),
    Func::new("Format", &[Ty::Str], |_, args| {
        let text = time(args, 0)?.format(Args(args).bytes(1));
        Ok(Val::Str(Str::from_bytes(text)))
    }),
    Func::new("Add", &[Ty::Duration], |_, args| {
        let by = Args(args).any(1).as_duration().unwrap_or(0);
        Ok(value(time(args, 0)?.add(by)))
    }),
    Func::new("Sub", OTHER, |_, args| {
        both(args, |a, b| Val::duration(a.since(b)))
    }),
    Func::new("After", OTHER, |_, args| {
        both(args, |a, b| (a.since(b) > 0).into())
    }),
    Func::new("Before", OTHER, |_, args| {
        both(args, |a, b| (a.since(b) < 0).into())
    }),
    Func::new("Equal", OTHER, |_, args| {
        both(args, |a, b| (a.since(b) == 0).into())
    }),
    Func::new("AddDate", &[Ty::Int, Ty::Int, Ty::Int], |_, args| {
        let args = Args(args);
        Ok(value(time(args.0, 0)?.add_date(
            args.int(1),
            args.int(2),
            args.int(3),
        )))
    }),
    Func::new("Truncate", &[Ty::Duration], |_, args| {
        let time = time(args, 0)?;
        let unit = Args(args).any(1).as_duration().unwrap_or(0);
        Ok(value(time.truncate(unit)))
    }),
];

/// The time in a unit of so many to the second.
fn fine(time: &Time, per_second: i64) -> i64 {
    let fraction = i64::from(time.nanosecond) / (1_000_000_000 / per_second);
    time.unix.wrapping_mul(per_second).wrapping_add(fraction)
}

fn time(args: &[Val], index: usize) -> Result<&Time, FuncError> {
    let time = args.get(index).and_then(Val::downcast::<DateTime>);
    time.map(|time| &time.0).ok_or_else(|| super::NIL.into())
}

fn this(args: &[Val], read: fn(&Time) -> Val) -> Answer {
    time(args, 0).map(read)
}

fn both(args: &[Val], compare: fn(&Time, &Time) -> Val) -> Answer {
    Ok(compare(time(args, 0)?, time(args, 1)?))
}
