//! What proves to the other side who asks. It is in no `Debug`, and its header is marked so that it is in none.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};

use super::Request;

/// A credential, as one header of each request.
#[derive(Clone)]
pub enum Credential {
    /// A token: GitHub, and Jira on its own server.
    Bearer(SecretString),
    /// A person's name and a token: Jira in the cloud.
    Basic {
        /// The name, often a mail address.
        user: String,
        /// The token.
        token: SecretString,
    },
}

impl Credential {
    /// Puts the credential into a request.
    ///
    /// # Errors
    ///
    /// [`CredentialError`] when it does not fit into a header.
    pub fn sign(&self, request: &mut Request) -> Result<(), CredentialError> {
        let mut value = HeaderValue::try_from(self.header()).map_err(|_unprintable| CredentialError)?;
        value.set_sensitive(true);
        request.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    fn header(&self) -> String {
        match self {
            Self::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Self::Basic { user, token } => {
                let pair = format!("{user}:{}", token.expose_secret());
                format!("Basic {}", STANDARD.encode(pair))
            }
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(***)",
            Self::Basic { .. } => "Basic(***)",
        })
    }
}

/// A credential holds characters that no header may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the credential holds a line break or another character that cannot be sent; enter it again")]
pub struct CredentialError;
