//! As much of Jira's query language as a client of ours needs, and no more: what cannot be read is refused, and fails
//! the test.

mod parse;
mod time;

use std::cmp::Ordering;

use jiff::Timestamp;

use super::model::Issue;
use super::people::{Right, Who};
use super::site::Site;
pub(crate) use parse::parse;

/// A query that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) clauses: Vec<Clause>,
    pub(crate) order: Option<Order>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) field: Field,
    pub(crate) test: Test,
    pub(crate) values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Key,
    Project,
    Labels,
    Status,
    StatusCategory,
    Updated,
    Created,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    In,
    NotIn,
    Least,
    Over,
    Most,
    Under,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) by: Field,
    pub(crate) way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Ascending,
    Descending,
}

/// Why a query has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is no query, or not one that is simulated: the client is wrong.
    Unreadable(String),
    /// It asks for something that is not there, or not for these eyes.
    Missing(String),
}

/// What a query does with values that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Refused,
    Ignored,
}

/// The names of fields, as they are written and as messages have them.
const NAMES: [(&str, Field); 9] = [
    ("key", Field::Key),
    ("issuekey", Field::Key),
    ("issue", Field::Key),
    ("project", Field::Project),
    ("labels", Field::Labels),
    ("status", Field::Status),
    ("statuscategory", Field::StatusCategory),
    ("updated", Field::Updated),
    ("created", Field::Created),
];

/// Who searches, and where.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) site: &'a Site,
    pub(crate) who: &'a Who,
}

impl Search<'_> {
    /// Refuses values that name nothing.
    pub(crate) fn check(self, query: &Query) -> Result<(), Trouble> {
        for clause in &query.clauses {
            for value in &clause.values {
                self.check_value(clause.field, value)?;
            }
        }
        Ok(())
    }

    fn check_value(self, field: Field, value: &str) -> Result<(), Trouble> {
        let Self { site, who } = self;
        let there = match field {
            Field::Labels => true,
            Field::Updated | Field::Created => return self.moment(value).map(|_| ()),
            Field::Key => {
                if site.issue(who, value).is_ok() {
                    return Ok(());
                }
                let words = format!("An issue with key '{value}' does not exist for field 'key'.");
                return Err(Trouble::Missing(words));
            }
            Field::Project => {
                let found = site.projects.values().find(|one| one.key.eq_ignore_ascii_case(value));
                found.is_some_and(|project| site.may(project, who.login(), Right::Browse))
            }
            Field::Status => {
                let all = site.projects.values().flat_map(|project| &project.workflow.statuses);
                all.clone().any(|status| status.name.eq_ignore_ascii_case(value) || status.id == value)
            }
            Field::StatusCategory => site.projects.values().any(|project| {
                let all = project.workflow.statuses.iter().map(|status| status.category);
                all.clone()
                    .any(|category| is_category(project.workflow.category_name(category), category, value))
            }),
        };
        let name = NAMES.iter().find(|(_, other)| *other == field).map_or("", |(name, _)| name);
        let words = format!("The value '{value}' does not exist for the field '{name}'.");
        if there { Ok(()) } else { Err(Trouble::Missing(words)) }
    }

    /// Whether an issue is one that the query means.
    pub(crate) fn hits(self, query: &Query, issue: &Issue) -> bool {
        query.clauses.iter().all(|clause| self.fits(clause, issue))
    }

    fn fits(self, clause: &Clause, issue: &Issue) -> bool {
        let any = |is: &dyn Fn(&str) -> bool| clause.values.iter().any(|value| is(value));
        let project = self.site.project(issue);
        let status = project.workflow.status(&issue.status);
        let is_one = match clause.field {
            Field::Key => any(&|value| issue.goes_by(value) || issue.id.to_string() == value),
            Field::Project => any(&|value| project.key.eq_ignore_ascii_case(value)),
            Field::Labels => any(&|value| issue.labels.contains(value)),
            Field::Status => any(&|value| status.name.eq_ignore_ascii_case(value) || status.id == value),
            Field::StatusCategory => any(&|value| {
                is_category(project.workflow.category_name(status.category), status.category, value)
            }),
            Field::Updated => return self.compares(clause, issue.updated),
            Field::Created => return self.compares(clause, issue.created),
        };
        is_one == (clause.test == Test::In)
    }

    fn compares(self, clause: &Clause, at: Timestamp) -> bool {
        let Some(Ok(moment)) = clause.values.first().map(|value| self.moment(value)) else { return false };
        match (clause.test, at.cmp(&moment)) {
            (Test::Least, order) => order != Ordering::Less,
            (Test::Over, order) => order == Ordering::Greater,
            (Test::Most, order) => order != Ordering::Greater,
            (Test::Under, order) => order == Ordering::Less,
            (Test::In, order) => order == Ordering::Equal,
            (Test::NotIn, order) => order != Ordering::Equal,
        }
    }

    fn moment(self, value: &str) -> Result<Timestamp, Trouble> {
        let hours = self.site.users.get(self.who.login()).map_or(0, |user| user.hours_ahead);
        time::moment(value, self.site.now(), hours)
    }
}

/// A category by its key, its English name or the site's own.
fn is_category(own: &str, category: super::workflow::Category, value: &str) -> bool {
    use super::workflow::Category;
    let english = match category {
        Category::New => "To Do",
        Category::Indeterminate => "In Progress",
        Category::Done => "Done",
    };
    [own, english, category.key()].iter().any(|name| name.eq_ignore_ascii_case(value))
}

/// Puts issues into the order that a query wants; without one the newest comes first.
pub(crate) fn sort(query: &Query, issues: &mut [&Issue]) {
    let order = query.order.unwrap_or(Order { by: Field::Created, way: Way::Descending });
    match order.by {
        Field::Updated => issues.sort_by_key(|issue| (issue.updated, issue.id)),
        Field::Key
        | Field::Project
        | Field::Labels
        | Field::Status
        | Field::StatusCategory
        | Field::Created => issues.sort_by_key(|issue| issue.id),
    }
    if order.way == Way::Descending {
        issues.reverse();
    }
}
