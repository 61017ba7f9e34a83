//! Issues, pull requests among them.

use std::collections::BTreeSet;

use super::{is_since, not_too_long, ordered};
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

pub(crate) fn create(world: &mut World, call: &Call) -> Outcome {
    let (key, by) = (call.repo(), call.who.login().to_owned());
    let Some(title) = call.text("title").filter(|title| !title.trim().is_empty()) else {
        return Err(Answer::invalid_field("Issue", "title", "missing_field"));
    };
    not_too_long(call.text("body").unwrap_or_default(), "Issue")?;
    let number = world.repo(&key, &call.who)?.next_number();
    let (id, now) = (world.next_id(), world.now());
    let issue = Issue {
        id,
        number,
        user: by,
        title: title.to_owned(),
        body: call.text("body").map(str::to_owned),
        // Who may not push sets no labels, and is not told.
        labels: BTreeSet::new(),
        comments: Vec::new(),
        created: now,
        updated: now,
        closed: None,
        locked: false,
        pull: None,
    };
    world.repo_mut(&key)?.issues.insert(number, issue);
    let (repo, issue) = world.issue(&key, number)?;
    Answer::created(shape::issue::full(world, repo, issue))
}

pub(crate) fn edit(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("issue_number")?);
    not_too_long(call.text("body").unwrap_or_default(), "Issue")?;
    let now = world.now();
    let issue = world.issue_mut(&key, number)?;
    let before = (issue.title.clone(), issue.body.clone(), issue.closed.is_some());
    if let Some(title) = call.text("title") {
        title.clone_into(&mut issue.title);
    }
    if let Some(body) = call.text("body") {
        issue.body = Some(body.to_owned());
    }
    match call.text("state") {
        Some("closed") => issue.closed = issue.closed.or(Some(now)),
        Some("open") => issue.closed = None,
        Some(_) | None => {}
    }
    if (issue.title.clone(), issue.body.clone(), issue.closed.is_some()) != before {
        world.touch(&key, number)?;
    }
    look(world, call)
}

pub(crate) fn look(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue) = world.issue(&call.repo(), call.number("issue_number")?)?;
    Answer::ok(shape::issue::full(world, repo, issue))
}
