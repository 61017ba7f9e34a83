//! Keeps a run within its budgets: people are told, then the agent, and then it is ended. What is to be done is
//! `ipa-events`' to say ([`Budget::used`]); here it is done.

use ipa_agent::Stop;
use ipa_events::task::{Budget, BudgetStage, Spent, TaskState, Usage};
use ipa_events::{FailureClass, Money, Retry, TaskCommand};
use tracing::debug;

use super::Drive;
use super::relay::{Owed, Relay, Turn};

/// What an agent is told when its budget is nearly used up.
const MAKE_AN_END: &str = "Your budget is nearly used up: make an end now. Commit what you have, begin nothing new, \
                           and say in a few lines what is done and what is left to do.";

/// The key of it: it is told once.
const KEY: &str = "budget";

impl Relay {
    /// Takes in what the run used by now. When its turn is over, its work is done, whatever it cost.
    pub(super) async fn uses(&mut self, drive: &Drive, total: Usage) -> Owed {
        let cost = Money::microusd(total.cost_microusd);
        drive.parts.spending.spends(self.run, self.since, cost);
        let state = drive.task.now().state;
        let Some(budget) = drive.budget(&state, cost) else { return Owed::Nothing };
        match (budget.used(), self.turn) {
            (Spent::Little, _) => {}
            (Spent::Much, _) | (Spent::Nearly | Spent::All, Turn::Over | Turn::Ended) => {
                drive.note(BudgetStage::Warned, budget).await;
            }
            (Spent::Nearly, Turn::Running) => match self.control.send(KEY, MAKE_AN_END).await {
                Ok(()) => drive.note(BudgetStage::Reached, budget).await,
                // It is ended when all is spent.
                Err(error) => {
                    debug!(run.id = %self.run, %error, "run {} cannot be told to make an end", self.run);
                }
            },
            (Spent::All, Turn::Running) => {
                drive.note(BudgetStage::Reached, budget).await;
                let (class, detail) = (FailureClass::Budget, format!("{budget} is used up"));
                self.spent = Some(Stop::Failed { class, detail, retry: Retry::Human });
                return self.pass_on(drive, &state).await;
            }
        }
        Owed::Nothing
    }
}

impl Drive {
    /// Returns the budget that counts for this run, when it has cost so much by now.
    fn budget(&self, state: &TaskState, cost: Money) -> Option<Budget> {
        let day = self.parts.spending.day(self.parts.edge.now());
        Budget::tightest(state.budgets(cost).chain(day))
    }

    /// Returns what the run may cost that is about to begin, if there is a budget.
    pub(super) fn left(&self, state: &TaskState) -> Option<Money> {
        let day = self.parts.spending.day(self.parts.edge.now());
        state.budgets(Money::default()).chain(day).map(|budget| budget.left()).min()
    }

    /// Records why a run ended that its agent ended itself as its budget was used up.
    pub(super) async fn note_used_up(&self, used: Usage) {
        let budget = self.budget(&self.task.now().state, Money::microusd(used.cost_microusd));
        if let Some(budget) = budget.filter(|budget| budget.used() >= Spent::Nearly) {
            self.note(BudgetStage::Reached, budget).await;
        }
    }

    async fn note(&self, stage: BudgetStage, budget: Budget) {
        let known = self.task.now().state.run(self.id).and_then(|run| run.budget);
        if known.is_none_or(|(known, _)| known < stage) {
            let body = TaskCommand::NoteBudget { run: self.id, stage, budget };
            self.insist(self.command_id(&format!("budget {stage:?}")), body).await;
        }
    }
}
