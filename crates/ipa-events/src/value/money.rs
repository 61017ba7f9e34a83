//! Sums of money, in US dollars: what agents say that they cost.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::InvalidValue;

/// The form of a sum, for who wrote another one.
const WANTED: &str = "a sum in US dollars, such as 2.50";

/// How many places a millionth has.
const PLACES: usize = 6;

/// A sum of money, in millionths of a US dollar; in JSON that number. As a text it is exact: `2.50`, `0.0012`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(u64);

impl Money {
    /// Makes the sum of so many millionths of a US dollar.
    pub const fn microusd(microusd: u64) -> Self {
        Self(microusd)
    }

    /// Returns the sum in millionths of a US dollar.
    pub const fn as_microusd(self) -> u64 {
        self.0
    }

    /// Adds a sum.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Takes a sum away; never below nothing.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns the sum so many times.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self(self.0.saturating_mul(times.into()))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / 1_000_000, format!("{:06}", self.0 % 1_000_000));
        let (cents, less) = rest.split_at(2);
        write!(f, "{dollars}.{cents}{}", less.trim_end_matches('0'))
    }
}

impl FromStr for Money {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidValue::new(WANTED, text);
        let (dollars, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(dollars) || !digits(rest) || rest.len() > PLACES {
            return Err(invalid());
        }
        let dollars = dollars.parse::<u64>().ok().and_then(|dollars| dollars.checked_mul(1_000_000));
        let rest = format!("{rest:0<PLACES$}").parse::<u64>().ok();
        let sum = dollars.zip(rest).and_then(|(dollars, rest)| dollars.checked_add(rest));
        sum.map(Self).ok_or_else(invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_read_strictly_and_written_exactly() {
        for (text, microusd, written) in [
            ("2.50", 2_500_000, "2.50"),
            ("2", 2_000_000, "2.00"),
            ("0.001", 1_000, "0.001"),
            ("0.5", 500_000, "0.50"),
            ("12.345678", 12_345_678, "12.345678"),
            ("18446744073709.551615", u64::MAX, "18446744073709.551615"),
        ] {
            let sum: Money = text.parse().unwrap();
            assert_eq!((sum.as_microusd(), sum.to_string().as_str()), (microusd, written));
            assert_eq!(sum.to_string().parse(), Ok(sum));
        }
        for wrong in
            ["", ".", "1.", ".5", "-1", "+1", "1,50", "$2", "2 ", "1e3", "1.2345678", "٣", "99999999999999"]
        {
            assert!(wrong.parse::<Money>().is_err(), "{wrong:?}");
        }
    }
}
