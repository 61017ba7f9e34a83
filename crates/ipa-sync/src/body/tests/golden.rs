//! One document as people write them, in all forms.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use serde_json::Value;

use crate::body::{Body, Mentions};

fn ordered(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.into_iter().map(|(key, value)| (key, ordered(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(ordered).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn document() -> Body {
    Body::markdown(include_str!("golden.md"))
}

#[test]
fn a_specification_on_github() {
    assert_snapshot!(document().github(Mentions::Neutral));
}

#[test]
fn a_specification_in_jira_cloud() {
    // Its keys in an order of their own: features of other crates may change that of a map.
    assert_snapshot!(serde_json::to_string_pretty(&ordered(document().adf())).unwrap());
}

#[test]
fn a_specification_in_jira_server() {
    assert_snapshot!(document().wiki());
}
