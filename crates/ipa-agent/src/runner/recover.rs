//! What became of a run, from its folder alone: never from a process name, and never from a pid by itself.

use std::io;
use std::path::Path;

use ipa_events::task::ProcessIdentity;

use crate::folder::{self, Claim, Ended, ExitRecord};
use crate::{proc, sweep};

/// What became of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Nobody claimed it.
    Unclaimed,
    /// Somebody is starting it, or finding out about it, at this moment.
    Starting,
    /// Its host lives.
    Live(ProcessIdentity),
    /// It is over.
    Ended(Option<ProcessIdentity>),
    /// It was claimed and not started, or its host is dead; what it left was swept away just now.
    Lost(Option<ProcessIdentity>),
}

/// Finds out, and closes a run whose host is dead or never was.
///
/// # Errors
///
/// What the system said. Then nothing is known: that is not the same as dead.
pub(super) fn look(dir: &Path) -> io::Result<Found> {
    let identity: Option<ProcessIdentity> = folder::read(dir, folder::HOST)?;
    if dir.join(folder::EXIT).try_exists()? {
        return Ok(Found::Ended(identity));
    }
    if dir.join(folder::REVOKED).try_exists()? {
        return never_started(dir);
    }
    let claim = dir.join(folder::CLAIM);
    if !claim.try_exists()? {
        return Ok(Found::Unclaimed);
    }
    let Some(lock) = folder::lock(&claim)? else {
        return match identity {
            Some(identity) if proc::is_alive(&identity)? => Ok(Found::Live(identity)),
            Some(_) | None => Ok(Found::Starting),
        };
    };
    // From here on no host lives, and none can begin to: it would need the lock. It may have ended since.
    let found = if dir.join(folder::EXIT).try_exists()? {
        Ok(Found::Ended(folder::read(dir, folder::HOST)?))
    } else if dir.join(folder::HOST).try_exists()? {
        lost(dir)
    } else {
        std::fs::rename(&claim, dir.join(folder::REVOKED))?;
        never_started(dir)
    };
    drop(lock);
    found
}

fn never_started(dir: &Path) -> io::Result<Found> {
    close(dir, &ExitRecord { ended: Ended::NeverStarted, ..ExitRecord::default() })?;
    Ok(Found::Lost(None))
}

fn lost(dir: &Path) -> io::Result<Found> {
    // A claim that holds nothing was never handed to a host.
    let swept = match folder::read::<Claim>(dir, folder::CLAIM) {
        Ok(Some(claim)) => sweep::run(claim.run)?,
        Ok(None) => sweep::Swept::default(),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => sweep::Swept::default(),
        Err(error) => return Err(error),
    };
    let spool_len = match std::fs::metadata(dir.join(folder::SPOOL)) {
        Ok(meta) => meta.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let record = ExitRecord {
        ended: Ended::HostLost,
        swept: swept.ended,
        left: swept.left,
        spool_len,
        ..ExitRecord::default()
    };
    close(dir, &record)?;
    Ok(Found::Lost(folder::read(dir, folder::HOST)?))
}

fn close(dir: &Path, record: &ExitRecord) -> io::Result<()> {
    folder::write_whole(dir, folder::EXIT, &serde_json::to_vec(record)?)
}
