//! A repository.

use serde_json::{Value, json};

use super::user;
use crate::forge::model::{Repo, Visibility};
use crate::forge::people::Role;
use crate::forge::world::World;

const LINKS: [(&str, &str); 38] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("svn_url", ""),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];
const COUNTS: [&str; 9] = [
    "forks",
    "forks_count",
    "network_count",
    "open_issues",
    "open_issues_count",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
];
const ABILITIES: [&str; 6] =
    ["has_issues", "has_projects", "has_wiki", "has_pages", "has_downloads", "has_discussions"];

pub(crate) fn api(world: &World, repo: &Repo) -> String {
    format!("{}/api/v3/repos/{}", world.base, repo.full_name())
}

pub(crate) fn html(world: &World, repo: &Repo) -> String {
    format!("{}/{}", world.base, repo.full_name())
}

pub(crate) fn full(world: &World, repo: &Repo) -> Value {
    let (api, html) = (api(world, repo), html(world, repo));
    let host = world.base.trim_start_matches("http://");
    let mut shown = json!({
        "id": repo.id,
        "node_id": format!("R_{}", repo.id),
        "name": repo.name,
        "full_name": repo.full_name(),
        "owner": user::simple(world, &repo.owner),
        "private": repo.visibility == Visibility::Private,
        "visibility": match repo.visibility { Visibility::Private => "private", Visibility::Public => "public" },
        "html_url": html,
        "clone_url": format!("{html}.git"),
        "git_url": format!("git://{host}/{}.git", repo.full_name()),
        "ssh_url": format!("git@{host}:{}.git", repo.full_name()),
        "description": null,
        "fork": false,
        "mirror_url": null,
        "homepage": null,
        "language": null,
        "license": null,
        "size": 1,
        "default_branch": "main",
        "archived": false,
        "disabled": false,
        "allow_merge_commit": true,
        "allow_squash_merge": true,
        "allow_rebase_merge": true,
        "pushed_at": "2026-01-01T00:00:00Z",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    });
    for (name, rest) in LINKS {
        shown[name] = format!("{api}{rest}").into();
    }
    shown["svn_url"] = html.into();
    for name in COUNTS {
        shown[name] = 0.into();
    }
    let open = repo.issues.values().filter(|issue| issue.closed.is_none()).count();
    shown["open_issues"] = open.into();
    shown["open_issues_count"] = open.into();
    for name in ABILITIES {
        shown[name] = (name == "has_issues").into();
    }
    shown
}

/// With what the one who asks may do there.
pub(crate) fn seen_by(world: &World, repo: &Repo, login: &str) -> Value {
    let mut shown = full(world, repo);
    let role = repo.role(login);
    shown["permissions"] = json!({
        "admin": role == Some(Role::Owner),
        "maintain": role == Some(Role::Owner),
        "push": role >= Some(Role::Collaborator),
        "triage": role >= Some(Role::Collaborator),
        "pull": true,
    });
    shown
}
