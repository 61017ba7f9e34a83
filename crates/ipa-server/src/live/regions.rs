//! Renders the regions of an open page anew, from the newest state, with the functions that rendered the page.

use std::collections::{BTreeMap, BTreeSet};

use ipa_events::TaskId;
use ipa_pod::{EngineError, TaskView};

use super::follows::Follows;
use super::patch::Patch;
use super::topic::{BoardFilter, Section};
use crate::reading;
use crate::state::AppState;
use crate::views::components::form::Forms;
use crate::views::task::Stat;
use crate::views::{board, inbox, task};

/// Renders regions for one viewer; reads each task at most once.
pub(super) struct Regions<'a> {
    state: &'a AppState,
    csrf: &'a str,
    views: BTreeMap<TaskId, TaskView>,
}

impl<'a> Regions<'a> {
    /// Begins a round: what is read now is what all regions of this round show.
    pub(super) const fn new(state: &'a AppState, csrf: &'a str) -> Self {
        Self { state, csrf, views: BTreeMap::new() }
    }

    /// Returns what the forms of the page need.
    pub(super) const fn forms(&self) -> Forms<'a> {
        Forms::live(self.csrf)
    }

    /// Reads a task, once in a round.
    pub(super) async fn view(&mut self, task: TaskId) -> Result<&TaskView, EngineError> {
        if !self.views.contains_key(&task) {
            let view = reading::task(self.state.engine(), task).await?;
            self.views.insert(task, view);
        }
        self.views.get(&task).ok_or(EngineError::NoAnswer(task))
    }

    /// Renders the board.
    pub(super) async fn board(&self, filter: BoardFilter) -> Result<Patch, EngineError> {
        let rows = self.state.engine().tasks().await?;
        Ok(Patch::morph("board", board::board(&rows, filter)))
    }

    /// Renders the inbox.
    pub(super) async fn inbox(&self) -> Result<Patch, EngineError> {
        let tasks = reading::waiting(self.state.engine()).await?;
        Ok(Patch::morph("inbox", inbox::inbox(&tasks, self.forms())))
    }

    /// Renders what every section of a task's page has around it.
    pub(super) fn task(&self, view: &TaskView, follows: &Follows) -> Vec<Patch> {
        let (state, handle, forms) = (&*view.state, view.row.summary.handle, self.forms());
        let at_hand = follows.what_is_at_hand(state);
        let head = task::head(view, at_hand.as_ref(), forms);
        let mut patches = vec![
            Patch::morph(format!("head-{handle}"), head),
            Patch::morph(format!("side-{handle}"), task::side(view)),
        ];
        // Where there are logs, what was asked in them is told with them.
        if !follows.has(view.row.summary.id) {
            let asked = task::decisions(state, handle, &BTreeSet::new(), forms);
            patches.push(Patch::morph(format!("decisions-{handle}"), asked));
        }
        patches
    }

    /// Renders one section of a task's page, and the way to the others.
    pub(super) async fn section(
        &mut self,
        id: TaskId,
        section: Section,
        stat: Option<Stat>,
    ) -> Result<Vec<Patch>, EngineError> {
        let view = self.view(id).await?;
        let handle = view.row.summary.handle;
        let mut patches = vec![Patch::morph(format!("tabs-{handle}"), task::tabs(view, section, stat))];
        if section != Section::Log {
            patches.push(Patch::morph(format!("section-{handle}"), task::section(view, section)));
        }
        Ok(patches)
    }
}
