//! The host's own repository for a checkout: its index and configuration, never the agent's. Here the files of a
//! checkout become a tree without anything that the agent configured being run or believed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use ipa_events::Oid;

use crate::engine::{Checkout, Engine};
use crate::error::WorkspaceError;
use crate::fs::{failed, private_dir, write_new};
use crate::git::{GitCall, config_value};
use crate::mirror::{Mirror, PLAIN_FETCH};
use crate::nested::{self, Nested};
use crate::objects;
use crate::sandbox::policy::Policy;
use crate::worktree::Worktree;

/// The host's own repository for a checkout.
#[derive(Debug)]
pub(crate) struct Shadow<'a> {
    checkout: &'a Checkout<'a>,
    dir: PathBuf,
}

/// The files of a checkout as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// What a commit of everything would hold. A repository inside the checkout is a bare link in it.
    pub(crate) tree: Oid,
    /// The repositories inside the checkout.
    pub(crate) nested: Vec<Nested>,
    /// What git could not take in, in its own words.
    pub(crate) left_out: Vec<String>,
}

/// Makes an empty shadow in `dir` for the checkout that lies, or will lie, at `worktree`.
pub(crate) fn make(
    engine: &Engine,
    dir: &Path,
    worktree: &Path,
    mirror: &Mirror,
) -> Result<(), WorkspaceError> {
    private_dir(dir)?;
    let init = engine.git.hermetic().args(["init", "--quiet", "--bare", "--template=", "--"]).arg(dir);
    init.run().map_err(|error| error.doing("making the shadow of a checkout"))?;
    let mut alternates = mirror.objects().into_os_string();
    alternates.push("\n");
    private_dir(&dir.join("objects/info"))?;
    write_new(&dir.join("objects/info/alternates"), alternates.as_encoded_bytes())?;
    // Last: it says that the rest is there.
    write_new(&dir.join("config"), &config(worktree))
}

fn config(worktree: &Path) -> Vec<u8> {
    let mut text =
        b"[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tworktree = ".to_vec();
    text.extend_from_slice(&config_value(worktree.as_os_str()));
    text.extend_from_slice(b"\n[gc]\n\tauto = 0\n");
    text
}

impl<'a> Shadow<'a> {
    pub(crate) fn of(checkout: &'a Checkout<'a>) -> Self {
        Self { checkout, dir: checkout.engine.layout.shadow(&checkout.record.id) }
    }

    /// Opens it for reading: it sees the mirror's objects and its own.
    pub(crate) fn open(&self) -> Result<gix::Repository, WorkspaceError> {
        objects::open(&self.dir)
    }

    /// Takes the files of the checkout as they are now.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, WorkspaceError> {
        self.prepare()?;
        let index = self.dir.join("index");
        let links = links(&index)?;
        self.forget(&links)?;
        let (nested, left_out) = self.add(self.reading()?)?;
        self.keep_empty_submodules(links, &index)?;
        let nested =
            nested.into_iter().chain(linked(&index)?.into_iter().filter(|it| self.is_repository(&it.path)));
        Ok(Snapshot { nested: nested.collect(), left_out, tree: self.write_tree(&index)? })
    }

    /// Takes the files of a repository inside the checkout.
    pub(crate) fn snapshot_nested(&self, path: &Path) -> Result<Snapshot, WorkspaceError> {
        let index = self.dir.join("nested-index");
        remove_if_there(&index)?;
        let call = self
            .reading()?
            .env("GIT_INDEX_FILE", &index)
            .env("GIT_WORK_TREE", self.checkout.path().join(path));
        let (nested, left_out) = self.add(call)?;
        let nested = nested.into_iter().chain(linked(&index)?).collect();
        Ok(Snapshot { nested, left_out, tree: self.write_tree(&index)? })
    }

    /// Puts trees into a tree, each in the place of a link.
    pub(crate) fn graft(&self, tree: &Oid, parts: &[(PathBuf, Oid)]) -> Result<Oid, WorkspaceError> {
        let index = self.dir.join("graft-index");
        remove_if_there(&index)?;
        let call = || self.call().env("GIT_INDEX_FILE", &index);
        let run = |call: GitCall| call.run().map(drop).map_err(|error| error.doing(self.doing()));
        run(call().args(["read-tree", tree.as_str()]))?;
        for (path, part) in parts {
            run(call().args(["update-index", "--force-remove", "--"]).arg(path))?;
            let mut prefix = OsString::from("--prefix=");
            prefix.push(path);
            prefix.push("/");
            run(call().arg("read-tree").arg(prefix).arg(part.as_str()))?;
        }
        self.write_tree(&index)
    }

    /// Lists the files of the checkout that neither a commit has nor its rules ignore; a repository inside is one.
    pub(crate) fn others(&self, commit: &Oid) -> Result<Vec<PathBuf>, WorkspaceError> {
        let index = self.dir.join("others-index");
        remove_if_there(&index)?;
        let read = self.call().env("GIT_INDEX_FILE", &index).args(["read-tree", commit.as_str()]);
        read.run().map_err(|error| error.doing(self.doing()))?;
        let list = self.reading()?.env("GIT_INDEX_FILE", &index);
        let list = list.args(["ls-files", "--others", "--exclude-per-directory=.gitignore", "-z"]);
        let list = list.run().map_err(|error| error.doing(self.doing()))?;
        let paths = list.split(|byte| *byte == 0).map(|path| path.strip_suffix(b"/").unwrap_or(path));
        Ok(paths
            .filter(|path| !path.is_empty())
            .map(|path| OsString::from_vec(path.to_vec()).into())
            .collect())
    }

    /// Adds everything; returns the repositories without a commit, and what else was refused.
    fn add(&self, call: GitCall) -> Result<(Vec<Nested>, Vec<String>), WorkspaceError> {
        let args = ["-c", "advice.addEmbeddedRepo=false", "add", "-A", "--ignore-errors"];
        let added = call.args(args).output().map_err(|error| error.doing(self.doing()))?;
        match added.code {
            Some(0) => Ok((Vec::new(), Vec::new())),
            Some(1) if !added.stderr.is_empty() => Ok(nested::refused(&added.stderr)),
            Some(_) | None => Err(WorkspaceError::Failed { doing: self.doing(), detail: added.stderr }),
        }
    }

    fn is_repository(&self, path: &Path) -> bool {
        let worktree = Worktree::open(&self.checkout.place, &self.checkout.record);
        worktree.is_ok_and(|worktree| worktree.dir.symlink_metadata(path.join(".git")).is_ok())
    }

    fn doing(&self) -> String {
        format!("reading the files of workspace {}", self.checkout.record.id)
    }

    /// Makes it anew if it is missing, and clears away what a killed git left.
    fn prepare(&self) -> Result<(), WorkspaceError> {
        let worktree = self.checkout.path();
        let is_whole = std::fs::read(self.dir.join("config")).is_ok_and(|bytes| bytes == config(&worktree));
        if !is_whole {
            make(self.checkout.engine, &self.dir, &worktree, &self.checkout.mirror)?;
        }
        remove_if_there(&self.dir.join("index.lock"))
    }

    /// Starts a call of git that touches nothing but the shadow.
    fn call(&self) -> GitCall {
        self.checkout.engine.git.hermetic().git_dir(&self.dir)
    }

    /// Starts a call of git that reads the agent's files: confined, for a link that is swapped in while git
    /// walks would lead it outside.
    fn reading(&self) -> Result<GitCall, WorkspaceError> {
        let engine = self.checkout.engine;
        let mut policy = Policy::system(&engine.config.read_also);
        policy.view = vec![self.checkout.path(), self.checkout.mirror.objects(), engine.layout.empty_home()];
        policy.view.push(engine.layout.global_config());
        policy.own = vec![self.dir.clone()];
        Ok(self.call().behind(engine.sandbox.prefix(&policy)?.argv))
    }

    /// Takes links out of the index: with one there, `git add` would run git *in* the linked repository.
    fn forget(&self, links: &Links) -> Result<(), WorkspaceError> {
        if links.is_empty() {
            return Ok(());
        }
        let paths: Vec<u8> = links.iter().flat_map(|(path, _)| [path.as_slice(), b"\0"].concat()).collect();
        let call = self.reading()?.args(["update-index", "--force-remove", "-z", "--stdin"]).stdin(paths);
        call.run().map(drop).map_err(|error| error.doing(self.doing()))
    }

    /// Puts links back whose folder is there but holds no repository: a submodule that nobody fetched.
    fn keep_empty_submodules(&self, before: Links, index: &Path) -> Result<(), WorkspaceError> {
        if before.is_empty() {
            return Ok(());
        }
        let now: BTreeSet<Vec<u8>> = links(index)?.into_iter().map(|(path, _)| path).collect();
        let worktree = Worktree::open(&self.checkout.place, &self.checkout.record)?;
        let mut lines = Vec::new();
        for (path, id) in before {
            if !now.contains(&path) && worktree.is_dir(&path) {
                lines.extend_from_slice(format!("160000 {id}\t").as_bytes());
                lines.extend_from_slice(&path);
                lines.push(0);
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        let call = self.call().args(["update-index", "-z", "--index-info"]).stdin(lines);
        call.run().map(drop).map_err(|error| error.doing(self.doing()))
    }

    fn write_tree(&self, index: &Path) -> Result<Oid, WorkspaceError> {
        let call = self.call().env("GIT_INDEX_FILE", index).arg("write-tree");
        Ok(call.text().map_err(|error| error.doing(self.doing()))?.parse()?)
    }

    /// Makes a commit of a tree and brings it into the mirror under `full`.
    pub(crate) fn keep(&self, commit: &Keep<'_>) -> Result<Oid, WorkspaceError> {
        let doing = || format!("keeping a state of workspace {}", self.checkout.record.id);
        let call =
            self.call().args(["commit-tree", commit.tree.as_str(), "-p", commit.parent.as_str(), "-F", "-"]);
        let oid: Oid = call.stdin(commit.message).text().map_err(|error| error.doing(doing()))?.parse()?;
        let mut refspec = OsString::from("+");
        refspec.push(format!("{oid}:{}", commit.full));
        let fetch = self.checkout.mirror.call().args(PLAIN_FETCH).args(["--refmap=", "--"]);
        fetch.arg(&self.dir).arg(refspec).run().map_err(|error| error.doing(doing()))?;
        Ok(oid)
    }
}

type Links = Vec<(Vec<u8>, gix::ObjectId)>;

/// Lists the links to other repositories in an index.
fn links(path: &Path) -> Result<Links, WorkspaceError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let options = gix::index::decode::Options::default();
    let index = gix::index::File::at(path, gix::hash::Kind::Sha1, true, options);
    let index = index.map_err(objects::failed(format!("reading {}", path.display())))?;
    let links = index.entries().iter().filter(|entry| entry.mode == gix::index::entry::Mode::COMMIT);
    Ok(links.map(|entry| (entry.path(&index).to_vec(), entry.id)).collect())
}

fn linked(index: &Path) -> Result<Vec<Nested>, WorkspaceError> {
    let paths = links(index)?.into_iter().map(|(path, _)| OsString::from_vec(path).into());
    Ok(paths.map(|path| Nested { path, has_commits: true }).collect())
}

fn remove_if_there(path: &Path) -> Result<(), WorkspaceError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("removing", path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A tree that is to be kept.
pub(crate) struct Keep<'a> {
    pub(crate) tree: &'a Oid,
    pub(crate) parent: &'a Oid,
    pub(crate) message: &'a str,
    /// The ref of the mirror that will hold it.
    pub(crate) full: &'a str,
}
