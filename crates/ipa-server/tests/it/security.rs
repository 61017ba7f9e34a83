//! Who is let in, from where, and with what: each route by each visitor.

mod routes;

use axum::http::HeaderMap;
use ipa_server::{Sessions, Token, router};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Ask, House, approval};

use self::routes::{NOWHERE, OPEN, ROUTES, SIGNED};

async fn house() -> House {
    let house = House::new();
    house.at_gate().await;
    house
}

#[tokio::test]
async fn without_credentials_every_route_is_401_and_none_redirects() {
    let house = house().await;
    let wrong = Token::generate().unwrap();
    let wrong = format!("Bearer {}", wrong.expose());
    let login = house.log_in().await;
    let dead = format!("{}00", &login.cookie[..login.cookie.len() - 2]);
    let visitors: [(&str, &str, &str); 6] = [
        ("nobody", "x-nothing", ""),
        ("a wrong token", "authorization", &wrong),
        ("an empty token", "authorization", "Bearer "),
        ("another scheme", "authorization", "Basic YTpi"),
        ("a dead cookie", "cookie", &dead),
        ("another server's cookie", "cookie", &login.cookie.replacen("ipa_", "ipa_0", 1)),
    ];
    for (method, path) in ROUTES.iter().chain(NOWHERE) {
        for (who, name, value) in visitors {
            let ask =
                Ask::new(&house, method, path).header(name, value).header("sec-fetch-site", "same-origin");
            let got = ask.header("x-ipa", "1").send().await;
            assert_eq!(got.status, 401, "{method} {path} by {who}");
            assert_eq!(got.code(), "unauthorized", "{method} {path} by {who}");
            assert_eq!(got.header("www-authenticate"), "Bearer");
        }
    }
    for (method, path) in OPEN {
        assert_eq!(Ask::new(&house, method, path).send().await.status, 200, "{method} {path}");
    }
}

/// Asks for a route as it is meant to be asked for.
async fn meant(house: &House, (method, path): (&str, &str)) -> Ask {
    let ask = Ask::new(house, method, path);
    let hash = || async { house.open_decision().await["payload_hash"].as_str().unwrap().to_owned() };
    match (method, path) {
        ("POST", "/api/v1/tasks") => ask.json(&json!({ "request": "x", "agent": "fake" })),
        ("POST", "/api/v1/tasks/T-1/commands") => ask.json(&json!({ "type": "pause" })),
        ("POST", "/api/v1/inbox/T-1.d1/decision") => ask.json(&approval(&house.open_decision().await)),
        ("POST", "/api/v1/connectors/desk/pause") => ask.json(&json!({})),
        ("POST", "/new") => ask.form("request=x&agent=fake"),
        ("POST", "/tasks/T-1/commands" | "/connectors/desk") => ask.form("type=pause"),
        ("POST", "/tasks/T-1/pod") => ask.form("type=restart"),
        ("POST", "/tasks/T-1/decisions/1") => {
            ask.form(&format!("verdict=approve&payload_hash={}", hash().await))
        }
        _ => ask,
    }
}

#[tokio::test]
async fn cookie_and_token_open_every_route() {
    for route in ROUTES {
        for by in ["token", "cookie"] {
            let house = house().await;
            let login = house.log_in().await;
            let ask = meant(&house, *route).await;
            let got = if by == "token" { ask.bearer() } else { ask.script(&login) }.send().await;
            let expected: &[u16] = match *route {
                (
                    _,
                    "/api/v1/sync/T-1.o1"
                    | "/api/v1/sync/T-1.o1/retry"
                    | "/api/v1/connectors/desk/pause"
                    | "/api/v1/connectors/desk/resume"
                    | "/connectors/desk",
                ) => {
                    assert_eq!(got.code(), "not_found", "{route:?} by {by}");
                    &[404]
                }
                (
                    "POST",
                    "/api/v1/pods/T-1/restart"
                    | "/api/v1/pods/T-1/stop"
                    | "/api/v1/tasks/T-1/sync"
                    | "/tasks/T-1/pod",
                ) => {
                    assert_eq!(got.code(), "nothing_runs", "{route:?} by {by}");
                    &[409]
                }
                ("POST", "/api/v1/tasks") => &[201],
                ("POST", path) if !path.starts_with("/api/") => &[204, 303],
                _ => &[200],
            };
            assert!(expected.contains(&got.status), "{route:?} by {by}: {} {}", got.status, got.text);
        }
    }
}

#[test]
fn every_route_is_on_the_list() {
    let sources = [
        ("/api/v1", include_str!("../../src/api.rs")),
        ("", include_str!("../../src/api/hooks.rs")),
        ("", include_str!("../../src/web.rs")),
        ("", include_str!("../../src/security/login.rs")),
    ];
    let mut found = 0;
    for (prefix, source) in sources {
        for (path, handlers) in source.split(".route(\"").skip(1).map(|rest| rest.split_once('"').unwrap()) {
            let handlers = handlers.split(";\n").next().unwrap();
            let own = ["/healthz", "/readyz"].contains(&path);
            let pattern = if own { path.to_owned() } else { format!("{prefix}{path}") };
            for (method, call) in [("GET", "get("), ("POST", "post(")] {
                if !handlers.contains(call) || ["/login", "/assets/{name}"].contains(&path) {
                    continue;
                }
                let listed = ROUTES
                    .iter()
                    .chain(OPEN)
                    .chain(SIGNED)
                    .any(|route| route.0 == method && fits(&pattern, route.1));
                assert!(listed, "{method} {pattern} is not asked for");
                found += 1;
            }
        }
    }
    assert!(found >= 41, "{found}");
}

#[tokio::test]
async fn neither_cookie_nor_token_opens_a_route_for_webhooks_and_no_name_closes_it() {
    let house = house().await;
    let login = house.log_in().await;
    let before = house.head();
    for (method, path) in SIGNED {
        for host in ["localhost", "tunnel.example", "localhost.evil.example"] {
            let foreign = Ask::new(&house, method, path).host(host).header("origin", "http://evil.example");
            for ask in [foreign.bearer(), Ask::new(&house, method, path).host(host).script(&login)] {
                let got = ask.json(&json!({ "issue": { "key": "K-1" } })).send().await;
                // No connector here takes any: that is all that anybody hears.
                assert_eq!((got.status, got.code().as_str()), (404, "not_found"), "{path} at {host}");
            }
        }
        let read = Ask::new(&house, "GET", path).send().await;
        assert_eq!((read.status, read.code().as_str()), (401, "unauthorized"), "GET {path}");
        let elsewhere = Ask::new(&house, "GET", path).host("tunnel.example").send().await;
        assert_eq!(elsewhere.status, 421, "GET {path}");
    }
    assert_eq!(house.head(), before);
}

fn fits(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(rest), Some(_)) if rest.starts_with("{*") => return true,
            (Some(part), Some(name)) if part == name || part.starts_with('{') && !name.is_empty() => {}
            _ => return false,
        }
    }
}

#[tokio::test]
async fn a_browser_without_credentials_gets_the_login_form_with_its_401() {
    let house = house().await;
    let got = house.get("/tasks/T-1").header("accept", "text/html,*/*").send().await;
    assert_eq!(got.status, 401);
    assert!(
        got.text.contains("action=\"/login\"") && !got.text.contains("http-equiv=\"refresh\""),
        "{}",
        got.text
    );
    let from_chat =
        house.get("/tasks/T-1").header("accept", "text/html").header("sec-fetch-site", "cross-site");
    let got = from_chat.send().await;
    assert_eq!(got.status, 401);
    assert!(
        got.text.contains("http-equiv=\"refresh\""),
        "a link from elsewhere is tried again: {}",
        got.text
    );
}

#[tokio::test]
async fn a_foreign_host_is_421_on_every_route_whatever_else_is_sent() {
    let house = house().await;
    let login = house.log_in().await;
    for (method, path) in ROUTES.iter().chain(OPEN).chain(NOWHERE) {
        for host in ["evil.example", "evil.example:80", "localhost.evil.example", "0.0.0.0"] {
            let ask = Ask::new(&house, method, path).host(host).header("origin", &format!("http://{host}"));
            let got = ask.bearer().script(&login).send().await;
            assert_eq!((got.status, got.code().as_str()), (421, "wrong_host"), "{method} {path} to {host}");
        }
    }
    let mut named = house;
    named.config.allow_hosts = vec!["ipa.example.org".to_owned()];
    named.router = router(named.engine.clone(), named.config.clone());
    assert_eq!(named.get("/healthz").host("ipa.example.org:8443").send().await.status, 200);
    assert_eq!(named.get("/healthz").host("evil.example").send().await.status, 421);
}

#[tokio::test]
async fn a_request_that_changes_something_is_refused_from_another_site() {
    let house = house().await;
    let login = house.log_in().await;
    let before = house.head();
    let foreign: [&[(&str, &str)]; 6] = [
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", "http://localhost:3000")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://localhost")],
        &[("origin", "http://evil.example")],
        &[("origin", "http://localhost:3000")],
        &[("origin", "null")],
    ];
    let posts = ROUTES.iter().filter(|(method, _)| *method == "POST");
    for (method, path) in posts {
        for headers in foreign {
            for by in ["token", "cookie"] {
                let mut ask = Ask::new(&house, method, path).header("x-ipa", "1");
                for (name, value) in headers {
                    ask = ask.header(name, value);
                }
                let ask = if by == "token" { ask.bearer() } else { ask.header("cookie", &login.cookie) };
                let got = ask.form(&format!("csrf={}", login.csrf)).send().await;
                assert_eq!((got.status, got.code().as_str()), (403, "cross_site"), "{path} {headers:?} {by}");
            }
        }
        // A cookie alone, from what does not say where it is.
        let silent = Ask::new(&house, method, path).header("cookie", &login.cookie).header("x-ipa", "1");
        assert_eq!(silent.send().await.code(), "cross_site", "{path}");
    }
    let login_post = Ask::new(&house, "POST", "/login").header("sec-fetch-site", "cross-site");
    let body = format!("token={}", house.config.token.expose());
    assert_eq!(login_post.form(&body).send().await.code(), "cross_site");
    assert_eq!(house.head(), before, "nothing was stored");
}

#[tokio::test]
async fn a_page_of_another_site_reads_nothing_with_our_cookie() {
    let house = house().await;
    let login = house.log_in().await;
    for (_, path) in ROUTES.iter().filter(|(method, _)| *method == "GET") {
        for site in ["cross-site", "same-site"] {
            let ask = house.get(path).header("cookie", &login.cookie).header("sec-fetch-site", site);
            let got = ask.header("sec-fetch-mode", "cors").header("sec-fetch-dest", "empty").send().await;
            assert_eq!((got.status, got.code().as_str()), (403, "cross_site"), "{path} from {site}");
        }
    }
    let link = house.get("/").header("cookie", &login.cookie).header("sec-fetch-site", "same-site");
    let link = link.header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
    assert_eq!(link.send().await.status, 200, "a link that a person follows");
}

#[tokio::test]
async fn a_form_without_the_token_of_its_session_is_refused() {
    let house = house().await;
    let (login, other) = (house.log_in().await, house.log_in().await);
    let before = house.head();
    let bodies = [
        "title=x".to_owned(),
        "csrf=".to_owned(),
        format!("csrf={}", other.csrf),
        format!("csrf={}&csrf={}", login.csrf, login.csrf),
        format!("csrf={}", house.config.token.expose()),
    ];
    for (method, path) in ROUTES.iter().filter(|(method, _)| *method == "POST") {
        for body in &bodies {
            let got = Ask::new(&house, method, path).browser(&login).form(body).send().await;
            assert_eq!((got.status, got.code().as_str()), (403, "cross_site"), "{path} {body}");
        }
        // The right token in a body that is no form is not read.
        let text = Ask::new(&house, method, path).browser(&login).json(&json!({ "csrf": login.csrf }));
        assert_eq!(text.send().await.code(), "cross_site", "{path}");
    }
    assert_eq!(house.head(), before, "nothing was stored");
    let body = format!("csrf={}&type=pause", login.csrf);
    let good = Ask::new(&house, "POST", "/tasks/T-1/commands").browser(&login).form(&body).send().await;
    assert!(good.status < 400, "{} {}", good.status, good.text);
    assert!(house.head() > before, "with the token the form is carried out");
}

#[tokio::test]
async fn reading_changes_nothing() {
    let house = house().await;
    let login = house.log_in().await;
    let before = house.head();
    for (_, path) in ROUTES.iter().chain(OPEN).filter(|(method, _)| *method == "GET") {
        for method in ["GET", "HEAD"] {
            let _got = Ask::new(&house, method, path).bearer().send().await;
            let _got =
                Ask::new(&house, method, path).script(&login).header("accept", "text/html").send().await;
        }
    }
    assert_eq!(house.head(), before);
}

#[tokio::test]
async fn every_answer_says_what_a_page_may_load_and_where_it_may_be_framed() {
    let house = house().await;
    let login = house.log_in().await;
    let asks = [
        house.get("/healthz"),
        house.get("/login"),
        house.get("/"),
        house.get("/").script(&login),
        house.get("/api/v1/tasks").bearer(),
        house.get("/api/v1/tasks/T-9").bearer(),
        house.get("/nothing").bearer(),
        house.get("/healthz").host("evil.example"),
        house.get("/api/v1/events?follow=0").bearer(),
        house.post("/api/v1/tasks", &json!({})).bearer(),
    ];
    for (n, ask) in asks.into_iter().enumerate() {
        let headers: HeaderMap = ask.send().await.headers;
        let value =
            |name: &str| headers.get(name).unwrap_or_else(|| panic!("{name} of {n}")).to_str().unwrap();
        let policy = value("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(value("x-content-type-options"), "nosniff");
        assert_eq!(value("referrer-policy"), "no-referrer");
        assert_eq!(value("cache-control"), "no-store");
        assert_eq!(value("x-request-id").len(), 32);
        assert!(!headers.contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn the_cookie_is_for_this_server_alone_and_out_of_reach_of_scripts() {
    let house = house().await;
    let body = format!("token={}&next=//evil.example", house.config.token.expose());
    let got = Ask::new(&house, "POST", "/login").form(&body).send().await;
    assert_eq!((got.status, got.header("location")), (303, "/"));
    let cookie = got.header("set-cookie");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Max-Age=2592000"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains(house.config.token.expose()));
    let elsewhere = House::new();
    let other = elsewhere.log_in().await.cookie;
    assert_ne!(
        cookie.split('=').next(),
        other.split('=').next(),
        "two servers on one host keep theirs apart"
    );
    let wrong =
        Ask::new(&house, "POST", "/login").form("token=wrong").header("accept", "text/html").send().await;
    assert!(wrong.status == 401 && wrong.header("set-cookie").is_empty());
}

#[tokio::test]
async fn logging_out_ends_the_session_and_its_streams() {
    let house = house().await;
    let (login, other) = (house.log_in().await, house.log_in().await);
    let mut ends = house.get("/api/v1/events").script(&login).open().await;
    let mut stays = house.get("/api/v1/events").script(&other).open().await;
    ends.event("at").await.unwrap();
    stays.event("at").await.unwrap();
    let body = format!("csrf={}", login.csrf);
    let out = Ask::new(&house, "POST", "/logout").browser(&login).form(&body).send().await;
    assert_eq!(out.status, 303);
    assert!(ends.event("bye").await.is_some() && ends.part("\n\n").await.is_none());
    assert_eq!(house.get("/api/v1/tasks").script(&login).send().await.status, 401);
    assert_eq!(house.get("/api/v1/tasks").script(&other).send().await.status, 200);
    house.task("one more").await;
    while let Some((_, event)) = stays.event("event").await {
        if event["payload"]["request"] == "one more" {
            return;
        }
    }
    panic!("the other session's stream ended too");
}

#[tokio::test]
async fn a_stream_that_has_much_to_say_ends_with_its_session_too() {
    let house = House::new();
    let login = house.log_in().await;
    for _ in 0..501 {
        house.task("one of many").await;
    }
    let mut stream = house.get("/api/v1/events").script(&login).open().await;
    stream.event("event").await.unwrap();
    let body = format!("csrf={}", login.csrf);
    Ask::new(&house, "POST", "/logout").browser(&login).form(&body).send().await;
    let (position, _) = stream.event("bye").await.unwrap();
    assert_eq!(position, "500", "the page that was read already, and no more");
}

#[tokio::test]
async fn a_session_holds_32_streams_and_gets_them_back() {
    let house = house().await;
    let login = house.log_in().await;
    let mut held = Vec::new();
    for _ in 0..32 {
        held.push(house.get("/api/v1/events").script(&login).open().await);
    }
    let one_more = house.get("/api/v1/events").script(&login).send().await;
    assert_eq!((one_more.status, one_more.code().as_str()), (429, "too_many_streams"));
    assert_eq!(house.get("/api/v1/events?follow=0").bearer().send().await.status, 200, "others have theirs");
    held.pop();
    assert_eq!(house.get("/api/v1/events?follow=0").script(&login).send().await.status, 200);
}

#[tokio::test]
async fn those_who_show_the_token_hold_1024_streams_together() {
    let house = house().await;
    let mut held = Vec::new();
    for _ in 0..1_024 {
        held.push(house.get("/api/v1/events").bearer().open().await);
    }
    let one_more = house.get("/api/v1/events").bearer().send().await;
    assert_eq!((one_more.status, one_more.code().as_str()), (429, "too_many_streams"));
    held.pop();
    assert_eq!(house.get("/api/v1/events?follow=0").bearer().send().await.status, 200);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused() {
    let house = house().await;
    let large = json!({ "request": "x".repeat(1024 * 1024) });
    let got = house.post("/api/v1/tasks", &large).bearer().send().await;
    assert_eq!((got.status, got.code().as_str()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_session_outlives_the_program_where_it_is_kept_in_a_file() {
    let (mut house, folder) = (House::new(), TempDir::new().unwrap());
    let file = folder.path().join("sessions.json");
    house.config.sessions = Sessions::in_file(&file).unwrap();
    house.router = router(house.engine.clone(), house.config.clone());
    let (login, gone) = (house.log_in().await, house.log_in().await);
    let body = format!("csrf={}", gone.csrf);
    assert_eq!(Ask::new(&house, "POST", "/logout").browser(&gone).form(&body).send().await.status, 303);

    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(!kept.contains(login.cookie.split('=').nth(1).unwrap()), "a hash is kept, not the secret");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    house.config.sessions = Sessions::in_file(&file).unwrap();
    house.router = router(house.engine.clone(), house.config.clone());
    assert_eq!(house.get("/api/v1/tasks").script(&login).send().await.status, 200);
    assert_eq!(house.get("/api/v1/tasks").script(&gone).send().await.status, 401, "revoked stays revoked");
}

#[tokio::test]
async fn an_event_says_who_and_through_what() {
    let house = house().await;
    let login = house.log_in().await;
    let pause = json!({ "type": "pause" });
    house.post("/api/v1/tasks/T-1/commands", &pause).bearer().send().await;
    house.post("/api/v1/tasks/T-1/commands", &json!({ "type": "resume" })).script(&login).send().await;
    house.post("/api/v1/tasks/T-1/commands", &pause).bearer().header("x-ipa-via", "cli").send().await;
    let events = house.get("/api/v1/tasks/T-1/events?limit=1000").bearer().send().await.json();
    let events = events["items"].as_array().unwrap().clone();
    let said = |event: &serde_json::Value| format!("{} {} {}", event["type"], event["actor"], event["via"]);
    let said: Vec<String> = events.iter().rev().take(3).rev().map(said).collect();
    assert_eq!(
        said,
        [
            r#""task.paused" "user:ann" "api""#,
            r#""task.resumed" "user:ann" "web""#,
            r#""task.paused" "user:ann" "cli""#
        ]
    );
}

#[tokio::test]
async fn the_token_is_in_no_debug_output_and_on_no_page() {
    let house = house().await;
    let login = house.log_in().await;
    let secrets = [house.config.token.expose(), login.cookie.split('=').nth(1).unwrap()];
    let debug = format!("{:?} {:?}", house.config.token, house.config.sessions);
    assert!(secrets.iter().all(|secret| !debug.contains(secret)), "{debug}");
    for (_, path) in ROUTES.iter().chain(OPEN).filter(|(method, _)| *method == "GET") {
        let got = house.get(path).script(&login).header("accept", "text/html").send().await;
        assert!(secrets.iter().all(|secret| !got.text.contains(secret)), "{path}");
    }
}
