//! A real folder, and a repository in memory.

mod check;
mod hostile;
mod story;

use std::sync::Mutex as StdMutex;

use futures::future::ready;
use ipa_events::task::{Change, Link, Op, OpState, PublishPolicy, Pull, Push, Ticket};
use ipa_events::{OpId, PayloadHash, TaskId};
use jiff::Timestamp;

use super::*;
use crate::port::{GitMerge, GitPort};

const BRANCH: &str = "ipa/t-1-x";

/// Branches, and a way to lose the answer to a merge.
#[derive(Default)]
struct Git {
    branches: StdMutex<BTreeMap<String, Oid>>,
    merges: StdMutex<Vec<GitMerge>>,
    lose: StdMutex<Option<ErrorClass>>,
}

impl Git {
    fn at(branches: &[(&str, char)]) -> Self {
        let git = Self::default();
        for (branch, digit) in branches {
            git.set(branch, *digit);
        }
        git
    }

    fn set(&self, branch: &str, digit: char) {
        self.branches.lock().unwrap().insert(branch.to_owned(), oid(digit));
    }

    fn where_is(&self, branch: &BranchName) -> Option<Oid> {
        self.branches.lock().unwrap().get(branch.as_str()).cloned()
    }
}

impl GitPort for Git {
    fn push<'a>(&'a self, push: &'a Push) -> BoxFuture<'a, Result<(), SyncError>> {
        self.branches.lock().unwrap().insert(push.branch.to_string(), push.commit.clone());
        ready(Ok(())).boxed()
    }

    fn head<'a>(
        &'a self,
        _repo: &'a RepoSource,
        branch: &'a BranchName,
    ) -> BoxFuture<'a, Result<Option<Oid>, SyncError>> {
        ready(Ok(self.where_is(branch))).boxed()
    }

    fn merge<'a>(&'a self, merge: &'a GitMerge) -> BoxFuture<'a, Result<Oid, SyncError>> {
        let lost = self.lose.lock().unwrap().clone();
        if lost.as_ref().is_none_or(|class| *class == ErrorClass::Indeterminate) {
            self.merges.lock().unwrap().push(merge.clone());
            self.set(merge.base.as_str(), 'e');
        }
        ready(match lost {
            Some(class) => Err(SyncError::new(class, "merging", "it said so")),
            None => Ok(oid('e')),
        })
        .boxed()
    }

    fn contains<'a>(
        &'a self,
        _repo: &'a RepoSource,
        branch: &'a BranchName,
        commit: &'a Oid,
    ) -> BoxFuture<'a, Result<bool, SyncError>> {
        let merges = self.merges.lock().unwrap();
        let merged = merges.iter().any(|it| {
            it.base == *branch && it.commit == *commit && it.method == ipa_events::task::MergeMethod::Merge
        });
        ready(Ok(merged)).boxed()
    }

    fn delete<'a>(
        &'a self,
        _repo: &'a RepoSource,
        branch: &'a BranchName,
        _commit: &'a Oid,
    ) -> BoxFuture<'a, Result<(), SyncError>> {
        self.branches.lock().unwrap().remove(branch.as_str());
        ready(Ok(())).boxed()
    }
}

/// A connector over a folder of its own.
struct World {
    git: Git,
    folder: tempfile::TempDir,
    connector: LocalConnector,
    /// How many operations there were.
    ops: u32,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let config = LocalConfig {
        id: "here".parse().unwrap(),
        folder: folder.path().join("outside"),
        repo: "/repo".parse().unwrap(),
        base: "main".parse().unwrap(),
        label: "ipa".to_owned(),
    };
    let git = Git::at(&[("main", '0'), (BRANCH, 'c')]);
    World { git, folder, connector: LocalConnector::new(config), ops: 0 }
}

impl World {
    fn cx(&self) -> Cx<'_> {
        // Long after every file was written.
        Cx { git: &self.git, now: "2100-01-01T00:00:00Z".parse().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("outside").join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn names(&self, name: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(name)) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn job(&mut self, resource: &str, change: Change) -> Job {
        self.ops += 1;
        let task = TaskId::from_key("a task");
        let resource: ipa_events::Resource = resource.parse().unwrap();
        let op = Op {
            id: OpId::new(task, self.ops),
            resource: resource.clone(),
            payload_hash: PayloadHash::of(b""),
            change,
            policy: PublishPolicy::Auto,
            queued_at: Timestamp::UNIX_EPOCH,
            state: OpState::Ready,
            attempts: 1,
            failures: 0,
            insisted: false,
        };
        Job { target: self.target(&resource.to_string(), None), op, earlier: None }
    }

    fn target(&self, resource: &str, remote: Option<&str>) -> Target {
        let link = remote.map(|remote| Link { remote: remote.parse().unwrap(), url: None });
        let resource = resource.parse().unwrap();
        Target { task: TaskId::from_key("a task"), repo: self.connector.config.repo.clone(), resource, link }
    }

    /// Lists every file with what it says.
    fn all(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut all, mut todo) = (BTreeMap::new(), vec![self.path("")]);
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path);
                } else {
                    all.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        all
    }

    /// Makes a change twice, with a look for it before, between and after.
    async fn make(&mut self, resource: &str, change: Change) -> Applied {
        let job = self.job(resource, change);
        self.make_job(&job).await
    }

    async fn make_job(&self, job: &Job) -> Applied {
        let title = job.op.change.title();
        assert_eq!(self.connector.probe(self.cx(), job).await, Ok(Probe::NotThere), "{title}");
        let applied = self.connector.apply(self.cx(), job).await.unwrap();
        assert_eq!(self.connector.probe(self.cx(), job).await, Ok(Probe::There(applied.clone())), "{title}");
        let files = self.all();
        assert_eq!(self.connector.apply(self.cx(), job).await, Ok(applied.clone()), "{title}");
        assert_eq!(self.all(), files, "{title}: a second time changes nothing");
        applied
    }

    async fn observe(&self, resource: &str, remote: Option<&str>) -> Result<Observed, SyncError> {
        self.connector.observe(self.cx(), &self.target(resource, remote), Look::Closely).await
    }

    async fn pull(&self) -> Pull {
        let Observed::Pull(link, pull) = self.observe(PULL, None).await.unwrap() else {
            panic!("it is not there");
        };
        assert_eq!((link.remote.as_str(), link.url), ("here#1", None));
        *pull
    }

    async fn ticket(&self) -> Ticket {
        let Observed::Ticket(ticket) = self.observe(TICKET, None).await.unwrap() else {
            panic!("it is not there");
        };
        *ticket
    }

    /// Drops a file into the inbox.
    fn drop(&self, name: &str, keys: &str, text: &str) {
        self.put(&format!("inbox/{name}.md"), format!("+++\n{keys}\n+++\n{text}\n"));
    }

    async fn sweep(&self, since: Option<i64>) -> Swept {
        let since = since.map(|second| Timestamp::from_second(second).unwrap());
        let sweep = Sweep { since, ..Sweep::default() };
        self.connector.sweep(self.cx(), &sweep).await.unwrap()
    }
}

const PULL: &str = "here/pull/ipa/t-1-x";
const TICKET: &str = "here/ticket/K-1";

fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

/// Opens a draft.
fn draft() -> Change {
    Change::OpenPull {
        repo: "/repo".parse().unwrap(),
        head: BRANCH.parse().unwrap(),
        base: None,
        title: "Fix it".into(),
        section: "What is done.".into(),
        draft: true,
    }
}

/// Opens one that is to be reviewed.
fn ready_one() -> Change {
    let Change::OpenPull { repo, head, base, title, section, .. } = draft() else { panic!("it opens one") };
    Change::OpenPull { repo, head, base, title, section, draft: false }
}
