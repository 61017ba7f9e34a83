//! Publishes harvested commits as branches of their source, and removes such branches: by lease, never by force.

use ipa_events::{BranchName, Oid, RepoSource};

use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::mirror::Mirror;
use crate::workspaces::Push;

/// What runs in a repository that a person works in: none of its hooks, no rewrite of what is checked out, no
/// housekeeping, nothing written but objects and the one ref.
const RECEIVE_PACK: &str = "--receive-pack=git -c core.hooksPath=/dev/null -c receive.denyCurrentBranch=refuse \
     -c receive.denyDeleteCurrent=refuse -c receive.autogc=false -c core.logAllRefUpdates=false \
     -c core.fsmonitor=false receive-pack";

/// How git says that a branch is checked out where it was to be moved, or removed.
const CHECKED_OUT: [&str; 2] =
    ["branch is currently checked out", "deletion of the current branch prohibited"];

/// A branch outside that is to be moved.
pub(crate) struct Move<'a> {
    pub(crate) repo: &'a RepoSource,
    pub(crate) branch: &'a BranchName,
    /// Where it must be before; none: it must not exist.
    pub(crate) from: Option<&'a Oid>,
    /// Where it will be; none: it will not exist.
    pub(crate) to: Option<&'a Oid>,
}

impl Engine {
    /// Publishes a harvested commit; again is the same.
    pub(crate) fn publish(&self, push: &Push) -> Result<(), WorkspaceError> {
        let mirror = self.mirror(&push.repo);
        let _lock = mirror.lock()?;
        let (from, to) = (push.expected.as_ref(), Some(&push.commit));
        move_branch(&mirror, &Move { repo: &push.repo, branch: &push.branch, from, to })
    }

    /// Removes a branch that is where it was expected; again is the same.
    pub(crate) fn delete_branch(
        &self,
        repo: &RepoSource,
        branch: &BranchName,
        commit: &Oid,
    ) -> Result<(), WorkspaceError> {
        let mirror = self.mirror(repo);
        let _lock = mirror.lock()?;
        if mirror.remote_head(branch)?.is_none() {
            return Ok(());
        }
        move_branch(&mirror, &Move { repo, branch, from: Some(commit), to: None })
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

/// Moves a branch of the source with a lease on where it was; for whoever holds the lock.
pub(crate) fn move_branch(mirror: &Mirror, wanted: &Move<'_>) -> Result<(), WorkspaceError> {
    let Move { repo, branch, from, to } = *wanted;
    let full = branch.full();
    let [expected, wanted] = [from, to].map(|oid| oid.map_or("", Oid::as_str));
    let call = mirror.remote("push").args(["--porcelain", "--no-verify", "--no-follow-tags"]);
    let call = call.arg(format!("--force-with-lease={full}:{expected}"));
    let call = if repo.as_path().is_some() { call.arg(RECEIVE_PACK) } else { call };
    let call = call.args(["--", &mirror.url(), &format!("{wanted}:{full}")]);
    let doing = || match to {
        Some(_) => format!("publishing {branch} to {repo}"),
        None => format!("removing {branch} from {repo}"),
    };
    let output = call.output().map_err(|error| error.doing(doing()))?;
    if output.code == Some(0) {
        return Ok(());
    }
    if let Some(error) = mirror.unanswered(&output.stderr) {
        return Err(error);
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let actual = mirror.remote_head(branch)?;
    if actual.as_ref() == to {
        return Ok(());
    }
    if actual.as_ref() != from {
        return Err(WorkspaceError::Stale { repo: repo.clone(), branch: branch.clone(), actual });
    }
    let refusal = said.lines().find(|line| line.starts_with('!')).unwrap_or_default();
    if CHECKED_OUT.iter().any(|words| refusal.contains(words)) {
        return Err(WorkspaceError::CheckedOut { repo: repo.clone(), branch: branch.clone() });
    }
    let detail = [refusal, output.stderr.as_str()].join("\n").trim().to_owned();
    Err(WorkspaceError::Failed { doing: doing(), detail })
}
