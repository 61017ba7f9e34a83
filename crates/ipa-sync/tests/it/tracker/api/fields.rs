//! What is set in an issue: read from a call, all of it or nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::tracker::Flavour;
use crate::tracker::call::{Answer, Call};
use crate::tracker::model::{Issue, Item};
use crate::tracker::people::Right;
use crate::tracker::site::Site;
use crate::tracker::text;

/// A field with its new value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Set {
    Summary(String),
    Description(Value),
    Labels(BTreeSet<String>),
    Assignee(Option<String>),
    Resolution(Option<String>),
}

/// Reads `fields` and `update` of a call; only the fields of `screen` are accepted.
pub(crate) fn read(site: &Site, issue: &Issue, call: &Call, screen: &[&str]) -> Result<Vec<Set>, Answer> {
    let none = Map::new();
    let part = |name: &str| call.body.get(name).and_then(Value::as_object).unwrap_or(&none);
    let (fields, update) = (part("fields"), part("update"));
    for name in fields.keys().chain(update.keys()) {
        if !screen.contains(&name.as_str()) {
            let words =
                format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.");
            return Err(Answer::field_trouble(name, &words));
        }
        if fields.contains_key(name) && update.contains_key(name) {
            let words = format!("Field '{name}' cannot appear in both 'fields' and 'update'");
            return Err(Answer::field_trouble(name, &words));
        }
    }
    let mut sets = Vec::new();
    for (name, value) in fields {
        sets.push(set(site, issue, name, value)?);
    }
    for (name, changes) in update {
        sets.push(updated(site, issue, name, changes)?);
    }
    Ok(sets)
}

fn updated(site: &Site, issue: &Issue, name: &str, changes: &Value) -> Result<Set, Answer> {
    let changes = changes.as_array().into_iter().flatten().filter_map(Value::as_object).flatten();
    let mut labels = issue.labels.clone();
    let mut last = None;
    for (verb, value) in changes {
        match (verb.as_str(), name) {
            ("set", _) => last = Some(set(site, issue, name, value)?),
            ("add", "labels") => labels.extend([label(value)?]),
            ("remove", "labels") => _ = labels.remove(&label(value)?),
            _ => {
                let words = format!("Operation '{verb}' is not supported for field '{name}'.");
                return Err(Answer::field_trouble(name, &words));
            }
        }
    }
    if let Some(set) = last {
        return Ok(set);
    }
    if name == "labels" { Ok(Set::Labels(labels)) } else { Err(bad(name, "Operation value must be set.")) }
}

fn set(site: &Site, issue: &Issue, name: &str, value: &Value) -> Result<Set, Answer> {
    match name {
        "summary" => summary(value).map(Set::Summary),
        "description" => description(site, value).map(Set::Description),
        "labels" => {
            let all = value.as_array().ok_or_else(|| bad(name, "data was not an array"))?;
            all.iter().map(label).collect::<Result<_, _>>().map(Set::Labels)
        }
        "assignee" => assignee(site, issue, value).map(Set::Assignee),
        "resolution" => resolution(site, issue, value).map(Set::Resolution),
        _ => Err(bad(name, "it is not simulated")),
    }
}

fn bad(name: &str, words: &str) -> Answer {
    Answer::field_trouble(name, words)
}

fn summary(value: &Value) -> Result<String, Answer> {
    let text = value.as_str().ok_or_else(|| bad("summary", "Operation value must be a string"))?.trim();
    match text {
        "" => Err(bad("summary", "You must specify a summary of the issue.")),
        text if text.contains(['\n', '\r']) => {
            Err(bad("summary", "The summary is invalid because it contains newline characters."))
        }
        text if text.chars().count() > 255 => {
            Err(bad("summary", "Summary must be less than 255 characters."))
        }
        text => Ok(text.to_owned()),
    }
}

fn description(site: &Site, value: &Value) -> Result<Value, Answer> {
    if !value.is_null() && site.texts.check(value).is_err() {
        let words = match site.flavour {
            Flavour::Cloud => {
                "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
            }
            Flavour::DataCenter => "Operation value must be a string",
        };
        return Err(bad("description", words));
    }
    if text::length(value) > text::LONGEST {
        return Err(bad("description", text::TOO_LONG));
    }
    Ok(value.clone())
}

fn label(value: &Value) -> Result<String, Answer> {
    let text = value.as_str().ok_or_else(|| bad("labels", "string expected at index 0"))?;
    match text {
        text if text.contains(char::is_whitespace) => {
            Err(bad("labels", &format!("The label '{text}' contains spaces which is invalid.")))
        }
        text if text.is_empty() || text.chars().count() > 255 => {
            Err(bad("labels", &format!("The label '{text}' exceeds the maximum length for a single label.")))
        }
        text => Ok(text.to_owned()),
    }
}

/// Somebody by what the site knows people by; null and nobody are the same.
fn assignee(site: &Site, issue: &Issue, value: &Value) -> Result<Option<String>, Answer> {
    if value.is_null() {
        return Ok(None);
    }
    let (field, known) = match site.flavour {
        Flavour::Cloud => (if value.get("id").is_some() { "id" } else { "accountId" }, true),
        Flavour::DataCenter => ("name", false),
    };
    let Some(wanted) = value.get(field).filter(|wanted| !wanted.is_null()) else { return Ok(None) };
    let wanted = wanted.as_str().unwrap_or_default();
    let found = site.users.values().find(|user| wanted == if known { &user.account_id } else { &user.login });
    let login = found.map(|user| user.login.clone());
    let is_there =
        login.as_ref().is_some_and(|login| site.may(site.project(issue), login, Right::BeAssigned));
    if is_there {
        return Ok(login);
    }
    Err(bad("assignee", &format!("User '{wanted}' cannot be assigned issues.")))
}

fn resolution(site: &Site, issue: &Issue, value: &Value) -> Result<Option<String>, Answer> {
    if value.is_null() {
        return Ok(None);
    }
    let all = &site.project(issue).workflow.resolutions;
    let is = |(id, name): &&(String, String)| value["id"] == **id || value["name"] == **name;
    match all.iter().find(is) {
        Some((_, name)) => Ok(Some(name.clone())),
        None => Err(bad("resolution", "Could not find valid 'id' or 'name' in resolution object.")),
    }
}

/// Puts the new values into an issue and tells what changed.
pub(crate) fn apply(site: &mut Site, id: u64, sets: Vec<Set>) -> Vec<Item> {
    sets.into_iter().map(|set| put(site, id, set)).collect()
}

fn put(site: &mut Site, id: u64, set: Set) -> Item {
    let names: Vec<(String, String)> =
        site.users.values().map(|user| (user.login.clone(), user.display_name.clone())).collect();
    let flavour = site.flavour;
    let ids: Vec<(String, String)> =
        site.users.values().map(|user| (user.login.clone(), user.account_id.clone())).collect();
    let now = site.now();
    let issue = site.issue_mut(id);
    match set {
        Set::Summary(new) => {
            let old = std::mem::replace(&mut issue.summary, new);
            Item::text("summary", &old, &issue.summary)
        }
        Set::Description(new) => {
            let old = std::mem::replace(&mut issue.description, new);
            Item::text("description", &text::plain(&old), &text::plain(&issue.description))
        }
        Set::Labels(new) => {
            let old = std::mem::replace(&mut issue.labels, new);
            let joined = |labels: BTreeSet<String>| labels.into_iter().collect::<Vec<_>>().join(" ");
            Item::text("labels", &joined(old), &joined(issue.labels.clone()))
        }
        Set::Assignee(new) => {
            let old = std::mem::replace(&mut issue.assignee, new);
            let side = |login: Option<&String>| {
                let of = |list: &[(String, String)]| {
                    list.iter().find(|(one, _)| Some(one) == login).map(|(_, it)| it.clone())
                };
                let id = if flavour == Flavour::Cloud { of(&ids) } else { login.cloned() };
                (id, of(&names))
            };
            Item { field: "assignee", from: side(old.as_ref()), to: side(issue.assignee.as_ref()) }
        }
        Set::Resolution(new) => {
            let old = std::mem::replace(&mut issue.resolution, new);
            issue.resolved = issue.resolution.as_ref().map(|_| now);
            let name = |name: Option<String>| name.unwrap_or_default();
            Item::text("resolution", &name(old), &name(issue.resolution.clone()))
        }
    }
}
