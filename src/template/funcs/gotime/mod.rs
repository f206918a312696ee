//! Times as Go's `time` knows them: an instant with a location, printed and read by layouts.
//!
//! The local zone is UTC: what a template yields must not depend on the machine that renders it.

mod format;
mod layout;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::ParseError;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Seconds from Go's zero time (1 January of year 1) to the Unix epoch.
const ZERO_TO_UNIX: i64 = 62_135_596_800;

/// The names of the months, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The names of the days of the week, Sunday first.
pub const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// A location: Go's `*time.Location`.
#[derive(Debug, Clone, PartialEq)]
pub enum Zone {
    /// UTC.
    Utc,
    /// The machine's zone, which is UTC here but has a name of its own.
    Local,
    /// An offset in seconds with a name, which may be empty.
    Fixed(String, i32),
    /// A zone of the time zone database.
    Named(TimeZone),
}

impl Zone {
    /// Finds a zone by its name in the time zone database, as Go's `time.LoadLocation`.
    pub fn load(name: &str) -> Option<Zone> {
        match name {
            "" | "UTC" => Some(Zone::Utc),
            "Local" => Some(Zone::Local),
            // jiff takes names in any case, Go's files don't
            _ => {
                let zone = TimeZone::get(name).ok()?;
                (zone.iana_name() == Some(name)).then_some(Zone::Named(zone))
            }
        }
    }

    /// The abbreviation and the offset in seconds at a Unix time.
    fn at(&self, unix: i64) -> (String, i32) {
        match self {
            Zone::Utc | Zone::Local => ("UTC".to_owned(), 0),
            Zone::Fixed(name, offset) => (name.clone(), *offset),
            Zone::Named(zone) => {
                let bounded = unix.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let stamp = Timestamp::from_second(bounded).unwrap_or(Timestamp::UNIX_EPOCH);
                let info = zone.to_offset_info(stamp);
                (info.abbreviation().to_owned(), info.offset().seconds())
            }
        }
    }

    /// What Go's `Location.String` answers.
    pub fn name(&self) -> String {
        match self {
            Zone::Utc => "UTC".to_owned(),
            Zone::Local => "Local".to_owned(),
            Zone::Fixed(name, _) => name.clone(),
            Zone::Named(zone) => zone.iana_name().unwrap_or_default().to_owned(),
        }
    }
}

/// An instant with a location: Go's `time.Time`.
#[derive(Debug, Clone, PartialEq)]
pub struct Time {
    /// Seconds since the Unix epoch.
    pub unix: i64,
    /// Nanoseconds within the second.
    pub nanosecond: u32,
    /// Where it is printed for.
    pub zone: Zone,
}

/// A time's parts in its zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Year, 1 BC being 0.
    pub year: i64,
    /// From 1.
    pub month: u32,
    /// From 1.
    pub day: u32,
    /// From 1.
    pub year_day: u32,
    /// 0 is Sunday.
    pub weekday: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59.
    pub second: u32,
    /// The abbreviation of the zone.
    pub zone: String,
    /// The zone's offset from UTC in seconds.
    pub offset: i32,
}

impl Time {
    /// A Unix time in the local zone, as Go's `time.Unix`.
    pub fn from_unix(unix: i64, nanosecond: u32) -> Time {
        Time {
            unix,
            nanosecond,
            zone: Zone::Local,
        }
    }

    /// The present.
    pub fn now() -> Time {
        let now = Timestamp::now();
        let nanosecond = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        Time::from_unix(now.as_second(), nanosecond)
    }

    /// Go's zero time: the first moment of year 1.
    pub fn zero() -> Time {
        Time {
            unix: -ZERO_TO_UNIX,
            nanosecond: 0,
            zone: Zone::Utc,
        }
    }

    /// From parts as a calendar and a clock in UTC show them.
    fn from_utc(year: i64, month: u32, day: u32, clock: i64, nanosecond: u32) -> Time {
        let unix = days_from_civil(year, month, day) * 86_400 + clock;
        Time {
            unix,
            nanosecond,
            zone: Zone::Utc,
        }
    }

    /// The same instant elsewhere.
    pub fn in_zone(&self, zone: Zone) -> Time {
        Time {
            zone,
            ..self.clone()
        }
    }

    /// Later by a duration in nanoseconds.
    pub fn add(&self, nanoseconds: i64) -> Time {
        let total = i64::from(self.nanosecond) + nanoseconds % 1_000_000_000;
        let carry = nanoseconds / 1_000_000_000 + total.div_euclid(1_000_000_000);
        Time {
            unix: self.unix.wrapping_add(carry),
            nanosecond: u32::try_from(total.rem_euclid(1_000_000_000)).unwrap_or(0),
            zone: self.zone.clone(),
        }
    }

    /// Later by years, months and days of the calendar, what overflows carried on: Go's `AddDate`.
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Time {
        let parts = self.parts();
        let months = i64::from(parts.month) - 1 + months % 1_200_000;
        let year = parts.year + years % 1_000_000 + months.div_euclid(12);
        let first = days_from_civil(year, months.rem_euclid(12) as u32 + 1, 1);
        let day = first + i64::from(parts.day) - 1 + days % 1_000_000_000;
        let clock = i64::from((parts.hour * 60 + parts.minute) * 60 + parts.second);
        let unix = day * 86_400 + clock - i64::from(parts.offset);
        Time {
            unix,
            ..self.clone()
        }
    }

    /// Down to a multiple of a unit since Go's zero time: Go's `Truncate`.
    pub fn truncate(&self, unit: i64) -> Time {
        if unit <= 0 {
            return self.clone();
        }
        let since = (i128::from(self.unix) + i128::from(ZERO_TO_UNIX)) * 1_000_000_000
            + i128::from(self.nanosecond);
        let rest = since.rem_euclid(i128::from(unit));
        self.add(-i64::try_from(rest).unwrap_or(0))
    }

    /// Nanoseconds from another instant to this one; Go's `Sub` saturates too.
    pub fn since(&self, other: &Time) -> i64 {
        let seconds = i128::from(self.unix) - i128::from(other.unix);
        let nanos = i128::from(self.nanosecond) - i128::from(other.nanosecond);
        let total = seconds * 1_000_000_000 + nanos;
        i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
    }

    /// Calendar and clock in the time's zone.
    pub fn parts(&self) -> Parts {
        let (zone, offset) = self.zone.at(self.unix);
        let local = i128::from(self.unix) + i128::from(offset);
        let days = local.div_euclid(86_400) as i64;
        let clock = local.rem_euclid(86_400) as u32;
        let (year, month, day) = civil_from_days(days);
        Parts {
            year,
            month,
            day,
            year_day: (days - days_from_civil(year, 1, 1) + 1) as u32,
            weekday: (days + 4).rem_euclid(7) as u32,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            zone,
            offset,
        }
    }

    /// By a layout such as `2006-01-02 15:04:05 MST`: Go's `Time.Format`.
    pub fn format(&self, layout: &[u8]) -> Vec<u8> {
        format::format(self, layout)
    }

    /// Reads a text by a layout in the local zone: Go's `time.ParseInLocation` with `time.Local`.
    ///
    /// # Errors
    /// In Go's words.
    pub fn parse(layout: &str, text: &str) -> Result<Time, ParseError> {
        parse::parse(layout, text)
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.format(b"2006-01-02 15:04:05.999999999 -0700 MST");
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// Days since the Unix epoch of a date in the proleptic Gregorian calendar, by counting years from
/// March, so that the leap day comes last.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * shifted + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let leaps = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: u32, year: i64) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
