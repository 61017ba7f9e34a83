//! What a site holds. Plain data.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::people::{Right, Role};
use super::workflow::Workflow;

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) id: u64,
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) workflow: Workflow,
    /// By login.
    pub(crate) roles: BTreeMap<String, Role>,
    /// By group.
    pub(crate) group_roles: BTreeMap<String, Role>,
    /// What somebody may not, in spite of their role.
    pub(crate) forbidden: BTreeSet<(String, Right)>,
    pub(crate) visibility: Visibility,
    pub(crate) last_number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Whoever asks may look, without a credential too.
    Public,
    /// Only who has a role.
    Private,
}

#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) key: String,
    /// The keys that it had in other projects; they lead to it for ever.
    pub(crate) former: Vec<String>,
    pub(crate) project: String,
    pub(crate) summary: String,
    /// A document in Cloud, wiki text in Data Center; may be null.
    pub(crate) description: Value,
    /// The id of its status.
    pub(crate) status: String,
    /// The name of its resolution.
    pub(crate) resolution: Option<String>,
    pub(crate) resolved: Option<Timestamp>,
    pub(crate) reporter: String,
    pub(crate) assignee: Option<String>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) links: Vec<Link>,
    pub(crate) properties: BTreeMap<String, Value>,
    pub(crate) history: Vec<Change>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    /// Only these see it.
    pub(crate) seen_by: Option<BTreeSet<String>>,
    pub(crate) traffic: Traffic,
}

/// Whether somebody else's transition of the issue is still under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Traffic {
    Quiet,
    UnderWay,
}

#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) editor: String,
    pub(crate) body: Value,
    pub(crate) properties: BTreeMap<String, Value>,
    /// Only this role sees it.
    pub(crate) role: Option<Role>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) id: u64,
    pub(crate) global_id: Option<String>,
    pub(crate) relationship: Value,
    pub(crate) application: Value,
    pub(crate) object: Value,
}

/// What somebody changed at once.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: u64,
    pub(crate) author: String,
    pub(crate) at: Timestamp,
    pub(crate) items: Vec<Item>,
}

/// One field that changed: each value as an id, if it has one, and as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) field: &'static str,
    pub(crate) from: (Option<String>, Option<String>),
    pub(crate) to: (Option<String>, Option<String>),
}

impl Item {
    /// A change of a field whose values are only text.
    pub(crate) fn text(field: &'static str, from: &str, to: &str) -> Self {
        let side = |text: &str| (None, Some(text.to_owned()).filter(|text| !text.is_empty()));
        Self { field, from: side(from), to: side(to) }
    }
}

impl Issue {
    /// Whether a key is or was its own; keys are found in any case.
    pub(crate) fn goes_by(&self, key: &str) -> bool {
        [&self.key].into_iter().chain(&self.former).any(|own| own.eq_ignore_ascii_case(key))
    }

    pub(crate) fn comment(&self, id: u64) -> Option<&Comment> {
        self.comments.iter().find(|comment| comment.id == id)
    }
}
