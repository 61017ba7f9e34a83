//! Values that clients keep with an issue, unseen by people.

use serde_json::{Value, json};

use super::issue_of;
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::news;
use crate::tracker::site::Site;

/// The most characters that a value may have.
const LONGEST: usize = 32_768;

pub(crate) fn look(site: &mut Site, call: &Call) -> Outcome {
    let (issue, key) = (site.issue(&call.who, call.issue())?, call.param("propertyKey"));
    let missing = || Answer::trouble(404, &format!("The property with key '{key}' does not exist."));
    let value = issue.properties.get(key).ok_or_else(missing)?;
    Answer::ok(json!({ "key": key, "value": value }))
}

pub(crate) fn put(site: &mut Site, call: &Call) -> Outcome {
    let (id, key) = (issue_of(site, call)?, call.param("propertyKey"));
    if key.chars().count() > 255 || call.body.to_string().chars().count() > LONGEST {
        return Err(Answer::trouble(400, "The property key or its value is too long."));
    }
    let before = site.issue_mut(id).properties.insert(key.to_owned(), call.body.clone());
    news::property(site, id, call.by(), key);
    Ok(Answer::new(if before.is_some() { 200 } else { 201 }, Value::Null))
}
