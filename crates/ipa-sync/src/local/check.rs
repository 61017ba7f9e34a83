//! Whether the folder and the repository are there and can be used. Makes and changes nothing.

use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

use super::LocalConnector;
use crate::connector::{Checked, Cx};
use crate::error::{ErrorClass, SyncError};

impl LocalConnector {
    /// Looks at the folder, and asks git for the branch that is merged into.
    pub(super) async fn look_over(&self, cx: Cx<'_>) -> Result<Checked, SyncError> {
        let mut found = Checked::default();
        let path = self.config.folder.clone();
        let looked = tokio::task::spawn_blocking(move || folder(&path)).await;
        match looked.unwrap_or_else(|error| Err(error.to_string())) {
            Ok(note) => found.notes.push(note),
            Err(missing) => found.missing.push(missing),
        }
        let (repo, base) = (&self.config.repo, &self.config.base);
        match cx.git.head(repo, base).await {
            Ok(Some(head)) => found.notes.push(format!("repository {repo}, {base} at {}", head.short())),
            Ok(None) => found
                .missing
                .push(format!("{repo} has no branch {base}; make it, or set `base` to one that is there")),
            Err(error) => {
                let detail = format!("{}; see that it is a git repository", error.detail);
                return Err(SyncError::new(ErrorClass::Rejected, format!("reading {repo}"), detail));
            }
        }
        Ok(found)
    }
}

/// Says how a folder is, or what keeps it from being used.
fn folder(path: &Path) -> Result<String, String> {
    let shown = path.display();
    if path.exists() && !path.is_dir() {
        return Err(format!("{shown} is no folder; move the file away, or set `folder` to another place"));
    }
    match rustix::fs::access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(format!("folder {shown}")),
        Err(Errno::NOENT) => Ok(format!("folder {shown}, made when it is first needed")),
        Err(errno) => {
            Err(format!("{shown} cannot be read and written ({errno}); give yourself the rights to it"))
        }
    }
}
