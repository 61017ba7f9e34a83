//! What others say of a commit: their checks, their reviews, what is still talked about.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CiState, Pull, ReviewVerdict};
use crate::task::state::Evidence;
use crate::value::Oid;

/// What others say of a commit in one pull request. Only whom the other side lets decide counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Opinion {
    /// What their checks say of it; none if none ran on it.
    pub checks: Option<CiState>,
    /// Who approved exactly this commit.
    pub approved_by: Vec<Arc<str>>,
    /// Who wants something changed, whichever commit they saw.
    pub objected_by: Vec<Arc<str>>,
    /// How many threads are not settled.
    pub open_threads: usize,
}

impl Opinion {
    /// Tells whether somebody approved it and nobody objects.
    pub const fn is_approval(&self) -> bool {
        !self.approved_by.is_empty() && self.objected_by.is_empty()
    }

    /// Says it in words, each with whether it is good.
    pub fn says(&self) -> Vec<(Evidence, String)> {
        let checks = self.checks.map(|checks| match checks {
            CiState::Pending => (Evidence::Pending, "its checks are running".to_owned()),
            CiState::Passed => (Evidence::Passed, "its checks passed".to_owned()),
            CiState::Failed => (Evidence::Failed, "its checks failed".to_owned()),
        });
        let by = |evidence, what: &str, who: &[Arc<str>]| {
            (!who.is_empty()).then(|| (evidence, format!("{what} by {}", who.join(", "))))
        };
        let threads = (self.open_threads > 0)
            .then(|| (Evidence::Pending, format!("threads to settle: {}", self.open_threads)));
        let reviews = [
            by(Evidence::Passed, "approved", &self.approved_by),
            by(Evidence::Failed, "changes wanted", &self.objected_by),
        ];
        checks.into_iter().chain(reviews.into_iter().flatten()).chain(threads).collect()
    }
}

impl Pull {
    /// Sums up what others say of a commit.
    pub fn opinion_of(&self, commit: &Oid) -> Opinion {
        let trusted = |verdict: ReviewVerdict| {
            self.reviews.iter().filter(move |(_, it)| it.remark.trusted && it.verdict == verdict)
        };
        let of_this = trusted(ReviewVerdict::Approved).filter(|(_, review)| review.commit == *commit);
        Opinion {
            checks: self.ci.as_ref().filter(|ci| ci.commit == *commit).map(|ci| ci.state),
            approved_by: of_this.map(|(by, _)| by.clone()).collect(),
            objected_by: trusted(ReviewVerdict::ChangesRequested).map(|(by, _)| by.clone()).collect(),
            open_threads: self.threads.values().filter(|thread| !thread.resolved).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::super::{Ci, Remark, Review, Thread};
    use super::*;

    fn review(verdict: ReviewVerdict, commit: &Oid) -> Review {
        let remark = Remark { by: "x".into(), trusted: true, at: Timestamp::UNIX_EPOCH, text: "".into() };
        Review { id: "1".parse().unwrap(), verdict, commit: commit.clone(), remark }
    }

    #[test]
    fn what_others_say_of_a_commit_is_that_of_exactly_this_commit_by_whom_is_trusted() {
        let [old, new]: [Oid; 2] = ["1", "2"].map(|digit| digit.repeat(40).parse().unwrap());
        let mut pull = Pull::new("x".into(), new.clone(), None);
        assert_eq!((pull.opinion_of(&new).says(), pull.opinion_of(&new).is_approval()), (Vec::new(), false));
        pull.ci = Some(Ci { commit: new.clone(), state: CiState::Passed, failing: Vec::new() });
        let mut stranger = review(ReviewVerdict::ChangesRequested, &new);
        stranger.remark.trusted = false;
        pull.reviews = [
            ("ann".into(), review(ReviewVerdict::Approved, &new)),
            ("bob".into(), review(ReviewVerdict::Approved, &old)),
            ("eve".into(), stranger),
        ]
        .into();
        let thread = |resolved| Thread { path: "a".into(), line: None, resolved, remarks: BTreeMap::new() };
        pull.threads = [("5".parse().unwrap(), thread(true)), ("6".parse().unwrap(), thread(false))].into();
        let says = |pull: &Pull, commit| -> Vec<String> {
            pull.opinion_of(commit).says().into_iter().map(|(_, words)| words).collect()
        };
        assert_eq!(says(&pull, &new), ["its checks passed", "approved by ann", "threads to settle: 1"]);
        assert_eq!(says(&pull, &old), ["approved by bob", "threads to settle: 1"]);
        assert!(pull.opinion_of(&new).is_approval());
        // Who wants something changed wants it of whatever comes, until they say otherwise.
        pull.reviews.insert("zoe".into(), review(ReviewVerdict::ChangesRequested, &old));
        assert!(!pull.opinion_of(&new).is_approval());
        assert_eq!(says(&pull, &new)[2], "changes wanted by zoe");
    }
}
