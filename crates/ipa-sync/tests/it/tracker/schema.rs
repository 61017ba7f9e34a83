//! Jira's descriptions of its API, which all exchanges are checked against.

use super::Flavour;
use crate::peer::Schemas;

pub(crate) fn text(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Cloud => include_str!("../../fixtures/jira/cloud.json"),
        Flavour::DataCenter => include_str!("../../fixtures/jira/server.json"),
    }
}

pub(crate) fn load(flavour: Flavour) -> Schemas {
    Schemas::new(text(flavour), "/components/schemas/ErrorCollection")
}
