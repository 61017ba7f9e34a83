//! Whether the folder and the repository are there and can be used. Makes and changes nothing.

use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

use super::LocalConnector;
use crate::connector::{Checked, Cx};
use crate::error::SyncError;

impl LocalConnector {
    /// Looks at the folder, and asks git for the branch that is merged into.
    pub(super) async fn look_over(&self, cx: Cx<'_>) -> Result<Checked, SyncError> {
        let mut found = Checked::default();
        let path = self.config.folder.clone();
        let (repo, base) = (&self.config.repo, &self.config.base);
        let at = repo.as_path().map(Path::to_owned);
        let looked = tokio::task::spawn_blocking(move || {
            let there = at.is_none_or(|at| at.join("HEAD").is_file() || at.join(".git").exists());
            (folder(&path), there)
        });
        let unseen = |error: tokio::task::JoinError| (Err(error.to_string()), true);
        let (folder, there) = looked.await.unwrap_or_else(unseen);
        match folder {
            Ok(note) => found.notes.push(note),
            Err(missing) => found.missing.push(missing),
        }
        if !there {
            found
                .missing
                .push(format!("there is no git repository at {repo}; make it, or set `repo` to another"));
            return Ok(found);
        }
        match cx.git.head(repo, base).await {
            Ok(Some(head)) => found.notes.push(format!("repository {repo}, {base} at {}", head.short())),
            Ok(None) => found
                .missing
                .push(format!("{repo} has no branch {base}; make it, or set `base` to one that is there")),
            // Before the first task there is no place from which git could ask.
            Err(error) => {
                found.notes.push(format!("repository {repo}, which was not read ({})", error.detail));
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
