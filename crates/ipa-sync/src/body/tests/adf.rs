//! Jira Cloud's form, against its schema.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::any;
use crate::body::{Block, Body, Inline, Item, Panel, Table};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../tests/fixtures/adf/full.json");
    jsonschema::draft4::new(&serde_json::from_str(schema).unwrap()).unwrap()
});

fn adf(body: &Body) -> Value {
    let document = body.adf();
    let wrong: Vec<_> = SCHEMA.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?} in {document}");
    document
}

#[test]
fn the_schema_refuses_what_it_is_said_to_refuse() {
    let text = |text: &str, mark: &str| json!({ "type": "text", "text": text, "marks": [{ "type": mark }] });
    let refused = [
        json!({ "type": "paragraph", "content": [{ "type": "text", "text": "" }] }),
        json!({ "type": "heading", "attrs": { "level": 7 } }),
        json!({ "type": "bulletList", "content": [] }),
        json!({ "type": "blockquote", "content": [{ "type": "blockquote", "content": [{ "type": "paragraph" }] }] }),
        json!({ "type": "codeBlock", "content": [text("a", "strong")] }),
        json!({ "type": "paragraph", "content": [text("a", "unknown")] }),
        json!({ "type": "tableCell", "content": [] }),
    ];
    for block in refused {
        let document = json!({ "version": 1, "type": "doc", "content": [block] });
        assert!(!SCHEMA.is_valid(&document), "{document}");
    }
}

/// Everything in everything, with everything in it once more.
#[test]
fn whatever_stands_in_whatever_is_a_valid_document() {
    let words = || vec![Inline::strong("words"), Inline::Break, Inline::text("more")];
    let leaves = || {
        vec![
            Block::Paragraph(words()),
            Block::Heading { level: 9, text: words() },
            Block::Code { language: "rust".to_owned(), text: String::new() },
            Block::Table(Table { head: vec![words(), vec![]], rows: vec![vec![]], ..Table::default() }),
            Block::Rule,
        ]
    };
    let mut blocks = leaves();
    for _ in 0..3 {
        let inside = || blocks.clone();
        let item = |task| Item { task, blocks: inside() };
        let items = || vec![item(None), Item::default(), item(Some(super::super::Task::Done))];
        blocks = [
            Block::Quote(inside()),
            Block::Panel { kind: Panel::Tip, blocks: inside() },
            Block::List { start: None, items: items() },
            Block::List { start: Some(0), items: items() },
        ]
        .into_iter()
        .chain(leaves())
        .collect();
    }
    adf(&Body::new(blocks));
}

#[test]
fn what_may_not_stand_where_it_is_keeps_its_words() {
    let of = |markdown: &str| {
        let document = adf(&Body::markdown(markdown));
        document["content"].clone()
    };
    let cases = [
        (
            "> # Title",
            r#"[{"content":[{"content":[{"marks":[{"type":"strong"}],"text":"Title","type":"text"}],"type":"paragraph"}],"type":"blockquote"}]"#,
        ),
        (
            "`a` **`b`**",
            r#"[{"content":[{"marks":[{"type":"code"}],"text":"a","type":"text"},{"text":" ","type":"text"},{"marks":[{"type":"code"}],"text":"b","type":"text"}],"type":"paragraph"}]"#,
        ),
        (
            "[x](javascript:y)",
            r#"[{"content":[{"text":"x (javascript:y)","type":"text"}],"type":"paragraph"}]"#,
        ),
        (
            "- [x] a\n- [ ] b",
            r#"[{"attrs":{"localId":"ipa-1"},"content":[{"attrs":{"localId":"ipa-2","state":"DONE"},"content":[{"text":"a","type":"text"}],"type":"taskItem"},{"attrs":{"localId":"ipa-3","state":"TODO"},"content":[{"text":"b","type":"text"}],"type":"taskItem"}],"type":"taskList"}]"#,
        ),
        (
            "3. [x] a",
            r#"[{"attrs":{"order":3},"content":[{"content":[{"content":[{"text":"☑ ","type":"text"},{"text":"a","type":"text"}],"type":"paragraph"}],"type":"listItem"}],"type":"orderedList"}]"#,
        ),
    ];
    for (markdown, expected) in cases {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(of(markdown), expected, "{markdown}");
    }
}

/// All words of a document of the format, and where its links lead.
fn walk(node: &Value, words: &mut String, links: &mut Vec<String>) {
    words.push_str(node["text"].as_str().unwrap_or_default());
    links.extend(node["attrs"]["href"].as_str().map(str::to_owned));
    for part in ["content", "marks"] {
        node[part].as_array().into_iter().flatten().for_each(|node| walk(node, words, links));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_document_is_valid_and_loses_no_words(body in any::body()) {
        let (mut words, mut links) = (String::new(), Vec::new());
        walk(&adf(&body), &mut words, &mut links);
        let letters = |text: &str| {
            let mut letters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
            letters.sort_unstable();
            letters
        };
        let mut there = letters(&words).into_iter();
        for letter in letters(&any::said(body.blocks())) {
            prop_assert!(there.any(|other| other == letter), "{letter:?} is not in {words:?}");
        }
        let goes_out = |link: &String| ["http://", "https://", "mailto:"].iter().any(|at| link.starts_with(at));
        prop_assert!(links.iter().all(goes_out), "{:?}", links);
    }
}
