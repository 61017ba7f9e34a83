//! Reviews: list, give, dismiss.

use serde_json::{Value, json};

use super::notes::{self, NewNote};
use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::{Review, Verdict};
use crate::forge::shape;
use crate::forge::world::World;

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue, pull) = world.pull(&call.repo(), call.number("pull_number")?)?;
    let shown = pull.reviews.iter().map(|review| shape::review::review(world, repo, issue, review));
    Answer::ok(shown.collect())
}

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    let by = call.who.login().to_owned();
    let (_, issue, pull) = world.pull(&key, number)?;
    let verdict = verdict_of(call)?;
    if issue.user == by && verdict != Verdict::Commented {
        let act = if verdict == Verdict::Approved { "approve" } else { "request changes on" };
        return Err(refused(&format!("Can not {act} your own pull request")));
    }
    let comments = call.body.get("comments").and_then(Value::as_array).cloned().unwrap_or_default();
    let body = call.text("body").unwrap_or_default().to_owned();
    if verdict != Verdict::Approved && body.is_empty() && comments.is_empty() {
        return Err(refused("Body can't be blank"));
    }
    let commit = call.text("commit_id").unwrap_or(&pull.head.commit).to_owned();
    let review = add(world, &key, number, Said { by: by.clone(), verdict, body, commit: commit.clone() })?;
    for comment in &comments {
        let new = NewNote::read(comment, &commit).with_review(review);
        if let Err(refusal) = notes::add(world, &key, number, &by, new) {
            world.pull_mut(&key, number)?.reviews.retain(|other| other.id != review);
            return Err(refused(refusal.body["errors"][0]["message"].as_str().unwrap_or_default()));
        }
    }
    world.pull_mut(&key, number)?.reviewers.remove(&by);
    tell(world, (&key, number), review, "submitted", &by);
    let (repo, issue, pull) = world.pull(&key, number)?;
    let review = pull.reviews.iter().find(|other| other.id == review).ok_or_else(Answer::not_found)?;
    Answer::ok(shape::review::review(world, repo, issue, review))
}

/// What a review says.
pub(crate) struct Said {
    pub(crate) by: String,
    pub(crate) verdict: Verdict,
    pub(crate) body: String,
    pub(crate) commit: String,
}

/// Adds a review and returns its id.
pub(crate) fn add(world: &mut World, key: &str, number: u64, said: Said) -> Result<u64, Answer> {
    let (id, submitted) = (world.next_id(), world.now());
    let Said { by: user, verdict, body, commit } = said;
    world.pull_mut(key, number)?.reviews.push(Review { id, user, verdict, body, commit, submitted });
    world.touch(key, number)?;
    Ok(id)
}

/// Takes a review's weight away.
pub(crate) fn dismiss(world: &mut World, key: &str, number: u64, id: u64, by: &str) -> Result<(), Answer> {
    let review = world.pull_mut(key, number)?.reviews.iter_mut().find(|review| review.id == id);
    review.ok_or_else(Answer::not_found)?.verdict = Verdict::Dismissed;
    world.touch(key, number)?;
    tell(world, (key, number), id, "dismissed", by);
    Ok(())
}

fn tell(world: &mut World, (key, number): (&str, u64), id: u64, action: &str, by: &str) {
    let Ok((repo, issue, pull)) = world.pull(key, number) else { return };
    let Some(review) = pull.reviews.iter().find(|review| review.id == id) else { return };
    let mut shown = shape::review::review(world, repo, issue, review);
    // Webhooks write the verdict in small letters.
    shown["state"] = review.verdict.written().to_lowercase().into();
    let about = shape::pull::simple(world, repo, issue, pull);
    let payload = json!({ "action": action, "review": shown, "pull_request": about });
    world.tell(key, "pull_request_review", by, payload);
}

fn verdict_of(call: &Call) -> Result<Verdict, Answer> {
    match call.text("event") {
        Some("APPROVE") => Ok(Verdict::Approved),
        Some("REQUEST_CHANGES") => Ok(Verdict::ChangesRequested),
        Some("COMMENT") => Ok(Verdict::Commented),
        _ => Err(refused("a review without an event stays pending, which is not simulated")),
    }
}

fn refused(message: &str) -> Answer {
    let mut answer = Answer::message(422, "Unprocessable Entity");
    answer.body["errors"] = json!([message]);
    answer
}
