//! GitHub's own description of its API, which all exchanges are checked against.

use crate::peer::Schemas;

pub(crate) fn load() -> Schemas {
    let text = include_str!("../../fixtures/github/openapi.json");
    Schemas::new(text, "/components/schemas/basic-error")
}
