//! Whose words may reach an agent unasked.
//!
//! Jira tells who has a role in a project only to those who administer it. What any account may ask is whether somebody
//! can be *assigned* a ticket of the project: by default those who work in it, and neither customers of a service desk
//! nor those who only look on; and, if it may browse users, which groups somebody is in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Flavour;
use super::shape::{Group, Role, User};
use super::site::Visit;
use super::sweep::project;
use crate::channel::{Ask, parsed};
use crate::error::SyncError;

/// So long an answer about somebody counts.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// Whose words may reach an agent unasked, besides those who are named.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Members {
    /// Nobody's.
    Nobody,
    /// Of whoever tickets of the project can be assigned to.
    #[default]
    Assignable,
    /// Of whoever is in one of these groups, by name or, in the cloud, id. The credential needs the right to browse
    /// users.
    Groups(BTreeSet<String>),
    /// Of whoever has one of these roles in the ticket's project, by name. The credential needs the right to administer
    /// the project; and the right to browse users, where a group has the role.
    Roles(BTreeSet<String>),
}

/// Whom to trust, with what was answered lately.
#[derive(Debug, Default)]
pub(super) struct Trusting {
    members: Members,
    /// Accounts that are trusted whatever Jira says.
    accounts: BTreeSet<String>,
    known: Mutex<BTreeMap<(String, String), (bool, Timestamp)>>,
}

impl Trusting {
    pub(super) fn new(members: Members, accounts: BTreeSet<String>) -> Self {
        Self { members, accounts, known: Mutex::default() }
    }

    /// Tells whether somebody's words on a ticket are trusted. Who cannot be asked about is not.
    pub(super) async fn trusts(&self, visit: &Visit<'_>, somebody: &User) -> Result<bool, SyncError> {
        let Some(id) = somebody.id() else { return Ok(false) };
        let names = [somebody.account_id.as_ref(), somebody.key.as_ref(), somebody.name.as_ref()];
        if names.into_iter().flatten().any(|name| self.accounts.contains(name)) {
            return Ok(true);
        }
        // A customer of a service desk writes from outside, whatever else holds.
        if somebody.account_type.as_deref() == Some("customer") || self.members == Members::Nobody {
            return Ok(false);
        }
        let place = (project(visit.key).to_owned(), id.to_owned());
        if let Some((trusted, at)) = self.lock().get(&place).copied()
            && visit.now.duration_since(at) < FRESH
        {
            return Ok(trusted);
        }
        let trusted = match &self.members {
            Members::Nobody => false,
            Members::Assignable => is_assignable(visit, somebody).await?,
            Members::Groups(groups) => is_in(visit, somebody, groups).await?,
            Members::Roles(roles) => has_role(visit, somebody, roles).await?,
        };
        self.lock().insert(place, (trusted, visit.now));
        Ok(trusted)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), (bool, Timestamp)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn is_assignable(visit: &Visit<'_>, somebody: &User) -> Result<bool, SyncError> {
    let ask = about(visit, somebody, "user/assignable/search").query("issueKey", visit.key);
    let found: Option<Vec<User>> = answered(visit, &ask).await?;
    Ok(found.into_iter().flatten().any(|user| user.is(somebody)))
}

async fn is_in(visit: &Visit<'_>, somebody: &User, groups: &BTreeSet<String>) -> Result<bool, SyncError> {
    #[derive(Deserialize)]
    struct Expanded {
        groups: Groups,
    }
    #[derive(Deserialize)]
    struct Groups {
        items: Vec<Group>,
    }
    let found = match visit.site.flavour {
        Flavour::Cloud => answered(visit, &about(visit, somebody, "user/groups")).await?,
        Flavour::DataCenter => {
            let ask = about(visit, somebody, "user").query("expand", "groups");
            answered(visit, &ask).await?.map(|user: Expanded| user.groups.items)
        }
    };
    let found: Vec<Group> = found.unwrap_or_default();
    let mut names = found.iter().flat_map(|group| [group.name.as_ref(), group.group_id.as_ref()]).flatten();
    Ok(names.any(|name| groups.contains(name)))
}

async fn has_role(visit: &Visit<'_>, somebody: &User, roles: &BTreeSet<String>) -> Result<bool, SyncError> {
    let (project, doing) =
        (project(visit.key), format!("asking for the roles in the project of {}", visit.key));
    let ask = Ask::read(doing.clone(), visit.who, "project/{}/role", &[project]);
    let all: Option<BTreeMap<String, String>> = answered(visit, &ask).await?;
    let mut groups = BTreeSet::new();
    for (_, url) in all.iter().flatten().filter(|(name, _)| roles.contains(*name)) {
        let Some((_, id)) = url.rsplit_once('/') else { continue };
        let ask = Ask::read(doing.clone(), visit.who, "project/{}/role/{}", &[project, id]);
        let role: Option<Role> = answered(visit, &ask).await?;
        for actor in role.into_iter().flat_map(|role| role.actors) {
            if actor.is(somebody) {
                return Ok(true);
            }
            groups.extend(actor.group());
        }
    }
    if groups.is_empty() { Ok(false) } else { is_in(visit, somebody, &groups).await }
}

/// A question about somebody.
fn about(visit: &Visit<'_>, somebody: &User, path: &'static str) -> Ask<'static> {
    let doing = format!("asking whether {} works on {}", somebody.shown(), visit.key);
    let ask = Ask::read(doing, visit.who, path, &[]);
    match visit.site.flavour {
        Flavour::Cloud => ask.query("accountId", somebody.account_id.as_deref().unwrap_or_default()),
        Flavour::DataCenter => ask.query("username", somebody.name.as_deref().unwrap_or_default()),
    }
}

/// Returns what was answered; none when it may not be asked, or nobody is known by that name.
async fn answered<T: serde::de::DeserializeOwned>(
    visit: &Visit<'_>,
    ask: &Ask<'_>,
) -> Result<Option<T>, SyncError> {
    let ask = ask.clone().expecting(&[400, 403, 404]);
    let answer = visit.send(&ask).await?;
    if answer.status.is_success() { parsed(&ask, &answer).map(Some) } else { Ok(None) }
}
