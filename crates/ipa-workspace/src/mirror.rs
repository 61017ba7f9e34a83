//! The mirror of a source: a bare repository of ours, from which checkouts borrow objects and into which their
//! work is harvested. Nothing in it is ever pruned.

use std::path::{Path, PathBuf};

use ipa_events::{BranchName, Oid, RepoSource};

use crate::credentials::{Answer, answer};
use crate::error::WorkspaceError;
use crate::fs::{Lock, private_dir, write_new};
use crate::git::{Git, GitCall, GitError, config_value};
use crate::{names, objects};

/// What a mirror is configured with. `hideRefs`: agents fetch from it, and need not see each other.
const CONFIG: &str = "[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
\tpruneExpire = never
[maintenance]
\tauto = false
[transfer]
\thideRefs = refs/ipa
";

/// Where a fetch puts the commit that is checked out at the source.
const SOURCE_HEAD: &str = "refs/ipa/source/HEAD";

/// What each fetch is told: nothing on the side.
pub(crate) const PLAIN_FETCH: [&str; 6] = [
    "fetch",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-recurse-submodules",
    "--quiet",
];

/// The mirror of one source.
#[derive(Debug, Clone)]
pub(crate) struct Mirror {
    git: Git,
    dir: PathBuf,
    repo: RepoSource,
}

impl Mirror {
    /// Names the mirror of a source; it need not exist yet.
    pub(crate) fn of(git: &Git, mirrors: &Path, repo: &RepoSource) -> Self {
        Self { git: git.clone(), dir: mirrors.join(names::mirror(repo)), repo: repo.clone() }
    }

    /// Returns its git directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns its folder of objects, which checkouts borrow from.
    pub(crate) fn objects(&self) -> PathBuf {
        self.dir.join("objects")
    }

    /// Starts a call of git on it in which only our configuration counts.
    pub(crate) fn call(&self) -> GitCall {
        self.git.hermetic().git_dir(&self.dir)
    }

    /// Opens it for reading objects.
    pub(crate) fn open(&self) -> Result<gix::Repository, WorkspaceError> {
        objects::open(&self.dir)
    }

    /// Makes it if it is missing, and brings it up to date with its source.
    pub(crate) fn update(&self) -> Result<(), WorkspaceError> {
        let _lock = self.lock()?;
        self.refresh()
    }

    /// As [`update`](Self::update), for whoever holds the lock.
    fn refresh(&self) -> Result<(), WorkspaceError> {
        self.init()?;
        let head = self.remote("ls-remote").args(["--symref", "--", &self.url(), "HEAD"]).text();
        let head = head.map_err(|error| self.unreadable(&error))?;
        if head.lines().any(|line| line.split_once('\t').is_some_and(|(oid, _)| oid.len() == 64)) {
            return Err(WorkspaceError::Unsupported(format!("{} uses SHA-256 objects", self.repo)));
        }
        let mut refspecs =
            vec!["+refs/heads/*:refs/heads/*".to_owned(), "+refs/tags/*:refs/tags/*".to_owned()];
        if !head.is_empty() {
            refspecs.push(format!("+HEAD:{SOURCE_HEAD}"));
        }
        let fetch = self.remote_args(PLAIN_FETCH).args(["--prune", "--", &self.url()]).args(refspecs);
        let fetched = fetch.output().map_err(|error| self.unfetchable(error.detail()))?;
        // It succeeds without what a shallow source cannot give.
        if fetched.code != Some(0) || fetched.stderr.contains("shallow") {
            return Err(self.unfetchable(fetched.stderr));
        }
        let symref = head.lines().find_map(|line| line.strip_prefix("ref: ")?.strip_suffix("\tHEAD"));
        if let Some(branch) = symref {
            let set = self.call().args(["symbolic-ref", "HEAD", branch]).run();
            set.map_err(|error| error.doing(format!("noting the default branch of {}", self.repo)))?;
        }
        Ok(())
    }

    /// Resolves where a checkout begins: the tip of `branch`, or what is checked out at the source.
    pub(crate) fn base(&self, branch: Option<&BranchName>) -> Result<Oid, WorkspaceError> {
        let full = branch.map_or_else(|| SOURCE_HEAD.to_owned(), BranchName::full);
        self.resolve(&full)?.ok_or_else(|| WorkspaceError::NoBranch {
            repo: self.repo.clone(),
            branch: branch.map_or_else(|| "of its own choice (HEAD)".to_owned(), ToString::to_string),
        })
    }

    /// Tells where a ref of the mirror points.
    pub(crate) fn resolve(&self, full: &str) -> Result<Option<Oid>, WorkspaceError> {
        objects::resolve(&self.open()?, full)
    }

    /// Sets a ref of the mirror.
    pub(crate) fn set(&self, full: &str, to: &Oid) -> Result<(), WorkspaceError> {
        let set = self.call().args(["update-ref", "--no-deref", full, to.as_str()]).run();
        set.map(drop).map_err(|error| error.doing(format!("setting {full}")))
    }

    /// Makes sure that a commit is here, asking the source if it is not.
    pub(crate) fn need(&self, commit: &Oid) -> Result<(), WorkspaceError> {
        if self.has(commit) {
            return Ok(());
        }
        let _lock = self.lock()?;
        self.need_locked(commit)
    }

    /// As [`need`](Self::need), for whoever holds the lock.
    pub(crate) fn need_locked(&self, commit: &Oid) -> Result<(), WorkspaceError> {
        if self.has(commit) {
            return Ok(());
        }
        self.refresh()?;
        if self.has(commit) {
            return Ok(());
        }
        let detail = format!("neither the mirror nor {} has it", self.repo);
        Err(WorkspaceError::Failed { doing: format!("looking for commit {}", commit.short()), detail })
    }

    /// Tells whether a commit is here.
    pub(crate) fn has(&self, commit: &Oid) -> bool {
        self.dir.join("HEAD").exists()
            && self.open().is_ok_and(|repo| objects::commit_tree(&repo, commit).is_ok())
    }

    /// Keeps others from fetching into it or publishing from it.
    pub(crate) fn lock(&self) -> Result<Lock, WorkspaceError> {
        let parent = self.dir.parent().unwrap_or(&self.dir);
        private_dir(parent)?;
        Lock::wait(&self.dir.with_extension("lock"))
    }

    /// Makes the bare repository. Interrupted at any point, it is done again: the configuration comes last.
    fn init(&self) -> Result<(), WorkspaceError> {
        let config = self.dir.join("config");
        if std::fs::read(&config).is_ok_and(|bytes| bytes == CONFIG.as_bytes()) {
            return Ok(());
        }
        let init =
            self.git.hermetic().args(["init", "--quiet", "--bare", "--template=", "--"]).arg(&self.dir);
        init.run().map_err(|error| error.doing(format!("making the mirror of {}", self.repo)))?;
        if let Some(path) = self.repo.as_path() {
            write_new(&self.global(), &safe_directories(path))?;
        }
        write_new(&config, CONFIG.as_bytes())
    }

    /// The configuration for git that talks to a local source.
    fn global(&self) -> PathBuf {
        self.dir.join("ipa.gitconfig")
    }

    /// Starts a call of git that talks to the source: on the user's terms, but for a path on this machine.
    pub(crate) fn remote(&self, command: &str) -> GitCall {
        self.remote_args([command])
    }

    fn remote_args<const N: usize>(&self, args: [&str; N]) -> GitCall {
        let call = match self.repo.as_path() {
            Some(_) => self.git.hermetic().env("GIT_CONFIG_GLOBAL", self.global()),
            None => self.git.network(&self.url()),
        };
        call.git_dir(&self.dir).args(args)
    }

    /// How git is told where the source is.
    pub(crate) fn url(&self) -> String {
        self.repo.to_string()
    }

    /// A path on this machine at which git finds nothing is no repository; anything else may be there later.
    fn unreadable(&self, error: &GitError) -> WorkspaceError {
        if self.repo.as_path().is_some() && matches!(error, GitError::Exit { .. }) {
            return WorkspaceError::NoRepository { repo: self.repo.clone(), detail: error.detail() };
        }
        let doing = format!("reading {}", self.repo);
        self.unanswered(&error.detail()).unwrap_or_else(|| error.doing(doing))
    }

    /// Makes an error of what a remote said that was reached, but does not let us in; none: it said something else.
    pub(crate) fn unanswered(&self, detail: &str) -> Option<WorkspaceError> {
        let (repo, detail) = (self.repo.clone(), detail.to_owned());
        match answer(&detail).filter(|_| repo.as_path().is_none())? {
            Answer::Refused => Some(WorkspaceError::NotAllowed { repo, detail }),
            Answer::NoRepository => Some(WorkspaceError::NoRepository { repo, detail }),
        }
    }

    fn unfetchable(&self, detail: String) -> WorkspaceError {
        if detail.contains("shallow") {
            let hint = "is a shallow clone; run `git fetch --unshallow` there first";
            return WorkspaceError::Unsupported(format!("{} {hint}", self.repo));
        }
        if let Some(error) = self.unanswered(&detail) {
            return error;
        }
        WorkspaceError::Failed { doing: format!("fetching from {}", self.repo), detail }
    }

    /// Tells where a branch of the source is now, and makes sure that this commit is here; for whoever holds the lock.
    pub(crate) fn remote_tip(&self, branch: &BranchName) -> Result<Option<Oid>, WorkspaceError> {
        let tip = self.remote_head(branch)?;
        tip.as_ref().map(|tip| self.need_locked(tip)).transpose()?;
        Ok(tip)
    }

    /// Tells where a branch of the source is now; for whoever holds the lock.
    pub(crate) fn remote_head(&self, branch: &BranchName) -> Result<Option<Oid>, WorkspaceError> {
        self.init()?;
        let call = self.remote("ls-remote").args(["--", &self.url(), &branch.full()]);
        let text = call.text().map_err(|error| self.unreadable(&error))?;
        let is_it = |line: &str| {
            let (oid, name) = line.split_once('\t')?;
            (name == branch.full()).then(|| oid.parse()).transpose().ok().flatten()
        };
        Ok(text.lines().find_map(is_it))
    }
}

/// Lets git read a repository that belongs to another user, for exactly this path.
fn safe_directories(path: &Path) -> Vec<u8> {
    let mut text = b"[safe]\n".to_vec();
    for path in [path.to_owned(), path.join(".git")] {
        text.extend_from_slice(b"\tdirectory = ");
        text.extend_from_slice(&config_value(path.as_os_str()));
        text.push(b'\n');
    }
    text
}
