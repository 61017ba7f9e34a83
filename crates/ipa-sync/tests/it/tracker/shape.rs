//! Things as Jira shows them to somebody: in their time, with the site's kind of user.

pub(crate) mod issue;
pub(crate) mod transition;

use jiff::tz::Offset;
use jiff::{Timestamp, fmt::strtime};
use serde_json::{Value, json};

use super::Flavour;
use super::model::{Change, Comment, Issue, Link};
use super::site::Site;
use super::workflow::{Category, Status, Workflow};

/// The site as somebody sees it.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) site: &'a Site,
    pub(crate) viewer: &'a str,
}

/// Whether the properties of a comment are shown; nobody sees them who does not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Properties {
    Shown,
    Hidden,
}

impl View<'_> {
    /// A time as Jira writes it: on the viewer's clock, and with an offset that has no colon.
    pub(crate) fn time(self, at: Timestamp) -> String {
        let hours = self.site.users.get(self.viewer).map_or(0, |user| user.hours_ahead);
        let local = at.to_zoned(Offset::constant(hours).to_time_zone());
        strtime::format("%Y-%m-%dT%H:%M:%S%.3f%z", &local).unwrap()
    }

    /// A user; null for nobody.
    pub(crate) fn user(self, login: &str) -> Value {
        let Some(user) = self.site.users.get(login) else { return Value::Null };
        let api = self.site.api();
        let picture = format!("{}/avatars/{login}", self.site.base);
        let mut shown = json!({
            "emailAddress": user.mail,
            "avatarUrls": { "48x48": picture, "24x24": picture, "16x16": picture, "32x32": picture },
            "displayName": user.display_name,
            "active": true,
            "timeZone": user.time_zone(),
        });
        match self.site.flavour {
            Flavour::Cloud => {
                shown["self"] = format!("{api}/user?accountId={}", user.account_id).into();
                shown["accountId"] = user.account_id.clone().into();
                shown["accountType"] = user.kind.account_type().into();
            }
            Flavour::DataCenter => {
                shown["self"] = format!("{api}/user?username={login}").into();
                shown["name"] = login.into();
                shown["key"] = user.key.clone().into();
            }
        }
        shown
    }

    pub(crate) fn status(self, workflow: &Workflow, status: &Status) -> Value {
        let (api, id) = (self.site.api(), &status.id);
        json!({
            "self": format!("{api}/status/{id}"),
            "description": "",
            "iconUrl": format!("{}/images/icons/statuses/generic.png", self.site.base),
            "name": status.name,
            "id": id,
            "statusCategory": self.category(workflow, status.category),
        })
    }

    fn category(self, workflow: &Workflow, category: Category) -> Value {
        json!({
            "self": format!("{}/statuscategory/{}", self.site.api(), category.id()),
            "id": category.id(),
            "key": category.key(),
            "colorName": category.color(),
            "name": workflow.category_name(category),
        })
    }

    /// A resolution by its name; null for none.
    pub(crate) fn resolution(self, workflow: &Workflow, name: Option<&str>) -> Value {
        let found = workflow.resolutions.iter().find(|(_, other)| Some(other.as_str()) == name);
        let Some((id, name)) = found else { return Value::Null };
        json!({ "self": format!("{}/resolution/{id}", self.site.api()), "id": id, "name": name, "description": "" })
    }

    pub(crate) fn comment(self, issue: &Issue, comment: &Comment, properties: Properties) -> Value {
        let Comment { id, author, editor, body, created, updated, role, .. } = comment;
        let mut shown = json!({
            "self": format!("{}/issue/{}/comment/{id}", self.site.api(), issue.id),
            "id": id.to_string(),
            "author": self.user(author),
            "body": body,
            "updateAuthor": self.user(editor),
            "created": self.time(*created),
            "updated": self.time(*updated),
        });
        if let Some(role) = role {
            shown["visibility"] = json!({ "type": "role", "value": role.name() });
        }
        if self.site.flavour == Flavour::Cloud {
            shown["jsdPublic"] = true.into();
            if properties == Properties::Shown {
                let all = comment.properties.iter();
                shown["properties"] = all.map(|(key, value)| json!({ "key": key, "value": value })).collect();
            }
        }
        shown
    }

    pub(crate) fn link(self, issue: &Issue, link: &Link) -> Value {
        let mut shown = json!({
            "id": link.id,
            "self": self.link_url(issue, link.id),
            "object": link.object,
        });
        let more = [
            ("globalId", link.global_id.clone().into()),
            ("application", link.application.clone()),
            ("relationship", link.relationship.clone()),
        ];
        for (name, value) in more.into_iter().filter(|(_, value): &(&str, Value)| !value.is_null()) {
            shown[name] = value;
        }
        shown
    }

    pub(crate) fn link_url(self, issue: &Issue, id: u64) -> String {
        format!("{}/issue/{}/remotelink/{id}", self.site.api(), issue.key)
    }

    pub(crate) fn change(self, change: &Change) -> Value {
        json!({
            "id": change.id.to_string(),
            "author": self.user(&change.author),
            "created": self.time(change.at),
            "items": self.items(change),
        })
    }

    /// The fields of a change.
    pub(crate) fn items(self, change: &Change) -> Value {
        let shown = change.items.iter().map(|item| {
            let mut shown = json!({
                "field": item.field,
                "fieldtype": "jira",
                "from": item.from.0,
                "fromString": item.from.1,
                "to": item.to.0,
                "toString": item.to.1,
            });
            if self.site.flavour == Flavour::Cloud {
                shown["fieldId"] = item.field.into();
            }
            shown
        });
        shown.collect()
    }
}
