//! Random commands. A pick is a few numbers; what it asks for is made to fit the task about half the time, so
//! that histories get long and crooked.

use std::sync::Arc;

use ipa_events::task::{
    AfterFailure, Ask, Budget, BudgetOf, BudgetStage, Category, Change, Doubt, EscalationReason, FinishedRun,
    Gates, Link, MergeMethod, NeedsPerson, News, PublishPolicy, Remark, RunRequest, Usage, Verdict,
};
use ipa_events::{
    AgentId, DecisionId, FailureClass, Money, Oid, OpId, Outcome, PayloadHash, Phase, Principal, Resource,
    Retry, Role, RunId, TaskCommand, TaskId, TaskState,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::story::{new_task, oid, process, push, resource, sent};

/// How many kinds of command there are to pick from.
const KINDS: u8 = 40;

#[derive(Debug, Clone)]
pub struct Pick {
    kind: u8,
    a: u8,
    b: u8,
    who: u8,
    pub seconds: u16,
    text: String,
}

pub fn pick() -> impl Strategy<Value = Pick> {
    let text = prop_oneof![3 => "[a-z ]{1,12}", 1 => "\\PC{0,20}", 1 => Just(String::new())];
    (0..KINDS, any::<u8>(), any::<u8>(), any::<u8>(), 0..400_u16, text)
        .prop_map(|(kind, a, b, who, seconds, text)| Pick { kind, a, b, who, seconds, text })
}

impl Pick {
    pub fn who(&self, task: TaskId) -> Principal {
        match self.who % 8 {
            0 => Principal::Agent(RunId::new(task, 1)),
            1 => Principal::Policy("auto".to_owned()),
            2 | 3 => Principal::Scheduler,
            4 => Principal::User("bob".to_owned()),
            _ => Principal::User("ann".to_owned()),
        }
    }

    fn text(&self) -> Arc<str> {
        self.text.as_str().into()
    }

    fn some_text(&self) -> Option<Arc<str>> {
        (self.a % 2 == 0).then(|| self.text())
    }

    /// A number up to one too many, most often the last.
    fn number(&self, count: usize) -> u32 {
        let count = u32::try_from(count).unwrap();
        if self.a % 4 == 0 { u32::from(self.b) % (count + 2) } else { count }
    }

    fn run(&self, task: TaskId, state: &TaskState) -> RunId {
        RunId::new(task, self.number(state.runs.len()))
    }

    fn agent(&self) -> AgentId {
        if self.b % 4 == 0 { AgentId::check() } else { AgentId::main() }
    }

    fn commit(&self) -> Oid {
        oid(char::from(b"0123456789abcdef"[usize::from(self.b % 16)]))
    }

    fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.b) % Phase::ALL.len()]
    }

    fn needs(&self) -> NeedsPerson {
        if self.a % 5 == 0 { NeedsPerson::Yes } else { NeedsPerson::No }
    }

    fn outcome(&self, task: TaskId, now: Timestamp) -> Outcome {
        let retry = match self.b % 4 {
            0 => Retry::Backoff,
            1 => Retry::At(now + SignedDuration::from_hours(1)),
            2 => Retry::Hold,
            _ => Retry::Human,
        };
        match self.a % 6 {
            0 => Outcome::Interrupted { by: self.who(task) },
            1 | 2 => {
                let lost = if self.b % 8 == 0 { FailureClass::SessionLost } else { FailureClass::Crashed };
                let class = if retry.holds() { FailureClass::RateLimited } else { lost };
                Outcome::Failed { class, detail: self.text.clone(), retry }
            }
            _ => Outcome::Completed,
        }
    }

    fn verdict(&self) -> Verdict {
        match self.b % 4 {
            0 => Verdict::Reject { reason: self.text() },
            1 => Verdict::Answer { text: self.text() },
            _ => Verdict::Approve { note: self.some_text() },
        }
    }

    fn seen(&self, state: &TaskState, decision: DecisionId) -> Option<PayloadHash> {
        match self.b % 5 {
            0 => None,
            1 => Some(PayloadHash::of(b"something else")),
            _ => state.decision(decision).map(|decision| decision.payload_hash.clone()),
        }
    }

    fn stage(&self) -> BudgetStage {
        if self.a % 2 == 0 { BudgetStage::Warned } else { BudgetStage::Reached }
    }

    fn budget(&self) -> Budget {
        let of = [BudgetOf::Run, BudgetOf::Task, BudgetOf::Day][usize::from(self.b % 3)];
        Budget { of, spent: Money::microusd(self.a.into()), limit: Money::microusd(self.b.into()) }
    }

    fn role(&self) -> Role {
        Role::ALL[usize::from(self.b) % Role::ALL.len()]
    }

    fn finished(&self, task: TaskId, state: &TaskState, now: Timestamp) -> FinishedRun {
        FinishedRun {
            run: self.run(task, state),
            outcome: self.outcome(task, now),
            document: (self.b % 5 != 0).then(|| self.text()),
            head: (self.b % 3 != 0).then(|| self.commit()),
            check: (self.b % 7 != 0).then(|| (Some(i32::from(self.a % 2)), self.text())),
            usage: Usage { input_tokens: self.a.into(), output_tokens: u64::MAX / 3, cost_microusd: 7 },
        }
    }

    /// Makes the command that this pick stands for, given the state of the task.
    pub fn command(&self, task: TaskId, state: &TaskState, now: Timestamp) -> TaskCommand {
        use TaskCommand as C;
        let op = OpId::new(task, self.number(state.ops.len()));
        let decision = DecisionId::new(task, self.number(state.decisions.len()));
        let (run, agent) = (self.run(task, state), self.agent());
        match self.kind {
            0 => C::Create(Box::new(self.new_task(task))),
            1 => C::Edit { title: self.some_text(), priority: Some(self.b.into()) },
            2 => C::Pause { reason: self.some_text() },
            3 => C::Resume,
            4 if self.b % 4 == 0 => C::Complete { note: self.some_text() },
            5 if self.b % 4 == 0 => C::Cancel { reason: self.some_text() },
            4..=6 => C::Reopen,
            7 => C::GoBack { phase: self.phase(), reason: self.text() },
            8 => C::Retry,
            9 => C::PostMessage { text: self.text() },
            10 => C::InterruptRun { run, reason: self.some_text() },
            11..=13 => C::Answer { decision, seen: self.seen(state, decision), verdict: self.verdict() },
            14 | 15 => C::RequestTransition,
            16 => C::EnterPhase,
            17 => C::RequestWorkspace { agent },
            18 => {
                let (path, branch) = (self.text(), "ipa/t-12".parse().unwrap());
                C::RecordWorkspace { agent, path, branch, base: self.commit() }
            }
            19 => C::RecordWorkspaceFailed { agent, detail: self.text(), needs_person: self.needs() },
            _ => self.more(task, state, now, op),
        }
    }

    fn more(&self, task: TaskId, state: &TaskState, now: Timestamp, op: OpId) -> TaskCommand {
        use TaskCommand as C;
        let (run, agent, key) = (self.run(task, state), self.agent(), self.text());
        match self.kind {
            20 => C::RecordCheckpoint {
                agent,
                checkpoint: self.b.into(),
                commit: self.commit(),
                reason: self.text(),
            },
            21 => C::RecordTrashed { agent },
            22 => C::RecordSourceChanged { run, detail: self.text() },
            23..=25 => C::RequestRun(Box::new(RunRequest {
                role: state.phase.role().filter(|_| self.b % 4 != 0).unwrap_or(self.role()),
                agent,
                runtime: "scripted".parse().unwrap(),
                session: (self.a % 2 == 0).then(|| "s-1".parse().unwrap()),
                resumes: (self.a % 3 == 0).then_some(run),
                check: (self.b % 2 == 0).then(|| "./test".into()),
            })),
            26 => C::RecordStarted { run, process: process(), session: None, sandbox: self.text() },
            27 => C::RecordAdopted { run },
            28 => C::AskPermission { run, key, tool: "bash".into(), input: self.text() },
            29 => C::AskQuestion { run, key, ask: Ask { text: self.text(), choices: Vec::new() } },
            30 if self.b % 2 == 0 => C::Withdraw { run, key, why: self.text() },
            30 => C::RecordDelivered { run, messages: vec![u32::from(self.a % 5), u32::from(self.b % 5)] },
            31 | 32 => C::FinishRun(Box::new(self.finished(task, state, now))),
            33 => C::QueueChanges { resource: self.resource(), changes: vec![self.change(), self.change()] },
            34 => C::StartAttempt { op },
            35 => C::NoteBudget { run, stage: self.stage(), budget: self.budget() },
            36 => C::RecordNews { resource: self.resource(), news: vec![self.news(), self.news()] },
            37 => sent(op, "octo/repo#4"),
            _ => match self.b % 6 {
                0 => C::WithdrawOp { op },
                1 => C::RecordSendFailed { op, detail: self.text(), next: self.after_failure(now) },
                2 => C::RecordDoubt { op, doubt: self.doubt(now), detail: self.text() },
                3 => C::RetryOp { op },
                4 if self.a % 2 == 0 => C::DropOp { op },
                4 if self.a % 3 == 0 => C::BlowFuse { resource: self.resource(), detail: self.text() },
                4 => C::RecordLink { resource: self.resource(), link: self.link() },
                _ => C::Escalate { reason: EscalationReason::PodParked, detail: self.text() },
            },
        }
    }

    fn resource(&self) -> Resource {
        let all = ["git/branch/ipa/t-12", "work/pull/ipa/t-12", "jira/ticket/K-1"];
        resource(all[usize::from(self.b % 3)])
    }

    fn change(&self) -> (Change, PublishPolicy) {
        let policy = PublishPolicy::ALL[usize::from(self.a) % PublishPolicy::ALL.len()];
        let change = match self.b % 6 {
            0 => push(),
            1 => Change::WriteStatus { text: self.text() },
            2 => Change::Comment { text: self.text() },
            3 => Change::SetDraft { draft: self.a % 2 == 0 },
            4 => Change::MoveTicket { to: Category::Active },
            _ => Change::Merge { commit: self.commit(), method: MergeMethod::Squash },
        };
        (change, policy)
    }

    fn news(&self) -> News {
        let (title, head) = (self.text(), self.commit());
        match self.a % 8 {
            0 => News::PullFound { title, head, draft: self.b % 2 == 0, section: None },
            1 => News::PullPushed { head },
            2 => News::PullClosed { by: None },
            3 => News::PullOpen {},
            4 if self.b % 4 == 0 => News::PullMerged { commit: Some(head), by: Some(title) },
            5 => News::TicketFound { title: title.clone(), status: title, category: Category::New },
            6 => News::Gone {},
            _ => News::Remarked { thread: None, id: "c1".parse().unwrap(), remark: self.remark() },
        }
    }

    fn link(&self) -> Link {
        Link { remote: "octo/repo#4".parse().unwrap(), url: self.some_text() }
    }

    fn remark(&self) -> Remark {
        let at = Timestamp::UNIX_EPOCH;
        Remark { by: "ann".into(), trusted: self.b % 2 == 0, at, text: self.text() }
    }

    fn doubt(&self, now: Timestamp) -> Doubt {
        [Doubt::Unanswered, Doubt::NotThere, Doubt::Unknown, Doubt::Later(now)][usize::from(self.a % 4)]
    }

    fn after_failure(&self, now: Timestamp) -> AfterFailure {
        match self.a % 5 {
            0 => AfterFailure::Ask,
            1 => AfterFailure::Leave,
            2 => AfterFailure::HoldUntil(now),
            _ => AfterFailure::Again,
        }
    }

    /// Makes the task of a history, never refused.
    pub fn new_task(&self, task: TaskId) -> ipa_events::task::NewTask {
        let mut new = new_task(task);
        let phases = [Phase::SpecClarification, Phase::Planning, Phase::Development];
        new.start_at = phases[usize::from(self.a % 3)];
        if self.b % 2 == 0 {
            new.gates = Gates::auto();
        }
        new
    }
}
