//! Whose words are trusted, by what Jira says about people.

use super::*;

/// A ticket with comments of two, one of whom is a member as far as `answers` says; and a customer.
fn with(flavour: Flavour, members: Members, answers: fn(&str, &str) -> Option<Reaction>) -> Fake {
    let respond = move |what: &str, request: &Request| {
        let what = what.replace("/rest/api/3/", "").replace("/rest/api/2/", "");
        if what == "GET issue/K-1/comment" {
            let author = |id: &str, name: &str, kind: &str| match flavour {
                Flavour::Cloud => json!({ "accountId": id, "displayName": name, "accountType": kind }),
                Flavour::DataCenter => json!({ "key": id, "name": id.to_lowercase(), "displayName": name }),
            };
            let comment = |id: &str, by: &str, name: &str, kind: &str| json!({ "id": id, "author": author(by, name, kind), "body": "x", "properties": [], "created": now().to_string() });
            let mut all =
                vec![comment("1", "A1", "Ann", "atlassian"), comment("2", "Z9", "Zed", "atlassian")];
            if flavour == Flavour::Cloud {
                all.push(comment("3", "C3", "Customer", "customer"));
            }
            all.push(
                json!({ "id": "4", "body": "by nobody", "properties": [], "created": now().to_string() }),
            );
            return Some(page(&all));
        }
        answers(&what, request.url.query().unwrap_or_default())
    };
    fake(flavour, |config| config.members = members, Box::new(respond))
}

async fn check(fake: &Fake, questions: &[&str]) {
    for _ in 0..2 {
        let said = fake.remarks().await;
        let trusted: Vec<_> =
            said.iter().filter(|(_, trusted)| *trusted).map(|(by, _)| by.as_str()).collect();
        assert_eq!(trusted, ["Ann"]);
        assert!(said.len() >= 3);
    }
    let all = fake.asked();
    let asked: Vec<_> = all.iter().filter(|asked| !asked.contains("/issue/")).map(String::as_str).collect();
    assert_eq!(asked, questions);
}

#[tokio::test(start_paused = true)]
async fn who_can_be_assigned_a_ticket_is_trusted_and_asked_about_once() {
    let cloud = with(Flavour::Cloud, Members::Assignable, |what, query| {
        let found = if query.contains("accountId=A1") { json!([{ "accountId": "A1" }]) } else { json!([]) };
        (what == "GET user/assignable/search").then(|| ok(&found))
    });
    let questions = [
        "GET 3/user/assignable/search?accountId=A1&issueKey=K-1",
        "GET 3/user/assignable/search?accountId=Z9&issueKey=K-1",
    ];
    check(&cloud, &questions).await;
    // Data Center finds names that begin so.
    let server = with(Flavour::DataCenter, Members::Assignable, |what, _| {
        (what == "GET user/assignable/search").then(|| ok(&json!([{ "key": "A1", "name": "a1" }])))
    });
    let questions = [
        "GET 2/user/assignable/search?username=a1&issueKey=K-1",
        "GET 2/user/assignable/search?username=z9&issueKey=K-1",
    ];
    check(&server, &questions).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_in_a_group_is_trusted() {
    let groups = || Members::Groups(["devs".to_owned()].into());
    let cloud = with(Flavour::Cloud, groups(), |what, query| {
        let name = if query.contains("accountId=A1") { "devs" } else { "users" };
        (what == "GET user/groups").then(|| ok(&json!([{ "name": name, "groupId": "g" }])))
    });
    check(&cloud, &["GET 3/user/groups?accountId=A1", "GET 3/user/groups?accountId=Z9"]).await;
    let server = with(Flavour::DataCenter, groups(), |what, query| {
        let name = if query.contains("username=a1") { "devs" } else { "users" };
        (what == "GET user").then(|| ok(&json!({ "groups": { "size": 1, "items": [{ "name": name }] } })))
    });
    check(&server, &["GET 2/user?username=a1&expand=groups", "GET 2/user?username=z9&expand=groups"]).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_in_a_group_that_has_a_role_is_trusted() {
    let cloud =
        with(Flavour::Cloud, Members::Roles(["Developers".to_owned()].into()), |what, query| match what {
            "GET project/K/role" => Some(ok(
                &json!({ "Developers": "https://j.test/rest/api/3/project/1/role/7", "Others": "x/8" }),
            )),
            "GET project/K/role/7" => {
                let actor = json!({ "type": "atlassian-group-role-actor", "actorGroup": { "name": "devs" } });
                Some(ok(&json!({ "actors": [actor] })))
            }
            "GET user/groups" => {
                Some(ok(&json!([{ "name": if query.contains("A1") { "devs" } else { "users" } }])))
            }
            _ => None,
        });
    let of = |id| format!("GET 3/user/groups?accountId={id}");
    let (role, look) = ("GET 3/project/K/role", "GET 3/project/K/role/7");
    check(&cloud, &[role, look, &of("A1"), role, look, &of("Z9")]).await;
}

#[tokio::test(start_paused = true)]
async fn who_may_not_be_asked_about_is_not_trusted_and_a_host_that_is_down_is_no_answer() {
    for status in [400, 403, 404] {
        let answers =
            |what: &str, _: &str| (what == "GET user/assignable/search").then(|| Reaction::status(403));
        let fake = with(Flavour::Cloud, Members::Assignable, answers);
        assert!(fake.remarks().await.iter().all(|(_, trusted)| !trusted), "{status}");
    }
    let answers = |what: &str, _: &str| (what == "GET user/assignable/search").then(Reaction::lost);
    let fake = with(Flavour::Cloud, Members::Assignable, answers);
    let error = fake.connector.observe(cx(), &target(), Look::Closely).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
}

#[tokio::test(start_paused = true)]
async fn who_is_named_is_trusted_whatever_jira_says_and_nobody_is_asked() {
    for flavour in [Flavour::Cloud, Flavour::DataCenter] {
        let mut fake = with(flavour, Members::Nobody, |_, _| None);
        fake.connector.trust = Trusting::new(Members::Nobody, ["A1".to_owned()].into());
        check(&fake, &[]).await;
    }
}
