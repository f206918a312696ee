//! Times of records as Helm prints them.

use jiff::fmt::temporal::{Pieces, PiecesNumericOffset, PiecesOffset};

use crate::release::Time;
use crate::template::funcs::gotime;

/// This moment, as RFC 3339.
pub fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// The local date and time of a record, and its offset: `Z`, or `+0200`.
fn parts(time: &Time) -> Option<(jiff::civil::DateTime, String)> {
    let pieces = Pieces::parse(&time.0).ok()?;
    let offset = match pieces.offset()? {
        PiecesOffset::Zulu => "Z".to_owned(),
        PiecesOffset::Numeric(numeric) => numbers(numeric),
        _ => return None,
    };
    Some((pieces.date().to_datetime(pieces.time()?), offset))
}

fn numbers(numeric: PiecesNumericOffset) -> String {
    let seconds = numeric.offset().seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// `2026-11-23 23:17:07.841997665 +0000 UTC`, Go's `Time.String`; `-` where there is no time.
pub fn go_string(time: Option<&Time>) -> String {
    let Some((at, offset)) = time.and_then(parts) else {
        return "-".to_owned();
    };
    let (zone, name) = match offset.as_str() {
        "Z" => ("+0000", "UTC"),
        other => (other, other),
    };
    let mut text = at.strftime("%Y-%m-%d %H:%M:%S").to_string();
    let nanos = at.subsec_nanosecond();
    if nanos != 0 {
        let digits = format!("{nanos:09}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    format!("{text} {zone} {name}")
}

/// A time in a layout of Go's; `-` where there is no time.
pub fn layout(time: Option<&Time>, layout: &str) -> String {
    const RFC3339: &str = "2006-01-02T15:04:05.999999999Z07:00";
    match time.and_then(|t| gotime::Time::parse(RFC3339, &t.0).ok()) {
        Some(time) => String::from_utf8_lossy(&time.format(layout.as_bytes())).into_owned(),
        None => "-".to_owned(),
    }
}

/// `Mon Nov 23 23:17:07 2026`, Go's `time.ANSIC`; empty where there is no time.
pub fn ansic(time: Option<&Time>) -> String {
    time.and_then(parts).map_or(String::new(), |(at, _)| {
        at.strftime("%a %b %e %H:%M:%S %Y").to_string()
    })
}

/// `2026-11-23T23:17:07Z`, Go's `time.RFC3339`; empty where there is no time.
pub fn seconds(time: Option<&Time>) -> String {
    time.and_then(parts).map_or(String::new(), |(at, offset)| {
        let zone = match offset.as_str() {
            "Z" => "Z".to_owned(),
            other => {
                let (hours, minutes) = other.split_at(3);
                format!("{hours}:{minutes}")
            }
        };
        format!("{}{zone}", at.strftime("%Y-%m-%dT%H:%M:%S"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_as_in_go() {
        let utc = Time("2026-11-03T23:17:07.841997665Z".into());
        let local = Time("2026-11-23T08:07:06.5+02:00".into());
        let old = Time("2020-01-02T03:04:05-05:30".into());
        assert_eq!(
            go_string(Some(&utc)),
            "2026-11-03 23:17:07.841997665 +0000 UTC"
        );
        assert_eq!(go_string(Some(&local)), "2026-11-23 08:07:06.5 +0200 +0200");
        assert_eq!(go_string(Some(&old)), "2020-01-02 03:04:05 -0530 -0530");
        assert_eq!(go_string(None), "-");
        assert_eq!(go_string(Some(&Time("soon".into()))), "-");
        assert_eq!(ansic(Some(&utc)), "Tue Nov  3 23:17:07 2026");
        assert_eq!(seconds(Some(&utc)), "2026-11-03T23:17:07Z");
        assert_eq!(seconds(Some(&local)), "2026-11-23T08:07:06+02:00");
        assert_eq!(ansic(None), "");
        assert_eq!(
            layout(Some(&utc), "2006-01-02 15:04:05Z0700"),
            "2026-11-03 23:17:07Z"
        );
        assert_eq!(
            layout(Some(&local), "Jan _2 3:04PM -0700"),
            "Nov 23 8:07AM +0200"
        );
        assert_eq!(layout(None, "2006"), "-");
    }
}
