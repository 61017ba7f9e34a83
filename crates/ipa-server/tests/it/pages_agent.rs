//! What an agent does, as a person reads it: its figures, its list of steps, what it asks and what was decided.

use axum::http::StatusCode;
use ipa_events::task::{FinishedRun, Usage};
use ipa_events::{Outcome, Role, RunId, TaskCommand};
use ipa_pod::log::{Asked, Body as Did, Finished, PlanStep};

use super::live_log::no_id_is_there_twice;
use super::pages_support::{Site, TheTask, completed, element, shows, text};

const INPUT: &str = r#"{"command":"rm -rf target"}"#;

/// A task whose agent asks to use a tool.
async fn asks(site: &Site) -> TheTask {
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let asked = Asked::Permission { key: "k".into(), tool: "Bash".into(), input: INPUT.into() };
    site.agent.does(run, [Did::Text { text: "I clean up".into() }, Did::Asked(asked)]);
    let (tool, input) = ("Bash".into(), INPUT.into());
    site.pod(task, TaskCommand::AskPermission { run, key: "k".into(), tool, input }).await;
    task
}

#[tokio::test]
async fn a_permission_is_given_where_it_was_asked_for_and_what_was_changed_of_it_is_said() {
    let site = Site::new().await;
    let task = asks(&site).await;
    let page = site.page("/tasks/T-1").await;
    no_id_is_there_twice(&page);
    shows(
        &element(&page, "decisions-T-1"),
        &["◆ Permission", "may the agent use Bash?", "Answer it in the log"],
    );
    let log = element(&page, "log-T-1.r1");
    shows(&log, &["I clean up", "Permission", "rm -rf target", "Allow once Deny"]);
    let changed = r#"{"command":"cargo clean"}"#;
    let fields =
        [("verdict", "approve"), ("text", "more gently"), ("input", changed), ("input_shown", INPUT)];
    assert_eq!(site.decide(task, 1, &fields).await.status, StatusCode::SEE_OTHER);
    let page = site.page("/tasks/T-1").await;
    assert!(text(&element(&page, "decisions-T-1")).is_empty());
    let said = ["✓ allowed with changes", "user:local", "T-1.d1", "more gently", "What was changed of it"];
    for part in ["log-T-1.r1", "side-T-1"] {
        let part = element(&page, part);
        shows(&part, &said);
        shows(&part, &["rm -rf target", "cargo clean"]);
    }
    let answer = site.get("/api/v1/inbox/T-1.d1").await.body;
    assert!(answer.contains(r#""input":"{\"command\":\"cargo clean\"}""#), "{answer}");
}

#[tokio::test]
async fn a_question_is_above_where_its_log_is_not_shown() {
    let site = Site::new().await;
    asks(&site).await;
    for path in ["/tasks/T-1?section=spec", "/tasks/T-1?run=1&before=2"] {
        let page = site.page(path).await;
        no_id_is_there_twice(&page);
        shows(&element(&page, "decisions-T-1"), &["may the agent use Bash?", "Allow once Deny"]);
    }
}

fn turn(total: u64) -> [Did; 2] {
    let total = Usage { input_tokens: total * 1_000, output_tokens: total, cost_microusd: total * 10_000 };
    [Did::Usage { total }, Did::TurnFinished]
}

fn started() -> Did {
    let (model, version) = (Some("model-7".into()), Some("2.1.330".into()));
    Did::Started { session: "s-1".parse().ok(), model, version }
}

async fn over(site: &Site, task: TheTask, run: RunId, usage: Usage) {
    let outcome = Outcome::Completed;
    let finished = Finished { outcome: outcome.clone(), exit_code: Some(0), product: None, usage };
    site.agent.does(run, [Did::Finished(finished)]);
    site.finish(task, FinishedRun { outcome, usage, document: Some("# Spec".into()), ..completed(run) })
        .await;
}

#[tokio::test]
async fn a_turn_says_what_it_cost_and_the_task_counts_each_run_once() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let first = site.run(task, Role::Spec, None).await;
    over(&site, task, first, Usage { cost_microusd: 1_000_000, ..Usage::default() }).await;
    let run = site.run(task, Role::Spec, None).await;
    site.agent.does(run, [started(), Did::TurnStarted]);
    site.agent.does(run, turn(5));
    site.agent.does(run, [Did::TurnStarted]);
    site.agent.does(run, turn(12));
    site.agent.does(run, [Did::TurnStarted]);
    let page = site.page("/tasks/T-1").await;
    shows(
        &element(&page, "log-T-1.r2"),
        &[
            "works with model-7, program version 2.1.330",
            "turn 1,",
            "took 0.2s, $0.05, 5,005 tokens",
            "turn 2,",
            "took 0.2s, $0.07, 7,007 tokens",
        ],
    );
    shows(&element(&page, "doing-T-1.r2"), &["works, turn 3, last sign of life"]);
    let figures = [
        "Run r2",
        "Program fake 2.1.330",
        "Model model-7",
        "Session s-1",
        "Turns 3",
        "Tokens 12,000 in, 12 out",
    ];
    shows(&element(&page, "now-T-1"), &figures);
    shows(&element(&page, "now-T-1"), &["Cost $0.12", "Task $1.12 in all"]);
    assert_eq!(text(&element(&page, "cost-T-1")), "$1.12");
    over(&site, task, run, Usage { cost_microusd: 150_000, ..Usage::default() }).await;
    for section in ["", "?section=spec"] {
        let page = site.page(&format!("/tasks/T-1{section}")).await;
        shows(&element(&page, "now-T-1"), &["Turns 3", "Cost $0.15", "Task $1.15 in all"]);
        assert_eq!(text(&element(&page, "cost-T-1")), "$1.15");
    }
    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "log-T-1.r2"), &["✓ completed", "exit 0, 2 turns in all, took", "$0.15"]);
    assert!(text(&element(&page, "doing-T-1.r2")).is_empty());
}

fn plan(statuses: &[&str], call: Option<&str>) -> Did {
    let step =
        |(n, status): (usize, &&str)| PlanStep { text: format!("step {n}").into(), status: (*status).into() };
    Did::Plan { steps: statuses.iter().enumerate().map(step).collect(), call: call.map(Into::into) }
}

#[tokio::test]
async fn the_list_of_steps_is_beside_the_log_and_in_it_only_that_it_changed() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let call = Did::ToolCall { id: "t".into(), tool: "TodoWrite".into(), input: "{}".into() };
    let back = Did::ToolResult { id: "t".into(), output: "ok".into(), failed: false };
    site.agent.does(run, [call, plan(&["in_progress", "pending"], Some("t")), back]);
    site.agent.does(run, [plan(&["completed", "in_progress"], None)]);
    let page = site.page("/tasks/T-1").await;
    shows(
        &element(&page, "now-T-1"),
        &["Steps 1 of 2 done", "✓ step 0 (done)", "● step 1 (at work)", "Run r1"],
    );
    let log = element(&page, "log-T-1.r1");
    shows(&log, &["Plan: 0 of 2 done, step 0", "Plan: 1 of 2 done, step 1"]);
    assert!(!text(&log).contains("TodoWrite"));
    assert!(element(&log, "e-T-1.r1-4").starts_with(r#"<details class="e plan" id="e-T-1.r1-4">"#));
    // A check is no agent's work: the list stays.
    site.finish(task, FinishedRun { head: Some(site.commit(task).await), ..completed(run) }).await;
    shows(&element(&site.page("/tasks/T-1?section=plan").await, "now-T-1"), &["Steps 1 of 2 done"]);
}

#[tokio::test]
async fn tools_are_one_line_and_what_failed_or_works_is_seen_without_a_click() {
    let site = Site::new().await;
    let task = site.task("Fix the answer", "42").await;
    let run = site.run(task, Role::Develop, None).await;
    let calls = [("Read", false), ("Read", false), ("Bash", true), ("Edit", false)];
    for (n, (tool, failed)) in calls.into_iter().enumerate() {
        let id: std::sync::Arc<str> = n.to_string().into();
        let call =
            Did::ToolCall { id: id.clone(), tool: tool.into(), input: r#"{"command":"cargo test"}"#.into() };
        site.agent.does(run, [call, Did::ToolResult { id, output: "said".into(), failed }]);
    }
    let call = Did::ToolCall { id: "x".into(), tool: "Grep".into(), input: r#"{"pattern":"a"}"#.into() };
    site.agent.does(run, [call]);
    let page = site.page("/tasks/T-1").await;
    let line = element(&page, "g-T-1.r1-1");
    assert_eq!(text(&line), "▸ 3 tools Read×2 Edit 0.3s");
    assert!(line.starts_with(r#"<details class="fold" id="g-T-1.r1-1">"#), "{line}");
    let stretch = element(&page, "s-T-1.r1-1");
    for open in [r#"e tool failed" id="e-T-1.r1-5" open"#, r#"e tool busy" id="e-T-1.r1-9" open"#] {
        assert!(stretch.contains(open), "{stretch}");
    }
    shows(&element(&page, "doing-T-1.r1"), &["uses Grep"]);
    site.agent.does(run, [Did::Retrying { detail: "overloaded, try 2 of 10".into() }]);
    let page = site.page("/tasks/T-1").await;
    shows(&element(&page, "doing-T-1.r1"), &["hold on: it asks its model again (overloaded, try 2 of 10)"]);
    assert!(!text(&element(&page, "log-T-1.r1")).contains("overloaded"));
}

#[tokio::test]
async fn a_diff_is_of_everything_or_of_what_came_after_the_last_review() {
    let site = Site::new().await;
    site.task("Fix the answer", "42").await;
    let page = site.page("/tasks/T-1/diff?since=review").await;
    shows(&page, &["Since the base", "Nobody has reviewed this yet: all of it is new."]);
    assert!(!text(&page).contains("Since the last review"));
    for path in ["/tasks/T-1/diff?since=yesterday", "/api/v1/tasks/T-1/diff?since=yesterday"] {
        assert_eq!(site.get(path).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{path}");
    }
    assert_eq!(site.get("/api/v1/tasks/T-1/diff?since=review").await.status, StatusCode::OK);
}
