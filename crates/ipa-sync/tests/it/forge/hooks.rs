//! Webhooks as GitHub lists and sends them.

use serde_json::{Value, json};

use super::model::Hook;
use super::serve::Shared;
use crate::peer::{Delivery, Hooks, Mailbox, Postman, Sent, signature};

/// A delivery in a list.
pub(crate) fn shown(sent: &Sent, installation: Option<u64>) -> Value {
    let Delivery { guid, event, action, again, about, at, .. } = &sent.delivery;
    json!({
        "id": sent.id,
        "guid": guid,
        "delivered_at": at,
        "redelivery": again,
        "duration": 0.03,
        "status": if sent.code < 400 { "OK" } else { "failed to connect to host" },
        "status_code": sent.code,
        "event": event,
        "action": action,
        "installation_id": installation,
        "repository_id": about,
        "throttled_at": null,
    })
}

/// A webhook in the list of its repository's, which is there.
pub(crate) fn of_repo(hook: &Hook, repo: &str) -> Value {
    let url = format!("{repo}/hooks/{}", hook.id);
    json!({
        "type": "Repository",
        "id": hook.id,
        "name": "web",
        "active": true,
        "events": ["*"],
        "config": { "url": hook.url, "content_type": "json", "insecure_ssl": "0", "secret": "********" },
        "updated_at": hook.made,
        "created_at": hook.made,
        "url": url,
        "test_url": format!("{url}/test"),
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
        "last_response": { "code": null, "status": "unused", "message": null },
    })
}

impl Postman for Shared {
    fn hooks<R>(&self, at_work: impl FnOnce(&mut Hooks) -> R) -> R {
        at_work(&mut self.world().hooks)
    }

    fn headers(&self, to: &Mailbox<'_>, delivery: &Delivery) -> Vec<(&'static str, String)> {
        vec![
            ("user-agent", "GitHub-Hookshot/forge".to_owned()),
            ("content-type", "application/json".to_owned()),
            ("x-github-event", delivery.event.clone()),
            ("x-github-delivery", delivery.guid.clone()),
            ("x-github-hook-id", "1".to_owned()),
            ("x-github-hook-installation-target-type", "integration".to_owned()),
            ("x-hub-signature-256", signature(to.secret, &delivery.body)),
        ]
    }
}
