//! Check runs: an app's own, and those of CI.

use serde_json::{Value, json};

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::{App, Check};
use crate::forge::shape;
use crate::forge::shape::check::OUR_APP;
use crate::forge::world::World;

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, commit) = (call.repo(), call.text("head_sha").unwrap_or_default().to_owned());
    if !world.repo(&key, &call.who)?.git.has_commit(&commit) {
        return Err(Answer::message(422, &format!("No commit found for SHA: {commit}")));
    }
    let (id, started) = (world.next_id(), world.now());
    let mut check = Check {
        id,
        name: call.text("name").unwrap_or_default().to_owned(),
        commit,
        status: "queued".to_owned(),
        conclusion: None,
        external_id: String::new(),
        title: None,
        summary: None,
        text: None,
        started,
        completed: None,
        app: App::Ours,
    };
    fill(&mut check, call, started)?;
    add(world, &key, check, call.who.login())?;
    shown(world, &key, id, 201)
}

pub(crate) fn edit(world: &mut World, call: &Call) -> Outcome {
    let (key, id, now) = (call.repo(), call.number("check_run_id")?, world.now());
    let checks = &mut world.repo_mut(&key)?.checks;
    let check = checks.iter_mut().find(|check| check.id == id).ok_or_else(Answer::not_found)?;
    if check.app != App::Ours {
        return Err(Answer::message(
            403,
            "Invalid app_id `77` - check run can only be modified by the GitHub App that created it.",
        ));
    }
    fill(check, call, now)?;
    tell(world, &key, id, call.who.login());
    shown(world, &key, id, 200)
}

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let repo = world.repo(&call.repo(), &call.who)?;
    let commit = call.param("ref");
    let wanted = |name: &str, value: &str| call.query(name).is_none_or(|wanted| wanted == value);
    let all = call.query("filter") == Some("all");
    let checks: Vec<&Check> = if all {
        repo.checks.iter().filter(|check| check.commit == commit).collect()
    } else {
        repo.latest_checks(commit)
    };
    let found: Vec<Value> = checks
        .into_iter()
        .filter(|check| wanted("check_name", &check.name) && wanted("status", &check.status))
        .map(|check| shape::check::run(world, repo, check))
        .filter(|shown| wanted("app_id", &shown["app"]["id"].to_string()))
        .collect();
    Answer::ok(json!({ "total_count": found.len(), "check_runs": found }))
}

/// Adds a check run and tells it.
pub(crate) fn add(world: &mut World, key: &str, check: Check, by: &str) -> Result<(), Answer> {
    let id = check.id;
    world.repo_mut(key)?.checks.push(check);
    tell(world, key, id, by);
    Ok(())
}

fn fill(check: &mut Check, call: &Call, now: jiff::Timestamp) -> Result<(), Answer> {
    let take = |name: &str, field: &mut String| {
        if let Some(text) = call.text(name) {
            text.clone_into(field);
        }
    };
    take("name", &mut check.name);
    take("external_id", &mut check.external_id);
    take("status", &mut check.status);
    if let Some(conclusion) = call.text("conclusion") {
        // A conclusion completes it, whatever the status says.
        check.conclusion = Some(conclusion.to_owned());
        "completed".clone_into(&mut check.status);
    }
    if check.status == "completed" && check.conclusion.is_none() {
        return Err(Answer::invalid_field("CheckRun", "conclusion", "missing_field"));
    }
    check.completed = (check.status == "completed").then_some(check.completed.unwrap_or(now));
    if let Some(output) = call.body.get("output") {
        let part = |name: &str| output.get(name).and_then(Value::as_str).map(str::to_owned);
        check.title = part("title").or_else(|| check.title.take());
        (check.summary, check.text) = (part("summary"), part("text"));
    }
    Ok(())
}

/// Queues the webhooks of a check run; GitHub tells the suite's end too.
fn tell(world: &mut World, key: &str, id: u64, by: &str) {
    let Ok(repo) = world.repo_mut(key) else { return };
    let Some(check) = repo.checks.iter().find(|check| check.id == id).cloned() else { return };
    let Some(repo) = world.repos.get(key) else { return };
    let shown = shape::check::run(world, repo, &check);
    let is_over = check.status == "completed";
    let action = if is_over { "completed" } else { "created" };
    let suite = json!({
        "id": shown["check_suite"]["id"],
        "head_sha": check.commit,
        "status": check.status,
        "conclusion": check.conclusion,
        "app": { "id": if check.app == App::Ours { OUR_APP } else { 15368 } },
        "pull_requests": shown["pull_requests"],
    });
    world.tell(key, "check_run", by, json!({ "action": action, "check_run": shown }));
    if is_over {
        world.tell(key, "check_suite", by, json!({ "action": "completed", "check_suite": suite }));
    }
}

fn shown(world: &World, key: &str, id: u64, status: u16) -> Outcome {
    let repo = world.repos.get(key).ok_or_else(Answer::not_found)?;
    let check = repo.checks.iter().find(|check| check.id == id).ok_or_else(Answer::not_found)?;
    Ok(Answer::new(status, shape::check::run(world, repo, check)))
}
