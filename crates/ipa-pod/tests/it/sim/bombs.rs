//! The doubles again, each with a bomb in it: the next call that a child of a pod makes panics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use ipa_agent::testing::FakeRuntime;
use ipa_agent::{
    AgentRuntime, AgentSession, Attach, AttachError, Capabilities, Probe, ProbeError, RunDir, RunSpec,
    StartError, Tail,
};
use ipa_events::store::{
    Append, AppendError, Appended, Log, Position, RawRecord, ReadError, StoreFault, StreamInfo, Version,
};
use ipa_events::{BranchName, CommandId, Oid, RepoSource, Runtime, StreamId, TaskId, WorkspaceId};
use ipa_workspace::testing::FakeWorkspaces;
use ipa_workspace::{
    Checkpoint, Committed, DiffQuery, DiffSet, FileRoot, FileView, Fingerprint, Listing, Merge, Needs, Push,
    Recovery, RelPath, Removed, SandboxPrefix, Status, Trial, Workspace, WorkspaceError, WorkspaceSpec,
    Workspaces,
};
use tokio::sync::watch;

use super::Child;

/// What is to go wrong.
#[derive(Default)]
pub(super) struct Bombs {
    /// How often the next calls of each child panic.
    children: Mutex<BTreeMap<Child, u32>>,
    /// The task every look at whose runs panics.
    poisoned: Mutex<Option<TaskId>>,
    /// How often an append that begins with this type of event is refused.
    refused: Mutex<BTreeMap<&'static str, u32>>,
}

impl Bombs {
    /// Lets the next `times` calls of a child panic.
    pub(super) fn arm(&self, child: Child, times: u32) {
        self.children.lock().unwrap().insert(child, times);
    }

    /// Lets every look at a run of this task panic, and of no other.
    pub(super) fn poison(&self, task: TaskId) {
        *self.poisoned.lock().unwrap() = Some(task);
    }

    /// Lets the store refuse the next `times` appends that begin with this type of event.
    pub(super) fn refuse(&self, kind: &'static str, times: u32) {
        self.refused.lock().unwrap().insert(kind, times);
    }

    fn refuses(&self, append: &Append) -> bool {
        let mut refused = self.refused.lock().unwrap();
        let left = append.records.first().and_then(|first| refused.get_mut(first.kind.as_str()));
        let Some(left) = left.filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }

    fn go_off_in(&self, dir: &RunDir) {
        let poisoned = self.poisoned.lock().unwrap().map(|task| task.to_string());
        let here = poisoned.is_some_and(|task| dir.path().to_string_lossy().contains(&task));
        assert!(!here, "the runs of this task are poisoned");
    }

    /// Tells whether all have gone off.
    pub(super) fn are_spent(&self) -> bool {
        self.children.lock().unwrap().values().all(|times| *times == 0)
            && self.refused.lock().unwrap().values().all(|times| *times == 0)
    }

    pub(super) fn go_off(&self, child: Child) {
        let armed = {
            let mut bombs = self.children.lock().unwrap();
            let times = bombs.entry(child).or_default();
            let armed = *times > 0;
            *times = times.saturating_sub(1);
            armed
        };
        assert!(!armed, "a bomb in {child:?}");
    }
}

pub(super) struct BombedStore {
    log: Arc<dyn Log>,
    bombs: Arc<Bombs>,
}

impl BombedStore {
    pub(super) fn new(log: Arc<dyn Log>, bombs: Arc<Bombs>) -> Self {
        Self { log, bombs }
    }
}

impl Log for BombedStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        self.bombs.go_off(Child::Task);
        if self.bombs.refuses(&append) {
            let fault = StoreFault::new("the store is not there just now");
            return Box::pin(async { Err(AppendError::Unavailable(fault)) });
        }
        self.log.append(append)
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.log.read_stream(stream, after, max)
    }

    fn read_all(&self, after: Position, max: usize) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.log.read_all(after, max)
    }

    fn outcome(&self, command: CommandId) -> BoxFuture<'_, Result<Option<Appended>, ReadError>> {
        self.log.outcome(command)
    }

    fn streams(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<StreamInfo>, ReadError>> {
        self.log.streams(after, max)
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.log.head()
    }
}

pub(super) struct BombedRuntime {
    runtime: FakeRuntime,
    bombs: Arc<Bombs>,
}

impl BombedRuntime {
    pub(super) fn new(runtime: FakeRuntime, bombs: Arc<Bombs>) -> Self {
        Self { runtime, bombs }
    }
}

impl AgentRuntime for BombedRuntime {
    fn kind(&self) -> &'static str {
        self.runtime.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.runtime.capabilities()
    }

    fn probe<'a>(&'a self, runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        self.runtime.probe(runtime)
    }

    fn start(&self, spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        self.runtime.start(spec)
    }

    fn attach(&self, dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>> {
        self.bombs.go_off(Child::Agents);
        self.bombs.go_off_in(&dir);
        self.runtime.attach(dir)
    }

    fn tail(&self, dir: RunDir) -> Tail {
        self.runtime.tail(dir)
    }
}

pub(super) struct BombedWorkspaces {
    workspaces: FakeWorkspaces,
    bombs: Arc<Bombs>,
}

impl BombedWorkspaces {
    pub(super) fn new(workspaces: FakeWorkspaces, bombs: Arc<Bombs>) -> Self {
        Self { workspaces, bombs }
    }
}

type Answer<'a, T> = BoxFuture<'a, Result<T, WorkspaceError>>;

impl Workspaces for BombedWorkspaces {
    fn provision(&self, spec: WorkspaceSpec) -> Answer<'_, Workspace> {
        self.bombs.go_off(Child::Workspaces);
        self.workspaces.provision(spec)
    }

    fn locate(&self, id: &WorkspaceId) -> Answer<'_, Workspace> {
        self.workspaces.locate(id)
    }

    fn list(&self) -> Answer<'_, Vec<Workspace>> {
        self.workspaces.list()
    }

    fn status(&self, id: &WorkspaceId) -> Answer<'_, Status> {
        self.workspaces.status(id)
    }

    fn diff(&self, query: DiffQuery) -> Answer<'_, DiffSet> {
        self.workspaces.diff(query)
    }

    fn ls(&self, root: FileRoot, dir: RelPath) -> Answer<'_, Listing> {
        self.workspaces.ls(root, dir)
    }

    fn read(&self, root: FileRoot, path: RelPath) -> Answer<'_, FileView> {
        self.workspaces.read(root, path)
    }

    fn write(&self, id: &WorkspaceId, path: RelPath, contents: Vec<u8>) -> Answer<'_, ()> {
        self.workspaces.write(id, path, contents)
    }

    fn commit(&self, id: &WorkspaceId, message: String) -> Answer<'_, Committed> {
        self.workspaces.commit(id, message)
    }

    fn checkpoint(&self, id: &WorkspaceId, reason: String) -> Answer<'_, Checkpoint> {
        self.workspaces.checkpoint(id, reason)
    }

    fn reset(&self, id: &WorkspaceId, to: Oid) -> Answer<'_, Checkpoint> {
        self.workspaces.reset(id, to)
    }

    fn remove(&self, id: &WorkspaceId) -> Answer<'_, Removed> {
        self.workspaces.remove(id)
    }

    fn discard(&self, id: &WorkspaceId) -> Answer<'_, ()> {
        self.workspaces.discard(id)
    }

    fn sandbox(&self, id: &WorkspaceId, needs: Needs) -> Answer<'_, SandboxPrefix> {
        self.workspaces.sandbox(id, needs)
    }

    fn trial(&self, needs: Needs) -> Answer<'_, Trial> {
        self.workspaces.trial(needs)
    }

    fn fingerprint(&self, repo: RepoSource) -> Answer<'_, Option<Fingerprint>> {
        self.workspaces.fingerprint(repo)
    }

    fn publish(&self, push: Push) -> Answer<'_, ()> {
        self.bombs.go_off(Child::Sync);
        self.workspaces.publish(push)
    }

    fn remote_head(&self, repo: RepoSource, branch: BranchName) -> Answer<'_, Option<Oid>> {
        self.workspaces.remote_head(repo, branch)
    }

    fn merge(&self, merge: Merge) -> Answer<'_, Oid> {
        self.bombs.go_off(Child::Sync);
        self.workspaces.merge(merge)
    }

    fn contains(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, bool> {
        self.workspaces.contains(repo, branch, commit)
    }

    fn delete_branch(&self, repo: RepoSource, branch: BranchName, commit: Oid) -> Answer<'_, ()> {
        self.bombs.go_off(Child::Sync);
        self.workspaces.delete_branch(repo, branch, commit)
    }

    fn recover(&self, known: Vec<WorkspaceId>) -> Answer<'_, Recovery> {
        self.workspaces.recover(known)
    }
}
