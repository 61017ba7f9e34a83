//! What a stream sends: fragments, each for one element of the page.

use std::fmt::Write as _;

use maud::{Markup, html};

/// What is done with a fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// It becomes the last of what is in the element.
    Append,
    /// The element becomes it, as gently as possible.
    Morph,
}

impl Op {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Morph => "morph",
        }
    }
}

/// A fragment for one element of the page.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    /// The id of the element: never a selector, as handles have dots.
    pub(crate) to: String,
    /// What is done with it.
    pub(crate) op: Op,
    /// The fragment.
    pub(crate) html: Markup,
}

impl Patch {
    /// Appends to an element.
    pub(crate) fn append(to: impl Into<String>, html: Markup) -> Self {
        Self { to: to.into(), op: Op::Append, html }
    }

    /// Changes an element.
    pub(crate) fn morph(to: impl Into<String>, html: Markup) -> Self {
        Self { to: to.into(), op: Op::Morph, html }
    }

    /// Returns how many bytes of a page it fills.
    pub(crate) fn len(&self) -> usize {
        self.html.0.len()
    }
}

/// Writes patches as the data of one frame. Appends to the same element that follow one another become one.
pub(crate) fn write(patches: &[Patch]) -> String {
    let mut data = String::new();
    for group in patches.chunk_by(|a, b| a.op == Op::Append && b.op == Op::Append && a.to == b.to) {
        let Some(first) = group.first() else { continue };
        let fragment = html! {
            ipa-patch to=(first.to) op=(first.op.as_str()) { @for patch in group { (patch.html) } }
        };
        // Writing to a String does not fail.
        let _ = write!(data, "{}", fragment.into_string());
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_to_one_element_become_one() {
        let line = |n: u8| Patch::append("log-T-1.r1", html! { p { (n) } });
        let data = write(&[line(1), line(2), Patch::morph("head-T-1", html! { h1 { "x" } })]);
        assert_eq!(
            data,
            r#"<ipa-patch to="log-T-1.r1" op="append"><p>1</p><p>2</p></ipa-patch><ipa-patch to="head-T-1" op="morph"><h1>x</h1></ipa-patch>"#
        );
    }
}
