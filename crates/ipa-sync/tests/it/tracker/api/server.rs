//! What the site is, and who asks.

use serde_json::json;

use super::view;
use crate::tracker::Flavour;
use crate::tracker::call::{Answer, Call, Outcome};
use crate::tracker::site::Site;

pub(crate) fn info(site: &mut Site, call: &Call) -> Outcome {
    let (version, numbers, kind) = match site.flavour {
        Flavour::Cloud => ("1001.0.0-SNAPSHOT", [1001, 0, 0], "Cloud"),
        Flavour::DataCenter => ("9.12.4", [9, 12, 4], "Server"),
    };
    let now = view(site, call).time(site.now());
    Answer::ok(json!({
        "baseUrl": site.base,
        "version": version,
        "versionNumbers": numbers,
        "deploymentType": kind,
        "buildNumber": 100_282,
        "buildDate": "2026-01-17T12:34:00.000+0000",
        "serverTime": now,
        "scmInfo": "1f51473f5c7b75c1a69a0090f4832cdc5053702a",
        "serverTitle": "Jira",
    }))
}

pub(crate) fn myself(site: &mut Site, call: &Call) -> Outcome {
    let mut shown = view(site, call).user(call.by());
    shown["locale"] = "en_GB".into();
    shown["groups"] = json!({ "size": site.users[call.by()].groups.len(), "items": [] });
    shown["applicationRoles"] = json!({ "size": 1, "items": [] });
    shown["expand"] = "groups,applicationRoles".into();
    Answer::ok(shown)
}
