//! Commit statuses.

use serde_json::json;

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::Status;
use crate::forge::shape;
use crate::forge::world::World;

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, commit) = (call.repo(), call.param("sha").to_owned());
    if !world.repo(&key, &call.who)?.git.has_commit(&commit) {
        return Err(Answer::message(422, &format!("No commit found for SHA: {commit}")));
    }
    let text = |name: &str| call.text(name).map(str::to_owned);
    let status = Status {
        id: world.next_id(),
        commit,
        state: text("state").unwrap_or_default(),
        context: text("context").unwrap_or_else(|| "default".to_owned()),
        description: text("description"),
        target: text("target_url"),
        user: call.who.login().to_owned(),
        at: world.now(),
    };
    let repo = world.repo(&key, &call.who)?;
    let shown = shape::check::status(world, repo, &status);
    let payload = json!({
        "id": status.id, "sha": status.commit, "name": key, "state": status.state, "context": status.context,
        "description": status.description, "target_url": status.target, "branches": [],
        "created_at": status.at, "updated_at": status.at, "commit": { "sha": status.commit },
        "avatar_url": shown["avatar_url"],
    });
    world.repo_mut(&key)?.statuses.push(status);
    world.tell(&key, "status", call.who.login(), payload);
    Answer::created(shown)
}

pub(crate) fn combined(world: &mut World, call: &Call) -> Outcome {
    let repo = world.repo(&call.repo(), &call.who)?;
    let commit = call.param("ref");
    if !repo.git.has_commit(commit) {
        return Err(Answer::not_found());
    }
    Answer::ok(shape::check::combined(world, repo, commit))
}
