//! Kubernetes quantities and Flink memory sizes: exact arithmetic, and the way from one to the other.
//!
//! `m` is the trap: Flink reads `1728m` as 1728 mebibytes, Kubernetes as 1.728 bytes.

use std::cmp::Ordering;
use std::fmt;

/// Why a text is no quantity, or why a result can't be held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a Kubernetes quantity.
    #[error("{0:?} is not a Kubernetes quantity (such as 500m, 2, 1.5Gi, 1e3)")]
    Quantity(String),
    /// Not a Flink memory size.
    #[error("{0:?} is not a Flink memory size (such as 1728m, 2g, 512 mb, 1048576)")]
    Memory(String),
    /// Too large, or too fine, for exact arithmetic.
    #[error("the quantity is out of range")]
    Range,
}

/// How a quantity is written: the family of its suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `Ki`, `Mi`, `Gi` …
    Binary,
    /// `n`, `u`, `m`, none, `k`, `M`, `G` …
    Decimal,
    /// `e3`.
    Exponent,
}

/// A Kubernetes quantity, held exactly in units of 10^-9 as Kubernetes rounds it.
#[derive(Debug, Clone, Copy)]
pub struct Quantity {
    nanos: i128,
    format: Format,
}

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [
    ("Ki", 10),
    ("Mi", 20),
    ("Gi", 30),
    ("Ti", 40),
    ("Pi", 50),
    ("Ei", 60),
];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

impl Quantity {
    /// Reads a quantity (Kubernetes' `resource.Quantity`): a signed decimal number with a suffix.
    /// What is finer than 10^-9 is rounded away from zero, as Kubernetes does.
    ///
    /// # Errors
    /// When the text is none, or larger than 10^27.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::Quantity(text.to_owned());
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at_checked(end).ok_or_else(bad)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || number.len() > 40
        {
            return Err(bad());
        }
        let digits: i128 = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| Error::Range)?;
        let scale = i32::try_from(fraction.len()).map_err(|_| Error::Range)?;
        let (nanos, format) = if let Some((_, bits)) = BINARY.iter().find(|(s, _)| *s == suffix) {
            let factor = 1i128 << bits;
            (
                scaled(digits.checked_mul(factor).ok_or(Error::Range)?, 9 - scale)?,
                Format::Binary,
            )
        } else if let Some((_, power)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
            (scaled(digits, 9 + power - scale)?, Format::Decimal)
        } else if let Some(exponent) = suffix.strip_prefix(['e', 'E']) {
            let power: i32 = exponent.parse().map_err(|_| bad())?;
            if power.abs() > 40 {
                return Err(Error::Range);
            }
            (scaled(digits, 9 + power - scale)?, Format::Exponent)
        } else {
            return Err(bad());
        };
        Ok(Quantity {
            nanos: if negative { -nanos } else { nanos },
            format,
        })
    }

    /// A number of bytes, written with binary suffixes.
    pub fn from_bytes(bytes: i64) -> Self {
        Quantity {
            nanos: i128::from(bytes) * NANO,
            format: Format::Binary,
        }
    }

    /// The sum, written as the first is.
    ///
    /// # Errors
    /// When it can't be held.
    pub fn plus(self, other: Quantity) -> Result<Self, Error> {
        let nanos = self.nanos.checked_add(other.nanos).ok_or(Error::Range)?;
        Ok(Quantity { nanos, ..self })
    }

    /// The difference, written as the first is.
    ///
    /// # Errors
    /// When it can't be held.
    pub fn minus(self, other: Quantity) -> Result<Self, Error> {
        let nanos = self.nanos.checked_sub(other.nanos).ok_or(Error::Range)?;
        Ok(Quantity { nanos, ..self })
    }

    /// The product with a factor. Bytes are rounded up to whole ones, the rest to 10^-9.
    ///
    /// # Errors
    /// When the factor is not finite, or the result can't be held.
    pub fn scale(self, factor: f64) -> Result<Self, Error> {
        if !factor.is_finite() || factor.abs() > 1e12 {
            return Err(Error::Range);
        }
        // Six digits of a factor are more than any chart means.
        let millionths = (factor * 1e6).round() as i128;
        let product = self.nanos.checked_mul(millionths).ok_or(Error::Range)?;
        let mut nanos = divide_up(product, 1_000_000);
        if self.format == Format::Binary {
            nanos = divide_up(nanos, NANO)
                .checked_mul(NANO)
                .ok_or(Error::Range)?;
        }
        Ok(Quantity { nanos, ..self })
    }

    /// The whole units (bytes, cores), rounded up.
    ///
    /// # Errors
    /// When it doesn't fit 64 bits.
    pub fn units(self) -> Result<i64, Error> {
        i64::try_from(divide_up(self.nanos, NANO)).map_err(|_| Error::Range)
    }

    /// Thousandths (of a core), rounded up.
    ///
    /// # Errors
    /// When it doesn't fit 64 bits.
    pub fn millis(self) -> Result<i64, Error> {
        i64::try_from(divide_up(self.nanos, 1_000_000)).map_err(|_| Error::Range)
    }

    /// The number as a float: what Flink takes for a number of cores.
    pub fn as_f64(self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// The same, to be written with another family of suffixes.
    #[must_use]
    pub fn with_format(self, format: Format) -> Self {
        Quantity { format, ..self }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.nanos.cmp(&other.nanos))
    }
}

/// Canonical, as Kubernetes writes it: the largest suffix that leaves no fraction.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        let whole = self.nanos % NANO == 0;
        // Kubernetes leaves the binary form for what is below 1024 or not whole.
        if self.format == Format::Binary && whole && (self.nanos / NANO).abs() >= 1024 {
            let units = self.nanos / NANO;
            for (suffix, bits) in BINARY.iter().rev() {
                if units % (1i128 << bits) == 0 {
                    return write!(f, "{}{suffix}", units >> bits);
                }
            }
            return write!(f, "{units}");
        }
        for (suffix, power) in DECIMAL.iter().rev() {
            let unit = 10i128.pow(u32::try_from(power + 9).unwrap_or(0));
            if self.nanos % unit == 0 {
                let number = self.nanos / unit;
                return match (self.format, power) {
                    (Format::Exponent, 0) => write!(f, "{number}"),
                    (Format::Exponent, power) => write!(f, "{number}e{power}"),
                    _ => write!(f, "{number}{suffix}"),
                };
            }
        }
        Ok(())
    }
}

/// `value * 10^power`, rounded away from zero where digits are lost.
fn scaled(value: i128, power: i32) -> Result<i128, Error> {
    if value == 0 {
        return Ok(0);
    }
    let size = 10i128
        .checked_pow(power.unsigned_abs())
        .ok_or(Error::Range)?;
    if power >= 0 {
        value.checked_mul(size).ok_or(Error::Range)
    } else {
        Ok(divide_up(value, size))
    }
}

fn divide_up(value: i128, by: i128) -> i128 {
    let quotient = value / by;
    match value % by {
        0 => quotient,
        rest if rest > 0 => quotient + 1,
        _ => quotient - 1,
    }
}

/// The bytes of a Flink memory size (`MemorySize.parseBytes`): units are powers of 1024, without
/// regard to case: none or `b`, `k`/`kb`, `m`/`mb`, `g`/`gb`, `t`/`tb`, and the long names.
///
/// # Errors
/// When the text is none or doesn't fit 63 bits. Flink takes no fractions.
pub fn flink_memory(text: &str) -> Result<i64, Error> {
    let bad = || Error::Memory(text.to_owned());
    let trimmed = text.trim();
    let end = trimmed
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at_checked(end).ok_or_else(bad)?;
    let number: i64 = number.parse().map_err(|_| bad())?;
    let bits = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "bytes" => 0,
        "k" | "kb" | "kibibytes" => 10,
        "m" | "mb" | "mebibytes" => 20,
        "g" | "gb" | "gibibytes" => 30,
        "t" | "tb" | "tebibytes" => 40,
        _ => return Err(bad()),
    };
    number.checked_mul(1i64 << bits).ok_or(Error::Range)
}

/// A number of bytes as Flink writes it, exactly: the largest unit that leaves no fraction.
pub fn to_flink_memory(bytes: i64) -> String {
    for (suffix, bits) in [("g", 30), ("m", 20), ("k", 10)] {
        if bytes != 0 && bytes % (1i64 << bits) == 0 {
            return format!("{}{suffix}", bytes >> bits);
        }
    }
    format!("{bytes}b")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        Quantity::parse(text).unwrap().to_string()
    }

    #[test]
    fn canonical_forms_are_those_of_kubernetes() {
        for (text, shown) in [
            ("0", "0"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1728Mi", "1728Mi"),
            ("1000Mi", "1000Mi"),
            ("1Ki", "1Ki"),
            ("1000", "1k"),
            ("1500M", "1500M"),
            ("1e3", "1e3"),
            ("12e6", "12e6"),
            ("-0.5", "-500m"),
            ("0.1n", "1n"),
            ("1.0001m", "1000100n"),
            ("0.5Ki", "512"),
            ("100Ei", "100Ei"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
        for text in [
            "", "m", "1.2.3", "1Mib", "1 Gi", "1mb", "1K", "--1", "1e", ".", "0x10",
        ] {
            assert!(Quantity::parse(text).is_err(), "{text}");
        }
        assert_eq!(Quantity::parse("1e40"), Err(Error::Range));
    }

    #[test]
    fn arithmetic_is_exact() {
        let q = |t| Quantity::parse(t).unwrap();
        assert_eq!(q("1Gi").plus(q("512Mi")).unwrap().to_string(), "1536Mi");
        assert_eq!(q("1").minus(q("250m")).unwrap().to_string(), "750m");
        assert_eq!(q("1Gi").scale(1.1).unwrap().to_string(), "1181116007");
        assert_eq!(q("500m").scale(3.0).unwrap().to_string(), "1500m");
        assert_eq!(q("1728Mi").units().unwrap(), 1728 * 1024 * 1024);
        assert_eq!(q("1.5").millis().unwrap(), 1500);
        assert!(q("1Gi") > q("1G"));
        assert_eq!(q("1"), q("1000m"));
    }

    #[test]
    fn the_same_letter_means_two_things() {
        assert_eq!(flink_memory("1728m").unwrap(), 1728 << 20);
        assert_eq!(
            Quantity::from_bytes(flink_memory("1728m").unwrap()).to_string(),
            "1728Mi"
        );
        assert_eq!(Quantity::parse("1728m").unwrap().units().unwrap(), 2);
        assert_eq!(flink_memory("2 gb").unwrap(), 2 << 30);
        assert_eq!(flink_memory("1048576").unwrap(), 1 << 20);
        assert_eq!(flink_memory("3 MebiBytes").unwrap(), 3 << 20);
        for text in ["", "1.5g", "1mi", "1Gi", "-1m", "m", "99999999999t"] {
            assert!(flink_memory(text).is_err(), "{text}");
        }
        assert_eq!(to_flink_memory(1728 << 20), "1728m");
        assert_eq!(to_flink_memory(2 << 30), "2g");
        assert_eq!(to_flink_memory(1500), "1500b");
    }
}
