//! Which Jira it is, where its pages are, and how far a search goes.

use super::*;

fn found(kind: &'static str, page: &'static str) -> Fake {
    let answers = move |what: &str, _: &Request| match what {
        "GET /jira/rest/api/2/serverInfo" => Some(ok(&json!({ "deploymentType": kind, "baseUrl": page }))),
        "GET /jira/rest/api/3/myself" | "GET /jira/rest/api/2/myself" => Some(ok(&json!({ "name": "ipa" }))),
        "GET /jira/rest/api/3/issue/K-1" | "GET /jira/rest/api/2/issue/K-1" => Some(ok(&issue())),
        _ => None,
    };
    let change = |config: &mut JiraConfig| {
        config.flavour = None;
        config.base = "https://j.test/jira/".parse().unwrap();
    };
    fake(Flavour::Cloud, change, Box::new(answers))
}

#[tokio::test(start_paused = true)]
async fn a_site_is_asked_once_which_jira_it_is() {
    for (kind, page, version, at) in [
        ("Cloud", "https://site.test", "3", "https://site.test/browse/K-1"),
        ("Server", "https://j.test/jira", "2", "https://j.test/jira/browse/K-1"),
        ("Data Center", "javascript:x", "2", "https://j.test/jira/browse/K-1"),
    ] {
        let fake = found(kind, page);
        let job = job(Change::MoveTicket { to: Category::New });
        for _ in 0..2 {
            let applied = fake.connector.apply(cx(), &job).await.unwrap();
            assert_eq!(applied.url.as_deref(), Some(at), "{kind}");
        }
        let all: Vec<_> = fake.wire.sent().into_iter().map(|(_, it)| it.url.path().to_owned()).collect();
        let (myself, issue) =
            (format!("/jira/rest/api/{version}/myself"), format!("/jira/rest/api/{version}/issue/K-1"));
        assert_eq!(all, ["/jira/rest/api/2/serverInfo", &myself, &issue, &issue], "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_text_about_the_connector_or_in_an_address() {
    for flavour in [Flavour::Cloud, Flavour::DataCenter] {
        let fake = fake(flavour, |_| {}, Box::new(|_, _| None));
        let said = format!("{:?}", fake.connector);
        assert!(said.contains("j.test") && !said.contains("s3cret") && !said.contains("p4ss"), "{said}");
        let error = fake.connector.apply(cx(), &job(Change::Comment { text: "x".into() })).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("s3cret") && !said.contains("p4ss"), "{said}");
        assert!(fake.wire.sent().iter().all(|(_, request)| request.url.username().is_empty()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_captcha_is_told_and_nothing_more_is_asked() {
    let answers = |_: &str, _: &Request| {
        Some(Reaction::status(403).header("x-seraph-loginreason", "AUTHENTICATION_DENIED").body("<html>"))
    };
    let fake = fake(Flavour::DataCenter, |_| {}, Box::new(answers));
    for _ in 0..3 {
        let error = fake.connector.observe(cx(), &target(), Look::Closely).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Credential);
        assert!(fake.wire.sent().len() == 1 || error.detail.contains("credential"), "{error}");
    }
    assert_eq!(fake.wire.sent().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_search_without_end_is_given_up_and_says_up_to_when_it_got() {
    let asked = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&asked);
    let answers = move |what: &str, request: &Request| {
        (what == "POST /rest/api/3/search/jql").then(|| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let mut number = counter.lock().unwrap();
            let token = (*number > 0).then(|| format!("t{number}"));
            assert_eq!(body["nextPageToken"].as_str(), token.as_deref());
            *number += 1;
            let updated = format!("2026-11-26T11:{number:02}:00.000+0000");
            let issue = json!({ "key": format!("K-{number}"), "fields": { "updated": updated } });
            ok(&json!({ "issues": [issue], "nextPageToken": format!("t{number}"), "isLast": false }))
        })
    };
    let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
    let since: Timestamp = "2026-11-26T11:00:00Z".parse().unwrap();
    let linked = ["K-1", "K-20", "K-21"].map(|key| key.parse().unwrap()).to_vec();
    let swept = fake.connector.sweep(cx(), &Sweep { since: Some(since), linked }).await.unwrap();
    assert_eq!(swept.until, "2026-11-26T11:20:00Z".parse().ok());
    assert_eq!(swept.moved, ["K-1", "K-20"].map(|key| key.parse().unwrap()));
    assert_eq!(*asked.lock().unwrap(), 20);
}

#[tokio::test(start_paused = true)]
async fn of_more_than_five_pages_of_comments_the_newest_are_read() {
    let answers = |what: &str, request: &Request| {
        (what == "GET /rest/api/2/issue/K-1/comment").then(|| {
            let query = request.url.query_pairs().find(|(name, _)| name == "startAt").unwrap().1.into_owned();
            let start: i64 = query.parse().unwrap();
            let comments: Vec<_> = (start..start + 100)
                .map(|at| {
                    let created = now() - jiff::SignedDuration::from_secs(at);
                    json!({ "id": at.to_string(), "author": { "key": "A", "name": "ann" }, "body": "x", "created": created.to_string() })
                })
                .collect();
            ok(&json!({ "startAt": start, "total": 900, "comments": comments }))
        })
    };
    let fake = fake(Flavour::DataCenter, |_| {}, Box::new(answers));
    assert_eq!(fake.remarks().await.len(), 500);
    // The newest 61 say whether it is there; without a time the newest 500 do not.
    let found = fake.connector.probe(cx(), &job(Change::Comment { text: "x".into() })).await;
    assert_eq!(found, Ok(Probe::NotThere));
    assert_eq!(fake.asked().len(), 1 + 5 + 1);
    let mut long_ago = job(Change::Comment { text: "x".into() });
    long_ago.op.queued_at = now() - jiff::SignedDuration::from_hours(1);
    let error = fake.connector.probe(cx(), &long_ago).await.unwrap_err();
    assert!(error.detail.contains("more new comments than are read"), "{error}");
}
