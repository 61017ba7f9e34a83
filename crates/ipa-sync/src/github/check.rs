//! Whether all is there that will be needed: who we are, what we may do, what is left of the limit.

use super::GitHubConnector;
use super::api::{By, Limits};
use super::auth::Asker;
use super::place::RepoName;
use crate::connector::Checked;
use crate::error::{ErrorClass, SyncError};

impl GitHubConnector {
    pub(super) async fn find_out(&self, by: By) -> Result<Checked, SyncError> {
        let limits = self.api.limits(by).await?;
        let me = self.trust(by).await?.me;
        let mut checked = Checked {
            account: Some(me.to_string()),
            notes: vec![format!("it leads to {}", self.config.web), left(&limits)],
            missing: Vec::new(),
            clock: limits.clock,
        };
        let kind = match (self.api.asker(), &limits.scopes) {
            (Asker::App, _) => "it is an app".to_owned(),
            (Asker::Token, Some(scopes)) if !scopes.is_empty() => {
                format!("its token has the scopes {scopes}")
            }
            (Asker::Token, _) => "its token is limited to what was chosen for it".to_owned(),
        };
        checked.notes.push(kind);
        let scopes: Vec<&str> =
            limits.scopes.as_deref().unwrap_or_default().split(',').map(str::trim).collect();
        let is_classic = scopes != [""];
        if is_classic && !scopes.iter().any(|scope| matches!(*scope, "repo" | "public_repo")) {
            checked.missing.push("the scope `repo`: give the token that, or make one with it".to_owned());
        }
        for name in &self.config.issues_of {
            checked.missing.extend(self.lacks(by, name).await?);
        }
        Ok(checked)
    }

    /// Says what we lack in a repository whose issues want tasks.
    async fn lacks(&self, by: By, name: &str) -> Result<Option<String>, SyncError> {
        let Some(repo) = RepoName::parse(name) else {
            return Ok(Some(format!("{name} is no repository's name")));
        };
        match self.api.repo(by, &repo).await {
            Ok(repo) if repo.permissions.is_none_or(|may| may.push) => Ok(None),
            Ok(_) => Ok(Some(format!("the right to push to {name}: make this account a collaborator there"))),
            Err(error) if error.class == ErrorClass::Gone => {
                Ok(Some(format!("the sight of {name}: it is not there, or not shown to this account")))
            }
            Err(error) => Err(error),
        }
    }
}

fn left(limits: &Limits) -> String {
    format!("{} of {} requests are left until {}", limits.remaining, limits.limit, limits.until)
}
