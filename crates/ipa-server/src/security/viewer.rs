//! Who asks: what the guard found out, handed to every handler.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use ipa_events::{Ctx, Principal, Via};

use crate::error::Code;
use crate::error::problem::Refusal;
use crate::security::session::SessionKey;
use crate::state::AppState;

/// Who asks. A handler that takes this is reached by nobody who did not show a cookie or the token.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    /// On whose behalf.
    pub(crate) principal: Principal,
    /// Through what: a page's form, the command line, the API.
    pub(crate) via: Via,
    /// What counts this one's streams, and ends them when it is revoked.
    pub(crate) session: SessionKey,
    csrf: String,
}

impl Viewer {
    pub(super) const fn new(principal: Principal, via: Via, session: SessionKey, csrf: String) -> Self {
        Self { principal, via, session, csrf }
    }

    /// Returns what every form that posts must carry in its field `csrf` ([`FORM_FIELD`]). The guard checks
    /// it, before any handler is reached.
    ///
    /// [`FORM_FIELD`]: super::forms::FORM_FIELD
    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Makes the context of a command that this one gives now.
    pub(crate) fn ctx(&self, state: &AppState) -> Ctx {
        state.engine().ctx(self.principal.clone(), self.via)
    }
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &AppState) -> Result<Self, Refusal> {
        let viewer = parts.extensions.get::<Self>().cloned();
        viewer.ok_or_else(|| Refusal::new(Code::Unauthorized, "this needs a session or the token"))
    }
}
