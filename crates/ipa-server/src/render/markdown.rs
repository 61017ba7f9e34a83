//! Documents and what agents say, as HTML: markup of theirs stays text, links lead only to the web or to mail,
//! nothing is loaded from anywhere.

use maud::Markup;
use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

use super::markup::emitted;
use super::visible::visible;

/// Renders Markdown. Headings go two levels down, as a page has its own first ones.
pub(crate) fn markdown(text: &str) -> Markup {
    let text = visible(text);
    let mut links = Vec::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events = Parser::new_ext(&text, options).filter_map(|event| harmless(event, &mut links));
    let mut out = String::with_capacity(text.len().saturating_mul(3) / 2);
    html::push_html(&mut out, events);
    emitted(out)
}

/// Keeps what cannot harm. `links` remembers for each open link or image whether it was kept.
fn harmless<'a>(event: Event<'a>, links: &mut Vec<bool>) -> Option<Event<'a>> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        Event::Start(Tag::HtmlBlock) => Some(Event::Start(Tag::Paragraph)),
        Event::End(TagEnd::HtmlBlock) => Some(Event::End(TagEnd::Paragraph)),
        Event::Start(Tag::Link { link_type, dest_url, .. }) => {
            let kept = is_plain_web(link_type, &dest_url);
            links.push(kept);
            let title = CowStr::Borrowed("");
            kept.then_some(Event::Start(Tag::Link { link_type, dest_url, title, id: CowStr::Borrowed("") }))
        }
        Event::End(TagEnd::Link) => links.pop().unwrap_or(false).then_some(Event::End(TagEnd::Link)),
        Event::Start(Tag::Image { .. }) => Some(Event::Text(CowStr::Borrowed("[image: "))),
        Event::End(TagEnd::Image) => Some(Event::Text(CowStr::Borrowed("]"))),
        // An alignment would become an inline style.
        Event::Start(Tag::Table(columns)) => {
            Some(Event::Start(Tag::Table(columns.into_iter().map(|_| Alignment::None).collect())))
        }
        Event::Start(Tag::Heading { level, .. }) => {
            let level = lower(level);
            Some(Event::Start(Tag::Heading { level, id: None, classes: Vec::new(), attrs: Vec::new() }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level)))),
        // Enumerated, so that a new kind of event does not pass unseen.
        event @ (Event::Start(_)
        | Event::End(_)
        | Event::Text(_)
        | Event::Code(_)
        | Event::InlineMath(_)
        | Event::DisplayMath(_)
        | Event::FootnoteReference(_)
        | Event::SoftBreak
        | Event::HardBreak
        | Event::Rule
        | Event::TaskListMarker(_)) => Some(event),
    }
}

const fn lower(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        HeadingLevel::H4 | HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

fn is_plain_web(link_type: LinkType, url: &str) -> bool {
    let schemes = ["http://", "https://", "mailto:"];
    let starts = |scheme: &&str| url.get(..scheme.len()).is_some_and(|it| it.eq_ignore_ascii_case(scheme));
    matches!(link_type, LinkType::Email) || schemes.iter().any(starts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, html: &str) {
        assert_eq!(markdown(text).into_string().trim_end(), html, "{text:?}");
    }

    #[test]
    fn markup_in_a_document_stays_text() {
        check("a <b onclick=x>b</b>", "<p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>");
        check("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>");
        check("`<i>`", "<p><code>&lt;i&gt;</code></p>");
    }

    #[test]
    fn links_lead_to_the_web_or_to_mail_and_nowhere_else() {
        check("[x](https://example.org/a?b&c)", r#"<p><a href="https://example.org/a?b&amp;c">x</a></p>"#);
        check("[x](HTTPS://example.org)", r#"<p><a href="HTTPS://example.org">x</a></p>"#);
        check("[x](mailto:a@b.c)", r#"<p><a href="mailto:a@b.c">x</a></p>"#);
        for wrong in [
            "javascript:alert(1)",
            "JaVaScRiPt:x",
            "data:text/html,x",
            "//evil.example",
            "/tasks",
            "vbscript:x",
        ] {
            check(&format!("[x]({wrong})"), "<p>x</p>");
        }
        check("<javascript:alert(1)>", "<p>javascript:alert(1)</p>");
    }

    #[test]
    fn nothing_is_loaded_from_anywhere() {
        check("![alt](https://evil.example/x.png \"t\")", "<p>[image: alt]</p>");
        check("[![a](https://e.x/i.png)](https://e.x)", r#"<p><a href="https://e.x">[image: a]</a></p>"#);
    }

    #[test]
    fn a_table_gets_no_inline_style() {
        let html = markdown("|a|b|\n|:-|-:|\n|1|2|").into_string();
        assert!(html.contains("<td>2</td>") && !html.contains("style"), "{html}");
    }

    #[test]
    fn headings_go_below_those_of_the_page() {
        check("# a", "<h3>a</h3>");
        check("###### a {#x .y}", "<h6>a {#x .y}</h6>");
    }
}
