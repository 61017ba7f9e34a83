//! Times in a query: to the minute, on the clock of who asks, or so long ago.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use super::Trouble;

const FORMATS: [&str; 2] = ["%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M"];

/// The moment that a value means to somebody whose clock is so many hours ahead.
pub(super) fn moment(value: &str, now: Timestamp, hours: i8) -> Result<Timestamp, Trouble> {
    let ago = value.strip_prefix('-').and_then(period).map(|ago| now - ago);
    let found = ago.or_else(|| {
        local(value).and_then(|local| {
            local.to_zoned(Offset::constant(hours).to_time_zone()).ok().map(|at| at.timestamp())
        })
    });
    found.ok_or_else(|| {
        Trouble::Unreadable(format!(
            "Date value '{value}' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', \
             'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
        ))
    })
}

fn local(value: &str) -> Option<DateTime> {
    let whole = if value.contains(' ') { value.to_owned() } else { format!("{value} 00:00") };
    FORMATS.iter().find_map(|format| strtime::parse(format, &whole).ok()?.to_datetime().ok())
}

/// `5m`, `2h`, `1d 12h`.
fn period(text: &str) -> Option<SignedDuration> {
    text.split_whitespace().try_fold(SignedDuration::ZERO, |sum, part| {
        let (number, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
        let number: i64 = number.parse().ok()?;
        let minutes = match unit {
            "m" => 1,
            "h" => 60,
            "d" => 60 * 24,
            "w" => 60 * 24 * 7,
            _ => return None,
        };
        Some(sum + SignedDuration::from_mins(number.checked_mul(minutes)?))
    })
}
