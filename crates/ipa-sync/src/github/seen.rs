//! What was last read of a pull request, and what is to be read the next time. Pure.
//!
//! That something about it changed shows in the pull request itself, and asking whether it did costs nothing when it did
//! not. Checks and the settling of threads do not show there: they are read again the later the longer nothing
//! happened, and checks that are not done with every look.

use http::HeaderValue;
use ipa_events::task::{Ci, CiState, Pull};
use jiff::{SignedDuration, Timestamp};

use super::read::Talk;
use super::shape;
use crate::connector::Look;

/// After so long all is read again, however quiet it is.
const LONGEST: SignedDuration = SignedDuration::from_hours(6);

/// What was last read of a pull request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// By what GitHub knows again what it said.
    pub(super) etag: Option<HeaderValue>,
    pub(super) shown: shape::Pull,
    pub(super) talk: Talk,
    pub(super) ci: Option<Ci>,
    pub(super) pull: Pull,
    /// When all of it was read.
    pub(super) read_at: Timestamp,
    /// When it was last other than before.
    pub(super) changed_at: Timestamp,
}

/// What is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing more.
    Nothing,
    /// The checks.
    Checks,
    /// The checks and what people say.
    All,
}

impl Seen {
    /// Says what is to be read beside the pull request itself, when that is as it was.
    pub(super) fn due(&self, look: Look, now: Timestamp) -> Part {
        let quiet = self.read_at.duration_since(self.changed_at);
        let pause = quiet.clamp(SignedDuration::ZERO, LONGEST);
        match look {
            Look::Closely => Part::All,
            Look::Glance if now.duration_since(self.read_at) > pause => Part::All,
            Look::Glance if self.ci.as_ref().is_some_and(|ci| ci.state == CiState::Pending) => Part::Checks,
            Look::Glance => Part::Nothing,
        }
    }

    /// Tells whether it is to be looked at although nobody says that it changed.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.due(Look::Glance, now) != Part::Nothing
    }
}

#[cfg(test)]
mod tests {
    use ipa_events::Oid;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn seen(changed: i64, read: i64, ci: Option<CiState>) -> Seen {
        let tip = shape::Tip { sha: "c".repeat(40), repo: None };
        let shown = serde_json::json!({
            "number": 1, "node_id": "PR_1", "html_url": "", "state": "open",
            "head": { "sha": tip.sha }, "base": { "sha": tip.sha },
        });
        let head: Oid = tip.sha.parse().unwrap();
        Seen {
            etag: None,
            shown: serde_json::from_value(shown).unwrap(),
            talk: Talk::default(),
            ci: ci.map(|state| Ci { commit: head.clone(), state, failing: Vec::new() }),
            pull: Pull::new("".into(), head, None),
            read_at: at(read),
            changed_at: at(changed),
        }
    }

    #[test]
    fn what_does_not_show_is_read_the_later_the_longer_nothing_happened() {
        let passed = Some(CiState::Passed);
        for (seen, now, part) in [
            (seen(0, 0, passed), 1, Part::All),
            (seen(0, 4, passed), 7, Part::Nothing),
            (seen(0, 4, passed), 9, Part::All),
            (seen(0, 60, passed), 120, Part::Nothing),
            (seen(0, 60, passed), 121, Part::All),
            (seen(0, 1000, passed), 1360, Part::Nothing),
            (seen(0, 1000, passed), 1361, Part::All),
            (seen(0, 60, Some(CiState::Pending)), 61, Part::Checks),
            (seen(0, 60, None), 61, Part::Nothing),
        ] {
            assert_eq!(seen.due(Look::Glance, at(now)), part, "{} {now}", seen.read_at);
            assert_eq!(seen.is_due(at(now)), part != Part::Nothing);
            assert_eq!(seen.due(Look::Closely, at(now)), Part::All);
        }
    }
}
