//! What proves to Jira who asks, and the way there with it.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use url::Url;

use crate::channel::{Ask, Channel, parsed};
use crate::error::{ErrorClass, SyncError};
use crate::secret::{KeptSecret, SecretSource};
use crate::wire::{Answer, Credential};

/// Who asks.
#[derive(Debug, Clone)]
pub enum JiraAuth {
    /// An account of Cloud.
    Account {
        /// Its mail address.
        mail: String,
        /// One of its API tokens.
        token: SecretSource,
    },
    /// Whoever a token is of: a personal access token of Data Center.
    Bearer(SecretSource),
}

/// The way to what lies below an address, as somebody.
pub(super) struct Api {
    channel: Channel,
    auth: Arc<Auth>,
}

struct Auth {
    mail: Option<String>,
    secret: KeptSecret,
}

impl Api {
    pub(super) fn new(channel: Channel, auth: JiraAuth) -> Self {
        let (mail, secret) = match auth {
            JiraAuth::Account { mail, token } => (Some(mail), token),
            JiraAuth::Bearer(token) => (None, token),
        };
        Self { channel, auth: Arc::new(Auth { mail, secret: KeptSecret::new(secret) }) }
    }

    /// The same way, to what lies below another address of the same host.
    pub(super) fn to(&self, base: Url) -> Self {
        Self { channel: self.channel.to(base), auth: Arc::clone(&self.auth) }
    }

    /// Sends a request once, and returns its answer. A secret that was refused is not shown again.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, SyncError> {
        let token = self.auth.secret.get().await?;
        let credential = match &self.auth.mail {
            Some(mail) => Credential::Basic { user: mail.clone(), token },
            None => Credential::Bearer(token),
        };
        let answer = self.channel.send(&credential, ask).await;
        if answer.as_ref().is_err_and(|error| error.class == ErrorClass::Credential) {
            self.forget();
        }
        answer
    }

    /// Reads the secret anew when it is needed next.
    pub(super) fn forget(&self) {
        self.auth.secret.forget();
    }

    /// Sends a request once, and reads what comes back.
    pub(super) async fn get<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, SyncError> {
        parsed(ask, &self.send(ask).await?)
    }
}
