//! The mark that our comments are known by: a property that no page shows in the cloud, an anchor of the text in Data
//! Center. Pure. A mark alone proves nothing, since others may copy it: the author counts too.

use ipa_events::TaskId;
use serde_json::{Value, json};

use super::Flavour;
use super::shape::{Comment, User};
use crate::connector::Job;

/// The key of the property.
pub(super) const KEY: &str = "ipa";

const ANCHOR: (&str, &str) = ("{anchor:ipa-", "}");
/// What the anchor of the comment that says how it stands begins with.
const STATUS: &str = "status-";

/// What a comment of ours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// One of many.
    Comment,
    /// The one that says how it stands.
    Status,
}

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// `Job::marker` of the change that wrote it last.
    pub(super) marker: String,
    pub(super) sort: Sort,
}

impl Mark {
    pub(super) fn of(job: &Job, sort: Sort) -> Self {
        Self { marker: job.marker(), sort }
    }

    /// Tells whether some change of a task wrote it.
    pub(super) fn is_of(&self, task: TaskId) -> bool {
        self.marker.strip_prefix(&task.to_string()).is_some_and(|rest| rest.starts_with('.'))
    }

    pub(super) fn property(&self, hash: &str) -> Value {
        let status = self.sort == Sort::Status;
        json!({ "key": KEY, "value": { "k": self.marker, "hash": hash, "status": status } })
    }

    pub(super) fn anchor(&self) -> String {
        let status = if self.sort == Sort::Status { STATUS } else { "" };
        format!("{}{status}{}{}", ANCHOR.0, self.marker, ANCHOR.1)
    }
}

/// Whose a comment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    /// Somebody else's, or a person's who lends us the account.
    Theirs,
    Ours(Mark),
    /// By our account, and Jira does not say what its properties are.
    Unsaid,
}

/// Tells whose a comment is.
pub(super) fn whose(comment: &Comment, me: &User, flavour: Flavour) -> Whose {
    if !comment.author.as_ref().is_some_and(|author| author.is(me)) {
        return Whose::Theirs;
    }
    let mark = match (flavour, &comment.properties) {
        (Flavour::Cloud, None) => return Whose::Unsaid,
        (Flavour::Cloud, Some(properties)) => {
            let ours = properties.iter().find(|property| property.key == KEY);
            ours.and_then(|property| of_property(&property.value))
        }
        (Flavour::DataCenter, _) => comment.body.as_ref().and_then(Value::as_str).and_then(of_text),
    };
    mark.map_or(Whose::Theirs, Whose::Ours)
}

fn of_property(value: &Value) -> Option<Mark> {
    let sort = if value["status"].as_bool() == Some(true) { Sort::Status } else { Sort::Comment };
    Some(Mark { marker: value["k"].as_str()?.to_owned(), sort })
}

/// Reads the last mark of a text; ours stands at its end.
fn of_text(text: &str) -> Option<Mark> {
    let (_, rest) = text.rsplit_once(ANCHOR.0)?;
    let (name, _) = rest.split_once(ANCHOR.1)?;
    Some(match name.strip_prefix(STATUS) {
        Some(marker) => Mark { marker: marker.to_owned(), sort: Sort::Status },
        None => Mark { marker: name.to_owned(), sort: Sort::Comment },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(author: &str, body: &str, properties: &Value) -> Comment {
        let comment =
            json!({ "id": "7", "author": { "accountId": author }, "body": body, "properties": properties });
        serde_json::from_value(comment).unwrap()
    }

    fn me() -> User {
        User { account_id: Some("me".to_owned()), ..User::default() }
    }

    #[test]
    fn a_mark_reads_back_from_where_it_was_put() {
        for sort in [Sort::Comment, Sort::Status] {
            let mark = Mark { marker: "0190.o3".to_owned(), sort };
            let ours = Whose::Ours(mark.clone());
            let cloud = comment("me", "x", &json!([{ "key": "other", "value": 1 }, mark.property("h")]));
            assert_eq!(whose(&cloud, &me(), Flavour::Cloud), ours);
            let text = format!("{{anchor:ipa-0190.o1}} quoted\n\n{}", mark.anchor());
            let server = comment("me", &text, &Value::Null);
            assert_eq!(whose(&server, &me(), Flavour::DataCenter), ours);
        }
    }

    #[test]
    fn a_copied_mark_makes_nobodys_comment_ours() {
        let mark = Mark { marker: "0190.o3".to_owned(), sort: Sort::Comment };
        let both = comment("somebody", &mark.anchor(), &json!([mark.property("h")]));
        let nobodys = Comment { author: None, ..both.clone() };
        for flavour in [Flavour::Cloud, Flavour::DataCenter] {
            assert_eq!(whose(&both, &me(), flavour), Whose::Theirs);
            assert_eq!(whose(&nobodys, &me(), flavour), Whose::Theirs);
            assert_eq!(whose(&both, &User::default(), flavour), Whose::Theirs);
        }
    }

    #[test]
    fn what_the_person_of_our_account_wrote_is_that_persons() {
        for (properties, body, whose_it_is) in [
            (json!([]), "looks good", Whose::Theirs),
            (json!([{ "key": "ipa", "value": "x" }]), "{anchor:ipa", Whose::Theirs),
            (Value::Null, "", Whose::Unsaid),
        ] {
            assert_eq!(whose(&comment("me", body, &properties), &me(), Flavour::Cloud), whose_it_is);
            assert_eq!(whose(&comment("me", body, &properties), &me(), Flavour::DataCenter), Whose::Theirs);
        }
    }

    #[test]
    fn a_mark_is_of_one_task() {
        let (one, other) = (TaskId::from_key("one"), TaskId::from_key("other"));
        let mark = Mark { marker: format!("{one}.o12"), sort: Sort::Status };
        assert!(mark.is_of(one) && !mark.is_of(other));
    }
}
