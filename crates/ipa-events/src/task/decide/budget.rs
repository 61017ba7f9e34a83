//! What is decided about a run that has used much of a budget.

use super::{Decided, Task};
use crate::task::budget::{Budget, BudgetOf, BudgetStage};
use crate::task::command::FinishedRun;
use crate::task::event::{BudgetNoted, EscalationReason, TaskEvent};
use crate::task::state::{Day, Run};
use crate::value::{FailureClass, Outcome, Retry, RunId};

/// The most characters of an agent's last words that a person is shown.
const WORDS: usize = 600;

impl Task<'_> {
    /// Notes each stage of a run once, in order.
    pub(super) fn note_budget(&self, run: RunId, stage: BudgetStage, budget: &Budget) -> Decided {
        if self.open(run)?.budget.is_some_and(|(known, _)| known >= stage) {
            return Ok(Vec::new());
        }
        let noted = BudgetNoted { run, budget: *budget };
        Ok(vec![match stage {
            BudgetStage::Warned => TaskEvent::BudgetWarned(noted),
            BudgetStage::Reached => TaskEvent::BudgetReached(noted),
        }])
    }

    /// Says of a run whose budget is reached that this is how it ended: what it made before it had to make an end is
    /// no product. The budget of a day is there again on the next; any other is a person's to grant.
    pub(super) fn within_budget(&self, run: &Run, finished: &FinishedRun, outcome: Outcome) -> Outcome {
        let Some((BudgetStage::Reached, budget)) = run.budget else { return outcome };
        let retry = match budget.of {
            BudgetOf::Run | BudgetOf::Task => Retry::Human,
            BudgetOf::Day => Retry::At(Day::end(self.ctx.at)),
        };
        let class = FailureClass::Budget;
        match outcome {
            Outcome::Failed { class: FailureClass::Budget, detail, .. } => {
                Outcome::Failed { class, detail, retry }
            }
            Outcome::Completed | Outcome::Failed { class: FailureClass::NoProduct, .. } => {
                let words: String =
                    finished.document.iter().flat_map(|text| text.trim().chars()).take(WORDS).collect();
                let said = if words.is_empty() { String::new() } else { format!(" It said: {words}") };
                let detail = format!("{budget} is nearly used up, and the agent made an end.{said}");
                Outcome::Failed { class, detail, retry }
            }
            Outcome::Interrupted { .. } | Outcome::Failed { .. } => outcome,
        }
    }

    /// Says what a person is asked whose agent used up its budget.
    pub(super) fn budget_to_grant(&self) -> EscalationReason {
        match self.state.open_run().and_then(|run| run.budget) {
            Some((_, Budget { of: BudgetOf::Task, .. })) => EscalationReason::TaskBudget,
            Some((_, Budget { of: BudgetOf::Run | BudgetOf::Day, .. })) | None => EscalationReason::RunBudget,
        }
    }
}
