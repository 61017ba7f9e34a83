//! The jobs of CI and what they printed.

use serde_json::{Value, json};

use crate::forge::call::{Answer, Call, Outcome};
use crate::forge::shape;
use crate::forge::world::World;

pub(crate) fn jobs(world: &mut World, call: &Call) -> Outcome {
    let repo = world.repo(&call.repo(), &call.who)?;
    let run = call.number("run_id")?;
    let found: Vec<Value> = repo
        .jobs
        .iter()
        .filter(|job| job.run == run)
        .filter_map(|job| Some((job, repo.checks.iter().find(|check| check.id == job.id)?)))
        .map(|(job, check)| shape::check::job(world, repo, job, check))
        .collect();
    if found.is_empty() {
        return Err(Answer::not_found());
    }
    Answer::ok(json!({ "total_count": found.len(), "jobs": found }))
}

/// The log lies in a store of its own: GitHub answers with a link that needs no token, and gets none.
pub(crate) fn log(world: &mut World, call: &Call) -> Outcome {
    let id = call.number("job_id")?;
    let repo = world.repo(&call.repo(), &call.who)?;
    if !repo.jobs.iter().any(|job| job.id == id) {
        return Err(Answer::not_found());
    }
    // Another host than the API's.
    let store = world.base.replace("127.0.0.1", "localhost");
    let place = format!("{store}/_store/logs/{}/{id}?sig=signed", repo.full_name());
    Ok(Answer::new(302, Value::Null).with("location", place))
}
