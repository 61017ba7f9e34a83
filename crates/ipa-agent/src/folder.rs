//! What lies in a run's folder, and how it is written. It is all that is known of a run;
//! nothing in it is secret but what steers the run itself.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ipa_events::{FailureClass, Principal, Retry, Role, RunId};
use rustix::fs::FlockOperation;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::spec::{Policy, RunLimits, Session};

/// Whoever creates this file may start the run; its host keeps it locked. It holds a [`Claim`].
pub(crate) const CLAIM: &str = "claim";
/// What a claim is called once it was found that nobody will ever start the run.
pub(crate) const REVOKED: &str = "claim.revoked";
/// Which process the host is: a `ProcessIdentity`.
pub(crate) const HOST: &str = "host.json";
/// What the agent printed and was told, and what its host did.
pub(crate) const SPOOL: &str = "spool.jsonl";
/// How the run ended: an [`ExitRecord`]. The last file that is written.
pub(crate) const EXIT: &str = "exit.json";
/// A copy of the document that the agent wrote, made when the run ended.
pub(crate) const PRODUCT: &str = "product";
/// Where the host listens.
pub(crate) const SOCKET: &str = "socket";
/// What the host itself complained about.
pub(crate) const LOG: &str = "host.log";

/// Who may start the run.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// The run.
    pub(crate) run: RunId,
    /// What the host is told first by whoever may steer the run: only who can read the folder knows it.
    #[serde(default)]
    pub(crate) token: Token,
}

/// What tells who may steer a run from who only finds its socket, such as its confined agent.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Token(String);

impl Token {
    /// Draws 16 random bytes.
    fn draw() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(Self(format!("{:032x}", u128::from_ne_bytes(bytes))))
    }

    /// Tells whether this is the one that was drawn; none was drawn for a claim that was not made here.
    pub(crate) fn admits(&self, other: &Self) -> bool {
        !self.0.is_empty() && self.0 == other.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

/// The first record of a spool: what later readers must know of the run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Began {
    pub(crate) run: RunId,
    pub(crate) role: Role,
    pub(crate) session: Session,
    pub(crate) policy: Policy,
    pub(crate) limits: RunLimits,
    pub(crate) stdin: Stdin,
}

/// Whether an agent is told more than its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stdin {
    /// Its standard input ends after the prompt.
    Ends,
    /// It stays open.
    StaysOpen,
}

/// What the host notes in the spool beside what the agent prints and is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Note {
    /// The run began.
    Began(Box<Began>),
    /// It was told that nothing more is coming.
    Eof,
    /// It is being ended.
    Stop(Why),
    /// Something of the run could not be kept; why.
    Unkept(String),
}

/// Why a run is ended before it ends by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub(crate) enum Why {
    /// Somebody asked for it.
    Interrupted { by: Principal },
    /// It printed nothing at all.
    Startup,
    /// It made no progress for too long.
    Silence,
    /// One turn took too long.
    Turn,
    /// It took too long in all.
    Total,
    /// Nobody was there to watch it for too long.
    Alone,
    /// It printed more than it may.
    OutputQuota,
    /// It said that it was done, and did not end.
    AfterResult,
    /// It said something after which going on makes no sense, or it may not go on.
    Hopeless { class: FailureClass, detail: String, retry: Retry },
}

/// How a run ended, as far as its processes go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ExitRecord {
    /// The agent's exit code.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
    /// Who wrote this record, and when.
    pub(crate) ended: Ended,
    /// Processes that it left behind, and that were ended.
    pub(crate) swept: u32,
    /// Processes that could not be ended, because they belong to somebody else.
    pub(crate) left: u32,
    /// Bytes of the spool that belong to the run.
    pub(crate) spool_len: u64,
}

/// Who wrote an exit record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// The host, after the agent was gone.
    #[default]
    Exited,
    /// Somebody who found the host dead.
    HostLost,
    /// Somebody who found a claim that no host ever took up.
    NeverStarted,
}

/// Makes a run's folder, readable by nobody else.
pub(crate) fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Claims a run. `AlreadyExists` tells that somebody did before.
pub(crate) fn claim(dir: &Path, run: RunId) -> io::Result<()> {
    if dir.join(REVOKED).try_exists()? {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(CLAIM))?;
    file.write_all(&serde_json::to_vec(&Claim { run, token: Token::draw()? })?)?;
    file.sync_all()?;
    sync_dir(dir)
}

/// Takes the lock of a file that exists. None tells that somebody holds it, or that the file was renamed.
pub(crate) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let ours = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file so that it is there whole or not at all, also after a power cut.
pub(crate) fn write_whole(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary: PathBuf = dir.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, dir.join(name))?;
    sync_dir(dir)
}

/// Reads a JSON file; none if it is not there.
pub(crate) fn read<T: DeserializeOwned>(dir: &Path, name: &str) -> io::Result<Option<T>> {
    match std::fs::read(dir.join(name)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
