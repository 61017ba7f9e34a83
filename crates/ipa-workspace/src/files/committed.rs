//! Files of a harvested commit, read from the mirror.

use gix::bstr::ByteSlice as _;
use gix::objs::tree::{EntryKind as GitKind, EntryMode};
use ipa_events::Oid;

use super::{READ_BYTES, listing, view};
use crate::error::WorkspaceError;
use crate::objects::{self, failed};
use crate::path::RelPath;
use crate::workspaces::{Entry, EntryKind, FileView, Listing};

pub(super) fn ls(repo: &gix::Repository, commit: &Oid, dir: &RelPath) -> Result<Listing, WorkspaceError> {
    let mut tree = objects::commit_tree(repo, commit)?;
    if !dir.is_root() {
        let (id, mode) = find(&tree, dir)?;
        if !mode.is_tree() {
            return Err(WorkspaceError::NoSuchPath(dir.to_string()));
        }
        tree = objects::tree(repo, &objects::oid(&id)?)?;
    }
    let mut entries = Vec::new();
    for entry in tree.iter() {
        let entry = entry.map_err(failed(format!("listing {dir}")))?;
        let kind = kind(entry.mode());
        let size_bytes = match kind {
            EntryKind::File => Some(size(repo, entry.oid().to_owned(), dir)?),
            EntryKind::Dir | EntryKind::Symlink | EntryKind::Special => None,
        };
        entries.push(Entry { name: entry.filename().to_str_lossy().into_owned(), kind, size_bytes });
    }
    Ok(listing(entries))
}

pub(super) fn read(repo: &gix::Repository, commit: &Oid, path: &RelPath) -> Result<FileView, WorkspaceError> {
    let tree = objects::commit_tree(repo, commit)?;
    let (id, mode) = find(&tree, path)?;
    match kind(mode) {
        EntryKind::Dir => Err(WorkspaceError::NoSuchPath(path.to_string())),
        EntryKind::Special => Ok(FileView::Special),
        EntryKind::Symlink => {
            let target = blob(repo, id, path)?;
            Ok(FileView::Symlink { target: target.to_str_lossy().into_owned() })
        }
        EntryKind::File => {
            let size_bytes = size(repo, id, path)?;
            // Even a large one is one object: it is read whole to show its beginning, within this bound.
            let bytes = if size_bytes > 64 * READ_BYTES { Vec::new() } else { blob(repo, id, path)? };
            Ok(view(bytes, size_bytes))
        }
    }
}

fn find(tree: &gix::Tree<'_>, path: &RelPath) -> Result<(gix::ObjectId, EntryMode), WorkspaceError> {
    let entry = tree.lookup_entry_by_path(path.as_str()).map_err(failed(format!("looking for {path}")))?;
    let entry = entry.ok_or_else(|| WorkspaceError::NoSuchPath(path.to_string()))?;
    Ok((entry.object_id(), entry.mode()))
}

fn kind(mode: EntryMode) -> EntryKind {
    match mode.kind() {
        GitKind::Tree => EntryKind::Dir,
        GitKind::Blob | GitKind::BlobExecutable => EntryKind::File,
        GitKind::Link => EntryKind::Symlink,
        GitKind::Commit => EntryKind::Special,
    }
}

fn size(repo: &gix::Repository, id: gix::ObjectId, path: &RelPath) -> Result<u64, WorkspaceError> {
    Ok(repo.find_header(id).map_err(failed(format!("measuring {path}")))?.size())
}

fn blob(repo: &gix::Repository, id: gix::ObjectId, path: &RelPath) -> Result<Vec<u8>, WorkspaceError> {
    Ok(repo.find_object(id).map_err(failed(format!("reading {path}")))?.detach().data)
}
