//! Small things that the file system is asked for in several places: folders of ours, locks, whole files.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::WorkspaceError;

/// Makes an error of what the system said about a file.
pub(crate) fn failed<'a>(
    doing: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> WorkspaceError + 'a {
    move |source| WorkspaceError::Io { doing, path: path.to_owned(), source }
}

/// Makes a folder and its parents, readable by their owner only.
pub(crate) fn private_dir(path: &Path) -> Result<(), WorkspaceError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed("making the folder", path))
}

/// Makes a folder that nobody else made.
pub(crate) fn new_dir(path: &Path) -> Result<(), WorkspaceError> {
    DirBuilder::new().mode(0o700).create(path).map_err(failed("making the folder", path))
}

/// Writes a file, readable by its owner only, and waits until it is on the disk.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(failed("writing", path))
}

/// Waits until a folder's entries are on the disk.
pub(crate) fn sync_dir(path: &Path) -> Result<(), WorkspaceError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(failed("syncing", path))
}

/// Returns the names in a folder; none when it is not there.
pub(crate) fn names(path: &Path) -> Result<Vec<PathBuf>, WorkspaceError> {
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("listing", path)(error)),
    };
    let mut names = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed("listing", path))?;
    names.sort();
    Ok(names)
}

/// A file that is locked as long as this lives, against other threads and other processes alike.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock, making its file.
    pub(crate) fn wait(path: &Path) -> Result<Self, WorkspaceError> {
        let file = open(path)?;
        file.lock().map_err(failed("locking", path))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock, making its file; none when somebody else has it.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, WorkspaceError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(failed("locking", path)(error)),
        }
    }
}

fn open(path: &Path) -> Result<File, WorkspaceError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(failed("opening the lock", path))
}

/// Returns the bytes that are free for us on the device of a folder.
pub(crate) fn free_bytes(path: &Path) -> Result<u64, WorkspaceError> {
    let stat =
        rustix::fs::statvfs(path).map_err(|errno| failed("asking for free space at", path)(errno.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}
