//! The JSON API: each route on a real engine, and what it says when something is wrong.

use ipa_events::{Role, TaskCommand};
use ipa_pod::{Drain, Scope};
use ipa_server::wire;
use serde_json::{Value, json};

use crate::support::{Ask, House, approval};

async fn create(house: &House, body: Value) -> Value {
    let got = house.post("/api/v1/tasks", &body).bearer().send().await;
    assert_eq!(got.status, 201, "{}", got.text);
    got.json()
}

#[tokio::test]
async fn a_task_is_created_with_the_fields_that_scripts_use() {
    let house = House::new();
    let body = json!({
        "request": "Mend the flaky test\n\nIt fails on Mondays.", "repo": "/srv/repo", "base": "main", "agent": "fake",
        "approve": "auto", "checks": ["cargo test"], "start_at": "planning", "priority": 3,
    });
    let got = house.post("/api/v1/tasks", &body).bearer().send().await;
    assert_eq!(got.status, 201, "{}", got.text);
    assert_eq!(got.header("location"), "/api/v1/tasks/T-1");
    let task = got.json();
    assert_eq!(got.header("etag"), format!("\"v{}\"", task["version"]));
    assert_eq!(got.header("x-ipa-position"), house.head().to_string());
    let fields = [
        "schema",
        "id",
        "handle",
        "title",
        "phase",
        "status",
        "version",
        "agent",
        "repo",
        "branch",
        "commit",
        "waiting_for",
        "cost_usd",
        "created_at",
        "updated_at",
    ];
    for field in fields {
        assert!(task.get(field).is_some(), "{field} is missing: {task}");
    }
    assert_eq!(task["schema"], "ipa.task/v1");
    assert_eq!(
        (&task["handle"], &task["phase"], &task["title"]),
        (&json!("T-1"), &json!("planning"), &json!("Mend the flaky test"))
    );
    assert_eq!((&task["priority"], &task["checks"]["commands"]), (&json!(3), &json!(["cargo test"])));
    assert_eq!(task["gates"]["review"], "auto");
    let listed = house.get("/api/v1/tasks").bearer().send().await.json();
    assert_eq!((&listed["schema"], &listed["next"]), (&json!("ipa.task.list/v1"), &Value::Null));
    assert_eq!(listed["items"][0]["id"], task["id"]);
}

#[tokio::test]
async fn every_place_takes_a_handle_or_an_id() {
    let house = House::new();
    let (task, _) = house.at_gate().await;
    let decision = house.open_decision().await;
    let (run, decision) = (format!("{task}.r1"), decision["id"].as_str().unwrap().to_owned());
    let pairs = [
        ("/api/v1/tasks/T-1".to_owned(), format!("/api/v1/tasks/{task}")),
        ("/api/v1/tasks/T-1/why".to_owned(), format!("/api/v1/tasks/{task}/why")),
        ("/api/v1/tasks/T-1/events".to_owned(), format!("/api/v1/tasks/{task}/events")),
        ("/api/v1/tasks/T-1/files".to_owned(), format!("/api/v1/tasks/{task}/files")),
        ("/api/v1/sync?task=T-1".to_owned(), format!("/api/v1/sync?task={task}")),
        ("/api/v1/runs/T-1.r1".to_owned(), format!("/api/v1/runs/{run}")),
        ("/api/v1/inbox/T-1.d1".to_owned(), format!("/api/v1/inbox/{decision}")),
        ("/api/v1/inbox/T-1".to_owned(), format!("/api/v1/inbox/{task}")),
    ];
    for (by_handle, by_id) in pairs {
        let handle = house.get(&by_handle).bearer().send().await;
        let id = house.get(&by_id).bearer().send().await;
        assert_eq!((handle.status, id.status), (200, 200), "{by_handle}: {}", handle.text);
        assert_eq!(handle.json(), id.json(), "{by_handle}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let house = House::new();
    for n in 1..=5 {
        create(&house, json!({ "request": format!("task {n}"), "agent": "fake" })).await;
    }
    let (mut path, mut seen) = ("/api/v1/tasks?limit=2&phase=spec_clarification".to_owned(), Vec::new());
    loop {
        let got = house.get(&path).bearer().send().await;
        let page = got.json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|task| task["handle"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/tasks?limit=2&phase=spec_clarification&after={next}");
        assert_eq!(got.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!(seen, ["T-5", "T-4", "T-3", "T-2", "T-1"]);
    let events = house.get("/api/v1/tasks/T-1/events?after=0&limit=1").bearer().send().await.json();
    assert_eq!(
        (&events["items"][0]["version"], &events["items"][0]["type"]),
        (&json!(1), &json!("task.created"))
    );
}

#[tokio::test]
async fn an_outdated_if_match_is_412_and_stores_nothing() {
    let house = House::new();
    house.at_gate().await;
    let seen = house.get("/api/v1/tasks/T-1").bearer().send().await;
    let etag = seen.header("etag").to_owned();
    let pause = json!({ "type": "pause", "reason": "lunch" });
    let first =
        house.post("/api/v1/tasks/T-1/commands", &pause).bearer().header("if-match", &etag).send().await;
    assert_eq!(first.status, 200, "{}", first.text);
    let now = first.json()["version"].as_u64().unwrap();
    let before = house.head();
    let resume = json!({ "type": "resume" });
    let late =
        house.post("/api/v1/tasks/T-1/commands", &resume).bearer().header("if-match", &etag).send().await;
    assert_eq!((late.status, late.code().as_str()), (412, "version_conflict"));
    let problem = late.json();
    assert_eq!(problem["actual_version"].as_u64(), Some(now));
    assert_eq!(problem["expected_version"].as_u64(), Some(now - 1));
    assert_eq!(house.head(), before);
    // The very same request again, after its answer was lost, is no conflict with itself.
    let ask = || {
        let ask = house.post("/api/v1/tasks/T-1/commands", &resume).bearer();
        ask.header("if-match", first.header("etag")).header("idempotency-key", "k")
    };
    let (once, again) = (ask().send().await, ask().send().await);
    assert_eq!((once.status, again.status), (200, 200), "{}", again.text);
    assert_eq!(once.json()["version"], again.json()["version"]);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let bad =
        house.post("/api/v1/tasks/T-1/commands", &resume).bearer().header("if-match", "17").send().await;
    assert_eq!(bad.code(), "invalid_request");
}

/// A house whose engine runs pods, with one task, which is paused.
async fn running_house() -> House {
    let house = House::new();
    let (task, _) = house.task("wait").await;
    house.pod(task, TaskCommand::Pause { reason: None }).await;
    house.engine.start(Scope::All).await.unwrap();
    house
}

#[tokio::test]
async fn of_two_commands_on_the_same_version_one_is_412() {
    let house = running_house().await;
    let etag = house.get("/api/v1/tasks/T-1").bearer().send().await.header("etag").to_owned();
    let say = |text: &str| {
        let ask = house.post("/api/v1/tasks/T-1/commands", &json!({ "type": "message", "text": text }));
        ask.bearer().header("if-match", &etag).send()
    };
    let (one, two) = tokio::join!(say("one"), say("two"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", one.text, two.text);
    let task = house.get("/api/v1/tasks/T-1").bearer().send().await.json();
    assert_eq!(task["messages"].as_array().unwrap().len(), 1, "{task}");
    house.engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn who_steers_a_pod_is_told_of_the_task() {
    let house = running_house().await;
    for verb in ["stop", "restart", "cleanup"] {
        let got = house.post(&format!("/api/v1/pods/T-1/{verb}"), &json!({})).bearer().send().await;
        let told: wire::Single<wire::CommandReply> = serde_json::from_str(&got.text).unwrap();
        let fields = (got.status, told.schema.as_str(), told.it.handle.to_string(), told.it.version.get());
        assert_eq!(fields, (200, "ipa.command/v1", "T-1".to_owned(), 2), "{verb}: {}", got.text);
        assert_eq!(told.it.position, house.head(), "{verb}");
    }
    house.engine.stop(Drain::Stop).await;
}

#[tokio::test]
async fn a_repeated_key_gets_the_first_answer_and_another_body_under_it_is_422() {
    let house = House::new();
    let body = json!({ "request": "once", "agent": "fake" });
    let ask = |body: &Value| house.post("/api/v1/tasks", body).bearer().header("idempotency-key", "k-1");
    let (first, second) = (ask(&body).send().await, ask(&body).send().await);
    assert_eq!((first.status, second.status), (201, 201), "{}", second.text);
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!((first.header("idempotency-replayed"), second.header("idempotency-replayed")), ("", "true"));
    let other = ask(&json!({ "request": "twice", "agent": "fake" })).send().await;
    assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));

    let say = json!({ "type": "message", "text": "hello" });
    let ask = |body: &Value| {
        house.post("/api/v1/tasks/T-1/commands", body).bearer().header("idempotency-key", "k-2")
    };
    let (first, second) = (ask(&say).send().await.json(), ask(&say).send().await);
    assert_eq!(second.header("idempotency-replayed"), "true");
    let second = second.json();
    assert_eq!((&first["repeated"], &second["repeated"]), (&json!(false), &json!(true)));
    assert_eq!((&first["version"], &first["position"]), (&second["version"], &second["position"]));
    let task = house.get("/api/v1/tasks/T-1").bearer().send().await.json();
    assert_eq!(task["messages"].as_array().unwrap().len(), 1);
    assert_eq!(house.get("/api/v1/tasks").bearer().send().await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_means_the_same_command_after_a_restart_too() {
    let mut house = House::new();
    let body = json!({ "request": "once", "agent": "fake" });
    let first = house.post("/api/v1/tasks", &body).bearer().header("idempotency-key", "k").send().await;
    house.router = ipa_server::router(house.engine.clone(), house.config.clone());
    let second = house.post("/api/v1/tasks", &body).bearer().header("idempotency-key", "k").send().await;
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert_eq!(second.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn an_approval_binds_what_was_seen() {
    let house = House::new();
    let (task, _) = house.at_gate().await;
    let seen = house.open_decision().await;
    assert_eq!((&seen["kind"], &seen["handle"]), (&json!("gate"), &json!("T-1.d1")));
    assert_eq!(seen["payload"]["document"]["version"], 1);
    assert!(seen["payload"]["document"]["text"].as_str().unwrap().contains("Acceptance"), "{seen}");
    // Somebody rejects it, the agent writes a second version, and its gate is opened.
    let no = json!({ "verdict": "reject", "payload_hash": seen["payload_hash"], "reason": "no tests" });
    assert_eq!(house.post("/api/v1/inbox/T-1.d1/decision", &no).bearer().send().await.status, 200);
    let run = house.run(task, Role::Spec).await;
    house.finish(run, "# Spec, better").await;
    house.pod(task, TaskCommand::RequestTransition).await;

    let before = house.head();
    let late = house.post("/api/v1/inbox/T-1.d1/decision", &approval(&seen)).bearer().send().await;
    assert_eq!((late.status, late.code().as_str()), (409, "decision_closed"));
    assert!(late.json()["detail"].as_str().unwrap().contains("user:ann decided it"), "{}", late.text);
    let wrong = house.post("/api/v1/inbox/T-1.d2/decision", &approval(&seen)).bearer().send().await;
    assert_eq!((wrong.status, wrong.code().as_str()), (409, "decision_changed"));
    let problem = wrong.json();
    let now = house.open_decision().await;
    assert_eq!((&problem["decision"], &problem["payload_hash"]), (&json!("T-1.d2"), &now["payload_hash"]));
    assert_eq!(house.head(), before, "no blind approval was stored");
    assert_eq!(now["payload"]["document"]["version"], 2);
    let good = house.post("/api/v1/inbox/T-1/decision", &approval(&now)).bearer().send().await;
    assert_eq!(good.status, 200, "{}", good.text);
    let again = house.post("/api/v1/inbox/T-1.d2/decision", &approval(&now)).bearer().send().await;
    assert_eq!(again.status, 200, "the same answer again changes nothing: {}", again.text);
}

#[tokio::test]
async fn a_question_is_shown_and_answered() {
    let house = House::new();
    let (task, _) = house.task("ask me").await;
    let run = house.run(task, Role::Spec).await;
    house.asks(run, "Which colour?").await;
    let asked = house.open_decision().await;
    assert_eq!((&asked["kind"], &asked["title"]), (&json!("question"), &json!("Which colour?")));
    assert_eq!(
        (&asked["payload"]["choices"], &asked["payload"]["run"]),
        (&json!(["yes", "no"]), &json!("T-1.r1"))
    );
    let shown = house.get("/api/v1/runs/T-1.r1").bearer().send().await.json();
    assert_eq!(shown["status"], "waiting");
    for field in [
        "id",
        "handle",
        "task_id",
        "agent_id",
        "workspace_id",
        "role",
        "phase",
        "attempt",
        "runtime",
        "session_id",
        "status",
        "outcome",
        "pid",
        "started_at",
        "finished_at",
        "usage",
    ] {
        assert!(shown.get(field).is_some(), "{field} is missing: {shown}");
    }
    let decide = |body: Value| house.post("/api/v1/inbox/T-1.d1/decision", &body).bearer();
    let wrong = decide(approval(&asked)).send().await;
    assert_eq!((wrong.status, wrong.code().as_str()), (422, "wrong_verdict"));
    let empty = decide(json!({ "verdict": "answer", "payload_hash": asked["payload_hash"], "text": " " }))
        .send()
        .await;
    assert_eq!(empty.code(), "invalid_request");
    let good = decide(json!({ "verdict": "answer", "payload_hash": asked["payload_hash"], "text": "blue" }))
        .send()
        .await;
    assert_eq!(good.status, 200, "{}", good.text);
    let closed = house.get("/api/v1/inbox/T-1.d1").bearer().send().await.json();
    assert_eq!((&closed["state"], &closed["answered"]["text"]), (&json!("answered"), &json!("blue")));
    assert_eq!(house.get("/api/v1/inbox").bearer().send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn each_command_is_carried_out() {
    let house = House::new();
    let (task, _) = house.task("steer me").await;
    let steer = async |body: Value| {
        let got = house.post("/api/v1/tasks/T-1/commands", &body).bearer().send().await;
        assert_eq!(got.status, 200, "{body}: {}", got.text);
        house.get("/api/v1/tasks/T-1").bearer().send().await.json()
    };
    let edited = steer(json!({ "type": "edit", "title": "Steered", "priority": 2 })).await;
    assert_eq!((&edited["title"], &edited["priority"]), (&json!("Steered"), &json!(2)));
    assert_eq!(steer(json!({ "type": "pause" })).await["status"], "paused");
    assert_eq!(steer(json!({ "type": "resume" })).await["paused_by"], Value::Null);
    assert_eq!(
        steer(json!({ "type": "message", "text": "mind the gap" })).await["messages"][0]["text"],
        "mind the gap"
    );
    house.run(task, Role::Spec).await;
    let stopped = steer(json!({ "type": "interrupt", "reason": "wrong way" })).await;
    assert_eq!(stopped["run"], "T-1.r1");
    assert_eq!(steer(json!({ "type": "cancel", "reason": "enough" })).await["status"], "cancelled");
    assert_eq!(steer(json!({ "type": "reopen" })).await["phase"], "spec_clarification");
    assert_eq!(steer(json!({ "type": "complete" })).await["status"], "completed");
    let at = house.get("/api/v1/tasks/T-1?at=1").bearer().send().await.json();
    assert_eq!((&at["version"], &at["title"]), (&json!(1), &json!("steer me")));
}

#[tokio::test]
async fn what_is_wrong_is_said_with_a_stable_code() {
    let house = House::new();
    house.at_gate().await;
    let gone = "00000000-0000-7000-8000-000000000000";
    let unknown_id = format!("/api/v1/tasks/{gone}");
    let gets: [(&str, u16, &str); 15] = [
        ("/api/v1/tasks/T-9", 404, "unknown_task"),
        (&unknown_id, 404, "unknown_task"),
        ("/api/v1/tasks/nonsense", 404, "unknown_task"),
        ("/api/v1/tasks?phase=dev", 422, "invalid_request"),
        ("/api/v1/tasks?limit=x", 422, "invalid_request"),
        ("/api/v1/tasks?after=x", 422, "invalid_request"),
        ("/api/v1/tasks/T-1?at=0", 422, "invalid_request"),
        ("/api/v1/tasks/T-1/events?after=x", 422, "invalid_request"),
        ("/api/v1/runs/T-1.r9", 404, "unknown_run"),
        ("/api/v1/runs/T-1/log", 404, "unknown_run"),
        ("/api/v1/inbox/T-1.d9", 404, "unknown_decision"),
        ("/api/v1/tasks/T-1/files/nothing", 404, "no_such_path"),
        ("/api/v1/tasks/T-1/files/..%2f..%2fetc%2fpasswd", 422, "invalid_request"),
        ("/api/v1/agents/other", 404, "not_found"),
        ("/api/v1/nothing", 404, "not_found"),
    ];
    for (path, status, code) in gets {
        let got = house.get(path).bearer().send().await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{path}");
    }
    let wrong_method = Ask::new(&house, "DELETE", "/api/v1/tasks/T-1").bearer().send().await;
    assert_eq!((wrong_method.status, wrong_method.code().as_str()), (405, "method_not_allowed"));
    assert!(wrong_method.header("allow").contains("GET"), "{:?}", wrong_method.headers);
    let no_json = Ask::new(&house, "POST", "/api/v1/tasks").bearer().form("request=x").send().await;
    assert_eq!((no_json.status, no_json.code().as_str()), (415, "unsupported_media_type"));
    let before = house.head();
    let create = "/api/v1/tasks";
    let steer = "/api/v1/tasks/T-1/commands";
    let posts = [
        (create, json!({ "request": "x" }), 422, "no_agent"),
        (create, json!({ "request": " ", "agent": "fake" }), 422, "invalid_request"),
        (create, json!({ "request": "x", "agent": "fake", "repo": "relative" }), 422, "invalid_request"),
        (create, json!({ "request": "x", "agent": "fake", "unknown": 1 }), 422, "invalid_request"),
        (
            create,
            json!({ "request": "x", "agent": "fake", "depends_on": ["T-9"] }),
            422,
            "unknown_dependency",
        ),
        (create, json!([]), 422, "invalid_request"),
        (steer, json!({ "type": "dance" }), 422, "invalid_request"),
        (steer, json!({ "type": "resume" }), 409, "wrong_state"),
        (steer, json!({ "type": "retry" }), 409, "wrong_state"),
        (steer, json!({ "type": "back", "phase": "review", "reason": "x" }), 409, "wrong_state"),
        (steer, json!({ "type": "interrupt" }), 409, "wrong_state"),
        (steer, json!({ "type": "interrupt", "run": "T-1.r9" }), 404, "unknown_run"),
        ("/api/v1/pods/T-1/restart", json!({}), 409, "nothing_runs"),
        ("/api/v1/pods/T-9/cleanup", json!({}), 404, "unknown_task"),
        ("/api/v1/inbox/T-1.d1/decision", json!({ "verdict": "approve" }), 422, "invalid_request"),
    ];
    for (path, body, status, code) in posts {
        let got = house.post(path, &body).bearer().send().await;
        assert_eq!((got.status, got.code().as_str()), (status, code), "{path} {body}: {}", got.text);
    }
    assert_eq!(house.head(), before, "nothing of that was stored");
}

#[tokio::test]
async fn what_a_page_or_a_form_cannot_use_is_said_with_a_stable_code() {
    let house = House::new();
    house.at_gate().await;
    for path in ["/live", "/live?topics=board&after=x", "/tasks/T-1?run=x", "/tasks/T-1/timeline?at=x"] {
        let got = house.get(path).bearer().send().await;
        assert_eq!((got.status, got.code().as_str()), (422, "invalid_request"), "{path}");
    }
    let got =
        Ask::new(&house, "POST", "/tasks/T-1/decisions/x").bearer().form("verdict=approve").send().await;
    assert_eq!((got.status, got.code().as_str()), (422, "invalid_request"));
    for path in ["/tasks/T-1/decisions/1", "/tasks/T-1/commands", "/tasks/T-1/pod", "/new", "/login"] {
        let got = house.post(path, &json!({})).bearer().header("x-ipa", "1").send().await;
        assert_eq!((got.status, got.code().as_str()), (415, "unsupported_media_type"), "{path}");
    }
}
