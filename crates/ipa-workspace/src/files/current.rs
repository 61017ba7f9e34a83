//! Files of a checkout as they are now. An agent may be changing them under our hands: nothing is checked first
//! and opened afterwards, and nothing that is no regular file is waited for.

use std::io::{Read as _, Write as _};
use std::path::Path;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;

use super::{HEAD_BYTES, READ_BYTES, listing, view};
use crate::error::WorkspaceError;
use crate::fs::failed;
use crate::path::RelPath;
use crate::workspaces::{Entry, EntryKind, FileView, Listing};
use crate::worktree::Worktree;

/// What an unfinished write is called.
const UNFINISHED: &str = ".ipa-unfinished";

pub(crate) fn ls(worktree: &Worktree, dir: &RelPath) -> Result<Listing, WorkspaceError> {
    let folder = if dir.is_root() { worktree.dir.try_clone() } else { worktree.dir.open_dir(dir.as_str()) };
    let folder = folder.map_err(missing(dir))?;
    let mut entries = Vec::new();
    for entry in folder.entries().map_err(failed("listing", Path::new(dir.as_str())))? {
        let entry = entry.map_err(failed("listing", Path::new(dir.as_str())))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.parse::<RelPath>().is_err() {
            // `.git`, by whatever name.
            continue;
        }
        let Ok(meta) = entry.metadata() else { continue };
        let kind = kind(meta.file_type());
        let size_bytes = (kind == EntryKind::File).then(|| meta.len());
        entries.push(Entry { name, kind, size_bytes });
    }
    Ok(listing(entries))
}

fn kind(kind: cap_std::fs::FileType) -> EntryKind {
    if kind.is_dir() {
        EntryKind::Dir
    } else if kind.is_file() {
        EntryKind::File
    } else if kind.is_symlink() {
        EntryKind::Symlink
    } else {
        EntryKind::Special
    }
}

pub(crate) fn read(worktree: &Worktree, path: &RelPath) -> Result<FileView, WorkspaceError> {
    let (dir, name) = parent(worktree, path)?;
    let is_link =
        |error: &std::io::Error| error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    let file = match dir.open_with(&name, &options) {
        Ok(file) => file,
        Err(error) if is_link(&error) => return link(&dir, &name, path),
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) => {
            return Ok(FileView::Special);
        }
        Err(error) => return Err(missing(path)(error)),
    };
    let reading = || failed("reading", Path::new(path.as_str()));
    let meta = file.metadata().map_err(reading())?;
    if meta.is_dir() {
        return Err(WorkspaceError::NoSuchPath(path.to_string()));
    }
    if !meta.is_file() {
        return Ok(FileView::Special);
    }
    let limit = if meta.len() > READ_BYTES { HEAD_BYTES } else { READ_BYTES + 1 };
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(reading())?;
    let size_bytes = meta.len().max(bytes.len() as u64);
    Ok(view(bytes, size_bytes))
}

fn link(dir: &Dir, name: &str, path: &RelPath) -> Result<FileView, WorkspaceError> {
    let target = dir.read_link_contents(name).map_err(missing(path))?;
    Ok(FileView::Symlink { target: target.to_string_lossy().into_owned() })
}

pub(crate) fn write(worktree: &Worktree, path: &RelPath, bytes: &[u8]) -> Result<(), WorkspaceError> {
    let writing = || failed("writing", Path::new(path.as_str()));
    if let Some((parents, _)) = path.as_str().rsplit_once('/') {
        worktree.dir.create_dir_all(parents).map_err(writing())?;
    }
    let (dir, name) = parent(worktree, path)?;
    let unfinished = format!("{name}{UNFINISHED}");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let open = || match dir.open_with(&unfinished, &options) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            // An earlier write was cut off.
            dir.remove_file(&unfinished)?;
            dir.open_with(&unfinished, &options)
        }
        other => other,
    };
    let put = || {
        let mut file = open()?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if let Ok(meta) = dir.symlink_metadata(&name)
            && meta.is_file()
        {
            file.set_permissions(meta.permissions())?;
        }
        dir.rename(&unfinished, &dir, &name)
    };
    put().map_err(writing())
}

/// Opens the folder that a path ends in.
fn parent(worktree: &Worktree, path: &RelPath) -> Result<(Dir, String), WorkspaceError> {
    let (dir, name) = match path.as_str().rsplit_once('/') {
        Some((dir, name)) => (worktree.dir.open_dir(dir), name),
        None => (worktree.dir.try_clone(), path.as_str()),
    };
    if name.is_empty() {
        return Err(WorkspaceError::NoSuchPath("(the root)".to_owned()));
    }
    Ok((dir.map_err(missing(path))?, name.to_owned()))
}

/// What is not there, or lies beyond a link that leads out, is not in the workspace.
fn missing(path: &RelPath) -> impl FnOnce(std::io::Error) -> WorkspaceError + '_ {
    move |error| {
        use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
        if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied) {
            return WorkspaceError::NoSuchPath(path.to_string());
        }
        failed("opening", Path::new(path.as_str()))(error)
    }
}
