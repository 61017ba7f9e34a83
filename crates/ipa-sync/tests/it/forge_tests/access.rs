//! Who may do what, and how those who may not are told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, got};
use crate::forge::{Forge, Kind, Role, Scope, Visibility};

const ACCEPTED: &str = "x-accepted-github-permissions";

/// What an app signs for itself; the forge does not look at the signature.
pub(super) fn app_token(alg: &str, claims: Value) -> String {
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.signature", encode(json!({ "alg": alg, "typ": "JWT" })), encode(claims))
}

pub(super) fn good_app_token() -> String {
    let now = Timestamp::now().as_second();
    app_token("RS256", json!({ "iss": "77", "iat": now - 60, "exp": now + 540 }))
}

/// A token of the app's installation.
pub(super) async fn installation_token(forge: &Forge) -> String {
    let app = Client::new(forge, &good_app_token());
    let minted = app.post("/app/installations/7/access_tokens", json!({})).await;
    assert_eq!(minted.status, 201, "{}", minted.body);
    minted.body["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_may_not_is_told_as_github_tells_it() {
    let forge = Forge::start().await;
    forge.add_repo("o/secret", Visibility::Private);
    forge.add_token("read-only", "ipa", Scope::Only(vec!["issues".to_owned()]));
    forge.person("ipa").push("b", "one.txt", "one\n");
    let pull = json!({ "title": "x", "head": "b", "base": "main" });

    let wrong = Client::new(&forge, "wrong").get("").await;
    assert_eq!((wrong.status, wrong.message()), (401, "Bad credentials"));
    let nobody = Client::new(&forge, "");
    assert_eq!(nobody.get("").await.status, 200);
    assert_eq!(nobody.get("/user").await.message(), "Requires authentication");
    let zed = Client::new(&forge, "token-zed");
    let outsider = zed.post("pulls", pull.clone()).await;
    assert_eq!((outsider.status, outsider.header(ACCEPTED)), (403, "pull_requests=write"));
    assert_eq!(zed.get("").await.body["permissions"]["push"], false);
    assert_eq!(zed.get("/repos/o/secret").await.message(), "Not Found");
    forge.set_role("o/secret", "zed", Role::Reader);
    assert_eq!(zed.get("/repos/o/secret").await.status, 200);
    let limited = Client::new(&forge, "read-only").post("pulls", pull).await;
    assert_eq!((limited.status, limited.header(ACCEPTED)), (403, "pull_requests=write"));
    assert_eq!(limited.message(), "Resource not accessible by personal access token");
    let ipa = Client::new(&forge, "token-ipa");
    assert_eq!(ipa.get("/user").await.body["login"], "ipa");
    let nameless = got(ipa.request(Method::GET, "").header("user-agent", "")).await;
    assert_eq!(nameless.status, 403);
    forge.revoke("token-ipa");
    assert_eq!(ipa.get("").await.status, 401);
}

#[tokio::test]
async fn somebody_new_can_be_let_in() {
    let forge = Forge::start().await;
    forge.add_user("new[bot]", Kind::Bot);
    forge.add_token("token-new", "new[bot]", Scope::All);
    forge.add_repo("o/other", Visibility::Public);
    forge.set_role("o/other", "new[bot]", Role::Collaborator);
    let new = Client::new(&forge, "token-new");
    assert_eq!(new.get("/repos/o/other").await.body["permissions"]["push"], true);
    forge.person("o").at("o/other").push("b", "one.txt", "one\n");
    let opened = new.post("/repos/o/other/pulls", json!({ "title": "x", "head": "b", "base": "main" })).await;
    assert_eq!((opened.status, &opened.body["user"]["type"]), (201, &json!("Bot")));
}

#[tokio::test]
async fn an_app_gets_a_token_for_its_installation_and_no_other_way() {
    let forge = Forge::start().await;
    let now = Timestamp::now().as_second();
    for (alg, claims) in [
        ("HS256", json!({ "iat": now, "exp": now + 60 })),
        ("RS256", json!({ "iat": now + 120, "exp": now + 300 })),
        ("RS256", json!({ "iat": now - 60, "exp": now + 3600 })),
        ("RS256", json!({ "iat": now - 600, "exp": now - 60 })),
        ("RS256", json!({ "iat": "soon", "exp": now + 60 })),
        ("RS256", json!({ "iat": now })),
    ] {
        let app = Client::new(&forge, &app_token(alg, claims.clone()));
        let refused = app.post("/app/installations/7/access_tokens", json!({})).await;
        assert_eq!(refused.status, 401, "{alg} {claims}");
    }
    let app = Client::new(&forge, &good_app_token());
    assert_eq!(app.post("/app/installations/8/access_tokens", json!({})).await.status, 404);
    assert_eq!(app.get("").await.status, 403);
    let person = Client::new(&forge, "token-ipa").post("/app/installations/7/access_tokens", json!({})).await;
    assert_eq!(person.status, 401);

    let bot = Client::new(&forge, &installation_token(&forge).await);
    assert_eq!(bot.get("").await.body["permissions"]["push"], true);
    assert_eq!(bot.get("/user").await.message(), "Resource not accessible by integration");
    forge.set_clock_ahead(SignedDuration::from_mins(61));
    assert_eq!(bot.get("").await.status, 401);
}
