//! The store's own clock: when a record was written. Nothing that happened depends on it.

#![expect(clippy::disallowed_methods, reason = "the one place where the store looks at the clock")]

use jiff::Timestamp;

/// Returns the time now, in whole microseconds: as exact as it is kept.
pub(super) fn recorded_now() -> Timestamp {
    to_microseconds(Timestamp::now())
}

/// Cuts a time to whole microseconds.
pub(crate) fn to_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
