//! Many tasks that change quickly, and how often the other side hears of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use ipa_events::task::{Change, ChangeKind, GatePolicy, Gates, Link, PublishPolicy, Pull};
use ipa_events::{ConnectorId, RepoSource, TaskCommand, TaskId, Via};
use ipa_pod::{Drain, Engine, Outlet, TaskView};
use ipa_sync::{
    Applied, Checked, Connector, Cx, Job, Look, Observed, Probe, Settings, Sweep, Swept, SyncError, Target,
};
use jiff::Timestamp;

use super::{Sim, send, until};
use crate::world::ann;

/// How many tasks there are.
const TASKS: u32 = 50;

/// A forge in memory, which notes every write.
struct Counting {
    id: ConnectorId,
    pulls: Mutex<BTreeMap<TaskId, Pull>>,
    writes: Mutex<Vec<(TaskId, ChangeKind, Timestamp)>>,
}

impl Counting {
    fn new() -> Arc<Self> {
        let id = "counting".parse().unwrap();
        Arc::new(Self { id, pulls: Mutex::default(), writes: Mutex::default() })
    }

    fn outlet(self: &Arc<Self>) -> Outlet {
        let mut settings = Settings::new(self.id.clone());
        settings.policies.rules.insert((ChangeKind::OpenPull, None), PublishPolicy::Auto);
        Outlet::new(self.clone(), settings)
    }

    /// Returns when each thing was written, for each task and kind, and forgets it.
    fn taken(&self) -> BTreeMap<(TaskId, ChangeKind), Vec<Timestamp>> {
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (task, kind, at) in self.writes.lock().unwrap().drain(..) {
            all.entry((task, kind)).or_default().push(at);
        }
        all
    }

    async fn make(&self, cx: Cx<'_>, job: &Job) -> Result<Applied, SyncError> {
        let task = job.target.task;
        self.writes.lock().unwrap().push((task, job.op.change.kind(), cx.now));
        if let Change::OpenPull { repo, head, title, section, draft, .. } = &job.op.change {
            let at = cx.git.head(repo, head).await?.unwrap();
            let pull =
                Pull { draft: *draft, ..Pull::new(title.clone(), at, Some(Change::version_of(section))) };
            self.pulls.lock().unwrap().insert(task, pull);
        }
        let mut pulls = self.pulls.lock().unwrap();
        let pull = pulls.get_mut(&task).unwrap();
        if let Change::Rename { title } = &job.op.change {
            pull.title = title.clone();
        }
        if let Change::WriteSection { section } = &job.op.change {
            pull.section = Some(Change::version_of(section));
        }
        Ok(Applied { remote: Some(task.to_string().parse().unwrap()), ..Applied::default() })
    }
}

impl Connector for Counting {
    fn id(&self) -> &ConnectorId {
        &self.id
    }

    fn hosts(&self, _repo: &RepoSource) -> bool {
        true
    }

    fn resume(&self) {}

    fn check<'a>(&'a self, _cx: Cx<'a>) -> BoxFuture<'a, Result<Checked, SyncError>> {
        async { Ok(Checked::default()) }.boxed()
    }

    fn observe<'a>(
        &'a self,
        _cx: Cx<'a>,
        at: &'a Target,
        _look: Look,
    ) -> BoxFuture<'a, Result<Observed, SyncError>> {
        let link = Link { remote: at.task.to_string().parse().unwrap(), url: None };
        let pull = self.pulls.lock().unwrap().get(&at.task).cloned();
        ready(Ok(pull.map_or(Observed::Absent, |pull| Observed::Pull(link, pull.into())))).boxed()
    }

    fn apply<'a>(&'a self, cx: Cx<'a>, job: &'a Job) -> BoxFuture<'a, Result<Applied, SyncError>> {
        self.make(cx, job).boxed()
    }

    fn probe<'a>(&'a self, _cx: Cx<'a>, _job: &'a Job) -> BoxFuture<'a, Result<Probe, SyncError>> {
        ready(Ok(Probe::NotThere)).boxed()
    }

    fn sweep<'a>(&'a self, _cx: Cx<'a>, _sweep: &'a Sweep) -> BoxFuture<'a, Result<Swept, SyncError>> {
        ready(Ok(Swept::default())).boxed()
    }
}

/// Changes every task ten times at this pace, and returns what was written of it, once all is as it should be.
async fn changes(
    engine: &Engine,
    (tasks, forge): (&[TaskId], &Counting),
    pace: Duration,
) -> BTreeMap<(TaskId, ChangeKind), Vec<Timestamp>> {
    let title = |n: u32| format!("title {n}, each {} ms", pace.as_millis());
    for n in 0..10 {
        for task in tasks {
            let edit = TaskCommand::Edit { title: Some(title(n).into()), priority: None };
            send(engine, *task, edit).await;
        }
        tokio::time::sleep(pace).await;
    }
    for task in tasks {
        let there = || forge.pulls.lock().unwrap()[task].clone();
        let written = |view: &TaskView| {
            let known = view.state.outside.pulls.values().next();
            *there().title == title(9) && known == Some(&there())
        };
        until(engine, *task, written).await;
    }
    // Whatever else would come, comes.
    tokio::time::sleep(Duration::from_mins(5)).await;
    forge.taken()
}

#[tokio::test(start_paused = true)]
async fn fifty_tasks_that_change_ten_times_each_are_written_once_for_each_window_and_converge() {
    let forge = Counting::new();
    let sim = Sim::new().slots(TASKS);
    let engine = sim.start_with(forge.outlet()).await;
    let mut tasks = Vec::new();
    for number in 0..TASKS {
        let mut draft = sim.draft();
        draft.repo = sim.repo(number).to_str().unwrap().parse().unwrap();
        draft.gates = Some(Gates { development: GatePolicy::Ask, ..Gates::auto() });
        tasks.push(engine.create(engine.ctx(ann(), Via::Library), draft).await.unwrap().id);
    }
    for task in &tasks {
        until(&engine, *task, |view| view.state.outside.pulls.len() == 1).await;
    }
    tokio::time::sleep(Duration::from_mins(5)).await;
    let opened = forge.taken();
    assert_eq!(opened.len(), 3 * tasks.len(), "a pull request, its status, its check");
    assert!(opened.values().all(|at| at.len() == 1), "{opened:#?}");

    let kinds = [ChangeKind::WriteSection, ChangeKind::Rename];
    let all: Vec<_> = tasks.iter().flat_map(|task| kinds.map(|kind| (*task, kind))).collect();
    for (pace, most) in [(90, 1), (400, 4)] {
        let written = changes(&engine, (&tasks, &forge), Duration::from_millis(pace)).await;
        assert!(written.keys().all(|key| all.contains(key)) && written.len() == all.len(), "{written:#?}");
        for (key, at) in &written {
            assert!(at.len() <= most, "{key:?} each {pace} ms: {at:?}");
            let apart = |at: &[Timestamp]| at[1].duration_since(at[0]).as_millis() >= 500;
            assert!(at.windows(2).all(apart), "{key:?}: {at:?}");
        }
    }
    engine.stop(Drain::Detach).await;
}
