//! One event of each type, every field filled.

use ipa_events::task::{
    Budget, BudgetNoted, BudgetOf, Category, CheckFinished, Ci, CiState, Created, Doubt, EscalationReason,
    Evidence, FailedCheck, GatePolicy, Gates, Link, News, Place, PublishPolicy, Remark, Review,
    ReviewVerdict, Revision, RunRequested, RunStarted, Seen, SyncQueued, SyncSent, TaskLimits,
    TransitionRequested, Usage, Why,
};
use ipa_events::{
    AgentId, BranchName, DecisionId, FailureClass, Money, OpId, Outcome, PayloadHash, Phase, Principal,
    Retry, Role, RunId, TaskEvent, TaskId,
};

use super::story::{oid, process, push, resource};
use super::{at, task};

pub fn every_event() -> Vec<TaskEvent> {
    let id = task("story");
    [
        task_events(id),
        gate_events(id),
        workspace_events(id),
        run_events(id),
        decision_events(id),
        sync_events(id),
    ]
    .concat()
}

fn branch() -> BranchName {
    "ipa/t-12-fix".parse().unwrap()
}

fn place(id: TaskId) -> Place {
    Place::new(id, AgentId::main())
}

fn task_events(id: TaskId) -> Vec<TaskEvent> {
    let revision = Revision { version: 2, text: "# Spec\n".into(), run: Some(RunId::new(id, 1)) };
    vec![
        TaskEvent::Created(Box::new(Created {
            task: id,
            number: 12,
            title: "Fix the retry".into(),
            request: "Fix the retry\nIt must not try for ever.".into(),
            repo: "https://example.org/o/r.git".parse().unwrap(),
            base: Some("main".parse().unwrap()),
            agent: "command:./fix --fast".parse().unwrap(),
            roles: [(Role::Plan, "claude".parse().unwrap())].into(),
            gates: Gates::default(),
            checks: vec!["./test".into()],
            start_at: Phase::SpecClarification,
            priority: -1,
            depends_on: vec![task("other")],
            ticket: Some(resource("jira/ticket/K-1")),
            limits: TaskLimits::default(),
        })),
        TaskEvent::Edited { title: Some("Mend the retry".into()), priority: Some(7) },
        TaskEvent::Paused { reason: Some("lunch".into()) },
        TaskEvent::Resumed {},
        TaskEvent::Completed { note: Some("good".into()) },
        TaskEvent::Cancelled { reason: None },
        TaskEvent::Reopened { phase: Phase::Review },
        TaskEvent::SpecRevised(revision.clone()),
        TaskEvent::PlanRevised(Revision { run: None, ..revision }),
        TaskEvent::MessagePosted { message: 1, text: "look at main.rs".into() },
        TaskEvent::MessageDelivered { messages: vec![1, 2], run: RunId::new(id, 2) },
    ]
}

fn gate_events(id: TaskId) -> Vec<TaskEvent> {
    let decision = DecisionId::new(id, 1);
    let seen = Seen { document: Some(2), head: Some(oid('a')), checks: Evidence::Passed };
    vec![
        TaskEvent::TransitionRequested(TransitionRequested {
            decision,
            from: Phase::Review,
            to: Phase::Completed,
            seen: seen.clone(),
            payload_hash: PayloadHash::of(b"what was shown"),
            policy: GatePolicy::Ask,
        }),
        TaskEvent::TransitionApproved { decision, to: Phase::Completed, seen, note: Some("ship it".into()) },
        TaskEvent::TransitionRejected { decision, reason: "no tests".into() },
        TaskEvent::PhaseEntered { phase: Phase::Planning, why: Why::Approved(decision) },
        TaskEvent::PhaseEntered { phase: Phase::Planning, why: Why::Back("the plan is wrong".into()) },
    ]
}

fn workspace_events(id: TaskId) -> Vec<TaskEvent> {
    let run = RunId::new(id, 1);
    vec![
        TaskEvent::WorkspaceRequested { place: place(id) },
        TaskEvent::WorkspaceReady {
            place: place(id),
            path: "/data/w".into(),
            branch: branch(),
            base: oid('0'),
        },
        TaskEvent::WorkspaceFailed { place: place(id), detail: "no space left".into() },
        TaskEvent::WorkspaceHarvested { place: place(id), run, head: oid('a') },
        TaskEvent::WorkspaceCheckpointed {
            place: place(id),
            checkpoint: 3,
            commit: oid('b'),
            reason: "before a reset".into(),
        },
        TaskEvent::WorkspaceTrashed { place: place(id) },
        TaskEvent::SourceChanged { run, detail: "HEAD moved".into() },
    ]
}

fn run_events(id: TaskId) -> Vec<TaskEvent> {
    let run = RunId::new(id, 1);
    let usage = Usage { input_tokens: 10, output_tokens: 5, cost_microusd: 1_000 };
    let failed = Outcome::Failed {
        class: FailureClass::TotalTimeout,
        detail: "it took too long".to_owned(),
        retry: Retry::At(at()),
    };
    let interrupted = Outcome::Interrupted { by: Principal::User("ann".to_owned()) };
    vec![
        TaskEvent::RunRequested(Box::new(RunRequested {
            run,
            place: place(id),
            role: Role::Check,
            phase: Phase::Development,
            attempt: 2,
            runtime: "claude".parse().unwrap(),
            session: Some("0193b2f4".parse().unwrap()),
            resumes: None,
            head: oid('0'),
            messages: vec![1],
            check: Some("./test".into()),
        })),
        TaskEvent::RunHandedOver { run, from: run, why: FailureClass::SessionLost },
        TaskEvent::RunStarted(RunStarted {
            run,
            place: place(id),
            process: process(),
            session: Some("0193b2f4".parse().unwrap()),
            sandbox: "landlock: writes only in the workspace".into(),
        }),
        TaskEvent::RunAdopted { run, place: place(id) },
        TaskEvent::RunInterrupted { run, place: place(id), reason: Some("wrong branch".into()) },
        TaskEvent::RunFinished { run, place: place(id), outcome: Outcome::Completed, usage },
        TaskEvent::RunFinished { run, place: place(id), outcome: failed, usage },
        TaskEvent::RunFinished { run, place: place(id), outcome: interrupted, usage: Usage::default() },
        TaskEvent::CheckFinished(CheckFinished {
            run,
            place: place(id),
            command: "./test".into(),
            commit: oid('a'),
            exit_code: Some(101),
            passed: false,
            tail: "1 failed".into(),
        }),
        TaskEvent::BudgetWarned(BudgetNoted { run, budget: budget(BudgetOf::Task) }),
        TaskEvent::BudgetReached(BudgetNoted { run, budget: budget(BudgetOf::Day) }),
        TaskEvent::RetryScheduled { attempt: 2, at: at(), class: Some(FailureClass::Crashed) },
    ]
}

fn budget(of: BudgetOf) -> Budget {
    Budget { of, spent: Money::microusd(1_600_000), limit: Money::microusd(2_000_000) }
}

fn decision_events(id: TaskId) -> Vec<TaskEvent> {
    let (run, decision) = (RunId::new(id, 1), DecisionId::new(id, 4));
    let key = "toolu_1";
    vec![
        TaskEvent::PermissionRequested {
            decision,
            run,
            key: key.into(),
            tool: "bash".into(),
            input: r#"{"command":"ls"}"#.into(),
        },
        TaskEvent::PermissionAnswered {
            decision,
            allowed: false,
            reason: Some("no shell".into()),
            input: None,
        },
        TaskEvent::PermissionWithdrawn { decision, why: "the run that asked is over".into() },
        TaskEvent::QuestionAsked {
            decision,
            run,
            key: key.into(),
            text: "which one?".into(),
            choices: vec!["a".into(), "b".into()],
        },
        TaskEvent::QuestionAnswered { decision, text: "a".into() },
        TaskEvent::QuestionWithdrawn { decision, why: "the run that asked is over".into() },
        TaskEvent::EscalationOpened {
            decision,
            reason: EscalationReason::AttemptsUsedUp,
            detail: "it died".into(),
        },
        TaskEvent::EscalationAnswered { decision, again: true, text: Some("try again".into()) },
    ]
}

fn sync_events(id: TaskId) -> Vec<TaskEvent> {
    let op = OpId::new(id, 1);
    vec![
        TaskEvent::SyncQueued(Box::new(SyncQueued {
            op,
            resource: resource("git/branch/ipa/t-12-fix"),
            payload_hash: push().hash(),
            change: push(),
            policy: PublishPolicy::Auto,
        })),
        TaskEvent::SyncApprovalRequested {
            decision: DecisionId::new(id, 2),
            resource: resource("work/pull/ipa/t-12-fix"),
            ops: vec![op],
            payload_hash: PayloadHash::of(b"what is shown"),
        },
        TaskEvent::SyncApprovalWithdrawn { decision: DecisionId::new(id, 2), why: "it changed".into() },
        TaskEvent::SyncApproved {
            decision: DecisionId::new(id, 2),
            payload_hash: PayloadHash::of(b"what is shown"),
            note: Some("good".into()),
        },
        TaskEvent::SyncRejected { decision: DecisionId::new(id, 2), reason: "not yet".into() },
        TaskEvent::SyncSuperseded { op, by: Some(OpId::new(id, 2)) },
        TaskEvent::SyncAttemptStarted { op, attempt: 1 },
        TaskEvent::SyncDoubted { op, doubt: Doubt::Unanswered, detail: "reset".into(), look_at: at() },
        TaskEvent::SyncSent(Box::new(SyncSent {
            op,
            remote: Some("octo/repo#4".parse().unwrap()),
            url: Some("https://example.org/octo/repo/pull/4".into()),
            request_id: Some("0A1B".into()),
        })),
        TaskEvent::SyncFailed { op, attempt: 1, counts: true, detail: "no route".into(), retry_at: at() },
        TaskEvent::SyncDead { op, detail: "refused".into() },
        TaskEvent::SyncRetried { op },
        TaskEvent::SyncDropped { op },
        TaskEvent::SyncFused {
            resource: resource("work/pull/ipa/t-12-fix"),
            decision: DecisionId::new(id, 2),
        },
    ]
    .into_iter()
    .chain(external_events())
    .collect()
}

fn external_events() -> impl Iterator<Item = TaskEvent> {
    let pull = resource("work/pull/ipa/t-12-fix");
    let remark = Remark { by: "ann".into(), trusted: true, at: at(), text: "Why?".into() };
    let remark_of = |thread: Option<&str>| News::Remarked {
        thread: thread.map(|id| id.parse().unwrap()),
        id: "31".parse().unwrap(),
        remark: remark.clone(),
    };
    let ci = Ci {
        commit: oid('1'),
        state: CiState::Failed,
        failing: vec![FailedCheck { name: "build".into(), url: None, summary: "it broke".into() }],
    };
    let review = Review {
        id: "21".parse().unwrap(),
        verdict: ReviewVerdict::ChangesRequested,
        commit: oid('1'),
        remark: remark.clone(),
    };
    let link = Link { remote: "K-1".parse().unwrap(), url: Some("https://example.org/K-1".into()) };
    let linked = TaskEvent::ExternalLinked { resource: resource("jira/ticket/K-1"), link };
    let news = [
        News::PullFound {
            title: "Fix".into(),
            head: oid('1'),
            draft: true,
            section: Some("0a1b2c3d".into()),
        },
        News::Reviewed { review },
        News::ThreadOpened { thread: "t1".parse().unwrap(), path: "src/a.rs".into(), line: Some(3) },
        remark_of(Some("t1")),
        News::CiChanged { ci: Some(ci) },
        News::PullMerged { commit: Some(oid('2')), by: Some("ann".into()) },
        News::PullClosed { by: None },
    ];
    let found = News::TicketFound { title: "Fix".into(), status: "To do".into(), category: Category::New };
    let ticket = TaskEvent::ExternalChanged { resource: resource("jira/ticket/K-1"), news: found };
    let of_pull = move |news| TaskEvent::ExternalChanged { resource: pull.clone(), news };
    [linked, ticket].into_iter().chain(news.into_iter().map(of_pull))
}
