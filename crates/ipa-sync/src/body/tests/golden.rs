//! One document as people write them, in all forms.

use insta::assert_snapshot;

use crate::body::{Body, Mentions};

fn document() -> Body {
    Body::markdown(include_str!("golden.md"))
}

#[test]
fn a_specification_on_github() {
    assert_snapshot!(document().github(Mentions::Neutral));
}

#[test]
fn a_specification_in_jira_cloud() {
    assert_snapshot!(serde_json::to_string_pretty(&document().adf()).unwrap());
}

#[test]
fn a_specification_in_jira_server() {
    assert_snapshot!(document().wiki());
}
