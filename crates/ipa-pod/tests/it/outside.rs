//! The whole way outside and back, with the local connector: a real repository, a real folder, real agents.

mod kills;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipa_events::store::Store;
use ipa_events::task::{
    Asked, Category, Change, ChangeKind, Decision, EscalationReason, GatePolicy, Gates, OpState, Pull,
    PullState, Verdict,
};
use ipa_events::{ConnectorId, OpId, Phase, Principal, Role, TaskCommand, TaskId};
use ipa_pod::{Drain, Engine, EngineBuilder, Outlet, Scope, TaskView};
use ipa_sync::{LocalConfig, LocalConnector, Settings};
use ipa_workspace::SandboxBackend;

use crate::world::{World, git, send, until};

/// Writes 41 first; when the review asks, 42.
const AGENT: &str = "echo words > \"$IPA_OUTPUT\"; if grep -q 'why not 42'; then echo 42 > answer.txt; else echo 7 > answer.txt; fi";

fn id() -> ConnectorId {
    "local".parse().unwrap()
}

struct Outside {
    world: World,
    folder: PathBuf,
}

impl Outside {
    fn new() -> Self {
        let world = World::new();
        let folder = world.dir.path().join("tracker");
        std::fs::create_dir_all(folder.join("inbox")).unwrap();
        std::fs::create_dir_all(folder.join("tickets")).unwrap();
        // The forge's own repository: nobody works in it.
        let (repo, bare) = (world.repo(), world.dir.path().join("forge.git"));
        git(&repo, &["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
        Self { world, folder }
    }

    fn forge(&self) -> PathBuf {
        self.world.dir.path().join("forge.git")
    }

    async fn engine(&self) -> Engine {
        let store = self.world.store().await;
        let engine = self.builder(store, Settings::new(id())).build();
        engine.start(Scope::All).await.unwrap();
        engine
    }

    /// Begins an engine over a store, with a connector that may do this.
    fn builder(&self, store: Store, settings: Settings) -> EngineBuilder {
        let repo: ipa_events::RepoSource = self.forge().to_str().unwrap().parse().unwrap();
        let (folder, base, label) = (self.folder.clone(), "main".parse().unwrap(), "ipa".to_owned());
        let connector =
            LocalConnector::new(LocalConfig { id: id(), folder, repo: repo.clone(), base, label });
        let outlet = Outlet {
            poll: Duration::from_millis(100),
            repo: Some(repo),
            ..Outlet::new(Arc::new(connector), settings)
        };
        let agent = self.world.agent(AGENT).parse().unwrap();
        let builder = self.world.builder_over(store, SandboxBackend::None, |config| {
            config.defaults.agent = Some(agent);
            let (development, review) = (GatePolicy::Ask, GatePolicy::Ask);
            config.defaults.gates = Gates { development, review, ..Gates::auto() };
        });
        builder.outlet(outlet)
    }

    /// Drops something into the inbox, as a person would.
    fn drop(&self, name: &str, keys: &str, text: &str) {
        let path = self.folder.join("inbox").join(format!("{name}.md"));
        std::fs::write(path, format!("+++\n{keys}\n+++\n{text}\n")).unwrap();
    }

    /// Reads every file of the folder.
    fn written(&self) -> Vec<(PathBuf, String)> {
        let (mut folders, mut files) = (vec![self.folder.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.retain(|path| !path.starts_with(self.folder.join("inbox")));
        files.sort();
        files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
    }

    fn ticket(&self, key: &str) {
        let text = "+++\ntitle = \"The answer is wrong\"\nlabels = [\"ipa\"]\nauthor = \"ann\"\n+++\nMake the test pass.\n";
        std::fs::write(self.folder.join("tickets").join(format!("{key}.md")), text).unwrap();
    }

    async fn task(&self, engine: &Engine) -> TaskId {
        let mut head = engine.head();
        let found = tokio::time::timeout(Duration::from_mins(1), async {
            loop {
                if let Some(row) = engine.tasks().await.unwrap().first() {
                    return row.summary.id;
                }
                let _news = tokio::time::timeout(Duration::from_millis(200), head.changed()).await;
            }
        });
        found.await.unwrap()
    }
}

/// Returns the open card that holds a change of a kind.
fn card(view: &TaskView, kind: ChangeKind) -> Option<&Decision> {
    view.state.open_decisions().find(|open| match &open.asked {
        Asked::Publish { ops, .. } => {
            ops.iter().filter_map(|op| view.state.op(*op)).any(|op| op.change.kind() == kind)
        }
        Asked::Gate { .. } | Asked::Permission { .. } | Asked::Question { .. } | Asked::Escalation { .. } => {
            false
        }
    })
}

/// Waits for the card that holds a change of a kind, and agrees.
async fn agree(engine: &Engine, task: TaskId, kind: ChangeKind) {
    let view = until(engine, task, |view| card(view, kind).is_some()).await;
    let card = card(&view, kind).unwrap();
    let (decision, seen) = (card.id, Some(card.payload_hash.clone()));
    let verdict = Verdict::Approve { note: None };
    send(engine, task, TaskCommand::Answer { decision, seen, verdict }).await;
}

/// Opens the gate of the phase.
async fn open_gate(engine: &Engine, task: TaskId) {
    let view = engine.task(task).await.unwrap();
    let gate = view.state.open_decisions().find(|open| matches!(open.asked, Asked::Gate { .. })).unwrap();
    let verdict = Verdict::Approve { note: None };
    send(engine, task, TaskCommand::Answer { decision: gate.id, seen: None, verdict }).await;
}

/// Waits for the draft, and lets its work go to review.
async fn drafted(engine: &Engine, task: TaskId) {
    agree(engine, task, ChangeKind::OpenPull).await;
    let drafted = |view: &TaskView| view.state.outside.pulls.values().any(|pull| pull.draft);
    until(engine, task, drafted).await;
    open_gate(engine, task).await;
    agree(engine, task, ChangeKind::MarkReady).await;
}

fn sent(view: &TaskView, kind: ChangeKind) -> usize {
    view.state.ops.iter().filter(|op| op.is_sent() && op.change.kind() == kind).count()
}

#[tokio::test]
async fn a_ticket_becomes_a_task_a_draft_a_review_that_is_answered_and_a_merge_and_is_done() {
    let outside = Outside::new();
    outside.ticket("K-1");
    let engine = outside.engine().await;
    let task = outside.task(&engine).await;

    // The first of its kind waits for a person; then there is a draft, of exactly what is there.
    drafted(&engine, task).await;
    let view = until(&engine, task, |view| {
        let pull = view.state.outside.pulls.values().next();
        pull.is_some_and(|pull| !pull.draft) && view.state.phase == Phase::Review
    })
    .await;
    assert_eq!(view.state.title.as_ref(), "The answer is wrong");
    let branch = view.state.branch().unwrap().to_string();
    assert_eq!(git(&outside.forge(), &["show", &format!("{branch}:answer.txt")]), "7");
    assert_eq!(view.state.outside.tickets.values().next().unwrap().category, Category::Active);

    // A comment in the code starts a run that is told of it, and its answer goes into the thread.
    let comment = "pull = 1\nkind = \"comment\"\nauthor = \"bob\"\npath = \"answer.txt\"\nline = 1";
    outside.drop("b-1", comment, "7? why not 42");
    agree(&engine, task, ChangeKind::Reply).await;
    let view = until(&engine, task, |view| sent(view, ChangeKind::Reply) == 1).await;
    assert_eq!(view.state.runs.iter().filter(|run| run.role == Role::Review).count(), 1);
    assert_eq!(git(&outside.forge(), &["show", &format!("{branch}:answer.txt")]), "42");

    // Green and approved by somebody else: a person opens the gate, which is asked for once, and it is all.
    outside.drop(
        "b-2",
        "pull = 1\nkind = \"check\"\nauthor = \"ci\"\nname = \"build\"\nstate = \"passed\"",
        "",
    );
    outside.drop("b-3", "pull = 1\nkind = \"approve\"\nauthor = \"bob\"", "Good.");
    let approved = |view: &TaskView| {
        let opinion = |pull: &Pull| pull.opinion_of(view.state.head.as_ref().unwrap());
        view.state.outside.pulls.values().any(|pull| opinion(pull).is_approval())
    };
    let view = until(&engine, task, approved).await;
    assert_eq!(view.state.open_decisions().count(), 1, "{:?}", view.state.decisions);
    open_gate(&engine, task).await;
    let view = until(&engine, task, |view| view.state.phase == Phase::Completed).await;
    let pull = view.state.outside.pulls.values().next().unwrap();
    assert!(matches!(pull.state, PullState::Merged { .. }), "{pull:?}");
    assert_eq!(git(&outside.forge(), &["show", "main:answer.txt"]), "42");

    agree(&engine, task, ChangeKind::FinishTicket).await;
    let done = |view: &TaskView| {
        sent(view, ChangeKind::FinishTicket) == 1 && sent(view, ChangeKind::DeleteBranch) == 1
    };
    let view = until(&engine, task, done).await;
    let ticket = std::fs::read_to_string(outside.folder.join("tickets/K-1.md")).unwrap();
    assert!(ticket.contains("done"), "{ticket}");
    assert_eq!(git(&outside.forge(), &["branch", "--list", "ipa/*"]), "");
    // Each intent was one change, and none is left over.
    let opened: Vec<&Change> =
        view.state.ops.iter().map(|op| &op.change).filter(|it| it.kind() == ChangeKind::OpenPull).collect();
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert!(!view.state.ops.iter().any(|op| matches!(op.state, OpState::Dead { .. })));
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_pull_request_that_a_person_merges_completes_its_task_whatever_it_waits_for() {
    let outside = Outside::new();
    outside.ticket("K-2");
    let engine = outside.engine().await;
    let task = outside.task(&engine).await;
    drafted(&engine, task).await;
    until(&engine, task, |view| sent(view, ChangeKind::MarkReady) == 1).await;
    outside.drop("b-1", "pull = 1\nkind = \"merge\"\nauthor = \"bob\"", "");
    let view = until(&engine, task, |view| view.state.phase == Phase::Completed).await;
    assert_eq!(sent(&view, ChangeKind::Merge), 0, "it was merged by a person");
    assert_eq!(git(&outside.forge(), &["show", "main:answer.txt"]), "7");
    engine.stop(Drain::Stop).await;
}

/// Lists the connectors' only one, as it is said to be.
async fn closed(engine: &Engine) -> Option<String> {
    engine.connectors().await.unwrap().remove(&id()).unwrap().closed.map(|closed| closed.to_string())
}

#[tokio::test]
async fn a_paused_connector_reads_and_writes_nothing_over_a_restart_and_its_queue_drains_in_order() {
    let outside = Outside::new();
    outside.ticket("K-3");
    let engine = outside.engine().await;
    let task = outside.task(&engine).await;
    agree(&engine, task, ChangeKind::OpenPull).await;
    let drafted = |view: &TaskView| view.state.outside.pulls.values().any(|pull| pull.draft);
    until(&engine, task, drafted).await;

    let ann = Principal::User("ann".to_owned());
    engine.pause_connector(&id(), ann, "a freeze".to_owned()).await.unwrap();
    // What was under way has its end by then.
    let error = engine.sync_now(task).await.unwrap_err();
    assert!(error.to_string().contains("local was paused by user:ann"), "{error}");
    let before = outside.written();
    // Everything that is said and decided goes on; nothing of it goes out, and nothing comes in.
    open_gate(&engine, task).await;
    agree(&engine, task, ChangeKind::MarkReady).await;
    outside.drop("b-1", "pull = 1\nkind = \"comment\"\nauthor = \"bob\"", "Nice.");
    engine.stop(Drain::Stop).await;

    let engine = outside.engine().await;
    assert!(closed(&engine).await.unwrap().ends_with(": a freeze"), "{:?}", closed(&engine).await);
    assert!(engine.sync_now(task).await.is_err());
    let queued = |view: &TaskView| -> Vec<OpId> {
        view.state.ops.iter().filter(|op| op.is_under_way()).map(|op| op.id).collect()
    };
    let waiting = queued(&until(&engine, task, |view| queued(view).len() > 1).await);
    assert_eq!(outside.written(), before, "nothing was written, and the comment was not taken");

    engine.resume_connector(&id()).await.unwrap();
    let done = |view: &TaskView| {
        let remarks = view.state.outside.pulls.values().next().map(|pull| pull.remarks.len());
        queued(view).is_empty() && remarks == Some(1)
    };
    let view = until(&engine, task, done).await;
    let ready = view.state.ops.iter().find(|op| op.change.kind() == ChangeKind::MarkReady).unwrap();
    assert!(ready.is_sent() && waiting.contains(&ready.id), "{ready:?}");
    // Of one thing in the order in which it was queued; what was not wanted any more did not go out at all.
    let sent = view.state.ops.iter().filter(|op| op.resource == ready.resource);
    let times: Vec<_> = sent
        .filter_map(|op| if let OpState::Sent { at, .. } = &op.state { Some(*at) } else { None })
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(closed(&engine).await, None);
    engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn who_edits_our_section_again_and_again_is_written_over_three_times_and_then_a_person_is_asked() {
    let outside = Outside::new();
    outside.ticket("K-4");
    let engine = outside.engine().await;
    let task = outside.task(&engine).await;
    drafted(&engine, task).await;
    until(&engine, task, |view| sent(view, ChangeKind::MarkReady) == 1).await;
    let body = outside.folder.join("pulls/1/body.md");
    let ours = std::fs::read_to_string(&body).unwrap();
    let theirs = ours.replace("words", "What it is really about.");
    assert_ne!(ours, theirs);
    for rewritten in 1..=3 {
        std::fs::write(&body, &theirs).unwrap();
        until(&engine, task, |view| sent(view, ChangeKind::WriteSection) == rewritten).await;
        assert_eq!(std::fs::read_to_string(&body).unwrap(), ours);
    }

    std::fs::write(&body, &theirs).unwrap();
    let asked = |view: &TaskView| {
        let storm =
            |asked: &Asked| matches!(asked, Asked::Escalation { reason: EscalationReason::WriteStorm, .. });
        view.state.open_decisions().find(|open| storm(&open.asked)).map(|open| open.id)
    };
    let view = until(&engine, task, |view| asked(view).is_some()).await;
    // What is ready stays there, and is not sent, whoever asks for it.
    engine.sync_now(task).await.unwrap();
    assert_eq!(std::fs::read_to_string(&body).unwrap(), theirs);
    assert_eq!(sent(&engine.task(task).await.unwrap(), ChangeKind::WriteSection), 3);

    let (decision, verdict) = (asked(&view).unwrap(), Verdict::Approve { note: None });
    send(&engine, task, TaskCommand::Answer { decision, seen: None, verdict }).await;
    until(&engine, task, |view| sent(view, ChangeKind::WriteSection) == 4).await;
    assert_eq!(std::fs::read_to_string(&body).unwrap(), ours);
    engine.stop(Drain::Stop).await;
}
