//! What does not fit GitHub's description is found.

use std::panic::{AssertUnwindSafe, catch_unwind};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, got};
use crate::forge::Forge;
use crate::forge::routes::OPERATIONS;
use crate::forge::schema;
use crate::peer::schema::make_null_a_type;

#[tokio::test]
async fn a_wrong_request_is_found_and_fails_the_test() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    forge.person("ipa").push("b", "one.txt", "one\n");
    for (path, body, expected) in [
        ("pulls", json!({ "title": "x", "head": "b" }), "\"base\" is a required property"),
        ("pulls", json!({ "title": 1, "head": "b", "base": "main" }), "/title: 1 is not of type \"string\""),
        ("pulls", json!({ "title": "x", "head": "b", "base": "none", "daft": true }), "/daft: no such field"),
        ("pulls/1/reviews", json!({ "event": "SHRUG" }), "/event: \"SHRUG\" is not one of"),
    ] {
        ipa.post(path, body.clone()).await;
        let wrong = forge.take_wrong();
        assert!(wrong[0].contains(expected), "{body}: {wrong:?}");
        assert!(wrong[0].starts_with(&format!("POST /api/v3/repos/o/r/{path}")), "{wrong:?}");
    }
    for (path, expected) in [
        ("pulls?stat=all", "?stat: no such parameter"),
        ("pulls?state=shut", "?state: \"shut\" is not one of"),
        ("issues?per_page=many", "?per_page: \"many\" is not of type \"integer\""),
        ("nowhere", "the forge has no GET /repos/o/r/nowhere"),
    ] {
        ipa.get(path).await;
        assert!(forge.take_wrong()[0].contains(expected), "{path}");
    }
    let named_twice = ipa.request(Method::GET, "").header("user-agent", "one").header("user-agent", "two");
    got(named_twice).await;
    assert!(forge.take_wrong()[0].contains("more than one user-agent"));
    ipa.graphql("{ viewer { shoeSize } }", json!({})).await;
    assert!(forge.take_wrong()[0].contains("Field 'shoeSize' doesn't exist on type 'User'"));
    ipa.get("pulls?stat=all").await;
    let ended = catch_unwind(AssertUnwindSafe(|| drop(forge)));
    let words = *ended.unwrap_err().downcast::<String>().unwrap();
    assert!(words.contains("/api/v3/repos/o/r/pulls?stat=all ?stat: no such parameter"), "{words}");
}

#[tokio::test]
async fn a_wrong_answer_is_found() {
    let forge = Forge::start().await;
    let ipa = Client::new(&forge, "token-ipa");
    let schemas = schema::load();
    forge.person("ipa").push("b", "one.txt", "one\n");
    let pull = ipa.get(&format!("pulls/{}", ipa.open("b").await)).await.body;
    assert_eq!(schemas.answer("pulls/get", 200, &pull), Vec::<String>::new());
    for (pointer, value, expected) in [
        ("/state", json!("weird"), "/state: \"weird\" is not one of"),
        ("/user", Value::Null, "/user: null is not of type \"object\""),
        ("/created_at", json!("yesterday"), "/created_at: \"yesterday\" is not a \"date-time\""),
        ("/head/repo/owner/id", json!("7"), "/head/repo/owner/id: \"7\" is not of type \"integer\""),
    ] {
        let mut wrong = pull.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let found = schemas.answer("pulls/get", 200, &wrong);
        assert!(found[0].starts_with(expected), "{found:?}");
    }
    for (operation, status, body, expected) in [
        ("issues/delete-comment", 204, json!({}), "has no body"),
        ("pulls/get", 202, json!({}), "an answer of 202 is not described"),
        ("pulls/get", 418, json!({ "message": 1 }), "/message: 1 is not of type \"string\""),
        ("pulls/create", 422, json!({ "message": "no" }), "\"documentation_url\" is a required property"),
    ] {
        let found = schemas.answer(operation, status, &body);
        assert!(found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn nullable_becomes_a_type_of_its_own() {
    for (before, after) in [
        (json!({ "type": "string", "nullable": true }), json!({ "type": ["string", "null"] })),
        (
            json!({ "type": "string", "enum": ["a"], "nullable": true }),
            json!({ "type": ["string", "null"], "enum": ["a", null] }),
        ),
        (
            json!({ "anyOf": [{ "$ref": "#/x" }], "nullable": true }),
            json!({ "anyOf": [{ "type": "null" }, { "anyOf": [{ "$ref": "#/x" }] }] }),
        ),
        (
            json!({ "properties": { "a": { "type": "integer", "nullable": true } } }),
            json!({ "properties": { "a": { "type": ["integer", "null"] } } }),
        ),
        (json!({ "type": "string", "nullable": false }), json!({ "type": "string", "nullable": false })),
    ] {
        let mut schema = before;
        make_null_a_type(&mut schema);
        assert_eq!(schema, after);
    }
}

#[test]
fn each_operation_is_one_of_githubs() {
    let text = include_str!("../../fixtures/github/openapi.json");
    let description: Value = serde_json::from_str(text).unwrap();
    for operation in OPERATIONS {
        let described = &description["paths"][operation.path][operation.method.to_lowercase()];
        assert_eq!(described["operationId"], operation.id, "{} {}", operation.method, operation.path);
    }
    let described =
        description["paths"].as_object().unwrap().values().map(|methods| methods.as_object().unwrap().len());
    assert_eq!(described.sum::<usize>(), OPERATIONS.len());
}
