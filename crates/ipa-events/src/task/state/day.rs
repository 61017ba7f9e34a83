//! What was spent on one day, in UTC: a run counts on the day on which it ends.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::value::Money;

/// What was spent on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The day, in UTC.
    pub date: Date,
    /// What was spent.
    #[serde(rename = "spent_microusd")]
    pub spent: Money,
}

impl Day {
    /// Returns the day of a moment.
    pub fn of(at: Timestamp) -> Date {
        at.to_zoned(TimeZone::UTC).date()
    }

    /// Returns when the day of a moment is over.
    pub fn end(at: Timestamp) -> Timestamp {
        let next = Self::of(at).tomorrow().and_then(|date| date.to_zoned(TimeZone::UTC));
        next.map_or(Timestamp::MAX, |midnight| midnight.timestamp())
    }

    /// Adds what was spent at a moment; a new day begins with nothing.
    #[must_use]
    pub fn plus(known: Option<Self>, at: Timestamp, more: Money) -> Self {
        let date = Self::of(at);
        let spent = known.filter(|day| day.date == date).map_or(Money::default(), |day| day.spent);
        Self { date, spent: spent.plus(more) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_utc_and_the_next_begins_with_nothing() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (late, midnight) = (at("2026-11-26T23:59:59Z"), at("2026-11-27T00:00:00Z"));
        assert_eq!((Day::end(late), Day::end(midnight)), (midnight, at("2026-11-28T00:00:00Z")));
        let day = Day::plus(None, late, Money::microusd(2));
        let day = Day::plus(Some(day), late, Money::microusd(3));
        assert_eq!(day.spent, Money::microusd(5));
        assert_eq!(Day::plus(Some(day), midnight, Money::microusd(1)).spent, Money::microusd(1));
        assert_eq!(Day::end(Timestamp::MAX), Timestamp::MAX);
    }
}
