//! Commits what a checkout holds. What is committed is the tree that the host read, object for object: neither
//! the agent's ignore rules nor its filters come in between.

use ipa_events::WorkspaceId;

use crate::checkpoint::incomplete;
use crate::engine::{Checkout, Engine};
use crate::error::WorkspaceError;
use crate::objects;
use crate::shadow::{Keep, Snapshot};
use crate::workspaces::Committed;
use crate::worktree::Worktree;

impl Engine {
    /// Commits everything that is not ignored, and harvests.
    pub(crate) fn commit(&self, id: &WorkspaceId, message: &str) -> Result<Committed, WorkspaceError> {
        self.checkout(id)?.commit(message)
    }
}

impl Checkout<'_> {
    fn commit(&self, message: &str) -> Result<Committed, WorkspaceError> {
        Worktree::open(&self.place, &self.record)?.unlock_index()?;
        let head = self.harvest()?;
        let shadow = self.shadow();
        let Snapshot { tree, left_out, .. } = shadow.snapshot()?;
        if let Some(error) = incomplete(self, &left_out) {
            // A file that cannot be read would be in the commit as it was before.
            return Err(error);
        }
        if objects::oid(&objects::commit_tree(&self.mirror.open()?, &head)?.id)? == tree {
            return Ok(Committed { head });
        }
        // From here on the mirror has the objects, and the checkout borrows them.
        shadow.keep(&Keep { tree: &tree, parent: &head, message, full: &self.refs.shown() })?;
        let doing = || format!("committing in workspace {}", self.record.id);
        let read = self.git_inside()?.args(["read-tree", tree.as_str()]);
        read.run().map_err(|error| error.doing(doing()))?;
        let commit =
            self.git_inside()?.args(["commit", "--quiet", "--no-verify", "--no-gpg-sign", "-F", "-"]);
        commit.stdin(message).run().map_err(|error| error.doing(doing()))?;
        let head = self.harvest()?;
        let committed = objects::oid(&objects::commit_tree(&self.mirror.open()?, &head)?.id)?;
        if committed != tree {
            let detail = "the commit holds something else than the files; the configuration of the checkout may do that";
            return Err(WorkspaceError::Failed { doing: doing(), detail: detail.to_owned() });
        }
        Ok(Committed { head })
    }
}
