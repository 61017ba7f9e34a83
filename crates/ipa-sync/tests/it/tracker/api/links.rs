//! Links from an issue to somewhere else. One with a global id is there once, however often it is put.

use serde_json::{Value, json};

use super::{issue_of, view};
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::model::{Item, Link};
use crate::tracker::site::Site;

pub(crate) fn list(site: &mut Site, call: &Call) -> Outcome {
    let (issue, view) = (site.issue(&call.who, call.issue())?, view(site, call));
    let Some(wanted) = call.query("globalId") else {
        return Answer::ok(issue.links.iter().map(|link| view.link(issue, link)).collect());
    };
    let found = issue.links.iter().find(|link| link.global_id.as_deref() == Some(wanted));
    let missing =
        || Answer::trouble(404, &format!("Remote issue link with global id '{wanted}' does not exist."));
    Answer::ok(view.link(issue, found.ok_or_else(missing)?))
}

pub(crate) fn put(site: &mut Site, call: &Call) -> Outcome {
    let id = issue_of(site, call)?;
    for (field, pointer) in [("title", "/object/title"), ("url", "/object/url")] {
        let text = call.body.pointer(pointer).and_then(Value::as_str);
        if text.is_none_or(|text| text.trim().is_empty()) {
            return Err(Answer::field_trouble(field, &format!("'{field}' is required.")));
        }
    }
    let global_id = call.body["globalId"].as_str().map(str::to_owned);
    if global_id.as_deref().is_some_and(|id| id.chars().count() > 255) {
        return Err(Answer::field_trouble("globalId", "'globalId' is longer than 255 characters."));
    }
    let new = site.next_id();
    let issue = site.issue_mut(id);
    let known = issue.links.iter_mut().find(|link| global_id.is_some() && link.global_id == global_id);
    let (status, link, before) = match known {
        Some(link) => {
            let before = std::mem::replace(link, read(call, link.id, global_id));
            (200, link.id, said(&before))
        }
        None => {
            issue.links.push(read(call, new, global_id));
            (201, new, String::new())
        }
    };
    let after = issue.links.iter().find(|one| one.id == link).map(said).unwrap_or_default();
    site.changed(id, call.by(), vec![Item::text("RemoteIssueLink", &before, &after)]);
    let url = view(site, call).link_url(&site.issues[&id], link);
    Ok(Answer::new(status, json!({ "id": link, "self": url })))
}

/// What is not given is none, also where there was something.
fn read(call: &Call, id: u64, global_id: Option<String>) -> Link {
    Link {
        id,
        global_id,
        relationship: call.body["relationship"].clone(),
        application: call.body["application"].clone(),
        object: call.body["object"].clone(),
    }
}

/// A link in the history; what a person does not see of it is not in there.
fn said(link: &Link) -> String {
    let title = link.object["title"].as_str().unwrap_or_default();
    let resolved =
        if link.object.pointer("/status/resolved") == Some(&json!(true)) { ", resolved" } else { "" };
    format!("This issue links to \"{title}{resolved}\"")
}
