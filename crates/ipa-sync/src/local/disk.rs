//! Files below one folder, and never outside of it: names are single names, no symbolic link is followed, and what is
//! written is there whole or not at all.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::front::Problem;
use crate::error::{ErrorClass, SyncError};

/// The largest file that is read.
pub(super) const LARGEST: u64 = 1 << 20;
/// How many files a folder may have.
const MOST: usize = 10_000;

/// Why a file was not read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("{file} cannot be understood: {problem}; correct it")]
    Unreadable { file: String, problem: Problem },
    #[error("{file} is no plain file or folder with a plain name; symbolic links are not followed")]
    NotPlain { file: String },
    #[error("{file} is larger than 1 MiB")]
    TooLarge { file: String },
    #[error("{file} has more than 10000 files; put some away")]
    TooMany { file: String },
    #[error("{file}: {errno}")]
    Io { file: String, errno: Errno },
}

impl FileError {
    /// Says what it means for what was being done.
    pub(super) fn while_doing(&self, doing: &str) -> SyncError {
        let class = match self {
            Self::Unreadable { .. }
            | Self::NotPlain { .. }
            | Self::TooLarge { .. }
            | Self::TooMany { .. } => ErrorClass::Unexpected,
            Self::Io { errno, .. } if matches!(*errno, Errno::ACCESS | Errno::PERM | Errno::ROFS) => {
                ErrorClass::Permission
            }
            Self::Io { .. } => ErrorClass::Transient,
        };
        SyncError::new(class, doing, self.to_string())
    }
}

/// What tells one state of a file from another, without reading it.
pub(super) type Print = (String, u64, i64, i64);

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bytes {
    pub(super) bytes: Vec<u8>,
    /// When it was last written.
    pub(super) at: Timestamp,
}

/// An open folder.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
    /// Its name from the connector's folder on, for people.
    name: String,
}

impl Dir {
    /// Opens the connector's folder, and makes it first if it is not there.
    pub(super) fn root(path: &Path) -> Result<Self, FileError> {
        let named = || path.display().to_string();
        std::fs::create_dir_all(path).map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            FileError::Io { file: named(), errno }
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(CWD, path, flags, Mode::empty());
        Ok(Self { fd: fd.map_err(|errno| FileError::Io { file: named(), errno })?, name: String::new() })
    }

    /// Opens a folder in it, if it is there.
    pub(super) fn sub(&self, name: &str) -> Result<Option<Self>, FileError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, self.plain(name)?, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Self { fd, name: self.path(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(FileError::NotPlain { file: self.path(name) }),
            Err(errno) => Err(self.io(name, errno)),
        }
    }

    /// Opens a folder in it, and makes it first if it is not there.
    pub(super) fn make(&self, name: &str) -> Result<Self, FileError> {
        match rustix::fs::mkdirat(&self.fd, self.plain(name)?, Mode::from(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.io(name, errno)),
        }
        self.sub(name)?.ok_or_else(|| self.io(name, Errno::NOENT))
    }

    /// Lists the names in it that are text and do not begin with a dot, in order.
    pub(super) fn names(&self) -> Result<Vec<String>, FileError> {
        let entries = rustix::fs::Dir::read_from(&self.fd).map_err(|errno| self.io("", errno))?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|errno| self.io("", errno))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_str();
            names.extend(name.filter(|name| !name.starts_with('.')).map(str::to_owned));
            if names.len() > MOST {
                return Err(FileError::TooMany { file: self.name.clone() });
            }
        }
        names.sort();
        Ok(names)
    }

    /// Reads a file, if it is there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Bytes>, FileError> {
        // A pipe must not make us wait.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match rustix::fs::openat(&self.fd, self.plain(name)?, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Err(FileError::NotPlain { file: self.path(name) }),
            Err(errno) => return Err(self.io(name, errno)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(|errno| self.io(name, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(FileError::NotPlain { file: self.path(name) });
        }
        let mut bytes = Vec::new();
        let read = File::from(fd).take(LARGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| self.io(name, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        if bytes.len() as u64 > LARGEST {
            return Err(FileError::TooLarge { file: self.path(name) });
        }
        let nanos = i32::try_from(stat.st_mtime_nsec).unwrap_or_default();
        let at = Timestamp::new(stat.st_mtime, nanos).unwrap_or(Timestamp::UNIX_EPOCH);
        Ok(Some(Bytes { bytes, at }))
    }

    /// Writes a file whole, in place of what has its name.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let io = |errno| self.io(name, errno);
        let new = format!(".{}.new", self.plain(name)?);
        self.remove(&new)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.fd, &new, flags, Mode::from(0o644)).map_err(io)?);
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|error| io(Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        rustix::fs::renameat(&self.fd, &new, &self.fd, name).map_err(io)?;
        rustix::fs::fsync(&self.fd).map_err(io)
    }

    /// Moves something in it to a folder, under a name.
    pub(super) fn rename(&self, name: &str, to: &Self, new: &str) -> Result<(), FileError> {
        rustix::fs::renameat(&self.fd, self.plain(name)?, &to.fd, to.plain(new)?)
            .map_err(|errno| self.io(name, errno))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), FileError> {
        match rustix::fs::unlinkat(&self.fd, self.plain(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.io(name, errno)),
        }
    }

    /// Tells whether there is something of that name, and which state of it; a link is looked at, not through.
    pub(super) fn print(&self, name: &str) -> Result<Option<Print>, FileError> {
        match rustix::fs::statat(&self.fd, self.plain(name)?, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => {
                let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
                Ok(Some((self.path(name), stat.st_ino, stat.st_mtime, nanos)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.io(name, errno)),
        }
    }

    /// Returns the name of something in it, for people.
    pub(super) fn path(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}/{name}", self.name) }
    }

    /// Says that a file in it cannot be understood.
    pub(super) fn unreadable(&self, name: &str, problem: Problem) -> FileError {
        FileError::Unreadable { file: self.path(name), problem }
    }

    fn plain<'a>(&self, name: &'a str) -> Result<&'a str, FileError> {
        let plain = !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']);
        if plain { Ok(name) } else { Err(FileError::NotPlain { file: self.path(name) }) }
    }

    fn io(&self, name: &str, errno: Errno) -> FileError {
        let file = self.path(name);
        if errno == Errno::NAMETOOLONG { FileError::NotPlain { file } } else { FileError::Io { file, errno } }
    }
}
