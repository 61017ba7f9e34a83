//! An engine that dies between two entries of its log, again and again: always before it records that a change to the
//! outside was made, and otherwise after one, two or three entries. Its story ends as that of an engine that lives.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, pending};
use ipa_events::store::{
    Append, AppendError, Appended, Log, Position, RawRecord, ReadError, Store, StreamInfo, Version,
};
use ipa_events::task::{Asked, ChangeKind, OpState, PublishPolicy, PullState, TaskState, Verdict};
use ipa_events::{CommandId, Phase, StreamId, TaskCommand};
use ipa_pod::{Engine, Scope, TaskView};
use ipa_sync::{Policies, Settings};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::{Outside, id, sent};
use crate::world::{git, send};

/// A log at which whoever writes to it dies: an append that it did not live to make is never answered.
struct Mortal {
    log: Arc<dyn Log>,
    life: Mutex<Life>,
    dead: watch::Sender<bool>,
}

struct Life {
    /// How many appends it lives to make.
    left: u32,
    /// Whether something was sent in this life.
    sends: bool,
}

impl Mortal {
    fn lives_to(&self, append: &Append) -> bool {
        let mut life = self.life.lock().unwrap();
        let kind = append.records.first().map_or("", |first| &first.kind);
        if kind == "sync.sent" && life.sends {
            life.left = 0;
        }
        life.sends |= kind == "sync.attempt_started";
        let lives = life.left > 0;
        life.left = life.left.saturating_sub(1);
        lives
    }
}

impl Log for Mortal {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        if self.lives_to(&append) {
            return self.log.append(append);
        }
        self.dead.send_replace(true);
        Box::pin(pending())
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.log.read_stream(stream, after, max)
    }

    fn read_all(&self, after: Position, max: usize) -> BoxFuture<'_, Result<Vec<RawRecord>, ReadError>> {
        self.log.read_all(after, max)
    }

    fn outcome(&self, command: CommandId) -> BoxFuture<'_, Result<Option<Appended>, ReadError>> {
        self.log.outcome(command)
    }

    fn streams(&self, after: u64, max: usize) -> BoxFuture<'_, Result<Vec<StreamInfo>, ReadError>> {
        self.log.streams(after, max)
    }

    fn head(&self) -> watch::Receiver<Position> {
        self.log.head()
    }
}

/// A world in which engines die, and a person who acts in between.
struct Graveyard {
    outside: Outside,
    lives: u32,
    /// The kinds of change whose outcome an engine did not live to record.
    unheard: BTreeSet<ChangeKind>,
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn settings() -> Settings {
    let auto = |kind: &ChangeKind| ((*kind, None), PublishPolicy::Auto);
    let policies = Policies { rules: ChangeKind::ALL.iter().map(auto).collect() };
    let (labels, reviewers) = (vec!["made-by-ipa".into()], vec!["bob".into()]);
    Settings { policies, labels, reviewers, ..Settings::new(id()) }
}

async fn seen(engine: &Engine) -> Option<TaskView> {
    let task = engine.tasks().await.unwrap().first()?.summary.id;
    Some(engine.task(task).await.unwrap())
}

impl Graveyard {
    fn new() -> Self {
        let outside = Outside::new();
        outside.ticket("K-1");
        Self { outside, lives: 0, unheard: BTreeSet::new() }
    }

    fn engine(&self, store: Store) -> Engine {
        self.outside.builder(store, settings()).build()
    }

    /// Lets engines live and die until something holds.
    fn until(&mut self, holds: impl Fn(&TaskState) -> bool) -> TaskView {
        loop {
            let view = self.life(&holds);
            if let Some(view) = view.filter(|view| holds(&view.state)) {
                return view;
            }
            assert!(self.lives < 400, "it does not get on");
        }
    }

    /// Lets an engine live until it dies or something holds, and ends it in the middle of everything.
    fn life(&mut self, holds: impl Fn(&TaskState) -> bool) -> Option<TaskView> {
        self.lives += 1;
        let left = 1 + self.lives % 3;
        let runtime = runtime();
        let (engine, view) = runtime.block_on(async {
            let store = self.outside.world.store().await;
            let (dead, mut died) = watch::channel(false);
            let life = Mutex::new(Life { left, sends: false });
            let log = Arc::new(Mortal { log: store.log.clone(), life, dead });
            let engine = self.engine(Store { log, ..store });
            engine.start(Scope::All).await.unwrap();
            let lived = tokio::time::timeout(Duration::from_mins(1), async {
                while !*died.borrow() && !seen(&engine).await.is_some_and(|view| holds(&view.state)) {
                    let _died = tokio::time::timeout(Duration::from_millis(50), died.changed()).await;
                }
            });
            let ended = lived.await;
            let view = seen(&engine).await;
            assert!(ended.is_ok(), "life {} has no end: {:#?}", self.lives, view.map(|view| view.state));
            (engine, view)
        });
        drop(engine);
        runtime.shutdown_timeout(Duration::from_secs(10));
        let under_way = view.iter().flat_map(|view| &view.state.ops);
        let under_way = under_way.filter(|op| matches!(op.state, OpState::InFlight(_)));
        self.unheard.extend(under_way.map(|op| op.change.kind()));
        view
    }

    /// Lets a person do something while nobody lives.
    fn act(&self, view: &TaskView, command: TaskCommand) {
        runtime().block_on(async {
            let engine = self.engine(self.outside.world.store().await);
            send(&engine, view.row.summary.id, command).await;
        });
    }

    /// Leads to a pull request that is to be reviewed.
    fn ready(&mut self) -> TaskView {
        let gate = |state: &TaskState| {
            let is_gate = |asked: &Asked| matches!(asked, Asked::Gate { .. });
            state.open_decisions().find(|open| is_gate(&open.asked)).map(|open| open.id)
        };
        let view = self.until(|state| gate(state).is_some() && is_sent(state, ChangeKind::OpenPull));
        let verdict = Verdict::Approve { note: None };
        let decision = gate(&view.state).unwrap();
        self.act(&view, TaskCommand::Answer { decision, seen: None, verdict });
        self.until(|state| is_sent(state, ChangeKind::RequestReviewers))
    }

    /// Counts our comments in a folder of the tracker.
    fn ours(&self, folder: &str) -> usize {
        let files = self.outside.written();
        let here = self.outside.folder.join(folder);
        files
            .iter()
            .filter(|(path, text)| path.starts_with(&here) && text.contains("author = \"ipa\""))
            .count()
    }
}

fn is_sent(state: &TaskState, kind: ChangeKind) -> bool {
    state.ops.iter().any(|op| op.is_sent() && op.change.kind() == kind)
}

fn all_over(state: &TaskState) -> bool {
    state.ops.iter().all(|op| matches!(op.state, OpState::Sent { .. } | OpState::Superseded { .. }))
}

#[test]
fn an_engine_that_dies_between_any_two_entries_leads_to_one_pull_request_one_merge_and_one_end() {
    use ChangeKind::{
        ClosePull, Comment, DeleteBranch, FinishTicket, LinkPull, MarkDraft, Merge, OpenPull, Rename, Reply,
    };
    let mut yard = Graveyard::new();
    yard.ready();
    let comment = "pull = 1\nkind = \"comment\"\nauthor = \"bob\"\npath = \"answer.txt\"\nline = 1";
    yard.outside.drop("b-1", comment, "7? why not 42");
    let view = yard.until(|state| is_sent(state, Reply));
    yard.act(&view, TaskCommand::Edit { title: Some("The answer".into()), priority: None });
    yard.until(|state| is_sent(state, Rename));
    yard.outside.drop("b-2", "pull = 1\nkind = \"approve\"\nauthor = \"bob\"", "Good.");
    let view = yard.until(|state| {
        let last = [Comment, DeleteBranch, FinishTicket];
        state.phase == Phase::Completed && last.iter().all(|kind| is_sent(state, *kind)) && all_over(state)
    });

    // Each kind that is wanted here was done once unheard; a pull request in a folder has no address to link to.
    let never = [MarkDraft, ClosePull, LinkPull];
    let wanted: BTreeSet<_> = ChangeKind::ALL.iter().copied().filter(|kind| !never.contains(kind)).collect();
    assert_eq!(yard.unheard, wanted, "in {} lives", yard.lives);
    for kind in [OpenPull, Reply, Merge, Comment, DeleteBranch, FinishTicket] {
        assert_eq!(sent(&view, kind), 1, "{kind}");
    }
    let merged = view.state.outside.pulls.values().next().unwrap();
    assert!(matches!(merged.state, PullState::Merged { .. }), "{merged:?}");
    let forge = yard.outside.forge();
    assert_eq!(git(&forge, &["show", "main:answer.txt"]), "42");
    assert_eq!(git(&forge, &["rev-list", "--count", "main"]), "2");
    assert_eq!(git(&forge, &["branch", "--list", "ipa/*"]), "");
    assert!(!yard.outside.folder.join("pulls/2").exists());
    let (talk, ticket) = (yard.ours("pulls/1/comments"), yard.ours("tickets/K-1/comments"));
    assert_eq!((talk, ticket), (2, 1), "how it stands and an answer, and that it is done");
}

#[test]
fn an_engine_that_dies_while_it_gives_a_task_up_closes_its_pull_request_and_says_so_once() {
    let mut yard = Graveyard::new();
    let view = yard.ready();
    yard.act(&view, TaskCommand::Cancel { reason: None });
    let (close, say) = (ChangeKind::ClosePull, ChangeKind::Comment);
    let view = yard.until(|state| is_sent(state, close) && is_sent(state, say) && all_over(state));
    assert!(yard.unheard.contains(&close) && yard.unheard.contains(&say), "{:?}", yard.unheard);
    assert_eq!((sent(&view, close), sent(&view, say)), (1, 1));
    assert!(
        std::fs::read_to_string(yard.outside.folder.join("pulls/1/pull.toml")).unwrap().contains("closed")
    );
    let (talk, ticket) = (yard.ours("pulls/1/comments"), yard.ours("tickets/K-1/comments"));
    assert_eq!((talk, ticket), (1, 1));
}
