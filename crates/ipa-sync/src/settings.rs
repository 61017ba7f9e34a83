//! What a connector may do: its mode and its policies, as plain values.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::task::{ChangeKind, MergeMethod, PublishPolicy};
use ipa_events::{ConnectorId, Phase};

/// What a connector may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Its name.
    pub id: ConnectorId,
    /// How far it may go.
    pub mode: Mode,
    /// Who must agree to what.
    pub policies: Policies,
    /// How pull requests are merged.
    pub merge: MergeMethod,
    /// Who is asked for a review.
    pub reviewers: Vec<Arc<str>>,
    /// What pull requests are labelled with.
    pub labels: Vec<Arc<str>>,
}

impl Settings {
    /// Makes the settings that are right for most.
    pub fn new(id: ConnectorId) -> Self {
        Self {
            id,
            mode: Mode::Auto,
            policies: Policies::default(),
            merge: MergeMethod::default(),
            reviewers: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// Returns who must agree to a change in a phase.
    pub fn policy(&self, kind: ChangeKind, phase: Phase) -> PublishPolicy {
        let policy = self.policies.of(kind, phase);
        match self.mode {
            Mode::Off | Mode::Observe => PublishPolicy::Deny,
            Mode::Ask => policy.max(PublishPolicy::Ask),
            Mode::Auto => policy,
        }
    }
}

/// How far a connector may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It neither reads nor writes.
    Off,
    /// It reads.
    Observe,
    /// It reads, and writes what a person agreed to.
    Ask,
    /// It reads, and writes what its policies allow.
    #[default]
    Auto,
}

/// Who must agree to what. What is not said has a default; a rule for a phase comes before one for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    /// The rules, by kind and, if it matters, phase.
    pub rules: BTreeMap<(ChangeKind, Option<Phase>), PublishPolicy>,
}

impl Policies {
    /// Returns the policy of a kind of change in a phase; a rule that denies is the strongest.
    pub fn of(&self, kind: ChangeKind, phase: Phase) -> PublishPolicy {
        let of_phase = self.rules.get(&(kind, Some(phase))).copied();
        let of_all = self.rules.get(&(kind, None)).copied();
        if of_phase == Some(PublishPolicy::Deny) || of_all == Some(PublishPolicy::Deny) {
            return PublishPolicy::Deny;
        }
        of_phase.or(of_all).unwrap_or_else(|| by_default(kind))
    }
}

/// What nobody notices goes out; what others are told, or cannot be taken back, a person agrees to.
const fn by_default(kind: ChangeKind) -> PublishPolicy {
    match kind {
        ChangeKind::PushBranch
        | ChangeKind::DeleteBranch
        | ChangeKind::WriteSection
        | ChangeKind::Rename
        | ChangeKind::WriteStatus
        | ChangeKind::RequestReviewers
        | ChangeKind::AddLabels
        | ChangeKind::ReportCheck
        | ChangeKind::MarkDraft
        | ChangeKind::MoveTicket
        | ChangeKind::LinkPull => PublishPolicy::Auto,
        ChangeKind::OpenPull | ChangeKind::Comment => PublishPolicy::AskOnce,
        ChangeKind::Reply
        | ChangeKind::MarkReady
        | ChangeKind::Merge
        | ChangeKind::ClosePull
        | ChangeKind::FinishTicket => PublishPolicy::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(mode: Mode, rules: &[((ChangeKind, Option<Phase>), PublishPolicy)]) -> Settings {
        let policies = Policies { rules: rules.iter().copied().collect() };
        Settings { mode, policies, ..Settings::new("work".parse().unwrap()) }
    }

    #[test]
    fn the_rule_of_a_phase_comes_first_and_no_is_stronger_than_any() {
        use ChangeKind::{Merge, OpenPull, PushBranch};
        use PublishPolicy::{Ask, AskOnce, Auto, Deny};
        let review = Phase::Review;
        for (rules, kind, wanted) in [
            (vec![], Merge, Ask),
            (vec![], OpenPull, AskOnce),
            (vec![((Merge, None), Auto)], Merge, Auto),
            (vec![((Merge, None), Auto), ((Merge, Some(review)), Ask)], Merge, Ask),
            (vec![((Merge, None), Deny), ((Merge, Some(review)), Auto)], Merge, Deny),
            (vec![((Merge, Some(Phase::Planning)), Auto)], Merge, Ask),
            (vec![((Merge, None), Auto)], PushBranch, Auto),
        ] {
            assert_eq!(settings(Mode::Auto, &rules).policy(kind, review), wanted, "{kind} {rules:?}");
        }
    }

    #[test]
    fn a_mode_limits_what_the_policies_allow() {
        use ChangeKind::{OpenPull, PushBranch};
        for (mode, push, open) in [
            (Mode::Off, PublishPolicy::Deny, PublishPolicy::Deny),
            (Mode::Observe, PublishPolicy::Deny, PublishPolicy::Deny),
            (Mode::Ask, PublishPolicy::Ask, PublishPolicy::Ask),
            (Mode::Auto, PublishPolicy::Auto, PublishPolicy::AskOnce),
        ] {
            let settings = settings(mode, &[]);
            assert_eq!(settings.policy(PushBranch, Phase::Review), push, "{mode:?}");
            assert_eq!(settings.policy(OpenPull, Phase::Review), open, "{mode:?}");
        }
    }
}
