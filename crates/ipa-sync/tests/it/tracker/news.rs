//! Webhooks: what is told of what happened, in Jira's shape, and how it is sent. Texts are told as plain text, whatever
//! the site holds.

use serde_json::{Map, Value, json};

use super::Flavour;
use super::serve::Shared;
use super::shape::issue::Fields;
use super::shape::{Properties, View};
use super::site::Site;
use super::text;
use crate::peer::{Delivery, Hooks, Mailbox, Postman, Sent, signature};

/// What became of a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Created,
    Edited,
    Deleted,
}

pub(crate) fn created(site: &mut Site, id: u64, by: &str) {
    let payload = json!({ "issue_event_type_name": "issue_created" });
    tell_issue(site, id, by, "jira:issue_created", payload);
}

/// Tells of the issue's last change.
pub(crate) fn changed(site: &mut Site, id: u64, by: &str) {
    let view = View { site, viewer: "" };
    let Some(change) = site.issues[&id].history.last() else { return };
    let has = |field: &str| change.items.iter().any(|item| item.field == field);
    let kinds = [("Key", "issue_moved"), ("status", "issue_generic"), ("assignee", "issue_assigned")];
    let kind = kinds.iter().find(|(field, _)| has(field)).map_or("issue_updated", |(_, kind)| kind);
    let changelog = json!({ "id": change.id.to_string(), "items": view.items(change) });
    let payload = json!({ "issue_event_type_name": kind, "changelog": changelog });
    tell_issue(site, id, by, "jira:issue_updated", payload);
}

/// Tells of a comment: once of it, once of its issue. Data Center does not say of the comment which issue it is of.
pub(crate) fn said(site: &mut Site, id: u64, comment: u64, what: Said, by: &str) {
    let view = View { site, viewer: "" };
    let issue = &site.issues[&id];
    let Some(comment) = issue.comment(comment) else { return };
    let mut shown = view.comment(issue, comment, Properties::Hidden);
    shown["body"] = text::plain(&comment.body).trim_end().into();
    let all = told(view, id);
    let few: Map<String, Value> = ["summary", "issuetype", "project", "assignee", "status"]
        .map(|name| (name.to_owned(), all["fields"][name].clone()))
        .into_iter()
        .collect();
    let payload = json!({
        "comment": shown,
        "issue": { "id": all["id"], "self": all["self"], "key": all["key"], "fields": few },
        "eventType": "primaryAction",
    });
    let (event, kind) = match what {
        Said::Created => ("comment_created", "issue_commented"),
        Said::Edited => ("comment_updated", "issue_comment_edited"),
        Said::Deleted => ("comment_deleted", "issue_comment_deleted"),
    };
    let payload = match site.flavour {
        Flavour::Cloud => payload,
        Flavour::DataCenter => json!({ "comment": payload["comment"] }),
    };
    queue(site, id, event, payload);
    tell_issue(site, id, by, "jira:issue_updated", json!({ "issue_event_type_name": kind }));
}

pub(crate) fn property(site: &mut Site, id: u64, by: &str, key: &str) {
    let value = site.issues[&id].properties.get(key).cloned().unwrap_or_default();
    let payload = json!({ "property": { "key": key, "value": value } });
    tell_issue(site, id, by, "issue_property_set", payload);
}

pub(crate) fn deleted(site: &mut Site, id: u64, by: &str) {
    tell_issue(site, id, by, "jira:issue_deleted", json!({ "issue_event_type_name": "issue_deleted" }));
}

fn tell_issue(site: &mut Site, id: u64, by: &str, event: &str, mut payload: Value) {
    let view = View { site, viewer: "" };
    payload["user"] = view.user(by);
    payload["issue"] = told(view, id);
    queue(site, id, event, payload);
}

/// An issue in a webhook: without its comments, and with plain text.
fn told(view: View<'_>, id: u64) -> Value {
    let issue = &view.site.issues[&id];
    let mut shown = view.issue(issue, &Fields::new(["*all", "-comment"], ""));
    if !issue.description.is_null() {
        shown["fields"]["description"] = text::plain(&issue.description).trim_end().into();
    }
    shown
}

fn queue(site: &mut Site, id: u64, event: &str, mut payload: Value) {
    let now = site.now();
    payload["timestamp"] = now.as_millisecond().into();
    payload["webhookEvent"] = event.into();
    site.hooks.queue(event, id, &payload, now);
}

/// Queues again what did not arrive, or was answered so that Cloud tries again; how many these are. Each is tried again
/// once, under its old name.
pub(crate) fn try_again(site: &mut Site) -> usize {
    let now = site.now();
    let is_failed =
        |sent: &&Sent| !sent.delivery.again && matches!(sent.code, 408 | 409 | 425 | 429 | 500..=599);
    let mut failed: Vec<u64> = site.hooks.sent().filter(is_failed).map(|sent| sent.id).collect();
    failed.reverse();
    for id in &failed {
        site.hooks.queue_again(*id, now);
    }
    failed.len()
}

impl Postman for Shared {
    fn hooks<R>(&self, at_work: impl FnOnce(&mut Hooks) -> R) -> R {
        at_work(&mut self.site().hooks)
    }

    fn headers(&self, to: &Mailbox<'_>, delivery: &Delivery) -> Vec<(&'static str, String)> {
        vec![
            ("user-agent", "Atlassian Webhook HTTP Client".to_owned()),
            ("content-type", "application/json; charset=UTF-8".to_owned()),
            ("x-atlassian-webhook-identifier", delivery.guid.clone()),
            ("x-hub-signature", signature(to.secret, &delivery.body)),
        ]
    }
}
