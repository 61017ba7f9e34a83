//! The comments of an issue.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{issue_of, page, view};
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::model::{Comment, Issue};
use crate::tracker::news::{self, Said};
use crate::tracker::people::{Right, Role};
use crate::tracker::shape::Properties;
use crate::tracker::site::Site;
use crate::tracker::text;

pub(crate) fn list(site: &mut Site, call: &Call) -> Outcome {
    let (issue, view) = (site.issue(&call.who, call.issue())?, view(site, call));
    let mut all: Vec<&Comment> =
        issue.comments.iter().filter(|comment| view.sees(issue, comment.role)).collect();
    if call.query("orderBy") == Some("-created") {
        all.reverse();
    }
    let (start, most) = (call.number("startAt", 0), call.number("maxResults", 5000).min(5000));
    let shown = page(&all, start, most).iter();
    let shown: Vec<Value> = shown.map(|one| view.comment(issue, one, properties(call))).collect();
    Answer::ok(json!({ "startAt": start, "maxResults": most, "total": all.len(), "comments": shown }))
}

pub(crate) fn create(site: &mut Site, call: &Call) -> Outcome {
    let issue = issue_of(site, call)?;
    let body = body_of(site, call)?;
    let role = role_of(site, call, issue)?;
    let (id, now) = (site.next_id(), site.now());
    let by = call.by().to_owned();
    let comment = Comment {
        id,
        author: by.clone(),
        editor: by.clone(),
        body,
        properties: given(call),
        role,
        created: now,
        updated: now,
    };
    let at = site.issue_mut(issue);
    at.comments.push(comment);
    at.updated = now;
    news::said(site, issue, id, Said::Created, &by);
    let (issue, comment) = found(site, call, id)?;
    Answer::created(view(site, call).comment(issue, comment, properties(call)))
}

pub(crate) fn look(site: &mut Site, call: &Call) -> Outcome {
    let (issue, comment) = found(site, call, number(call)?)?;
    Answer::ok(view(site, call).comment(issue, comment, properties(call)))
}

pub(crate) fn edit(site: &mut Site, call: &Call) -> Outcome {
    let id = number(call)?;
    let (issue, comment) = found(site, call, id)?;
    let is_own = comment.author == call.by();
    if !is_own && !site.may(site.project(issue), call.by(), Right::Administer) {
        // Documented as a 400, not as a 403.
        return Err(Answer::trouble(400, "You do not have the permission to edit this comment."));
    }
    let issue = issue.id;
    let body = body_of(site, call)?;
    let now = site.now();
    let by = call.by().to_owned();
    let at = site.issue_mut(issue);
    at.updated = now;
    if let Some(comment) = at.comments.iter_mut().find(|comment| comment.id == id) {
        comment.body = body;
        comment.properties.extend(given(call));
        comment.editor.clone_from(&by);
        comment.updated = now;
    }
    news::said(site, issue, id, Said::Edited, &by);
    look(site, call)
}

/// Only people delete comments: the client has no business to.
pub(crate) fn delete(site: &mut Site, call: &Call) -> Outcome {
    let id = number(call)?;
    let (issue, _) = found(site, call, id)?;
    let issue = issue.id;
    let now = site.now();
    news::said(site, issue, id, Said::Deleted, call.by());
    let at = site.issue_mut(issue);
    at.comments.retain(|comment| comment.id != id);
    at.updated = now;
    Answer::no_content()
}

fn properties(call: &Call) -> Properties {
    if call.expands("properties") { Properties::Shown } else { Properties::Hidden }
}

fn number(call: &Call) -> Result<u64, Answer> {
    call.param("id").parse().map_err(|_| missing(call))
}

fn missing(call: &Call) -> Answer {
    Answer::trouble(404, &format!("Can not find a comment for the id: {}.", call.param("id")))
}

fn found<'a>(site: &'a Site, call: &'a Call, id: u64) -> Result<(&'a Issue, &'a Comment), Answer> {
    let issue = site.issue(&call.who, call.issue())?;
    let comment = issue.comment(id).filter(|comment| view(site, call).sees(issue, comment.role));
    Ok((issue, comment.ok_or_else(|| missing(call))?))
}

/// A text that is one here, with something in it, and not too long.
fn body_of(site: &Site, call: &Call) -> Result<Value, Answer> {
    let bad = |words: &str| Answer::field_trouble("comment", words);
    let body = &call.body["body"];
    site.texts.check(body).map_err(|_| bad("Comment body is not valid!"))?;
    if text::is_empty(body) {
        return Err(bad("Comment body can not be empty!"));
    }
    if text::length(body) > text::LONGEST {
        return Err(bad(text::TOO_LONG));
    }
    Ok(body.clone())
}

/// The properties that a call gives a comment.
fn given(call: &Call) -> BTreeMap<String, Value> {
    let all = call.body["properties"].as_array().into_iter().flatten();
    all.filter_map(|one| Some((one["key"].as_str()?.to_owned(), one["value"].clone()))).collect()
}

/// For whose eyes a comment is.
fn role_of(site: &Site, call: &Call, issue: u64) -> Result<Option<Role>, Answer> {
    let visibility = &call.body["visibility"];
    if visibility.is_null() {
        return Ok(None);
    }
    let wanted = visibility["value"].as_str().unwrap_or_default();
    let role = Role::ALL.into_iter().find(|role| visibility["type"] == "role" && role.name() == wanted);
    let has = site.role(site.project(&site.issues[&issue]), call.by());
    let own = role.filter(|role| has >= Some(*role));
    let words = format!("You are currently not a member of the project role: {wanted}.");
    own.map(Some).ok_or_else(|| Answer::field_trouble("commentLevel", &words))
}
