//! Who is asked for a review.

use serde_json::{Value, json};

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::people::Role;
use crate::forge::shape;
use crate::forge::world::{News, World};

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let (_, _, pull) = world.pull(&call.repo(), call.number("pull_number")?)?;
    let users: Vec<Value> = pull.reviewers.iter().map(|login| shape::user::simple(world, login)).collect();
    Answer::ok(json!({ "users": users, "teams": [] }))
}

pub(crate) fn request(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("pull_number")?);
    let (repo, issue, _) = world.pull(&key, number)?;
    let logins = call.texts("reviewers");
    if logins.contains(&issue.user) {
        return Err(Answer::message(422, "Review cannot be requested from pull request author."));
    }
    if logins.iter().any(|login| repo.role(login) < Some(Role::Collaborator)) {
        let message = format!(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified \
             is not a collaborator of the {key} repository."
        );
        return Err(Answer::message(422, &message));
    }
    for login in logins {
        let news =
            News::new("review_requested", [("requested_reviewer", shape::user::simple(world, &login))]);
        if world.pull_mut(&key, number)?.reviewers.insert(login) {
            world.touch(&key, number)?;
            world.tell_pull(&key, number, news, call.who.login());
        }
    }
    let (repo, issue, pull) = world.pull(&key, number)?;
    Answer::created(shape::pull::simple(world, repo, issue, pull))
}
