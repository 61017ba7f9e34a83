//! Documents read as text, and ours read back.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::body::{Body, inbound};

fn doc(content: &Value) -> String {
    text(&json!({ "type": "doc", "version": 1, "content": content }))
}

fn p(words: &str) -> Value {
    json!({ "type": "paragraph", "content": [{ "type": "text", "text": words }] })
}

#[test]
fn a_document_is_read_as_a_page_shows_it() {
    let marked = |text: &str, marks: &[Value]| json!({ "type": "text", "text": text, "marks": marks });
    let mark = |kind: &str| json!({ "type": kind });
    let link = json!({ "type": "link", "attrs": { "href": "https://h/x" } });
    let cell = |kind: &str, words: &str| json!({ "type": kind, "content": [p(words)] });
    let item = |content: Value| json!({ "type": "listItem", "content": content });
    let task = |state: &str, words: &str| json!({ "type": "taskItem", "attrs": { "state": state }, "content": [{ "type": "text", "text": words }] });
    let content = json!([
        { "type": "heading", "attrs": { "level": 2 }, "content": [{ "type": "text", "text": "What" }] },
        { "type": "paragraph", "content": [
            { "type": "mention", "attrs": { "id": "5b", "text": "@Ann" } },
            marked(" sees ", &[mark("strong")]), marked("this", &[mark("em"), mark("strong")]),
            { "type": "hardBreak" }, marked("there", std::slice::from_ref(&link)), marked("https://h/x", &[link]),
            marked("old", &[mark("strike")]), marked("x()", &[mark("code")]),
            { "type": "emoji", "attrs": { "shortName": ":smile:", "text": "😄" } },
            { "type": "status", "attrs": { "text": "DOING", "color": "blue" } },
            { "type": "date", "attrs": { "timestamp": "1795694400000" } },
            { "type": "inlineCard", "attrs": { "url": "https://h/card" } },
        ] },
        { "type": "bulletList", "content": [
            item(json!([p("one"), { "type": "orderedList", "attrs": { "order": 3 }, "content": [item(json!([p("deep")]))] }])),
            item(json!([p("two")])),
        ] },
        { "type": "taskList", "content": [
            task("DONE", "tests"),
            { "type": "taskList", "content": [task("TODO", "docs")] },
        ] },
        { "type": "codeBlock", "attrs": { "language": "rust" }, "content": [{ "type": "text", "text": "```\nlet x;" }] },
        { "type": "blockquote", "content": [p("said"), p("twice")] },
        { "type": "panel", "attrs": { "panelType": "warning" }, "content": [p("hot")] },
        { "type": "rule" },
        { "type": "table", "content": [
            { "type": "tableRow", "content": [cell("tableHeader", "a"), cell("tableHeader", "b|c")] },
            { "type": "tableRow", "content": [cell("tableCell", "1"), cell("tableCell", "2")] },
        ] },
        { "type": "mediaSingle", "content": [{ "type": "media", "attrs": { "alt": "shot.png" } }] },
        { "type": "expand", "attrs": { "title": "Log" }, "content": [p("inside")] },
        { "type": "layoutSection", "content": [{ "type": "layoutColumn", "content": [p("left")] }] },
        { "type": "newThing", "content": [p("unknown")] },
    ]);
    assert_snapshot!(doc(&content));
}

#[test]
fn what_is_no_document_is_nothing_and_a_plain_text_is_itself() {
    for nothing in
        [Value::Null, json!(3), json!([]), json!({}), json!({ "content": "x" }), json!({ "content": [3] })]
    {
        assert_eq!(text(&nothing), "", "{nothing}");
    }
    assert_eq!(text(&json!("h1. *wiki*\n{code}x{code}")), "h1. *wiki*\n{code}x{code}");
}

#[test]
fn a_document_of_any_depth_and_length_is_read() {
    for kind in ["blockquote", "listItem", "paragraph", "expand", "x"] {
        let mut node = p("deep");
        for _ in 0..120 {
            node = json!({ "type": kind, "content": [node] });
        }
        assert!(doc(&json!([node])).ends_with("deep"), "{kind}");
    }
    let long = doc(&json!([p(&"x".repeat(3 * MOST_CHARS)), p("more")]));
    assert_eq!(long.chars().count(), MOST_CHARS);
}

proptest! {
    /// What we write is read back as words that say the same.
    #[test]
    fn our_own_documents_are_read_with_all_their_words(markdown in "[a-z#*>`|\\-\\[\\]() \n0-9.]{0,200}") {
        let body = Body::markdown(&markdown);
        let read = text(&body.adf());
        let words = |text: &str| {
            let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
            plain
        };
        let written = words(&body.adf().to_string().replace("\\n", ""));
        for word in words(&read).split_whitespace() {
            prop_assert!(word.chars().all(|c| written.contains(c)), "{word} of {markdown:?}");
        }
        let said: String = said(&body.adf());
        for word in said.split_whitespace() {
            prop_assert!(read.contains(word) || read.replace("\\|", "|").contains(word), "{word:?} in {read:?}");
        }
        prop_assert_eq!(inbound::clean(&read).invisible, 0);
    }
}

/// The texts of a document, one a line.
fn said(node: &Value) -> String {
    let own = node["text"].as_str().map(|text| format!("{text}\n")).unwrap_or_default();
    content(node).iter().fold(own, |all, node| all + &said(node))
}
