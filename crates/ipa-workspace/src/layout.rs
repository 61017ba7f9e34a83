//! Where checkouts and what belongs to them lie, and the record that says what one is.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::Dir;
use ipa_events::{AgentId, BranchName, Oid, RepoSource, TaskId, WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::config::Dirs;
use crate::error::WorkspaceError;
use crate::fs::{failed, names, private_dir, write_new};
use crate::workspaces::Workspace;

/// What a checkout is; a file beside it, out of its agent's reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: WorkspaceId,
    pub(crate) repo: RepoSource,
    pub(crate) branch: Option<BranchName>,
    pub(crate) base: Oid,
    pub(crate) left_out: u32,
}

/// The folder of one workspace: `work/<repo>`, `home`, `tmp`, `lease`, `record.json`.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
}

impl Place {
    /// Tells whether the checkout is a folder; a link there would lead elsewhere.
    pub(crate) fn has_checkout(&self, repo: &RepoSource) -> bool {
        self.checkout(repo).symlink_metadata().is_ok_and(|meta| meta.is_dir())
    }

    pub(crate) fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    pub(crate) fn checkout(&self, repo: &RepoSource) -> PathBuf {
        self.work().join(repo.name())
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    pub(crate) fn tmp(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    pub(crate) fn lease(&self) -> PathBuf {
        self.dir.join("lease")
    }

    fn record_file(&self) -> PathBuf {
        self.dir.join("record.json")
    }

    /// Writes the record.
    pub(crate) fn write(&self, record: &Record) -> Result<(), WorkspaceError> {
        let json = serde_json::to_vec_pretty(record)
            .map_err(|error| failed("writing", &self.record_file())(error.into()))?;
        write_new(&self.record_file(), &json)
    }

    /// Reads the record; none when nothing is here.
    pub(crate) fn read(&self) -> Result<Option<Record>, WorkspaceError> {
        let path = self.record_file();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(failed("reading", &path)(error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("reading", &path)(error.into()))
    }

    /// Describes the workspace to the outside.
    pub(crate) fn workspace(&self, record: Record) -> Workspace {
        Workspace {
            path: self.checkout(&record.repo),
            home: self.home(),
            tmp: self.tmp(),
            lease: self.lease(),
            id: record.id,
            repo: record.repo,
            branch: record.branch,
            base: record.base,
            left_out: record.left_out,
        }
    }
}

/// Tells whether a file is not there because it, or a folder above it, was never made.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// Where things lie.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) dirs: Dirs,
}

impl Layout {
    /// Makes what is missing, and resolves links in our own paths once: later none is followed.
    pub(crate) fn open(dirs: &Dirs) -> Result<Self, WorkspaceError> {
        let real = |path: &Path| {
            private_dir(path)?;
            path.canonicalize().map_err(failed("resolving", path))
        };
        let dirs =
            Dirs { mirrors: real(&dirs.mirrors)?, shadow: real(&dirs.shadow)?, root: real(&dirs.root)? };
        let layout = Self { dirs };
        for dir in [layout.staging(), layout.trash(), layout.quarantine(), layout.empty_home()] {
            private_dir(&dir)?;
        }
        Ok(layout)
    }

    pub(crate) fn place(&self, id: &WorkspaceId) -> Place {
        Place { dir: self.dirs.root.join(id.task.to_string()).join(id.agent.as_str()) }
    }

    pub(crate) fn staging(&self) -> PathBuf {
        self.dirs.root.join(".staging")
    }

    /// Where a workspace is made; whoever holds its lock owns it. Never the same twice: git of a process that
    /// was killed may still be writing where that one was.
    pub(crate) fn staged(&self, id: &WorkspaceId) -> Place {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}.{}.{}.{number}", id.task, id.agent, std::process::id());
        Place { dir: self.staging().join(name) }
    }

    /// Reads the name that [`staged`](Self::staged) gave.
    pub(crate) fn staged_id(path: &Path) -> Option<WorkspaceId> {
        let mut parts = path.file_name()?.to_str()?.split('.');
        Some(WorkspaceId { task: parts.next()?.parse().ok()?, agent: parts.next()?.parse().ok()? })
    }

    pub(crate) fn trash(&self) -> PathBuf {
        self.dirs.root.join(".trash")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.dirs.root.join(".quarantine")
    }

    /// The host's own repository for a checkout.
    pub(crate) fn shadow(&self, id: &WorkspaceId) -> PathBuf {
        self.dirs.shadow.join(id.task.to_string()).join(id.agent.as_str())
    }

    /// The lock of a workspace: one operation at a time, over all processes.
    pub(crate) fn lock_file(&self, id: &WorkspaceId) -> PathBuf {
        self.dirs.shadow.join(id.task.to_string()).join(format!("{}.lock", id.agent))
    }

    /// A HOME with nothing in it, for git of the host.
    pub(crate) fn empty_home(&self) -> PathBuf {
        self.dirs.mirrors.join(".home")
    }

    /// The only configuration file that git of the host reads.
    pub(crate) fn global_config(&self) -> PathBuf {
        self.dirs.mirrors.join(".gitconfig")
    }

    /// Lists what lies where workspaces do: the id, when the place can be one's.
    pub(crate) fn places(&self) -> Result<Vec<(PathBuf, Option<WorkspaceId>)>, WorkspaceError> {
        let mut places = Vec::new();
        for task_dir in names(&self.dirs.root)? {
            let Some(name) = task_dir.file_name().and_then(|name| name.to_str()) else {
                places.push((task_dir, None));
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            let task = name.parse::<TaskId>().ok().filter(|_| task_dir.is_dir());
            let Some(task) = task else {
                places.push((task_dir, None));
                continue;
            };
            for dir in names(&task_dir)? {
                let agent = dir.file_name().and_then(|name| name.to_str()?.parse::<AgentId>().ok());
                places.push((dir, agent.map(|agent| WorkspaceId { task, agent })));
            }
        }
        Ok(places)
    }

    /// Moves something into a new folder of its own below `to`, named after `label`. The new folder's time of
    /// change is when that was.
    pub(crate) fn move_aside(from: &Path, to: &Path, label: &str) -> Result<PathBuf, WorkspaceError> {
        let target = new_folder(to, label)?.join(from.file_name().unwrap_or_default());
        std::fs::rename(from, &target).map_err(failed("moving away", from))?;
        Ok(target)
    }

    /// Makes a new folder in the trash, for what is moved there from a workspace bit by bit.
    pub(crate) fn new_trash(&self, id: &WorkspaceId) -> Result<Dir, WorkspaceError> {
        let path = new_folder(&self.trash(), &format!("{}--{}", id.task, id.agent))?;
        let dir = std::fs::File::open(&path).map_err(failed("opening", &path))?;
        Ok(Dir::from_std_file(dir))
    }

    /// Moves something of a workspace to the trash, if it is there.
    pub(crate) fn to_trash(&self, path: &Path, id: &WorkspaceId) -> Result<Option<PathBuf>, WorkspaceError> {
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        Self::move_aside(path, &self.trash(), &format!("{}--{}", id.task, id.agent)).map(Some)
    }
}

/// Makes a folder below `to` that nobody else made, named after `label`.
fn new_folder(to: &Path, label: &str) -> Result<PathBuf, WorkspaceError> {
    for number in 0_u64.. {
        let dir = to.join(format!("{label}.{number}"));
        match std::fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("making the folder", &dir)(error)),
        }
    }
    let doing = format!("making a folder in {}", to.display());
    Err(WorkspaceError::Failed { doing, detail: "no name left".to_owned() })
}
