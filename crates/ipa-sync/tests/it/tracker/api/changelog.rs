//! Who changed what, the oldest first.

use serde_json::{Value, json};

use super::{page, view};
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::site::Site;

pub(crate) fn list(site: &mut Site, call: &Call) -> Outcome {
    let (issue, view) = (site.issue(&call.who, call.issue())?, view(site, call));
    let (start, most) = (call.number("startAt", 0), call.number("maxResults", 100).min(100));
    let shown = page(&issue.history, start, most);
    let values: Vec<Value> = shown.iter().map(|change| view.change(change)).collect();
    let url = format!("{}/issue/{}/changelog", site.api(), issue.key);
    let end = start + shown.len();
    let mut body = json!({
        "self": format!("{url}?maxResults={most}&startAt={start}"),
        "maxResults": most,
        "startAt": start,
        "total": issue.history.len(),
        "isLast": end >= issue.history.len(),
        "values": values,
    });
    if end < issue.history.len() {
        body["nextPage"] = format!("{url}?maxResults={most}&startAt={end}").into();
    }
    Answer::ok(body)
}
