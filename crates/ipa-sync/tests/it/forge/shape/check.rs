//! Check runs, statuses and the jobs of CI.

use serde_json::{Value, json};

use super::{repo, user};
use crate::forge::model::{App, Check, Issue, Job, Repo, Status};
use crate::forge::world::{BOT, World};

pub(crate) fn run(world: &World, of: &Repo, check: &Check) -> Value {
    let api = repo::api(world, of);
    let url = format!("{api}/check-runs/{}", check.id);
    let html = format!("{}/runs/{}", repo::html(world, of), check.id);
    let about = of.issues.values().filter_map(|issue| minimal(world, of, issue, &check.commit));
    json!({
        "id": check.id,
        "node_id": format!("CR_{}", check.id),
        "name": check.name,
        "head_sha": check.commit,
        "external_id": check.external_id,
        "url": url,
        "html_url": html,
        "details_url": html,
        "status": check.status,
        "conclusion": check.conclusion,
        "started_at": check.started,
        "completed_at": check.completed,
        "output": {
            "title": check.title,
            "summary": check.summary,
            "text": check.text,
            "annotations_count": 0,
            "annotations_url": format!("{url}/annotations"),
        },
        "check_suite": { "id": suite(check) },
        "app": app(world, check.app),
        "pull_requests": about.collect::<Vec<_>>(),
    })
}

/// One suite for an app and commit would be GitHub's; here each check has its own.
fn suite(check: &Check) -> u64 {
    check.id + 1_000_000
}

fn minimal(world: &World, of: &Repo, issue: &Issue, commit: &str) -> Option<Value> {
    let pull = issue.pull.as_ref().filter(|pull| pull.head.commit == commit && issue.closed.is_none())?;
    let api = repo::api(world, of);
    let here = json!({ "id": of.id, "url": api, "name": of.name });
    Some(json!({
        "id": issue.id,
        "number": issue.number,
        "url": format!("{api}/pulls/{}", issue.number),
        "head": { "ref": pull.head.branch, "sha": pull.head.commit, "repo": here },
        "base": { "ref": pull.base.branch, "sha": pull.base.commit, "repo": here },
    }))
}

fn app(world: &World, app: App) -> Value {
    let (id, slug, name) = match app {
        App::Ours => (OUR_APP, "ipa-bot", "ipa"),
        App::Actions => (15368, "github-actions", "GitHub Actions"),
    };
    json!({
        "id": id,
        "slug": slug,
        "node_id": format!("A_{id}"),
        "owner": user::simple(world, BOT),
        "name": name,
        "description": "",
        "external_url": format!("{}/apps/{slug}", world.base),
        "html_url": format!("{}/apps/{slug}", world.base),
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2020-01-01T00:00:00Z",
        "permissions": { "checks": "write" },
        "events": [],
    })
}

/// The id of the one app that is ours.
pub(crate) const OUR_APP: u64 = 77;

/// A status, as its own creation answers it.
pub(crate) fn status(world: &World, of: &Repo, status: &Status) -> Value {
    let mut shown = simple_status(world, of, status);
    shown["creator"] = user::simple(world, &status.user);
    shown
}

/// A status in the combined list.
pub(crate) fn simple_status(world: &World, of: &Repo, status: &Status) -> Value {
    json!({
        "id": status.id,
        "node_id": format!("SC_{}", status.id),
        "url": format!("{}/statuses/{}", repo::api(world, of), status.commit),
        "avatar_url": format!("{}/avatars/{}", world.base, status.id),
        "state": status.state,
        "context": status.context,
        "description": status.description,
        "target_url": status.target,
        "created_at": status.at,
        "updated_at": status.at,
    })
}

pub(crate) fn combined(world: &World, of: &Repo, commit: &str) -> Value {
    let statuses = of.latest_statuses(commit);
    let has = |states: &[&str]| statuses.iter().any(|status| states.contains(&status.state.as_str()));
    let state = match () {
        () if has(&["failure", "error"]) => "failure",
        () if statuses.is_empty() || has(&["pending"]) => "pending",
        () => "success",
    };
    let api = repo::api(world, of);
    json!({
        "state": state,
        "sha": commit,
        "total_count": statuses.len(),
        "statuses": statuses.iter().map(|status| simple_status(world, of, status)).collect::<Vec<_>>(),
        "repository": repo::full(world, of),
        "commit_url": format!("{api}/commits/{commit}"),
        "url": format!("{api}/commits/{commit}/status"),
    })
}

/// A job of CI, with the state of its check run.
pub(crate) fn job(world: &World, of: &Repo, job: &Job, check: &Check) -> Value {
    let api = repo::api(world, of);
    json!({
        "id": job.id,
        "node_id": format!("CR_{}", job.id),
        "run_id": job.run,
        "run_url": format!("{api}/actions/runs/{}", job.run),
        "head_sha": check.commit,
        "head_branch": null,
        "url": format!("{api}/actions/jobs/{}", job.id),
        "html_url": format!("{}/actions/runs/{}/job/{}", repo::html(world, of), job.run, job.id),
        "check_run_url": format!("{api}/check-runs/{}", check.id),
        "status": check.status,
        "conclusion": check.conclusion,
        "created_at": check.started,
        "started_at": check.started,
        "completed_at": check.completed,
        "name": check.name,
        "workflow_name": "CI",
        "labels": ["ubuntu-latest"],
        "runner_id": 1,
        "runner_name": "runner",
        "runner_group_id": 1,
        "runner_group_name": "default",
        "steps": [],
    })
}
