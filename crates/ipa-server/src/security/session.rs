//! Browsers that are logged in: what their cookies hold, and how long.
//!
//! A session is 256 random bits that only the browser has; kept here is their hash. They outlive the program
//! where they are kept in a file, so a page that was open finds the server again after a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tracing::warn;

use crate::config::{Token, TokenError, digest};

/// How long a session lasts.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How many sessions are kept; the oldest goes when one more logs in.
const KEPT: usize = 256;

/// What names a session without opening it: the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SessionKey(String);

impl SessionKey {
    pub(super) fn of(secret: &str) -> Self {
        Self(digest(&["ipa session", secret]))
    }

    /// Names those who show the token, all together.
    pub(super) fn bearer() -> Self {
        Self("bearer".to_owned())
    }
}

/// The browsers that are logged in. Clones are the same sessions.
#[derive(Clone)]
pub struct Sessions(Arc<Shared>);

struct Shared {
    file: Option<PathBuf>,
    kept: Mutex<BTreeMap<SessionKey, Kept>>,
    /// Counts revocations, so that streams look whether they are meant.
    revoked: watch::Sender<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    expires_at: Timestamp,
}

/// Why the file of sessions cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("reading the sessions in {}", path.display())]
pub struct SessionFileError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

impl Sessions {
    /// Keeps sessions for as long as the program lives.
    pub fn in_memory() -> Self {
        Self::new(None, BTreeMap::new())
    }

    /// Keeps sessions in a file that only its owner may read; it is made when the first browser logs in.
    ///
    /// # Errors
    ///
    /// [`SessionFileError`] when it is there and cannot be read. One that holds something else is started
    /// anew: everybody logs in again.
    pub fn in_file(path: impl Into<PathBuf>) -> Result<Self, SessionFileError> {
        let path = path.into();
        let kept = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                warn!(%error, "the sessions in {} cannot be understood; browsers log in again", path.display());
                BTreeMap::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(SessionFileError { path, source }),
        };
        Ok(Self::new(Some(path), kept))
    }

    fn new(file: Option<PathBuf>, kept: BTreeMap<SessionKey, Kept>) -> Self {
        Self(Arc::new(Shared { file, kept: Mutex::new(kept), revoked: watch::Sender::new(0) }))
    }

    /// Begins a session. Returns its secret, for the cookie.
    pub(super) fn begin(&self, now: Timestamp) -> Result<String, TokenError> {
        let secret = Token::generate()?.expose().to_owned();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(Timestamp::MAX);
        let mut kept = self.kept();
        kept.retain(|_, session| session.expires_at > now);
        while kept.len() >= KEPT {
            let oldest =
                kept.iter().min_by_key(|(_, session)| session.expires_at).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            kept.remove(&oldest);
        }
        kept.insert(SessionKey::of(&secret), Kept { expires_at });
        self.write(&kept);
        drop(kept);
        Ok(secret)
    }

    /// Finds the session that a cookie opens.
    pub(super) fn find(&self, secret: &str, now: Timestamp) -> Option<SessionKey> {
        let key = SessionKey::of(secret);
        self.is_live(&key, now).then_some(key)
    }

    /// Tells whether a session still lasts; whoever shows the token always does.
    pub(crate) fn is_live(&self, key: &SessionKey, now: Timestamp) -> bool {
        *key == SessionKey::bearer() || self.kept().get(key).is_some_and(|session| session.expires_at > now)
    }

    /// Ends a session; its streams end with it.
    pub(super) fn revoke(&self, key: &SessionKey) {
        let mut kept = self.kept();
        if kept.remove(key).is_some() {
            self.write(&kept);
        }
        drop(kept);
        self.0.revoked.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Follows revocations: whenever this changes, a stream looks whether its session still lasts.
    pub(crate) fn revocations(&self) -> watch::Receiver<u64> {
        self.0.revoked.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<SessionKey, Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the file, whole or not at all. A failure costs a login after the next start.
    fn write(&self, kept: &BTreeMap<SessionKey, Kept>) {
        let Some(path) = &self.0.file else { return };
        if let Err(error) = write_private(path, kept) {
            warn!(%error, "the sessions could not be written to {}; they end with this program", path.display());
        }
    }
}

fn write_private(path: &Path, kept: &BTreeMap<SessionKey, Kept>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile_in(folder.unwrap_or(Path::new(".")), path)?;
    file.1.write_all(&serde_json::to_vec(kept)?)?;
    file.1.sync_all()?;
    std::fs::rename(&file.0, path)
}

/// Opens a new file beside `path` that only its owner may read.
fn tempfile_in(folder: &Path, path: &Path) -> io::Result<(PathBuf, std::fs::File)> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    Ok((beside, file))
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("count", &self.kept().len()).finish_non_exhaustive()
    }
}
