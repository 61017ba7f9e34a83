//! A ticket's link to a pull request. Pure.
//!
//! Jira keeps one link for each `globalId`: writing it again changes it. So the name must be the same for the same pull
//! request for ever.

use ipa_events::PayloadHash;
use serde_json::{Value, json};
use url::Url;

use super::shape::RemoteLink;

/// The longest `globalId` and the longest title that Jira takes.
const LONGEST: usize = 255;

/// What a link says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Says<'a> {
    pub(super) url: &'a str,
    pub(super) title: &'a str,
    pub(super) merged: bool,
}

impl Says<'_> {
    pub(super) fn global_id(&self) -> String {
        global_id(self.url)
    }

    fn title(&self) -> String {
        let title: String = self.title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let title: String = title.trim().chars().take(LONGEST).collect();
        if title.is_empty() { self.url.chars().take(LONGEST).collect() } else { title }
    }

    /// Returns what is sent.
    pub(super) fn body(&self) -> Value {
        json!({
            "globalId": self.global_id(),
            "application": { "type": "dev.ipa", "name": "ipa" },
            "relationship": "pull request",
            "object": { "url": self.url, "title": self.title(), "status": { "resolved": self.merged } },
        })
    }

    /// Tells whether a link says this already.
    pub(super) fn is(&self, link: &RemoteLink) -> bool {
        let Some(object) = &link.object else { return false };
        let resolved = object.status.as_ref().and_then(|status| status.resolved).unwrap_or_default();
        object.url.as_deref() == Some(self.url)
            && object.title.as_deref() == Some(&*self.title())
            && resolved == self.merged
    }
}

/// Names a pull request by its address: `ipa:pr:HOST/OWNER/REPO#N`, or the address itself.
fn global_id(url: &str) -> String {
    let name = named(url).unwrap_or_else(|| format!("ipa:pr:{url}"));
    if name.chars().count() <= LONGEST {
        return name;
    }
    format!("ipa:pr:{}", PayloadHash::of(url.as_bytes()))
}

fn named(url: &str) -> Option<String> {
    let url: Url = url.parse().ok()?;
    let host = url.host_str()?;
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    let path: Vec<&str> = url.path_segments()?.filter(|piece| !piece.is_empty()).collect();
    let ([repo @ .., "-", "merge_requests", _] | [repo @ .., "pull" | "pulls" | "pull-requests", _]) =
        path.as_slice()
    else {
        return None;
    };
    let number: u64 = path.last()?.parse().ok()?;
    (!repo.is_empty()).then(|| format!("ipa:pr:{host}{port}/{}#{number}", repo.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_has_one_name() {
        for (url, name) in [
            ("https://github.com/octo/repo/pull/4", "ipa:pr:github.com/octo/repo#4"),
            ("https://github.com/octo/repo/pull/4/", "ipa:pr:github.com/octo/repo#4"),
            ("https://github.com/octo/repo/pull/4?w=1#x", "ipa:pr:github.com/octo/repo#4"),
            ("http://127.0.0.1:8080/a/b/pulls/12", "ipa:pr:127.0.0.1:8080/a/b#12"),
            ("https://git.corp/a/b/c/-/merge_requests/7", "ipa:pr:git.corp/a/b/c#7"),
            ("https://b.corp/projects/P/repos/r/pull-requests/7", "ipa:pr:b.corp/projects/P/repos/r#7"),
            ("https://h/octo/repo/issues/4", "ipa:pr:https://h/octo/repo/issues/4"),
            ("https://h/pull/x", "ipa:pr:https://h/pull/x"),
            ("here#4", "ipa:pr:here#4"),
        ] {
            assert_eq!(global_id(url), name, "{url}");
        }
        let long = format!("https://h/{}/r/pull/1", "o".repeat(300));
        assert!(global_id(&long).len() <= LONGEST);
        assert_ne!(global_id(&long), global_id(&format!("{long}2")));
    }

    #[test]
    fn a_link_is_there_when_it_says_the_same() {
        let says = Says { url: "https://h/o/r/pull/1", title: "Fix it\n", merged: false };
        let link = |value: Value| serde_json::from_value::<RemoteLink>(value).unwrap();
        assert!(says.is(&link(says.body())));
        assert!(!Says { merged: true, ..says }.is(&link(says.body())));
        assert!(!Says { title: "Other", ..says }.is(&link(says.body())));
        assert!(!says.is(&link(json!({ "id": 4 }))));
        let unsaid = json!({ "object": { "url": says.url, "title": "Fix it" } });
        assert!(says.is(&link(unsaid)));
        let long = Says { title: &"x".repeat(300), ..says };
        assert!(long.is(&link(long.body())));
    }
}
