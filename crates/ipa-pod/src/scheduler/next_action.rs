//! What a task needs next. Pure: knows no actor, clock or store; `scheduler.rs` carries the action out.
//!
//! A table, a row a function, first match wins. It never waits and never remembers: it looks at the state and
//! names the next thing, so looking twice does nothing twice.

use ipa_events::task::Verdict;
use std::collections::BTreeMap;

use ipa_events::task::{
    Asked, Budget, Day, Decision, EscalationReason, Evidence, GatePolicy, Op, Product, RunState, Spent,
    TaskState, WorkspaceState,
};
use ipa_events::{
    AgentId, DecisionId, Handle, Oid, Phase, Principal, Role, RunId, TaskCommand, TaskId, title_of,
};
use jiff::Timestamp;

use super::reason::Reason;
use crate::slots::NoSlot;

/// Where the tasks stand that a task depends on, as far as that is known.
pub(crate) type Dependencies = BTreeMap<TaskId, (Handle, Phase)>;

/// What the pod and the engine are doing, as far as the scheduler must know.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The engine is stopping: nothing new starts.
    pub(crate) draining: bool,
    /// The run that the pod's agents actor is driving.
    pub(crate) driving: Option<RunId>,
    /// A workspace is being made or tidied.
    pub(crate) workspace_busy: bool,
    /// Tasks that must be completed first, and where they stand.
    pub(crate) dependencies: Dependencies,
    /// Whether a run could start now.
    pub(crate) slot: Result<(), NoSlot>,
    /// No run starts before this.
    pub(crate) cooldown_until: Option<Timestamp>,
    /// What all tasks have spent today, if there is a budget for that.
    pub(crate) day: Option<Budget>,
}

/// What a task needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Record something; as whom.
    Command(Principal, Box<TaskCommand>),
    /// Find out what became of a run whose end is not known: start, adopt, resume or close it.
    Drive(RunId),
    /// Stop a run.
    Stop(RunId, Stop),
    /// Make or restore the checkout of a place of work.
    Provision(AgentId),
    /// Move a place of work to the trash, after a checkpoint.
    Trash(AgentId),
    /// Take a slot and request a run of this role.
    StartRun(Role),
    /// Take a slot and request a run of this check.
    StartCheck(std::sync::Arc<str>),
    /// Nothing, and why.
    Wait(Reason),
}

/// How a run is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// At once, as somebody asked.
    Now(Principal),
    /// When its turn is over.
    AtTurnEnd,
}

/// Names what the task needs next.
pub(crate) fn next_action(state: &TaskState, around: &Surroundings, now: Timestamp) -> Action {
    unwanted_run(state, around)
        .or_else(|| draining(around))
        .or_else(|| unknown_fate(state, around))
        .or_else(|| over(state, around))
        .or_else(|| paused(state))
        .or_else(|| enter_phase(state))
        .or_else(|| deliver(state))
        .or_else(|| waits_for_person(state))
        .or_else(|| run_lives(state))
        .or_else(|| interrupted(state))
        .or_else(|| not_yet(state, around, now))
        .or_else(|| unchecked(state, around))
        .or_else(|| checks_failed(state, around, now))
        .or_else(|| product_missing(state, around, now))
        .or_else(|| request_transition(state))
        .or_else(|| approve_by_policy(state))
        .unwrap_or(Action::Wait(Reason::Over))
}

fn command(command: TaskCommand) -> Action {
    Action::Command(Principal::Scheduler, Box::new(command))
}

fn draining(around: &Surroundings) -> Option<Action> {
    around.draining.then_some(Action::Wait(Reason::Draining))
}

fn unknown_fate(state: &TaskState, around: &Surroundings) -> Option<Action> {
    let open = state.open_run()?;
    (around.driving != Some(open.id)).then_some(Action::Drive(open.id))
}

/// Ends what nobody wants any more, in a pod that is draining too.
fn unwanted_run(state: &TaskState, around: &Surroundings) -> Option<Action> {
    let run = state.open_run()?;
    let driven = around.driving == Some(run.id);
    match &run.interrupted_by {
        Some(by) if driven => Some(Action::Stop(run.id, Stop::Now(by.clone()))),
        Some(_) => Some(Action::Drive(run.id)),
        None if !driven => None,
        None if run.phase != state.phase => Some(Action::Stop(run.id, Stop::Now(Principal::Scheduler))),
        None => state.paused.is_some().then_some(Action::Stop(run.id, Stop::AtTurnEnd)),
    }
}

fn over(state: &TaskState, around: &Surroundings) -> Option<Action> {
    if !state.phase.is_over() {
        return None;
    }
    if around.workspace_busy {
        return Some(Action::Wait(Reason::Workspace));
    }
    let mut places = state.workspaces.iter();
    let untidy = places.find(|(_, workspace)| matches!(workspace.state, WorkspaceState::Ready { .. }));
    Some(untidy.map_or(Action::Wait(Reason::Over), |(agent, _)| Action::Trash(agent.clone())))
}

fn paused(state: &TaskState) -> Option<Action> {
    state.paused.clone().map(|by| Action::Wait(Reason::Paused(by)))
}

fn enter_phase(state: &TaskState) -> Option<Action> {
    let (_, to) = state.approved?;
    (!to.is_over()).then(|| command(TaskCommand::EnterPhase))
}

/// The review was approved: the work goes out, and then the task is complete. How it goes out is the sync actor's; a
/// pull request completes its task by being merged.
fn deliver(state: &TaskState) -> Option<Action> {
    let (_, Phase::Completed) = state.approved? else { return None };
    let head = state.head.as_ref()?;
    state.branch()?;
    if state.is_delivered() {
        return Some(command(TaskCommand::Complete { note: None }));
    }
    // What stops it is for a person, or for the next run.
    if state.is_broken(head) || state.stopping().next().is_some() || state.interrupted.is_some() {
        return None;
    }
    let under_way = || state.ops.iter().filter(|op| op.is_under_way());
    Some(Action::Wait(match under_way().find_map(Op::due) {
        Some(at) => Reason::Retry { at, class: None },
        None if state.moved_by_others().is_some() => Reason::Moved,
        None if under_way().next().is_none() && !state.outside.pulls.is_empty() => Reason::Outside,
        None => Reason::Delivering,
    }))
}

fn waits_for_person(state: &TaskState) -> Option<Action> {
    if state.open_run().is_some() {
        return None;
    }
    let decision = state.stopping().next()?;
    if gate_is_stale(state, decision) {
        return Some(command(TaskCommand::RequestTransition));
    }
    Some(Action::Wait(Reason::Person(named(state, decision))))
}

/// Tells whether a gate shows something else than what is there now.
fn gate_is_stale(state: &TaskState, decision: &Decision) -> bool {
    let shown = match &decision.asked {
        Asked::Gate { seen, .. } => seen,
        Asked::Permission { .. }
        | Asked::Question { .. }
        | Asked::Publish { .. }
        | Asked::Escalation { .. } => {
            return false;
        }
    };
    *shown != state.seen() && state.product() == Product::There
}

fn named(state: &TaskState, decision: &Decision) -> String {
    let handle = state.handle().map_or_else(|| decision.id.to_string(), |task| decision.id.handle(task));
    format!("{handle}, {}", title_of(&decision.asked))
}

fn run_lives(state: &TaskState) -> Option<Action> {
    let run = state.open_run()?;
    let asked = state.waiting_for_person().find(|decision| decision.asked.run().is_some());
    Some(match (asked, &run.state) {
        (Some(decision), RunState::Running) => Action::Wait(Reason::Asked(named(state, decision))),
        (Some(_), RunState::Requested | RunState::Over(_)) | (None, _) => {
            Action::Wait(Reason::Working(run.id))
        }
    })
}

fn interrupted(state: &TaskState) -> Option<Action> {
    state.interrupted.clone().map(|by| Action::Wait(Reason::Interrupted(by)))
}

fn not_yet(state: &TaskState, around: &Surroundings, now: Timestamp) -> Option<Action> {
    if let Some((agent, until)) = state.usage_limit().filter(|(_, until)| *until > now) {
        return Some(Action::Wait(Reason::UsageLimit { agent: agent.clone(), until }));
    }
    if let Some(retry) = state.retry.as_ref().filter(|retry| retry.at > now) {
        return Some(Action::Wait(Reason::Retry { at: retry.at, class: retry.class }));
    }
    for on in state.created.iter().flat_map(|created| &created.depends_on) {
        match around.dependencies.get(on) {
            Some((_, Phase::Completed)) => {}
            Some((on, phase)) => return Some(Action::Wait(Reason::Dependency { on: *on, phase: *phase })),
            None => return Some(Action::Wait(Reason::UnknownDependency)),
        }
    }
    let cooldown = around.cooldown_until.filter(|until| *until > now);
    cooldown.map(|until| Action::Wait(Reason::Cooldown(until)))
}

/// Takes a slot for `action`, or says that there is none.
fn with_slot(around: &Surroundings, action: Action) -> Action {
    around.slot.map_or_else(|no_slot| Action::Wait(Reason::NoSlot(no_slot)), |()| action)
}

/// Tells what the checks say of work that is there.
fn evidence(state: &TaskState) -> Option<Evidence> {
    let has_checks = matches!(state.phase, Phase::Development | Phase::Review);
    let head = state.head.as_ref().filter(|_| has_checks && state.product() == Product::There)?;
    Some(state.evidence(head))
}

fn unchecked(state: &TaskState, around: &Surroundings) -> Option<Action> {
    if evidence(state)? != Evidence::Pending {
        return None;
    }
    let check = state.next_check(state.head.as_ref()?)?;
    Some(with_slot(around, Action::StartCheck(check.clone())))
}

fn checks_failed(state: &TaskState, around: &Surroundings, now: Timestamp) -> Option<Action> {
    evidence(state)?;
    let head = state.head.as_ref().filter(|head| state.is_broken(head))?;
    if state.fixes >= state.limits().check_fixes {
        let (reason, detail) = (EscalationReason::ChecksFail, what_fails(state, head).into());
        return Some(command(TaskCommand::Escalate { reason, detail }));
    }
    start_run(state, around, now)
}

/// Says which check fails: one of ours, or else one of the forge's.
fn what_fails(state: &TaskState, head: &Oid) -> String {
    let ours = state.checks.iter().rev().find(|check| !check.passed && check.commit == *head);
    if let Some(check) = ours {
        let exit = check.exit_code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit {code}"));
        return format!("`{}` ends with {exit} on {}", check.command, check.commit.short());
    }
    let theirs = state.outside.failing(head).next();
    theirs.map_or_else(
        || "a check failed".to_owned(),
        |check| format!("`{}` fails on {}", check.name, head.short()),
    )
}

fn product_missing(state: &TaskState, around: &Surroundings, now: Timestamp) -> Option<Action> {
    match state.product() {
        Product::There => None,
        Product::Missing | Product::Outdated => start_run(state, around, now),
    }
}

/// Starts a run of the phase's role, in a workspace that is there.
fn start_run(state: &TaskState, around: &Surroundings, now: Timestamp) -> Option<Action> {
    let role = state.phase.role()?;
    if let Some(used_up) = budget_used_up(state, around, now) {
        return Some(used_up);
    }
    if around.workspace_busy {
        return Some(Action::Wait(Reason::Workspace));
    }
    let main = AgentId::main();
    let ready = state.workspaces.get(&main).map(|workspace| &workspace.state);
    if !matches!(ready, Some(WorkspaceState::Ready { .. })) {
        return Some(with_slot(around, Action::Provision(main)));
    }
    Some(with_slot(around, Action::StartRun(role)))
}

/// Begins nothing that would have to make an end at once: a person grants more, or it is for the next day.
fn budget_used_up(state: &TaskState, around: &Surroundings, now: Timestamp) -> Option<Action> {
    let used_up = |budget: &Budget| budget.used() >= Spent::Nearly;
    if let Some(budget) = state.task_budget().filter(used_up) {
        let (reason, detail) =
            (EscalationReason::TaskBudget, format!("{budget} is as good as used up").into());
        return Some(command(TaskCommand::Escalate { reason, detail }));
    }
    let budget = around.day.filter(used_up)?;
    Some(Action::Wait(Reason::DayBudget { budget, until: Day::end(now) }))
}

fn open_gate(state: &TaskState) -> Option<(DecisionId, &Asked)> {
    let open = state.open_decisions().find(|open| matches!(open.asked, Asked::Gate { .. }));
    open.map(|decision| (decision.id, &decision.asked))
}

fn request_transition(state: &TaskState) -> Option<Action> {
    let shown = open_gate(state).is_some_and(|(_, asked)| match asked {
        Asked::Gate { seen, .. } => *seen == state.seen(),
        Asked::Permission { .. }
        | Asked::Question { .. }
        | Asked::Publish { .. }
        | Asked::Escalation { .. } => false,
    });
    let wanted = state.approved.is_none() && state.product() == Product::There && !shown;
    wanted.then(|| command(TaskCommand::RequestTransition))
}

fn approve_by_policy(state: &TaskState) -> Option<Action> {
    let (decision, Asked::Gate { policy: GatePolicy::Auto, .. }) = open_gate(state)? else { return None };
    let seen = state.decision(decision).map(|open| open.payload_hash.clone());
    let verdict = Verdict::Approve { note: None };
    let approve = TaskCommand::Answer { decision, seen, verdict };
    Some(Action::Command(Principal::Policy("auto".to_owned()), Box::new(approve)))
}

#[cfg(test)]
mod tests;
