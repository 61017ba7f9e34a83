//! How agents of every kind are kept: the program that becomes their hosts, and how those end a run.

use std::time::Duration;

use ipa_events::Helper;

use crate::redact::Secrets;
use crate::spec::Grace;

/// How long a run goes on with nobody connected.
const ALONE: Duration = Duration::from_hours(6);

/// What the hosts of a kind of agent are told.
#[derive(Debug, Clone)]
pub struct Hosting {
    pub(crate) helper: Helper,
    pub(crate) grace: Grace,
    pub(crate) alone: Duration,
    pub(crate) secrets: Secrets,
}

impl Hosting {
    /// Starts hosts through `helper`, with the usual limits.
    pub fn new(helper: Helper) -> Self {
        Self { helper, grace: Grace::default(), alone: ALONE, secrets: Secrets::default() }
    }

    /// Changes how long each step of ending a run may take.
    #[must_use]
    pub const fn with_grace(mut self, grace: Grace) -> Self {
        self.grace = grace;
        self
    }

    /// Changes how long a run goes on with nobody connected; 6 h.
    #[must_use]
    pub const fn with_alone(mut self, alone: Duration) -> Self {
        self.alone = alone;
        self
    }

    /// Adds secrets that are kept of no run, beside those of its own environment: an agent may print what another one
    /// left in the tree.
    #[must_use]
    pub fn with_secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = secrets;
        self
    }
}

impl From<Helper> for Hosting {
    fn from(helper: Helper) -> Self {
        Self::new(helper)
    }
}
