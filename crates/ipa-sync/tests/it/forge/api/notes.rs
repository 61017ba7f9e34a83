//! Comments on lines and the answers to them: the threads of a review.

use serde_json::{Value, json};

use super::reviews::{self, Said};
use super::{body_of, is_since, ordered};
use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::{Note, Verdict};
use crate::forge::shape;
use crate::forge::world::World;

const RESOURCE: &str = "PullRequestReviewComment";

/// A comment that somebody wants to make.
pub(crate) struct NewNote {
    path: String,
    line: u64,
    body: String,
    commit: String,
    review: Option<u64>,
    answers: Option<u64>,
}

impl NewNote {
    pub(crate) fn read(body: &Value, commit: &str) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            path: text("path"),
            line: body.get("line").and_then(Value::as_u64).unwrap_or_default(),
            body: text("body"),
            commit: commit.to_owned(),
            review: None,
            answers: None,
        }
    }

    pub(crate) fn with_review(self, review: u64) -> Self {
        Self { review: Some(review), ..self }
    }
}

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue, pull) = world.pull(&call.repo(), call.number("pull_number")?)?;
    let mut found: Vec<&Note> = pull.notes.iter().filter(|note| is_since(call, note.updated)).collect();
    ordered(call, &mut found, |note| (note.created, note.id), |note| (note.updated, note.id));
    Answer::ok(found.iter().map(|note| shape::review::note(world, repo, issue, note)).collect())
}

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    body_of(call, RESOURCE)?;
    if let Some(root) = call.body.get("in_reply_to").and_then(Value::as_u64) {
        return answered(world, call, root);
    }
    let new = NewNote::read(&call.body, call.text("commit_id").unwrap_or_default());
    let id = add(world, &key, number, call.who.login(), new)?;
    shown(world, &key, number, id)
}

pub(crate) fn reply(world: &mut World, call: &Call) -> Outcome {
    body_of(call, RESOURCE)?;
    answered(world, call, call.number("comment_id")?)
}

/// Answers the first comment of a thread; answers to answers there are none.
fn answered(world: &mut World, call: &Call, root: u64) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    let (_, _, pull) = world.pull(&key, number)?;
    let first = pull.notes.iter().find(|note| note.id == root && note.answers.is_none());
    let first = first.ok_or_else(Answer::not_found)?;
    let new = NewNote {
        path: first.path.clone(),
        line: first.line,
        body: call.text("body").unwrap_or_default().to_owned(),
        commit: first.commit.clone(),
        review: None,
        answers: Some(root),
    };
    let id = add(world, &key, number, call.who.login(), new)?;
    shown(world, &key, number, id)
}

/// Adds a comment and returns its id. Alone, it gets a review of its own, as on GitHub.
pub(crate) fn add(world: &mut World, key: &str, number: u64, by: &str, new: NewNote) -> Result<u64, Answer> {
    let (repo, _, pull) = world.pull(key, number)?;
    let hunk = match new.answers.and_then(|root| pull.notes.iter().find(|note| note.id == root)) {
        Some(first) => first.hunk.clone(),
        None => repo.git.hunk(&pull.base.commit, &new.commit, &new.path, new.line).ok_or_else(|| {
            Answer::refused(RESOURCE, "Pull request review thread line must be part of the diff")
        })?,
    };
    let (commit, head) = (new.commit.clone(), pull.head.commit.clone());
    let review = match new.review {
        Some(review) => review,
        None => {
            let said =
                Said { by: by.to_owned(), verdict: Verdict::Commented, body: String::new(), commit: head };
            reviews::add(world, key, number, said)?
        }
    };
    let (id, now) = (world.next_id(), world.now());
    let note = Note {
        id,
        review,
        answers: new.answers,
        user: by.to_owned(),
        body: new.body,
        path: new.path,
        line: new.line,
        hunk,
        commit,
        created: now,
        updated: now,
    };
    world.pull_mut(key, number)?.notes.push(note);
    world.touch(key, number)?;
    tell(world, key, number, id, by);
    Ok(id)
}

fn tell(world: &mut World, key: &str, number: u64, id: u64, by: &str) {
    let Ok((repo, issue, pull)) = world.pull(key, number) else { return };
    let Some(note) = pull.notes.iter().find(|note| note.id == id) else { return };
    let payload = json!({
        "action": "created",
        "comment": shape::review::note(world, repo, issue, note),
        "pull_request": shape::pull::simple(world, repo, issue, pull),
    });
    world.tell(key, "pull_request_review_comment", by, payload);
}

fn shown(world: &World, key: &str, number: u64, id: u64) -> Outcome {
    let (repo, issue, pull) = world.pull(key, number)?;
    let note = pull.notes.iter().find(|note| note.id == id).ok_or_else(Answer::not_found)?;
    Answer::created(shape::review::note(world, repo, issue, note))
}
