//! Who holds the data directory: one exclusive lock, and a file that says how its holder is reached.
//!
//! The lock is the truth, and the kernel keeps it: what a file says about a holder counts only while the lock is
//! held. Knows files and processes' ids; knows no engine, no server.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ipa_server::Token;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The number of the API that this program speaks; a holder with another one must be restarted.
pub(crate) const API: u32 = 1;

const LOCK: &str = "lock";
const SERVER: &str = "server.json";
const TOKEN: &str = "token";
const SESSIONS: &str = "sessions.json";

/// A data directory that this process holds. Dropping it lets others have it.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// Held locked for as long as this value lives; the kernel frees it however the process ends.
    lock: File,
}

/// Who holds a data directory, as written into the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// Its process.
    pub(crate) pid: u32,
    /// What it does: `serve`, `run`, `demo`, or a short command.
    pub(crate) command: String,
    /// Since when.
    pub(crate) started_at: Timestamp,
}

/// How a holder is reached, written once it listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerFile {
    /// Who it is.
    #[serde(flatten)]
    pub(crate) holder: Holder,
    /// The version of its program.
    pub(crate) version: String,
    /// The number of its API.
    pub(crate) api: u32,
    /// Its address.
    pub(crate) url: String,
}

/// What can go wrong with a data directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HolderError {
    /// The directory cannot be made or written.
    #[error("{doing} {}", path.display())]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The token is damaged, or none could be made.
    #[error("the token in {}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ipa_server::TokenError,
    },
}

impl DataDir {
    /// Takes a data directory, making it if need be; none when somebody else holds it.
    ///
    /// # Errors
    ///
    /// [`HolderError`] when it cannot be made or written.
    pub(crate) fn take(path: &Path, command: &str, now: Timestamp) -> Result<Option<Self>, HolderError> {
        let io = |doing| move |source| HolderError::Io { doing, path: path.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(io("making the data directory"))?;
        keep_private(path, 0o700)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(io("writing to the data directory"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(io("locking the data directory")(error)),
        }
        let mut held = Self { path: path.to_owned(), lock };
        // Signed first: what the last holder said of itself goes with no other signature.
        held.sign(command, now).map_err(io("writing to the data directory"))?;
        held.forget_server();
        for name in [LOCK, TOKEN, SESSIONS] {
            keep_private(&path.join(name), 0o600)?;
        }
        Ok(Some(held))
    }

    /// Writes who holds the lock into its file, for those who wait.
    fn sign(&mut self, command: &str, started_at: Timestamp) -> io::Result<()> {
        let holder = Holder { pid: std::process::id(), command: command.to_owned(), started_at };
        self.lock.set_len(0)?;
        self.lock.rewind()?;
        self.lock.write_all(&serde_json::to_vec(&holder)?)
    }

    /// Returns the token of this data directory, minting one if there is none.
    ///
    /// # Errors
    ///
    /// [`HolderError`].
    pub(crate) fn token(&self) -> Result<Token, HolderError> {
        let path = token_file(&self.path);
        if let Some(token) = read_token(&self.path)? {
            return Ok(token);
        }
        let token = Token::generate().map_err(|source| HolderError::Token { path: path.clone(), source })?;
        write_secret(&path, token.expose().as_bytes())?;
        Ok(token)
    }

    /// Tells others how this holder is reached.
    ///
    /// # Errors
    ///
    /// [`HolderError`].
    pub(crate) fn announce(&self, url: &str, command: &str, now: Timestamp) -> Result<(), HolderError> {
        let file = ServerFile {
            holder: Holder { pid: std::process::id(), command: command.to_owned(), started_at: now },
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api: API,
            url: url.to_owned(),
        };
        let path = self.path.join(SERVER);
        let io = |source| HolderError::Io { doing: "writing", path: path.clone(), source };
        let bytes = serde_json::to_vec(&file).map_err(|error| io(error.into()))?;
        write_secret(&path, &bytes)
    }

    /// Removes what a holder told others; nobody listens there any more.
    fn forget_server(&self) {
        let path = self.path.join(SERVER);
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => {}
            Err(error) => tracing::warn!(%error, "the stale {} stays", path.display()),
        }
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        self.forget_server();
    }
}

/// Returns the file that holds the token.
pub(crate) fn token_file(data: &Path) -> PathBuf {
    data.join(TOKEN)
}

/// Reads the token; none when there is none yet.
///
/// # Errors
///
/// [`HolderError`].
pub(crate) fn read_token(data: &Path) -> Result<Option<Token>, HolderError> {
    let path = token_file(data);
    match std::fs::read_to_string(&path) {
        Ok(text) => Token::parse(&text).map(Some).map_err(|source| HolderError::Token { path, source }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(HolderError::Io { doing: "reading", path, source }),
    }
}

/// Returns the file that holds the logins of browsers.
pub(crate) fn sessions_file(data: &Path) -> PathBuf {
    data.join(SESSIONS)
}

/// Asks the kernel whether somebody holds a data directory. Waits for nobody, and makes nothing.
pub(crate) fn is_held(data: &Path) -> bool {
    let lock = File::open(data.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Reads how the holder is reached; none when nobody holds the directory, or the holder did not say.
pub(crate) fn server_file(data: &Path) -> Option<ServerFile> {
    let server: ServerFile = serde_json::from_slice(&std::fs::read(data.join(SERVER)).ok()?).ok()?;
    // After a `kill -9` the file is still there, and a stranger may listen at its address.
    let by_the_holder = is_held(data) && signed(data).is_some_and(|holder| holder.pid == server.holder.pid);
    by_the_holder.then_some(server)
}

/// Reads who signed the lock last; it may hold it no more.
pub(crate) fn signed(data: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(data.join(LOCK)).ok()?.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Takes what is there away from everybody but its owner; what is not there is nobody's.
///
/// # Errors
///
/// [`HolderError::Io`] when it is somebody else's.
pub(crate) fn keep_private(path: &Path, mode: u32) -> Result<(), HolderError> {
    let Ok(metadata) = path.metadata() else { return Ok(()) };
    if metadata.permissions().mode() & 0o077 != 0 {
        let io = |source| HolderError::Io { doing: "making private", path: path.to_owned(), source };
        std::fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io)?;
    }
    Ok(())
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), HolderError> {
    let io = |doing| move |source| HolderError::Io { doing, path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let staged = PathBuf::from(name);
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&staged);
    let mut file = file.map_err(io("writing"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("writing"))?;
    std::fs::rename(&staged, path).map_err(io("writing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_data_directory_has_one_holder_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let now = Timestamp::UNIX_EPOCH;
        let held = DataDir::take(&data, "serve", now).unwrap().unwrap();
        assert!(DataDir::take(&data, "serve", now).unwrap().is_none());
        assert_eq!(signed(&data).unwrap().pid, std::process::id());
        let token = held.token().unwrap();
        assert_eq!(held.token().unwrap().expose(), token.expose());
        held.announce("http://127.0.0.1:1", "serve", now).unwrap();
        assert_eq!(server_file(&data).unwrap().url, "http://127.0.0.1:1");
        let modes = [&data, &data.join(LOCK), &data.join(TOKEN), &data.join(SERVER)].map(|path| mode(path));
        assert_eq!(modes, [0o700, 0o600, 0o600, 0o600]);
        drop(held);
        assert!(server_file(&data).is_none());
        assert!(!is_held(&data) && !is_held(folder.path()));
        assert!(DataDir::take(&data, "serve", now).unwrap().is_some());
    }
    #[test]
    fn what_is_said_of_a_holder_counts_only_while_it_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (data, now) = (folder.path(), Timestamp::UNIX_EPOCH);
        let held = DataDir::take(data, "serve", now).unwrap().unwrap();
        held.announce("http://127.0.0.1:1", "serve", now).unwrap();
        assert!(is_held(data) && server_file(data).is_some());
        let said = std::fs::read(data.join(SERVER)).unwrap();
        drop(held);
        // As after a `kill -9`.
        std::fs::write(data.join(SERVER), &said).unwrap();
        assert!(!is_held(data) && server_file(data).is_none());
        // A holder that signed as somebody else did not say it.
        let _held = DataDir::take(data, "ls", now).unwrap().unwrap();
        let other = String::from_utf8(said).unwrap().replace(&std::process::id().to_string(), "1");
        std::fs::write(data.join(SERVER), other).unwrap();
        assert!(is_held(data) && server_file(data).is_none());
    }

    #[test]
    fn a_data_directory_that_was_there_before_becomes_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join(TOKEN), "").unwrap();
        for (path, open) in [(&data, 0o755), (&data.join(TOKEN), 0o644)] {
            std::fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
        }
        let _held = DataDir::take(&data, "serve", Timestamp::UNIX_EPOCH).unwrap().unwrap();
        assert_eq!([mode(&data), mode(&data.join(TOKEN))], [0o700, 0o600]);
    }
}
