//! Turns what agents and people wrote into HTML. Pure, and everything that comes in is hostile: text is escaped,
//! no markup of theirs survives, what cannot be seen is made visible. Knows no pages.

pub(crate) mod ansi;
pub(crate) mod criteria;
pub(crate) mod diff;
pub(crate) mod markdown;
mod markup;
pub(crate) mod told;
pub(crate) mod visible;
