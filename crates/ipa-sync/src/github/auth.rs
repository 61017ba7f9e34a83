//! What proves to GitHub who asks: a token, or an app that gets itself one for an hour.

use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use tokio::sync::Mutex;

use super::api::By;
use crate::channel::{Ask, Channel, parsed};
use crate::error::{ErrorClass, SyncError};
use crate::gate::{Effect, Lane};
use crate::secret::{KeptSecret, SecretSource};
use crate::wire::Credential;

/// Who asks.
#[derive(Debug, Clone)]
pub enum GitHubAuth {
    /// A person, or a machine user, with a token.
    Token(SecretSource),
    /// An app, in one of the places where it is installed.
    App {
        /// The app's id, or its client id.
        app: String,
        /// The installation's id.
        installation: u64,
        /// The app's private key, PEM.
        key: SecretSource,
    },
}

/// What every request is signed with.
pub(super) enum Auth {
    Token(KeptSecret),
    App(App),
}

/// An app, and its token while that lasts.
pub(super) struct App {
    issuer: String,
    installation: u64,
    key: KeptSecret,
    /// Whether its token is not to be used any more.
    is_stale: AtomicBool,
    /// Held while one is fetched, so that no two are.
    token: Mutex<Option<Minted>>,
}

#[derive(Deserialize)]
struct Minted {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    expires_at: Timestamp,
}

/// A token that ends sooner than this is not begun with.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// An app's own proof is dated back a little, in case the clocks differ, and lasts less than the ten minutes allowed.
const BACK: SignedDuration = SignedDuration::from_secs(60);
const LIFE: SignedDuration = SignedDuration::from_mins(9);

/// What kind of account asks: some things only an app may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    Token,
    App,
}

impl Auth {
    pub(super) const fn asker(&self) -> Asker {
        match self {
            Self::Token(_) => Asker::Token,
            Self::App(_) => Asker::App,
        }
    }

    pub(super) fn new(auth: GitHubAuth) -> Self {
        match auth {
            GitHubAuth::Token(token) => Self::Token(KeptSecret::new(token)),
            GitHubAuth::App { app: issuer, installation, key } => {
                let key = KeptSecret::new(key);
                Self::App(App {
                    issuer,
                    installation,
                    key,
                    is_stale: AtomicBool::default(),
                    token: Mutex::default(),
                })
            }
        }
    }

    /// Returns the token that a request is signed with; an app's is fetched when there is none that lasts.
    pub(super) async fn token(&self, channel: &Channel, by: By) -> Result<SecretString, SyncError> {
        match self {
            Self::Token(token) => token.get().await,
            Self::App(app) => {
                let mut token = app.token.lock().await;
                let is_stale = app.is_stale.swap(false, Ordering::AcqRel);
                let lasts = |it: &Minted| !is_stale && it.expires_at.duration_since(by.now) > MARGIN;
                let lasting = token.take().filter(lasts);
                let lasting = match lasting {
                    Some(lasting) => lasting,
                    None => app.mint(channel, by).await?,
                };
                let secret = lasting.token.clone();
                *token = Some(lasting);
                Ok(secret)
            }
        }
    }

    /// Returns what an app shows for itself, where none of its installations' tokens will do; none: it is no app.
    pub(super) async fn proof(&self, doing: &str, now: Timestamp) -> Option<Result<Credential, SyncError>> {
        match self {
            Self::Token(_) => None,
            Self::App(app) => Some(app.shown(doing, now).await),
        }
    }

    /// Returns which of an app's installations asks.
    pub(super) const fn installation(&self) -> Option<u64> {
        match self {
            Self::Token(_) => None,
            Self::App(app) => Some(app.installation),
        }
    }

    /// Uses nothing any more of what it has.
    pub(super) fn forget(&self) {
        match self {
            Self::Token(token) => token.forget(),
            Self::App(app) => {
                app.key.forget();
                app.is_stale.store(true, Ordering::Release);
            }
        }
    }
}

impl App {
    async fn mint(&self, channel: &Channel, by: By) -> Result<Minted, SyncError> {
        let doing = "fetching a token for the app";
        let proof = self.shown(doing, by.now).await?;
        let installation = self.installation.to_string();
        let ask = Ask::read(doing, by.who, "app/installations/{}/access_tokens", &[&installation]);
        // One token more does no harm.
        let ask = Ask { lane: Lane::Read, ..ask.change(Method::POST, json!({}), Effect::Idempotent) };
        let answer = channel.send(&proof, &ask).await?;
        parsed(&ask, &answer)
    }

    async fn shown(&self, doing: &str, now: Timestamp) -> Result<Credential, SyncError> {
        let unusable = || SyncError::new(ErrorClass::Credential, doing, UNUSABLE);
        let key = read_key(self.key.get().await?.expose_secret()).ok_or_else(unusable)?;
        self.proof(&key, now).map(Credential::Bearer).ok_or_else(unusable)
    }

    /// Says who we are, signed: a JSON web token.
    fn proof(&self, key: &RsaKeyPair, now: Timestamp) -> Option<SecretString> {
        let at = |span: SignedDuration| now.saturating_add(span).map(Timestamp::as_second).ok();
        let claims = json!({ "iat": at(-BACK)?, "exp": at(LIFE)?, "iss": self.issuer });
        let head = json!({ "alg": "RS256", "typ": "JWT" });
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", part(head.to_string()), part(claims.to_string()));
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

const UNUSABLE: &str =
    "the app's private key cannot be used: it must be the RSA key in PEM that GitHub lets one download";

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<SecretString, D::Error> {
    String::deserialize(from).map(SecretString::from)
}

fn read_key(pem: &str) -> Option<RsaKeyPair> {
    let pkcs1 = || PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes()).ok();
    let pkcs8 = || PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok();
    let from_pkcs1 = pkcs1().and_then(|key| RsaKeyPair::from_der(key.secret_pkcs1_der()).ok());
    from_pkcs1.or_else(|| RsaKeyPair::from_pkcs8(pkcs8()?.secret_pkcs8_der()).ok())
}
