//! A workspace with two files, and an agent that says what it is told to.

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_agent::{
    AgentEvent, AgentRuntime, AgentSession, Attach, AttachError, Body, Capabilities, Probe, ProbeError,
    RunDir, RunSpec, StartError, Tail, TailError, TailReader,
};
use ipa_events::{BranchName, Oid, RepoSource, Runtime, WorkspaceId};
use ipa_workspace::{
    Change, ChangeKind, Checkpoint, Committed, DiffFile, DiffLine, DiffQuery, DiffSet, Entry, EntryKind,
    FileRoot, FileView, Fingerprint, Hunk, Listing, Merge, Needs, Push, Recovery, RelPath, Removed,
    SandboxPrefix, Status, Trial, Workspace, WorkspaceError, WorkspaceSpec, Workspaces,
};

type Answer<'a, T> = BoxFuture<'a, Result<T, WorkspaceError>>;

fn not_here<'a, T: Send + 'a>() -> Answer<'a, T> {
    ready(Err(WorkspaceError::Unsupported("this double only shows files".to_owned()))).boxed()
}

/// Workspaces that all hold the same two files.
pub struct Files;

impl Workspaces for Files {
    fn list(&self) -> Answer<'_, Vec<Workspace>> {
        ready(Ok(Vec::new())).boxed()
    }

    fn diff(&self, _query: DiffQuery) -> Answer<'_, DiffSet> {
        let lines = vec![DiffLine::Removed("old".to_owned()), DiffLine::Added("new".to_owned())];
        let change = Change { path: "README.md".to_owned(), kind: ChangeKind::Modified };
        let hunks = vec![Hunk { old_start: 1, new_start: 1, lines }];
        let file = DiffFile { change, added: 1, removed: 1, hidden: None, hunks };
        ready(Ok(DiffSet { files: vec![file], truncated: false })).boxed()
    }

    fn ls(&self, _root: FileRoot, dir: RelPath) -> Answer<'_, Listing> {
        let entry = |name: &str, kind, size_bytes| Entry { name: name.to_owned(), kind, size_bytes };
        let entries = match dir.as_str() {
            "" => vec![entry("src", EntryKind::Dir, None), entry("README.md", EntryKind::File, Some(5))],
            "src" => vec![entry("a b.rs", EntryKind::File, Some(2))],
            other => return ready(Err(WorkspaceError::NoSuchPath(other.to_owned()))).boxed(),
        };
        ready(Ok(Listing { entries, truncated: false })).boxed()
    }

    fn read(&self, _root: FileRoot, path: RelPath) -> Answer<'_, FileView> {
        let text = match path.as_str() {
            "README.md" => "hello",
            "src/a b.rs" => "//",
            "src" => return ready(Ok(FileView::Special)).boxed(),
            other => return ready(Err(WorkspaceError::NoSuchPath(other.to_owned()))).boxed(),
        };
        ready(Ok(FileView::Text { text: text.to_owned() })).boxed()
    }

    fn provision(&self, _spec: WorkspaceSpec) -> Answer<'_, Workspace> {
        not_here()
    }
    fn locate(&self, id: &WorkspaceId) -> Answer<'_, Workspace> {
        ready(Err(WorkspaceError::NotFound(id.clone()))).boxed()
    }
    fn status(&self, _id: &WorkspaceId) -> Answer<'_, Status> {
        not_here()
    }
    fn write(&self, _id: &WorkspaceId, _path: RelPath, _contents: Vec<u8>) -> Answer<'_, ()> {
        not_here()
    }
    fn commit(&self, _id: &WorkspaceId, _message: String) -> Answer<'_, Committed> {
        not_here()
    }
    fn checkpoint(&self, _id: &WorkspaceId, _reason: String) -> Answer<'_, Checkpoint> {
        not_here()
    }
    fn reset(&self, _id: &WorkspaceId, _to: Oid) -> Answer<'_, Checkpoint> {
        not_here()
    }
    fn remove(&self, _id: &WorkspaceId) -> Answer<'_, Removed> {
        ready(Ok(Removed { checkpoint: None })).boxed()
    }
    fn discard(&self, _id: &WorkspaceId) -> Answer<'_, ()> {
        ready(Ok(())).boxed()
    }
    fn sandbox(&self, _id: &WorkspaceId, _needs: Needs) -> Answer<'_, SandboxPrefix> {
        not_here()
    }
    fn trial(&self, _needs: Needs) -> Answer<'_, Trial> {
        ready(Ok(Trial::bare("/".into()))).boxed()
    }
    fn fingerprint(&self, _repo: RepoSource) -> Answer<'_, Option<Fingerprint>> {
        not_here()
    }
    fn publish(&self, _push: Push) -> Answer<'_, ()> {
        not_here()
    }
    fn remote_head(&self, _repo: RepoSource, _branch: BranchName) -> Answer<'_, Option<Oid>> {
        not_here()
    }
    fn merge(&self, _merge: Merge) -> Answer<'_, Oid> {
        not_here()
    }
    fn contains(&self, _repo: RepoSource, _branch: BranchName, _commit: Oid) -> Answer<'_, bool> {
        not_here()
    }
    fn delete_branch(&self, _repo: RepoSource, _branch: BranchName, _commit: Oid) -> Answer<'_, ()> {
        not_here()
    }
    fn recover(&self, _known: Vec<WorkspaceId>) -> Answer<'_, Recovery> {
        not_here()
    }
}

/// What an agent says.
#[derive(Clone, Default)]
pub struct FakeLog(Arc<Mutex<Vec<AgentEvent>>>);

impl FakeLog {
    /// Lets the agent say something more.
    pub fn say(&self, body: Body) {
        let mut events = self.0.lock().unwrap();
        let seq = events.len() as u64 + 1;
        events.push(AgentEvent { seq, at_ms: seq, body });
    }

    /// Lets the agent say a text.
    pub fn text(&self, text: &str) {
        self.say(Body::Text { text: text.into() });
    }
}

/// An agent of the kind `fake`, which is only ever read.
pub struct Fake(pub FakeLog);

impl AgentRuntime for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { multi_turn: false, permissions: false, questions: false, resume: false }
    }

    fn probe<'a>(&'a self, _runtime: &'a Runtime) -> BoxFuture<'a, Result<Probe, ProbeError>> {
        ready(Ok(Probe { version: Some("1.0".to_owned()), login: None })).boxed()
    }

    fn start(&self, spec: RunSpec) -> BoxFuture<'_, Result<AgentSession, StartError>> {
        ready(Err(StartError::Claimed(spec.run))).boxed()
    }

    fn attach(&self, _dir: RunDir) -> BoxFuture<'_, Result<Attach, AttachError>> {
        ready(Ok(Attach::Unclaimed)).boxed()
    }

    fn tail(&self, _dir: RunDir) -> Tail {
        Tail::new(Box::new(Reader { log: self.0.clone(), read: 0 }))
    }
}

struct Reader {
    log: FakeLog,
    read: usize,
}

impl TailReader for Reader {
    fn read(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<AgentEvent>, TailError>> {
        let events: Vec<_> = self.log.0.lock().unwrap().iter().skip(self.read).take(max).cloned().collect();
        self.read += events.len();
        ready(Ok(events)).boxed()
    }
}
