//! What went wrong, and what a person can do about it.

use maud::{Markup, html};

use super::layout::{self, Place};
use crate::render::visible::visible;
use crate::wire::Problem;

/// Shows a problem as a page of its own, with what was typed, so that nothing of it is lost.
pub(crate) fn page(problem: &Problem, typed: &str) -> Markup {
    layout::page(
        &problem.title,
        Place::Elsewhere,
        None,
        &html! {
            div.narrow {
                h1 { (problem.title) }
                (flash(problem))
                @if !typed.is_empty() {
                    label for="typed" { "What you typed" }
                    textarea id="typed" rows="6" readonly { (typed) }
                }
                p { a href="/" { "Go to the board" } }
            }
        },
    )
}

/// Shows a problem in the page that it came up on.
pub(crate) fn flash(problem: &Problem) -> Markup {
    html! {
        div.flash role="alert" {
            p { (visible(&problem.detail)) }
            @if let Some(help) = &problem.help { p { (visible(help)) } }
            @if !problem.request_id.is_empty() { p.quiet { "request " (problem.request_id) } }
        }
    }
}
