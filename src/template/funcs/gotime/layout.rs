//! Layouts: how a reference time, written out, says where each part of a time stands.

/// What a piece of a layout stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    /// `PM`, or `pm` if lower.
    HalfDay {
        lower: bool,
    },
    /// `MST`.
    ZoneName,
    /// `-0700` and its kin.
    Offset(Offset),
    /// `.000` (fixed) or `.999`: the number of digits, and the separator.
    Fraction {
        fixed: bool,
        digits: usize,
        separator: u8,
    },
}

/// How an offset from UTC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` for UTC.
    pub zulu: bool,
    pub colon: bool,
    pub minutes: bool,
    pub seconds: bool,
}

/// A layout cut at its first part: literal text, the part with its own text, the rest.
pub(super) struct Chunk<'a> {
    pub prefix: &'a [u8],
    pub part: Option<(Part, &'a [u8])>,
    pub rest: &'a [u8],
}

const OFFSETS: [(&[u8], bool, bool, bool); 5] = [
    (b"070000", false, true, true),
    (b"07:00:00", true, true, true),
    (b"0700", false, true, false),
    (b"07:00", true, true, false),
    (b"07", false, false, false),
];

/// Cuts a layout at its first part.
pub(super) fn next(layout: &[u8]) -> Chunk<'_> {
    for start in 0..layout.len() {
        let tail = layout.get(start..).unwrap_or_default();
        if let Some((part, skip, length)) = part_at(tail) {
            let begin = start + skip;
            return Chunk {
                prefix: layout.get(..begin).unwrap_or_default(),
                part: Some((part, layout.get(begin..begin + length).unwrap_or_default())),
                rest: layout.get(begin + length..).unwrap_or_default(),
            };
        }
    }
    Chunk {
        prefix: layout,
        part: None,
        rest: b"",
    }
}

/// The part that begins here: what to skip before it (only for `_2006`), and its length.
fn part_at(text: &[u8]) -> Option<(Part, usize, usize)> {
    let plain = |part, length| Some((part, 0, length));
    let lower_follows = |at: usize| text.get(at).is_some_and(u8::is_ascii_lowercase);
    match text.first()? {
        b'J' if text.starts_with(b"January") => plain(Part::LongMonth, 7),
        b'J' if text.starts_with(b"Jan") && !lower_follows(3) => plain(Part::Month, 3),
        b'M' if text.starts_with(b"Monday") => plain(Part::LongWeekday, 6),
        b'M' if text.starts_with(b"Mon") && !lower_follows(3) => plain(Part::Weekday, 3),
        b'M' if text.starts_with(b"MST") => plain(Part::ZoneName, 3),
        b'0' => match text.get(1)? {
            b'1' => plain(Part::ZeroMonth, 2),
            b'2' => plain(Part::ZeroDay, 2),
            b'3' => plain(Part::ZeroHour12, 2),
            b'4' => plain(Part::ZeroMinute, 2),
            b'5' => plain(Part::ZeroSecond, 2),
            b'6' => plain(Part::Year, 2),
            b'0' if text.get(2) == Some(&b'2') => plain(Part::ZeroYearDay, 3),
            _ => None,
        },
        b'1' if text.get(1) == Some(&b'5') => plain(Part::Hour, 2),
        b'1' => plain(Part::NumMonth, 1),
        b'2' if text.starts_with(b"2006") => plain(Part::LongYear, 4),
        b'2' => plain(Part::Day, 1),
        b'_' if text.starts_with(b"_2006") => Some((Part::LongYear, 1, 4)),
        b'_' if text.starts_with(b"_2") => plain(Part::SpaceDay, 2),
        b'_' if text.starts_with(b"__2") => plain(Part::SpaceYearDay, 3),
        b'3' => plain(Part::Hour12, 1),
        b'4' => plain(Part::Minute, 1),
        b'5' => plain(Part::Second, 1),
        b'P' if text.get(1) == Some(&b'M') => plain(Part::HalfDay { lower: false }, 2),
        b'p' if text.get(1) == Some(&b'm') => plain(Part::HalfDay { lower: true }, 2),
        sign @ (b'-' | b'Z') => {
            let tail = text.get(1..)?;
            let (written, colon, minutes, seconds) = OFFSETS
                .iter()
                .find(|(written, ..)| tail.starts_with(written))?;
            let (colon, minutes, seconds) = (*colon, *minutes, *seconds);
            let offset = Offset {
                zulu: *sign == b'Z',
                colon,
                minutes,
                seconds,
            };
            plain(Part::Offset(offset), written.len() + 1)
        }
        separator @ (b'.' | b',') => {
            let digit = *text.get(1).filter(|d| matches!(d, b'0' | b'9'))?;
            let digits = text.iter().skip(1).take_while(|d| **d == digit).count();
            let fixed = digit == b'0';
            let ends = !text.get(1 + digits).is_some_and(u8::is_ascii_digit);
            let part = Part::Fraction {
                fixed,
                digits,
                separator: *separator,
            };
            ends.then_some((part, 0, 1 + digits))
        }
        _ => None,
    }
}
