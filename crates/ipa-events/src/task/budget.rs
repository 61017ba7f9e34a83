//! Budgets: how much of one is used, and what follows from that. Pure.
//!
//! A budget is in US dollars, as agents count what they cost. What an agent without prices uses costs nothing here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::state::TaskState;
use crate::value::Money;

/// What a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetOf {
    /// One run of an agent.
    Run,
    /// All runs of a task.
    Task,
    /// All runs of all tasks that end on one day, in UTC.
    Day,
}

/// A budget, and what was spent of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// What it is for.
    pub of: BudgetOf,
    /// What was spent.
    #[serde(rename = "spent_microusd")]
    pub spent: Money,
    /// What may be spent.
    #[serde(rename = "limit_microusd")]
    pub limit: Money,
}

/// How far a budget is used, and what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spent {
    /// Less than 80 %: nothing.
    Little,
    /// From 80 %: people are told.
    Much,
    /// From 90 %: the agent is told, once, to make an end; nothing new begins.
    Nearly,
    /// All: the run ends.
    All,
}

/// What was done about a budget that is nearly used up, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetStage {
    /// People were told.
    Warned,
    /// It is reached: the agent was told to make an end, or was ended.
    Reached,
}

impl Budget {
    /// Tells how far it is used.
    pub fn used(&self) -> Spent {
        let percent = |part: u128| {
            u128::from(self.spent.as_microusd()) * 100 >= u128::from(self.limit.as_microusd()) * part
        };
        match (percent(100), percent(90), percent(80)) {
            (true, _, _) => Spent::All,
            (_, true, _) => Spent::Nearly,
            (_, _, true) => Spent::Much,
            (false, false, false) => Spent::Little,
        }
    }

    /// Returns what is left.
    pub const fn left(&self) -> Money {
        self.limit.minus(self.spent)
    }

    /// Returns the one of which the most is used; of those, the one that leaves the least.
    pub fn tightest(budgets: impl IntoIterator<Item = Self>) -> Option<Self> {
        budgets.into_iter().max_by_key(|budget| (budget.used(), std::cmp::Reverse(budget.left())))
    }

    /// Returns the budget after so much more was spent.
    #[must_use]
    pub const fn after(self, more: Money) -> Self {
        Self { spent: self.spent.plus(more), ..self }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = match self.of {
            BudgetOf::Run => "run",
            BudgetOf::Task => "task",
            BudgetOf::Day => "day",
        };
        write!(f, "the budget of the {of} (${} of {})", self.spent, self.limit)
    }
}

impl TaskState {
    /// Returns the budget of the task as it stands, with all that was granted, if it has one.
    pub fn task_budget(&self) -> Option<Budget> {
        let limit = self.limits().task_budget?.times(self.granted.saturating_add(1));
        Some(Budget { of: BudgetOf::Task, spent: Money::microusd(self.usage.cost_microusd), limit })
    }

    /// Lists the budgets of the task's own that a run has to keep which has cost so much by now.
    pub fn budgets(&self, run: Money) -> impl Iterator<Item = Budget> {
        let of_run = self.limits().run_budget.map(|limit| Budget { of: BudgetOf::Run, spent: run, limit });
        of_run.into_iter().chain(self.task_budget().map(|budget| budget.after(run)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(of: BudgetOf, spent: u64, limit: u64) -> Budget {
        Budget { of, spent: Money::microusd(spent), limit: Money::microusd(limit) }
    }

    #[test]
    fn at_each_part_of_a_budget_something_else_follows() {
        for (spent, limit, wanted) in [
            (0, 100, Spent::Little),
            (79, 100, Spent::Little),
            (80, 100, Spent::Much),
            (89, 100, Spent::Much),
            (90, 100, Spent::Nearly),
            (99, 100, Spent::Nearly),
            (100, 100, Spent::All),
            (u64::MAX, 1, Spent::All),
            (u64::MAX / 2, u64::MAX, Spent::Little),
            (0, 0, Spent::All),
        ] {
            assert_eq!(budget(BudgetOf::Run, spent, limit).used(), wanted, "{spent} of {limit}");
        }
    }

    #[test]
    fn the_tightest_budget_counts() {
        let (run, task) = (budget(BudgetOf::Run, 85, 100), budget(BudgetOf::Task, 950, 1000));
        assert_eq!(Budget::tightest([run, task]), Some(task));
        assert_eq!(Budget::tightest([run, budget(BudgetOf::Day, 80, 100)]), Some(run));
        assert_eq!(Budget::tightest([]), None);
        let told = budget(BudgetOf::Task, 1_834_000, 2_000_000).to_string();
        assert_eq!(told, "the budget of the task ($1.834 of 2.00)");
    }
}
