//! Issues: one, many, and their fields.

use serde_json::{Value, json};

use super::{fields, issue_of, view};
use crate::tracker::Flavour;
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::people::Right;
use crate::tracker::shape::issue::Fields;
use crate::tracker::shape::transition::Screen;
use crate::tracker::site::Site;

pub(crate) fn look(site: &mut Site, call: &Call) -> Outcome {
    let (issue, view) = (site.issue(&call.who, call.issue())?, view(site, call));
    let wanted = Fields::new(call.query("fields").unwrap_or_default().split(','), "*all");
    let mut shown = view.issue(issue, &wanted);
    if call.expands("changelog") {
        let mut histories: Vec<Value> = issue.history.iter().map(|change| view.change(change)).collect();
        if site.flavour == Flavour::Cloud {
            histories.reverse();
        }
        let total = histories.len();
        shown["changelog"] =
            json!({ "startAt": 0, "maxResults": total, "total": total, "histories": histories });
    }
    if call.expands("transitions") {
        let workflow = &site.project(issue).workflow;
        let all = super::transitions::offered(site, call, issue);
        shown["transitions"] = all.map(|one| view.transition(workflow, one, Screen::Hidden)).collect();
    }
    Answer::ok(shown)
}

pub(crate) fn edit(site: &mut Site, call: &Call) -> Outcome {
    let id = issue_of(site, call)?;
    let sets =
        fields::read(site, &site.issues[&id], call, &["summary", "description", "labels", "assignee"])?;
    if call.query("notifyUsers") == Some("false")
        && !site.may(site.project(&site.issues[&id]), call.by(), Right::Administer)
    {
        let words =
            "To discard the user notification either admin or project admin permissions are required.";
        return Err(Answer::trouble(403, words));
    }
    if sets.is_empty() {
        return Err(Answer::trouble(400, "one of 'fields' or 'update' required"));
    }
    let items = fields::apply(site, id, sets);
    site.changed(id, call.by(), items);
    Answer::no_content()
}

/// Many at once; who is not there, or not for these eyes, is in a list of its own.
pub(crate) fn fetch(site: &mut Site, call: &Call) -> Outcome {
    let list = |name: &str| call.body[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    if list("issueIdsOrKeys").count() > 100 {
        return Err(Answer::trouble(400, "The maximum number of issues that can be fetched is 100."));
    }
    let (wanted, view) = (Fields::new(list("fields"), "*navigable"), view(site, call));
    let (mut issues, mut errors) = (Vec::new(), Vec::new());
    for name in list("issueIdsOrKeys") {
        match site.issue(&call.who, name) {
            Ok(issue) => issues.push(issue),
            Err(_) => errors.push(json!({
                "id": name,
                "errorMessage": "Issue does not exist or you do not have permission to see it.",
            })),
        }
    }
    issues.sort_by_key(|issue| issue.id);
    issues.dedup_by_key(|issue| issue.id);
    let issues: Vec<Value> = issues.into_iter().map(|issue| view.issue(issue, &wanted)).collect();
    Answer::ok(json!({ "issues": issues, "issueErrors": errors }))
}
