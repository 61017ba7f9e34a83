//! Webhooks: which a repository has, how their deliveries went, and to have one sent again.

use serde_json::{Value, json};

use super::apps::INSTALLATION;
use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::hooks;
use crate::forge::model::Hook;
use crate::forge::world::World;
use crate::peer::Sent;

pub(crate) fn list(world: &mut World, call: &Call) -> Outcome {
    let (base, repo) = (world.base.clone(), call.repo());
    let hooks = world.repo_mut(&repo)?.hooks.iter();
    Ok(Answer::new(
        200,
        hooks.map(|hook| hooks::of_repo(hook, &format!("{base}/api/v3/repos/{repo}"))).collect(),
    ))
}

pub(crate) fn deliveries_of_app(world: &mut World, call: &Call) -> Outcome {
    Ok(page(world, call, ("/app/hook/deliveries", Some(INSTALLATION)), |_| true))
}

pub(crate) fn deliveries_of_repo(world: &mut World, call: &Call) -> Outcome {
    let (repo, hook) = found(world, call)?;
    let path = format!("/repos/{}/hooks/{}/deliveries", call.repo(), hook.id);
    Ok(page(world, call, (&path, None), |sent| sent.delivery.about == repo))
}

pub(crate) fn redeliver_of_app(world: &mut World, call: &Call) -> Outcome {
    again(world, call.number("delivery_id")?)
}

pub(crate) fn redeliver_of_repo(world: &mut World, call: &Call) -> Outcome {
    let ((repo, _), id) = (found(world, call)?, call.number("delivery_id")?);
    if !world.hooks.sent().any(|sent| sent.id == id && sent.delivery.about == repo) {
        return Err(Answer::not_found());
    }
    again(world, id)
}

/// The repository's number, and its hook.
fn found(world: &mut World, call: &Call) -> Result<(u64, Hook), Answer> {
    let (repo, number) = (world.repo_mut(&call.repo())?, call.number("hook_id")?);
    let hook = repo.hooks.iter().find(|hook| hook.id == number).cloned();
    Ok((repo.id, hook.ok_or_else(Answer::not_found)?))
}

fn again(world: &mut World, id: u64) -> Outcome {
    let now = world.now();
    if world.hooks.queue_again(id, now) { Ok(Answer::new(202, json!({}))) } else { Err(Answer::not_found()) }
}

/// A page of deliveries, the newest first; the next one is behind a cursor.
fn page(
    world: &World,
    call: &Call,
    (path, installation): (&str, Option<u64>),
    is_asked: impl Fn(&Sent) -> bool,
) -> Answer {
    let most = call.query("per_page").and_then(|most| most.parse().ok()).unwrap_or(30);
    let before: u64 = call.query("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(u64::MAX);
    let wanted = |code: u16| match call.query("status") {
        Some("success") => code < 400,
        Some("failure") => code >= 400,
        _ => true,
    };
    let sent = world.hooks.sent().filter(|sent| sent.id < before && wanted(sent.code) && is_asked(sent));
    let shown: Vec<Value> = sent.map(|sent| hooks::shown(sent, installation)).collect();
    let page: Vec<Value> = shown.iter().take(most).cloned().collect();
    let next = page.last().filter(|_| shown.len() > most).map(|last| last["id"].to_string());
    let answer = Answer::new(200, page.into());
    match next {
        Some(cursor) => {
            let url = format!("{}/api/v3{path}?per_page={most}&cursor={cursor}", world.base);
            answer.with("link", format!("<{url}>; rel=\"next\""))
        }
        None => answer,
    }
}
