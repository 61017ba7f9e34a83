//! The story of a task, page by page, as a person reads it; without a script.

use axum::http::{StatusCode, header};
use ipa_events::task::{Ask, FinishedRun, Verdict};
use ipa_events::{DecisionId, Outcome, Role, TaskCommand};
use ipa_pod::log::{Body as Did, Finished};

use super::pages_support::{Site, TheTask, completed, element, shows, text};

const SPEC: &str = "# Spec\n\nThe answer is **42**.\n\n## Acceptance criteria\n\n- `answer.txt` says 42\n";

/// A task whose spec waits for a person.
pub(crate) async fn at_spec_gate(site: &Site) -> TheTask {
    let task = site.task("Fix the answer", "The answer should be 42").await;
    let run = site.run(task, Role::Spec, None).await;
    site.agent.does(run, [Did::Text { text: "I read **answer.txt**".into() }]);
    site.finish(task, FinishedRun { document: Some(SPEC.into()), ..completed(run) }).await;
    site.pod(task, TaskCommand::RequestTransition).await;
    task
}

/// A task whose work waits for a person.
pub(crate) async fn in_review(site: &Site) -> TheTask {
    let task = at_spec_gate(site).await;
    site.approve(task, 1).await;
    site.document(task, Role::Plan, "1. write 42").await;
    site.approve(task, 2).await;
    let run = site.run(task, Role::Develop, None).await;
    site.write(task, "answer.txt", "42\n").await;
    let head = site.commit(task).await;
    site.finish(task, FinishedRun { head: Some(head), ..completed(run) }).await;
    let check = site.run(task, Role::Check, Some("./test.sh")).await;
    site.finish(task, FinishedRun { check: Some((Some(0), "1 passed".into())), ..completed(check) }).await;
    site.pod(task, TaskCommand::RequestTransition).await;
    site.approve(task, 3).await;
    site.pod(task, TaskCommand::RequestTransition).await;
    task
}

#[tokio::test]
async fn the_board_shows_each_task_in_the_column_of_its_phase() {
    let site = Site::new().await;
    shows(&site.page("/").await, &["No tasks yet", "Write the first one"]);
    at_spec_gate(&site).await;
    let board = site.page("/").await;
    shows(
        &element(&board, "column-spec_clarification"),
        &["spec 1", "T-1 Fix the answer", "◆ needs you", "$0.12"],
    );
    shows(&element(&board, "column-spec_clarification"), &["T-1.d1: approve spec v1"]);
    shows(&element(&board, "column-review"), &["review 0"]);
    shows(&site.page("/?status=running").await, &["No task passes this filter"]);
    shows(&site.page("/?phase=spec_clarification&status=waiting").await, &["T-1 Fix the answer"]);
}

#[tokio::test]
async fn the_inbox_shows_exactly_what_is_asked_and_the_form_says_what_was_seen() {
    let site = Site::new().await;
    shows(&site.page("/inbox").await, &["Nothing waits for you."]);
    let task = at_spec_gate(&site).await;
    let inbox = site.page("/inbox").await;
    shows(
        &inbox,
        &["Inbox 1 waiting", "Gate T-1.d1", "approve spec v1", "The answer is 42.", "Approve Reject"],
    );
    let hash = site.hash(task, 1).await;
    assert!(element(&inbox, "decision-T-1.d1").contains(&format!(r#"name="payload_hash" value="{hash}""#)));
}

#[tokio::test]
async fn a_spec_is_approved_with_a_plain_form() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    let answer = site.decide(task, 1, &[("verdict", "approve"), ("text", "")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", text(&answer.body));
    assert_eq!(answer.headers[header::LOCATION], "/tasks/T-1");
    let page = site.page("/tasks/T-1").await;
    assert!(text(&element(&page, "decisions-T-1")).is_empty());
    shows(&element(&page, "side-T-1"), &["✓ approved: spec v1", "user:local"]);
}

#[tokio::test]
async fn a_rejection_needs_its_reason_and_the_next_version_says_what_changed() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    let refused = site.decide(task, 1, &[("verdict", "reject"), ("text", "  ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    shows(&refused.body, &["a rejection needs its reason"]);
    let answer = site.decide(task, 1, &[("verdict", "reject"), ("text", "say why 42")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    shows(&element(&site.page("/tasks/T-1").await, "side-T-1"), &["✗ rejected: spec v1", "say why 42"]);
    site.document(task, Role::Spec, &SPEC.replace("**42**", "**42**, by decree")).await;
    let decision = element(&site.page("/tasks/T-1").await, "decision-T-1.d2");
    shows(
        &decision,
        &["approve spec v2", "What changed from v1 to v2", "+ The answer is **42**, by decree."],
    );
}

#[tokio::test]
async fn a_stale_approval_is_refused_with_what_changed_and_the_typed_text() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    let seen = site.hash(task, 1).await;
    let reason = Verdict::Reject { reason: "from the terminal".into() };
    site.person(
        task,
        TaskCommand::Answer { decision: DecisionId::new(task.id, 1), seen: None, verdict: reason },
    )
    .await;
    site.document(task, Role::Spec, "# Another spec").await;
    let fields = [("verdict", "approve"), ("text", "my careful words"), ("payload_hash", seen.as_str())];
    let answer = site.post("/tasks/T-1/decisions/1", &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    shows(
        &answer.body,
        &["It is decided already", "user:ann decided it", "T-1.d2", "Another spec", "my careful words"],
    );
    let by_script = site.post_by_script("/tasks/T-1/decisions/1", &fields).await;
    assert_eq!(by_script.status, StatusCode::CONFLICT);
    assert_eq!(site.view(task).await.state.phase.as_str(), "spec_clarification");
}

#[tokio::test]
async fn nothing_is_approved_but_what_the_form_shows() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    let other = "0".repeat(64);
    let fields = [("verdict", "approve"), ("text", "looks good"), ("payload_hash", other.as_str())];
    let answer = site.post("/tasks/T-1/decisions/1", &fields).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    shows(&answer.body, &["What you saw has changed", "approve spec v1", "looks good"]);
    let blind = site.post("/tasks/T-1/decisions/1", &[("verdict", "approve")]).await;
    assert_eq!(blind.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(site.view(task).await.state.decisions[0].answered.is_none());
}

#[tokio::test]
async fn a_question_is_answered_by_choice_or_in_words() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Spec, None).await;
    for key in ["a", "b"] {
        let ask = Ask { text: "Which file?".into(), choices: vec!["answer.txt".into(), "other.txt".into()] };
        site.pod(task, TaskCommand::AskQuestion { run, key: key.into(), ask }).await;
    }
    let page = site.page("/tasks/T-1").await;
    shows(
        &element(&page, "decision-T-1.d1"),
        &["Question T-1.d1", "Which file?", "answer.txt other.txt", "Answer"],
    );
    shows(&element(&page, "head-T-1"), &["◆ needs you", "Interrupt"]);
    let answer = site.decide(task, 1, &[("choice", "other.txt"), ("text", "")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let answer = site.decide(task, 2, &[("verdict", "answer"), ("text", "both")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    shows(
        &element(&site.page("/tasks/T-1").await, "side-T-1"),
        &["answered: Which file?", "both", "other.txt"],
    );
}

#[tokio::test]
async fn a_permission_is_shown_with_exactly_what_the_agent_wants_to_do() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Spec, None).await;
    let input = r#"{"command":"rm -rf target"}"#.into();
    site.pod(task, TaskCommand::AskPermission { run, key: "k".into(), tool: "Bash".into(), input }).await;
    let inbox = site.page("/inbox").await;
    shows(
        &inbox,
        &["Permission", "may the agent use Bash?", r#""command": "rm -rf target""#, "Allow once Deny"],
    );
    let answer = site.decide(task, 1, &[("verdict", "reject"), ("text", "no")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_review_shows_the_commit_its_checks_and_the_diff() {
    let site = Site::new().await;
    let task = in_review(&site).await;
    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "head-T-1"), &["spec ✓", "planning ✓", "development ✓", "review ●", "completed ○"]);
    let decision = element(&page, "decision-T-1.d4");
    shows(
        &decision,
        &[
            "✓ checks passed",
            "Read the diff",
            "✓ passed ./test.sh exit 0",
            "1 passed",
            "AC1 answer.txt says 42 – no check names it",
            "Approve",
        ],
    );
    shows(&element(&page, "tabs-T-1"), &["Spec v1", "Plan v1", "Diff (1 +1 −1)"]);
    shows(&site.page("/tasks/T-1/diff").await, &["1 file, +1 −1", "changed answer.txt", "− 41", "+ 42"]);
    site.person(task, TaskCommand::Complete { note: None }).await;
    shows(&element(&site.page("/tasks/T-1").await, "head-T-1"), &["✓ completed", "Reopen"]);
}

#[tokio::test]
async fn that_no_checks_are_configured_is_said_and_never_shown_as_passed() {
    let site = Site::new().await;
    let repo = site.repo();
    let fields = [("request", "x"), ("repo", repo.to_str().unwrap()), ("agent", "fake")];
    assert_eq!(site.post("/new", &fields).await.status, StatusCode::SEE_OTHER);
    let page = site.page("/tasks/T-1?section=checks").await;
    shows(&page, &["no checks configured"]);
    assert!(!text(&page).contains("passed"));
}

#[tokio::test]
async fn a_failed_check_is_open_with_its_output() {
    let site = Site::new().await;
    let task = in_review(&site).await;
    site.write(task, "answer.txt", "43\n").await;
    let head = site.commit(task).await;
    site.person(task, TaskCommand::GoBack { phase: "development".parse().unwrap(), reason: "no".into() })
        .await;
    let run = site.run(task, Role::Develop, None).await;
    site.finish(task, FinishedRun { head: Some(head), ..completed(run) }).await;
    let check = site.run(task, Role::Check, Some("./test.sh")).await;
    let output = "\u{1b}[31massertion failed\u{1b}[0m";
    site.finish(task, FinishedRun { check: Some((Some(1), output.into())), ..completed(check) }).await;
    let page = site.page("/tasks/T-1?section=checks").await;
    shows(
        &page,
        &["✗ checks failed", "✗ failed ./test.sh exit 1", "assertion failed", "Earlier commits", "✓ passed"],
    );
    assert!(page.contains(r#"<details class="check" open>"#) && page.contains(r#"<span class="f1">"#));
}

#[tokio::test]
async fn the_log_shows_tools_as_one_line_and_a_failed_one_open() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let call = |id: &str, command: &str| Did::ToolCall {
        id: id.into(),
        tool: "Bash".into(),
        input: format!(r#"{{"command":"{command}"}}"#).into(),
    };
    let result =
        |id: &str, output: &str, failed| Did::ToolResult { id: id.into(), output: output.into(), failed };
    site.agent.does(
        run,
        [
            Did::Text { text: "I start with the **test**".into() },
            call("a", "cargo test"),
            call("b", "ls"),
            result("a", "assertion failed", true),
            result("b", "answer.txt", false),
        ],
    );
    let page = site.page("/tasks/T-1").await;
    let log = element(&page, "log-T-1.r1");
    shows(
        &log,
        &[
            "I start with the test",
            "✗ failed Bash cargo test 0.2s",
            "assertion failed",
            "▸ done Bash ls",
            "answer.txt",
        ],
    );
    let open = element(&log, "e-T-1.r1-2");
    assert!(open.starts_with(r#"<details class="e tool failed" id="e-T-1.r1-2" open>"#), "{open}");
    assert!(!element(&log, "e-T-1.r1-3").contains(" open"));
    assert!(
        page.contains("data-after=\"") && page.contains(&format!("~{run}:5\"")),
        "the page knows how far it is"
    );
}

#[tokio::test]
async fn a_long_log_begins_with_its_end_and_the_rest_can_be_read() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    site.agent.does(run, (1..=1200).map(|n| Did::Text { text: format!("line {n}.").into() }));
    let page = site.page("/tasks/T-1").await;
    shows(&page, &["700 earlier entries", "line 701.", "line 1200."]);
    assert!(!text(&page).contains("line 700."));
    assert!(page.contains("/tasks/T-1?run=1&amp;before=701"));
    let earlier = site.page("/tasks/T-1?run=1&before=701").await;
    shows(&earlier, &["200 earlier entries", "line 201.", "line 700."]);
    assert!(!earlier.contains("log:T-1"), "what is past is not followed");
}

#[tokio::test]
async fn messages_show_whether_an_agent_has_them() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let answer =
        site.post("/tasks/T-1/commands", &[("type", "message"), ("text", "use 42,\r\nplease")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    shows(&site.page("/tasks/T-1").await, &["use 42, please", "○ posted; no agent has it yet"]);
    site.run(task, Role::Spec, None).await;
    shows(&site.page("/tasks/T-1").await, &["use 42, please", "✓ delivered to T-1.r1"]);
    let empty = site.post("/tasks/T-1/commands", &[("type", "message"), ("text", "")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn every_control_is_a_plain_form() {
    let site = Site::new().await;
    let task = in_review(&site).await;
    let steps = [
        (&[("type", "pause"), ("text", "")][..], "‖ paused"),
        (&[("type", "resume")], "◆ needs you"),
        (&[("type", "back"), ("phase", "planning"), ("text", "too small")], "planning ●"),
        (&[("type", "cancel"), ("text", "enough")], "✕ cancelled"),
        (&[("type", "reopen")], "planning ●"),
        (&[("type", "complete"), ("text", "good")], "✓ completed"),
    ];
    for (fields, says) in steps {
        let answer = site.post("/tasks/T-1/commands", fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{fields:?}: {}", text(&answer.body));
        shows(&element(&site.page("/tasks/T-1").await, "head-T-1"), &[says]);
    }
    let nothing = site.post("/tasks/T-1/commands", &[("type", "interrupt")]).await;
    assert_eq!(nothing.status, StatusCode::CONFLICT);
    shows(&nothing.body, &["no agent is at work"]);
    let over = site.post("/tasks/T-1/commands", &[("type", "message"), ("text", "too late")]).await;
    assert_eq!(over.status, StatusCode::CONFLICT);
    shows(&over.body, &["the task is completed", "What you typed", "too late"]);
    assert!(site.view(task).await.state.phase.is_over());
}

#[tokio::test]
async fn a_run_is_interrupted_and_tried_again() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Spec, None).await;
    assert_eq!(
        site.post("/tasks/T-1/commands", &[("type", "interrupt")]).await.status,
        StatusCode::SEE_OTHER
    );
    shows(&site.page("/tasks/T-1").await, &["● stopping"]);
    let by = super::pages_support::ann();
    site.finish(task, FinishedRun { outcome: Outcome::Interrupted { by }, ..completed(run) }).await;
    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "head-T-1"), &["◆ needs you", "Waits for a word from you", "Retry now"]);
    assert_eq!(site.post("/tasks/T-1/commands", &[("type", "retry")]).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_new_task_is_created_and_what_was_typed_survives_a_refusal() {
    let site = Site::new().await;
    shows(&site.page("/new").await, &["What is to be done?", "Repository", "Create the task"]);
    let wrong =
        site.post("/new", &[("request", "do it"), ("repo", "not a path"), ("title", "My title")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    shows(&wrong.body, &["is not a repository", "do it"]);
    assert!(wrong.body.contains(r#"value="My title""#) && wrong.body.contains(r#"value="not a path""#));
    let repo = site.repo();
    let fields = [
        ("request", "do it"),
        ("repo", repo.to_str().unwrap()),
        ("agent", "fake"),
        ("checks", "./test.sh\r\n\r\n make x \n"),
        ("start_at", "development"),
    ];
    let made = site.post("/new", &fields).await;
    assert_eq!(made.headers[header::LOCATION], "/tasks/T-1");
    let view = site.engine.task(site.engine.resolve("T-1".parse().unwrap()).await.unwrap()).await.unwrap();
    let checks = view.state.created.as_ref().unwrap().checks.clone();
    assert_eq!(checks, ["./test.sh".into(), "make x".into()]);
    assert_eq!(view.state.phase.as_str(), "development");
}

#[tokio::test]
async fn the_timeline_shows_what_happened_and_the_state_at_any_version() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    site.approve(task, 1).await;
    let page = site.page("/tasks/T-1/timeline").await;
    shows(
        &page,
        &[
            "1 task.created user:ann via web",
            "spec.revised scheduler via engine",
            "transition.approved user:ann via cli",
        ],
    );
    shows(&page, &["log of T-1.r1"]);
    let created = site.page("/tasks/T-1/timeline?at=1").await;
    shows(&created, &["version 1 of", "later ▶", "Phase spec", "Spec none", "Runs 0"]);
    let newest = site.view(task).await.version;
    let now = site.page(&format!("/tasks/T-1/timeline?at={newest}")).await;
    shows(&now, &["◀ earlier", "Phase planning", "Spec v1", "Runs 1"]);
    assert_eq!(site.get("/tasks/T-1/timeline?at=0").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn files_are_listed_and_shown_as_text() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    site.write(task, "src/a b.rs", "fn main() {}\n// <end>\n").await;
    shows(&site.page("/tasks/T-1/files").await, &["src/", "answer.txt", "3 B"]);
    shows(&site.page("/tasks/T-1/files/src").await, &["files", "src", "a b.rs"]);
    shows(&site.page("/tasks/T-1/files/src/a%20b.rs").await, &["1 fn main() {}", "2 // <end>"]);
    assert_eq!(site.get("/tasks/T-1/files/nothing").await.status, StatusCode::NOT_FOUND);
    let outside = site.get("/tasks/T-1/files/..%2F..%2Fetc%2Fpasswd").await;
    assert!(outside.status.is_client_error(), "{}", outside.status);
}

#[tokio::test]
async fn an_unknown_address_says_so_as_a_page() {
    let site = Site::new().await;
    for path in ["/tasks/T-9", "/tasks/nonsense", "/tasks/T-9/diff", "/nowhere", "/tasks/T-9/timeline"] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        shows(&answer.body, &["Go to the board"]);
    }
    site.task("x", "x").await;
    assert_eq!(site.get("/tasks/T-1?run=7").await.status, StatusCode::NOT_FOUND);
    for answer in [site.get("/tasks/T-1?run=x").await, site.post("/tasks/T-1/decisions/x", &[]).await] {
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        shows(&answer.body, &["Go to the board"]);
    }
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_a_name_with_their_hash() {
    let site = Site::new().await;
    let page = site.page("/").await;
    for kind in ["app", "ipa-live", "idiomorph-0.8.0", "favicon"] {
        let (_, rest) = page.split_once(&format!("\"/assets/{kind}.")).unwrap();
        let address = format!("/assets/{kind}.{}", rest.split('"').next().unwrap());
        let asset = site.get(&address).await;
        assert_eq!(asset.status, StatusCode::OK, "{address}");
        assert!(asset.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(site.get("/assets/app.000000000000.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_run_that_is_over_says_how_it_ended() {
    let site = Site::new().await;
    let task = at_spec_gate(&site).await;
    let run = ipa_events::RunId::new(task.id, 1);
    let (outcome, usage) = (Outcome::Completed, ipa_events::task::Usage::default());
    let finished = Finished { outcome, exit_code: Some(0), product: None, usage };
    site.agent.does(run, [Did::Finished(finished)]);
    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "log-T-1.r1"), &["I read answer.txt", "✓ completed", "exit 0"]);
    shows(&element(&page, "side-T-1"), &["Runs", "r1 spec", "✓ completed", "$0.12, 1,000 tokens"]);
}
