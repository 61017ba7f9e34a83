//! Publishes harvested commits as branches of their source: by lease, never by force.

use ipa_events::{BranchName, Oid, RepoSource};

use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::workspaces::Push;

/// What runs in a repository that a person works in: none of its hooks, no rewrite of what is checked out, no
/// housekeeping, nothing written but objects and the one ref.
const RECEIVE_PACK: &str = "--receive-pack=git -c core.hooksPath=/dev/null -c receive.denyCurrentBranch=refuse \
     -c receive.autogc=false -c core.logAllRefUpdates=false -c core.fsmonitor=false receive-pack";

impl Engine {
    /// Publishes a harvested commit; again is the same.
    pub(crate) fn publish(&self, push: &Push) -> Result<(), WorkspaceError> {
        let mirror = self.mirror(&push.repo);
        let _lock = mirror.lock()?;
        let full = push.branch.full();
        let expected = push.expected.as_ref().map_or("", Oid::as_str);
        let call = mirror.remote("push").args(["--porcelain", "--no-verify", "--no-follow-tags"]);
        let call = call.arg(format!("--force-with-lease={full}:{expected}"));
        let call = if push.repo.as_path().is_some() { call.arg(RECEIVE_PACK) } else { call };
        let call = call.args(["--", &mirror.url(), &format!("{}:{full}", push.commit)]);
        let doing = || format!("publishing {} to {}", push.branch, push.repo);
        let output = call.output().map_err(|error| error.doing(doing()))?;
        if output.code == Some(0) {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let actual = mirror.remote_head(&push.branch)?;
        if actual.as_ref() == Some(&push.commit) {
            return Ok(());
        }
        if actual != push.expected {
            return Err(WorkspaceError::Stale {
                repo: push.repo.clone(),
                branch: push.branch.clone(),
                actual,
            });
        }
        let refusal = said.lines().find(|line| line.starts_with('!')).unwrap_or_default();
        let detail = [refusal, output.stderr.as_str()].join("\n").trim().to_owned();
        Err(WorkspaceError::Failed { doing: doing(), detail })
    }

    /// Tells where a branch of a repository is now.
    pub(crate) fn remote_head(
        &self,
        repo: &RepoSource,
        branch: &BranchName,
    ) -> Result<Option<Oid>, WorkspaceError> {
        let mirror = self.mirror(repo);
        let _lock = mirror.lock()?;
        mirror.remote_head(branch)
    }
}
