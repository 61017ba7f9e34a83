//! Who has which role in a project.

use serde_json::{Map, Value, json};

use super::view;
use crate::tracker::Flavour;
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::model::Project;
use crate::tracker::people::Role;
use crate::tracker::site::Site;

pub(crate) fn list(site: &mut Site, call: &Call) -> Outcome {
    let project = project(site, call)?;
    let urls: Map<String, Value> =
        Role::ALL.iter().map(|role| (role.name().to_owned(), url(site, project, *role).into())).collect();
    Answer::ok(urls.into())
}

pub(crate) fn look(site: &mut Site, call: &Call) -> Outcome {
    let project = project(site, call)?;
    let wanted = |role: &&Role| role.id().to_string() == call.param("id");
    let Some(role) = Role::ALL.iter().find(wanted).copied() else {
        return Err(Answer::trouble(404, "Can not retrieve a role actor for a null project role."));
    };
    let holders = project.roles.iter().filter(|(_, own)| **own == role).map(|(login, _)| login);
    let groups = project.group_roles.iter().filter(|(_, own)| **own == role).map(|(group, _)| group);
    let people = holders.enumerate().map(|(at, login)| actor(site, call, at, login));
    let actors: Vec<Value> = people.chain(groups.map(|group| group_actor(site, group))).collect();
    Answer::ok(json!({
        "self": url(site, project, role),
        "name": role.name(),
        "id": role.id(),
        "description": "",
        "actors": actors,
    }))
}

fn actor(site: &Site, call: &Call, at: usize, login: &str) -> Value {
    let user = view(site, call).user(login);
    let mut shown = json!({
        "id": 10_240 + at,
        "displayName": user["displayName"],
        "type": "atlassian-user-role-actor",
    });
    match site.flavour {
        Flavour::Cloud => shown["actorUser"] = json!({ "accountId": user["accountId"] }),
        Flavour::DataCenter => shown["name"] = login.into(),
    }
    shown
}

fn group_actor(site: &Site, group: &str) -> Value {
    let mut shown = json!({
        "id": 10_300,
        "displayName": group,
        "name": group,
        "type": "atlassian-group-role-actor",
    });
    if site.flavour == Flavour::Cloud {
        shown["actorGroup"] =
            json!({ "name": group, "displayName": group, "groupId": super::users::group_id(group) });
    }
    shown
}

fn project<'a>(site: &'a Site, call: &Call) -> Result<&'a Project, Answer> {
    let key = call.param("projectIdOrKey");
    let found = site.projects.values().find(|one| one.key == key || one.id.to_string() == key);
    found.ok_or_else(|| Answer::trouble(404, "No project could be found."))
}

fn url(site: &Site, project: &Project, role: Role) -> String {
    format!("{}/project/{}/role/{}", site.api(), project.id, role.id())
}
