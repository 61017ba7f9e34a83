//! What more than one page shows.

pub(crate) mod answered;
pub(crate) mod asked;
pub(crate) mod connectors;
pub(crate) mod decision;
pub(crate) mod document;
pub(crate) mod evidence;
pub(crate) mod form;
pub(crate) mod log;
pub(crate) mod outside;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod time;
pub(crate) mod tool;
