//! The acceptance criteria of a spec: the items of the list under the heading of that name, AC1, AC2, … in order.

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

/// Lists the acceptance criteria of a spec, as text.
pub(crate) fn criteria(spec: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let (mut heading, mut inside, mut depth) = (None, false, 0_u32);
    for event in Parser::new(spec) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let title = heading.take().unwrap_or_default();
                inside = title.trim().trim_end_matches(':').eq_ignore_ascii_case("acceptance criteria");
            }
            Event::Start(Tag::List(_)) if inside => depth = depth.saturating_add(1),
            Event::End(TagEnd::List(_)) if inside => depth = depth.saturating_sub(1),
            Event::Start(Tag::Item) if depth == 1 => found.push(String::new()),
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                let place = heading.as_mut().or_else(|| found.last_mut().filter(|_| depth > 0));
                if let Some(place) = place {
                    place.push_str(&text);
                }
            }
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph) | Event::Start(Tag::Item) => {
                if let Some(place) = found.last_mut().filter(|_| depth > 0) {
                    place.push(' ');
                }
            }
            Event::Start(_)
            | Event::End(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_) => {}
        }
    }
    (1..).zip(&found).map(|(number, text)| without_name(text.trim(), number).to_owned()).collect()
}

/// Takes the name off a criterion that says it itself, such as `AC2: `.
fn without_name(text: &str, number: usize) -> &str {
    let rest = text.strip_prefix(&format!("AC{number}"));
    let rest = rest.and_then(|rest| rest.strip_prefix([':', '.', ')']));
    rest.map_or(text, str::trim_start)
}

/// Tells whether a text names the criterion of this number, such as `AC2`.
pub(crate) fn names(text: &str, number: usize) -> bool {
    let name = format!("AC{number}");
    text.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn criteria_are_the_items_under_their_heading() {
        let spec = "# Spec\n- no\n## Acceptance criteria:\n- `a` is *so*\n  and so\n- b\n  - detail\n\n## Next\n- no\n";
        assert_eq!(criteria(spec), ["a is so and so", "b detail"]);
        assert!(criteria("- x").is_empty());
        let named = "# Acceptance criteria\n1. AC1: a\n2. AC2 b\n3. AC1: c\n";
        assert_eq!(criteria(named), ["a", "AC2 b", "AC1: c"]);
    }

    #[test]
    fn a_criterion_is_named_by_its_number() {
        assert!(names("./test.sh --only ac2", 2) && names("AC2: it works", 2));
        assert!(!names("AC21", 2) && !names("TAC2", 2));
    }
}
