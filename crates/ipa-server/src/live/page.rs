//! An open page: what it shows, how far it is, and what is new for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use ipa_events::store::Position;
use ipa_events::task::Run;
use ipa_events::{PodCondition, RunId, TaskId};
use ipa_pod::{EngineError, TaskView};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cursor::Cursor;
use super::figures::Figures;
use super::follow::Shows;
use super::follows::{Follows, begin};
use super::patch::Patch;
use super::regions::Regions;
use super::stream::{Touched, unrendered};
use super::topic::{Section, Topic, Topics};
use crate::error::Code;
use crate::error::problem::Refusal;
use crate::reading;
use crate::state::AppState;
use crate::views::components::form::Forms;
use crate::views::components::log::{LogView, run_log};
use crate::views::layout::count;
use crate::views::task::Stat;
use crate::web;

/// How many events are read at a time to find out what they touched, and how often.
const BATCH: usize = 1_000;
const BATCHES: usize = 4;
/// After so long a region is tried again that could not be rendered.
pub(super) const AGAIN: Duration = Duration::from_millis(500);
/// Of runs that started while a page was away, so many get their log.
const NEW_RUNS: usize = 8;

type Pods = Arc<BTreeMap<TaskId, PodCondition>>;

/// An open page.
pub(super) struct OpenPage {
    state: AppState,
    csrf: String,
    topics: Vec<(Topic, Option<TaskId>)>,
    cursor: Cursor,
    moved: bool,
    head: watch::Receiver<Position>,
    pods: watch::Receiver<Pods>,
    seen_pods: Pods,
    /// When the regions are tried again; none while all of them are what they should be.
    again: Option<Instant>,
    follows: Follows,
    /// How many decisions were open when that was last sent.
    open: Option<usize>,
    /// How much the work of a task differed when that was last looked at, and what was known of it then.
    stat: Option<(web::task::StatKey, Option<Stat>)>,
}

impl OpenPage {
    /// Opens a page: finds the tasks of its topics, and the logs that it follows.
    pub(super) async fn open(
        state: AppState,
        csrf: String,
        topics: Topics,
        cursor: Cursor,
    ) -> Result<Self, Refusal> {
        let (head, mut pods) = (state.engine().head(), state.engine().pods());
        let seen_pods = pods.borrow_and_update().clone();
        let mut resolved = Vec::new();
        for topic in topics.0 {
            let task = match &topic {
                Topic::Nav | Topic::Board(_) | Topic::Inbox => None,
                Topic::Task(task) | Topic::Section(task, _) | Topic::Story(task) | Topic::Run(task, _) => {
                    Some(state.engine().resolve(*task).await?)
                }
            };
            resolved.push((topic, task));
        }
        let mut page = Self {
            state,
            csrf,
            topics: resolved,
            cursor,
            moved: false,
            head,
            pods,
            seen_pods,
            again: None,
            follows: Follows::default(),
            open: None,
            stat: None,
        };
        page.follow_known().await?;
        Ok(page)
    }

    /// Takes up the logs that the page had, and the run that it asked for.
    async fn follow_known(&mut self) -> Result<(), Refusal> {
        let mut known = self.cursor.runs.clone();
        known.retain(|run, _| self.topics.iter().any(|(_, task)| *task == Some(run.task)));
        for (topic, task) in &self.topics {
            if let (Topic::Run(_, number), Some(task)) = (topic, task) {
                known.entry(RunId::new(*task, *number)).or_insert(0);
            }
        }
        for (id, after) in known {
            let view = reading::task(self.state.engine(), id.task).await?;
            let run = view.state.run(id).cloned();
            let run = run.ok_or_else(|| Refusal::new(Code::UnknownRun, format!("there is no run {id}")))?;
            self.follows.log(self.state.engine(), (&view, &run), after).await?;
        }
        self.cursor.runs = self.follows.sent();
        for task in self.tasks() {
            let view = reading::task(self.state.engine(), task).await?;
            self.follows.at_hand(self.state.engine(), &view).await;
        }
        Ok(())
    }

    /// Lists the tasks whose page this is.
    fn tasks(&self) -> Vec<TaskId> {
        let of_page = self.topics.iter().filter(|(topic, _)| matches!(topic, Topic::Task(_)));
        of_page.filter_map(|(_, task)| *task).collect()
    }

    /// Returns how far the page is.
    pub(super) const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Tells whether the page came further since this was last asked.
    pub(super) fn take_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Tells whether the page is ahead of the log: it was made from another store.
    pub(super) fn is_unknown(&self) -> bool {
        self.cursor.position > *self.head.borrow()
    }

    /// Tells whether a region is to be tried again.
    pub(super) const fn owes(&self) -> bool {
        self.again.is_some()
    }

    /// Tells whether the log of an open run is followed.
    pub(super) fn follows(&self) -> bool {
        self.follows.any_goes_on()
    }

    /// Waits until something was appended, or a pod came, went or was parked.
    pub(super) async fn changed(&mut self) {
        let changed = tokio::select! {
            changed = self.head.changed() => changed,
            changed = self.pods.changed() => changed,
        };
        if changed.is_err() {
            // The engine is gone; the server ends the stream.
            std::future::pending::<()>().await;
        }
    }

    /// Returns what is new for the page, at most a frame of it, and moves its cursor behind that.
    pub(super) async fn news(&mut self) -> Vec<Patch> {
        let tip = *self.head.borrow_and_update();
        let pods = self.pods.borrow_and_update().clone();
        let mut patches = Vec::new();
        // An agent says that it asks before that is stored: what is stored now is found in its log.
        self.follows.pull().await;
        if self.again.is_none_or(|again| Instant::now() >= again) {
            patches = self.regions_at(tip, pods).await;
        }
        patches.extend(self.follows.take(Forms::live(&self.csrf)));
        self.cursor.runs = self.follows.sent();
        for task in self.tasks() {
            patches.extend(self.follows.waits(task, Forms::live(&self.csrf)));
            patches.extend(self.follows.figures(task));
        }
        patches
    }

    /// Renders what may look different now. The page goes on to this position only when all of it was rendered;
    /// otherwise the same is tried again later.
    async fn regions_at(&mut self, tip: Position, pods: Pods) -> Vec<Patch> {
        let mut touched = self.touched_by_events(tip).await;
        self.add_pods(&mut touched, &pods);
        let (mut patches, mut whole) = (Vec::new(), true);
        if tip > self.cursor.position || !touched.is_nothing() {
            (patches, whole) = self.regions(&touched).await;
        }
        if whole {
            self.again = None;
            self.seen_pods = pods;
            self.moved |= tip > self.cursor.position;
            self.cursor.position = self.cursor.position.max(tip);
        } else {
            self.again = Some(Instant::now() + AGAIN);
        }
        patches
    }

    async fn touched_by_events(&mut self, tip: Position) -> Touched {
        let mut tasks = BTreeSet::new();
        let mut at = self.cursor.position;
        for _ in 0..BATCHES {
            if at >= tip {
                return Touched::Some(tasks);
            }
            let Ok(events) = self.state.engine().events(at, BATCH).await else { return Touched::All };
            let Some(last) = events.last() else { return Touched::Some(tasks) };
            at = last.position;
            tasks.extend(events.iter().filter_map(|event| event.stream.as_task()));
        }
        if at >= tip { Touched::Some(tasks) } else { Touched::All }
    }

    fn add_pods(&self, touched: &mut Touched, now: &Pods) {
        let before = &self.seen_pods;
        if let Touched::Some(tasks) = touched {
            let all = before.keys().chain(now.keys());
            tasks.extend(all.filter(|task| before.get(task) != now.get(task)));
        }
    }

    /// Renders every region that may look different now. Tells also whether that is all: not while the store
    /// cannot be read. What is wrong for good stays as it is, and holds nothing back.
    async fn regions(&mut self, touched: &Touched) -> (Vec<Patch>, bool) {
        let (state, csrf) = (self.state.clone(), self.csrf.clone());
        let mut round = Regions::new(&state, &csrf);
        let (mut patches, mut whole) = (Vec::new(), true);
        let topics: Vec<_> =
            self.topics.iter().filter(|(_, task)| task.is_none_or(|it| touched.has(it))).cloned().collect();
        let mut failed = |error: EngineError| {
            whole &= !reading::is_passing(&error);
            unrendered(&error);
        };
        // Runs come first: what else is shown of a task depends on what stands in their logs.
        let tasks: BTreeSet<_> = topics.iter().filter_map(|(_, task)| *task).collect();
        let mut unread = BTreeSet::new();
        for task in tasks {
            match self.runs(&mut round, task).await {
                Ok(rendered) => patches.extend(rendered),
                Err(error) => {
                    unread.insert(task);
                    failed(error);
                }
            }
        }
        for (topic, task) in
            topics.into_iter().filter(|(_, task)| task.is_none_or(|it| !unread.contains(&it)))
        {
            match self.region(&mut round, &topic, task).await {
                Ok(rendered) => patches.extend(rendered),
                Err(error) => failed(error),
            }
        }
        (patches, whole)
    }

    async fn region(
        &mut self,
        round: &mut Regions<'_>,
        topic: &Topic,
        task: Option<TaskId>,
    ) -> Result<Vec<Patch>, EngineError> {
        match (topic, task) {
            (Topic::Nav, _) => {
                let open = web::open_decisions(self.state.engine()).await?;
                let changed = self.open.replace(open) != Some(open);
                Ok(changed.then(|| Patch::morph("inbox-count", count(open))).into_iter().collect())
            }
            (Topic::Board(filter), _) => Ok(vec![round.board(*filter).await?]),
            (Topic::Inbox, _) => Ok(vec![round.inbox().await?]),
            (Topic::Task(_), Some(task)) => {
                let view = round.view(task).await?.clone();
                Ok(round.task(&view, &self.follows))
            }
            (Topic::Section(_, section), Some(task)) => self.section(round, task, *section).await,
            (Topic::Task(_) | Topic::Section(..), None) | (Topic::Story(_) | Topic::Run(..), _) => {
                Ok(Vec::new())
            }
        }
    }

    /// Follows the runs that began, and tells those that are followed what the task is now.
    async fn runs(&mut self, round: &mut Regions<'_>, task: TaskId) -> Result<Vec<Patch>, EngineError> {
        let forms = round.forms();
        let view = round.view(task).await?;
        let mut patches = Vec::new();
        if self.topics.iter().any(|(topic, of)| matches!(topic, Topic::Story(_)) && *of == Some(task)) {
            patches = self.story(view, forms).await?;
        }
        if self.tasks().contains(&task) {
            self.follows.at_hand(self.state.engine(), view).await;
        }
        patches.extend(self.follows.now_is(task, &view.state, forms));
        Ok(patches)
    }

    async fn section(
        &mut self,
        round: &mut Regions<'_>,
        task: TaskId,
        section: Section,
    ) -> Result<Vec<Patch>, EngineError> {
        let view = round.view(task).await?;
        let key = web::task::stat_key(view);
        let stat = match &self.stat {
            Some((known, stat)) if *known == key => *stat,
            Some(_) | None => web::task::stat(self.state.engine(), view).await,
        };
        self.stat = Some((key, stat));
        round.section(task, section, stat).await
    }

    /// Adds the logs of runs that began after the newest that the page has.
    async fn story(&mut self, view: &TaskView, forms: Forms<'_>) -> Result<Vec<Patch>, EngineError> {
        let (state, handle) = (&*view.state, view.row.summary.handle);
        let Some(task) = state.id() else { return Ok(Vec::new()) };
        let newest = self.follows.newest_log(task);
        let new = state.runs.iter().rev().take_while(|run| Some(run.id.number) > newest);
        let new: Vec<&Run> = new.take(if newest.is_some() { NEW_RUNS } else { 1 }).collect();
        let (mut patches, mut begun) = (Vec::new(), Vec::new());
        for run in new.into_iter().rev() {
            let empty = LogView { run, task: handle, state, placed: &BTreeSet::new(), forms };
            let section = run_log(empty, &[], 0, &Figures::default());
            patches.push(Patch::append(format!("story-{handle}"), section));
            begun.push(begin(self.state.engine(), (view, run), Shows::Log, 0).await?);
        }
        // All or none: a log counts as shown only once its place is sent.
        for follow in begun {
            self.follows.add(follow);
        }
        self.follows.forget_old(state, task);
        Ok(patches)
    }
}
