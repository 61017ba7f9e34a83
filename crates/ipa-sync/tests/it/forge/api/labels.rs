//! The labels of an issue.

use serde_json::Value;

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::shape;
use crate::forge::world::{News, World};

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let (repo, issue) = world.issue(&call.repo(), call.number("issue_number")?)?;
    Answer::ok(shape::issue::labels(world, repo, issue).into())
}

pub(crate) fn add(world: &mut World, call: &Call) -> Outcome {
    let (key, number) = (call.repo(), call.number("issue_number")?);
    world.issue(&key, number)?;
    // GitHub takes an object and a bare list.
    let bare = call.body.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    for label in call.texts("labels").into_iter().chain(bare) {
        let id = world.next_id();
        world.repo_mut(&key)?.labels.entry(label.clone()).or_insert(id);
        if world.issue_mut(&key, number)?.labels.insert(label.clone()) {
            changed(world, call, "labeled", &label)?;
        }
    }
    list(world, call)
}

pub(crate) fn remove(world: &mut World, call: &Call) -> Outcome {
    let issue = world.issue_mut(&call.repo(), call.number("issue_number")?)?;
    if !issue.labels.remove(call.param("name")) {
        return Err(Answer::message(404, "Label does not exist"));
    }
    changed(world, call, "unlabeled", call.param("name"))?;
    list(world, call)
}

fn changed(world: &mut World, call: &Call, action: &'static str, label: &str) -> Result<(), Answer> {
    let (key, number) = (call.repo(), call.number("issue_number")?);
    world.touch(&key, number)?;
    let repo = world.repo(&key, &call.who)?;
    let news = News::new(action, [("label", shape::issue::label(world, repo, label))]);
    world.tell_pull(&key, number, news, call.who.login());
    Ok(())
}
