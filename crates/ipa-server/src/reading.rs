//! Reads tasks so that one that cannot be read any further hides neither itself nor another.

use ipa_events::{LoadError, PodCondition, TaskId};
use ipa_pod::{Engine, EngineError, TaskView};
use tracing::warn;

use crate::error::problem::chain;

/// Reads a task. One that cannot be read any further is shown as it last was, parked, with the fault.
pub(crate) async fn task(engine: &Engine, task: TaskId) -> Result<TaskView, EngineError> {
    let fault = match engine.task(task).await {
        Err(fault @ EngineError::Load { .. }) => fault,
        read => return read,
    };
    let row = engine.tasks().await?.into_iter().find(|row| row.summary.id == task);
    let Some(row) = row.filter(|row| matches!(row.pod, PodCondition::Parked(_))) else { return Err(fault) };
    let last_good = engine.task_at(task, row.summary.version).await?;
    Ok(TaskView { row, ..last_good })
}

/// Reads the tasks in which something waits for a person; leaves out what nobody can read.
pub(crate) async fn waiting(engine: &Engine) -> Result<Vec<TaskView>, EngineError> {
    let mut tasks = Vec::new();
    for row in engine.tasks().await? {
        if row.summary.decisions.is_empty() {
            continue;
        }
        match task(engine, row.summary.id).await {
            Ok(view) => tasks.push(view),
            Err(error) if is_passing(&error) => return Err(error),
            Err(error) => {
                let handle = row.summary.handle;
                warn!(error = %chain(&error), "{handle} cannot be read; what waits there is not in the inbox");
            }
        }
    }
    Ok(tasks)
}

/// Tells whether the same may be read later: the store could not be read now, and nothing is wrong with what it
/// holds.
pub(crate) const fn is_passing(error: &EngineError) -> bool {
    matches!(error, EngineError::Read(_) | EngineError::Load { source: LoadError::Read(_), .. })
}
