//! Small things that the file system is asked for in several places: folders of ours, locks, whole files.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Replaces a file: whoever reads it meanwhile sees the old bytes or the new ones, never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.{number}", std::process::id()));
    let beside = PathBuf::from(beside);
    write_new(&beside, bytes)?;
    std::fs::rename(&beside, path).map_err(failed("replacing", path))
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn whoever_reads_a_file_that_is_replaced_sees_it_whole() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("config");
        replace(&path, b"old").unwrap();
        let mut reader = File::open(&path).unwrap();
        replace(&path, b"new").unwrap();
        let mut seen = String::new();
        reader.read_to_string(&mut seen).unwrap();
        assert_eq!((seen.as_str(), std::fs::read(&path).unwrap().as_slice()), ("old", b"new".as_slice()));
        assert_eq!(names(dir.path()).unwrap().len(), 1);
    }
}
