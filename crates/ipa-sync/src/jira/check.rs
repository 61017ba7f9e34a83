//! Whether all is there that will be needed: which Jira it is, who we are there, whether the search for tickets works.

use super::site::{Site, whoami};
use super::sweep::Round;
use super::{Flavour, JiraConnector};
use crate::clock;
use crate::connector::{Checked, Cx};
use crate::error::{ErrorClass, SyncError};
use crate::gate::Who;

impl JiraConnector {
    pub(super) async fn find_out(&self, cx: Cx<'_>) -> Result<Checked, SyncError> {
        let site = self.site(Who::Person).await?;
        let Site { flavour, api, me, .. } = &*site;
        // The site may have been found long ago.
        let answer = api.send(&whoami(Who::Person)).await?;
        let kind = match flavour {
            Flavour::Cloud => "Jira in Atlassian's cloud",
            Flavour::DataCenter => "Jira Data Center or Server",
        };
        let mut checked = Checked {
            account: Some(me.shown()),
            notes: vec![format!("it leads to {}, {kind}", self.config.base)],
            missing: Vec::new(),
            clock: clock::ahead(&answer, cx.now),
        };
        if self.config.jql.is_some() {
            let round = Round { site: site.clone(), config: &self.config, trust: &self.trust, cx };
            match round.wanted().await {
                Ok(wanted) => checked.notes.push(format!("{} of its tickets want a task", wanted.len())),
                Err(error) if error.class == ErrorClass::Rejected => {
                    checked.missing.push(format!("a search that it takes: mend `jql` ({})", error.detail));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(checked)
    }
}
