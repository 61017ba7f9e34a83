//! Webhooks at the engine's front door: whether one is believed, that it is kept before it is answered, and that what
//! did not arrive is asked for.

use ipa_events::store::{AppendError, Arrival, NewDelivery};
use ipa_events::{ConnectorId, RemoteId};
use ipa_sync::hook::{BadSignature, Head, verify};
use ipa_sync::{Checked, Cx, Sweep, SyncError, Undelivered};
use secrecy::SecretString;
use tracing::{info, warn};

use super::Engine;
use crate::connectors::{Asking, Outlet};
use crate::pod::sync::Git;

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
        let now = self.inner.parts.edge.now();
        let signature = head.signature.as_deref().unwrap_or_default();
        // What is no name of a connector is checked like the name of one that is not there.
        let id = name.map(str::parse::<ConnectorId>).transpose();
        let doors = match &id {
            Ok(id) => self.inner.parts.connectors.doors((head.maker, id.as_ref()), now).await,
            Err(_no_name) => Vec::new(),
        };
        if doors.is_empty() {
            // As long as for one that is there; who signs with this is not let in either.
            verify(&[SecretString::from("nobody")], body, signature).ok();
            return Err(HookError::NoDoor);
        }
        let tried: Vec<_> =
            doors.into_iter().map(|(id, secrets)| (id, verify(&secrets, body, signature))).collect();
        let fits: Vec<ConnectorId> =
            tried.iter().filter(|(_, tried)| tried.is_ok()).map(|(id, _)| (*id).clone()).collect();
        match tried.into_iter().find_map(|(_, tried)| tried.err()) {
            Some(why) if fits.is_empty() => Err(why.into()),
            Some(_) | None => Ok(fits),
        }
    }

    /// Has the webhooks sent again that the other side could not deliver, where it does not do so by itself, and it is
    /// time to ask. What is not asked for, or fails, is found by a sweep.
    pub(super) async fn ask_again(&self, outlet: &Outlet, linked: Vec<RemoteId>) {
        let (parts, id) = (&self.inner.parts, &outlet.settings.id);
        let now = parts.edge.now();
        let asking = outlet.hooks.as_ref().and_then(|_| parts.connectors.asks_again(id, now));
        let Some(Asking { since }) = asking else { return };
        let git = Git(parts.workspaces.as_ref());
        let (cx, sweep) = (Cx { git: &git, now }, Sweep { since, linked });
        match send_again(outlet, cx, &sweep).await {
            Ok((sent, unseen)) => {
                parts.connectors.note_asked(id, now);
                if sent > 0 {
                    info!("{sent} webhooks for {id} did not arrive; they are sent again");
                }
                for unseen in unseen.iter().filter(|unseen| parts.connectors.is_unseen_new(id, unseen)) {
                    info!("{id} may not see {unseen}; what is lost is found when it is asked what moved");
                }
            }
            Err(error) => warn!(%error, "the webhooks for {id} that did not arrive were not all sent again"),
        }
    }

    /// Adds how its webhooks are to what a connector says of itself.
    pub(super) async fn check_hooks(
        &self,
        (outlet, linked): (&Outlet, Vec<RemoteId>),
        cx: Cx<'_>,
        checked: &mut Checked,
    ) {
        if outlet.hooks.is_none() {
            return;
        }
        let secrets = self.inner.parts.connectors.secrets(outlet, cx.now).await;
        let unread = secrets.into_iter().filter_map(Result::err);
        checked.missing.extend(unread.map(|why| format!("a secret of its webhooks: {why}")));
        match outlet.connector.undelivered(cx, &Sweep { since: None, linked }).await {
            Ok(Undelivered { lost, unseen }) => {
                let lost =
                    (!lost.is_empty()).then(|| format!("{} webhooks did not arrive lately", lost.len()));
                checked.notes.extend(lost);
                checked.notes.extend(unseen.into_iter().map(|unseen| format!("it may not see {unseen}")));
            }
            Err(error) => checked.notes.push(format!("its webhooks: {error}")),
        }
    }
}

/// Has sent again what did not arrive; returns how many those are, and what may not be asked for.
async fn send_again(outlet: &Outlet, cx: Cx<'_>, sweep: &Sweep) -> Result<(usize, Vec<String>), SyncError> {
    let Undelivered { lost, unseen } = outlet.connector.undelivered(cx, sweep).await?;
    for lost in &lost {
        outlet.connector.redeliver(cx, lost).await?;
    }
    Ok((lost.len(), unseen))
}
