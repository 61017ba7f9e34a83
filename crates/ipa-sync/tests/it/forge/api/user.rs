//! Who one is, what one sees, how much one may still ask.

use serde_json::json;

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::shape;
use crate::forge::world::World;

pub(crate) fn me(world: &mut World, call: &Call) -> Outcome {
    if call.who.is_installation() {
        return Err(Answer::message(403, "Resource not accessible by integration"));
    }
    Answer::ok(shape::user::public(world, call.who.login()))
}

pub(crate) fn repo(world: &mut World, call: &Call) -> Outcome {
    let repo = world.repo(&call.repo(), &call.who)?;
    Answer::ok(shape::repo::seen_by(world, repo, call.who.login()))
}

pub(crate) fn rate_limit(world: &mut World, call: &Call) -> Outcome {
    let now = world.now();
    let core = world.limits.shown(call.who.login(), "core", now);
    let graphql = world.limits.shown(call.who.login(), "graphql", now);
    let search = json!({ "limit": 30, "used": 0, "remaining": 30, "reset": now.as_second() + 60 });
    Answer::ok(json!({
        "resources": { "core": core, "graphql": graphql, "search": search },
        "rate": core,
    }))
}
