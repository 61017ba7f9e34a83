//! Where a secret comes from: it is read when it is first needed, and again when it was refused or a person saw to it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::error::{ErrorClass, SyncError};

/// Reads a secret, or says why it cannot, without showing any of it.
type ReadSecret = dyn Fn() -> Result<SecretString, String> + Send + Sync;

/// Where a secret comes from. It is in no `Debug`.
#[derive(Clone)]
pub struct SecretSource(Arc<ReadSecret>);

impl SecretSource {
    /// Makes a source of what a function reads; it may take its time.
    pub fn new(read: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Reads it now, on a thread that may wait.
    ///
    /// # Errors
    ///
    /// Why it cannot be read; never any of what was read.
    pub fn read(&self) -> Result<SecretString, String> {
        (self.0)()
    }
}

impl From<SecretString> for SecretSource {
    fn from(secret: SecretString) -> Self {
        Self::new(move || Ok(secret.clone()))
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSource(***)")
    }
}

/// A secret that is kept until it was refused, or a person saw to it.
#[derive(Debug)]
pub(crate) struct KeptSecret {
    source: SecretSource,
    /// Whether what was read is not to be used any more.
    is_stale: AtomicBool,
    read: Mutex<Option<SecretString>>,
}

impl KeptSecret {
    pub(crate) fn new(source: SecretSource) -> Self {
        Self { source, is_stale: AtomicBool::default(), read: Mutex::default() }
    }

    /// Returns it; what cannot be read is as good as refused.
    pub(crate) async fn get(&self) -> Result<SecretString, SyncError> {
        let mut kept = self.read.lock().await;
        if self.is_stale.swap(false, Ordering::AcqRel) {
            *kept = None;
        }
        if let Some(secret) = &*kept {
            return Ok(secret.clone());
        }
        let SecretSource(read) = self.source.clone();
        let read = tokio::task::spawn_blocking(move || read()).await;
        let refused = |why: String| SyncError::new(ErrorClass::Credential, "reading the credential", why);
        let secret = read.map_err(|error| refused(error.to_string()))?.map_err(refused)?;
        *kept = Some(secret.clone());
        Ok(secret)
    }

    pub(crate) fn forget(&self) {
        self.is_stale.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[tokio::test]
    async fn a_secret_is_read_once_and_again_when_it_was_refused() {
        let times = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&times);
        let kept = KeptSecret::new(SecretSource::new(move || match count.fetch_add(1, Ordering::SeqCst) {
            0 => Err("there is no file".to_owned()),
            n => Ok(format!("secret {n}").into()),
        }));
        let error = kept.get().await.unwrap_err();
        assert_eq!((error.class, &*error.detail), (ErrorClass::Credential, "there is no file"));
        for _ in 0..3 {
            assert_eq!(kept.get().await.unwrap().expose_secret(), "secret 1");
        }
        kept.forget();
        assert_eq!(kept.get().await.unwrap().expose_secret(), "secret 2");
        assert!(!format!("{kept:?}").contains("secret 2"));
    }
}
