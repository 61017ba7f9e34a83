//! Issues, pull requests among them.

use super::{is_since, ordered};
use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::model::Issue;
use crate::forge::shape;
use crate::forge::world::World;

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let repo = world.repo(&call.repo(), &call.who)?;
    let state = call.query("state").unwrap_or("open");
    let labels: Vec<&str> = call.query("labels").into_iter().flat_map(|labels| labels.split(',')).collect();
    let mut found: Vec<&Issue> = repo
        .issues
        .values()
        .filter(|issue| state == "all" || state == shape::issue::state(issue))
        .filter(|issue| labels.iter().all(|label| issue.labels.contains(*label)))
        .filter(|issue| is_since(call, issue.updated))
        .collect();
    ordered(call, &mut found, |issue| (issue.created, issue.number), |issue| (issue.updated, issue.number));
    if call.query("direction").is_none() {
        found.reverse();
    }
    Answer::ok(found.iter().map(|issue| shape::issue::full(world, repo, issue)).collect())
}

pub(crate) fn look(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue) = world.issue(&call.repo(), call.number("issue_number")?)?;
    Answer::ok(shape::issue::full(world, repo, issue))
}
