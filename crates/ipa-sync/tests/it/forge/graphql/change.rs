//! The mutations.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Walk;
use super::node::{Node, node};
use super::parse::Field;
use crate::forge::model::{Repo, Stage};
use crate::forge::people::{Role, Scope, Who};
use crate::forge::world::World;

/// What a mutation is about, by value: the world is about to change.
#[derive(Debug, Clone)]
struct Target {
    key: String,
    number: u64,
    /// The comment or the thread's first.
    id: u64,
}

pub(super) fn mutate(world: &mut World, walk: &mut Walk<'_>, field: &Field) -> Value {
    let (argument, shown) = match field.name.as_str() {
        "resolveReviewThread" | "unresolveReviewThread" => ("threadId", "thread"),
        "markPullRequestReadyForReview" | "convertPullRequestToDraft" => ("pullRequestId", "pullRequest"),
        "minimizeComment" => ("subjectId", "minimizedComment"),
        other => {
            walk.unknown("Mutation", other);
            return Value::Null;
        }
    };
    let id = input(&field.args, argument);
    let Some(target) = node(world, &id).and_then(|node| target(node, shown)) else {
        let what = format!("Could not resolve to a node with the global id of '{id}'");
        walk.fail("NOT_FOUND", &field.alias, &what);
        return Value::Null;
    };
    if !may(world, &walk.call.who, &target) {
        walk.fail("FORBIDDEN", &field.alias, "Resource not accessible by personal access token");
        return Value::Null;
    }
    let by = walk.call.who.login().to_owned();
    if let Err(message) = change(world, &by, field, &target) {
        walk.fail("UNPROCESSABLE", &field.alias, &message);
        return Value::Null;
    }
    let mut answer = json!({});
    for part in &field.fields {
        answer[&part.alias] = match node(world, &id) {
            _ if part.name == "clientMutationId" => json!(input(&field.args, "clientMutationId")),
            Some(node) if part.name == shown => walk.shown(world, node, &part.fields),
            Some(_) | None => {
                walk.unknown("Payload", &part.name);
                Value::Null
            }
        };
    }
    answer
}

fn change(world: &mut World, by: &str, field: &Field, target: &Target) -> Result<(), String> {
    let Target { key, number, id } = target;
    let Ok(issue) = world.issue_mut(key, *number) else { return Ok(()) };
    match field.name.as_str() {
        "minimizeComment" => {
            let reason = input(&field.args, "classifier").to_lowercase();
            let comment = issue.comments.iter_mut().find(|comment| comment.id == *id);
            if let Some(comment) = comment {
                comment.minimized = Some(reason);
            }
            Ok(())
        }
        "markPullRequestReadyForReview" => set_stage(world, by, target, Stage::Ready),
        "convertPullRequestToDraft" => set_stage(world, by, target, Stage::Draft),
        name => {
            let Some(pull) = issue.pull.as_mut() else { return Ok(()) };
            let is_resolving = name == "resolveReviewThread";
            let was = pull.resolved.remove(id).is_some();
            if is_resolving {
                pull.resolved.insert(*id, by.to_owned());
            }
            if was != is_resolving {
                tell_thread(world, by, target, if is_resolving { "resolved" } else { "unresolved" });
            }
            Ok(())
        }
    }
}

fn set_stage(world: &mut World, by: &str, target: &Target, stage: Stage) -> Result<(), String> {
    let Target { key, number, .. } = target;
    let Ok(issue) = world.issue_mut(key, *number) else { return Ok(()) };
    if issue.closed.is_some() {
        return Err("Pull request is closed".to_owned());
    }
    let Some(pull) = issue.pull.as_mut().filter(|pull| pull.stage != stage) else {
        return if stage == Stage::Ready {
            Err("Pull request is not in a draft state".to_owned())
        } else {
            Ok(())
        };
    };
    pull.stage = stage;
    world.touch(key, *number).ok();
    let action = match stage {
        Stage::Ready => "ready_for_review",
        Stage::Draft => "converted_to_draft",
    };
    world.tell_pull(key, *number, action, by);
    Ok(())
}

fn tell_thread(world: &mut World, by: &str, target: &Target, action: &str) {
    let Target { key, number, id } = target;
    let Ok((repo, issue, pull)) = world.pull(key, *number) else { return };
    let notes = pull.notes.iter().filter(|note| note.id == *id || note.answers == Some(*id));
    let comments: Vec<Value> =
        notes.map(|note| crate::forge::shape::review::note(world, repo, issue, note)).collect();
    let payload = json!({
        "action": action,
        "thread": { "node_id": format!("PRRT_{id}"), "comments": comments },
        "pull_request": crate::forge::shape::pull::simple(world, repo, issue, pull),
    });
    world.tell(key, "pull_request_review_thread", by, payload);
}

fn target(node: Node<'_>, shown: &str) -> Option<Target> {
    let of = |repo: &Repo, number: u64, id: u64| Some(Target { key: repo.full_name(), number, id });
    match (shown, node) {
        ("thread", Node::Thread(repo, issue, _, note)) => of(repo, issue.number, note.id),
        ("pullRequest", Node::Pull(repo, issue, _)) => of(repo, issue.number, issue.id),
        ("minimizedComment", Node::Comment(repo, issue, comment)) => of(repo, issue.number, comment.id),
        _ => None,
    }
}

fn may(world: &World, who: &Who, target: &Target) -> bool {
    let Who::User { login, scope } = who else { return false };
    let is_granted = match scope {
        Scope::Only(permissions) => permissions.iter().any(|one| one == "pull_requests"),
        Scope::All | Scope::Installation => true,
    };
    let repo = world.repos.get(&target.key);
    is_granted && repo.is_some_and(|repo| repo.role(login) >= Some(Role::Collaborator))
}

/// The arguments of a mutation, all in `input`.
fn input(args: &BTreeMap<String, Value>, name: &str) -> String {
    let value = args.get("input").and_then(|input| input.get(name)).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
