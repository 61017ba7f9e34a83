//! Who may do what, and how those who may not are told.

use serde_json::{Value, json};

use super::client::{Client, keys, text};
use crate::tracker::{Flavour, Kind, PROJECT, Right, Role, Tracker, Visibility, group_id};

const LOGIN: &str = "x-seraph-loginreason";
const NO_ISSUE: &str = "Issue does not exist or you do not have permission to see it.";

#[tokio::test]
async fn who_may_not_is_told_as_jira_tells_it() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        let issue = format!("issue/{key}");
        let link = json!({ "object": { "url": "https://example.com", "title": "x" } });
        let edit = json!({ "fields": { "summary": "x" } });
        let vic = Client::new(&tracker, "vic");
        assert_eq!(vic.get(&issue).await.status, 200);
        for (refused, words) in [
            (vic.comment(&key, "x").await, "You do not have the permission to comment on this issue."),
            (
                vic.put(&issue, edit.clone()).await,
                "You do not have permission to edit issues in this project.",
            ),
            (
                vic.post(&format!("{issue}/remotelink"), link).await,
                "You do not have permission to link issues in this project.",
            ),
            (
                vic.put(&format!("{issue}/properties/x"), json!(1)).await,
                "You do not have permission to edit issues in this project.",
            ),
        ] {
            assert_eq!((refused.status, refused.message(), refused.header(LOGIN)), (403, words, "OK"));
        }
        tracker.set_role(PROJECT, "vic", Role::Member);
        assert_eq!(vic.comment(&key, "x").await.status, 201);
        tracker.forbid(PROJECT, "vic", Right::Edit);
        assert_eq!(vic.put(&issue, edit.clone()).await.status, 403);
        assert_eq!(vic.comment(&key, "x").await.status, 201);
        let zed = Client::new(&tracker, "zed");
        assert_eq!((zed.get(&issue).await.status, zed.get(&issue).await.message()), (404, NO_ISSUE));
        assert_eq!(zed.put(&issue, edit).await.status, 404);
        tracker.take_role(PROJECT, "vic");
        assert_eq!(vic.get(&issue).await.status, 404);
    }
}

#[tokio::test]
async fn a_private_issue_is_not_there_for_others() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let key = tracker.person("ann").create("Fix the retry", "");
    tracker.hide(&key, &["ann"]);
    let ipa = Client::new(&tracker, "ipa");
    for path in ["", "/comment", "/transitions", "/remotelink", "/changelog", "/properties/x"] {
        assert_eq!(ipa.get(&format!("issue/{key}{path}")).await.message(), NO_ISSUE, "{path}");
    }
    assert_eq!(keys(&ipa.search("project = P").await), Vec::<&str>::new());
    let ann = Client::new(&tracker, "ann");
    let id = tracker.issue(&key).unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(ann.get(&format!("issue/{id}")).await.body["key"], key);
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_before_anything_else() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        let wrong = Client::with(&tracker, "ipa@example.com", "wrong").get("myself").await;
        assert_eq!((wrong.status, wrong.header(LOGIN)), (401, "AUTHENTICATED_FAILED"));
        let ipa = Client::new(&tracker, "ipa");
        assert_eq!(ipa.get("myself").await.header(LOGIN), "OK");
        tracker.revoke("token-ipa");
        for refused in [ipa.get(&format!("issue/{key}")).await, ipa.comment(&key, "x").await] {
            assert_eq!((refused.status, refused.header(LOGIN)), (401, "AUTHENTICATED_FAILED"));
            assert_eq!(refused.body["message"], "Client must be authenticated to access this resource.");
        }
        tracker.add_token("token-ipa", "ipa");
        assert_eq!(ipa.get(&format!("issue/{key}")).await.status, 200);
    }
    let tracker = Tracker::start(Flavour::Cloud).await;
    // In Cloud a token goes with its mail, and not as a bearer's.
    assert_eq!(Client::with(&tracker, "ann@example.com", "token-ipa").get("myself").await.status, 401);
    let bearer = reqwest::Client::new().get(format!("{}/myself", tracker.api_url())).bearer_auth("token-ipa");
    assert_eq!(bearer.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn cloud_serves_an_expired_token_as_nobody_and_says_so_in_a_header_only() {
    let tracker = Tracker::start(Flavour::Cloud).await;
    let key = tracker.person("ann").create("Fix the retry", "");
    let ipa = Client::new(&tracker, "ipa");
    tracker.expire("token-ipa");
    let seen = ipa.get(&format!("issue/{key}")).await;
    assert_eq!((seen.status, seen.message(), seen.header(LOGIN)), (404, NO_ISSUE, "AUTHENTICATED_FAILED"));
    let found = ipa.search("updated >= -1h").await;
    assert_eq!((found.status, keys(&found), found.header(LOGIN)), (200, vec![], "AUTHENTICATED_FAILED"));
    assert_eq!(ipa.get("myself").await.status, 401);
    let tracker = Tracker::start(Flavour::DataCenter).await;
    tracker.expire("token-ipa");
    assert_eq!(Client::new(&tracker, "ipa").get("issue/P-1").await.status, 401);
}

#[tokio::test]
async fn nobody_reads_what_is_public_and_changes_nothing() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        let nobody = Client::new(&tracker, "");
        assert_eq!(nobody.get(&format!("issue/{key}")).await.status, 404);
        assert_eq!(nobody.get("myself").await.status, 401);
        tracker.set_visibility(PROJECT, Visibility::Public);
        assert_eq!(nobody.get(&format!("issue/{key}")).await.status, 200);
        assert_eq!(keys(&nobody.search("project = P").await), [key.as_str()]);
        assert_eq!(nobody.comment(&key, "x").await.status, 401);
    }
}

#[tokio::test]
async fn an_administrator_sees_who_has_which_role() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let o = Client::new(&tracker, "o");
        let roles = o.get("project/P/role").await.body;
        let url = roles["Member"].as_str().unwrap().to_owned();
        let member = o.get(url.strip_prefix(&tracker.url()).unwrap()).await.body;
        let actors = member["actors"].as_array().unwrap().iter();
        let id = |actor: &Value| match flavour {
            Flavour::Cloud => actor["actorUser"]["accountId"].clone(),
            Flavour::DataCenter => actor["name"].clone(),
        };
        assert_eq!(actors.map(id).collect::<Vec<_>>(), [tracker.id_of("ann"), tracker.id_of("ipa")]);
        assert_eq!(o.get("project/P/role/7").await.status, 404);
        assert_eq!(o.get("project/X/role").await.status, 404);
        assert_eq!(Client::new(&tracker, "ipa").get("project/P/role").await.status, 404);
    }
}

#[tokio::test]
async fn somebody_new_can_be_let_in() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        tracker.add_user("new");
        tracker.add_token("token-new", "new");
        tracker.set_role(PROJECT, "new", Role::Member);
        let key = tracker.person("new").create("Mine", "");
        assert_eq!(Client::new(&tracker, "new").comment(&key, "hello").await.status, 201);
    }
}

#[tokio::test]
async fn people_act_beside_the_client() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let (ann, ipa) = (tracker.person("ann"), Client::new(&tracker, "ipa"));
        let key = ann.create("Fix the retry", "It retries.\nFor ever.");
        let issue = format!("issue/{key}");
        let seen = ipa.get(&issue).await.body;
        if flavour == Flavour::Cloud {
            assert_eq!(seen["fields"]["description"]["content"].as_array().unwrap().len(), 2);
        }
        let comment = ann.comment(&key, "one");
        ann.comment(&key, "two");
        ann.edit_comment(&key, comment, "three");
        ann.delete_comment(&key, comment);
        ann.edit_title(&key, "Mend the retry");
        ann.describe(&key, "Once.");
        ann.label(&key, "bug");
        ann.label(&key, "old");
        ann.unlabel(&key, "old");
        ann.assign(&key, "ipa");
        ann.move_to(&key, "In Progress");
        let fields = ipa.get(&issue).await.body["fields"].clone();
        assert_eq!((&fields["summary"], &fields["labels"]), (&json!("Mend the retry"), &json!(["bug"])));
        assert_eq!(fields["status"]["name"], "In Progress");
        assert_eq!(fields["description"], text(flavour, "Once."));
        assert_eq!(fields["assignee"]["displayName"], "Ipa");
        assert_eq!(tracker.comments(&key), [("ann".to_owned(), "two".to_owned())]);
        ann.assign(&key, "");
        assert_eq!(ipa.get(&issue).await.body["fields"]["assignee"], Value::Null);
        ann.delete(&key);
        assert_eq!((ipa.get(&issue).await.status, tracker.issue(&key)), (404, None));
        // None of it was the client's.
        assert_eq!(tracker.requests().len(), 4);
    }
}

#[tokio::test]
async fn a_group_has_a_role_for_all_who_are_in_it() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        tracker.add_to_group("zed", "developers");
        tracker.set_group_role(PROJECT, "developers", Role::Member);
        assert_eq!(Client::new(&tracker, "zed").comment(&key, "hello").await.status, 201);
        let role = Client::new(&tracker, "o").get("project/P/role/10004").await.body;
        let group = role["actors"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&group["type"], &group["name"]),
            (&json!("atlassian-group-role-actor"), &json!("developers"))
        );
        if flavour == Flavour::Cloud {
            assert_eq!(group["actorGroup"]["groupId"], group_id("developers"));
        }
    }
}

#[tokio::test]
async fn who_can_be_assigned_is_told_to_everybody() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let key = tracker.person("ann").create("Fix the retry", "");
        tracker.add_user("anna");
        let ipa = Client::new(&tracker, "ipa");
        let (field, id) = match flavour {
            Flavour::Cloud => ("accountId", "accountId"),
            Flavour::DataCenter => ("username", "name"),
        };
        let found = async |login: &str| {
            let query = format!("issueKey={key}&{field}={}", tracker.id_of(login));
            let got = ipa.get(&format!("user/assignable/search?{query}")).await;
            let all = got.body.as_array().unwrap().iter();
            all.map(|user| user[id].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found("ann").await, [tracker.id_of("ann")]);
        for login in ["vic", "zed", "anna"] {
            assert_eq!(found(login).await, Vec::<String>::new(), "{login}");
        }
        // In Data Center a name is what one would type: others may begin with it.
        tracker.set_role(PROJECT, "anna", Role::Member);
        let both = [tracker.id_of("ann"), tracker.id_of("anna")];
        let expected = if flavour == Flavour::Cloud { &both[..1] } else { &both[..] };
        assert_eq!(found("ann").await, expected);
        assert_eq!(ipa.get("user/assignable/search").await.status, 400);
        assert_eq!(ipa.get("user/assignable/search?issueKey=P-9").await.status, 404);
        let page = ipa.get("user/assignable/search?project=P&startAt=1&maxResults=2").await.body;
        assert_eq!(page.as_array().unwrap().len(), 2);
        assert_eq!(Client::new(&tracker, "").get("user/assignable/search?project=P").await.status, 401);
    }
}

#[tokio::test]
async fn who_may_look_others_up_sees_their_groups_and_their_kind() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        tracker.add_to_group("ann", "developers");
        tracker.set_kind("zed", Kind::Customer);
        let ipa = Client::new(&tracker, "ipa");
        let query = |login: &str| match flavour {
            Flavour::Cloud => format!("accountId={}", tracker.id_of(login)),
            Flavour::DataCenter => format!("username={login}"),
        };
        let seen = ipa.get(&format!("user?{}&expand=groups", query("ann"))).await.body;
        assert_eq!(
            (&seen["displayName"], &seen["groups"]["items"][0]["name"]),
            (&json!("Ann"), &json!("developers"))
        );
        assert_eq!(ipa.get(&format!("user?{}", query("ann"))).await.body.get("groups"), None);
        assert_eq!(ipa.get(&format!("user?{}x", query("ann"))).await.status, 404);
        if flavour == Flavour::Cloud {
            let groups = ipa.get(&format!("user/groups?{}", query("ann"))).await.body;
            assert_eq!(
                (&groups[0]["name"], &groups[0]["groupId"]),
                (&json!("developers"), &json!(group_id("developers")))
            );
            tracker.set_kind("o", Kind::App);
            for (login, kind) in [("zed", "customer"), ("o", "app"), ("ann", "atlassian")] {
                assert_eq!(ipa.get(&format!("user?{}", query(login))).await.body["accountType"], kind);
            }
        }
        tracker.blindfold("ipa");
        assert_eq!(ipa.get(&format!("user?{}", query("ann"))).await.status, 403);
    }
}

#[tokio::test]
async fn only_administrators_change_an_issue_without_a_mail() {
    for flavour in Flavour::BOTH {
        let tracker = Tracker::start(flavour).await;
        let path = format!("issue/{}?notifyUsers=false", tracker.person("ann").create("Fix the retry", ""));
        let body = json!({ "fields": { "summary": "Mend the retry" } });
        let refused = Client::new(&tracker, "ipa").put(&path, body.clone()).await;
        assert_eq!(refused.status, 403);
        assert!(refused.message().starts_with("To discard the user notification"), "{}", refused.body);
        assert_eq!(Client::new(&tracker, "o").put(&path, body).await.status, 204);
    }
}
