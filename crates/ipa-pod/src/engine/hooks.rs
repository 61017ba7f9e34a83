//! Webhooks at the engine's front door: whether one is believed, and that it is kept before it is answered.

use ipa_events::ConnectorId;
use ipa_events::store::{AppendError, Arrival, NewDelivery};
use ipa_sync::hook::{BadSignature, Head, verify};
use secrecy::SecretString;

use super::Engine;

/// Why a webhook was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// There is nobody here whom it could be for. Who asks learns no more.
    #[error("no webhooks are taken there")]
    NoDoor,
    /// It is not signed by somebody who may send one.
    #[error(transparent)]
    Signature(#[from] BadSignature),
    /// It could not be kept.
    #[error("keeping a webhook")]
    Keep(#[from] AppendError),
}

impl Engine {
    /// Takes a webhook in, for the connector of a name, or for each that it is signed for. It is kept when this
    /// returns, and worked off later, by this engine or the next.
    ///
    /// # Errors
    ///
    /// [`HookError::NoDoor`] and [`HookError::Signature`], when nothing was kept; [`HookError::Keep`], when it may be
    /// kept or not, and is to be sent again.
    pub async fn receive(
        &self,
        (head, name): (Head, Option<&str>),
        body: Vec<u8>,
    ) -> Result<Arrival, HookError> {
        let signed_for = self.signed_for((&head, name), &body).await?;
        let (id, came_at) = (head.id(&body), self.inner.parts.edge.now());
        let mut arrival = Arrival::Seen;
        for connector in signed_for {
            let (id, kind, body) = (id.clone(), head.kind.clone(), body.clone());
            let delivery = NewDelivery { connector: connector.clone(), id, kind, body, came_at };
            match self.inner.store.deliveries.keep(delivery).await? {
                Arrival::New => {
                    self.inner.parts.connectors.note_hook(&connector, came_at);
                    arrival = Arrival::New;
                }
                Arrival::Seen => {}
            }
        }
        // Also of one that was seen: who kept it may have been cut off before the inbox was told.
        self.inner.arrived.notify_one();
        Ok(arrival)
    }

    /// Names the connectors that a webhook is for. Each is tried, so that the time tells nothing of which.
    async fn signed_for(
        &self,
        (head, name): (&Head, Option<&str>),
        body: &[u8],
    ) -> Result<Vec<ConnectorId>, HookError> {
        let signature = head.signature.as_deref().unwrap_or_default();
        // What is no name of a connector is checked like the name of one that is not there.
        let id = name.map(str::parse::<ConnectorId>).transpose();
        let doors = match &id {
            Ok(id) => self.inner.parts.connectors.doors(head.maker, id.as_ref()).await,
            Err(_no_name) => Vec::new(),
        };
        if doors.is_empty() {
            // As long as for one that is there; who signs with this is not let in either.
            verify(&[SecretString::from("nobody")], body, signature).ok();
            return Err(HookError::NoDoor);
        }
        let tried: Vec<_> =
            doors.into_iter().map(|(id, secrets)| (id, verify(secrets, body, signature))).collect();
        let fits: Vec<ConnectorId> =
            tried.iter().filter(|(_, tried)| tried.is_ok()).map(|(id, _)| (*id).clone()).collect();
        match tried.into_iter().find_map(|(_, tried)| tried.err()) {
            Some(why) if fits.is_empty() => Err(why.into()),
            Some(_) | None => Ok(fits),
        }
    }
}
