//! A log that grows by patches is the log that the page would show: whatever an agent does, whenever the connection
//! breaks, however late what it asked is stored and answered.

use ipa_events::task::{Ask, Verdict};
use ipa_events::{DecisionId, Outcome, Role, RunId, TaskCommand};
use ipa_pod::log::{Asked, Body as Did, Finished, PlanStep};
use proptest::prelude::*;

use super::live::{Frame, Reader, live_of};
use super::pages_support::{Site, TheTask, element};

#[derive(Debug, Clone)]
enum Step {
    /// The agent says something.
    Say,
    /// It thinks aloud.
    Think,
    /// It calls a tool.
    Call,
    /// The tool that was called so many calls ago comes back.
    Back(usize, bool),
    /// It shows its list of steps; whether a tool made it.
    Plan(bool),
    /// It asks; whether the pod stores that at once.
    Ask(bool),
    /// What it asked and was not stored, is stored; or else the oldest open question is answered.
    Answer,
    /// It ends a turn.
    Turn,
    /// The client reads a frame.
    Read,
    /// The connection breaks; the client comes back with the last id it saw.
    Break,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Say),
        1 => Just(Step::Think),
        6 => Just(Step::Call),
        6 => (0..4_usize, proptest::bool::weighted(0.2)).prop_map(|(ago, failed)| Step::Back(ago, failed)),
        1 => any::<bool>().prop_map(Step::Plan),
        2 => any::<bool>().prop_map(Step::Ask),
        2 => Just(Step::Answer),
        1 => Just(Step::Turn),
        4 => Just(Step::Read),
        1 => Just(Step::Break),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_that_grew_by_patches_is_what_the_page_would_show(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(grows(steps));
    }
}

async fn grows(steps: Vec<Step>) {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let mut agent =
        Agent { site: &site, task, run, said: 0, calls: Vec::new(), unstored: Vec::new(), asked: 0 };
    let mut browser = Browser::load(&site).await;
    for step in steps {
        match step {
            Step::Read if browser.is_behind(&agent) => browser.read().await,
            Step::Read => {}
            Step::Break => browser.comes_again(&site).await,
            Step::Say
            | Step::Think
            | Step::Call
            | Step::Back(..)
            | Step::Plan(_)
            | Step::Ask(_)
            | Step::Answer
            | Step::Turn => agent.does(step).await,
        }
    }
    let usage = ipa_events::task::Usage::default();
    agent.say(Did::Finished(Finished {
        outcome: Outcome::Completed,
        exit_code: Some(0),
        product: None,
        usage,
    }));
    while browser.is_behind(&agent) {
        browser.read().await;
    }
    let page = site.page("/tasks/T-1").await;
    for id in ["log-T-1.r1", "doing-T-1.r1", "now-T-1", "cost-T-1", "decisions-T-1"] {
        assert_eq!(element(&browser.page, id), element(&page, id), "{id}");
    }
    no_id_is_there_twice(&browser.page);
}

/// An agent, with the pod that stores what it asks.
struct Agent<'a> {
    site: &'a Site,
    task: TheTask,
    run: RunId,
    said: u64,
    calls: Vec<String>,
    unstored: Vec<String>,
    asked: u32,
}

impl Agent<'_> {
    fn say(&mut self, did: Did) {
        self.said += 1;
        self.site.agent.does(self.run, [did]);
    }

    async fn does(&mut self, step: Step) {
        match step {
            Step::Say => self.say(Did::Text { text: "I go on".into() }),
            Step::Think => self.say(Did::Thinking { text: "hm".into() }),
            Step::Call => self.call(),
            Step::Back(ago, failed) => {
                let Some(at) = self.calls.len().checked_sub(ago + 1) else { return };
                let id = self.calls.remove(at).into();
                self.say(Did::ToolResult { id, output: "out".into(), failed });
            }
            Step::Plan(by_tool) => {
                let call = if by_tool { self.calls.last().map(|id| id.as_str().into()) } else { None };
                let step =
                    PlanStep { text: format!("step {}", self.said).into(), status: "in_progress".into() };
                self.say(Did::Plan { steps: vec![step], call });
            }
            Step::Ask(stored) => {
                let key = self.ask();
                if stored { self.store(&key).await } else { self.unstored.push(key) }
            }
            Step::Answer => self.answer().await,
            Step::Turn => {
                self.say(Did::TurnFinished);
                self.say(Did::TurnStarted);
            }
            Step::Read | Step::Break => {}
        }
    }

    fn call(&mut self) {
        let id = format!("call-{}", self.said);
        let tool = if self.said.is_multiple_of(3) { "Edit" } else { "Read" };
        self.say(Did::ToolCall {
            id: id.as_str().into(),
            tool: tool.into(),
            input: r#"{"path":"a"}"#.into(),
        });
        self.calls.push(id);
    }

    fn ask(&mut self) -> String {
        let key = format!("ask-{}", self.said);
        let (text, choices) = ("Which?".into(), vec!["a".into()]);
        self.say(Did::Asked(Asked::Question { key: key.as_str().into(), text, choices }));
        key
    }

    async fn store(&mut self, key: &str) {
        let ask = Ask { text: "Which?".into(), choices: vec!["a".into()] };
        self.site.pod(self.task, TaskCommand::AskQuestion { run: self.run, key: key.into(), ask }).await;
        self.asked += 1;
    }

    async fn answer(&mut self) {
        if let Some(key) = self.unstored.pop() {
            return self.store(&key).await;
        }
        let state = self.site.view(self.task).await.state;
        let Some(open) = state.open_decisions().next() else { return };
        let key = open.asked.run().unwrap().1.clone();
        let verdict = Verdict::Answer { text: "that one".into() };
        self.site.person(self.task, TaskCommand::Answer { decision: open.id, seen: None, verdict }).await;
        self.say(Did::Resolved { key });
    }
}

/// A page in a browser: patches are put in place by the ids that they name.
struct Browser {
    page: String,
    reader: Reader,
    address: String,
    last: String,
}

impl Browser {
    async fn load(site: &Site) -> Self {
        let page = site.page("/tasks/T-1").await;
        let address = live_of(&page);
        let last = address.rsplit_once("after=").unwrap().1.to_owned();
        let reader = Reader::open(site, &address, None).await;
        Self { page, reader, address, last }
    }

    async fn comes_again(&mut self, site: &Site) {
        self.reader = Reader::open(site, &self.address, Some(&self.last)).await;
    }

    /// Tells whether something was stored, or said, that it has not seen.
    fn is_behind(&self, agent: &Agent<'_>) -> bool {
        let head = agent.site.engine.head().borrow().get();
        let (position, seq) = self.last.split_once('~').unwrap_or((&self.last, ":0"));
        let seq: u64 = seq.rsplit(':').next().unwrap().parse().unwrap();
        position.parse::<u64>().unwrap() < head || seq < agent.said
    }

    async fn read(&mut self) {
        let Frame { id, data, .. } = self.reader.next().await.unwrap();
        self.last = id;
        for patch in data.split("<ipa-patch to=\"").skip(1) {
            let patch = patch.strip_suffix("</ipa-patch>").unwrap();
            let (to, rest) = patch.split_once("\" op=\"").unwrap();
            let (op, html) = rest.split_once("\">").unwrap();
            self.put(to, op, html);
        }
    }

    fn put(&mut self, to: &str, op: &str, html: &str) {
        if !self.page.contains(&format!(" id=\"{to}\"")) {
            return;
        }
        let old = element(&self.page, to);
        let new = if op == "morph" {
            html.to_owned()
        } else {
            let (before, end) = old.rsplit_once("</").unwrap();
            format!("{before}{html}</{end}")
        };
        self.page = self.page.replacen(&old, &new, 1);
    }
}

#[track_caller]
pub(crate) fn no_id_is_there_twice(page: &str) {
    let ids: Vec<_> = page.split(" id=\"").skip(1).map(|it| it.split('"').next().unwrap()).collect();
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "an id is there twice: {ids:?}");
}

#[tokio::test]
async fn a_page_that_was_far_behind_gets_no_part_of_a_stretch() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let mut reader = Reader::open(&site, "/live?topics=log:T-1.r1&after=0", None).await;
    for _ in 0..2 {
        assert!(reader.next().await.is_some());
    }
    let calls = (0..3_000).flat_map(|n| {
        let id: std::sync::Arc<str> = n.to_string().into();
        let call = Did::ToolCall { id: id.clone(), tool: "Read".into(), input: "{}".into() };
        [call, Did::ToolResult { id, output: "out".into(), failed: false }]
    });
    site.agent.does(run, calls);
    let mut sent = String::new();
    while !sent.contains("e-T-1.r1-5999\"") {
        sent.push_str(&reader.next().await.unwrap().data);
    }
    let appended = sent.matches("<details class=\"e tool").count()
        - sent.matches("op=\"morph\"><details class=\"e tool").count();
    assert!((100..=500).contains(&appended), "{appended} calls came");
    let first =
        sent.split("<div class=\"stretch\" id=\"s-T-1.r1-").nth(1).unwrap().split('"').next().unwrap();
    assert!(sent.contains(&format!("before={first}\"")), "the way to the rest leads to where this begins");
    assert_eq!((first.parse::<u64>().unwrap() - 1) % 200, 0, "it begins with a stretch");
}

#[tokio::test]
async fn who_answers_elsewhere_changes_the_question_in_the_log() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let key: std::sync::Arc<str> = "k".into();
    let (tool, input) = ("Bash".into(), r#"{"command":"ls"}"#.into());
    site.agent.does(run, [Did::Asked(Asked::Permission { key: key.clone(), tool, input })]);
    let (tool, input) = ("Bash".into(), r#"{"command":"ls"}"#.into());
    site.pod(task, TaskCommand::AskPermission { run, key, tool, input }).await;
    let mut browser = Browser::load(&site).await;
    assert!(element(&browser.page, "e-T-1.r1-1").contains("Allow once"));
    let verdict = Verdict::Reject { reason: "not now".into() };
    site.person(task, TaskCommand::Answer { decision: DecisionId::new(task.id, 1), seen: None, verdict })
        .await;
    let head = site.engine.head().borrow().get().to_string();
    while !browser.last.starts_with(&head) {
        browser.read().await;
    }
    let now = element(&browser.page, "e-T-1.r1-1");
    assert_eq!(now, element(&site.page("/tasks/T-1").await, "e-T-1.r1-1"));
    super::pages_support::shows(&now, &["may it use Bash? ls", "✗ denied user:ann", "T-1.d1", "not now"]);
}
