//! What Markdown becomes.

use crate::body::{Block, Body, Inline, Link, Marks, Mentions};

fn link(to: &str) -> Marks {
    Marks { link: Link::parse(to), ..Marks::default() }
}

fn paragraph(pieces: Vec<Inline>) -> Body {
    Body::new(vec![Block::Paragraph(pieces)])
}

#[test]
fn markup_that_no_form_has_becomes_text_and_comments_go() {
    let cases = [
        ("a <!-- hidden --> b", paragraph(vec![Inline::text("a  b")])),
        ("<!-- hidden\n\nfor two paragraphs -->", Body::default()),
        ("a <b>c</b>", paragraph(vec![Inline::text("a <b>c</b>")])),
        ("a<br>b", paragraph(vec![Inline::text("a"), Inline::Break, Inline::text("b")])),
        ("<div>\na\n</div>", {
            let lines = ["<div>", "a", "</div>"].map(Inline::text);
            paragraph(lines.into_iter().flat_map(|line| [line, Inline::Break]).collect())
        }),
        ("a[^1]\n\n[^1]: some note", Body::markdown("a\\[^1]\n\n\\[^1]: some note")),
        ("a\nb", paragraph(vec![Inline::text("a b")])),
        ("![alt](https://a.b/c.png)", paragraph(vec![Inline::Text("alt".into(), link("https://a.b/c.png"))])),
        ("![](https://a.b/c.png)", {
            paragraph(vec![Inline::Text("https://a.b/c.png".into(), link("https://a.b/c.png"))])
        }),
        ("[![alt](https://a.b/c.png)](https://d.e)", {
            paragraph(vec![Inline::Text("alt".into(), link("https://d.e"))])
        }),
        ("[plan](docs/plan.md)", paragraph(vec![Inline::text("plan (docs/plan.md)")])),
        ("[up](#top)", paragraph(vec![Inline::text("up")])),
        ("<a@b.c>", paragraph(vec![Inline::Text("a@b.c".into(), link("mailto:a@b.c"))])),
    ];
    for (markdown, body) in cases {
        assert_eq!(Body::markdown(markdown), body, "{markdown}");
    }
}

#[test]
fn an_address_goes_out_only_to_the_web_or_to_mail_and_ends_nothing() {
    for refused in
        ["", "a", "javascript:x", "data:,x", "file:///etc", "//a.b", "http:a", "mailto:", "https://"]
    {
        assert_eq!(Link::parse(refused), None, "{refused}");
    }
    assert_eq!(Link::parse(&format!("https://{}", "a".repeat(2_048))), None);
    let cases = [
        ("HTTPS://a.b/c", "https://a.b/c"),
        ("https://a.b/<c>|]\"{\\ d\n", "https://a.b/%3Cc%3E%7C%5D%22%7B%5C%20d"),
        ("mailto:a@b.c", "mailto:a@b.c"),
    ];
    for (text, address) in cases {
        assert_eq!(Link::parse(text).unwrap().as_str(), address);
    }
}

#[test]
fn names_and_numbers_do_nothing_unless_they_shall() {
    let cases = [
        ("@ann, @org/team", "@<!-- -->ann, @<!-- -->org/team"),
        ("(@ann) é@ann", "(@<!-- -->ann) é@<!-- -->ann"),
        ("a@b.c", "a@b.c"),
        ("fixes #12, closes o/r#1", "fixes #<!-- -->12, closes o/r#<!-- -->1"),
        (
            "GH-1 gh-2 Resolves ABC-7, A2_B-9",
            "GH-<!-- -->1 gh-<!-- -->2 Resolves ABC-<!-- -->7, A2_B-<!-- -->9",
        ),
        ("x-1 9-2 a#b C- #", "x-1 9-2 a#b C- #"),
        ("see https://h/o/r/issues/1", "see https:<!-- -->//h/o/r/issues/1"),
        ("see https://h/o/r/actions/runs/1", "see https://h/o/r/actions/runs/1"),
        ("x :tada: 10:20:30x", "x :<!-- -->tada: 10:<!-- -->20:30x"),
        ("`@ann #12 ABC-7`", "`@ann #12 ABC-7`"),
        ("```\n@ann fixes #12\n```", "```\n@ann fixes #12\n```"),
    ];
    for (text, neutral) in cases {
        let body = Body::markdown(text);
        assert_eq!(body.github(Mentions::Neutral), neutral);
        assert_eq!(body.github(Mentions::AsWritten), text);
        assert_eq!(Body::markdown(neutral), body, "it looks the same: {text}");
    }
}
