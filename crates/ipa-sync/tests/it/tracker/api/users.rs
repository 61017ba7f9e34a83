//! Users, as others may look them up.

use serde_json::{Value, json};

use super::view;
use crate::tracker::Flavour;
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::people::{Right, Sight, User};
use crate::tracker::site::Site;

/// Who can be assigned an issue, or issues of a project; of those whom the call names.
pub(crate) fn assignable(site: &mut Site, call: &Call) -> Outcome {
    let project = match (call.query("issueKey"), call.query("project")) {
        (Some(key), _) => site.project(site.issue(&call.who, key)?),
        (None, Some(key)) => {
            let found = site.projects.get(key).filter(|one| site.may(one, call.by(), Right::Browse));
            found.ok_or_else(|| {
                Answer::trouble(404, &format!("No project could be found with key '{key}'."))
            })?
        }
        (None, None) => {
            return Err(Answer::trouble(
                400,
                "Either the 'project' or 'issueKey' query parameter needs to be provided",
            ));
        }
    };
    let (start, most) = (call.number("startAt", 0), call.number("maxResults", 50));
    let named = site.users.values().filter(|user| is_meant(site.flavour, user, call));
    // The page is cut first: who is on it and cannot be assigned makes it shorter.
    let all = named.skip(start).take(most).filter(|user| site.may(project, &user.login, Right::BeAssigned));
    Answer::ok(all.map(|user| view(site, call).user(&user.login)).collect())
}

/// Whether a user is one that the call names: by an id exactly, by words as a person would search.
fn is_meant(flavour: Flavour, user: &User, call: &Call) -> bool {
    let begins = |words: &str| {
        let words = words.to_lowercase();
        [&user.login, &user.display_name, &user.mail]
            .iter()
            .any(|name| name.to_lowercase().starts_with(&words))
    };
    match flavour {
        Flavour::Cloud => {
            call.query("accountId").is_none_or(|id| id == user.account_id)
                && call.query("query").is_none_or(begins)
        }
        // What is called a user's name here is what one would type to find them.
        Flavour::DataCenter => call.query("username").is_none_or(begins),
    }
}

pub(crate) fn look(site: &mut Site, call: &Call) -> Outcome {
    let user = asked_for(site, call)?;
    let mut shown = view(site, call).user(&user.login);
    if call.expands("groups") {
        let items = groups_of(site, user);
        shown["groups"] = json!({ "size": user.groups.len(), "items": items });
    }
    Answer::ok(shown)
}

pub(crate) fn groups(site: &mut Site, call: &Call) -> Outcome {
    let user = asked_for(site, call)?;
    Answer::ok(groups_of(site, user))
}

fn asked_for<'a>(site: &'a Site, call: &Call) -> Result<&'a User, Answer> {
    if site.users[call.by()].sight == Sight::Nobody {
        return Err(Answer::trouble(403, "You do not have permission to browse users."));
    }
    let is_it = |user: &&User| match site.flavour {
        Flavour::Cloud => call.query("accountId") == Some(user.account_id.as_str()),
        Flavour::DataCenter => {
            call.query("username") == Some(user.login.as_str())
                || call.query("key") == Some(user.key.as_str())
        }
    };
    let missing =
        || Answer::trouble(404, "Specified user does not exist or you do not have required permissions");
    site.users.values().find(is_it).ok_or_else(missing)
}

fn groups_of(site: &Site, user: &User) -> Value {
    let shown = user.groups.iter().map(|group| {
        let mut shown = json!({ "name": group, "self": format!("{}/group?groupname={group}", site.api()) });
        if site.flavour == Flavour::Cloud {
            shown["groupId"] = group_id(group).into();
        }
        shown
    });
    shown.collect()
}

/// What Cloud knows a group by.
pub(crate) fn group_id(group: &str) -> String {
    format!("952d12c3-5b5b-4d04-bb32-{group}")
}
