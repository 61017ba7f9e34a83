//! A push, as a webhook tells it.

use serde_json::{Value, json};

const NOWHERE: &str = "0000000000000000000000000000000000000000";

pub(crate) fn payload(branch: &str, old: Option<&String>, new: Option<&String>, by: &str) -> Value {
    let at = |commit: Option<&String>| commit.map_or(NOWHERE, String::as_str).to_owned();
    json!({
        "ref": format!("refs/heads/{branch}"),
        "before": at(old),
        "after": at(new),
        "created": old.is_none(),
        "deleted": new.is_none(),
        "forced": false,
        "base_ref": null,
        "compare": "",
        "commits": [],
        "head_commit": null,
        "pusher": { "name": by },
    })
}
