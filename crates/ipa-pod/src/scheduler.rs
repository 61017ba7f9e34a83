//! Drives a task forward: looks at the newest state, asks the table what is next, and does that one thing.
//!
//! It holds no plan and no timer of its own making: whatever changes wakes it, and it looks again.

mod next_action;
mod reason;

pub(crate) use next_action::{Dependencies, Stop};
pub(crate) use reason::Reason;

use std::sync::Arc;
use std::time::Duration;

use ipa_events::store::Version;
use ipa_events::task::RunRequest;
use ipa_events::{AgentId, Envelope, Principal, Role, Runtime, TaskCommand, Via};
use jiff::Timestamp;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use self::next_action::{Action, Surroundings, next_action};
use crate::actor::tell;
use crate::config::EngineConfig;
use crate::edge::Edge;
use crate::pod::agents::AgentsHandle;
use crate::pod::task::{SendError, TaskHandle};
use crate::pod::workspaces::WorkspacesHandle;
use crate::slots::{Claim, NoSlot, Slots, new_work};
use crate::spending::Spending;

/// The most actions in one go; a table that never comes to rest is a defect, and must not spin.
const ACTIONS_AT_ONCE: usize = 32;

/// How long the scheduler waits after the log refused it.
const PAUSE: Duration = Duration::from_secs(1);

/// What a scheduler is given.
pub(crate) struct SchedulerArgs {
    pub(crate) task: TaskHandle,
    pub(crate) workspaces: WorkspacesHandle,
    pub(crate) agents: AgentsHandle,
    pub(crate) slots: Slots,
    pub(crate) spending: Arc<Spending>,
    pub(crate) edge: Arc<dyn Edge>,
    pub(crate) config: Arc<EngineConfig>,
    /// Where the tasks stand that must be completed first.
    pub(crate) dependencies: watch::Receiver<Dependencies>,
    /// Whether the engine is stopping.
    pub(crate) draining: watch::Receiver<bool>,
    /// Where the manager learns what this pod is doing.
    pub(crate) standing: watch::Sender<Standing>,
}

/// What a pod is doing, as its scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It looks, or does something.
    Looking,
    /// It does nothing new since the stream was at this version, and why.
    Resting(Version, Reason),
}

pub(crate) struct Scheduler;

/// Starts a task's scheduler.
pub(crate) async fn spawn(args: SchedulerArgs, parent: ActorCell) -> Result<ActorCell, SpawnErr> {
    let (actor, _joined) = Scheduler::spawn_linked(None, Scheduler, args, parent).await?;
    Ok(actor.get_cell())
}

pub(crate) enum Msg {
    /// Something changed: look again.
    Look,
}

pub(crate) struct State {
    args: SchedulerArgs,
    /// When the last run was requested.
    last_start: Option<Timestamp>,
    /// Follows everything that can change what is next. Ends with the actor.
    _watchers: JoinSet<()>,
    /// Looks again when a time has come.
    timer: JoinSet<()>,
}

impl Actor for Scheduler {
    type Msg = Msg;
    type State = State;
    type Arguments = SchedulerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<Msg>,
        args: SchedulerArgs,
    ) -> Result<State, ActorProcessingErr> {
        let mut watchers = JoinSet::new();
        follow(&mut watchers, myself.clone(), args.task.follow());
        follow(&mut watchers, myself.clone(), args.agents.follow());
        follow(&mut watchers, myself.clone(), args.workspaces.follow());
        follow(&mut watchers, myself.clone(), args.dependencies.clone());
        follow(&mut watchers, myself.clone(), args.draining.clone());
        follow(&mut watchers, myself.clone(), args.slots.freed());
        tell(&myself, Msg::Look);
        let last_start = args.task.now().state.runs.last().map(|run| run.requested_at);
        Ok(State { args, last_start, _watchers: watchers, timer: JoinSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<Msg>,
        Msg::Look: Msg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        for _ in 0..ACTIONS_AT_ONCE {
            let (version, action) = state.next();
            if let Action::Wait(reason) = action {
                state.rest(&myself, version, &reason);
                return Ok(());
            }
            state.stand(&Standing::Looking);
            debug!(?action, "next");
            match state.carry_out(version, action).await {
                Done::LookAgain => {}
                Done::WillWakeMe => return Ok(()),
                Done::AfterAPause => {
                    state.wake_soon(&myself);
                    return Ok(());
                }
            }
        }
        warn!("the scheduler found {ACTIONS_AT_ONCE} things to do at once; it looks again in a moment");
        state.wake_soon(&myself);
        Ok(())
    }
}

/// Wakes the scheduler whenever a value changes.
fn follow<T: Send + Sync + 'static>(
    watchers: &mut JoinSet<()>,
    myself: ActorRef<Msg>,
    mut what: watch::Receiver<T>,
) {
    what.mark_unchanged();
    watchers.spawn(async move {
        while what.changed().await.is_ok() {
            tell(&myself, Msg::Look);
        }
    });
}

/// Whether the scheduler looks again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    /// It may look again at once.
    LookAgain,
    /// Something was started that wakes it when there is news.
    WillWakeMe,
    /// The log did not take it: the same may work a little later.
    AfterAPause,
}

impl State {
    fn next(&self) -> (Version, Action) {
        let published = self.args.task.now();
        let action = next_action(&published.state, &self.surroundings(), self.args.edge.now());
        (published.version, action)
    }

    fn surroundings(&self) -> Surroundings {
        let cooldown = self.args.config.cooldown;
        Surroundings {
            draining: *self.args.draining.borrow(),
            driving: self.args.agents.driving(),
            workspace_busy: self.args.workspaces.is_busy(),
            dependencies: self.args.dependencies.borrow().clone(),
            slot: self.slot(),
            day: self.args.spending.day(self.args.edge.now()),
            cooldown_until: self.last_start.and_then(|at| at.saturating_add(cooldown).ok()),
        }
    }

    fn slot(&self) -> Result<(), NoSlot> {
        self.claim(None).map_or(Ok(()), |claim| self.args.slots.look(&claim))
    }

    /// Makes this task's claim for a run, of the agent of its phase or of another.
    fn claim(&self, runtime: Option<&Runtime>) -> Option<Claim> {
        let state = self.args.task.now().state;
        let created = state.created.as_ref()?;
        Some(Claim {
            task: state.handle()?,
            priority: state.priority,
            repo: created.repo.to_string(),
            runtime: runtime.unwrap_or(created.agent_in(state.phase)).kind().to_owned(),
            new_work: new_work(state.phase),
        })
    }

    fn rest(&mut self, myself: &ActorRef<Msg>, version: Version, reason: &Reason) {
        if let Some(until) = reason.until() {
            self.wake_at(myself, until);
        }
        self.stand(&Standing::Resting(version, reason.clone()));
    }

    fn stand(&self, now: &Standing) {
        self.args.standing.send_if_modified(|standing| {
            let news = standing != now;
            standing.clone_from(now);
            news
        });
    }

    fn wake_soon(&mut self, myself: &ActorRef<Msg>) {
        let soon = self.args.edge.now().saturating_add(PAUSE);
        self.wake_at(myself, soon.unwrap_or(Timestamp::MAX));
    }

    fn wake_at(&mut self, myself: &ActorRef<Msg>, at: Timestamp) {
        let pause = at.duration_since(self.args.edge.now()).unsigned_abs();
        let myself = myself.clone();
        // One timer: a newer one replaces it, as the state that it came from was replaced.
        self.timer = JoinSet::new();
        self.timer.spawn(async move {
            tokio::time::sleep(pause).await;
            tell(&myself, Msg::Look);
        });
    }

    async fn carry_out(&mut self, seen: Version, action: Action) -> Done {
        match action {
            Action::Command(actor, command) => self.record(seen, actor, *command).await,
            Action::Drive(run) => {
                let state = self.args.task.now().state;
                let claim = state.run(run).and_then(|open| self.claim(Some(&open.runtime)));
                self.args.agents.drive(run, claim.map(|claim| self.args.slots.take(claim)));
                Done::WillWakeMe
            }
            Action::Stop(run, how) => {
                self.args.agents.stop(run, how);
                Done::WillWakeMe
            }
            Action::Provision(agent) => {
                self.args.workspaces.provision(agent);
                Done::WillWakeMe
            }
            Action::Trash(agent) => {
                self.args.workspaces.trash(agent);
                Done::WillWakeMe
            }
            Action::StartRun(role) => self.start(seen, role, None).await,
            Action::StartCheck(check) => self.start(seen, Role::Check, Some(check)).await,
            Action::Wait(_) => Done::WillWakeMe,
        }
    }

    /// Takes a slot, stores the intent, and only then hands the run to the agents.
    async fn start(&mut self, seen: Version, role: Role, check: Option<Arc<str>>) -> Done {
        let agent = if check.is_some() { AgentId::check() } else { AgentId::main() };
        let Some(created) = self.args.task.now().state.created.clone() else { return Done::WillWakeMe };
        let runtime = runtime_for(created.agent_of(role), check.as_deref());
        let Some(claim) = self.claim(Some(&runtime)) else { return Done::WillWakeMe };
        let permit = match self.args.slots.try_take(claim) {
            Ok(permit) => permit,
            Err(no_slot) => {
                self.stand(&Standing::Resting(seen, Reason::NoSlot(no_slot)));
                return Done::WillWakeMe;
            }
        };
        let resumable = self.args.task.now().state.resumable(role, &runtime).cloned();
        let resumes = resumable.as_ref().map(|run| run.id);
        let session = resumable.and_then(|run| run.session);
        let session = session.or_else(|| self.args.agents.new_session(&runtime, self.args.edge.uuid()));
        let request = RunRequest { role, agent, runtime, session, resumes, check };
        let done = self.record(seen, Principal::Scheduler, TaskCommand::RequestRun(Box::new(request))).await;
        if done == Done::LookAgain {
            if role != Role::Check {
                // Checks follow their work at once; the pause is between agents.
                self.last_start = Some(self.args.edge.now());
            }
            if let Some(open) = self.args.task.now().state.open_run() {
                self.args.agents.drive(open.id, Some(permit));
            }
        }
        done
    }

    /// Records what was decided on the state that was seen, or nothing when there is a newer one by now.
    async fn record(&self, seen: Version, actor: Principal, body: TaskCommand) -> Done {
        let ctx = self.args.edge.ctx(actor, Via::Engine);
        match self.args.task.send(Some(seen), Envelope { ctx, body }).await {
            Ok(_) | Err(SendError::Stale) => Done::LookAgain,
            Err(SendError::Execute(ipa_events::ExecuteError::Refused(refused))) => {
                debug!(%refused, "the task refused the scheduler");
                Done::AfterAPause
            }
            Err(error) => {
                let error = crate::error::chain(&error);
                warn!(error, "the scheduler could not record what it decided; it tries again");
                Done::AfterAPause
            }
        }
    }
}

/// Names the runtime of a run: a check is a command, whatever the agent is.
fn runtime_for(agent: &Runtime, check: Option<&str>) -> Runtime {
    let check = check.and_then(|command| format!("command:{command}").parse().ok());
    check.unwrap_or_else(|| agent.clone())
}
