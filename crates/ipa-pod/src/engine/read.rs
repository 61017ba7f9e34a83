//! Reading: lists, one task, its events. Reading needs no pod, starts none, and changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ipa_events::store::{Position, RawRecord, StreamInfo, Version};
use ipa_events::{
    DecisionId, Handle, LoadError, OpId, PodCondition, Reference, RunId, Status, StreamId, Summary, TaskId,
    TaskState, load, load_at, summaries,
};
use ipa_sync::{Course, Mode, Would, would};
use tokio::sync::watch;

use super::Engine;
use crate::error::EngineError;

/// A task in a list, with what its pod is doing.
#[derive(Debug, Clone)]
pub struct TaskRow {
    /// The task.
    pub summary: Summary,
    /// What its pod is doing; a record that cannot be read parks it.
    pub pod: PodCondition,
}

impl TaskRow {
    /// Says in one word what the task is doing.
    pub fn status(&self) -> Status {
        self.summary.status(&self.pod)
    }

    /// Says what it waits for; nothing while it works.
    pub fn waiting_for(&self) -> Option<String> {
        self.summary.waiting_for(&self.pod)
    }
}

/// One task, whole, at a version.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// As it is listed.
    pub row: TaskRow,
    /// The version.
    pub version: Version,
    /// Everything about it.
    pub state: Arc<TaskState>,
    /// What a connector that only observes would change outside now, if it wrote.
    pub observed: Vec<Would>,
}

impl Engine {
    /// Finds the task that a person means.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTask`] when there is none.
    pub async fn resolve(&self, reference: Reference) -> Result<TaskId, EngineError> {
        let unknown = || EngineError::UnknownTask(reference);
        match reference {
            Reference::Id(task) => self.exists(task).await.map(|()| task),
            Reference::Handle(handle) => {
                let stream = self.stream(handle).await?.ok_or_else(unknown)?;
                let task = stream.stream.as_task().filter(|_| stream.version > Version::ZERO);
                task.ok_or_else(unknown)
            }
        }
    }

    /// Finds the run that a person means, by handle or id.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is none.
    pub async fn resolve_run(&self, name: &str) -> Result<RunId, EngineError> {
        let unknown = || EngineError::Unknown { what: "run", name: name.to_owned() };
        let (task, number) = Reference::parse_numbered(name, 'r').map_err(|_invalid| unknown())?;
        Ok(RunId::new(self.resolve(task).await?, number))
    }

    /// Finds the decision that a person means, by handle or id; with a task, the only one that is open there.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is none, or more than one.
    pub async fn resolve_decision(&self, name: &str) -> Result<DecisionId, EngineError> {
        let unknown = || EngineError::Unknown { what: "decision", name: name.to_owned() };
        if let Ok((task, number)) = Reference::parse_numbered(name, 'd') {
            return Ok(DecisionId::new(self.resolve(task).await?, number));
        }
        let task = name.parse().map_err(|_invalid| unknown())?;
        let view = self.task(self.resolve(task).await?).await?;
        let mut open = view.state.waiting_for_person().map(|decision| decision.id);
        match (open.next(), open.next()) {
            (Some(only), None) => Ok(only),
            (_, _) => Err(unknown()),
        }
    }

    /// Finds a change to the outside by its id, or its handle, such as `T-12.o3`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unknown`] when there is none.
    pub async fn resolve_op(&self, name: &str) -> Result<OpId, EngineError> {
        let unknown = |_invalid| EngineError::Unknown { what: "change", name: name.to_owned() };
        let (task, number) = Reference::parse_numbered(name, 'o').map_err(unknown)?;
        Ok(OpId::new(self.resolve(task).await?, number))
    }

    async fn stream(&self, handle: Handle) -> Result<Option<StreamInfo>, EngineError> {
        let before = handle.number().saturating_sub(1);
        let found = self.inner.store.log.streams(before, 1).await?;
        Ok(found.into_iter().find(|stream| stream.number == handle.number()))
    }

    pub(super) async fn exists(&self, task: TaskId) -> Result<(), EngineError> {
        if self.has_events(task).await? { Ok(()) } else { Err(EngineError::UnknownTask(Reference::Id(task))) }
    }

    pub(super) async fn has_events(&self, task: TaskId) -> Result<bool, EngineError> {
        let first = self.inner.store.log.read_stream(&StreamId::task(task), Version::ZERO, 1).await?;
        Ok(!first.is_empty())
    }

    /// Lists all tasks, the newest first.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`].
    pub async fn tasks(&self) -> Result<Vec<TaskRow>, EngineError> {
        let pods = self.pods().borrow().clone();
        let rows = summaries(&self.inner.store).await?;
        let row = |row: ipa_events::SummaryRow| {
            let known = pods.get(&row.summary.id).cloned().unwrap_or_default();
            let pod = row.broken.map_or(known, |why| PodCondition::Parked(why.into()));
            TaskRow { summary: row.summary, pod }
        };
        Ok(rows.into_iter().map(row).collect())
    }

    /// Reads one task as it is now.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTask`], or why it could not be read.
    pub async fn task(&self, task: TaskId) -> Result<TaskView, EngineError> {
        let loaded = load(&self.inner.store, &StreamId::task(task)).await;
        let pod = self.pods().borrow().get(&task).cloned().unwrap_or_default();
        let mut view = view(task, loaded, pod)?;
        let sides = self.sides(&view.state);
        if sides.settings.values().any(|settings| settings.mode == Mode::Observe) {
            view.observed = would(&view.state, &sides);
            view.observed.retain(|would| would.course == Course::Observed);
        }
        Ok(view)
    }

    /// Reads one task as it was at a version.
    ///
    /// # Errors
    ///
    /// [`EngineError::UnknownTask`], or why it could not be read.
    pub async fn task_at(&self, task: TaskId, version: Version) -> Result<TaskView, EngineError> {
        let loaded = load_at(&self.inner.store, &StreamId::task(task), version).await;
        // What its pod does today says nothing of then.
        view(task, loaded, PodCondition::Active)
    }

    /// Reads up to `max` events of a task, those after a version, as they are kept.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`].
    pub async fn task_events(
        &self,
        task: TaskId,
        after: Version,
        max: usize,
    ) -> Result<Vec<RawRecord>, EngineError> {
        Ok(self.inner.store.log.read_stream(&StreamId::task(task), after, max).await?)
    }

    /// Reads up to `max` events of all tasks, those after a position, as they are kept.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`].
    pub async fn events(&self, after: Position, max: usize) -> Result<Vec<RawRecord>, EngineError> {
        Ok(self.inner.store.log.read_all(after, max).await?)
    }

    /// Follows the position of the newest event. A hint: read the log for the facts.
    pub fn head(&self) -> watch::Receiver<Position> {
        self.inner.store.log.head()
    }

    /// Follows what the pods are doing.
    pub fn pods(&self) -> watch::Receiver<Arc<BTreeMap<TaskId, PodCondition>>> {
        self.inner.pods.subscribe()
    }

    /// Waits until the log has reached a position, at most for `patience`. Lists read the log behind the rows
    /// as well, so they show what a command did from then on.
    pub async fn reached(&self, position: Position, patience: Duration) -> bool {
        let mut head = self.head();
        tokio::time::timeout(patience, head.wait_for(|at| *at >= position))
            .await
            .is_ok_and(|seen| seen.is_ok())
    }
}

fn view(
    task: TaskId,
    loaded: Result<ipa_events::Loaded, LoadError>,
    pod: PodCondition,
) -> Result<TaskView, EngineError> {
    let loaded = loaded.map_err(|source| EngineError::Load { task, source })?;
    let summary = Summary::of(loaded.version, &loaded.state);
    let summary = summary.ok_or(EngineError::UnknownTask(Reference::Id(task)))?;
    Ok(TaskView {
        row: TaskRow { summary, pod },
        version: loaded.version,
        state: loaded.state,
        observed: Vec::new(),
    })
}
