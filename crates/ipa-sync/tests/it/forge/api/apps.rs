//! What an app asks for itself: tokens for its installation.

use jiff::SignedDuration;
use serde_json::json;

use crate::forge::call::{Answer, Call, Outcome};
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
