//! One open page: what its stream sends, that nothing is lost or doubled, and that what it sends is what the page
//! itself would show.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::{StatusCode, header};
use futures::StreamExt as _;
use ipa_events::task::{FinishedRun, Verdict};
use ipa_events::{DecisionId, Outcome, Role, RunId, TaskCommand};
use ipa_pod::log::{Body as Did, Finished};
use proptest::prelude::*;

use super::pages_support::{Site, TheTask, completed, element, shows};

/// How long anything may take before a test gives up.
const DEADLINE: Duration = Duration::from_secs(20);

/// One frame of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: String,
}

/// A stream as a browser reads it.
pub(crate) struct Reader {
    pieces: BodyDataStream,
    rest: String,
}

impl Reader {
    pub(crate) async fn open(site: &Site, path: &str, last: Option<&str>) -> Self {
        let response = site.open(path, last).await;
        assert_eq!(response.status(), StatusCode::OK);
        Self { pieces: response.into_body().into_data_stream(), rest: String::new() }
    }

    /// Returns the next frame; none when the stream ended.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, rest)) = self.rest.split_once("\n\n") {
                let frame = parse(frame);
                self.rest = rest.to_owned();
                return Some(frame);
            }
            let piece = tokio::time::timeout(DEADLINE, self.pieces.next()).await.expect("a frame in time")?;
            self.rest.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
    }

    /// Returns the next patch for an element.
    async fn patch(&mut self, to: &str) -> String {
        tokio::time::timeout(DEADLINE, self.find(to)).await.expect("a patch in time")
    }

    async fn find(&mut self, to: &str) -> String {
        loop {
            let frame = self.next().await.expect("a frame");
            let mark = format!(r#"<ipa-patch to="{to}""#);
            if let Some((_, rest)) = frame.data.split_once(&mark) {
                let (_, rest) = rest.split_once('>').unwrap();
                return rest.split("</ipa-patch>").next().unwrap().to_owned();
            }
        }
    }
}

fn parse(text: &str) -> Frame {
    let mut frame = Frame { id: String::new(), event: String::new(), data: String::new() };
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        match name {
            "id" => frame.id = value.to_owned(),
            "event" => frame.event = value.to_owned(),
            "data" if frame.data.is_empty() => frame.data = value.to_owned(),
            "data" => frame.data.push_str(&format!("\n{value}")),
            "retry" => {}
            other => panic!("a field {other:?}"),
        }
    }
    frame
}

/// Reads the frames of a stream up to so many that have patches.
pub(crate) async fn read_frames(site: &Site, path: &str, patches: usize) -> Vec<Frame> {
    let mut reader = Reader::open(site, path, None).await;
    let mut frames = Vec::new();
    while frames.iter().filter(|frame: &&Frame| frame.event == "patch").count() < patches {
        frames.push(reader.next().await.unwrap());
    }
    frames
}

/// What keeps a page in step, as its body says.
pub(crate) fn live_of(page: &str) -> String {
    let attribute = |name: &str| {
        let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    format!("/live?topics={}&after={}", attribute("data-topics"), attribute("data-after"))
}

async fn at_spec_gate(site: &Site) -> TheTask {
    let task = site.task("Fix the answer", "42").await;
    site.document(task, Role::Spec, "# Spec").await;
    task
}

fn lines(from: u64, to: u64) -> impl Iterator<Item = Did> {
    (from..=to).map(|n| Did::Text { text: format!("line-{n}.").into() })
}

/// The numbers of the lines in what was sent.
fn numbers(data: &str) -> Vec<u64> {
    let parts = data.split("line-").skip(1);
    parts.map(|part| part.split('.').next().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_stream_is_never_kept_by_a_cache_and_begins_with_where_it_is() {
    let site = Site::new().await;
    let response = site.open("/live?topics=board", None).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut reader = Reader { pieces: response.into_body().into_data_stream(), rest: String::new() };
    let first = reader.next().await.unwrap();
    assert_eq!((first.event.as_str(), first.id.as_str(), first.data.as_str()), ("at", "0", "0"));
}

#[tokio::test]
async fn what_cannot_be_followed_is_refused() {
    let site = Site::new().await;
    site.task("x", "x").await;
    for (path, status) in [
        ("/live?topics=nonsense", 422),
        ("/live?topics=board&after=x", 422),
        ("/live?topics=task:T-9", 404),
        ("/live?topics=log:T-1.r9", 404),
        ("/live", 422),
    ] {
        assert_eq!(site.get(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn a_patch_is_what_the_page_would_show() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    let pages = [
        "/",
        "/?phase=spec_clarification",
        "/?status=running",
        "/inbox",
        "/tasks/T-1",
        "/tasks/T-1?section=spec",
        "/tasks/T-1?section=checks",
    ];
    let mut open = Vec::new();
    for path in pages {
        open.push((path, Reader::open(&site, &live_of(&site.page(path).await), None).await));
    }
    let verdict = Verdict::Reject { reason: "not so".into() };
    site.person(task, TaskCommand::Answer { decision: DecisionId::new(task.id, 1), seen: None, verdict })
        .await;
    site.document(task, Role::Spec, "# Spec\n\nbetter").await;
    for (path, mut reader) in open {
        let page = site.page(path).await;
        let mut patched = 0;
        let newest = site.engine.head().borrow().to_string();
        loop {
            let frame = reader.next().await.unwrap();
            if !frame.id.starts_with(&newest) {
                continue;
            }
            for patch in frame.data.split("<ipa-patch ").skip(1) {
                let (head, html) = patch.split_once('>').unwrap();
                let to = head.split('"').nth(1).unwrap();
                // The page that was open has the log of the run before, too.
                if head.contains(r#"op="morph""#) && !to.starts_with("doing-T-1.r1") {
                    let html = html.strip_suffix("</ipa-patch>").unwrap();
                    assert_eq!(html, element(&page, to), "{path}: {to}");
                    patched += 1;
                }
            }
            break;
        }
        assert!(patched > 0, "{path}: nothing was patched");
    }
}

#[tokio::test]
async fn what_happens_to_another_task_moves_only_the_position() {
    let site = Site::new().await;
    site.task("one", "1").await;
    let other = site.task("two", "2").await;
    let mut reader = Reader::open(&site, &live_of(&site.page("/tasks/T-1").await), None).await;
    assert_eq!(reader.next().await.unwrap().event, "at");
    site.person(other, TaskCommand::PostMessage { text: "hello".into() }).await;
    let head = site.engine.head().borrow().to_string();
    loop {
        let frame = reader.next().await.unwrap();
        assert!(!frame.data.contains("head-T-1"), "{frame:?}");
        if frame.id == head {
            break;
        }
    }
}

#[tokio::test]
async fn the_log_of_a_run_that_begins_later_comes_by_itself() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let page = site.page("/tasks/T-1").await;
    shows(&page, &["No agent has worked on this yet."]);
    let mut reader = Reader::open(&site, &live_of(&page), None).await;
    let run = site.run(task, Role::Spec, None).await;
    let section = reader.patch("story-T-1").await;
    assert!(section.contains(r#"id="log-T-1.r1" role="log" aria-live="off""#), "{section}");
    site.agent.does(run, lines(1, 3));
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(numbers(&reader.patch("log-T-1.r1").await));
    }
    assert_eq!(seen, [1, 2, 3]);
}

#[tokio::test]
async fn a_tool_that_came_back_becomes_what_the_page_would_show() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let (tool, input) = ("Bash".into(), r#"{"command":"cargo test"}"#.into());
    site.agent.does(run, [Did::ToolCall { id: "a".into(), tool, input }]);
    let mut reader = Reader::open(&site, &live_of(&site.page("/tasks/T-1").await), None).await;
    site.agent.does(run, [Did::ToolResult { id: "a".into(), output: "101".into(), failed: true }]);
    let patch = reader.patch("e-T-1.r1-1").await;
    assert_eq!(patch, element(&site.page("/tasks/T-1").await, "e-T-1.r1-1"));
}

#[tokio::test]
async fn a_page_that_was_far_behind_gets_the_end_and_the_way_to_the_rest() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let mut reader = Reader::open(&site, "/live?topics=log:T-1.r1&after=0", None).await;
    site.agent.does(run, lines(1, 10_000));
    let first = reader.patch("log-T-1.r1").await;
    shows(&first, &["9500 earlier entries are not shown"]);
    assert!(first.contains("/tasks/T-1?run=1&amp;before=9501"));
    let mut seen = numbers(&first);
    while seen.len() < 500 {
        seen.extend(numbers(&reader.patch("log-T-1.r1").await));
    }
    assert_eq!(seen, (9_501..=10_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_frame_holds_a_thousand_entries_at_most() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    site.agent.does(run, lines(1, 1_500));
    let mut reader = Reader::open(&site, "/live?topics=log:T-1.r1&after=0", None).await;
    let sizes =
        [numbers(&reader.patch("log-T-1.r1").await).len(), numbers(&reader.patch("log-T-1.r1").await).len()];
    assert_eq!(sizes.iter().sum::<usize>(), 1_500);
    assert!(sizes.iter().all(|size| *size <= 1_000), "{sizes:?}");
}

#[tokio::test]
async fn a_break_between_the_frames_of_a_burst_loses_nothing() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    site.agent.does(run, lines(1, 1_900));
    let address = "/live?topics=log:T-1.r1&after=0";
    let mut reader = Reader::open(&site, address, None).await;
    reader.next().await.unwrap();
    let first = reader.next().await.unwrap();
    let mut reader = Reader::open(&site, address, Some(&first.id)).await;
    let mut seen = numbers(&first.data);
    assert!(seen.len() < 1_900);
    while seen.len() < 1_900 {
        seen.extend(numbers(&reader.patch("log-T-1.r1").await));
    }
    assert_eq!(seen, (1..=1_900).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_ends_with_goodbye_when_the_session_does() {
    let site = Site::new().await;
    let mut reader = Reader::open(&site, "/live?topics=board", None).await;
    assert_eq!(reader.next().await.unwrap().event, "at");
    assert_eq!(site.post("/logout", &[]).await.status, StatusCode::SEE_OTHER);
    let mut last = String::new();
    while let Some(frame) = reader.next().await {
        last = frame.event;
    }
    assert_eq!(last, "bye");
}

#[tokio::test]
async fn a_page_that_has_much_to_show_ends_with_its_session_too() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    site.agent.does(run, lines(1, 1_900));
    let mut reader = Reader::open(&site, "/live?topics=log:T-1.r1&after=0", None).await;
    assert_eq!(reader.next().await.unwrap().event, "at");
    assert_eq!(reader.next().await.unwrap().event, "patch");
    assert_eq!(site.post("/logout", &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(reader.next().await.unwrap().event, "bye", "there were 900 more lines to send");
    assert!(reader.next().await.is_none());
}

#[tokio::test]
async fn what_could_not_be_read_is_shown_once_it_can_be() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let before = site.engine.head().borrow().to_string();
    let address = format!("/live?topics=task:T-1&after={before}");
    let mut reader = Reader::open(&site, &address, None).await;
    assert_eq!(reader.next().await.unwrap().id, before);
    site.person(task, TaskCommand::Pause { reason: None }).await;
    site.fail_reads_of_tasks(1);
    let frame = reader.next().await.unwrap();
    assert_eq!((frame.event.as_str(), frame.id), ("patch", site.engine.head().borrow().to_string()));
    shows(&frame.data, &["‖ paused"]);
}

#[tokio::test]
async fn a_page_from_another_store_is_told_to_begin_anew() {
    let site = Site::new().await;
    let frames = {
        let mut reader = Reader::open(&site, "/live?topics=board&after=999", None).await;
        (reader.next().await.unwrap(), reader.next().await)
    };
    assert_eq!(frames.0.event, "reset");
    assert!(frames.1.is_none());
}

#[tokio::test]
async fn the_position_of_a_command_comes_with_its_answer_and_by_the_stream() {
    let site = Site::new().await;
    site.task("Fix the answer", "42").await;
    let mut reader = Reader::open(&site, &live_of(&site.page("/tasks/T-1").await), None).await;
    let answer = site.post_by_script("/tasks/T-1/commands", &[("type", "pause")]).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    let position: u64 = answer.headers["x-ipa-position"].to_str().unwrap().parse().unwrap();
    loop {
        let frame = reader.next().await.unwrap();
        if frame.id.parse::<u64>().unwrap() >= position {
            shows(&frame.data, &["‖ paused", "Resume"]);
            break;
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// The agent writes so many lines.
    Write(u64),
    /// The client reads so many frames.
    Read(usize),
    /// The connection breaks; the client comes back with the last id it saw.
    Break,
    /// The page is loaded again.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..120_u64).prop_map(Step::Write),
        (1..3_usize).prop_map(Step::Read),
        Just(Step::Break),
        Just(Step::Reload),
    ];
    proptest::collection::vec(step, 1..24)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_client_that_breaks_off_and_reads_slowly_sees_each_line_once_and_in_order(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(exactly_once(steps));
    }
}

async fn exactly_once(steps: Vec<Step>) {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let mut client = Client::load(&site).await;
    let mut written = 0;
    for step in steps {
        match step {
            Step::Write(count) => {
                site.agent.does(run, lines(written + 1, written + count));
                written += count;
            }
            Step::Read(frames) => client.read(frames, written).await,
            Step::Break => client.reader = Reader::open(&site, &client.address, Some(&client.last)).await,
            Step::Reload => client = Client::load(&site).await,
        }
    }
    finish(&site, task, run, written).await;
    client.read(usize::MAX, written).await;
    // A page begins with the last 500 lines; from there on each comes once, in order.
    let first = client.seen.first().copied().unwrap_or(written + 1);
    assert_eq!(client.seen, (first..=written).collect::<Vec<_>>());
    assert!(client.first_loaded == 0 || first == client.first_loaded);
}

async fn finish(site: &Site, task: TheTask, run: RunId, written: u64) {
    let usage = ipa_events::task::Usage::default();
    let finished = Finished { outcome: Outcome::Completed, exit_code: Some(0), product: None, usage };
    site.agent.does(run, [Did::Finished(finished)]);
    let head = site.commit(task).await;
    let by = super::pages_support::ann();
    let outcome = Outcome::Interrupted { by };
    site.finish(task, FinishedRun { outcome, head: Some(head), ..completed(run) }).await;
    assert!(written < 2_000 * 2);
}

/// A browser: the lines that a page came with, and those that its stream added.
struct Client {
    reader: Reader,
    address: String,
    last: String,
    seen: Vec<u64>,
    first_loaded: u64,
}

impl Client {
    async fn load(site: &Site) -> Self {
        let page = site.page("/tasks/T-1").await;
        let address = live_of(&page);
        let seen = numbers(&element(&page, "log-T-1.r1"));
        let last = address.rsplit_once("after=").unwrap().1.to_owned();
        let reader = Reader::open(site, &address, None).await;
        let first_loaded = seen.first().copied().unwrap_or(0);
        Self { reader, address, last, seen, first_loaded }
    }

    /// Reads frames until there were so many, or all lines have come.
    async fn read(&mut self, frames: usize, written: u64) {
        let mut read = 0;
        while read < frames && self.seen.last().copied().unwrap_or(0) < written {
            let frame = self.reader.next().await.unwrap();
            self.last = frame.id.clone();
            self.seen.extend(numbers(&frame.data));
            read += 1;
        }
    }
}
