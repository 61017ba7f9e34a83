//! What follows from events about runs and what they left behind.

use jiff::Timestamp;

use super::Fit;
use crate::envelope::Stamped;
use crate::task::budget::BudgetStage;
use crate::task::event::{BudgetNoted, CheckFinished, RunRequested, RunStarted, TaskEvent};
use crate::task::state::{CheckResult, Day, OpState, PendingRetry, Run, RunState, TaskState, Usage};
use crate::value::{FailureClass, Money, Outcome, Principal, Role, RunId};

type Event = Stamped<TaskEvent>;

pub(super) fn request(state: &mut TaskState, event: &Event, requested: &RunRequested) -> Fit {
    if !super::is_next(requested.run.number, state.runs.len()) {
        return Err("runs are numbered in order");
    }
    if state.open_run().is_some() {
        return Err("another run is open");
    }
    let mends =
        requested.role != Role::Check && state.head.as_ref().is_some_and(|head| state.is_broken(head));
    state.fixes = state.fixes.saturating_add(u32::from(mends));
    state.retry = None;
    let RunRequested { run, place, role, phase, attempt, runtime, session, resumes, head, messages, check } =
        requested.clone();
    state.runs.push(Run {
        id: run,
        place,
        role,
        phase,
        attempt,
        runtime,
        session,
        resumes,
        takes_over: None,
        head,
        messages,
        check,
        state: RunState::Requested,
        requested_at: event.at,
        process: None,
        sandbox: None,
        started_at: None,
        finished_at: None,
        interrupted_by: None,
        budget: None,
        usage: Usage::default(),
    });
    Ok(())
}

pub(super) fn hand_over(state: &mut TaskState, id: RunId, from: RunId) -> Fit {
    open_run(state, id)?.takes_over = Some(from);
    Ok(())
}

pub(super) fn start(state: &mut TaskState, event: &Event, started: &RunStarted) -> Fit {
    let run = open_run(state, started.run)?;
    run.state = RunState::Running;
    run.process = Some(started.process.clone());
    run.started_at.get_or_insert(event.at);
    run.session = started.session.clone().or_else(|| run.session.clone());
    run.sandbox = Some(started.sandbox.clone());
    Ok(())
}

pub(super) fn adopt(state: &mut TaskState, id: RunId) -> Fit {
    open_run(state, id).map(|_run| ())
}

pub(super) fn interrupt(state: &mut TaskState, event: &Event, id: RunId) -> Fit {
    open_run(state, id)?.interrupted_by = Some(event.actor.clone());
    Ok(())
}

pub(super) fn finish(
    state: &mut TaskState,
    event: &Event,
    (id, outcome, usage): (RunId, &Outcome, Usage),
) -> Fit {
    let run = open_run(state, id)?;
    run.state = RunState::Over(outcome.clone());
    run.finished_at = Some(event.at);
    run.usage = usage;
    let (phase, role) = (run.phase, run.role);
    state.usage = state.usage.plus(usage);
    state.day = Some(Day::plus(state.day, event.at, Money::microusd(usage.cost_microusd)));
    match outcome {
        Outcome::Completed => {
            state.failures = 0;
            state.last_failure = None;
            let answered = |after_run| phase == state.phase && id.number > after_run && role != Role::Check;
            if state.rework.as_ref().is_some_and(|rework| answered(rework.after_run)) {
                state.rework = None;
            }
        }
        Outcome::Interrupted { by } => {
            if matches!(by, Principal::User(_)) && phase == state.phase {
                state.interrupted = Some(by.clone());
            }
        }
        Outcome::Failed { detail, retry, .. } => {
            state.last_failure = Some(detail.as_str().into());
            if !retry.holds() {
                state.failures = state.failures.saturating_add(1);
            }
        }
    }
    Ok(())
}

pub(super) fn note(state: &mut TaskState, stage: BudgetStage, noted: &BudgetNoted) -> Fit {
    open_run(state, noted.run)?.budget = Some((stage, noted.budget));
    Ok(())
}

pub(super) fn check(state: &mut TaskState, check: &CheckFinished) -> Fit {
    let CheckFinished { run, command, commit, exit_code, passed, tail, .. } = check.clone();
    state.checks.push(CheckResult { run, command, commit, exit_code, passed, tail });
    Ok(())
}

pub(super) fn retry(
    state: &mut TaskState,
    event: &Event,
    (attempt, at, class): (u32, Timestamp, Option<FailureClass>),
) -> Fit {
    state.retry = Some(PendingRetry { at, attempt, class });
    state.interrupted = None;
    if at <= event.at {
        // A person wants it now: what could not be delivered is tried again too.
        state.outside.mend(event.at, |_fuse| true);
        for op in &mut state.ops {
            if matches!(op.state, OpState::Waiting { .. } | OpState::Dead { .. }) {
                op.retry();
            }
        }
    }
    Ok(())
}

fn open_run(state: &mut TaskState, id: RunId) -> Result<&mut Run, &'static str> {
    state.runs.iter_mut().find(|run| run.id == id && run.is_open()).ok_or("no such run is open")
}
