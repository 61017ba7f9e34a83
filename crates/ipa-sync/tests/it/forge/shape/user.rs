//! A user.

use serde_json::{Value, json};

use crate::forge::people::Kind;
use crate::forge::world::World;

const LINKS: [(&str, &str); 9] = [
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
];

/// The short form; null for somebody unknown.
pub(crate) fn simple(world: &World, login: &str) -> Value {
    let Some(user) = world.users.get(login) else { return Value::Null };
    let base = &world.base;
    let path = login.replace(['[', ']'], "");
    let url = format!("{base}/api/v3/users/{path}");
    let mut shown = json!({
        "login": login,
        "id": user.id,
        "node_id": format!("U_{}", user.id),
        "avatar_url": format!("{base}/avatars/{}", user.id),
        "gravatar_id": "",
        "url": url,
        "html_url": format!("{base}/{path}"),
        "type": match user.kind { Kind::Person => "User", Kind::Bot => "Bot" },
        "site_admin": false,
    });
    for (name, rest) in LINKS {
        shown[name] = format!("{url}{rest}").into();
    }
    shown
}

/// The long form, of the user who asks.
pub(crate) fn public(world: &World, login: &str) -> Value {
    let mut shown = simple(world, login);
    for name in ["name", "company", "blog", "location", "email", "hireable", "bio"] {
        shown[name] = Value::Null;
    }
    for name in ["public_repos", "public_gists", "followers", "following"] {
        shown[name] = 0.into();
    }
    shown["created_at"] = "2020-01-01T00:00:00Z".into();
    shown["updated_at"] = "2020-01-01T00:00:00Z".into();
    shown
}
