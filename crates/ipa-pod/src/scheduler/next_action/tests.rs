//! The scheduler's table, a row a test.

mod deliver;

use std::sync::Arc;
use std::time::Duration;

use ipa_events::task::{
    BudgetOf, FinishedRun, Gates, NewTask, ProcessIdentity, RunRequest, TaskLimits, Usage, apply, decide,
};
use ipa_events::{CommandId, Ctx, FailureClass, Money, Outcome, Retry, Stamped, Via};
use uuid::Uuid;

use super::*;
use crate::slots::Limit;

const BASE: &str = "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0";
const HEAD: &str = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1";

/// A task's history, told by the commands that were carried out.
struct Story {
    state: TaskState,
    around: Surroundings,
    now: Timestamp,
    commands: u128,
}

fn task() -> TaskId {
    TaskId::new(Uuid::from_u128(7))
}

fn ann() -> Principal {
    Principal::User("ann".to_owned())
}

fn oid(text: &str) -> Oid {
    text.parse().unwrap()
}

impl Story {
    fn begins(start_at: Phase, gates: Gates, checks: &[&str]) -> Self {
        Self::depending(start_at, (gates, checks), &[])
    }

    fn depending(start_at: Phase, (gates, checks): (Gates, &[&str]), depends_on: &[TaskId]) -> Self {
        let around = Surroundings {
            draining: false,
            driving: None,
            workspace_busy: false,
            dependencies: Dependencies::new(),
            slot: Ok(()),
            cooldown_until: None,
            day: None,
        };
        let story = Self { state: TaskState::default(), around, now: Timestamp::UNIX_EPOCH, commands: 0 };
        let new = NewTask {
            task: task(),
            handle: Handle::new(12),
            request: "make it work".into(),
            title: None,
            repo: "/repo".parse().unwrap(),
            base: None,
            agent: "scripted".parse().unwrap(),
            roles: BTreeMap::new(),
            gates,
            checks: checks.iter().map(|check| Arc::from(*check)).collect(),
            start_at,
            priority: 0,
            depends_on: depends_on.to_vec(),
            ticket: None,
            limits: TaskLimits::default(),
        };
        story.then(&ann(), TaskCommand::Create(Box::new(new)))
    }

    fn in_development(checks: &[&str]) -> Self {
        Self::begins(Phase::Development, Gates::default(), checks).with_workspace()
    }

    fn in_spec() -> Self {
        Self::begins(Phase::SpecClarification, Gates::default(), &[]).with_workspace()
    }

    #[expect(clippy::needless_pass_by_value, reason = "a story reads better so")]
    fn then(mut self, actor: &Principal, command: TaskCommand) -> Self {
        self.commands += 1;
        let id = CommandId::new(Uuid::from_u128(self.commands));
        let ctx = Ctx::new(id, self.now, actor.clone(), Via::Engine);
        let events = decide(&self.state, &ctx, &command).unwrap();
        for event in Stamped::stamp(&ctx, events) {
            apply(&mut self.state, &event).unwrap();
        }
        self
    }

    /// Does what the table says, as the pod would.
    fn then_records(self) -> Self {
        let next = self.next();
        let Action::Command(actor, command) = next else { panic!("{next:?} is no command") };
        self.then(&actor, *command)
    }

    fn with_workspace(self) -> Self {
        let agent = AgentId::main();
        self.then(&Principal::Scheduler, TaskCommand::RequestWorkspace { agent: agent.clone() }).then(
            &Principal::Scheduler,
            TaskCommand::RecordWorkspace {
                agent,
                path: "/w".into(),
                branch: "ipa/t-12-make-it-work".parse().unwrap(),
                base: oid(BASE),
            },
        )
    }

    /// Requests a run and drives it.
    fn with_run(mut self, role: Role, check: Option<&str>) -> Self {
        let agent = if check.is_some() { AgentId::check() } else { AgentId::main() };
        let runtime = "scripted".parse().unwrap();
        let request =
            RunRequest { role, agent, runtime, session: None, resumes: None, check: check.map(Arc::from) };
        self = self.then(&Principal::Scheduler, TaskCommand::RequestRun(Box::new(request)));
        let run = self.state.open_run().unwrap().id;
        self.around.driving = Some(run);
        let process = ProcessIdentity { pid: 1, start_time: 1, boot_id: "b".into() };
        let sandbox = "none".into();
        self.then(&Principal::Scheduler, TaskCommand::RecordStarted { run, process, session: None, sandbox })
    }

    fn ends(mut self, outcome: Outcome, document: Option<&str>, head: Option<&str>) -> Self {
        let run = self.state.open_run().unwrap().id;
        self.around.driving = None;
        let (document, head) = (document.map(Arc::from), head.map(oid));
        let finished = FinishedRun { run, outcome, document, head, check: None, usage: Usage::default() };
        self.then(&Principal::Scheduler, TaskCommand::FinishRun(Box::new(finished)))
    }

    fn fails(self, retry: Retry) -> Self {
        let class = if retry.holds() { FailureClass::RateLimited } else { FailureClass::Crashed };
        self.ends(Outcome::Failed { class, detail: "it died".to_owned(), retry }, None, None)
    }

    fn writes(self, document: &str) -> Self {
        self.with_run(Role::Spec, None).ends(Outcome::Completed, Some(document), None)
    }

    fn commits(self, role: Role, head: &str) -> Self {
        self.with_run(role, None).ends(Outcome::Completed, None, Some(head))
    }

    fn checked(mut self, check: &str, exit_code: i32) -> Self {
        self = self.with_run(Role::Check, Some(check));
        let run = self.state.open_run().unwrap().id;
        self.around.driving = None;
        let check = Some((Some(exit_code), Arc::from("output")));
        let (outcome, usage) = (Outcome::Completed, Usage::default());
        let finished = FinishedRun { run, outcome, document: None, head: None, check, usage };
        self.then(&Principal::Scheduler, TaskCommand::FinishRun(Box::new(finished)))
    }

    fn decides(self, verdict: Verdict) -> Self {
        let decision = self.state.open_decisions().last().unwrap().id;
        self.then(&ann(), TaskCommand::Answer { decision, seen: None, verdict })
    }

    fn approves(self) -> Self {
        self.decides(Verdict::Approve { note: None })
    }

    fn rejects(self, reason: &str) -> Self {
        self.decides(Verdict::Reject { reason: reason.into() })
    }

    fn around(mut self, change: impl FnOnce(&mut Surroundings)) -> Self {
        change(&mut self.around);
        self
    }

    fn later(mut self, seconds: u64) -> Self {
        self.now = self.now.saturating_add(Duration::from_secs(seconds)).unwrap();
        self
    }

    fn next(&self) -> Action {
        next_action(&self.state, &self.around, self.now)
    }

    /// Says what is next, in words.
    fn says(&self) -> String {
        match self.next() {
            Action::Command(actor, command) => format!("{actor}: {}", named(&command)),
            Action::Drive(run) => format!("drive r{}", run.number),
            Action::Stop(run, Stop::Now(by)) => format!("stop r{} for {by}", run.number),
            Action::Stop(run, Stop::AtTurnEnd) => format!("stop r{} at the end of its turn", run.number),
            Action::Provision(agent) => format!("provision {agent}"),
            Action::Trash(agent) => format!("trash {agent}"),
            Action::StartRun(role) => format!("start {role}"),
            Action::StartCheck(check) => format!("check {check}"),
            Action::Wait(reason) => format!("wait: {reason}"),
        }
    }
}

fn named(command: &TaskCommand) -> String {
    let debug = format!("{command:?}");
    debug.split([' ', '(']).next().unwrap_or_default().to_owned()
}

#[test]
fn a_draining_pod_starts_nothing() {
    let story = Story::in_spec().around(|around| around.draining = true);
    assert_eq!(story.says(), "wait: the engine is stopping");
}

#[test]
fn a_run_whose_fate_nobody_knows_is_driven_first() {
    let story = Story::in_spec().with_run(Role::Spec, None).around(|around| around.driving = None);
    assert_eq!(story.says(), "drive r1");
    assert_eq!(story.then(&ann(), TaskCommand::Pause { reason: None }).says(), "drive r1");
}

#[test]
fn an_interrupted_run_is_stopped_even_by_a_draining_pod() {
    let run = RunIdOf(1).id();
    let story = Story::in_spec().with_run(Role::Spec, None);
    let story = story.then(&ann(), TaskCommand::InterruptRun { run, reason: None });
    assert_eq!(story.says(), "stop r1 for user:ann");
    let story = story.around(|around| around.draining = true);
    assert_eq!(story.says(), "stop r1 for user:ann");
    assert_eq!(story.around(|around| around.driving = None).says(), "drive r1");
}

#[test]
fn a_paused_task_lets_its_run_end_its_turn_and_starts_nothing() {
    let story = Story::in_spec().with_run(Role::Spec, None).then(&ann(), TaskCommand::Pause { reason: None });
    assert_eq!(story.says(), "stop r1 at the end of its turn");
    let story = story.ends(Outcome::Completed, Some("spec"), None);
    assert_eq!(story.says(), "wait: paused by user:ann");
    assert_eq!(story.then(&ann(), TaskCommand::Resume).says(), "scheduler: RequestTransition");
}

#[test]
fn a_run_of_a_phase_that_was_left_is_stopped() {
    let back = TaskCommand::GoBack { phase: Phase::SpecClarification, reason: "other way".into() };
    let story = Story::in_development(&[]).with_run(Role::Develop, None).then(&ann(), back);
    assert_eq!(story.says(), "stop r1 for user:ann");
}

#[test]
fn a_task_that_is_over_is_tidied_and_then_left_alone() {
    let story = Story::in_spec().then(&ann(), TaskCommand::Cancel { reason: None });
    assert_eq!(story.says(), "trash main");
    let story = story.then(&Principal::Scheduler, TaskCommand::RecordTrashed { agent: AgentId::main() });
    assert_eq!(story.says(), "wait: nothing is left to do");
}

#[test]
fn work_starts_with_a_workspace_and_then_a_run_of_the_phases_role() {
    let story = Story::begins(Phase::SpecClarification, Gates::default(), &[]);
    assert_eq!(story.says(), "provision main");
    assert_eq!(story.with_workspace().says(), "start spec");
    assert_eq!(Story::in_development(&[]).says(), "start develop");
}

#[test]
fn without_a_slot_nothing_starts_and_the_reason_says_so() {
    let full = NoSlot { what: Limit::Runs, taken: 3, of: 3 };
    let story = Story::in_spec().around(|around| around.slot = Err(full));
    assert_eq!(story.says(), "wait: waiting for a free slot (3 of 3 running or next)");
}

#[test]
fn a_product_asks_for_its_gate_and_the_gate_for_a_person() {
    let story = Story::in_spec().writes("the spec");
    assert_eq!(story.says(), "scheduler: RequestTransition");
    let story = story.then_records();
    assert_eq!(story.says(), "wait: waiting for a person: T-12.d1, approve spec v1");
    let story = story.approves();
    assert_eq!(story.says(), "scheduler: EnterPhase");
    assert_eq!(story.then_records().says(), "start plan");
}

#[test]
fn a_gate_with_the_policy_auto_is_opened_by_the_policy() {
    let story =
        Story::begins(Phase::SpecClarification, Gates::auto(), &[]).with_workspace().writes("the spec");
    assert_eq!(story.then_records().says(), "policy:auto: Answer");
}

#[test]
fn a_rejection_leads_to_another_run_of_the_same_phase() {
    let story = Story::in_spec().writes("the spec").then_records().rejects("no tests");
    assert_eq!(story.says(), "start spec");
    assert_eq!(story.state.rework.as_ref().map(|rework| &*rework.reason), Some("no tests"));
    let story = story.writes("a better spec");
    assert_eq!(story.says(), "scheduler: RequestTransition");
    assert!(story.state.rework.is_none() && story.state.spec.version() == Some(2));
}

#[test]
fn a_live_run_is_waited_for_and_its_question_is_a_persons() {
    let story = Story::in_spec().with_run(Role::Spec, None);
    assert_eq!(story.says(), "wait: run 1 works");
    let ask = ipa_events::task::Ask { text: "which one?".into(), choices: Vec::new() };
    let story = story
        .then(&Principal::Scheduler, TaskCommand::AskQuestion { run: RunIdOf(1).id(), key: "q".into(), ask });
    assert_eq!(story.says(), "wait: waiting for a person: T-12.d1, which one?");
}

#[test]
fn an_interrupted_task_waits_until_somebody_says_retry() {
    let story =
        Story::in_spec().with_run(Role::Spec, None).ends(Outcome::Interrupted { by: ann() }, None, None);
    assert_eq!(story.says(), "wait: interrupted by user:ann; retry, go back or cancel");
    assert_eq!(story.then(&ann(), TaskCommand::Retry).says(), "start spec");
}

#[test]
fn a_failed_run_is_tried_again_after_a_pause_and_then_a_person_is_asked() {
    let story = Story::in_spec().with_run(Role::Spec, None).fails(Retry::Backoff);
    assert_eq!(story.says(), "wait: waiting for the next attempt at 1970-01-01T00:00:10Z, after crashed");
    let story = story.later(10);
    assert_eq!(story.says(), "start spec");
    let story = story.with_run(Role::Spec, None).fails(Retry::Backoff).later(20);
    let story = story.with_run(Role::Spec, None).fails(Retry::Backoff);
    assert_eq!(story.says(), "wait: waiting for a person: T-12.d1, all attempts failed: it died");
    assert_eq!(story.approves().says(), "start spec");
}

#[test]
fn a_limit_holds_the_task_until_its_time_and_burns_no_attempt() {
    let reset = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_hours(1)).unwrap();
    let story = Story::in_spec().with_run(Role::Spec, None).fails(Retry::At(reset));
    assert_eq!(story.says(), "wait: waiting for the usage limit of scripted, until 1970-01-01T01:00:00Z");
    assert_eq!(story.state.failures, 0);
    assert_eq!(story.later(3600).says(), "start spec");
    let story = Story::in_spec().with_run(Role::Spec, None).fails(Retry::Hold);
    assert_eq!(story.says(), "wait: waiting for the usage limit of scripted, until 1970-01-01T00:05:00Z");
    assert_eq!(story.then(&ann(), TaskCommand::Retry).says(), "start spec");
}

#[test]
fn what_only_a_person_can_mend_goes_to_a_person_at_once() {
    let story = Story::in_spec().with_run(Role::Spec, None).fails(Retry::Human);
    assert_eq!(story.says(), "wait: waiting for a person: T-12.d1, the agent cannot go on: it died");
}

#[test]
fn a_dependency_holds_a_task_back_and_a_cancelled_one_blocks_it() {
    let on = TaskId::new(Uuid::from_u128(3));
    let story = Story::depending(Phase::SpecClarification, (Gates::default(), &[]), &[on]).with_workspace();
    assert_eq!(story.says(), "wait: waiting to learn of the tasks that must be completed first");
    let stands = |phase| {
        move |around: &mut Surroundings| {
            around.dependencies = Dependencies::from([(on, (Handle::new(3), phase))]);
        }
    };
    let story = story.around(stands(Phase::Planning));
    assert_eq!(story.says(), "wait: waiting for T-3 to be completed (it is in planning)");
    let story = story.around(stands(Phase::Cancelled));
    assert_eq!(story.says(), "wait: blocked: T-3, which must be completed first, was cancelled");
    assert_eq!(story.around(stands(Phase::Completed)).says(), "start spec");
}

#[test]
fn two_run_starts_of_a_task_keep_their_distance() {
    let until = Timestamp::UNIX_EPOCH.saturating_add(Duration::from_secs(2)).unwrap();
    let story = Story::in_spec().around(|around| around.cooldown_until = Some(until));
    assert_eq!(story.says(), "wait: waiting until 1970-01-01T00:00:02Z, as a run started a moment ago");
    assert_eq!(story.later(2).says(), "start spec");
}

#[test]
fn work_is_checked_before_its_gate() {
    let story = Story::in_development(&["a", "b"]).commits(Role::Develop, HEAD);
    assert_eq!(story.says(), "check a");
    let story = story.checked("a", 0);
    assert_eq!(story.says(), "check b");
    let story = story.checked("b", 0);
    assert_eq!(story.says(), "scheduler: RequestTransition");
    assert_eq!(story.then_records().says(), "policy:auto: Answer");
}

#[test]
fn failed_checks_start_a_bounded_number_of_runs_and_then_ask_a_person() {
    let mut story = Story::in_development(&["a"]).commits(Role::Develop, HEAD);
    for head in ["c1", "c2"] {
        story = story.checked("a", 1);
        assert_eq!(story.says(), "start develop");
        story = story.commits(Role::Develop, &head.repeat(20));
    }
    let story = story.checked("a", 1);
    assert_eq!(story.says(), "scheduler: Escalate");
    let asks =
        "wait: waiting for a person: T-12.d1, the checks go on failing: `a` ends with exit 1 on c2c2c2c2c";
    let story = story.then_records();
    assert_eq!(story.says(), asks);
    assert_eq!(story.approves().says(), "start develop");
}

#[test]
fn a_change_request_in_review_starts_a_run_and_its_result_is_checked_again() {
    let story = in_review();
    assert_eq!(story.says(), "wait: waiting for a person: T-12.d2, approve commit a1a1a1a1a");
    let story = story.rejects("rename it");
    assert_eq!(story.says(), "start review");
    let story = story.commits(Role::Review, &"c3".repeat(20));
    assert_eq!(story.says(), "check a");
    assert_eq!(story.state.phase, Phase::Review);
}

/// Work that was checked and waits at the gate of the review.
fn in_review() -> Story {
    let story = Story::in_development(&["a"]).commits(Role::Develop, HEAD).checked("a", 0);
    story.then_records().then_records().then_records().then_records()
}

struct RunIdOf(u32);

impl RunIdOf {
    fn id(&self) -> RunId {
        RunId::new(task(), self.0)
    }
}

fn budget(of: BudgetOf, spent: u64, limit: u64) -> Budget {
    Budget { of, spent: Money::microusd(spent), limit: Money::microusd(limit) }
}

#[test]
fn nothing_starts_on_a_budget_of_a_task_that_is_as_good_as_used_up_until_a_person_grants_more() {
    let mut story = Story::in_development(&[]);
    let created = Arc::make_mut(story.state.created.as_mut().unwrap());
    created.limits.task_budget = Some(Money::microusd(1_000_000));
    story.state.usage.cost_microusd = 899_999;
    assert_eq!(story.says(), "start develop");
    story.state.usage.cost_microusd = 900_000;
    assert_eq!(story.says(), "scheduler: Escalate");
    let story = story.then_records();
    assert_eq!(
        story.says(),
        "wait: waiting for a person: T-12.d1, the budget of the task is used up; going on grants as much again: the \
         budget of the task ($0.90 of 1.00) is as good as used up"
    );
    assert_eq!(story.approves().says(), "start develop");
}

#[test]
fn nothing_starts_on_a_budget_of_a_day_that_is_as_good_as_used_up_until_the_next() {
    let story = Story::in_development(&[]).around(|it| it.day = Some(budget(BudgetOf::Day, 89, 100)));
    assert_eq!(story.says(), "start develop");
    let story = story.around(|it| it.day = Some(budget(BudgetOf::Day, 9_000_000, 10_000_000))).later(3600);
    assert_eq!(
        story.says(),
        "wait: waiting for the budget of the day ($9.00 of 10.00), until 1970-01-02T00:00:00Z"
    );
}
