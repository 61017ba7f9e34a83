//! An issue, with the fields that are asked for.

use serde_json::{Map, Value, json};

use super::{Properties, View};
use crate::tracker::Flavour;
use crate::tracker::model::Issue;

/// The fields that a call asks for: names, `*all`, `*navigable`, and `-name` for one that it does not want.
#[derive(Debug, Clone)]
pub(crate) struct Fields(Vec<String>);

/// What `*navigable` leaves out.
const NOT_NAVIGABLE: [&str; 2] = ["comment", "description"];

impl Fields {
    /// Reads a list; when it is empty, `default` is meant.
    pub(crate) fn new<'a>(list: impl IntoIterator<Item = &'a str>, default: &str) -> Self {
        let mut names: Vec<String> = list.into_iter().map(str::trim).map(str::to_owned).collect();
        names.retain(|name| !name.is_empty());
        if names.iter().all(|name| name.starts_with('-')) {
            names.insert(0, default.to_owned());
        }
        Self(names)
    }

    fn has(&self, name: &str) -> bool {
        let Self(names) = self;
        let is = |other: &str| names.iter().any(|one| one == other);
        let is_wanted = is("*all") || is(name) || (is("*navigable") && !NOT_NAVIGABLE.contains(&name));
        is_wanted && !is(&format!("-{name}"))
    }

    /// Cloud's newer search shows nothing but ids to who names no fields.
    pub(crate) fn is_id_only(&self) -> bool {
        self.0.iter().all(|name| name == "id")
    }
}

impl View<'_> {
    pub(crate) fn issue(self, issue: &Issue, fields: &Fields) -> Value {
        if fields.is_id_only() {
            return json!({ "id": issue.id.to_string() });
        }
        let all = self.all_fields(issue);
        let chosen: Map<String, Value> = all.into_iter().filter(|(name, _)| fields.has(name)).collect();
        json!({
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": issue.id.to_string(),
            "self": format!("{}/issue/{}", self.site.api(), issue.id),
            "key": issue.key,
            "fields": chosen,
        })
    }

    fn all_fields(self, issue: &Issue) -> Map<String, Value> {
        let project = self.site.project(issue);
        let (api, workflow) = (self.site.api(), &project.workflow);
        let assignee = issue.assignee.as_deref().map_or(Value::Null, |login| self.user(login));
        let shown: Vec<&_> = issue.comments.iter().filter(|one| self.sees(issue, one.role)).collect();
        let comments: Vec<Value> =
            shown.iter().map(|comment| self.comment(issue, comment, Properties::Hidden)).collect();
        let kind = json!({ "self": format!("{api}/issuetype/10001"), "id": "10001", "name": "Task", "subtask": false });
        let home = json!({
            "self": format!("{api}/project/{}", project.id),
            "id": project.id.to_string(),
            "key": project.key,
            "name": project.name,
        });
        let mut fields = json!({
            "summary": issue.summary,
            "description": issue.description,
            "status": self.status(workflow, workflow.status(&issue.status)),
            "resolution": self.resolution(workflow, issue.resolution.as_deref()),
            "resolutiondate": issue.resolved.map(|at| self.time(at)),
            "reporter": self.user(&issue.reporter),
            "creator": self.user(&issue.reporter),
            "assignee": assignee,
            "labels": issue.labels,
            "created": self.time(issue.created),
            "updated": self.time(issue.updated),
            "issuetype": kind,
            "project": home,
            "comment": {
                "comments": comments,
                "maxResults": shown.len(),
                "total": shown.len(),
                "startAt": 0,
            },
        });
        if self.site.flavour == Flavour::Cloud {
            fields["comment"]["self"] = format!("{api}/issue/{}/comment", issue.id).into();
        }
        fields.as_object_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Whether the viewer sees a comment that is for a role.
    pub(crate) fn sees(self, issue: &Issue, role: Option<crate::tracker::people::Role>) -> bool {
        role.is_none_or(|role| self.site.role(self.site.project(issue), self.viewer) >= Some(role))
    }
}
