//! Branches, as far as they are deleted.

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::world::World;

pub(crate) fn delete(world: &mut World, call: &Call) -> Outcome {
    let key = call.repo();
    let branch = call.param("ref").strip_prefix("heads/").unwrap_or_default();
    if !world.repo(&key, &call.who)?.git.delete(branch) {
        return Err(Answer::message(422, "Reference does not exist"));
    }
    world.look_at_branches(&key, call.who.login());
    Answer::no_content()
}
