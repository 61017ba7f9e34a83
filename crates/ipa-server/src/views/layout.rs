//! The frame of every page: head, navigation, banner, and what the script needs to keep it in step.

use maud::{DOCTYPE, Markup, html};

use crate::live::{Cursor, Topics};
use crate::render::visible::visible;
use crate::web::assets::Asset;

/// Where a page belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The board.
    Board,
    /// The inbox.
    Inbox,
    /// The form for a new task.
    New,
    /// Somewhere else.
    Elsewhere,
}

/// What keeps a page in step: what it shows, and how far that is.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    /// What it shows.
    pub(crate) topics: Topics,
    /// How far that is: read before anything else was.
    pub(crate) after: Cursor,
    /// How many decisions are open.
    pub(crate) open: usize,
}

/// A whole page.
pub(crate) fn page(title: &str, place: Place, live: Option<&Live>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, None))
            body data-topics=[live.map(|live| live.topics.to_string())] data-after=[live.map(|live| live.after.to_string())] {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { "ipa" }
                    nav aria-label="Main" {
                        (link("/", ("Board", Place::Board), place, &html! {}))
                        (link("/inbox", ("Inbox", Place::Inbox), place, &count(live.map_or(0, |live| live.open))))
                        (link("/new", ("New task", Place::New), place, &html! {}))
                    }
                    span.live id="live" role="status" { @if live.is_some() { noscript { "not live: no script" } } }
                }
                p.offline id="offline" role="alert" hidden { "Offline: this page waits for the server. What you typed is kept." }
                main id="main" { (main) }
            }
        }
    }
}

/// A page for somebody who is not let in yet.
pub(crate) fn bare_page(title: &str, refresh: Option<&str>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, refresh))
            body {
                header.top { a.brand href="/" { "ipa" } }
                main id="main" { (main) }
            }
        }
    }
}

fn head(title: &str, refresh: Option<&str>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            @if let Some(refresh) = refresh { meta http-equiv="refresh" content=(refresh); }
            title { (visible(title)) " · ipa" }
            link rel="icon" type="image/svg+xml" href=(Asset::Favicon.path());
            link rel="stylesheet" href=(Asset::Style.path());
            script src=(Asset::Idiomorph.path()) defer {}
            script src=(Asset::Script.path()) defer {}
        }
    }
}

fn link(href: &str, (label, there): (&str, Place), here: Place, more: &Markup) -> Markup {
    html! { a href=(href) aria-current=[(here == there).then_some("page")] { (label) (more) } }
}

/// Shows how many decisions are open.
pub(crate) fn count(open: usize) -> Markup {
    html! {
        span.count id="inbox-count" data-open=(open) {
            @if open > 0 { " " b { (open) } span.vh { " waiting" } }
        }
    }
}
