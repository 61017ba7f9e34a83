//! A spec or a plan, with its versions.

use ipa_events::task::Document;
use maud::{Markup, html};

use crate::render::diff::documents;
use crate::render::markdown::markdown;

/// Shows the text of a document at one version.
pub(crate) fn text(document: &Document, version: u32) -> Markup {
    let Some(text) = at(document, version) else {
        return html! { p.quiet { "There is no version " (version) "." } };
    };
    html! { div.doc { (markdown(text)) } }
}

/// Shows what changed from one version to another; nothing when there is no earlier one.
pub(crate) fn change(document: &Document, from: u32, to: u32) -> Markup {
    html! {
        @if let (Some(old), Some(new)) = (at(document, from), at(document, to)) {
            details.change { summary { "What changed from v" (from) " to v" (to) } (documents(old, new)) }
        }
    }
}

/// Shows the newest version of a document whole, and the earlier ones folded.
pub(crate) fn versions(document: &Document, nothing: &str) -> Markup {
    let Some(newest) = document.version() else { return html! { p.quiet { (nothing) } } };
    html! {
        h2 { "v" (newest) }
        @if newest > 1 { (change(document, newest.saturating_sub(1), newest)) }
        (text(document, newest))
        @for version in (1..newest).rev() {
            details.older { summary { "v" (version) } (text(document, version)) }
        }
    }
}

fn at(document: &Document, version: u32) -> Option<&str> {
    let index = usize::try_from(version.checked_sub(1)?).ok()?;
    document.versions.get(index).map(|text| &**text)
}
