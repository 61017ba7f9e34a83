//! Lists, reads and writes files: of a checkout as it is now, or of a harvested commit.

mod committed;
pub(crate) mod current;

use ipa_events::WorkspaceId;

use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::path::RelPath;
use crate::workspaces::{Entry, FileRoot, FileView, Listing};
use crate::worktree::Worktree;

/// How much of a file is read.
const READ_BYTES: u64 = 1 << 20;
/// How much of a larger file is shown.
const HEAD_BYTES: u64 = 64 << 10;
/// How many entries of a folder are listed.
const LISTED: usize = 5000;

impl Engine {
    /// Lists a folder.
    pub(crate) fn ls(&self, root: &FileRoot, dir: &RelPath) -> Result<Listing, WorkspaceError> {
        match root {
            FileRoot::Worktree(id) => current::ls(&self.worktree(id)?, dir),
            FileRoot::Commit { repo, commit } => committed::ls(&self.mirror(repo).open()?, commit, dir),
        }
    }

    /// Reads a file, at most 1 MiB of it.
    pub(crate) fn read(&self, root: &FileRoot, path: &RelPath) -> Result<FileView, WorkspaceError> {
        match root {
            FileRoot::Worktree(id) => current::read(&self.worktree(id)?, path),
            FileRoot::Commit { repo, commit } => committed::read(&self.mirror(repo).open()?, commit, path),
        }
    }

    /// Writes a file of a checkout, making its folders.
    pub(crate) fn write(&self, id: &WorkspaceId, path: &RelPath, bytes: &[u8]) -> Result<(), WorkspaceError> {
        current::write(&self.worktree(id)?, path, bytes)
    }

    fn worktree(&self, id: &WorkspaceId) -> Result<Worktree, WorkspaceError> {
        let place = self.layout.place(id);
        let record = place.read()?.ok_or_else(|| WorkspaceError::NotFound(id.clone()))?;
        Worktree::open(&place, &record)
    }
}

/// Sorts, folders first, and cuts off what is too much.
pub(crate) fn listing(mut entries: Vec<Entry>) -> Listing {
    entries.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
    let truncated = entries.len() > LISTED;
    entries.truncate(LISTED);
    Listing { entries, truncated }
}

/// Shows bytes: `size_bytes` of them there are, and these are all, or the first.
pub(crate) fn view(bytes: Vec<u8>, size_bytes: u64) -> FileView {
    if size_bytes > READ_BYTES {
        let head = bytes.get(..usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX)).unwrap_or(&bytes);
        return FileView::TooLarge { size_bytes, head: String::from_utf8_lossy(head).into_owned() };
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => FileView::Text { text },
        Ok(_) | Err(_) => FileView::Binary { size_bytes },
    }
}
