//! The files of a task: folders and what is in a file. All of it is shown as text.

use ipa_events::Handle;
use ipa_pod::work::{Entry, EntryKind, FileView, Listing};
use maud::{Markup, html};

use super::components::time::bytes;
use crate::render::visible::visible;

/// Files longer than this are shown without line numbers.
const NUMBERED: usize = 20_000;

/// What there is at a path.
pub(crate) enum Found {
    /// A folder.
    Folder(Listing),
    /// Something that can be read, or not.
    File(FileView),
}

/// Shows what there is at a path of a task's work.
pub(crate) fn page(task: Handle, title: &str, path: &str, found: &Found) -> Markup {
    html! {
        p.crumbs {
            a href={ "/tasks/" (task) } { (task) } " / "
            a href={ "/tasks/" (task) "/files" } { "files" } (crumbs(task, path))
        }
        h1 { bdi { (visible(title)) } }
        @match found {
            Found::Folder(listing) => (folder(task, path, listing)),
            Found::File(view) => (file(view)),
        }
    }
}

/// Returns the address of a file or folder.
pub(crate) fn address(task: Handle, path: &str) -> String {
    let mut address = format!("/tasks/{task}/files");
    for part in path.split('/').filter(|part| !part.is_empty()) {
        address.push('/');
        escape(part, &mut address);
    }
    address
}

/// Writes a part of a path so that it means itself in an address.
fn escape(part: &str, address: &mut String) {
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            address.push(char::from(byte));
        } else {
            address.push('%');
            let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0').to_ascii_uppercase();
            address.extend([digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn crumbs(task: Handle, path: &str) -> Markup {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    html! {
        @for (index, part) in parts.iter().enumerate() {
            @let upto = parts.get(..=index).unwrap_or_default().join("/");
            " / " a href=(address(task, &upto)) { (visible(part)) }
        }
    }
}

fn folder(task: Handle, path: &str, listing: &Listing) -> Markup {
    html! {
        @if listing.entries.is_empty() { p.empty { "This folder is empty." } }
        ul.listing {
            @for entry in &listing.entries { li { (row(task, path, entry)) } }
        }
        @if listing.truncated { p.quiet { "There are more entries than are listed." } }
    }
}

fn row(task: Handle, path: &str, entry: &Entry) -> Markup {
    let name = visible(&entry.name);
    let href = address(task, &format!("{path}/{}", entry.name));
    html! {
        @match entry.kind {
            EntryKind::Dir => a href=(href) { (name) "/" },
            EntryKind::File => a href=(href) { (name) },
            EntryKind::Symlink => { a href=(href) { (name) } " " span.quiet { "symbolic link" } },
            EntryKind::Special => { (name) " " span.quiet { "neither file nor folder" } },
        }
        @if let Some(size) = entry.size_bytes { " " span.quiet { (bytes(size)) } }
    }
}

fn file(view: &FileView) -> Markup {
    match view {
        FileView::Text { text } => lines(text),
        FileView::TooLarge { size_bytes, head } => html! {
            p.flash { "The file has " (bytes(*size_bytes)) "; this is its beginning." }
            (lines(head))
        },
        FileView::Binary { size_bytes } => html! { p.empty { "Not text: " (bytes(*size_bytes)) "." } },
        FileView::Symlink { target } => html! {
            p.empty { "A symbolic link to " code { (visible(target)) } "; links are never followed." }
        },
        FileView::Special => html! { p.empty { "Neither a file nor a folder." } },
    }
}

fn lines(text: &str) -> Markup {
    if text.lines().count() > NUMBERED {
        return html! { pre.out { (visible(text)) } };
    }
    html! {
        div.scroll {
            table.diff.source {
                tbody {
                    @for (index, line) in text.lines().enumerate() {
                        @let n = index.saturating_add(1);
                        tr id={ "L" (n) } { td.n { (n) } td.t { (visible(line)) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_itself_in_an_address() {
        let task = Handle::new(1);
        assert_eq!(address(task, "a b/ü?#%/x.rs"), "/tasks/T-1/files/a%20b/%C3%BC%3F%23%25/x.rs");
        assert_eq!(address(task, ""), "/tasks/T-1/files");
    }
}
