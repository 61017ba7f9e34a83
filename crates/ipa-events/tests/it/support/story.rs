//! A task that lives in memory alone: commands go through `decide` and `apply`, and nothing else.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use ipa_events::task::{
    Change, FinishedRun, NewTask, ProcessIdentity, PublishPolicy, Push, RunRequest, SyncSent, TaskLimits,
    apply, decide,
};
use ipa_events::task::{Gates, Usage, Verdict};
use ipa_events::{
    AgentId, CommandId, Ctx, DecisionId, Handle, Oid, OpId, Outcome, Phase, Principal, Resource, Role, RunId,
    Stamped, TaskCommand, TaskError, TaskEvent, TaskId, TaskState, Via,
};
use jiff::{SignedDuration, Timestamp};

use super::{at, task};

pub fn ann() -> Principal {
    Principal::User("ann".to_owned())
}

pub fn oid(digit: char) -> Oid {
    digit.to_string().repeat(40).parse().unwrap()
}

pub fn new_task(task: TaskId) -> NewTask {
    NewTask {
        task,
        handle: Handle::new(12),
        request: "Fix the retry\nIt must not try for ever.".into(),
        title: None,
        repo: "/home/ann/code/repo".parse().unwrap(),
        base: Some("main".parse().unwrap()),
        agent: "scripted".parse().unwrap(),
        roles: BTreeMap::new(),
        gates: Gates::default(),
        checks: vec!["./test".into()],
        start_at: Phase::SpecClarification,
        priority: 0,
        depends_on: Vec::new(),
        ticket: None,
        limits: TaskLimits { attempts: NonZeroU32::new(3).unwrap(), ..TaskLimits::default() },
    }
}

/// A task and all that happened to it.
pub struct Story {
    pub id: TaskId,
    pub state: TaskState,
    pub events: Vec<Stamped<TaskEvent>>,
    pub now: Timestamp,
    commands: u32,
}

impl Story {
    /// Begins with nothing.
    pub fn unwritten() -> Self {
        let state = TaskState::default();
        Self { id: task("story"), state, events: Vec::new(), now: at(), commands: 0 }
    }

    /// Begins with a task as `new_task` makes it, changed a little.
    pub fn begun(change: impl FnOnce(&mut NewTask)) -> Self {
        let mut story = Self::unwritten();
        let mut new = new_task(story.id);
        change(&mut new);
        story.ann(TaskCommand::Create(Box::new(new))).unwrap();
        story
    }

    /// Begins in development, with a workspace.
    pub fn in_development(change: impl FnOnce(&mut NewTask)) -> Self {
        let mut story = Self::begun(|new| {
            new.start_at = Phase::Development;
            change(new);
        });
        story.workspace();
        story
    }

    pub fn workspace(&mut self) {
        let agent = AgentId::main();
        self.pod(TaskCommand::RequestWorkspace { agent: agent.clone() }).unwrap();
        let (branch, base) = ("ipa/t-12-fix".parse().unwrap(), oid('0'));
        self.pod(TaskCommand::RecordWorkspace { agent, path: "/data/w".into(), branch, base }).unwrap();
    }

    /// Asks as somebody; returns the names of what happened.
    pub fn ask(&mut self, who: Principal, command: TaskCommand) -> Result<Vec<String>, TaskError> {
        self.commands += 1;
        let id = CommandId::from_key(&format!("command {}", self.commands));
        let via = if matches!(who, Principal::User(_)) { Via::Cli } else { Via::Engine };
        let ctx = Ctx::new(id, self.now, who, via);
        let events = Stamped::stamp(&ctx, decide(&self.state, &ctx, &command)?);
        for event in &events {
            apply(&mut self.state, event).unwrap();
        }
        let kinds = events.iter().map(|event| event.event.kind()).collect();
        self.events.extend(events);
        Ok(kinds)
    }

    pub fn ann(&mut self, command: TaskCommand) -> Result<Vec<String>, TaskError> {
        self.ask(ann(), command)
    }

    pub fn pod(&mut self, command: TaskCommand) -> Result<Vec<String>, TaskError> {
        self.ask(Principal::Scheduler, command)
    }

    pub fn answer(&mut self, decision: u32, verdict: Verdict) -> Result<Vec<String>, TaskError> {
        self.ann(TaskCommand::Answer { decision: self.decision(decision), seen: None, verdict })
    }

    pub fn run_of(&mut self, role: Role) -> RunId {
        let check = (role == Role::Check).then(|| "./test".into());
        let agent = if role == Role::Check { AgentId::check() } else { AgentId::main() };
        let runtime = "scripted".parse().unwrap();
        let request = RunRequest { role, agent, runtime, session: None, resumes: None, check };
        self.pod(TaskCommand::RequestRun(Box::new(request))).unwrap();
        self.state.open_run().unwrap().id
    }

    /// Runs a role to its end.
    pub fn finish(&mut self, role: Role, change: impl FnOnce(&mut FinishedRun)) -> Vec<String> {
        let run = self.run_of(role);
        self.pod(TaskCommand::RecordStarted {
            run,
            process: process(),
            session: Some("0193b2f4".parse().unwrap()),
            sandbox: "none".into(),
        })
        .unwrap();
        self.end(run, change)
    }

    /// Ends an open run: completed, and without a product unless one is put in.
    pub fn end(&mut self, run: RunId, change: impl FnOnce(&mut FinishedRun)) -> Vec<String> {
        let mut finished = FinishedRun {
            run,
            outcome: Outcome::Completed,
            document: None,
            head: None,
            check: None,
            usage: Usage { input_tokens: 10, output_tokens: 5, cost_microusd: 1_000 },
        };
        change(&mut finished);
        self.pod(TaskCommand::FinishRun(Box::new(finished))).unwrap()
    }

    pub fn later(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub fn decision(&self, number: u32) -> DecisionId {
        DecisionId::new(self.id, number)
    }

    pub fn op(&self, number: u32) -> OpId {
        OpId::new(self.id, number)
    }
}

pub fn process() -> ProcessIdentity {
    ProcessIdentity { pid: 42, start_time: 7, boot_id: "boot".into() }
}

pub fn push() -> Change {
    Change::PushBranch(Push {
        repo: "/home/ann/code/repo".parse().unwrap(),
        branch: "ipa/t-12-fix".parse().unwrap(),
        commit: oid('1'),
        expected: None,
    })
}

pub fn resource(text: &str) -> Resource {
    text.parse().unwrap()
}

/// Wants a change to the pull request of the story's branch.
pub fn queue(change: Change, policy: PublishPolicy) -> TaskCommand {
    TaskCommand::QueueChanges {
        resource: resource("work/pull/ipa/t-12-fix"),
        changes: vec![(change, policy)],
    }
}

/// Wants the work to be published.
pub fn deliver() -> TaskCommand {
    let changes = vec![(push(), PublishPolicy::Auto)];
    TaskCommand::QueueChanges { resource: resource("git/branch/ipa/t-12-fix"), changes }
}

pub fn sent(op: OpId, remote: &str) -> TaskCommand {
    let remote = Some(remote.parse().unwrap());
    TaskCommand::RecordSent(Box::new(SyncSent { op, remote, url: None, request_id: None }))
}

pub fn approve() -> Verdict {
    Verdict::Approve { note: None }
}

pub fn reject(reason: &str) -> Verdict {
    Verdict::Reject { reason: reason.into() }
}
