//! A checkout's files, reached from its own folder downwards: no path leads out of it, whatever the agent links
//! or swaps meanwhile.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, openat};

use crate::error::WorkspaceError;
use crate::fs::failed;
use crate::layout::{Place, Record};

/// How deep a folder of objects is looked through.
const OBJECTS_DEPTH: u32 = 4;

/// The folder of a checkout, open.
#[derive(Debug)]
pub(crate) struct Worktree {
    pub(crate) dir: Dir,
}

impl Worktree {
    /// Opens the folder through no link.
    pub(crate) fn open(place: &Place, record: &Record) -> Result<Self, WorkspaceError> {
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY;
        let path = place.checkout(&record.repo);
        let open = || {
            let work = openat(rustix::fs::CWD, place.work(), flags, Mode::empty())?;
            openat(&work, record.repo.name(), flags, Mode::empty())
        };
        let fd = open().map_err(|errno| failed("opening", &path)(errno.into()))?;
        Ok(Self { dir: Dir::from_std_file(std::fs::File::from(fd)) })
    }

    /// Tells whether a path is a folder, through no link that leads out.
    pub(crate) fn is_dir(&self, path: &[u8]) -> bool {
        self.dir.symlink_metadata(std::ffi::OsStr::from_bytes(path)).is_ok_and(|meta| meta.is_dir())
    }

    /// Removes the lock that a killed git left on the agent's index.
    pub(crate) fn unlock_index(&self) -> Result<(), WorkspaceError> {
        self.remove_if_there(Path::new(".git/index.lock"))
    }

    /// Removes the agent's index, and what says which files are not checked out.
    pub(crate) fn forget_index(&self) -> Result<(), WorkspaceError> {
        self.remove_if_there(Path::new(".git/index"))?;
        self.remove_if_there(Path::new(".git/info/sparse-checkout"))
    }

    fn remove_if_there(&self, path: &Path) -> Result<(), WorkspaceError> {
        match self.dir.remove_file(path) {
            Err(error) if !is_gone(&error) => Err(failed("removing", path)(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Moves a file, or a whole folder, into another folder under its own path; folders that this leaves empty go.
    pub(crate) fn move_to(&self, path: &Path, to: &Dir) -> Result<(), WorkspaceError> {
        let moved = || {
            if let Some(parent) = path.parent() {
                to.create_dir_all(parent)?;
            }
            self.dir.rename(path, to, path)
        };
        match moved() {
            Err(error) if !is_gone(&error) => return Err(failed("moving away", path)(error)),
            Ok(()) | Err(_) => {}
        }
        for parent in path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            if self.dir.remove_dir(parent).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Refuses a repository, here or at a path inside, that takes objects from anywhere but its own folder and
    /// the mirror. For when no sandbox keeps git from following it.
    pub(crate) fn refuse_borrowing(
        &self,
        nested: Option<&Path>,
        mirror_objects: &Path,
    ) -> Result<(), WorkspaceError> {
        let refused = |what: &str| WorkspaceError::Failed {
            doing: "harvesting without a sandbox".to_owned(),
            detail: format!("the checkout's {what} may point outside of it"),
        };
        let root = nested.map_or_else(|| self.dir.try_clone(), |nested| self.dir.open_dir(nested));
        let root = root.map_err(|_gone| refused("folder"))?;
        let is = |path: &str| root.symlink_metadata(path).map(|meta| meta.is_dir());
        for path in [".git", ".git/objects", ".git/refs"] {
            if !matches!(is(path), Ok(true)) {
                return Err(refused(path));
            }
        }
        for path in [".git/commondir", ".git/objects/info/http-alternates"] {
            if is(path).is_ok() {
                return Err(refused(path));
            }
        }
        let has_links = |path: &str| root.open_dir(path).map(|dir| has_link(&dir, OBJECTS_DEPTH));
        for path in [".git/objects", ".git/refs"] {
            if !matches!(has_links(path), Ok(false)) {
                return Err(refused(path));
            }
        }
        let alternates = root.read(".git/objects/info/alternates").unwrap_or_default();
        let is_ours = alternates.trim_ascii() == mirror_objects.as_os_str().as_bytes();
        if alternates.is_empty() || is_ours { Ok(()) } else { Err(refused(".git/objects/info/alternates")) }
    }
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Tells whether there is a link in a folder, or anything that cannot be read.
fn has_link(dir: &Dir, depth: u32) -> bool {
    let Ok(entries) = dir.entries() else { return true };
    entries.into_iter().any(|entry| {
        let Ok(entry) = entry else { return true };
        match entry.file_type() {
            Ok(kind) if kind.is_symlink() => true,
            Ok(kind) if kind.is_dir() && depth > 0 => {
                entry.open_dir().map_or(true, |below| has_link(&below, depth - 1))
            }
            Ok(_) => false,
            Err(_) => true,
        }
    })
}
