//! Makes the state of a checkout safe: what is committed, and what is not, in refs of the mirror that need the
//! checkout no longer.

use ipa_events::{Oid, WorkspaceId};

use crate::engine::{Checkout, Engine};
use crate::error::WorkspaceError;
use crate::nested::Whole;
use crate::objects;
use crate::shadow::Keep;
use crate::workspaces::Checkpoint;
use crate::worktree::Worktree;

/// How often a rule that is moved away may bring files to light that hold rules themselves.
const RULES_DEPTH: u32 = 8;

/// A checkpoint with what it could not hold.
pub(crate) struct Saved {
    pub(crate) checkpoint: Checkpoint,
    /// Why the checkout must not be given up all the same.
    pub(crate) unsafe_because: Option<WorkspaceError>,
}

impl Engine {
    /// Makes the state of a checkout safe.
    pub(crate) fn checkpoint(&self, id: &WorkspaceId, reason: &str) -> Result<Checkpoint, WorkspaceError> {
        let saved = self.checkout(id)?.save(reason)?;
        if let Some(error) = &saved.unsafe_because {
            tracing::warn!(workspace = %id, %error, "a checkpoint could not hold everything");
        }
        Ok(saved.checkpoint)
    }

    /// Sets a checkout back to a harvested commit, after a checkpoint.
    pub(crate) fn reset(&self, id: &WorkspaceId, to: &Oid) -> Result<Checkpoint, WorkspaceError> {
        let checkout = self.checkout(id)?;
        checkout.mirror.need(to)?;
        let saved = checkout.save(&format!("before the reset to {}", to.short()))?;
        if let Some(error) = saved.unsafe_because {
            return Err(error);
        }
        checkout.reset(to)?;
        Ok(saved.checkpoint)
    }
}

impl Checkout<'_> {
    /// Harvests, and keeps the files under the next number; the last checkpoint again when nothing changed.
    ///
    /// A repository that cannot be harvested does not keep the files from being saved.
    pub(crate) fn save(&self, reason: &str) -> Result<Saved, WorkspaceError> {
        let harvested = self.harvest();
        let head = self.head()?;
        let shadow = self.shadow();
        let Whole { tree, left_out } = self.whole_tree(shadow.snapshot()?)?;
        let checkpoint = match self.last_checkpoint()? {
            Some(last) if self.is_of(&last.commit, &head, &tree)? => last,
            last => {
                let number = last.map_or(1, |last| last.number.saturating_add(1));
                let full = self.refs.snapshot(number);
                let commit =
                    shadow.keep(&Keep { tree: &tree, parent: &head, message: reason, full: &full })?;
                Checkpoint { number, commit }
            }
        };
        self.verify(&checkpoint)?;
        let unsafe_because = harvested.err().or_else(|| incomplete(self, &left_out));
        Ok(Saved { checkpoint, unsafe_because })
    }

    fn last_checkpoint(&self) -> Result<Option<Checkpoint>, WorkspaceError> {
        let prefix = self.refs.snapshots();
        let refs = objects::refs(&self.mirror.open()?, &prefix)?;
        let numbered = refs.into_iter().filter_map(|(name, commit)| {
            Some(Checkpoint { number: name.strip_prefix(&prefix)?.parse().ok()?, commit })
        });
        Ok(numbered.max_by_key(|checkpoint| checkpoint.number))
    }

    fn is_of(&self, commit: &Oid, parent: &Oid, tree: &Oid) -> Result<bool, WorkspaceError> {
        let repo = self.mirror.open()?;
        let same_tree = objects::oid(&objects::commit_tree(&repo, commit)?.id)? == *tree;
        Ok(same_tree && objects::first_parent(&repo, commit)?.as_ref() == Some(parent))
    }

    /// Proves that the mirror alone has all that a checkpoint needs.
    fn verify(&self, checkpoint: &Checkpoint) -> Result<(), WorkspaceError> {
        let full = self.refs.snapshot(checkpoint.number);
        let args = ["rev-list", "--objects", "--quiet", &full, "--not", "--branches", "--tags"];
        let list = self.mirror.call().args(args).run();
        list.map(drop).map_err(|error| error.doing(format!("verifying checkpoint {}", checkpoint.number)))
    }

    fn reset(&self, to: &Oid) -> Result<(), WorkspaceError> {
        let doing = || format!("resetting workspace {} to {}", self.record.id, to.short());
        let worktree = Worktree::open(&self.place, &self.record)?;
        worktree.unlock_index()?;
        for quit in ["rebase", "cherry-pick", "revert", "am", "merge"] {
            // Fails when there is nothing to quit.
            self.git_inside()?.args([quit, "--quit"]).output().map_err(|error| error.doing(doing()))?;
        }
        // What says that files are not to be looked at.
        worktree.forget_index()?;
        let checkout = self.git_inside()?.args(["-c", "core.sparseCheckout=false"]);
        let checkout = checkout.args(["checkout", "--quiet", "--force", "--no-track"]);
        let checkout = match &self.record.branch {
            Some(branch) => checkout.args(["-B", branch.as_str(), to.as_str(), "--"]),
            None => checkout.args(["--detach", to.as_str(), "--"]),
        };
        checkout.run().map_err(|error| error.doing(doing()))?;
        self.clear_others(&worktree, to)?;
        let head = self.harvest()?;
        let tree = self.shadow().snapshot()?.tree;
        let wanted = objects::oid(&objects::commit_tree(&self.mirror.open()?, to)?.id)?;
        if head == *to && tree == wanted {
            return Ok(());
        }
        let detail = "the checkout holds something else afterwards; a filter of the checkout may do that";
        Err(WorkspaceError::Failed { doing: doing(), detail: detail.to_owned() })
    }

    /// Moves what a commit does not have to the trash: also what was ignored by rules that are gone with it, which
    /// no checkpoint holds.
    fn clear_others(&self, worktree: &Worktree, commit: &Oid) -> Result<(), WorkspaceError> {
        for _ in 0..RULES_DEPTH {
            let others = self.shadow().others(commit)?;
            if others.is_empty() {
                break;
            }
            let trash = self.engine.layout.new_trash(&self.record.id)?;
            others.iter().try_for_each(|path| worktree.move_to(path, &trash))?;
        }
        Ok(())
    }
}

/// Names what could not be taken in.
pub(crate) fn incomplete(checkout: &Checkout<'_>, left_out: &[String]) -> Option<WorkspaceError> {
    let id = &checkout.record.id;
    let said = left_out.join("; ");
    (!said.is_empty())
        .then(|| WorkspaceError::Unsupported(format!("workspace {id} holds what git cannot keep: {said}")))
}
