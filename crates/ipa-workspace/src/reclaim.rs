//! Takes checkouts away: into the trash, after a checkpoint. Nothing is deleted here but old trash.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ipa_events::WorkspaceId;

use crate::engine::Engine;
use crate::error::WorkspaceError;
use crate::fs::{Lock, failed, names};
use crate::layout::{Layout, Place, Record};
use crate::workspaces::{Recovery, Removed};

impl Engine {
    /// Moves a checkout to the trash, after a checkpoint that was verified. A failure keeps it.
    pub(crate) fn remove(&self, id: &WorkspaceId) -> Result<Removed, WorkspaceError> {
        let lock = self.lock(id)?;
        let place = self.layout.place(id);
        let Some(record) = place.read()? else { return Ok(Removed { checkpoint: None }) };
        let _lease = idle(&place, id)?;
        let checkout = self.checkout_of(place.clone(), record, lock)?;
        let saved = checkout.save("before removal")?;
        if let Some(error) = saved.unsafe_because {
            return Err(error);
        }
        self.give_up(&place, id)?;
        Ok(Removed { checkpoint: Some(saved.checkpoint) })
    }

    /// Moves a detached checkout to the trash without a checkpoint.
    pub(crate) fn discard(&self, id: &WorkspaceId) -> Result<(), WorkspaceError> {
        let _lock = self.lock(id)?;
        let place = self.layout.place(id);
        match place.read()? {
            Some(record) => self.discard_locked(&place, &record),
            None => Ok(()),
        }
    }

    /// As [`discard`](Self::discard), for whoever holds the lock.
    pub(crate) fn discard_locked(&self, place: &Place, record: &Record) -> Result<(), WorkspaceError> {
        if record.branch.is_some() {
            let what = "is on a branch; it can be removed, not discarded";
            return Err(WorkspaceError::Unsupported(format!("workspace {} {what}", record.id)));
        }
        let _lease = idle(place, &record.id)?;
        self.give_up(place, &record.id)
    }

    fn give_up(&self, place: &Place, id: &WorkspaceId) -> Result<(), WorkspaceError> {
        self.layout.to_trash(&place.dir, id)?;
        self.layout.to_trash(&self.layout.shadow(id), id)?;
        Ok(())
    }

    /// Tidies up after a crash, and deletes trash that is old enough.
    pub(crate) fn recover(&self, known: &[WorkspaceId]) -> Result<Recovery, WorkspaceError> {
        let mut recovery = Recovery::default();
        for path in names(&self.layout.staging())? {
            recovery.trashed.extend(self.trash_unless_owned(&path)?);
        }
        for (path, id) in self.layout.places()? {
            if id.as_ref().is_some_and(|id| known.contains(id)) {
                continue;
            }
            let is_idle = match &id {
                Some(id) if path.is_dir() => idle(&self.layout.place(id), id).is_ok(),
                Some(_) | None => true,
            };
            if is_idle {
                let label =
                    id.map_or_else(|| "unknown".to_owned(), |id| format!("{}--{}", id.task, id.agent));
                let aside = Layout::move_aside(&path, &self.layout.quarantine(), &label)?;
                tracing::warn!(from = %path.display(), to = %aside.display(), "a workspace that the log does not know was moved aside");
                recovery.quarantined.push(aside);
            }
        }
        self.empty_trash()?;
        Ok(recovery)
    }

    fn trash_unless_owned(&self, path: &Path) -> Result<Option<std::path::PathBuf>, WorkspaceError> {
        let Some(id) = Layout::staged_id(path) else {
            return Layout::move_aside(path, &self.layout.trash(), "unknown").map(Some);
        };
        let lock_file = self.layout.lock_file(&id);
        if let Some(parent) = lock_file.parent() {
            crate::fs::private_dir(parent)?;
        }
        match Lock::try_take(&lock_file)? {
            Some(_lock) => self.layout.to_trash(path, &id),
            None => Ok(None),
        }
    }

    /// Deletes what has been in the trash for long enough, by the file system's own clock.
    fn empty_trash(&self) -> Result<(), WorkspaceError> {
        let trash = self.layout.trash();
        let clock = trash.join(".now");
        crate::fs::write_new(&clock, b"now")?;
        let changed = |path: &Path| {
            path.symlink_metadata().and_then(|meta| meta.modified()).map_err(failed("looking at", path))
        };
        let now = changed(&clock)?;
        for path in names(&trash)?.into_iter().filter(|path| *path != clock) {
            let age = now.duration_since(changed(&path)?).unwrap_or_default();
            if age >= self.config.trash_age {
                let deleted = delete(&path);
                if let Err(error) = deleted {
                    // The next time, perhaps; it must not keep the rest.
                    tracing::warn!(path = %path.display(), %error, "the trash could not be emptied");
                }
            }
        }
        Ok(())
    }
}

/// Deletes a folder of the trash, also when folders in it may not be written.
fn delete(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            open_up(path)?;
            std::fs::remove_dir_all(path)
        }
        other => other,
    }
}

/// Lets us list and change every folder below `path`; no link is followed.
fn open_up(path: &Path) -> std::io::Result<()> {
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let mode = folder.symlink_metadata()?.permissions().mode();
        std::fs::set_permissions(&folder, Permissions::from_mode(mode | 0o700))?;
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Takes the lease of a workspace in which nobody works: no holder of it, and no process that stands in it.
pub(crate) fn idle(place: &Place, id: &WorkspaceId) -> Result<Lock, WorkspaceError> {
    let busy = || WorkspaceError::Busy(id.clone());
    let lease = Lock::try_take(&place.lease())?.ok_or_else(busy)?;
    if somebody_stands_in(&place.dir) { Err(busy()) } else { Ok(lease) }
}

/// Tells whether a process that we can see has its working directory below `dir`.
fn somebody_stands_in(dir: &Path) -> bool {
    let processes = names(Path::new("/proc")).unwrap_or_default();
    processes
        .iter()
        .any(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir)))
}
