//! The other side's clock, as its answers tell it. Pure.

use http::header::DATE;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use crate::wire::Answer;

/// Returns by how much the clock of who answered is ahead of ours; behind is less than nothing.
pub(crate) fn ahead(answer: &Answer, now: Timestamp) -> Option<SignedDuration> {
    let theirs = rfc2822::parse(answer.header(DATE.as_str())?).ok()?;
    Some(theirs.timestamp().duration_since(now))
}
