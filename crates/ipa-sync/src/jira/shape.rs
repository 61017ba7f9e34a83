//! What Jira says, as far as it is read here. Tolerant: what is not needed may be missing or anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipa_events::task::Category;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// What kind of Jira answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerInfo {
    pub(super) deployment_type: Option<String>,
    pub(super) base_url: Option<String>,
}

/// Somebody. Cloud knows people by `accountId`, Data Center by `key` and `name`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct User {
    pub(super) account_id: Option<String>,
    pub(super) key: Option<String>,
    pub(super) name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) account_type: Option<String>,
}

impl User {
    /// Returns what stays the same whatever the person is called.
    pub(super) fn id(&self) -> Option<&str> {
        self.account_id.as_deref().or(self.key.as_deref()).or(self.name.as_deref())
    }

    /// Returns what a page shows.
    pub(super) fn shown(&self) -> String {
        let name = self.display_name.as_deref().or(self.name.as_deref()).or(self.id());
        crate::inbound::clean(name.unwrap_or_default()).text.replace('\n', " ")
    }

    /// Tells whether both are the same account.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.id().is_some() && self.id() == other.id()
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Issue {
    pub(super) key: String,
    #[serde(default)]
    pub(super) fields: Fields,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields {
    pub(super) summary: Option<String>,
    pub(super) status: Option<Status>,
    pub(super) updated: Option<String>,
    pub(super) reporter: Option<User>,
    pub(super) description: Option<Value>,
    pub(super) labels: Option<Vec<Arc<str>>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Status {
    #[serde(default)]
    pub(super) id: String,
    pub(super) name: String,
    #[serde(rename = "statusCategory")]
    stands: Option<StatusCategory>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct StatusCategory {
    key: String,
}

impl Status {
    /// Returns where a ticket with this status stands. One without a category is new.
    pub(super) fn category(&self) -> Category {
        match self.stands.as_ref().map(|category| category.key.as_str()) {
            Some("done") => Category::Done,
            Some("indeterminate") => Category::Active,
            _ => Category::New,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Comment {
    pub(super) id: String,
    pub(super) author: Option<User>,
    pub(super) body: Option<Value>,
    pub(super) created: Option<String>,
    /// None: it was not said which there are.
    pub(super) properties: Option<Vec<Property>>,
}

impl Comment {
    /// Returns when it was written.
    pub(super) fn at(&self) -> Option<Timestamp> {
        moment(self.created.as_deref()?)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Property {
    pub(super) key: String,
    pub(super) value: Value,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommentPage {
    #[serde(default)]
    pub(super) start_at: usize,
    #[serde(default)]
    pub(super) total: usize,
    pub(super) comments: Vec<Comment>,
}

/// A page of what was searched for: Cloud gives a token for the next one, Data Center a total.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IssuePage {
    pub(super) issues: Vec<Issue>,
    pub(super) next_page_token: Option<String>,
    pub(super) is_last: Option<bool>,
    pub(super) total: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Transitions {
    pub(super) transitions: Vec<Transition>,
}

/// A way from one status to another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transition {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) to: Status,
    /// Data Center lists what is available only, and does not say so.
    pub(super) is_available: Option<bool>,
    #[serde(default)]
    pub(super) fields: BTreeMap<String, Field>,
}

/// A field of a transition's screen.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Field {
    pub(super) required: bool,
    pub(super) name: Option<String>,
    pub(super) has_default_value: bool,
    pub(super) default_value: Option<Value>,
    pub(super) allowed_values: Option<Vec<Value>>,
}

/// A link to something elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemoteLink {
    pub(super) id: Option<u64>,
    pub(super) global_id: Option<String>,
    pub(super) object: Option<LinkObject>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct LinkObject {
    pub(super) url: Option<String>,
    pub(super) title: Option<String>,
    pub(super) status: Option<LinkStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct LinkStatus {
    pub(super) resolved: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) name: Option<String>,
    pub(super) group_id: Option<String>,
}

/// Who has a role in a project.
#[derive(Debug, Deserialize)]
pub(super) struct Role {
    #[serde(default)]
    pub(super) actors: Vec<Actor>,
}

/// A person or a group: Data Center names both by `name`.
#[derive(Debug, Deserialize)]
pub(super) struct Actor {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    #[serde(rename = "actorUser")]
    user: Option<User>,
    #[serde(rename = "actorGroup")]
    group: Option<Group>,
}

impl Actor {
    /// Tells whether it is this person.
    pub(super) fn is(&self, somebody: &User) -> bool {
        let by_name = self.kind.as_deref() == Some("atlassian-user-role-actor")
            && self.name.is_some()
            && self.name == somebody.name;
        by_name || self.user.as_ref().is_some_and(|user| user.is(somebody))
    }

    /// Returns the name of the group that it is.
    pub(super) fn group(&self) -> Option<String> {
        let of_name =
            self.name.clone().filter(|_| self.kind.as_deref() == Some("atlassian-group-role-actor"));
        of_name.or_else(|| self.group.as_ref()?.name.clone())
    }
}

/// Reads a time as Jira writes it: `2026-11-27T00:30:00.000+0000`.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_jira_is_read_with_its_zone() {
        for (text, second) in [
            ("2026-11-27T00:30:00.000+0000", 1_795_739_400),
            ("2026-11-27T02:30:00.000+0200", 1_795_739_400),
            ("2026-11-27T00:30:00.000Z", 1_795_739_400),
        ] {
            assert_eq!(moment(text).map(Timestamp::as_second), Some(second), "{text}");
        }
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn a_status_without_a_category_is_new() {
        for (category, stands) in [
            (r#"{"key":"new"}"#, Category::New),
            (r#"{"key":"undefined"}"#, Category::New),
            ("null", Category::New),
            (r#"{"key":"indeterminate"}"#, Category::Active),
            (r#"{"key":"done"}"#, Category::Done),
        ] {
            let text = format!(r#"{{"id":"1","name":"x","statusCategory":{category}}}"#);
            assert_eq!(serde_json::from_str::<Status>(&text).unwrap().category(), stands, "{category}");
        }
    }
}
