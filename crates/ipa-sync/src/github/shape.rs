//! What GitHub says, as far as it is read. Tolerant: what is missing, null or of an unknown kind loses nothing else.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// Somebody; an account that was deleted is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

/// The end of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Tip {
    pub(super) sha: String,
    #[serde(default)]
    pub(super) repo: Option<Repo>,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Repo {
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) permissions: Option<Permissions>,
}

/// What we may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    pub(super) push: bool,
}

/// What is left of the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct RateLimit {
    pub(super) rate: Rate,
}

/// A limit and what is left of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Rate {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// When the next window begins, in seconds since 1970.
    pub(super) reset: i64,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Label {
    #[serde(default)]
    pub(super) name: String,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    pub(super) node_id: String,
    pub(super) html_url: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) title: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) body: String,
    pub(super) state: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) draft: bool,
    /// In lists there is only when.
    #[serde(default, deserialize_with = "or_default")]
    pub(super) merged: bool,
    #[serde(default)]
    pub(super) merged_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) merged_by: Option<User>,
    #[serde(default)]
    pub(super) mergeable: Option<bool>,
    pub(super) head: Tip,
    pub(super) base: Tip,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: Vec<Label>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) requested_reviewers: Vec<User>,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Review {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) body: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) submitted_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) commit_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) author_association: String,
}

/// A comment: in a conversation, or in the code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Comment {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) html_url: Option<String>,
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) body: String,
    pub(super) created_at: Timestamp,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) author_association: String,
    /// The first comment of its thread, if this is not the first.
    #[serde(default)]
    pub(super) in_reply_to_id: Option<u64>,
    /// The file; only in the code.
    #[serde(default)]
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) line: Option<u32>,
}

/// The check runs of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct CheckRuns {
    pub(super) check_runs: Vec<CheckRun>,
}

/// A check run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct CheckRun {
    pub(super) id: u64,
    pub(super) name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) status: String,
    #[serde(default)]
    pub(super) conclusion: Option<String>,
    #[serde(default)]
    pub(super) html_url: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) external_id: String,
    #[serde(default)]
    pub(super) output: Option<Output>,
    #[serde(default)]
    pub(super) app: Option<App>,
}

/// What a check run says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Output {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) title: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) summary: String,
}

/// Who made a check run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct App {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) slug: String,
}

/// The statuses of a commit, the newest of each context.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Statuses {
    pub(super) statuses: Vec<Status>,
}

/// A status.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Status {
    pub(super) context: String,
    pub(super) state: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) description: String,
    #[serde(default)]
    pub(super) target_url: Option<String>,
}

/// An issue; pull requests are issues too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Issue {
    pub(super) number: u64,
    pub(super) html_url: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) title: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) body: String,
    pub(super) state: String,
    #[serde(default)]
    pub(super) user: Option<User>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) labels: Vec<Label>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) author_association: String,
    #[serde(default)]
    pub(super) pull_request: Option<serde_json::Value>,
    pub(super) updated_at: Timestamp,
}

/// A webhook of a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Hook {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) active: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) config: HookConfig,
}

/// Where a webhook goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct HookConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) url: String,
}

/// An attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: u64,
    /// The webhook's name, the same for each attempt.
    pub(super) guid: String,
    pub(super) delivered_at: Timestamp,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) redelivery: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) status_code: u16,
    #[serde(default)]
    pub(super) installation_id: Option<u64>,
}

/// Reads what may be null as what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
