//! Changes, where Jira answers otherwise than a tracker of our own.

use super::*;

const COMMENTS: &str = "GET /rest/api/3/issue/K-1/comment";

fn status_comment() -> Value {
    let marker = format!("{}.o1", TaskId::from_key("a task"));
    let property = json!({ "key": "ipa", "value": { "k": marker, "status": true } });
    json!({ "id": "77", "author": { "accountId": "me" }, "body": {}, "created": now().to_string(), "properties": [property] })
}

fn say() -> Job {
    job(Change::WriteStatus { text: "it is in review".into() })
}

#[tokio::test(start_paused = true)]
async fn who_may_not_write_without_mails_writes_with_them_from_then_on() {
    let answers = |what: &str, request: &Request| match what {
        COMMENTS => Some(page(&[status_comment()])),
        "PUT /rest/api/3/issue/K-1/comment/77" if request.url.query().is_some() => {
            Some(Reaction::status(403))
        }
        "PUT /rest/api/3/issue/K-1/comment/77" => Some(ok(&status_comment())),
        _ => None,
    };
    let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
    for _ in 0..2 {
        assert_eq!(fake.connector.apply(cx(), &say()).await.unwrap().remote, "77".parse().ok());
    }
    let puts: Vec<_> = fake.asked().into_iter().filter(|asked| asked.starts_with("PUT")).collect();
    let loud = "PUT 3/issue/K-1/comment/77";
    assert_eq!(puts, [&format!("{loud}?notifyUsers=false"), loud, loud]);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_write_at_all_is_told_so() {
    let answers = |what: &str, _: &Request| match what {
        COMMENTS => Some(page(&[status_comment()])),
        "PUT /rest/api/3/issue/K-1/comment/77" => Some(Reaction::status(403)),
        _ => None,
    };
    let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
    assert_eq!(fake.connector.apply(cx(), &say()).await.unwrap_err().class, ErrorClass::Permission);
    assert!(!fake.connector.quiet.refused.load(Ordering::Relaxed), "it was not the mails");
}

#[tokio::test(start_paused = true)]
async fn a_comment_of_our_account_of_which_nothing_is_said_is_neither_ours_nor_anybodys() {
    let mut unsaid = status_comment();
    unsaid.as_object_mut().unwrap().remove("properties");
    let answers =
        move |what: &str, _: &Request| (what == COMMENTS).then(|| page(std::slice::from_ref(&unsaid)));
    let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
    assert_eq!(fake.remarks().await, []);
    let job = job(Change::Comment { text: "x".into() });
    let error = fake.connector.probe(cx(), &job).await.unwrap_err();
    assert!(error.detail.contains("does not say which properties"), "{error}");
}

/// A site whose clock is behind ours, or that orders comments as it likes.
#[tokio::test(start_paused = true)]
async fn our_comment_is_found_by_whatever_clock_and_in_whatever_order() {
    let comment = |id: i64, seconds: i64, ours: &str| {
        let created = now() + jiff::SignedDuration::from_secs(seconds);
        let property = json!({ "key": "ipa", "value": { "k": ours } });
        json!({ "id": id.to_string(), "author": { "accountId": "me" }, "created": created.to_string(), "properties": [property] })
    };
    let marker = job(Change::Comment { text: "x".into() }).marker();
    for (what, date, ours, last_first) in [
        ("together", "Thu, 26 Nov 2026 12:00:00 GMT", 0, false),
        ("an hour behind", "Thu, 26 Nov 2026 11:00:00 GMT", -3600, false),
        ("an hour ahead", "Thu, 26 Nov 2026 13:00:00 GMT", 3600, false),
        ("the oldest first", "Thu, 26 Nov 2026 12:00:00 GMT", 0, true),
    ] {
        let mut all: Vec<_> = (1..=150).map(|at| comment(at, ours - 7200 + at, "other")).collect();
        all.push(comment(151, ours, &marker));
        all.push(comment(152, ours + 5, "other"));
        if !last_first {
            all.reverse();
        }
        let answers = move |asked: &str, request: &Request| {
            (asked == COMMENTS).then(|| {
                let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
                let start: usize = query["startAt"].parse().unwrap();
                let end = all.len().min(start + 100);
                let page = json!({ "startAt": start, "total": all.len(), "comments": all[start..end] });
                ok(&page).header("date", date)
            })
        };
        let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
        let found = fake.connector.probe(cx(), &job(Change::Comment { text: "x".into() })).await.unwrap();
        let Probe::There(applied) = found else { panic!("{what}") };
        assert_eq!(applied.remote, "151".parse().ok(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_refused_because_somebody_was_faster_is_made() {
    for (status, moved_on, ends) in [
        (400, true, Ok(())),
        (409, true, Ok(())),
        (422, true, Ok(())),
        (400, false, Err(ErrorClass::Rejected)),
        (409, false, Err(ErrorClass::Conflict)),
        (404, true, Err(ErrorClass::Gone)),
        (403, true, Err(ErrorClass::Permission)),
        (502, true, Err(ErrorClass::Indeterminate)),
    ] {
        let tried = Arc::new(Mutex::new(false));
        let answers = move |what: &str, _: &Request| match what {
            "GET /rest/api/3/issue/K-1" if *tried.lock().unwrap() && moved_on => {
                let status =
                    json!({ "id": "3", "name": "Busy", "statusCategory": { "key": "indeterminate" } });
                Some(ok(&json!({ "key": "K-1", "fields": { "status": status } })))
            }
            "GET /rest/api/3/issue/K-1/transitions" => {
                let to = json!({ "id": "3", "name": "Busy", "statusCategory": { "key": "indeterminate" } });
                Some(ok(&json!({ "transitions": [{ "id": "21", "name": "Go", "to": to }] })))
            }
            "POST /rest/api/3/issue/K-1/transitions" => {
                *tried.lock().unwrap() = true;
                Some(Reaction::status(status))
            }
            _ => None,
        };
        let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
        let applied = fake.connector.apply(cx(), &job(Change::MoveTicket { to: Category::Active })).await;
        assert_eq!(applied.map(|_| ()).map_err(|error| error.class), ends, "{status}");
        assert_eq!(fake.bodies(), [json!({ "transition": { "id": "21" } })]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_is_found_whether_jira_answers_with_one_or_with_a_list() {
    let change = Change::LinkPull { url: "https://h/o/r/pull/1".into(), title: "Fix".into(), merged: true };
    let link = json!({ "id": 9, "globalId": "ipa:pr:h/o/r#1", "object": {
        "url": "https://h/o/r/pull/1", "title": "Fix", "status": { "resolved": true } } });
    let mut other = link.clone();
    other.as_object_mut().unwrap().insert("globalId".to_owned(), "x".into());
    for (body, there) in [
        (link.clone(), true),
        (json!([other.clone(), link]), true),
        (json!([other]), false),
        (json!([]), false),
    ] {
        let answers = move |what: &str, _: &Request| {
            (what == "GET /rest/api/3/issue/K-1/remotelink").then(|| ok(&body))
        };
        let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
        let found = fake.connector.probe(cx(), &job(change.clone())).await.unwrap();
        assert_eq!(matches!(found, Probe::There(_)), there);
        assert!(fake.asked()[0].ends_with("?globalId=ipa%3Apr%3Ah%2Fo%2Fr%231"));
    }
}

#[tokio::test(start_paused = true)]
async fn another_try_looks_before_it_writes() {
    let marker = job(Change::Comment { text: "x".into() }).marker();
    let property = json!({ "key": "ipa", "value": { "k": marker } });
    let there = json!({ "id": "5", "author": { "accountId": "me" }, "created": now().to_string(), "properties": [property] });
    let answers =
        move |what: &str, _: &Request| (what == COMMENTS).then(|| page(std::slice::from_ref(&there)));
    let fake = fake(Flavour::Cloud, |_| {}, Box::new(answers));
    let mut second = job(Change::Comment { text: "x".into() });
    second.op.attempts = 2;
    assert_eq!(fake.connector.apply(cx(), &second).await.unwrap().remote, "5".parse().ok());
    assert_eq!(fake.bodies(), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn what_no_ticket_has_is_refused_without_a_request() {
    let fake = fake(Flavour::Cloud, |_| {}, Box::new(|_, _| None));
    for change in
        [Change::ClosePull {}, Change::Rename { title: "x".into() }, Change::SetDraft { draft: true }]
    {
        let error = fake.connector.apply(cx(), &job(change)).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Rejected);
    }
    assert_eq!(fake.asked(), Vec::<String>::new());
    let mut pull = target();
    pull.resource = "jira/pull/x".parse().unwrap();
    assert_eq!(fake.connector.observe(cx(), &pull, Look::Closely).await, Ok(Observed::Absent));
    assert!(!fake.connector.hosts(&"/repo".parse().unwrap()));
}
