//! Printing of times.

use super::layout::{self, Offset, Part};
use super::{MONTHS, Parts, Time, WEEKDAYS};

pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let parts = time.parts();
    let mut out = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let chunk = layout::next(rest);
        out.extend_from_slice(chunk.prefix);
        let Some((part, _)) = chunk.part else {
            return out;
        };
        match part {
            Part::Fraction {
                fixed,
                digits,
                separator,
            } => {
                fraction(time.nanosecond, fixed, digits, separator, &mut out);
            }
            part => out.extend_from_slice(shown(&parts, part).as_bytes()),
        }
        rest = chunk.rest;
    }
}

fn shown(parts: &Parts, part: Part) -> String {
    let month = MONTHS
        .get(parts.month as usize - 1)
        .copied()
        .unwrap_or_default();
    let weekday = WEEKDAYS
        .get(parts.weekday as usize)
        .copied()
        .unwrap_or_default();
    let hour12 = match parts.hour % 12 {
        0 => 12,
        hour => hour,
    };
    match part {
        Part::LongMonth => month.to_owned(),
        Part::Month => month.chars().take(3).collect(),
        Part::NumMonth => parts.month.to_string(),
        Part::ZeroMonth => format!("{:02}", parts.month),
        Part::LongWeekday => weekday.to_owned(),
        Part::Weekday => weekday.chars().take(3).collect(),
        Part::Day => parts.day.to_string(),
        Part::SpaceDay => format!("{:2}", parts.day),
        Part::ZeroDay => format!("{:02}", parts.day),
        Part::SpaceYearDay => format!("{:3}", parts.year_day),
        Part::ZeroYearDay => format!("{:03}", parts.year_day),
        Part::Hour => format!("{:02}", parts.hour),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => parts.minute.to_string(),
        Part::ZeroMinute => format!("{:02}", parts.minute),
        Part::Second => parts.second.to_string(),
        Part::ZeroSecond => format!("{:02}", parts.second),
        Part::LongYear if parts.year < 0 => format!("-{:04}", parts.year.unsigned_abs()),
        Part::LongYear => format!("{:04}", parts.year),
        Part::Year => format!("{:02}", parts.year.unsigned_abs() % 100),
        Part::HalfDay { lower } => match (parts.hour >= 12, lower) {
            (true, false) => "PM",
            (false, false) => "AM",
            (true, true) => "pm",
            (false, true) => "am",
        }
        .to_owned(),
        Part::ZoneName if parts.zone.is_empty() => {
            let form = Offset {
                zulu: false,
                colon: false,
                minutes: true,
                seconds: false,
            };
            offset(parts.offset, form)
        }
        Part::ZoneName => parts.zone.clone(),
        Part::Offset(form) => offset(parts.offset, form),
        Part::Fraction { .. } => String::new(),
    }
}

fn offset(offset: i32, form: Offset) -> String {
    if form.zulu && offset == 0 {
        return "Z".to_owned();
    }
    // Go takes the sign from the minutes: less than one east or west counts as east
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    let colon = if form.colon { ":" } else { "" };
    let mut out = format!("{sign}{:02}", minutes / 60);
    if form.minutes {
        out.push_str(&format!("{colon}{:02}", minutes % 60));
    }
    if form.seconds {
        out.push_str(&format!("{colon}{:02}", offset.unsigned_abs() % 60));
    }
    out
}

fn fraction(nanosecond: u32, fixed: bool, digits: usize, separator: u8, out: &mut Vec<u8>) {
    let all = format!("{nanosecond:09}");
    let shown = all.get(..digits.min(9)).unwrap_or(&all);
    if fixed {
        out.push(separator);
        out.extend_from_slice(shown.as_bytes());
        return;
    }
    let trimmed = shown.trim_end_matches('0');
    if !trimmed.is_empty() {
        out.push(separator);
        out.extend_from_slice(trimmed.as_bytes());
    }
}
