//! Jira Server's form.

#![allow(clippy::string_slice, reason = "tests: what is sliced is ours")]

use proptest::prelude::*;

use super::any;
use crate::body::{Block, Body, Inline};

fn wiki(markdown: &str) -> String {
    Body::markdown(markdown).wiki()
}

#[test]
fn each_block_has_its_markup() {
    let cases = [
        ("## A *b*", "h2. A _b_"),
        ("**a** _b_ ~~c~~ `d`", "*a* _b_ -c- {{d}}"),
        ("a**b**c", "a{*}b{*}c"),
        ("[a|b](https://c.d) <https://e.f>", r"[a\|b|https://c.d] [https://e.f]"),
        ("- a\n  1. b\n- [x] c", "* a\n*# b\n* ☑ c"),
        ("> a\n> > b", "{quote}\na\n\nb\n{quote}"),
        ("> [!WARNING]\n> a", "{panel:title=Warning}\na\n{panel}"),
        ("|a|b|\n|-|-|\n|c||", "||a||b||\n|c| |"),
        ("a\\\nb\n\n***", "a\nb\n\n----"),
    ];
    for (markdown, expected) in cases {
        assert_eq!(wiki(markdown), expected, "{markdown}");
    }
}

#[test]
fn code_goes_where_its_text_cannot_end_it() {
    let cases = [
        ("```rust\na\n```", "{noformat}\na\n{noformat}"),
        ("```java\na\n```", "{code:java}\na\n{code}"),
        ("```java\n{Code}\n```", "{noformat}\n{Code}\n{noformat}"),
        ("```\n{noformat}\n```", "{code:none}\n{noformat}\n{code}"),
        ("```\n{noformat}{code}\n```", r"{{\{noformat\}\{code\}}}"),
        ("> ```java\n> {quote}\n> ```", "{quote}\n{{\\{quote\\}}}\n{quote}"),
    ];
    for (markdown, expected) in cases {
        assert_eq!(wiki(markdown), expected, "{markdown}");
    }
}

#[test]
fn words_do_not_become_markup() {
    let cases = [
        ("*a* _b_ -c- +d+ ^e^ ~f~ ??g??", r"\*a\* \_b\_ \-c\- \+d\+ \^e\^ \~f\~ \?\?g\?\?"),
        ("snake_case well-known f(x) a & b!", r"snake_case well-known f\(x) a & b\!"),
        ("{code} [~ann] !a.png! |x|", r"\{code\} \[\~ann\] \!a.png\! \|x\|"),
        ("# a", r"\# a"),
        ("h1. a", r"h1\. a"),
        ("bq. a", r"bq\. a"),
        (r"a\\b &lt; :) (off)", r"a&#92;&#92;b &amp;lt; \:) \(off)"),
        ("see https://a.b/_c_/-/d.", "see [https://a.b/_c_/-/d]."),
    ];
    for (text, expected) in cases {
        assert_eq!(Body::new(vec![Block::Paragraph(vec![Inline::text(text)])]).wiki(), expected);
    }
}

/// What Jira shows of words: a backslash is not shown, what follows it is; numbers are characters; a link to itself is
/// its address. Markup that is left over is an error.
fn shown(wiki: &str) -> String {
    let mut shown = String::new();
    let mut rest = wiki;
    while let Some(c) = rest.chars().next() {
        let (piece, length) = if let Some(after) = rest.strip_prefix('\\') {
            let c = after.chars().next().filter(char::is_ascii_punctuation).unwrap();
            assert_ne!(c, '\\', "a line break: {wiki}");
            (c.to_string(), 2)
        } else if rest.starts_with("&#92;") {
            ("\\".to_owned(), 5)
        } else if rest.starts_with("&amp;") {
            ("&".to_owned(), 5)
        } else if rest.starts_with("[http") {
            let end = rest.find(']').unwrap();
            (rest[1..end].to_owned(), end + 1)
        } else {
            assert!(!"*+^~{}[]|!".contains(c), "{c:?} in {wiki}");
            (c.to_string(), c.len_utf8())
        };
        shown.push_str(&piece);
        rest = &rest[length..];
    }
    shown
}

/// Reads macros as Jira does, and tells which are not ended. A brace that begins nothing of ours is an error.
fn open_macros(wiki: &str) -> Vec<&'static str> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = wiki;
    while let Some(at) = rest.find(['{', '}', '\\']) {
        rest = &rest[at..];
        let raw = ["noformat", "code"].into_iter().find(|name| rest.starts_with(&format!("{{{name}")));
        let around = ["quote", "panel"].into_iter().find(|name| rest.starts_with(&format!("{{{name}")));
        let styles = ["{{", "}}", "{*}", "{_}", "{-}"];
        let skipped = if let Some(name) = raw {
            let begin = rest.find('}').unwrap() + 1;
            begin + rest[begin..].find(&format!("\n{{{name}}}")).unwrap() + name.len() + 3
        } else if let Some(name) = around {
            if open.last() == Some(&name) {
                open.pop();
            } else {
                assert!(!open.contains(&name), "{name} in {name}: {wiki}");
                open.push(name);
            }
            rest.find('}').unwrap() + 1
        } else if rest.starts_with('\\') {
            2
        } else {
            let style = styles.into_iter().find(|style| rest.starts_with(style));
            style.unwrap_or_else(|| panic!("{rest:?} in {wiki}")).len()
        };
        rest = &rest[skipped..];
    }
    open
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_words_are_shown_as_they_are(text in any::markup()) {
        let body = Body::new(vec![Block::Paragraph(vec![Inline::text(text)])]);
        prop_assert_eq!(shown(&body.wiki()), any::said(body.blocks()));
    }

    #[test]
    fn any_document_holds_no_braces_but_its_own(body in any::body()) {
        prop_assert_eq!(open_macros(&body.wiki()), Vec::<&str>::new());
    }
}
