//! Exact decimal arithmetic for `addf`, `subf`, `mulf` and `divf`, as shopspring/decimal does it.

use num_bigint::BigInt;

/// Digits after the point to which a quotient is rounded.
const PRECISION: i64 = 16;

/// `value` · 10^`exponent`, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    value: BigInt,
    exponent: i64,
}

/// Why a calculation has no result.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// An infinity or not-a-number, by the name that Go prints.
    #[error("Cannot create a Decimal from {0}")]
    NotFinite(&'static str),
    /// A division by zero.
    #[error("decimal division by 0")]
    DivisionByZero,
}

impl Decimal {
    /// From the shortest digits that mean the float.
    ///
    /// # Errors
    /// When the float is not finite.
    pub fn from_float(float: f64) -> Result<Decimal, Error> {
        if float.is_nan() {
            return Err(Error::NotFinite("NaN"));
        }
        if float.is_infinite() {
            return Err(Error::NotFinite(if float > 0.0 { "+Inf" } else { "-Inf" }));
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let value = format!("{whole}{fraction}").parse().unwrap_or_default();
        let exponent = exponent.parse::<i64>().unwrap_or(0) - fraction.len() as i64;
        Ok(Decimal { value, exponent })
    }

    /// The sum.
    pub fn add(&self, other: &Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        Decimal {
            value: self.scaled(exponent) + other.scaled(exponent),
            exponent,
        }
    }

    /// The difference.
    pub fn sub(&self, other: &Decimal) -> Decimal {
        let exponent = self.exponent.min(other.exponent);
        Decimal {
            value: self.scaled(exponent) - other.scaled(exponent),
            exponent,
        }
    }

    /// The product.
    pub fn mul(&self, other: &Decimal) -> Decimal {
        Decimal {
            value: &self.value * &other.value,
            exponent: self.exponent + other.exponent,
        }
    }

    /// The quotient, rounded half away from zero to 16 digits after the point.
    ///
    /// # Errors
    /// When the divisor is zero.
    pub fn div(&self, other: &Decimal) -> Result<Decimal, Error> {
        let zero = BigInt::default();
        if other.value == zero {
            return Err(Error::DivisionByZero);
        }
        // self / other = (dividend / divisor) · 10^-PRECISION
        let shift = self.exponent - other.exponent + PRECISION;
        let (dividend, divisor) = if shift < 0 {
            (self.value.clone(), &other.value * ten_to(-shift))
        } else {
            (&self.value * ten_to(shift), other.value.clone())
        };
        let mut quotient = &dividend / &divisor;
        let rest = &dividend - &quotient * &divisor;
        if rest.magnitude() * 2u32 >= *divisor.magnitude() && rest != zero {
            let negative = (dividend < zero) != (divisor < zero);
            quotient += if negative { -1 } else { 1 };
        }
        Ok(Decimal {
            value: quotient,
            exponent: -PRECISION,
        })
    }

    fn scaled(&self, exponent: i64) -> BigInt {
        &self.value * ten_to(self.exponent - exponent)
    }

    /// The nearest float.
    pub fn to_float(&self) -> f64 {
        // Rust reads decimal digits of any length correctly rounded
        format!("{}e{}", self.value, self.exponent)
            .parse()
            .unwrap_or(0.0)
    }
}

/// Floats span about 10^±324 and a chain of products is bounded by the template's own length.
fn ten_to(exponent: i64) -> BigInt {
    BigInt::from(10u8).pow(u32::try_from(exponent).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(float: f64) -> Decimal {
        Decimal::from_float(float).unwrap()
    }

    #[test]
    fn exact() {
        assert_eq!(of(0.1).add(&of(0.2)).to_float(), 0.3);
        assert_eq!(
            of(1.0).div(&of(3.0)).unwrap().to_float(),
            0.3333333333333333
        );
        assert_eq!(
            of(-2.0).div(&of(3.0)).unwrap().to_float(),
            -0.6666666666666667
        );
        assert_eq!(
            of(1.5e300).mul(&of(1e8)).to_float(),
            f64::INFINITY.min(1.5e308)
        );
        assert_eq!(of(1.0).div(&of(0.0)), Err(Error::DivisionByZero));
    }
}
