//! Reading of times.

use super::layout::{self, Offset, Part};
use super::{MONTHS, Time, WEEKDAYS, Zone, days_in, is_leap};
use crate::template::funcs::duration::quote;

/// A text that doesn't fit its layout, or a time that no calendar has; in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A part of the text is not what the layout has in its place.
    #[error(
        "parsing time {} as {}: cannot parse {} as {}",
        quote(text),
        quote(layout),
        quote(rest),
        quote(part)
    )]
    Mismatch {
        /// The whole text.
        text: String,
        /// The whole layout.
        layout: String,
        /// The text from where it goes wrong.
        rest: String,
        /// The part of the layout that stands there.
        part: String,
    },
    /// It was read, and can't be: ` out of range`, ` extra text`.
    #[error("parsing time {}: {reason}", quote(text))]
    Value {
        /// The whole text.
        text: String,
        /// What is wrong.
        reason: String,
    },
}

/// Why one part can't be read.
enum Bad {
    Mismatch,
    Range(&'static str),
}

/// What was read so far.
#[derive(Default)]
struct Read {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    zone: String,
}

pub(super) fn parse(layout: &str, text: &str) -> Result<Time, ParseError> {
    let value_error = |reason: String| ParseError::Value {
        text: text.to_owned(),
        reason,
    };
    let mismatch = |rest: &[u8], part: &[u8]| ParseError::Mismatch {
        text: text.to_owned(),
        layout: layout.to_owned(),
        rest: String::from_utf8_lossy(rest).into_owned(),
        part: String::from_utf8_lossy(part).into_owned(),
    };
    let mut read = Read::default();
    let (mut pattern, mut rest) = (layout.as_bytes(), text.as_bytes());
    loop {
        let chunk = layout::next(pattern);
        rest = skip(rest, chunk.prefix).map_err(|at| mismatch(at, chunk.prefix))?;
        let Some((part, written)) = chunk.part else {
            if rest.is_empty() {
                break;
            }
            let extra = String::from_utf8_lossy(rest);
            return Err(value_error(format!("extra text: {}", quote(&extra))));
        };
        pattern = chunk.rest;
        let before = rest;
        read.part(part, pattern, &mut rest)
            .map_err(|bad| match bad {
                Bad::Mismatch => mismatch(before, written),
                Bad::Range(what) => value_error(format!("{what} out of range")),
            })?;
    }
    read.finish()
        .map_err(|reason| value_error(reason.to_owned()))
}

/// Passes literal text; a run of spaces fits any run of spaces, also none at the end.
fn skip<'a>(mut text: &'a [u8], mut literal: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let Some((first, tail)) = literal.split_first() {
        if *first == b' ' {
            if text.first().is_some_and(|b| *b != b' ') {
                return Err(text);
            }
            literal = trim_spaces(literal);
            text = trim_spaces(text);
            continue;
        }
        match text.split_first() {
            Some((b, left)) if b == first => text = left,
            _ => return Err(text),
        }
        literal = tail;
    }
    Ok(text)
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|b| **b == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

/// Takes up to `most` digits, and exactly that many if `fixed`.
fn number(rest: &mut &[u8], most: usize, fixed: bool) -> Result<u32, Bad> {
    let count = rest
        .iter()
        .take(most)
        .take_while(|b| b.is_ascii_digit())
        .count();
    if count == 0 || (fixed && count < most) {
        return Err(Bad::Mismatch);
    }
    let digits = take(rest, count)?;
    Ok(digits.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0')))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Bad> {
    let (taken, left) = rest.split_at_checked(count).ok_or(Bad::Mismatch)?;
    *rest = left;
    Ok(taken)
}

/// The index of the name, or of its first `cut` letters, that the text begins with in any case.
fn name(rest: &mut &[u8], names: &[&str], cut: Option<usize>) -> Result<u32, Bad> {
    for (index, name) in names.iter().enumerate() {
        let name = name
            .get(..cut.unwrap_or(name.len()))
            .unwrap_or(name)
            .as_bytes();
        if rest
            .get(..name.len())
            .is_some_and(|text| text.eq_ignore_ascii_case(name))
        {
            take(rest, name.len())?;
            return Ok(index as u32);
        }
    }
    Err(Bad::Mismatch)
}

impl Read {
    fn part(&mut self, part: Part, pattern: &[u8], rest: &mut &[u8]) -> Result<(), Bad> {
        match part {
            Part::Year => {
                let year = i64::from(number(rest, 2, true)?);
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Part::LongYear => self.year = i64::from(number(rest, 4, true)?),
            Part::Month => self.month = Some(name(rest, &MONTHS, Some(3))? + 1),
            Part::LongMonth => self.month = Some(name(rest, &MONTHS, None)? + 1),
            Part::NumMonth | Part::ZeroMonth => {
                let month = number(rest, 2, part == Part::ZeroMonth)?;
                self.month = Some(within(month, 1, 12, "month")?);
            }
            Part::Weekday => drop(name(rest, &WEEKDAYS, Some(3))?),
            Part::LongWeekday => drop(name(rest, &WEEKDAYS, None)?),
            Part::Day | Part::SpaceDay | Part::ZeroDay => {
                if part == Part::SpaceDay {
                    *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
                self.day = Some(number(rest, 2, part == Part::ZeroDay)?);
            }
            Part::SpaceYearDay | Part::ZeroYearDay => {
                for _ in 0..2 {
                    if part == Part::SpaceYearDay {
                        *rest = rest.strip_prefix(b" ").unwrap_or(rest);
                    }
                }
                self.year_day = Some(number(rest, 3, part == Part::ZeroYearDay)?);
            }
            Part::Hour => self.hour = within(number(rest, 2, false)?, 0, 23, "hour")?,
            Part::Hour12 | Part::ZeroHour12 => {
                self.hour = within(number(rest, 2, part == Part::ZeroHour12)?, 0, 12, "hour")?;
            }
            Part::Minute | Part::ZeroMinute => {
                let minute = number(rest, 2, part == Part::ZeroMinute)?;
                self.minute = within(minute, 0, 59, "minute")?;
            }
            Part::Second | Part::ZeroSecond => {
                let second = number(rest, 2, part == Part::ZeroSecond)?;
                self.second = within(second, 0, 59, "second")?;
                self.unannounced_fraction(pattern, rest)?;
            }
            Part::HalfDay { lower } => {
                let half = take(rest, 2)?;
                let (am, pm) = if lower {
                    (b"am", b"pm")
                } else {
                    (b"AM", b"PM")
                };
                self.afternoon = match half {
                    half if half == am => Some(false),
                    half if half == pm => Some(true),
                    _ => return Err(Bad::Mismatch),
                };
            }
            Part::Offset(form) => self.offset(form, rest)?,
            Part::ZoneName => {
                if let Some(left) = rest.strip_prefix(b"UTC") {
                    self.utc = true;
                    *rest = left;
                } else {
                    let length = zone_name(rest).ok_or(Bad::Mismatch)?;
                    self.zone = String::from_utf8_lossy(take(rest, length)?).into_owned();
                }
            }
            Part::Fraction {
                fixed: true,
                digits,
                ..
            } => self.fraction(rest, digits)?,
            Part::Fraction { fixed: false, .. } => {
                let separated = rest.first().is_some_and(|b| matches!(b, b'.' | b','));
                if separated && rest.get(1).is_some_and(u8::is_ascii_digit) {
                    self.fraction(rest, digits_at(rest, 1))?;
                }
            }
        }
        Ok(())
    }

    /// A fraction of a second in the text where the layout has none is read all the same.
    fn unannounced_fraction(&mut self, pattern: &[u8], rest: &mut &[u8]) -> Result<(), Bad> {
        let there =
            rest.first().is_some_and(|b| matches!(b, b'.' | b',')) && digits_at(rest, 1) > 0;
        let announced = matches!(layout::next(pattern).part, Some((Part::Fraction { .. }, _)));
        if there && !announced {
            self.fraction(rest, digits_at(rest, 1))?;
        }
        Ok(())
    }

    /// A separator and as many digits; more than nine are cut off.
    fn fraction(&mut self, rest: &mut &[u8], digits: usize) -> Result<(), Bad> {
        let text = take(rest, digits + 1)?;
        let (separator, digits) = text.split_first().ok_or(Bad::Mismatch)?;
        if !matches!(separator, b'.' | b',') || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Bad::Mismatch);
        }
        let padded = digits
            .iter()
            .copied()
            .chain(std::iter::repeat(b'0'))
            .take(9);
        self.nanosecond = padded.fold(0, |n, d| n * 10 + u32::from(d - b'0'));
        Ok(())
    }

    fn offset(&mut self, form: Offset, rest: &mut &[u8]) -> Result<(), Bad> {
        if form.zulu && rest.first() == Some(&b'Z') {
            self.utc = true;
            take(rest, 1)?;
            return Ok(());
        }
        let fields = 1 + usize::from(form.minutes) + usize::from(form.seconds);
        let length = 1 + fields * 2 + if form.colon { fields - 1 } else { 0 };
        let mut text = take(rest, length)?;
        let sign = match take(&mut text, 1)? {
            b"+" => 1,
            b"-" => -1,
            _ => return Err(Bad::Mismatch),
        };
        let mut values = [0u32; 3];
        for (i, value) in values.iter_mut().enumerate().take(fields) {
            if i > 0 && form.colon && take(&mut text, 1)? != b":" {
                return Err(Bad::Mismatch);
            }
            *value = number(&mut text, 2, true)?;
        }
        let [hours, minutes, seconds] = values;
        within(hours, 0, 24, "time zone offset hour")?;
        within(minutes, 0, 60, "time zone offset minute")?;
        within(seconds, 0, 60, "time zone offset second")?;
        self.offset = Some(sign * ((hours * 60 + minutes) * 60 + seconds) as i32);
        Ok(())
    }

    fn finish(self) -> Result<Time, &'static str> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = match self.year_day {
            Some(year_day) => self.month_and_day(year_day)?,
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let clock = i64::from((hour * 60 + self.minute) * 60 + self.second);
        let mut time = Time::from_utc(self.year, month, day, clock, self.nanosecond);
        if self.utc {
            return Ok(time);
        }
        time.zone = Zone::Local;
        if let Some(offset) = self.offset {
            time.unix -= i64::from(offset);
            if offset != 0 || !(self.zone.is_empty() || self.zone == "UTC") {
                time.zone = Zone::Fixed(self.zone, offset);
            }
        } else if !self.zone.is_empty() {
            // an abbreviation says nothing of its offset, except after GMT
            let hours = self
                .zone
                .strip_prefix("GMT")
                .and_then(|h| h.parse::<i32>().ok());
            let offset = hours.unwrap_or(0) * 3600;
            time.zone = Zone::Fixed(self.zone, offset);
        }
        Ok(time)
    }

    fn month_and_day(&self, year_day: u32) -> Result<(u32, u32), &'static str> {
        let length = if is_leap(self.year) { 366 } else { 365 };
        if year_day < 1 || year_day > length {
            return Err("day-of-year out of range");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(month, self.year) {
            day -= days_in(month, self.year);
            month += 1;
        }
        if self.month.is_some_and(|read| read != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|read| read != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

fn within(value: u32, low: u32, high: u32, what: &'static str) -> Result<u32, Bad> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(Bad::Range(what))
    }
}

fn digits_at(text: &[u8], start: usize) -> usize {
    text.iter()
        .skip(start)
        .take_while(|b| b.is_ascii_digit())
        .count()
}

/// How long the abbreviation of a zone is that the text begins with: three to five capitals by
/// Go's rules, `GMT+3`, or a bare `+03`.
fn zone_name(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(tail) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(tail).unwrap_or(0));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return signed_hours(text);
    }
    let capitals = text
        .iter()
        .take(6)
        .take_while(|b| b.is_ascii_uppercase())
        .count();
    match capitals {
        5 if text.get(4) == Some(&b'T') => Some(5),
        4 if text.get(3) == Some(&b'T') || text.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_hours(text: &[u8]) -> Option<usize> {
    let digits = match text.first()? {
        b'+' | b'-' => digits_at(text, 1),
        _ => return None,
    };
    let hours = String::from_utf8_lossy(text.get(1..=digits)?)
        .parse::<u64>()
        .ok()?;
    (digits > 0 && hours <= 23).then_some(digits + 1)
}
