//! Who may come in, from where, and with what. Everything here stands in front of every route.
//!
//! Denied is the default: a route is reached only through the layers of [`guard`], and only the few paths
//! that `access` names are open.

pub(crate) mod access;
pub(crate) mod forms;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod login;
pub(crate) mod session;
pub(crate) mod streams;
pub(crate) mod viewer;

pub(crate) use streams::StreamPermit;
pub(crate) use viewer::Viewer;
