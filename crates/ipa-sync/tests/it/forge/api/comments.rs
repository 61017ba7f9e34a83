//! The comments of a conversation.

use serde_json::{Value, json};

use super::{body_of, is_since};
use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::{Comment, Issue, Repo};
use crate::forge::people::Role;
use crate::forge::shape;
use crate::forge::world::World;

const RESOURCE: &str = "IssueComment";

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue) = world.issue(&call.repo(), call.number("issue_number")?)?;
    let found = issue.comments.iter().filter(|comment| is_since(call, comment.updated));
    Answer::ok(found.map(|comment| shape::issue::comment(world, repo, issue, comment)).collect())
}

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("issue_number")?);
    let by = call.who.login().to_owned();
    let (repo, issue) = world.issue(&key, number)?;
    if issue.locked && repo.role(&by) < Some(Role::Collaborator) {
        return Err(Answer::message(403, "Unable to create comment because issue is locked."));
    }
    let body = body_of(call, RESOURCE)?;
    let (id, now) = (world.next_id(), world.now());
    let comment = Comment { id, user: by, body, created: now, updated: now, minimized: None };
    world.issue_mut(&key, number)?.comments.push(comment);
    world.touch(&key, number)?;
    tell(world, call, id, json!({ "action": "created" }));
    let (repo, issue, comment) = found(world, call, id)?;
    Answer::created(shape::issue::comment(world, repo, issue, comment))
}

pub(crate) fn look(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue, comment) = found(world, call, call.number("comment_id")?)?;
    Answer::ok(shape::issue::comment(world, repo, issue, comment))
}

pub(crate) fn edit(world: &mut World, call: &Call) -> Outcome {
    let id = call.number("comment_id")?;
    let number = mine(world, call, id)?;
    let body = body_of(call, RESOURCE)?;
    let now = world.now();
    let comments = &mut world.issue_mut(&call.repo(), number)?.comments;
    if let Some(comment) = comments.iter_mut().find(|comment| comment.id == id && comment.body != body) {
        let before = std::mem::replace(&mut comment.body, body);
        comment.updated = now;
        world.touch(&call.repo(), number)?;
        let more = json!({ "action": "edited", "changes": { "body": { "from": before } } });
        tell(world, call, id, more);
    }
    look(world, call)
}

pub(crate) fn delete(world: &mut World, call: &Call) -> Outcome {
    let id = call.number("comment_id")?;
    let number = mine(world, call, id)?;
    tell(world, call, id, json!({ "action": "deleted" }));
    world.issue_mut(&call.repo(), number)?.comments.retain(|comment| comment.id != id);
    world.touch(&call.repo(), number)?;
    Answer::no_content()
}

/// The number of the issue, if the one who asks may change the comment.
fn mine(world: &World, call: &Call, id: u64) -> Result<u64, Answer> {
    let (repo, issue, comment) = found(world, call, id)?;
    let by = call.who.login();
    if comment.user != by && repo.role(by) < Some(Role::Collaborator) {
        return Err(Answer::message(403, "Must have admin rights to Repository."));
    }
    Ok(issue.number)
}

fn found<'a>(world: &'a World, call: &Call, id: u64) -> Result<(&'a Repo, &'a Issue, &'a Comment), Answer> {
    let repo = world.repo(&call.repo(), &call.who)?;
    let of = |issue: &'a Issue| Some((issue, issue.comments.iter().find(|comment| comment.id == id)?));
    let (issue, comment) = repo.issues.values().find_map(of).ok_or_else(Answer::not_found)?;
    Ok((repo, issue, comment))
}

fn tell(world: &mut World, call: &Call, id: u64, mut payload: Value) {
    let Ok((repo, issue, comment)) = found(world, call, id) else { return };
    payload["issue"] = shape::issue::full(world, repo, issue);
    payload["comment"] = shape::issue::comment(world, repo, issue, comment);
    world.tell(&call.repo(), "issue_comment", call.who.login(), payload);
}
