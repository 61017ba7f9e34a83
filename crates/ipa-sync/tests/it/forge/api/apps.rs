//! What an app asks for itself: tokens for its installation, and how its webhooks went.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::hooks;
use crate::forge::people::{Scope, Token};
use crate::forge::world::{BOT, World};

/// The one installation there is.
pub(crate) const INSTALLATION: u64 = 7;

pub(crate) fn token(world: &mut World, call: &Call) -> Outcome {
    if call.number("installation_id")? != INSTALLATION {
        return Err(Answer::not_found());
    }
    let secret = format!("ghs_{}", world.next_id());
    let expires = world.now() + SignedDuration::from_hours(1);
    let token = Token { login: BOT.to_owned(), scope: Scope::Installation, expires: Some(expires) };
    world.tokens.insert(secret.clone(), token);
    Answer::created(
        json!({ "token": secret, "expires_at": expires, "permissions": {}, "repository_selection": "all" }),
    )
}

pub(crate) fn deliveries(world: &mut World, call: &Call) -> Outcome {
    let most = call.query("per_page").and_then(|most| most.parse().ok()).unwrap_or(30);
    let before: u64 = call.query("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(u64::MAX);
    let wanted = |code: u16| match call.query("status") {
        Some("success") => code < 400,
        Some("failure") => code >= 400,
        _ => true,
    };
    let sent = world.hooks.sent().filter(|sent| sent.id < before && wanted(sent.code));
    let shown: Vec<Value> = sent.map(|sent| hooks::shown(sent, INSTALLATION)).collect();
    let page: Vec<Value> = shown.iter().take(most).cloned().collect();
    let next = page.last().filter(|_| shown.len() > most).map(|last| last["id"].to_string());
    let answer = Answer::new(200, page.into());
    Ok(match next {
        Some(cursor) => {
            let url = format!("{}/api/v3/app/hook/deliveries?per_page={most}&cursor={cursor}", world.base);
            answer.with("link", format!("<{url}>; rel=\"next\""))
        }
        None => answer,
    })
}

pub(crate) fn redeliver(world: &mut World, call: &Call) -> Outcome {
    let (id, now) = (call.number("delivery_id")?, world.now());
    if !world.hooks.queue_again(id, now) {
        return Err(Answer::not_found());
    }
    Ok(Answer::new(202, json!({})))
}
