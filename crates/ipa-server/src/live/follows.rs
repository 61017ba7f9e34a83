//! The runs that a page follows: those whose log it shows, and of each task's agent the newest, for what it is at.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::task::{Run, TaskState};
use ipa_events::{Handle, Role, RunId, TaskId};
use ipa_pod::{Engine, EngineError, TaskView};

use super::follow::{Follow, Room, Shows};
use super::patch::Patch;
use super::stream::unrendered;
use crate::views::components::form::Forms;
use crate::views::task::now::{meter, meter_id, panel, panel_id, run_at_hand};
use crate::views::task::{AtHand, decisions};

/// The runs that a page follows.
#[derive(Default)]
pub(super) struct Follows {
    all: BTreeMap<RunId, Follow>,
    /// What was last said of what the agent of a task is at.
    said: BTreeMap<TaskId, String>,
    /// What was last said of what waits for a person.
    waits: BTreeMap<TaskId, String>,
}

impl Follows {
    /// Begins to follow a log after an event; 0: from the first.
    pub(super) async fn log(
        &mut self,
        engine: &Engine,
        (view, run): (&TaskView, &Run),
        after: u64,
    ) -> Result<(), EngineError> {
        self.add(begin(engine, (view, run), Shows::Log, after).await?);
        Ok(())
    }

    /// Adds one that has begun.
    pub(super) fn add(&mut self, follow: Follow) {
        self.all.insert(follow.run(), follow);
    }

    /// Follows what the agent of a task is at, unless its log is followed anyway.
    pub(super) async fn at_hand(&mut self, engine: &Engine, view: &TaskView) {
        let Some(run) = run_at_hand(&view.state) else { return };
        self.all.retain(|id, follow| id.task != run.id.task || *id == run.id || follow.shows() == Shows::Log);
        if self.all.contains_key(&run.id) {
            return;
        }
        match begin(engine, (view, run), Shows::Figures, 0).await {
            Ok(follow) => self.add(follow),
            Err(error) => unrendered(&error),
        }
    }

    /// Tells whether the log of a run that goes on is followed.
    pub(super) fn any_goes_on(&self) -> bool {
        self.all.values().any(|follow| !follow.is_done())
    }

    /// Returns the number of the newest run of a task whose log is followed.
    pub(super) fn newest_log(&self, task: TaskId) -> Option<u32> {
        self.logs(task).map(|follow| follow.run().number).max()
    }

    /// Returns how far each log is.
    pub(super) fn sent(&self) -> BTreeMap<RunId, u64> {
        let logs = self.all.values().filter(|follow| follow.shows() == Shows::Log);
        logs.map(|follow| (follow.run(), follow.sent())).collect()
    }

    /// Forgets logs of a task that are over and read, but for the newest: it tells which others are new.
    pub(super) fn forget_old(&mut self, state: &TaskState, task: TaskId) {
        let newest = self.newest_log(task);
        let at_hand = run_at_hand(state).map(|run| run.id);
        self.all.retain(|id, follow| {
            id.task != task || !follow.is_done() || Some(id.number) == newest || Some(*id) == at_hand
        });
    }

    /// Reads what is new in every log.
    pub(super) async fn pull(&mut self) {
        for follow in self.all.values_mut() {
            follow.pull().await;
        }
    }

    /// Tells whether any run of a task is followed.
    pub(super) fn has(&self, task: TaskId) -> bool {
        self.all.keys().any(|run| run.task == task)
    }

    /// Says what waits for a person, if that is something else than it was: a decision was stored or answered, or the
    /// log came to where it was asked for.
    pub(super) fn waits(&mut self, task: TaskId, forms: Forms<'_>) -> Option<Patch> {
        let one = self.all.values().find(|follow| follow.run().task == task)?;
        let (state, handle) = (one.state(), one.task());
        let placed = self.logs(task).flat_map(|follow| follow.placed(state)).collect();
        let now = decisions(state, handle, &placed, forms);
        let changed = self.waits.get(&task) != Some(&now.0);
        self.waits.insert(task, now.0.clone());
        changed.then(|| Patch::morph(format!("decisions-{handle}"), now))
    }

    /// Takes in what a task is now; returns what that changes in the logs.
    pub(super) fn now_is(&mut self, task: TaskId, state: &Arc<TaskState>, forms: Forms<'_>) -> Vec<Patch> {
        let of_task = self.all.values_mut().filter(|follow| follow.run().task == task);
        of_task.flat_map(|follow| follow.now_is(state, forms)).collect()
    }

    /// Takes what is new in the logs, as much as fits into a frame.
    pub(super) fn take(&mut self, forms: Forms<'_>) -> Vec<Patch> {
        let mut room = Room::of_a_frame();
        self.all.values_mut().flat_map(|follow| follow.take(&mut room, forms)).collect()
    }

    /// Says what the agent of a task is at, if that is something else than it was.
    pub(super) fn figures(&mut self, task: TaskId) -> Vec<Patch> {
        let agents =
            self.all.values().filter(|follow| follow.run().task == task && follow.role() != Role::Check);
        let Some(newest) = agents.max_by_key(|follow| follow.run()) else { return Vec::new() };
        let (state, handle) = (newest.state(), newest.task());
        let at_hand = newest.at_hand();
        let patches = figures(state, handle, &at_hand);
        let now = patches.iter().map(|patch| patch.html.0.as_str()).collect();
        let changed = self.said.get(&task) != Some(&now);
        self.said.insert(task, now);
        if changed { patches.into() } else { Vec::new() }
    }

    /// Returns what the agent of a task is at.
    pub(super) fn what_is_at_hand(&self, state: &TaskState) -> Option<AtHand> {
        Some(self.all.get(&run_at_hand(state)?.id)?.at_hand())
    }

    fn logs(&self, task: TaskId) -> impl Iterator<Item = &Follow> {
        self.all.values().filter(move |follow| follow.run().task == task && follow.shows() == Shows::Log)
    }
}

/// Begins to follow a run, and reads what is there.
pub(super) async fn begin(
    engine: &Engine,
    (view, run): (&TaskView, &Run),
    shows: Shows,
    after: u64,
) -> Result<Follow, EngineError> {
    let of = (Arc::clone(&view.state), run.clone(), view.row.summary.handle);
    let mut follow = Follow::begin(engine, of, shows, after).await?;
    follow.pull().await;
    Ok(follow)
}

fn figures(state: &TaskState, task: Handle, at_hand: &AtHand) -> [Patch; 2] {
    [
        Patch::morph(meter_id(task), meter(state, task, Some(at_hand))),
        Patch::morph(panel_id(task), panel(state, task, Some(at_hand))),
    ]
}
