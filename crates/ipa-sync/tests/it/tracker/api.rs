//! The endpoints, one file per resource: from the site and a call to an answer. They know no sockets.

pub(crate) mod changelog;
pub(crate) mod comments;
pub(crate) mod fields;
pub(crate) mod issues;
pub(crate) mod links;
pub(crate) mod properties;
pub(crate) mod roles;
pub(crate) mod search;
pub(crate) mod server;
pub(crate) mod transitions;
pub(crate) mod users;

use super::call::{Answer, Call};
use super::shape::View;
use super::site::Site;

/// The site as the sender of a call sees it.
fn view<'a>(site: &'a Site, call: &'a Call) -> View<'a> {
    View { site, viewer: call.by() }
}

/// The id of the call's issue.
fn issue_of(site: &Site, call: &Call) -> Result<u64, Answer> {
    site.issue(&call.who, call.issue()).map(|issue| issue.id)
}

/// The part of a list that a call asks for: from where, how many at most.
fn page<T>(list: &[T], start: usize, most: usize) -> &[T] {
    let start = start.min(list.len());
    &list[start..list.len().min(start.saturating_add(most))]
}
