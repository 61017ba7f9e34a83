//! What the API shows: records that cannot be read, files, the smaller lists, and that both ends read the same.

use ipa_events::Role;
use ipa_events::store::AppendFault;
use ipa_server::wire;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::House;

#[tokio::test]
async fn a_store_that_cannot_be_written_is_503_and_can_still_be_read() {
    let house = House::new();
    house.at_gate().await;
    house.memory.fail_next_append(AppendFault::Unavailable);
    let got = house.post("/api/v1/tasks/T-1/commands", &json!({ "type": "pause" })).bearer().send().await;
    assert_eq!((got.status, got.code().as_str()), (503, "store_unavailable"));
    assert_eq!(house.get("/api/v1/tasks/T-1").bearer().send().await.status, 200);
    assert_eq!(house.get("/readyz").bearer().send().await.status, 200);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_shown_and_stops_its_task_alone() {
    let house = House::new();
    house.at_gate().await;
    house.task("another").await;
    let events = house.engine.events(ipa_events::store::Position::ZERO, 100).await.unwrap();
    let last = events.iter().rfind(|raw| raw.version.get() > 2).unwrap();
    let mut record = last.record.clone();
    record.kind = "task.teleported".to_owned();
    house.memory.replace(last.position, record);
    let shown = house.get("/api/v1/tasks/T-1/events?limit=1000").bearer().send().await.json();
    let broken: Vec<&Value> =
        shown["items"].as_array().unwrap().iter().filter(|it| it.get("unreadable").is_some()).collect();
    assert_eq!((broken.len(), &broken[0]["type"]), (1, &json!("task.teleported")));
    // A snapshot stands for what came before it; a replay does not get past the record.
    let got = house.get("/api/v1/tasks/T-1?at=1000").bearer().send().await;
    assert_eq!((got.status, got.code().as_str()), (409, "parked"));
    assert_eq!(house.get("/api/v1/tasks/T-2").bearer().send().await.status, 200);
    assert_eq!(house.get("/api/v1/tasks").bearer().send().await.status, 200);
    assert_eq!(house.get("/api/v1/sync").bearer().send().await.status, 200);
}

#[tokio::test]
async fn files_folders_and_the_difference_are_shown() {
    let house = House::new();
    house.at_gate().await;
    let show =
        async |path: &str| house.get(&format!("/api/v1/tasks/T-1/{path}")).bearer().send().await.json();
    assert_eq!(show("files").await["entries"][0]["name"], "src");
    assert_eq!(show("files/").await["schema"], "ipa.listing/v1");
    let file = show("files/README.md").await;
    assert_eq!((&file["schema"], &file["text"]), (&json!("ipa.file/v1"), &json!("hello")));
    assert_eq!(show("files/src").await["entries"][0]["name"], "a b.rs");
    assert_eq!(show("files/src/a%20b.rs").await["text"], "//");
    let diff = show("diff").await;
    assert_eq!((&diff["files"][0]["path"], &diff["files"][0]["added"]), (&json!("README.md"), &json!(1)));
}

#[tokio::test]
async fn the_smaller_lists_are_there() {
    let house = House::new();
    house.at_gate().await;
    let agents = house.get("/api/v1/agents").bearer().send().await.json();
    assert_eq!((&agents["items"][0]["name"], &agents["items"][0]["works"]), (&json!("fake"), &json!(true)));
    for list in ["pods", "workspaces", "sync"] {
        let got = house.get(&format!("/api/v1/{list}")).bearer().send().await;
        assert_eq!((got.status, &got.json()["items"]), (200, &json!([])), "{list}");
    }
    let why = house.get("/api/v1/tasks/T-1/why").bearer().send().await.json();
    assert_eq!(why["decisions"], json!(["T-1.d1"]));
    assert!(why["reason"].as_str().unwrap().contains("approve spec v1"), "{why}");
}

#[tokio::test]
async fn what_is_answered_reads_back_as_it_was_written() {
    async fn check<T: Serialize + DeserializeOwned>(house: &House, path: &str) {
        let got = house.get(path).bearer().send().await;
        let read: T = serde_json::from_str(&got.text).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(serde_json::to_value(&read).unwrap(), got.json(), "{path}");
    }
    let house = House::new();
    house.at_gate().await;
    let run = house.run(house.task("ask me").await.0, Role::Spec).await;
    house.asks(run, "Which colour?").await;
    house.log.text("hello");
    check::<wire::Single<wire::TaskDetail>>(&house, "/api/v1/tasks/T-1").await;
    check::<wire::List<wire::Task>>(&house, "/api/v1/tasks?limit=1").await;
    check::<wire::List<wire::Decision>>(&house, "/api/v1/inbox").await;
    check::<wire::List<wire::EventRecord>>(&house, "/api/v1/tasks/T-1/events").await;
    check::<wire::Single<wire::Run>>(&house, "/api/v1/runs/T-2.r1").await;
    check::<wire::Single<wire::Why>>(&house, "/api/v1/tasks/T-2/why").await;
    check::<wire::Single<wire::DiffSet>>(&house, "/api/v1/tasks/T-1/diff").await;
    check::<wire::Single<wire::Listing>>(&house, "/api/v1/tasks/T-1/files").await;
    check::<wire::Single<wire::FileView>>(&house, "/api/v1/tasks/T-1/files/README.md").await;
    check::<wire::List<wire::AgentRow>>(&house, "/api/v1/agents").await;
    check::<wire::LogEntry>(&house, "/api/v1/runs/T-2.r1/log").await;
    check::<wire::Problem>(&house, "/api/v1/tasks/T-9").await;
    for code in wire::Code::ALL {
        assert_eq!(code.as_str().parse(), Ok(*code));
    }
}
